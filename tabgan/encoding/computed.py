"""Columns that a rule gives from others, by a formula or by what goes together in training.

They are left out of the row and put back by the rule.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers
from tabgan.encoding.sums import Sum
from tabgan.tables.constraints.columns import MICROS_A_DAY, Columns
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.groups import Follows
from tabgan.tables.constraints.values import Value, code_of, days_of, labels_of, numbers_of
from tabgan.tables.schema import Column, TableSchema


class Computed:
    """A column computed by a rule from a row's other columns, as the encoder's numbers.

    Args:
        rule: what it says of which column.
        schema: of the rows.
        units: per date column, the microseconds that its numbers count.
    """

    def __init__(
        self, rule: Equation | Follows, schema: TableSchema, units: Mapping[str, int]
    ) -> None:
        self.rule, self.schema, self.units = rule, schema, units

    @property
    def terms(self) -> dict[str, float]:
        """The columns that give it."""
        return dict.fromkeys(self.rule.columns[1:], 1.0)

    def __call__(self, columns: Mapping[str, Numbers]) -> Numbers:
        n = len(columns[self.rule.column])
        parts = {name: columns[name] for name in self.terms}
        rows = Columns.of_numbers(self.schema, parts, self.units)
        if isinstance(self.rule, Follows):
            return self._of_plain(self.rule.decided(rows))
        value = Formula(self.rule.formula).value(rows)
        return np.broadcast_to(self._of_value(value), (n,)).astype(np.float64)

    def solved(self, name: str, total: Numbers, columns: Mapping[str, Numbers]) -> Numbers:
        """No part is known from the others: NaN."""
        return np.full(len(total), np.nan)

    @property
    def _column(self) -> Column:
        return self.schema[self.rule.column]

    def _of_value(self, value: Value) -> Numbers:
        column = self._column
        if column.is_nominal:
            return self._of_plain(np.atleast_1d(np.asarray(labels_of(value), dtype=object)))
        if column.kind == "date":
            return np.asarray(days_of(value)) * (MICROS_A_DAY / self.units[column.name])
        return np.asarray(numbers_of(value))

    def _of_plain(self, values: NDArray[np.object_]) -> Numbers:
        """Labels as codes, days as units; NaN for None."""
        column = self._column
        if not column.is_nominal:
            unit = MICROS_A_DAY / self.units[column.name] if column.kind == "date" else 1.0
            return values.astype(np.float64) * unit
        codes, labels = pd.factorize(values)
        of_labels = np.array([*(code_of(column, label) for label in labels), np.nan])
        return np.asarray(of_labels[codes])


def given(
    rule: Equation | Follows, schema: TableSchema, units: Mapping[str, int]
) -> Sum | Computed:
    """The function that puts a rule's column back; a sum can be solved for its parts, too."""
    linear = rule.linear() if isinstance(rule, Equation) else None
    if linear is None or not all(schema[name].is_number for name in rule.columns):
        return Computed(rule, schema, units)
    return Sum(*linear)
