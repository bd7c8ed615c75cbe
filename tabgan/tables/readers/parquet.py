"""Parquet files."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabgan.errors import TabganError
from tabgan.tables.notes import tell_missing
from tabgan.tables.profile import infer_schema
from tabgan.tables.readers.opening import check_file
from tabgan.tables.schema import TableSchema

SCHEMA_KEY = b"tabgan.schema"  # where the writer leaves the schema in the file's metadata


def read_parquet(
    path: str | Path, *, target: str | None = None, schema: TableSchema | None = None
) -> tuple[pd.DataFrame, TableSchema]:
    """The table in a Parquet file, and its schema.

    The schema is the one given, or else the one that ``tabgan`` wrote into the file, or else
    inferred; then ``TableSchema.restore`` gives the file's dtypes back. A named row index becomes
    columns, an unnamed one is dropped.

    Args:
        path: a ``.parquet`` file.
        target: the name of the column to predict, or None.
        schema: what to use in place of the file's own; columns it does not name are left out.

    Raises:
        TabganError: when the file is absent or not Parquet, or a value does not fit the schema.
    """
    path = Path(path)
    check_file(path)
    try:
        stored = pq.read_table(path)
        table = flat(stored.to_pandas())
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{path}: expected a Parquet file, got one with: {reason}") from error
    try:
        schema = schema or _stored_schema(stored)
        if schema is None:
            schema = infer_schema(table, name=path.name.split(".")[0], target=target)
            tell_missing(schema, path)
        elif target is not None:
            schema = schema.with_target(target)
        return schema.conform(table), schema
    except TabganError as error:
        raise TabganError(f"{path}: {error}") from error


def parquet_names(path: Path) -> tuple[str, ...]:
    """The columns of a Parquet file, those of a named row index too."""
    check_file(path)
    try:
        empty = pq.read_schema(path).empty_table().to_pandas()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{path}: expected a Parquet file, got one with: {reason}") from error
    return tuple(map(str, flat(empty).columns))


def flat(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with a named index as columns; another index goes."""
    named = any(name is not None for name in table.index.names)
    return table.reset_index(drop=not named)


def _stored_schema(stored: pa.Table) -> TableSchema | None:
    plain = (stored.schema.metadata or {}).get(SCHEMA_KEY)
    if plain is None:
        return None
    schema = TableSchema.from_plain(json.loads(plain))
    # another program may have kept the metadata and changed the columns
    return schema if set(schema.names) <= set(stored.column_names) else None
