"""CSV files: comma, semicolon, tab or bar between values, a header in the first line."""

from __future__ import annotations

import csv
import io
import itertools
import logging
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tabgan.errors import TabganError
from tabgan.tables.amounts import NumberForm, plain_number_form
from tabgan.tables.dtypes import TEXT
from tabgan.tables.markers import MARKERS
from tabgan.tables.notes import tell_missing
from tabgan.tables.numbers import has_leading_zeros, number_series, parse_numbers
from tabgan.tables.profile import Written, infer_schema
from tabgan.tables.readers.text import TextStream, read_text
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

DELIMITERS = (",", ";", "\t", "|")
DECIMAL_COMMA = r"^([+-]?\d*),(\d+)$"
COUNTRY_CODE = re.compile("[A-Z]{2}")  # of which NA is one
UNNAMED = re.compile(r"Unnamed: 0(?:\.\d+)*")  # what pandas calls an index without a name

# a spreadsheet that has written the file again has filled its line up with separators
_SEPARATOR_LINE = re.compile(
    rb'"?sep=(?P<delimiter>[^\s\w"]|\t)"?(?:(?P=delimiter)|[ ,])*(?:\r\n?|\n)', re.IGNORECASE
)
_BLOCK = 1 << 20  # bytes of a CSV parsed together, in search of missing cells


@dataclass(frozen=True)
class Head:
    """The head of a CSV file: separator, names, first rows.

    Attributes:
        delimiter: between values.
        names: of the columns; an empty one is called ``Unnamed: <position>``.
        n_lines: lines up to and with the header.
    """

    delimiter: str
    names: tuple[str, ...]
    n_lines: int

    @property
    def indices(self) -> list[str]:
        """The columns at the front that pandas has written an index to, and written again."""
        n = next((i for i, name in enumerate(self.names) if not UNNAMED.fullmatch(name)), 0)
        return list(self.names[:n])


@dataclass(frozen=True)
class Content:
    """Rows of a CSV file in memory, as UTF-8 without blanks around values.

    Attributes:
        path: the file.
        head: how it begins.
        content: the rows, or all of the file.
        n_skipped: lines of ``content`` that are no rows.
    """

    path: Path
    head: Head
    content: bytes
    n_skipped: int = 0


def read_csv(
    path: str | Path,
    *,
    target: str | None = None,
    schema: TableSchema | None = None,
    index: str = "drop",
) -> tuple[pd.DataFrame, TableSchema]:
    """The table in a CSV file, and its schema, inferred where none is given.

    An empty value is missing, and unquoted so is ``NA``, ``N/A``, ``null``, ``?`` and what else
    ``tables.markers`` lists; but NA among two-letter codes is a country. Spaces around a value are
    taken off, unless it stands in double quotes. The delimiter (comma, semicolon, tab or bar) is
    the one that the header uses most, or that a first line ``sep=;`` names. Bytes that are not
    UTF-8 and have no byte order mark are read as Windows-1252, with a warning. Numbers one of
    which has leading zeros (01067) are text, unless a schema says otherwise. Between semicolons
    numbers may have decimal commas.

    Args:
        path: a ``.csv``, ``.csv.gz``, ``.tsv`` or ``.tsv.gz`` file.
        target: the name of the column to predict, or None.
        schema: what to use in place of the inferred schema; columns it does not name are left
            out.
        index: "drop" leaves out a first column without a name whose values are all different,
            which is an index that was written with the table; "keep" keeps it.

    Raises:
        TabganError: when the file is absent, damaged or empty, a name stands twice in the header,
            a row has too many or too few values (with its line), or a value does not fit
            ``schema``.
    """
    path = Path(path)
    file = _open(path)
    text = _read_text(file)
    try:
        if schema is None:
            table, written = _typed(file, text)
            table = _without_index(file, table, index)
            schema = infer_schema(
                table, name=_stem(path), target=target, keep_dtypes=False, written=written
            )
            tell_missing(schema, path)
        else:
            table = _untyped(file, text, schema)
            schema = schema if target is None else schema.with_target(target)
        return schema.conform(table), schema
    except TabganError as error:
        raise TabganError(f"{path}: {error}") from error


