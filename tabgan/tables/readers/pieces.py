"""Tables larger than memory: the rows of a file piece by piece, and their schema without them.

A piece is what the format's reader would make of those rows alone; ``TableSchema.conform`` with
the schema of the whole file makes all pieces alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabgan.errors import TabganError
from tabgan.tables.amounts import NumberForm
from tabgan.tables.date_forms import COMPACT_FORMATS, is_iso
from tabgan.tables.dates import plain_codes
from tabgan.tables.notes import tell_missing
from tabgan.tables.numbers import has_leading_zeros
from tabgan.tables.profile import (
    MOST_CATEGORIES,
    Written,
    in_order,
    infer_schema,
)
from tabgan.tables.readers.arff import BadRow, _finish, _gather, measured, open_rows
from tabgan.tables.readers.csv import (
    Content,
    Head,
    _read_text,
    _tidied,
    _typed,
    _untyped,
    check_index,
    end_of_rows,
    read_head,
)
from tabgan.tables.readers.gathering import gatherer_of
from tabgan.tables.readers.opening import check_file
from tabgan.tables.readers.parquet import _stored_schema, flat
from tabgan.tables.readers.text import TextStream, open_text
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
    path: Path,
    *,
    target: str | None = None,
    schema: TableSchema | None = None,
    index: str = "drop",
) -> tuple[TableSchema, int]:
    """The schema of all rows of a file, and how many they are; one piece is in memory at a time.

    The schema is the one given, or what the format's reader gives for a file whose pieces agree.
    Where they do not (numbers in one and words in another, leading zeros, dates of which only one
    piece tells day from month), what one has shown is held against all in another pass.

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
        return _inferred(path, target, index)
    return schema if target is None else schema.with_target(target), n_rows


class _Disagree(Exception):  # noqa: N818 - never leaves this file
    """A column is something else in one piece than in another."""

    def __init__(self, name: str, date_format: str | None = None) -> None:
        super().__init__(name)
        self.name, self.date_format = name, date_format


def _inferred(path: Path, target: str | None, index: str) -> tuple[TableSchema, int]:
    """The schema of all pieces, and their rows."""
    check_index(index)
    seen = _Seen()
    while True:
        try:
            schema, n_rows = _survey_once(path, target, index, seen)
        except _Disagree as error:
            seen = seen.with_news(error)
            continue
        tell_missing(schema, path)
        return schema, n_rows


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The facts of columns of text that the pieces so far have shown.

    Attributes:
        text: columns that are neither numbers nor dates.
        date_formats: how others write dates.
        is_first: whether there are none yet.
    """

    text: frozenset[str] = frozenset()
    is_first: bool = True
    date_formats: Mapping[str, str] = field(default_factory=dict)

    def with_news(self, news: _Disagree) -> _Seen:
        if news.date_format is None or news.name in self.date_formats:
            return replace(self, text=self.text | {news.name})
        return replace(self, date_formats={**self.date_formats, news.name: news.date_format})

    def of(self, name: str, written: Written) -> Written:
        return replace(
            written,
            is_text=name in self.text,
            date_format=self.date_formats.get(name),
            is_told=not self.is_first,
        )


def _survey_once(
    path: Path, target: str | None, index: str, seen: _Seen
) -> tuple[TableSchema, int]:
    n_rows = 0
    merged: dict[str, Column | None] = {}
    name, empty, indices = _stem(path), set(), set()
    for piece in _raw(path, seen=seen):
        if n_rows == 0:
            indices = {*piece.attrs.get("indices", ())} if index == "drop" else set()
        indices = {one for one in indices if piece[one].is_unique and not piece[one].isna().any()}
        n_rows += len(piece)
        schema = _schema_of(path, piece, target, seen)
        name, seen = schema.name, replace(seen, is_first=False)
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
        _settled(column, ordered=_is_arff(path))
        if column is not None
        else Column(name=label, kind="string", missing=True)
        for label, column in merged.items()
        if label not in indices or len(indices) == len(merged)
    )
    columns = tuple(replace(c, missing=True) if c.name in empty else c for c in columns)
    return TableSchema(name=name, columns=columns, target=target), n_rows


def _raw(
    path: Path, schema: TableSchema | None = None, *, seen: _Seen | None = None
) -> Iterator[pd.DataFrame]:
    """Pieces as they stand in the file; CSV as text, or without a schema as numbers if it can."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        pieces = _parquet_pieces(path)
    elif _is_arff(path):
        pieces = _arff_pieces(path)
    elif name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        pieces = _csv_pieces(path, schema, seen or _Seen())
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
    with open_text(path) as stream:
        header, chunks = open_rows(stream, path)
        for chunk in chunks:
            gatherers = [gatherer_of(attribute) for attribute in header.attributes]
            try:
                _gather(chunk, header, gatherers)
            except BadRow as error:
                raise TabganError(f"{path}, line {error.line}: {error}") from error
            piece, schema = _finish(header, gatherers, path)
            piece.attrs["schema"] = schema
            yield piece


