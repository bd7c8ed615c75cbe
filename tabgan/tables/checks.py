"""Checks of a table before anything is learned from it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabgan.errors import TabganError, shown
from tabgan.tables.schema import Column, TableSchema

FEWEST_ROWS = 2


def check_table(table: pd.DataFrame, schema: TableSchema) -> None:
    """Refuse a table that nothing can be learned from.

    Args:
        table: rows that conform to ``schema``.
        schema: its columns and target.

    Raises:
        TabganError: when the table has fewer than 2 rows, no value at all, an infinite one, or a
            target without a value or with a single one. Another column may be constant or empty.
    """
    where = f"table {schema.name!r}"
    if len(table) == 0:
        raise TabganError(f"{where}: no rows; at least {FEWEST_ROWS} are needed")
    if len(table) < FEWEST_ROWS:
        raise TabganError(f"{where}: only one row; at least {FEWEST_ROWS} are needed")
    for column in schema.columns:
        _check_finite(column, table[column.name], where)
    if all(table[name].isna().all() for name in schema.names):
        raise TabganError(f"{where}: every value is missing")
    if schema.target is not None:
        _check_target(table[schema.target], where)


def _check_finite(column: Column, values: pd.Series, where: str) -> None:
    if column.kind == "numeric" and np.isinf(values.to_numpy()).any():
        row = int(np.flatnonzero(np.isinf(values.to_numpy()))[0])
        raise TabganError(
            f"{where}: column {column.name!r}: expected a finite number, "
            f"got {shown(values.iloc[row])} in row {row}"
        )


def _check_target(values: pd.Series, where: str) -> None:
    known = values.dropna()
    if not len(known):
        raise TabganError(
            f"{where}: target {values.name!r}: every value is missing; without data.target the "
            "column is left out like any other that has none"
        )
    only = known.iloc[0]
    if (known == only).all():
        raise TabganError(
            f"{where}: target {values.name!r} is constant: every value is {shown(only)}; "
            "expected at least 2 different values; "
            "without data.target it is a column like any other"
        )
