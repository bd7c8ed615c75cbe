r"""ARFF files: dense ones at the speed of Arrow's CSV parser, all others through liac-arff.

The file is read in chunks of a megabyte. A chunk without escapes, and with at most one kind
of quote around its values, is a piece of CSV. Any other chunk (sparse rows, ``\'``, both kinds of
quotes, tabs) is cut into values by liac-arff. Either way a value is compared with what the header
declares for its column, and an error names the line of the file.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import arff
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tabgan.errors import TabganError
from tabgan.tables.notes import tell_missing
from tabgan.tables.profile import Written, measured_column
from tabgan.tables.readers.arff_header import QUOTED, Header, parse_header
from tabgan.tables.readers.gathering import Gatherer, Numbers, Unfit, gatherer_of
from tabgan.tables.readers.text import TextStream, read_text
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

WEIGHT = "weight"  # the column of instance weights
CHUNK_BYTES = 1 << 22
HEAD_BYTES = 1 << 16  # that show how numbers are written
BLOCKS = 4  # pieces of a chunk that Arrow's threads share; a row longer than one goes to liac-arff
# what a chunk may hold and be read as it is; spaces and quotes need a look at their positions, and
# with a backslash, a brace, a tab or a control character in it liac-arff reads the chunk
ORDINARY = bytes(sorted({*b"\n", *range(33, 127), *range(128, 256)} - set(b"'\"\\{}")))
SHOWN = 60  # characters of a bad line that an error repeats

_SKIPPED = re.compile(rb"^ *(?:%.*)?\n", re.MULTILINE)  # comments and blank lines
# possessive, because a chunk that is no CSV would otherwise be tried in very many ways
_SIMPLE = {
    b"'": re.compile(rb"""(?:[ ]*+(?:'[^'\n]*+'|[^ ,'"\n]*+)[ ]*+[,\n])*+"""),
    b'"': re.compile(rb"""(?:[ ]*+(?:"[^"\n]*+"|[^ ,'"\n]*+)[ ]*+[,\n])*+"""),
}
_TOKEN = rf"""\s*(?:{QUOTED}|[^\s,"'{{}}]*)\s*"""
_QUOTED = re.compile(QUOTED)
_WEIGHT = re.compile(rb"[ \t]*,[ \t]*\{[ \t]*(?P<weight>[\d.eE+-]+)[ \t]*\}[ \t]*$", re.MULTILINE)
_DENSE_ROW = re.compile(rf"{_TOKEN}(?:,{_TOKEN})*")


@dataclass(frozen=True)
class Chunk:
    """A piece of the data section: whole lines, each ended by a line feed, in UTF-8."""

    first_line: int  # of the file, from 1
    content: bytes
    is_first: bool = False  # of the file

    def rows(self) -> list[tuple[int, str]]:
        """Line number and text of each row, comments and blank lines left out."""
        lines = self.content.decode("utf-8").split("\n")
        numbered = enumerate(map(str.strip, lines), start=self.first_line)
        return [(number, line) for number, line in numbered if line and line[0] != "%"]


