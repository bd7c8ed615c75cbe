"""The columns of some rows, as constraints look at them: of a table, or of an encoder's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.errors import TabganError, nearest
from tabgan.tables.schema import Column, TableSchema

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]

MICROS_A_DAY = 86_400_000_000


class Columns:
    """Columns by name, each an array [n].

    Numbers are float64, dates days since 1970, categories their codes, all NaN where missing; text
    is an array of objects, None where missing, and is there only if the rows come from a table.

    Args:
        schema: what the columns are.
        arrays: those that there are.
        n: rows.
        table: that they come from, if there is one.
    """

    def __init__(
        self,
        schema: TableSchema,
        arrays: Mapping[str, NDArray[Any]],
        n: int,
        table: pd.DataFrame | None = None,
    ) -> None:
        self.schema, self.arrays, self.n, self.table = schema, arrays, n, table

    @classmethod
    def of_table(cls, schema: TableSchema, table: pd.DataFrame) -> Self:
        """The columns of a table that conforms to ``schema``."""
        arrays = {c.name: _array(c, table[c.name]) for c in schema.columns if c.name in table}
        return cls(schema, arrays, len(table), table)

    @classmethod
    def of_numbers(
        cls, schema: TableSchema, numbers: Mapping[str, Numbers], units: Mapping[str, int]
    ) -> Self:
        """The columns of ``TableEncoder.decode_numbers``, by name, text left out.

        Args:
            schema: what the columns are.
            numbers: float64 [n] per column.
            units: per date column, the microseconds that its numbers count.
        """
        days = {name: unit / MICROS_A_DAY for name, unit in units.items()}
        arrays = {
            name: of * days[name] if name in days else of
            for name, of in numbers.items()
            if schema[name].kind != "string"
        }
        return cls(schema, arrays, len(next(iter(numbers.values()), ())))

    def take(self, rows: NDArray[np.int64]) -> Columns:
        """Some of the rows, by their positions."""
        arrays = {name: of[rows] for name, of in self.arrays.items()}
        table = None if self.table is None else self.table.iloc[rows]
        return Columns(self.schema, arrays, len(rows), table)

    @classmethod
    def none(cls, schema: TableSchema) -> Self:
        """Every column, without a row: what a rule says of them can be tried."""
        arrays = {
            c.name: np.empty(0, dtype=object if c.kind == "string" else np.float64)
            for c in schema.columns
        }
        return cls(schema, arrays, 0)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def column(self, name: str) -> Column:
        """The schema of a column.

        Raises:
            TabganError: when there is no such column; a name in two parts wants backticks.
        """
        if name not in self.schema.names:
            parted = [n for n in self.schema.names if n.startswith(name) and not n.isidentifier()]
            hint = f"; a name such as {parted[0]} is written `{parted[0]}`" if parted else ""
            raise TabganError(f"no column {name!r}; {nearest(name, self.schema.names)}{hint}")
        return self.schema[name]

    def labels(self, name: str) -> Texts:
        """Categories or text as objects, None where missing."""
        column, values = self.schema[name], self.arrays[name]
        if column.kind == "string":
            return values
        every = np.array([*column.categories, None], dtype=object)
        return every[np.where(np.isnan(values), len(column.categories), values).astype(np.int64)]

    def texts(self, name: str) -> pd.Series | None:
        """A column of the table as text, whole numbers to the last digit; None without a table."""
        if self.table is None or name not in self.table:
            return None
        values = self.table[name].reset_index(drop=True)
        return values.astype("str").where(values.notna())

    def is_known(self, name: str) -> Mask:
        """The rows that have a value; bool [n]."""
        values = self.arrays[name]
        if self.schema[name].kind == "string":
            return np.asarray(~pd.isna(values), bool)
        known: Mask = ~np.isnan(values)
        return known


def _array(column: Column, values: pd.Series) -> NDArray[Any]:
    if column.kind == "string":
        return np.asarray(
            values.astype("object").where(values.notna(), None).to_numpy(dtype=object)
        )
    if column.is_nominal:
        codes = values.cat.codes.to_numpy().astype(np.float64)
        return np.where(codes < 0, np.nan, codes)
    if column.kind == "date":
        micros = values.astype("datetime64[us]").astype("int64").to_numpy().astype(np.float64)
        return np.where(values.isna(), np.nan, micros / MICROS_A_DAY)
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
