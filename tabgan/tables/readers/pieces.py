"""Tables larger than memory: the rows of a file piece by piece, and their schema without them.

A piece is what the format's reader would make of those rows alone; ``TableSchema.conform`` with
the schema of the whole file makes all pieces alike.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabgan.errors import TabganError
from tabgan.tables.numbers import has_leading_zeros
from tabgan.tables.profile import MOST_CATEGORIES, _in_order, infer_schema
from tabgan.tables.readers.arff import BadRow, _chunks, _finish, _gather, _lines
from tabgan.tables.readers.arff_header import parse_header
from tabgan.tables.readers.csv import (
    Content,
    _header,
    _read_text,
    _tidied,
    _typed,
    _untyped,
    delimiter_of,
)
from tabgan.tables.readers.gathering import gatherer_of
from tabgan.tables.readers.opening import check_file, open_bytes
from tabgan.tables.readers.parquet import _stored_schema, flat
from tabgan.tables.schema import Column, TableSchema

BLOCK_BYTES = 1 << 23  # of text, parsed together
MOST_BLOCKS = 8  # that a row may go on through, quoted line ends and all
PIECE_ROWS = 50_000  # of Parquet


def read_pieces(path: Path, schema: TableSchema) -> Iterator[pd.DataFrame]:
    """The rows of a file, in order, in the dtypes of ``schema``: its columns, its order.

    Raises:
        TabganError: as the format's reader does; a line is counted from its piece's first.
    """
    first_row = 0
    for piece in _raw(path, schema):
        try:
            yield schema.conform(piece)
        except TabganError as error:
            raise TabganError(f"{path}, from row {first_row} on: {error}") from error
        first_row += len(piece)


def survey(
    path: Path, *, target: str | None = None, schema: TableSchema | None = None
) -> tuple[TableSchema, int]:
    """The schema of all rows of a file, and how many they are; one piece is in memory at a time.

    The schema is the one given, or what the format's reader gives for a file whose pieces agree:
    a column that is text in one and numbers in another is refused, and wants a schema file. Only
    leading zeros in one make text of the numbers in all others, which takes another pass.

    Raises:
        TabganError: as the format's reader does; for a file without rows.
    """
    check_file(path)
    n_rows = 0
    if path.suffix.lower() == ".parquet" and (schema := schema or _stored(path)) is not None:
        n_rows = pq.read_metadata(path).num_rows
    elif schema is not None:
        n_rows = sum(map(len, _raw(path, schema)))
    else:
        return _inferred(path, target)
    return schema if target is None else schema.with_target(target), n_rows


def _inferred(
    path: Path, target: str | None, padded: Collection[str] = ()
) -> tuple[TableSchema, int]:
    """The schema of all pieces; columns that are ``padded`` hold text like 01067."""
    n_rows = 0
    merged: dict[str, Column | None] = {}
    name, empty = _stem(path), set()
    for piece in _raw(path, padded=padded):
        if new := piece.attrs.get("padded"):
            return _inferred(path, target, {*padded, *new})
        n_rows += len(piece)
        schema = _schema_of(path, piece, target)
        name = schema.name
        for column in schema.columns:
            values = piece[column.name]
            if values.isna().all():
                empty.add(column.name)
                merged.setdefault(column.name, None)
                continue
            before = merged.get(column.name)
            merged[column.name] = column if before is None else _merged(before, column, path)
    if not merged:
        raise TabganError(f"table {name!r}: no rows; at least 2 are needed")
    columns = tuple(
        _settled(column, ordered=path.name.lower().endswith((".arff", ".arff.gz")))
        if column is not None
        else Column(name=label, kind="string", missing=True)
        for label, column in merged.items()
    )
    columns = tuple(replace(c, missing=True) if c.name in empty else c for c in columns)
    return TableSchema(name=name, columns=columns, target=target), n_rows


def _raw(
    path: Path, schema: TableSchema | None = None, *, padded: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """Pieces as they stand in the file; CSV as text, or without a schema as numbers if it can."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        pieces = _parquet_pieces(path)
    elif name.endswith((".arff", ".arff.gz")):
        pieces = _arff_pieces(path)
    elif name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        pieces = _csv_pieces(path, schema, padded)
    else:
        raise TabganError(f"{path}: expected a file ending in .csv, .tsv, .arff, .gz or .parquet")
    return (piece for piece in pieces if len(piece))


def _parquet_pieces(path: Path) -> Iterator[pd.DataFrame]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(PIECE_ROWS):
                yield flat(batch.to_pandas())
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{path}: expected a Parquet file, got one with: {reason}") from error


def _arff_pieces(path: Path) -> Iterator[pd.DataFrame]:
    encoding = _encoding_of(path)
    with open_bytes(path) as stream:
        header = parse_header(_lines(stream, encoding), path)
        for chunk in _chunks(stream, header.n_lines + 1, encoding):
            gatherers = [gatherer_of(attribute) for attribute in header.attributes]
            try:
                _gather(chunk, header, gatherers)
            except BadRow as error:
                raise TabganError(f"{path}, line {error.line}: {error}") from error
            piece, schema = _finish(header, gatherers, path)
            piece.attrs["schema"] = schema
            yield piece


