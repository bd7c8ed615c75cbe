"""Files of tables: one reader per format, chosen by the file's suffix."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from tabgan.errors import TabganError
from tabgan.tables.checks import check_table
from tabgan.tables.readers.arff import read_arff
from tabgan.tables.readers.csv import read_csv
from tabgan.tables.readers.parquet import read_parquet
from tabgan.tables.schema import TableSchema

__all__ = ["read_arff", "read_csv", "read_parquet", "read_table", "schema_beside"]

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
) -> tuple[pd.DataFrame, TableSchema]:
    """The table in a file, in the dtypes of its schema, and the schema.

    A schema file (``schema_path``, or else ``<path>.schema.json`` beside the table) is used in
    place of what the file declares or what its values suggest; but a column with missing values
    has them, whatever it says.

    Args:
        path: the table; its suffix names the format.
        target: the name of the column to predict; None takes the schema file's, or none.
        schema_path: a schema that ``TableSchema.save`` wrote and a person may have edited.
        drop: columns to leave out; they need not hold any value.

    Raises:
        TabganError: when the suffix is unknown, the file is absent or cannot be read, a value
            does not fit its column, or the table is one that nothing can be learned from
            (``check_table``).
    """
    path = Path(path)
    read = _reader_of(path)
    schema_path = schema_beside(path) if schema_path is None else Path(schema_path)
    given = None
    if schema_path is not None:
        log.info("%s: schema of %s", path, schema_path)
        given = TableSchema.load(schema_path)
    table, schema = read(path, target=target, schema=given)
    schema = schema.without(drop)
    table = table[list(schema.names)]
    check_table(table, schema)
    return table, schema.with_missing(name for name in table if table[name].isna().any())


def schema_beside(path: Path) -> Path | None:
    """The schema file beside a table, ``<path>.schema.json``, if there is one."""
    beside = path.with_name(path.name + ".schema.json")
    return beside if beside.is_file() else None


def _reader_of(path: Path) -> Callable[..., tuple[pd.DataFrame, TableSchema]]:
    name = path.name.lower()
    for suffix, reader in READERS.items():
        if name.endswith(suffix):
            return reader
    raise TabganError(f"{path}: expected a file ending in one of {list(READERS)}")
