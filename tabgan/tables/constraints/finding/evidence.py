"""The results of finders, and the columns as all of them see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tabgan.tables.constraints.columns import Columns, Numbers
from tabgan.tables.constraints.reading import Constraint
from tabgan.tables.constraints.syntax import number_text, quoted
from tabgan.tables.schema import Column

SURPRISE = 20.0  # rows that would break a rule by chance, where none does
MOST_VALUES = 128  # of a column that is looked at value by value

Codes = NDArray[np.int64]
Discrete = dict[str, tuple[Codes, Numbers]]


@dataclass(frozen=True)
class Found:
    """A rule that every row keeps.

    Attributes:
        rule: the rule.
        evidence: rows that would break it if its columns had nothing to do with each other.
    """

    rule: Constraint
    evidence: float


def sign_text(column: Column, value: float) -> str:
    """That a column has a value, as a rule says it; NaN is missing."""
    name = quoted(column.name)
    if np.isnan(value):
        return f"missing({name})"
    if not column.is_nominal:
        return f"{name} == {number_text(value)}"
    label = column.categories[int(value)]
    return f'{name} == "{label}"' if "'" in label else f"{name} == '{label}'"


def measured(columns: Columns) -> dict[str, Numbers]:
    """The numbers and dates that are not one value throughout, float64 [n]."""
    return {
        column.name: columns[column.name]
        for column in columns.schema.columns
        if column.is_measured and not column.key and _varies(columns[column.name])
    }


def discrete(columns: Columns, most: int = MOST_VALUES) -> Discrete:
    """Columns of few values: per row the position of its value among these, NaN one of them.

    Args:
        columns: of the rows.
        most: values that a column may have.

    Returns:
        Per column int64 [n], and the values, float64 [values] ascending (codes of categories, days
        of dates).
    """
    found = {}
    for column in columns.schema.columns:
        if column.kind == "string" or column.key:
            continue
        values, codes = np.unique(columns[column.name], return_inverse=True)
        if 1 < len(values) <= most:
            found[column.name] = codes, values
    return found


def once(found: list[Found]) -> list[Found]:
    """Of two ways round the first: what gives a column is not given by it."""
    kept: list[Found] = []
    for one in found:
        parts = {name for other in kept for name in other.rule.columns[1:]}
        given = {other.rule.columns[0] for other in kept}
        if one.rule.columns[0] not in parts | given and given.isdisjoint(one.rule.columns[1:]):
            kept.append(one)
    return kept


def _varies(numbers: Numbers) -> bool:
    known = numbers[~np.isnan(numbers)]
    return bool(len(known) and (known != known[0]).any())