class BadRow(Exception):  # noqa: N818 - never leaves this file, which adds the file's name
    """A row that is not as it must be, in some line of the file."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read_arff(
    path: str | Path, *, target: str | None = None, schema: TableSchema | None = None
) -> tuple[pd.DataFrame, TableSchema]:
    """The table in an ARFF file, and its schema.

    Nominal columns keep the file's labels in the file's order. A numeric column whose values are
    all whole becomes ``integer``; strings that are all numbers or dates are such. Instance weights
    become a column ``weight``. Bytes that are not UTF-8 and have no byte order mark are read as
    Windows-1252, with a warning; so is NA where a number, a date or a declared label should be,
    as missing.

    Args:
        path: an ``.arff`` or ``.arff.gz`` file.
        target: the name of the column to predict, or None.
        schema: what to use in place of the file's own declarations; columns it does not name are
            left out.

    Raises:
        TabganError: when the file is absent, damaged, not ARFF, or holds a value that does not
            fit its column; the message names file, line, column and value.
    """
    path = Path(path)
    table, declared = read_text(path, lambda stream: _read(stream, path))
    if schema is not None:
        table, declared = schema.conform(table), schema
    else:
        declared = measured(table, declared, lambda _: Written())
        table = declared.conform(table)
        tell_missing(declared, path)
    return table, declared if target is None else declared.with_target(target)


def arff_names(path: Path) -> tuple[str, ...]:
    """The columns of an ARFF file, one of its weights too."""
    header, _ = read_text(path, lambda stream: open_rows(stream, path))
    return tuple(attribute.name for attribute in header.attributes)


def measured(
    table: pd.DataFrame, schema: TableSchema, written: Callable[[str], Written]
) -> TableSchema:
    """The schema, in which strings that are all numbers or dates are such."""
    found = {
        column.name: measured_column(column.name, table[column.name], written(column.name))
        for column in schema.columns
        if column.kind == "string"
    }
    return replace(schema, columns=tuple(found.get(c.name) or c for c in schema.columns))


def _read(stream: TextStream, path: Path) -> tuple[pd.DataFrame, TableSchema]:
    header, chunks = open_rows(stream, path)
    gatherers = [gatherer_of(attribute) for attribute in header.attributes]
    for chunk in chunks:
        try:
            _gather(chunk, header, gatherers)
        except BadRow as error:
            raise TabganError(f"{path}, line {error.line}: {error}") from error
    return _finish(header, gatherers, path)


def open_rows(stream: TextStream, path: Path) -> tuple[Header, Iterator[Chunk]]:
    """The header of a file, and the chunks of its rows; weights are a column of both."""
    header = parse_header((line.decode() for line in iter(stream.readline, b"")), path)
    chunks = _chunks(stream, header.n_lines + 1)
    first = next(chunks, None)
    if first is None:
        return header, iter(())
    chunks = itertools.chain([first], chunks)
    if not _WEIGHT.search(first.content):
        return header, chunks
    position, weighted = len(header.attributes), header.with_number(WEIGHT)
    log.warning(
        "%s: instance weights are read as a column %r like any other; data.drop=[%s] leaves it out",
        path, weighted.attributes[-1].name, weighted.attributes[-1].name,
    )  # fmt: skip
    return weighted, (_with_weights(chunk, position) for chunk in chunks)


def _finish(
    header: Header, gatherers: Sequence[Gatherer], path: Path
) -> tuple[pd.DataFrame, TableSchema]:
    try:
        found = [gatherer.finish() for gatherer in gatherers]
        columns = tuple(column for column, _ in found)
        schema = TableSchema(name=header.relation, columns=columns)
    except TabganError as error:
        raise TabganError(f"{path}: {error}") from error
    return pd.DataFrame({column.name: values for column, values in found}, copy=False), schema


def _chunks(stream: TextStream, first_line: int) -> Iterator[Chunk]:
    position = 0
    while content := stream.read(CHUNK_BYTES):
        content += stream.readline()
        if b"\r" in content:
            content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not content.endswith(b"\n"):
            content += b"\n"
        yield Chunk(first_line, content, is_first=position == 0)
        first_line += content.count(b"\n")
        position += 1


def _with_weights(chunk: Chunk, position: int) -> Chunk:
    """Rows with their weight, ``, {5}`` at the end, as one more value; 1 where there is none."""

    def row(line: bytes) -> bytes:
        bare = line.strip()
        if not bare or bare.startswith(b"%"):
            return line
        match = _WEIGHT.search(bare)
        if match is None and bare.endswith(b"}") and not bare.startswith(b"{"):
            return line  # no weight, which an error is to show as it stands there
        values, weight = (bare[: match.start()], match["weight"]) if match else (bare, b"1")
        if not bare.startswith(b"{"):
            return b"%b,%b" % (values, weight)
        inside = values.rstrip().removesuffix(b"}")
        comma = b"" if inside.strip() == b"{" else b", "
        return b"%b%b%d %b}" % (inside, comma, position, weight)

    return replace(chunk, content=b"\n".join(map(row, chunk.content.split(b"\n"))))


def _gather(chunk: Chunk, header: Header, gatherers: Sequence[Gatherer]) -> None:
    values = _csv_values(chunk, gatherers)
    if values is None:
        values = _liac_values(chunk, header, gatherers)
    for gatherer, column in zip(gatherers, values, strict=True):
        try:
            gatherer.add(column)
        except Unfit as error:
            raise BadRow(chunk.rows()[error.row][0], str(error)) from error


def _csv_values(chunk: Chunk, gatherers: Sequence[Gatherer]) -> list[pa.Array] | None:
    """Each column's values, or None when the chunk is no plain CSV."""
    content = _SKIPPED.sub(b"", chunk.content) if b"%" in chunk.content else chunk.content
    quote = _quote_of(content)
    if quote is None:
        return None
    if b" " in content:
        content = _without_spaces(content, quote)
    types = [gatherer.arrow_type for gatherer in gatherers]
    if chunk.is_first:
        _look(content, quote, gatherers)
    values = _parse_csv(content, types, quote)
    if values is None or not all(map(_is_exact, values)):
        # as text, a number can be shown in an error, or be taken in full length
        texts = [pa.string() if pa.types.is_floating(kind) else kind for kind in types]
        values = _parse_csv(content, texts, quote)
    if values is None:
        _check_widths(chunk, content, quote, len(types))
    return values


def _look(content: bytes, quote: bytes, gatherers: Sequence[Gatherer]) -> None:
    """Show the numbers of the first rows as they are written."""
    head = content[: content.rfind(b"\n", 0, HEAD_BYTES) + 1]
    texts = _parse_csv(head, [pa.string()] * len(gatherers), quote) if head else None
    for gatherer, text in zip(gatherers, texts or (), strict=bool(texts)):
        if isinstance(gatherer, Numbers):
            gatherer.look(text)


def _without_spaces(content: bytes, quote: bytes) -> bytes:
    """The content without the spaces that stand outside quotes."""
    pieces = content.split(quote)  # outside, inside, outside, ...
    pieces[::2] = b"\0".join(pieces[::2]).replace(b" ", b"").split(b"\0")
    return quote.join(pieces)