def read_cells(path: Path) -> pd.DataFrame:
    """The cells of a CSV file as the text that stands there."""
    file = _open(path)
    return pd.DataFrame(
        {name: _text(values) for name, values in _as_written(file, file.head.names).items()}
    )


def _typed(
    file: Content, text: dict[str, pa.Array], as_text: Collection[str] = ()
) -> tuple[pd.DataFrame, dict[str, Written]]:
    """Columns of numbers where all values are such; others, and ``as_text``, as they are."""
    missing = _missing_texts(file, text)
    text = _with_countries(file, text, missing)
    found = {
        n: _text_column(v) if n in as_text else _numbers_or_text(v, file.head.delimiter)
        for n, v in text.items()
    }
    written = {
        n: Written(missing=missing.get(n, "") if text[n].null_count else "", number_form=form)
        for n, (_, form) in found.items()
    }
    return pd.DataFrame({name: values for name, (values, _) in found.items()}), written


def _untyped(file: Content, text: dict[str, pa.Array], schema: TableSchema) -> pd.DataFrame:
    """The text that ``schema.conform`` parses."""
    columns = {column.name: column for column in schema.columns if column.name in text}
    with_na = [
        n for n, c in columns.items() if "NA" in c.categories and _are_countries(c.categories)
    ]
    again = [name for name in with_na if text[name].null_count]
    for name, cells in _as_written(file, again).items() if again else ():
        is_country = pc.and_(text[name].is_null(), pc.equal(cells, "NA"))
        text[name] = pc.if_else(is_country, cells, text[name])
    with_commas = {n for n, c in columns.items() if c.is_number and c.number_format is None}
    with_commas = with_commas if file.head.delimiter == ";" else set()
    return pd.DataFrame({n: _text(_pointed(v) if n in with_commas else v) for n, v in text.items()})


def _without_index(file: Content, table: pd.DataFrame, index: str) -> pd.DataFrame:
    """The table without a first column that numbers or names its rows and has no name."""
    check_index(index)
    found = [n for n in file.head.indices if table[n].is_unique and not table[n].isna().any()]
    if index == "keep" or not found or len(found) == len(table.columns):
        return table
    log.info("%s: the first column has no name and is an index: left out", file.path)
    return table.drop(columns=found)


def check_index(index: str) -> None:
    """Refuse what is neither drop nor keep."""
    if index not in ("drop", "keep"):
        raise TabganError(f"data.index={index}: expected drop or keep")


def _has_commas(values: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring(values, ",")).as_py())


def _pointed(values: pa.Array) -> pa.Array:
    """1,67 as 1.67."""
    if not _has_commas(values):
        return values
    return pc.replace_substring_regex(values, DECIMAL_COMMA, r"\1.\2")


def _numbers_or_text(values: pa.Array, delimiter: str) -> tuple[pd.Series, NumberForm | None]:
    """Plain numbers and how they are written, or the text."""
    with_commas = delimiter == ";" and _has_commas(values)
    pointed = _pointed(values) if with_commas else values
    numbers, wrong = parse_numbers(pointed)
    if wrong.any() or values.null_count == len(values) or has_leading_zeros(values):
        return _text_column(values)
    form = plain_number_form(pointed) if pa.types.is_floating(numbers.type) else None
    if with_commas:
        form = NumberForm(mark=",", least=form.least if form else 0)
    return number_series(numbers), form


def _text_column(values: pa.Array) -> tuple[pd.Series, None]:
    return _text(values), None


def _text(values: pa.Array) -> pd.Series:
    return values.to_pandas().astype(TEXT)


