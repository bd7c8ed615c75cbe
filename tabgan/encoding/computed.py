"""Columns that a declared formula of others gives: left out of the row, put back by it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tabgan.constraints.columns import MICROS_A_DAY, Columns
from tabgan.constraints.equations import Equation
from tabgan.constraints.formula import Formula
from tabgan.constraints.values import Value, code_of, days_of, labels_of, numbers_of
from tabgan.encoding.column import Numbers
from tabgan.encoding.sums import Sum
from tabgan.tables.schema import TableSchema


class Computed:
    """What a formula makes of a row's other columns, as the encoder's numbers.

    Args:
        equation: the column and its formula.
        schema: of the rows.
        units: per date column, the microseconds that its numbers count.
    """

    def __init__(self, equation: Equation, schema: TableSchema, units: Mapping[str, int]) -> None:
        self.equation, self.schema, self.units = equation, schema, units

    @property
    def terms(self) -> dict[str, float]:
        """The columns of the formula."""
        return dict.fromkeys(self.equation.parts, 1.0)

    def __call__(self, columns: Mapping[str, Numbers]) -> Numbers:
        n = len(columns[self.equation.column])
        parts = {name: columns[name] for name in self.equation.parts}
        rows = Columns.of_numbers(self.schema, parts, self.units)
        value = Formula(self.equation.formula).value(rows)
        return np.broadcast_to(self._numbers(value), (n,)).astype(np.float64)

    def solved(self, name: str, total: Numbers, columns: Mapping[str, Numbers]) -> Numbers:
        """No part is known from the others: NaN."""
        return np.full(len(total), np.nan)

    def _numbers(self, value: Value) -> Numbers:
        column = self.schema[self.equation.column]
        if column.is_nominal:
            labels = np.asarray(labels_of(value), dtype=object)
            known = [label for label in np.unique(labels[labels != None])]  # noqa: E711
            codes = {label: code_of(column, label) for label in known}
            return np.array([codes.get(label, np.nan) for label in labels.flat])
        if column.kind == "date":
            return np.asarray(days_of(value)) * (MICROS_A_DAY / self.units[column.name])
        return np.asarray(numbers_of(value))


def given(equation: Equation, schema: TableSchema, units: Mapping[str, int]) -> Sum | Computed:
    """What puts an equation's column back; a sum of numbers can be solved for its parts, too."""
    linear = equation.linear()
    if linear is None or not all(schema[name].is_number for name in equation.columns):
        return Computed(equation, schema, units)
    return Sum(*linear)
