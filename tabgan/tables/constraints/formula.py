"""The values of a formula on whole columns: numbers, dates, labels or truth, row by row.

Truth has three values, as in SQL: a comparison with a missing value is unknown, ``and`` and ``or``
follow Kleene, and a row breaks a rule only where the rule is false of it (a CHECK constraint).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial, reduce
from typing import Any

import numpy as np

from tabgan.errors import TabganError
from tabgan.tables.constraints.columns import Columns, Mask, Numbers
from tabgan.tables.constraints.syntax import ALONE, columns_of, parse
from tabgan.tables.constraints.values import (
    Value,
    calendar,
    chosen,
    clock_minutes,
    clock_of,
    compared,
    date_of,
    extreme,
    is_date,
    joined,
    numbers_of,
    shifted,
    truth_of,
)

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide, ast.Mod: np.mod, ast.Pow: np.power,
}  # fmt: skip
OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "round": np.round, "floor": np.floor, "ceil": np.ceil, "sqrt": np.sqrt,
    "log": np.log, "exp": np.exp, "minutes": clock_minutes, "clock": clock_of,
    "clock24": partial(clock_of, midnight=2400),
}  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """A formula over columns.

    Attributes:
        text: as it was written.
    """

    text: str

    @property
    def tree(self) -> ast.expr:
        """Its syntax, checked."""
        return self._parsed[0]

    @property
    def names(self) -> Mapping[str, str]:
        """The columns behind words of the tree that were names in backticks."""
        return self._parsed[1]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, in their order."""
        return columns_of(self.tree, self.names)

    def truth(self, columns: Columns) -> Numbers:
        """The truth of each row: true (1), false (0) or unknown (NaN), float64 [n].

        Raises:
            TabganError: for an unknown column or category, or parts that do not go together.
        """
        found = truth_of(self.value(columns))
        return np.broadcast_to(found, (columns.n,)).astype(np.float64)

    def kept(self, columns: Columns) -> Mask:
        """The rows where it is not false: bool [n].

        Raises:
            TabganError: as ``truth``.
        """
        return np.asarray(self.truth(columns) != 0)

    def numbers(self, columns: Columns) -> Numbers:
        """The formula's number in every row: float64 [n].

        Raises:
            TabganError: for text and dates, and as ``truth``.
        """
        return np.broadcast_to(numbers_of(self.value(columns)), (columns.n,)).astype(np.float64)

    def value(self, columns: Columns) -> Value:
        """The formula's value in every row.

        Raises:
            TabganError: as ``truth``.
        """
        return value_of(self.tree, columns, self.names)

    @cached_property
    def _parsed(self) -> tuple[ast.expr, dict[str, str]]:
        return parse(self.text)


def value_of(tree: ast.expr, columns: Columns, names: Mapping[str, str]) -> Value:
    """The value of a checked tree in every row.

    Args:
        tree: of ``syntax.parse``.
        columns: of the rows.
        names: which column each word means that was a name in backticks.

    Raises:
        TabganError: for an unknown column or category, or parts that do not go together.
    """
    with np.errstate(all="ignore"):  # what is not defined is NaN, which is unknown
        return _Evaluation(columns, names).of(tree)


