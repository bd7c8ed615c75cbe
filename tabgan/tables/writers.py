"""Tables written chunk by chunk, in constant memory, byte for byte the same for the same rows.

A file grows under another name and gets its own when it is whole; after an exception nothing is
left of it (``system.files.whole``).
"""

from __future__ import annotations

import gzip
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tabgan.errors import TabganError
from tabgan.system.files import whole
from tabgan.tables.amounts import NumberForm
from tabgan.tables.dates import format_dates, java_of
from tabgan.tables.dtypes import OWN_TEXT, TEXT, dense
from tabgan.tables.markers import MARKERS
from tabgan.tables.readers.parquet import SCHEMA_KEY
from tabgan.tables.schema import DAYS, TIMES, Column, TableSchema, names_text

ROWS_AT_ONCE = 50_000  # rows of a chunk that become text together
GZIP_LEVEL = 6
OBJECTS = {DAYS: pa.date32(), TIMES: pa.time64("us")}  # Python's, as Parquet has them
ARFF_DEFAULT_DATE = "%Y-%m-%dT%H:%M:%S.%f"  # Java's dates end at milliseconds

_CSV_QUOTED = re.compile(r'[",;\t\r\n]|^\s|\s$')
_ARFF_QUOTED = re.compile(r"""[\s,"'\\%{}\x00-\x1f\x7f]""")
_ARFF_ESCAPED = re.compile(r"""[\\'"]|[\x00-\x1f\x7f]|(?:^|(?<=["'])) """)
_ARFF_ESCAPES = {"\\": r"\\", "'": r"\'", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


class TableWriter(ABC):
    """One file being written; made by ``open_writer``."""

    def __init__(self, part: Path, schema: TableSchema) -> None:
        self.part = part
        self.schema = schema

    def write(self, chunk: pd.DataFrame) -> None:
        """Append rows.

        Args:
            chunk: any number of rows; the columns of the schema, in any dtypes that conform.

        Raises:
            TabganError: when a column is absent or a value does not fit.
        """
        rows = self.schema.conform(chunk)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self._write_rows(rows.iloc[start : start + ROWS_AT_ONCE])

    @abstractmethod
    def close(self) -> None:
        """Bring everything to the disk."""

    @abstractmethod
    def _write_rows(self, rows: pd.DataFrame) -> None: ...


@contextmanager
def open_writer(path: str | Path, schema: TableSchema) -> Iterator[TableWriter]:
    """A writer for a file that is there, whole, once the ``with`` block has ended well.

    Numbers are rounded to the ``decimals`` of their column where they become text. Parquet files
    hold the dtypes of ``TableSchema.restore``, and the schema itself.

    Args:
        path: ends in ``.csv``, ``.csv.gz``, ``.tsv``, ``.tsv.gz``, ``.arff``, ``.arff.gz`` or
            ``.parquet``; an existing file is replaced.
        schema: what every chunk conforms to.

    Raises:
        TabganError: when the suffix is unknown or the folder absent.
    """
    path = Path(path)
    make = _writer_of(path)
    if not path.parent.is_dir():
        raise TabganError(f"folder not found: {path.parent.absolute()}")
    with whole(path) as part:
        writer = make(part, schema)
        try:
            yield writer
        finally:
            writer.close()


def write_table(path: str | Path, table: pd.DataFrame, schema: TableSchema) -> None:
    """Write a whole table; see ``open_writer``."""
    with open_writer(path, schema) as writer:
        writer.write(table)


class _TextWriter(TableWriter):
    """Rows of tokens between delimiters."""

    delimiter = ","
    missing = ""
    default_date: str | None = None
    java_dates = False

    def __init__(self, part: Path, schema: TableSchema) -> None:
        super().__init__(part, schema)
        header = "".join(f"{line}\n" for line in self._header())
        self.raw = part.open("wb")
        self.stream: IO[bytes] = self.raw
        if part.name.lower().endswith(".gz.part"):
            # neither name nor time of day in the file, so that equal rows are equal bytes
            packed = gzip.GzipFile("", "wb", GZIP_LEVEL, self.raw, mtime=0)
            self.stream = cast(IO[bytes], packed)
        self.stream.write(header.encode())

    def close(self) -> None:
        self.stream.close()
        self.raw.close()  # GzipFile leaves the file that it writes to open

    def _header(self) -> list[str]:
        raise NotImplementedError

    def _quote(self, text: str) -> str:
        raise NotImplementedError

    def _write_rows(self, rows: pd.DataFrame) -> None:
        tokens = [self._tokens(c, rows[c.name]) for c in self._columns()]
        lines = pc.binary_join_element_wise(
            *tokens, self.delimiter, null_handling="replace", null_replacement=self.missing
        )
        together = pa.ListArray.from_arrays([0, len(lines)], lines)
        self.stream.write(pc.binary_join(together, "\n")[0].as_buffer())
        self.stream.write(b"\n")

    def _columns(self) -> tuple[Column, ...]:
        return self.schema.columns

    def _tokens(self, column: Column, values: pd.Series) -> pa.Array:
        if column.is_nominal:  # by its code: each label is quoted once, and none is looked up
            codes = values.cat.codes.to_numpy()
            labels = [self._quote(label) for label in column.categories]
            return pa.array(labels, pa.string()).take(pa.array(codes, mask=codes < 0))
        if column.is_number:
            form = self._number_form(column)
            text = form.write(values, column.decimals)
            if form.is_plain:
                return text
        elif column.kind == "date":
            date_format = column.date_format or self.default_date
            text = format_dates(values, date_format, millis=self.java_dates)
        else:
            text = pa.array(values.astype(TEXT), type=pa.string(), from_pandas=True)
            if isinstance(text, pa.ChunkedArray):  # of tables put one below the other
                text = text.combine_chunks()
        distinct = text.dictionary_encode()  # each distinct text is quoted once
        quoted = [self._quote(label) for label in distinct.dictionary.to_pylist()]
        return pa.array(quoted, type=pa.string()).take(distinct.indices)

    def _number_form(self, column: Column) -> NumberForm:
        return column.number_form


class _CsvWriter(_TextWriter):
    def __init__(self, part: Path, schema: TableSchema) -> None:
        if len(schema.columns) == 1:
            self.missing = '""'  # a blank line would be no row
        super().__init__(part, schema)

    def _header(self) -> list[str]:
        return [self.delimiter.join(self._quote(name) for name in self.schema.names)]

    def _tokens(self, column: Column, values: pd.Series) -> pa.Array:
        tokens = super()._tokens(column, values)
        mark = column.missing_text
        if mark:
            tokens = tokens.fill_null(mark if mark in MARKERS else self._quote(mark))
        return tokens

    def _quote(self, text: str) -> str:
        if text in MARKERS or _CSV_QUOTED.search(text):
            return '"' + text.replace('"', '""') + '"'
        return text


class _TsvWriter(_CsvWriter):
    delimiter = "\t"


class _ArffWriter(_TextWriter):
    missing = "?"
    default_date = ARFF_DEFAULT_DATE
    java_dates = True

    def _header(self) -> list[str]:
        declared = [f"@ATTRIBUTE {quote_name(c.name)} {_arff_type(c)}" for c in self._columns()]
        return [f"@RELATION {quote_name(self.schema.name)}", "", *declared, "", "@DATA"]

    def _quote(self, text: str) -> str:
        return quote_value(text)

    def _number_form(self, column: Column) -> NumberForm:
        """Amounts as plain numbers, unless they came in a column of strings."""
        form = column.number_form
        return form if names_text(column.dtype or "") else NumberForm(least=form.least)


class _ParquetWriter(TableWriter):
    def __init__(self, part: Path, schema: TableSchema) -> None:
        super().__init__(part, schema)
        self.fixed = _arrow_schema(schema)
        self.writer = pq.ParquetWriter(part, self.fixed)

    def close(self) -> None:
        self.writer.close()

    def _write_rows(self, rows: pd.DataFrame) -> None:
        restored = self.schema.restore(rows).apply(dense)
        table = pa.Table.from_pandas(restored, schema=self.fixed, preserve_index=False)
        self.writer.write_table(table.replace_schema_metadata(self.fixed.metadata))


WRITERS: dict[str, Callable[[Path, TableSchema], TableWriter]] = {
    ".arff": _ArffWriter,
    ".arff.gz": _ArffWriter,
    ".csv": _CsvWriter,
    ".csv.gz": _CsvWriter,
    ".tsv": _TsvWriter,
    ".tsv.gz": _TsvWriter,
    ".parquet": _ParquetWriter,
}


def quote_value(text: str) -> str:
    """An ARFF value or label as Weka, liac-arff and ``read_arff`` read it."""
    if text not in ("", "?") and not _ARFF_QUOTED.search(text):
        return text
    return f"'{_ARFF_ESCAPED.sub(_escape, text)}'"


def quote_name(name: str) -> str:
    """An ARFF column name or relation name.

    liac-arff undoes no escape in a name, so a name is spelled without one where it can be.
    """
    if not _ARFF_QUOTED.search(name) and name:
        return name
    if not re.search(r"""["\\\x00-\x1f\x7f]""", name):
        return f'"{name}"'
    if not re.search(r"""['\\\x00-\x1f\x7f]""", name):
        return f"'{name}'"
    return quote_value(name)


def _escape(match: re.Match[str]) -> str:
    """Octal where no letter is agreed on; and for spaces that liac-arff takes for a name's end."""
    character = match[0]
    return _ARFF_ESCAPES.get(character, f"\\{ord(character):03o}")


def _arff_type(column: Column) -> str:
    if column.is_nominal:
        return "{" + ",".join(quote_value(label) for label in column.categories) + "}"
    if column.is_measured and column.dtype is not None and names_text(column.dtype):
        return "STRING"
    if column.kind == "date" and column.dtype == "int64":  # 20141013
        return "INTEGER"
    if column.kind == "date":
        return f'DATE "{java_of(column.date_format or ARFF_DEFAULT_DATE)}"'
    return {"numeric": "NUMERIC", "integer": "INTEGER", "string": "STRING"}[column.kind]


def _arrow_schema(schema: TableSchema) -> pa.Schema:
    """The types of the restored columns, the same for every chunk."""
    empty = pd.DataFrame({column.name: _empty_column(column) for column in schema.columns})
    fixed = pa.Schema.from_pandas(empty, preserve_index=False)
    for position, column in enumerate(schema.columns):
        if column.dtype in OBJECTS:
            fixed = fixed.set(position, pa.field(column.name, OBJECTS[column.dtype]))
        elif pa.types.is_null(fixed.field(position).type):  # of pandas 2, whose texts are objects
            fixed = fixed.set(position, pa.field(column.name, pa.large_string()))
    plain = json.dumps(schema.to_plain(), ensure_ascii=False).encode()
    return fixed.with_metadata({**(fixed.metadata or {}), SCHEMA_KEY: plain})


def _empty_column(column: Column) -> pd.Series:
    """No values, in the dtype that values with (where declared) a missing one are restored to."""
    alone = TableSchema(name="column", columns=(column,))
    rows = pd.DataFrame({column.name: [None] * int(column.missing)}, dtype="object")
    restored = dense(alone.restore(alone.conform(rows))[column.name].iloc[:0])
    # Arrow cannot tell from no objects that they are text
    is_text = pd.api.types.is_object_dtype(restored.dtype) and column.dtype not in OBJECTS
    return restored.astype(OWN_TEXT) if is_text else restored


def _writer_of(path: Path) -> Callable[[Path, TableSchema], TableWriter]:
    name = path.name.lower()
    for suffix, writer in WRITERS.items():
        if name.endswith(suffix):
            return writer
    raise TabganError(f"{path}: expected a file ending in one of {list(WRITERS)}")
