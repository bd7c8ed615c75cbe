"""Columns that a formula of others gives: sums with factors, and anything else that is reckoned."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tabgan.tables.constraints.columns import Columns, Mask, Numbers
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import quoted
from tabgan.tables.constraints.values import EXACT, days_of, labels_of, numbers_of
from tabgan.tables.schema import Column


@dataclass(frozen=True)
class Equation:
    """``column = formula`` on every row, to half a step of the column.

    Attributes:
        column: what is given; a number, date, or category.
        formula: of other columns.
    """

    column: str
    formula: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The columns of the formula."""
        return Formula(self.formula).columns

    @property
    def text(self) -> str:
        return f"{quoted(self.column)} = {self.formula}"

    @property
    def sentence(self) -> str:
        return f"{self.column!r} is {self.formula}"

    def linear(self) -> tuple[dict[str, float], float] | None:
        """Factor per column and the constant, where the formula is a sum; else None."""
        formula = Formula(self.formula)
        return _linear(formula.tree, formula.names)

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; a row that misses either side breaks nothing.

        Raises:
            TabganError: when column and formula are of different kinds.
        """
        own, value = columns.column(self.column), Formula(self.formula).value(columns)
        if own.is_nominal or own.kind == "string":
            left, right = columns.labels(self.column), np.asarray(labels_of(value), object)
            unknown = pd.isna(left) | pd.isna(right)
            return np.asarray(unknown | (left == right), bool)
        of = days_of if own.kind == "date" else numbers_of
        computed, total = of(value), columns[self.column]
        return ~is_off(computed, total, half_step(own))


def is_off(computed: Numbers, known: Numbers, step: float | Numbers) -> Mask:
    """Whether computed numbers are further from known ones than ``step`` and rounding; not of NaN.

    All three are broadcast.
    """
    with np.errstate(invalid="ignore"):
        slack = step + EXACT * np.maximum(np.abs(computed), np.abs(known))
        off = (np.abs(computed - known) > slack) | (np.isinf(computed) & np.isfinite(known))
    return np.asarray(off, bool)


def half_step(column: Column) -> float:
    """Half of the least difference between two numbers of a column; of dates none."""
    if column.kind != "numeric":
        return 0.5 if column.kind == "integer" else 0.0
    return 0.0 if column.decimals is None else 0.5 * 10.0**-column.decimals


def _linear(node: ast.expr, names: Mapping[str, str]) -> tuple[dict[str, float], float] | None:
    if isinstance(node, ast.Constant):
        number = node.value
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        return ({}, float(number)) if is_number else None  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return {names.get(node.id, node.id): 1.0}, 0.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return _times(_linear(node.operand, names), sign)
    if not isinstance(node, ast.BinOp):
        return None
    one, other = _linear(node.left, names), _linear(node.right, names)
    if one is None or other is None:
        return None
    if isinstance(node.op, ast.Add | ast.Sub):
        other = _times(other, -1.0 if isinstance(node.op, ast.Sub) else 1.0)
        return _plus(one, other) if other else None
    if isinstance(node.op, ast.Mult) and not (one[0] and other[0]):
        return _times(one, other[1]) if one[0] else _times(other, one[1])
    if isinstance(node.op, ast.Div) and not other[0] and other[1]:
        return _times(one, 1 / other[1])
    return None


def _times(
    of: tuple[dict[str, float], float] | None, factor: float
) -> tuple[dict[str, float], float] | None:
    return of and ({name: factor * by for name, by in of[0].items()}, factor * of[1])


def _plus(
    one: tuple[dict[str, float], float], other: tuple[dict[str, float], float]
) -> tuple[dict[str, float], float]:
    terms = {n: one[0].get(n, 0.0) + other[0].get(n, 0.0) for n in (*one[0], *other[0])}
    return {name: by for name, by in terms.items() if by}, one[1] + other[1]
