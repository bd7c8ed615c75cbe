"""Rows put right: values that break a rule, changed as little as keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.tables.constraints.columns import MICROS_A_DAY, Columns
from tabgan.tables.constraints.comparisons import Inequality, Range, Step
from tabgan.tables.constraints.constraints import Constraints
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.groups import OneHot
from tabgan.tables.constraints.syntax import quoted
from tabgan.tables.constraints.values import days_of, labels_of, numbers_of
from tabgan.tables.schema import Column, TableSchema

Repaired = dict[str, NDArray[Any]]


def repaired(table: pd.DataFrame, schema: TableSchema, rules: Constraints) -> pd.DataFrame:
    """The table with broken ranges cut, steps rounded, orders swapped, flags and sums put right.

    Other rules, and strict ones whose two sides are equal, stay broken: nothing says which value
    is wrong.

    Args:
        table: conforms to ``schema``; it stays as it is.
        schema: its columns.
        rules: what its rows should keep.
    """
    ordered = [*(rule for rule in rules if rule not in rules.given), *rules.given]
    for kind, repair in REPAIRS.items():
        for rule in (rule for rule in ordered if isinstance(rule, kind)):
            columns = Columns.of_table(schema, table)
            broken = ~rule.kept(columns)
            for name, values in repair(rule, columns).items() if broken.any() else ():
                column = schema[name]
                own = _written(column, values[broken])
                changed = table[name].to_numpy(dtype=object, copy=True)
                changed[broken] = own
                table = table.assign(**{name: changed})
            table = schema.conform(table)
    return table


def _in_range(rule: Range, columns: Columns) -> Repaired:
    column = columns.column(rule.column)
    step = 1.0 if column.kind == "integer" else 10.0 ** -(column.decimals or 0)
    step = (
        0.0
        if column.kind == "date" or (column.kind == "numeric" and column.decimals is None)
        else step
    )
    low, high = rule.low + step * rule.strict[0], rule.high - step * rule.strict[1]
    return {rule.column: columns[rule.column].clip(low, high)}


def _stepped(rule: Step, columns: Columns) -> Repaired:
    return {rule.column: np.round(columns[rule.column] / rule.step) * rule.step}


def _swapped(rule: Inequality, columns: Columns) -> Repaired:
    return {rule.lower: columns[rule.upper], rule.upper: columns[rule.lower]}


def _one_set(rule: OneHot, columns: Columns) -> Repaired:
    """The first flag that is set stays; the first of all, where none is."""
    flags = np.stack([Formula(quoted(name)).numbers(columns) for name in rule.names])
    first = (flags > 0).argmax(axis=0)
    return {name: (first == position).astype(float) for position, name in enumerate(rule.names)}


def _reckoned(rule: Equation, columns: Columns) -> Repaired:
    column, value = columns.column(rule.column), Formula(rule.formula).value(columns)
    if column.is_nominal or column.kind == "string":
        found = np.asarray(labels_of(value), dtype=object)
    else:
        found = np.asarray((days_of if column.kind == "date" else numbers_of)(value))
    return {rule.column: np.broadcast_to(found, (columns.n,))}


def _written(column: Column, values: NDArray[Any]) -> NDArray[Any]:
    """Values as a table has them."""
    if values.dtype == object:
        return values
    if column.kind == "date":
        micros = np.round(values * MICROS_A_DAY).astype(np.int64)
        dates: NDArray[Any] = pd.Series(micros.astype("datetime64[us]")).to_numpy(dtype=object)
        return dates
    if column.is_nominal:
        return np.array([f"{value:g}" for value in values], dtype=object)
    numbers = np.round(values) if column.kind == "integer" else values
    return numbers.astype(object)


REPAIRS: dict[type, Callable[[Any, Columns], Repaired]] = {
    Range: _in_range,
    Step: _stepped,
    Inequality: _swapped,
    OneHot: _one_set,
    Equation: _reckoned,
}  # in this order