class _Evaluation:
    """Walks a checked tree."""

    def __init__(self, columns: Columns, names: Mapping[str, str]) -> None:
        self.columns, self.names = columns, names

    def of(self, node: ast.expr) -> Value:
        visit = getattr(self, f"_{type(node).__name__.lower()}", None)
        if visit is None:
            raise TabganError(f"{ast.unparse(node)} cannot stand here in a rule")
        found: Value = visit(node)
        return found

    def _constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, bool):
            return Value("truth", float(node.value))
        if isinstance(node.value, str):
            return Value("label", node.value)
        assert isinstance(node.value, int | float)  # noqa: S101 (syntax lets nothing else in)
        return Value("number", float(node.value))

    def _name(self, node: ast.Name) -> Value:
        column = self.columns.column(self.names.get(node.id, node.id))
        if column.name not in self.columns:
            raise TabganError(f"column {column.name!r} is text, which only whole tables have")
        if column.is_nominal:
            return Value("label", self.columns[column.name], column=column)
        kind = {"string": "label", "date": "date"}.get(column.kind, "number")
        return Value(kind, self.columns[column.name])

    def _boolop(self, node: ast.BoolOp) -> Value:
        parts = [truth_of(self.of(part)) for part in node.values]
        return _all(parts, either=isinstance(node.op, ast.Or))

    def _unaryop(self, node: ast.UnaryOp) -> Value:
        operand = self.of(node.operand)
        if isinstance(node.op, ast.Not):
            return Value("truth", 1 - truth_of(operand))
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return Value("number", sign * numbers_of(operand), reckoned=operand.reckoned)

    def _binop(self, node: ast.BinOp) -> Value:
        one, other = self.of(node.left), self.of(node.right)
        if "date" in (one.kind, other.kind):
            return shifted(node, one, other)
        data = ARITHMETIC[type(node.op)](numbers_of(one), numbers_of(other))
        return Value("number", data, reckoned=True)

    def _compare(self, node: ast.Compare) -> Value:
        lefts = [node.left, *node.comparators]
        pairs = zip(lefts, node.ops, node.comparators, strict=False)
        return _all([self._compared(*pair) for pair in pairs], either=False)

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Any:
        if not isinstance(op, ast.In | ast.NotIn):
            return compared(self.of(left), op, self.of(right))
        if not isinstance(right, ast.List | ast.Tuple) or not right.elts:
            raise TabganError(f"{ast.unparse(right)}: expected a list such as ['a', 'b']")
        equal = [self._compared(left, ast.Eq(), entry) for entry in right.elts]
        found = _all(equal, either=True).data
        return found if isinstance(op, ast.In) else 1 - found

    def _ifexp(self, node: ast.IfExp) -> Value:
        """``A if B``: A, or not B."""
        if not (isinstance(node.orelse, ast.Constant) and node.orelse.value is True):
            raise TabganError("'else' is not understood in a rule; where(condition, a, b) is")
        given, then = truth_of(self.of(node.test)), truth_of(self.of(node.body))
        return _all([1 - given, then], either=True)

    def _call(self, node: ast.Call) -> Value:
        assert isinstance(node.func, ast.Name)  # noqa: S101 (syntax lets nothing else in)
        name = node.func.id
        if name in ALONE:
            raise TabganError(f"{name}(...) is a rule by itself and no part of another")
        if name in ("known", "missing"):
            return self._known(node, is_known=name == "known")
        values = [self.of(argument) for argument in node.args]
        if name == "round" and len(node.args) == 2:
            digits = ast.literal_eval(node.args[1])
            return Value("number", np.round(numbers_of(values[0]), digits), reckoned=True)
        if name in OF_NUMBERS:
            return Value("number", OF_NUMBERS[name](numbers_of(values[0])), reckoned=True)
        if name in ("min", "max"):
            return extreme(values, np.minimum if name == "min" else np.maximum)
        if name == "where":
            return chosen(*values)
        if name == "is_date":
            return Value("truth", is_date(*map(numbers_of, values)))
        if name == "date":
            return Value("date", date_of(*map(numbers_of, values)))
        return Value("number", calendar(name, values[0]))

    def _known(self, node: ast.Call, *, is_known: bool) -> Value:
        """Whether all of the columns have a value, or none has."""
        found = np.ones(self.columns.n, bool)
        for argument in node.args:
            if not isinstance(argument, ast.Name):
                raise TabganError(f"{ast.unparse(node)}: expected names of columns")
            column = self.columns.column(self.names.get(argument.id, argument.id))
            found &= self.columns.is_known(column.name) == is_known
        return Value("truth", found.astype(np.float64))


def _all(parts: list[Any], *, either: bool) -> Value:
    return Value("truth", reduce(lambda one, other: joined(one, other, either=either), parts))