def _csv_pieces(path: Path, schema: TableSchema | None, seen: _Seen) -> Iterator[pd.DataFrame]:
    """Raises ``_Disagree`` for leading zeros in a column of numbers, without a schema."""
    head: Head | None = None
    with open_text(path) as stream:
        for block in _blocks(path, stream):
            skipped = 0
            if head is None:
                head = read_head(path, block)
                skipped = head.n_lines
            file = Content(path, head, _tidied(block, head.delimiter), skipped)
            texts = _read_text(file)
            if schema is not None:
                yield _untyped(file, texts, schema)
                continue
            for name in texts:
                if name not in seen.text and has_leading_zeros(texts[name]):
                    raise _Disagree(name)
            piece, written = _typed(file, texts, seen.text)
            piece.attrs["written"] = written
            piece.attrs["indices"] = head.indices
            yield piece


def _blocks(path: Path, stream: TextStream) -> Iterator[bytes]:
    """Whole rows, some megabytes at a time: cut at a line end that stands in no quotes."""
    rest = b""
    while content := stream.read(BLOCK_BYTES):
        rest += content
        end = end_of_rows(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > MOST_BLOCKS * BLOCK_BYTES:
            raise TabganError(
                f"{path}: a quote is never closed; the table cannot be read in pieces"
            )
    if rest.strip(b" \r\n"):  # anything else is a value
        yield rest


def _stored(path: Path) -> TableSchema | None:
    """The schema that tabgan has written into a Parquet file."""
    try:
        return _stored_schema(pq.read_schema(path).empty_table())
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{path}: expected a Parquet file, got one with: {reason}") from error


def _schema_of(path: Path, piece: pd.DataFrame, target: str | None, seen: _Seen) -> TableSchema:
    declared: TableSchema | None = piece.attrs.get("schema")
    if declared is not None:
        return measured(piece, declared, lambda name: seen.of(name, Written()))
    of_file = piece.attrs.get("written", {})
    written = {name: seen.of(name, of_file.get(name, Written())) for name in map(str, piece)}
    keep = path.suffix.lower() == ".parquet"
    return infer_schema(piece, name=_stem(path), target=target, keep_dtypes=keep, written=written)


def _merged(mine: Column, other: Column, path: Path) -> Column:
    """One column of both pieces' values."""
    kinds = {mine.kind, other.kind}
    if kinds == {"nominal", "string"}:
        text = mine if mine.kind == "string" else other
        return replace(text, missing=mine.missing or other.missing)
    if mine.kind == "boolean" or other.kind == "boolean":
        mine, other = (replace(c, kind="nominal") if c.is_nominal else c for c in (mine, other))
    if (number := _number_after_all(mine, other)) is not None:
        return number
    if mine.is_measured != other.is_measured:
        raise _Disagree(mine.name)
    if kinds == {"date"} and mine.date_format != other.date_format:
        return _merged_dates(mine, other, path)
    if mine.is_number and other.is_number and not _is_arff(path):  # whose first rows show its form
        form = mine.number_form.joined(other.number_form)
        if form is None:
            raise _Disagree(mine.name)
        mine = replace(mine, number_format=None if form == NumberForm() else form.example)
    pair = [TableSchema(name="", columns=(column,)) for column in (mine, other)]
    try:
        (column,) = pair[0].widened(pair[1]).columns
    except TabganError as error:
        raise TabganError(
            f"{path}: column {mine.name!r}: {mine.kind} in some rows, {other.kind} in others; "
            "declare it in a schema file (data.schema_path)"
        ) from error
    missing = tuple(dict.fromkeys(mine.missing_values + other.missing_values))
    return replace(column, missing_values=missing)


def _number_after_all(mine: Column, other: Column) -> Column | None:
    """Numbers of which some pieces alone could be days (20141013); None for anything else."""
    dates = [c for c in (mine, other) if c.kind == "date" and c.date_format in COMPACT_FORMATS]
    numbers = [column for column in (mine, other) if column.is_number]
    if not (dates and numbers):
        return None
    return replace(numbers[0], missing=mine.missing or other.missing)


def _merged_dates(mine: Column, other: Column, path: Path) -> Column:
    """Dates of two forms: any of ISO 8601 will do, but offsets would be lost."""
    missing = mine.missing or other.missing
    formats = [column.date_format or "ISO 8601" for column in (mine, other)]
    if any(column.date_format and not is_iso(column.date_format) for column in (mine, other)):
        if plain_codes(formats[0]) != plain_codes(formats[1]):
            raise _Disagree(mine.name, other.date_format)
        return replace(max(mine, other, key=lambda c: len(c.date_format or "")), missing=missing)
    if any(re.search(r"%[MSf][Z+-]", date_format) for date_format in formats):
        raise TabganError(
            f"{path}: column {mine.name!r}: dates like {formats[0]} in some rows, like "
            f"{formats[1]} in others; declare it in a schema file (data.schema_path)"
        )
    return replace(mine, date_format=None, missing=missing)


def _settled(column: Column, *, ordered: bool) -> Column:
    """Categories as the whole file's would stand; too many of them are text."""
    if not column.is_nominal or ordered:
        return column
    if len(column.categories) > MOST_CATEGORIES:
        return replace(column, kind="string", categories=())
    labels = tuple(in_order(list(column.categories)))
    truth = {"true", "false"} == {label.lower() for label in labels} and len(labels) == 2
    return replace(column, categories=labels, kind="boolean" if truth else "nominal")


def _is_arff(path: Path) -> bool:
    return path.name.lower().endswith((".arff", ".arff.gz"))


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