def _is_exact(values: pa.Array) -> bool:
    """Whether no digit was lost, were the numbers whole ones; infinity and NaN are not exact."""
    if not pa.types.is_floating(values.type):
        return True
    return pc.all(pc.less(pc.abs(values), 2.0**53)).as_py() is not False


def _quote_of(content: bytes) -> bytes | None:
    """The kind of quote that makes the chunk a CSV; empty for no quotes, None for no CSV."""
    marks = set(content.translate(None, ORDINARY))
    if marks - set(b" '\"") or _has_odd_blanks(content):
        return None
    if not marks:
        return b""
    return next((quote for quote, simple in _SIMPLE.items() if simple.fullmatch(content)), None)


def _has_odd_blanks(content: bytes) -> bool:
    """Whether there are blanks that only Unicode knows, or a mark that Arrow would drop."""
    if content.isascii():
        return False
    return content.startswith(codecs.BOM_UTF8) or bool(re.search(r"[^\S \n]", content.decode()))


def _parse_csv(content: bytes, types: Sequence[pa.DataType], quote: bytes) -> list[pa.Array] | None:
    """Each column's values, or None when a row or a number is not as it must be."""
    names = [str(position) for position in range(len(types))]
    options: dict[str, Any] = dict(
        read_options=pacsv.ReadOptions(
            column_names=names,
            block_size=len(content) + 1,  # one block: a row is never cut
        ),
        parse_options=pacsv.ParseOptions(quote_char=quote.decode() or False, double_quote=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict(zip(names, types, strict=True)),
            null_values=["?", ""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # '?' in quotes is a label
        ),
    )
    try:
        table = pacsv.read_csv(pa.BufferReader(content), **options)
    except pa.ArrowInvalid:
        return None
    return [column.combine_chunks() for column in table.itercolumns()]


def _check_widths(chunk: Chunk, content: bytes, quote: bytes, width: int) -> None:
    bare = re.sub(rb"%b[^%b\n]*%b" % (quote, quote, quote), b"", content) if quote else content
    widths = [line.count(b",") + 1 for line in bare.split(b"\n") if line]
    for (number, _), found in zip(chunk.rows(), widths, strict=True):
        if found != width:
            raise BadRow(number, f"expected {width} values, got {found}")


def _liac_values(chunk: Chunk, header: Header, gatherers: Sequence[Gatherer]) -> list[pa.Array]:
    rows = chunk.rows()
    sparse = [line.startswith("{") for _, line in rows]
    if any(sparse) and not all(sparse):
        raise BadRow(rows[sparse.index(not sparse[0])][0], "sparse and dense rows are mixed")
    if not any(sparse):
        _check_dense(rows, len(header.attributes))
        return _columns(_liac_rows(rows, len(gatherers), arff.DENSE), gatherers, rows)
    found = _liac_rows(rows, len(gatherers), arff.LOD)
    implicit = [gatherer.implicit for gatherer in gatherers]
    full = [[row.get(position, zero) for position, zero in enumerate(implicit)] for row in found]
    return _columns(full, gatherers, rows)


def _check_dense(rows: Iterable[tuple[int, str]], width: int) -> None:
    """liac-arff drops what follows a value: it reads ``New York`` as ``New``."""
    for number, line in rows:
        if _WEIGHT.search(line.encode()):
            raise BadRow(
                number, f"an instance weight, and the first rows have none: {_short(line)}"
            )
        if not _DENSE_ROW.fullmatch(line):
            raise BadRow(
                number, f"a value with spaces, quotes or braces needs quotes: {_short(line)}"
            )
        found = line.count(",") + 1
        if found != width:  # some commas may stand in quotes
            found = len(_QUOTED.sub("", line).split(","))
        if found != width:
            raise BadRow(number, f"expected {width} values, got {found}")


def _liac_rows(rows: Sequence[tuple[int, str]], width: int, kind: int) -> list[Any]:
    """Rows cut into text values, None for a missing one."""
    head = [
        "@relation r",
        *(f"@attribute a{position} string" for position in range(width)),
        "@data",
    ]
    seen = itertools.count(-len(head))  # liac-arff does not always say where it stopped
    lines = map(lambda line, _: line, itertools.chain(head, (row for _, row in rows)), seen)
    try:
        read: list[Any] = arff.load(lines, return_type=kind)["data"]
        return read
    except (arff.ArffException, csv.Error, ValueError, LookupError, TypeError) as error:
        number, line = rows[max(next(seen) - 1, 0)]
        raise BadRow(number, f"the row cannot be read: {_short(line)}") from error


def _columns(
    values: list[list[str | None]], gatherers: Sequence[Gatherer], rows: list[tuple[int, str]]
) -> list[pa.Array]:
    try:
        columns = zip(*values, strict=True) if values else [()] * len(gatherers)
        return [pa.array(column, type=pa.string()) for column in columns]
    except UnicodeEncodeError as error:  # half of a surrogate pair, written as \ud83d
        raise BadRow(rows[0][0], f"a value is no Unicode text: {error.reason}") from error


def _short(line: str) -> str:
    return repr(line if len(line) <= SHOWN else line[:SHOWN] + "…")
