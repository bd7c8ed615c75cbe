"""A mixed table as one matrix: codes of categories beside standardised numbers, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.encoding.numbers import date_unit, from_numbers, rounded, to_numbers
from tabgan.errors import TabganError
from tabgan.tables.schema import Column, TableSchema

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class OrdinalCodes:
    """Codes as they are (a missing category is a code of its own), numbers with deviation 1.

    What interpolates between rows, as SMOTE does, needs distances in which no column drowns the
    others; ``decode`` puts every value back at its column's resolution.

    Attributes:
        schema: of the tables; no string columns.
        means, scales: float64 [n_columns]; 0 and 1 of a nominal column.
        units: per date column, its resolution in microseconds.
    """

    schema: TableSchema
    means: Matrix
    scales: Matrix
    units: dict[str, int]

    @classmethod
    def fit(cls, schema: TableSchema, table: pd.DataFrame) -> Self:
        """Learn means and deviations from a table that conforms to ``schema``.

        Raises:
            TabganError: for a string column.
        """
        strings = [column.name for column in schema.columns if column.kind == "string"]
        if strings:
            raise TabganError(
                f"column {strings[0]!r}: text with many distinct values has no codes; drop it, or "
                "make it a category dtype"
            )
        units = {c.name: date_unit(table[c.name]) for c in schema.columns if c.kind == "date"}
        means, scales = np.zeros(len(schema.columns)), np.ones(len(schema.columns))
        for position, column in enumerate(schema.columns):
            if not column.is_nominal:
                values = to_numbers(column, table[column.name], unit=units.get(column.name, 1))
                known = values[~np.isnan(values)]
                means[position] = known.mean() if len(known) else 0.0
                scales[position] = (known.std() if len(known) else 0.0) or 1.0
        return cls(schema=schema, means=means, scales=scales, units=units)

    @property
    def nominal(self) -> NDArray[np.bool_]:
        """The columns that hold codes, bool [n_columns]."""
        return np.array([column.is_nominal for column in self.schema.columns])

    def encode(self, table: pd.DataFrame) -> Matrix:
        """Float64 [n, n_columns] of a conforming table.

        Raises:
            TabganError: for a missing number or date.
        """
        columns = [self._encode(column, table) for column in self.schema.columns]
        return (np.column_stack(columns) - self.means) / self.scales

    def decode(self, codes: Matrix) -> pd.DataFrame:
        """The conforming table of ``codes``, each value rounded to what its column holds."""
        numbers = codes * self.scales + self.means
        decoded = {}
        for position, column in enumerate(self.schema.columns):
            values = rounded(column, numbers[:, position])
            if column.is_nominal:
                values = np.where(values >= len(column.categories), np.nan, values)
            unit = self.units.get(column.name, 1)
            decoded[column.name] = from_numbers(column, values, unit=unit)
        return pd.DataFrame(decoded, index=pd.RangeIndex(len(codes)))

    def _encode(self, column: Column, table: pd.DataFrame) -> Matrix:
        unit = self.units.get(column.name, 1)
        numbers = to_numbers(column, table[column.name], unit=unit)
        missing = np.isnan(numbers)
        if column.is_nominal:
            return np.where(missing, len(column.categories), numbers)
        if missing.any():
            raise TabganError(
                f"column {column.name!r}: a number is missing in row {int(missing.argmax())}, and "
                "nothing can be interpolated from it; fill it in first"
            )
        return numbers
