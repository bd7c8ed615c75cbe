"""CSV files: comma, semicolon or tab between values, a header in the first line."""

from __future__ import annotations

import codecs
import csv
import io
import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tabgan.errors import TabganError
from tabgan.tables.numbers import has_leading_zeros, number_series, parse_numbers
from tabgan.tables.profile import infer_schema
from tabgan.tables.readers.opening import open_bytes
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

DELIMITERS = (",", ";", "\t")
MISSING = ("", "?", "NA", "NaN", "nan", "null", "NULL")
DECIMAL_COMMA = r"^([+-]?\d*),(\d+)$"


@dataclass(frozen=True)
class Content:
    """A CSV file in memory, as UTF-8 without a byte order mark."""

    path: Path
    content: bytes
    delimiter: str
    names: tuple[str, ...]
    n_header_lines: int


def read_csv(
    path: str | Path, *, target: str | None = None, schema: TableSchema | None = None
) -> tuple[pd.DataFrame, TableSchema]:
    """The table in a CSV file, and its schema, inferred where none is given.

    An empty value, ``?``, ``NA``, ``NaN`` and ``null`` are missing, in quotes only the empty one.
    Spaces around a value are taken off, unless it stands in double quotes. The delimiter (comma,
    semicolon or tab) is the one that the header uses most. Bytes that are not UTF-8 are read as
    Latin-1, with a warning. Numbers one of which has leading zeros (01067) are text, unless a
    schema says otherwise. Between semicolons numbers may have decimal commas, which nothing but a
    note in the log remembers.

    Args:
        path: a ``.csv``, ``.csv.gz``, ``.tsv`` or ``.tsv.gz`` file.
        target: the name of the column to predict, or None.
        schema: what to use in place of the inferred schema; columns it does not name are left
            out.

    Raises:
        TabganError: when the file is absent, damaged or empty, a name stands twice in the header
            or not at all, a row has too many or too few values (with its line), or a value does
            not fit ``schema``.
    """
    path = Path(path)
    file = _open(path)
    text = _read_text(file)
    try:
        if schema is None:
            table = _typed(text, file.delimiter)
            _tell_commas(path, text, table)
            schema = infer_schema(table, name=_stem(path), target=target, keep_dtypes=False)
        else:
            table = _untyped(text, file.delimiter, schema)
            schema = schema if target is None else schema.with_target(target)
        return schema.conform(table), schema
    except TabganError as error:
        raise TabganError(f"{path}: {error}") from error


def _typed(
    text: dict[str, pa.Array], delimiter: str, as_text: Collection[str] = ()
) -> pd.DataFrame:
    """Columns of numbers where all values are such; others, and ``as_text``, as they are."""
    return pd.DataFrame(
        {n: _text(v) if n in as_text else _numbers_or_text(v, delimiter) for n, v in text.items()}
    )


def _untyped(text: dict[str, pa.Array], delimiter: str, schema: TableSchema) -> pd.DataFrame:
    """The text that ``schema.conform`` parses."""
    numbers = {column.name for column in schema.columns if column.is_number}
    with_commas = numbers if delimiter == ";" else set()
    return pd.DataFrame({n: _text(_pointed(v) if n in with_commas else v) for n, v in text.items()})


def _tell_commas(path: Path, text: dict[str, pa.Array], table: pd.DataFrame) -> None:
    numbers = [name for name in text if pd.api.types.is_numeric_dtype(table[name])]
    if commas := [name for name in numbers if _has_commas(text[name])]:
        log.info("%s: decimal commas, written as points later: %s", path, ", ".join(commas))


def _has_commas(values: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring(values, ",")).as_py())


def _pointed(values: pa.Array) -> pa.Array:
    """1,67 as 1.67."""
    if not _has_commas(values):
        return values
    return pc.replace_substring_regex(values, DECIMAL_COMMA, r"\1.\2")


