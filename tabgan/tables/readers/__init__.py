"""Files of tables: one reader per format, chosen by the file's suffix."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from tabgan.errors import TabganError
from tabgan.tables.checks import check_table
from tabgan.tables.notes import tell_codes
from tabgan.tables.readers.arff import arff_names, read_arff
from tabgan.tables.readers.csv import csv_head, read_csv
from tabgan.tables.readers.parquet import parquet_names, read_parquet
from tabgan.tables.schema import Column, TableSchema, read_plain
from tabgan.tables.sdv import Metadata, is_metadata

__all__ = [
    "column_names",
    "read_arff",
    "read_as_declared",
    "read_csv",
    "read_parquet",
    "read_table",
    "reader_of",
    "schema_beside",
]

log = logging.getLogger(__name__)

READERS: dict[str, Callable[..., tuple[pd.DataFrame, TableSchema]]] = {
    ".arff": read_arff,
    ".arff.gz": read_arff,
    ".csv": read_csv,
    ".csv.gz": read_csv,
    ".tsv": read_csv,
    ".tsv.gz": read_csv,
    ".parquet": read_parquet,
}


def read_table(
    path: str | Path,
    *,
    target: str | None = None,
    schema_path: str | Path | None = None,
    drop: Iterable[str] = (),
    index: str = "drop",
) -> tuple[pd.DataFrame, TableSchema]:
    """The table in a file, in the dtypes of its schema, and the schema.

    A schema file (``schema_path``, or else ``<path>.schema.json`` beside the table) is used in
    place of what the file declares or what its values suggest; but a column with missing values
    has them, whatever it says. SDV's metadata (``tables.sdv``) says the kinds alone.

    Args:
        path: the table; its suffix names the format.
        target: the name of the column to predict; None takes the schema file's, or none.
        schema_path: a schema that ``TableSchema.save`` wrote and a person may have edited, or
            SDV's metadata as JSON.
        drop: columns to leave out.
        index: "drop" leaves out a first column of a CSV file that has no name and numbers or names
            the rows, "keep" keeps it.

    Raises:
        TabganError: when the suffix is unknown, the file is absent or cannot be read, a value
            does not fit its column, or the table is one that nothing can be learned from
            (``check_table``).
    """
    path = Path(path)
    schema_path = schema_beside(path) if schema_path is None else Path(schema_path)
    table, schema = read_as_declared(path, schema_path, target=target, index=index)
    schema = schema.without(drop)
    table = table[list(schema.names)]
    check_table(table, schema)
    tell_codes(table, schema, path)
    return table, schema.with_missing(name for name in table if table[name].isna().any())


def read_as_declared(
    path: Path, schema_path: Path | None, *, target: str | None, index: str
) -> tuple[pd.DataFrame, TableSchema]:
    """A file's table and schema, as a schema file or SDV's metadata declares it, if there is one.

    Raises:
        TabganError: as ``read_table``, but for tables that nothing can be learned from.
    """
    read = reader_of(path, index=index)
    if schema_path is None:
        return read(path, target=target)
    log.info("%s: schema of %s", path, schema_path)
    plain = read_plain(schema_path)
    if not is_metadata(plain):
        return read(path, target=target, schema=TableSchema.load(schema_path))
    _, schema = read(path, target=target)

    def texts(name: str) -> pd.Series:
        as_text = Column(name=name, kind="string", missing=True)
        columns = tuple(as_text if column.name == name else column for column in schema.columns)
        return read(path, schema=replace(schema, columns=columns, target=None))[0][name]

    try:
        declared = Metadata.of_plain(plain).applied(schema, texts)
    except TabganError as error:
        raise TabganError(f"{schema_path}: {error}") from error
    return read(path, target=target, schema=declared)


def schema_beside(path: Path) -> Path | None:
    """The schema file beside a table, ``<path>.schema.json``, if there is one."""
    beside = path.with_name(path.name + ".schema.json")
    return beside if beside.is_file() else None


def reader_of(
    path: Path, *, index: str = "drop"
) -> Callable[..., tuple[pd.DataFrame, TableSchema]]:
    """The reader of a file's format; ``index`` is of ``read_table``.

    Raises:
        TabganError: for a file of no known format.
    """
    name = path.name.lower()
    for suffix, reader in READERS.items():
        if name.endswith(suffix):
            return partial(reader, index=index) if reader is read_csv else reader
    raise TabganError(f"{path}: expected a file ending in one of {list(READERS)}")


def column_names(path: Path, schema: TableSchema) -> tuple[str, ...]:
    """The columns of a file, by its beginning; without an index that ``schema`` does not know.

    Raises:
        TabganError: when the file is absent, damaged or of no known format.
    """
    reader = READERS[next((s for s in READERS if path.name.lower().endswith(s)), ".csv")]
    if reader is read_csv:
        head = csv_head(path)
        return tuple(n for n in head.names if n not in head.indices or n in schema.names)
    return arff_names(path) if reader is read_arff else parquet_names(path)