def _csv_pieces(
    path: Path, schema: TableSchema | None, padded: Collection[str]
) -> Iterator[pd.DataFrame]:
    """Without a schema ``attrs["padded"]`` of a piece names further columns of leading zeros."""
    encoding = _encoding_of(path)
    names: tuple[str, ...] = ()
    delimiter, n_header_lines = ",", 0
    with open_bytes(path) as stream:
        for place, block in enumerate(_blocks(path, stream)):
            text = block.decode(encoding).encode() if encoding != "utf-8" else block
            if place == 0:
                text = text.removeprefix(codecs.BOM_UTF8)
                head = text.decode("utf-8")
                first = next((line for line in head.splitlines() if line.strip()), None)
                if first is None:
                    raise TabganError(f"{path}: the file is empty; expected a header line")
                delimiter = delimiter_of(first)
                names, n_header_lines = _header(path, head, delimiter)
            skipped = n_header_lines if place == 0 else 0
            content = Content(path, _tidied(text, delimiter), delimiter, names, skipped)
            texts = _read_text(content)
            if schema is not None:
                yield _untyped(texts, delimiter, schema)
                continue
            piece = _typed(texts, delimiter, padded)
            others = (name for name in texts if name not in padded)
            piece.attrs["padded"] = [name for name in others if has_leading_zeros(texts[name])]
            yield piece


def _blocks(path: Path, stream: Any) -> Iterator[bytes]:
    """Whole rows, some megabytes at a time: cut at a line end that stands in no quotes."""
    rest = b""
    while content := stream.read(BLOCK_BYTES):
        rest += content
        end = _end_of_rows(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > MOST_BLOCKS * BLOCK_BYTES:
            raise TabganError(
                f"{path}: a quote is never closed; the table cannot be read in pieces"
            )
    if rest.strip(b" \r\n"):  # anything else is a value
        yield rest


def _end_of_rows(content: bytes) -> int:
    """Where the last line ends before which quotes are closed; 0 for nowhere."""
    quotes, end = content.count(b'"'), len(content)
    while (found := content.rfind(b"\n", 0, end)) >= 0:
        quotes -= content.count(b'"', found, end)
        if quotes % 2 == 0:
            return found + 1
        end = found
    return 0


def _encoding_of(path: Path) -> str:
    """utf-8, or latin-1 where the bytes are not that."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bytes(path) as stream:
        try:
            while block := stream.read(BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"


def _stored(path: Path) -> TableSchema | None:
    """The schema that tabgan has written into a Parquet file."""
    try:
        return _stored_schema(pq.read_schema(path).empty_table())
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{path}: expected a Parquet file, got one with: {reason}") from error


def _schema_of(path: Path, piece: pd.DataFrame, target: str | None) -> TableSchema:
    declared: TableSchema | None = piece.attrs.get("schema")
    if declared is not None:
        return declared
    keep = path.suffix.lower() == ".parquet"
    return infer_schema(piece, name=_stem(path), target=target, keep_dtypes=keep)


def _merged(mine: Column, other: Column, path: Path) -> Column:
    """One column of both pieces' values."""
    kinds = {mine.kind, other.kind}
    if kinds == {"nominal", "string"}:
        text = mine if mine.kind == "string" else other
        return replace(text, missing=mine.missing or other.missing)
    if mine.kind == "boolean" or other.kind == "boolean":
        mine, other = (replace(c, kind="nominal") if c.is_nominal else c for c in (mine, other))
    if kinds == {"date"} and mine.date_format != other.date_format:
        return _merged_dates(mine, other, path)
    pair = [TableSchema(name="", columns=(column,)) for column in (mine, other)]
    try:
        (column,) = pair[0].widened(pair[1]).columns
    except TabganError as error:
        raise TabganError(
            f"{path}: column {mine.name!r}: {mine.kind} in some rows, {other.kind} in others; "
            "declare it in a schema file (data.schema_path)"
        ) from error
    return column


def _merged_dates(mine: Column, other: Column, path: Path) -> Column:
    """ISO 8601 dates of two forms: any form will do, but offsets would be lost."""
    formats = [column.date_format or "ISO 8601" for column in (mine, other)]
    if any(re.search(r"%[MSf][Z+-]", date_format) for date_format in formats):
        raise TabganError(
            f"{path}: column {mine.name!r}: dates like {formats[0]} in some rows, like "
            f"{formats[1]} in others; declare it in a schema file (data.schema_path)"
        )
    return replace(mine, date_format=None, missing=mine.missing or other.missing)


def _settled(column: Column, *, ordered: bool) -> Column:
    """Categories as the whole file's would stand; too many of them are text."""
    if not column.is_nominal or ordered:
        return column
    if len(column.categories) > MOST_CATEGORIES:
        return replace(column, kind="string", categories=())
    labels = tuple(_in_order(list(column.categories)))
    truth = {"true", "false"} == {label.lower() for label in labels} and len(labels) == 2
    return replace(column, categories=labels, kind="boolean" if truth else "nominal")


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