def _open(path: Path) -> Content:
    def read(stream: TextStream) -> tuple[Head, bytes]:
        content = stream.read()
        return read_head(path, content), content

    head, content = read_text(path, read)
    return Content(path, head, _tidied(content, head.delimiter), head.n_lines)


def csv_head(path: Path) -> Head:
    """The head of a CSV file: separator, names, first rows."""
    return read_text(path, lambda stream: read_head(path, stream.read(_BLOCK)))


def read_head(path: Path, content: bytes) -> Head:
    """The head of a CSV file, from its first rows or all of them.

    Raises:
        TabganError: for an empty file, or a name that stands twice.
    """
    said = _SEPARATOR_LINE.match(content)
    rows = content[said.end() :] if said else content
    lines = io.TextIOWrapper(io.BytesIO(rows), "utf-8", newline="")
    header = next((line for line in lines if line.strip()), None)
    if header is None:
        raise TabganError(f"{path}: the file is empty; expected a header line")
    delimiter = said["delimiter"].decode("utf-8") if said else delimiter_of(header)
    lines.seek(0)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        header_row = next(row for row in reader if row)
        n_lines = reader.line_num + (said is not None)
        first_rows = list(itertools.islice((row for row in reader if row), 2))
    except csv.Error as error:
        raise TabganError(f"{path}: not a CSV file: {error}") from error
    names = _names([name.strip() for name in header_row], first_rows)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TabganError(f"{path}, line {n_lines}: duplicate column names: {twice}")
    return Head(delimiter, names, n_lines)