def _numbers_or_text(values: pa.Array, delimiter: str) -> pd.Series:
    numbers, wrong = parse_numbers(_pointed(values) if delimiter == ";" else values)
    if wrong.any() or values.null_count == len(values) or has_leading_zeros(values):
        return _text(values)
    return number_series(numbers)


def _text(values: pa.Array) -> pd.Series:
    return values.to_pandas().astype("str")


def _open(path: Path) -> Content:
    with open_bytes(path) as stream:
        content = stream.read().removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        log.warning("%s: the bytes are not UTF-8; read as Latin-1", path)
        text = content.decode("latin-1")
        content = text.encode()
    header = next((line for line in io.StringIO(text) if line.strip()), None)
    if header is None:
        raise TabganError(f"{path}: the file is empty; expected a header line")
    delimiter = delimiter_of(header)
    names, n_lines = _header(path, text, delimiter)
    return Content(path, _tidied(content, delimiter), delimiter, names, n_lines)


def delimiter_of(header: str) -> str:
    """Of comma, semicolon and tab the one that a header uses most, outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(DELIMITERS, key=bare.count)  # the first of them where there is none


def _header(path: Path, text: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    try:
        names = tuple(name.strip() for name in next(row for row in reader if row))
    except csv.Error as error:
        raise TabganError(f"{path}: not a CSV file: {error}") from error
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise TabganError(f"{path}, line {reader.line_num}: duplicate column names: {twice}")
    if "" in names:
        raise TabganError(
            f"{path}, line {reader.line_num}: column {names.index('') + 1} of {len(names)} has no "
            "name; was the table saved with its row numbers?"
        )
    return names, reader.line_num


def _tidied(content: bytes, delimiter: str) -> bytes:
    """The content without spaces around values; Arrow keeps them, and what quotes follow them.

    A quote opens only where a value begins; anywhere else it is a character like any other.
    """
    mark = re.escape(delimiter.encode())
    spaces = rb" +(?=[%b\r\n]|$)|(?<![^%b\r\n]) +" % (mark, mark)
    if b" " not in content or not re.search(spaces, content):
        return content
    quoted = rb'(?<![^%b\r\n]) *+(?P<kept>"(?:[^"]++|"")*+")' % mark
    return re.sub(rb"%b|%b" % (quoted, spaces), lambda m: m["kept"] or b"", content)


def _read_text(file: Content) -> dict[str, pa.Array]:
    """Each column as text, null where missing."""
    try:
        table = pacsv.read_csv(
            pa.BufferReader(file.content),
            read_options=pacsv.ReadOptions(
                column_names=list(file.names),
                skip_rows=file.n_header_lines,
                block_size=len(file.content) + 1,
            ),
            parse_options=pacsv.ParseOptions(delimiter=file.delimiter, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in file.names},
                null_values=list(MISSING),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        return _no_rows_or_refused(file, str(error))
    return {name: _without_empty(table[name].combine_chunks()) for name in file.names}


def _without_empty(values: pa.Array) -> pa.Array:
    """Missing values of tables that were saved with quotes around everything."""
    return pc.if_else(pc.equal(values, ""), None, values)


def _no_rows_or_refused(file: Content, reason: str) -> dict[str, pa.Array]:
    lines = file.content.splitlines()[file.n_header_lines :]
    if not any(line.strip() for line in lines):
        return {name: pa.array([], type=pa.string()) for name in file.names}
    _check_widths(file)
    raise TabganError(f"{file.path}: not a CSV file: {reason}")


def _check_widths(file: Content) -> None:
    reader = csv.reader(io.StringIO(file.content.decode("utf-8")), delimiter=file.delimiter)
    expected = len(file.names)
    try:
        for row in reader:
            if row and len(row) != expected:
                raise TabganError(
                    f"{file.path}, line {reader.line_num}: expected {expected} values, "
                    f"got {len(row)}"
                )
    except csv.Error as error:
        raise TabganError(f"{file.path}, line {reader.line_num}: {error}") from error


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