def _names(header: list[str], first_rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A name for each column, also where the rows have one more: an index, or an empty one."""
    widths = {len(row) for row in first_rows}
    if widths == {len(header) + 1}:  # R writes row names so; others end rows in a delimiter
        ends_empty = not any(row[-1].strip() for row in first_rows)
        header = [*header, ""] if ends_empty else ["", *header]
    elif widths == {len(header) - 1} and not header[-1]:
        header = header[:-1]
    return tuple(name or f"Unnamed: {position}" for position, name in enumerate(header))


def delimiter_of(header: str) -> str:
    """Of comma, semicolon, tab and bar the one that a header uses most, outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(DELIMITERS, key=bare.count)  # the first of them where there is none


def _tidied(content: bytes, delimiter: str) -> bytes:
    """The content without spaces around values; Arrow keeps them, and what quotes follow them.

    A quote opens only where a value begins; anywhere else it is a character like any other.
    """
    around = (delimiter.encode(), b"\n", b"\r")
    at_ends = content.startswith(b" ") or content.endswith(b" ")
    if not at_ends and not any(b" " + m in content or m + b" " in content for m in around):
        return content
    mark = re.escape(delimiter.encode())
    spaces = rb" +(?=[%b\r\n]|$)|(?<![^%b\r\n]) +" % (mark, mark)
    quoted = rb'(?<![^%b\r\n]) *+(?P<kept>"(?:[^"]++|"")*+")' % mark
    return re.sub(rb"%b|%b" % (quoted, spaces), lambda m: m["kept"] or b"", content)


def _read_text(file: Content) -> dict[str, pa.Array]:
    """Each column as text, null where missing."""
    text = _parsed(file, file.head.names, missing=True)
    # missing values of tables that were saved with quotes around everything
    return {name: pc.if_else(pc.equal(v, ""), None, v) for name, v in text.items()}


def _as_written(file: Content, names: Sequence[str]) -> dict[str, pa.Array]:
    """Some columns as the text that stands in the file, markers of missing cells too."""
    return _parsed(file, names, missing=False)


def _parsed(file: Content, names: Sequence[str], *, missing: bool) -> dict[str, pa.Array]:
    try:
        table = pacsv.read_csv(
            pa.BufferReader(file.content),
            read_options=pacsv.ReadOptions(
                column_names=list(file.head.names),
                skip_rows=file.n_skipped,
                block_size=len(file.content) + 1,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=file.head.delimiter, newlines_in_values=True
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                include_columns=list(names),
                null_values=list(MARKERS),
                strings_can_be_null=missing,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        return _no_rows_or_refused(file, names, str(error))
    return {name: table[name].combine_chunks() for name in names}


def _missing_texts(file: Content, text: dict[str, pa.Array]) -> dict[str, str]:
    """What the missing cells of each column are written as, most of them where several occur.

    The first rows say so, where there are any missing cells among them.
    """
    wanted = [name for name, values in text.items() if values.null_count]
    end = end_of_rows(file.content[:_BLOCK]) if len(file.content) > _BLOCK else 0
    first = replace(file, content=file.content[:end]) if end else file
    found: dict[str, str] = {}
    for part in (first, file):
        left = [name for name in wanted if name not in found]
        for name, cells in _as_written(part, left).items() if left else ():
            mine = cells.filter(text[name].slice(0, len(cells)).is_null())
            if len(mine):
                found[name] = _most_frequent(mine)
    return found


def _most_frequent(texts: pa.Array) -> str:
    values, counts = texts.value_counts().flatten()
    return str(values[int(counts.to_numpy().argmax())])


def _with_countries(
    file: Content, text: dict[str, pa.Array], missing: dict[str, str]
) -> dict[str, pa.Array]:
    """The columns, in which NA is Namibia or North America where all others are such codes.

    Changes ``missing``.
    """
    found = [name for name in missing if _are_country_codes(text[name])]
    for name, cells in _as_written(file, found).items() if found else ():
        is_country = pc.and_(text[name].is_null(), pc.equal(cells, "NA"))
        if not pc.any(is_country).as_py():
            continue
        log.info("%s: column %r holds codes of two letters: NA is one of them", file.path, name)
        text = text | {name: pc.if_else(is_country, cells, text[name])}
        others = cells.filter(text[name].is_null())
        missing[name] = _most_frequent(others) if len(others) else ""
    return text


def _are_country_codes(values: pa.Array) -> bool:
    if not pc.all(pc.equal(pc.binary_length(values), 2)).as_py():
        return False
    return _are_countries(values.unique().drop_null().to_pylist())


def _are_countries(labels: Collection[str]) -> bool:
    return len(labels) > 1 and all(COUNTRY_CODE.fullmatch(label) for label in labels)


def _no_rows_or_refused(file: Content, names: Sequence[str], reason: str) -> dict[str, pa.Array]:
    lines = file.content.splitlines()[file.n_skipped :]
    if not any(line.strip() for line in lines):
        return {name: pa.array([], type=pa.string()) for name in names}
    _check_widths(file)
    raise TabganError(f"{file.path}: not a CSV file: {reason}")


def _check_widths(file: Content) -> None:
    lines = io.StringIO(file.content.decode("utf-8"), newline="")
    reader = csv.reader(lines, delimiter=file.head.delimiter)
    expected = len(file.head.names)
    try:
        for row in reader:
            if row and len(row) != expected and reader.line_num > file.n_skipped:
                raise TabganError(
                    f"{file.path}, line {reader.line_num}: expected {expected} values, "
                    f"got {len(row)}"
                )
    except csv.Error as error:
        raise TabganError(f"{file.path}, line {reader.line_num}: {error}") from error


def end_of_rows(content: bytes) -> int:
    """The end of the last line before which quotes are closed; 0 for none."""
    return _end_of_rows(content, b"\n") or _end_of_rows(content, b"\r")


def _end_of_rows(content: bytes, end_of_line: bytes) -> int:
    quotes, end = content.count(b'"'), len(content)
    while (found := content.rfind(end_of_line, 0, end)) >= 0:
        quotes -= content.count(b'"', found, end)
        if quotes % 2 == 0:
            return found + 1
        end = found
    return 0


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
