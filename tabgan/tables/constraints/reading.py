r"""Rules out of text, and out of what a schema file has.

    ============================  ==========================================================
    ``start <= end``, ``a < b``   orders; a row that misses a value breaks nothing
    ``0 <= age <= 120``           ranges; ``range(age, 0, 120)`` and ``positive(age)``, too
    ``day >= "2024-01-31"``
    ``step(price, 0.05)``         multiples
    ``total = net + tax``         a column that others give: put back, not learned
    ``gross = net * 1.2 + 3``
    ``bmi = kg / m ** 2``
    ``size = where(n > 9, ...)``
    ``combination(city, state)``  only values go together that do in training
    ``one_hot(a, b, c)``          one of these flags is set
    ``follows(km, from, to)``     the first is what goes with the others in training
    ``unique(id)``                ids, which are made anew
    ``matches(id, "K\d{4}")``     and their form
    ``known(end) if paid > 0``    a value that there must be
    ``a >= b or b == 0``          any formula over a row (``tables.constraints.syntax``)
    ============================  ==========================================================

Names that are no plain words stand in backticks: ``` `hours per week` <= 168 ```.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from tabgan.errors import TabganError, one_line
from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.comparisons import Inequality, Range, Step
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.groups import Combination, Follows, OneHot
from tabgan.tables.constraints.keys import Matches, Unique
from tabgan.tables.constraints.syntax import parse, sides
from tabgan.tables.constraints.values import Value, days_of

FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip


class Constraint(Protocol):
    """A rule that rows keep.

    Attributes:
        columns: that it names.
        text: as it is written; ``read_constraint`` reads it back.
        sentence: the same for people.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def text(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    def kept(self, columns: Columns) -> Mask: ...


def read_constraint(entry: Any) -> Constraint:
    """The rule that a text says, or an object ``{"rule": text, "rows": [...]}`` of combinations.

    Raises:
        TabganError: when it says none; the message begins with what was given.
    """
    if isinstance(entry, Mapping):
        return _of_plain(entry)
    try:
        return _read(entry)
    except TabganError as error:
        raise TabganError(f"{one_line(str(entry)[:200])!r}: {error}") from error


def to_plain(rule: Constraint) -> Any:
    """The rule for JSON: its text, or an object with the combinations that it has learned."""
    if isinstance(rule, Combination | Follows) and rule.rows is not None:
        return {"rule": rule.text, "rows": [list(row) for row in rule.rows]}
    return rule.text


def _of_plain(entry: Mapping[str, Any]) -> Constraint:
    rule = read_constraint(entry.get("rule"))
    rows, unknown = entry.get("rows"), sorted(set(entry) - {"rule", "rows"})
    if unknown or not isinstance(rule, Combination | Follows) or not isinstance(rows, list):
        raise TabganError(
            "expected a rule as text, or an object such as "
            '{"rule": "combination(a, b)", "rows": [["x", 1], ["y", 2]]}, '
            f"got {one_line(repr(dict(entry))[:200])}"
        )
    if not all(isinstance(row, list) and len(row) == len(rule.columns) for row in rows):
        raise TabganError(f"{rule.text}: expected rows of {len(rule.columns)} values each")
    for value in (value for row in rows for value in row):
        if not isinstance(value, str | int | float | None):
            raise TabganError(f"{rule.text}: expected text, numbers or null, got {value!r}")
    plain = (tuple(float(v) if isinstance(v, int) else v for v in row) for row in rows)
    return replace(rule, rows=tuple(plain))


def _read(text: Any) -> Constraint:
    tree, names = parse(text)
    name_of = _Names(names)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in CALLS:
        return CALLS[tree.func.id](tree.args, name_of)
    if isinstance(tree, ast.Compare):
        found = _comparison(tree, name_of, text)
        if found is not None:
            return found
    if not isinstance(tree, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.IfExp | ast.Call):
        raise TabganError("says nothing of a row; expected one such as 'start <= end'")
    rule = Filter(text.strip())
    if not rule.columns:
        raise TabganError("names no column")
    return rule


class _Names:
    """The column that a node is, if it is one."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def __call__(self, node: ast.expr) -> str | None:
        return self.names.get(node.id, node.id) if isinstance(node, ast.Name) else None

    def requested(self, node: ast.expr) -> str:
        """The same, where there has to be one."""
        name = self(node)
        if name is None:
            raise TabganError(f"expected a column, got {ast.unparse(node)}")
        return name


def _comparison(tree: ast.Compare, name_of: _Names, text: str) -> Constraint | None:
    """An order, a range or an equation; None for any other comparison."""
    if len(tree.ops) == 2:
        return _between(tree, name_of)
    if len(tree.ops) != 1:
        return None
    left, op, right = tree.left, tree.ops[0], tree.comparators[0]
    if isinstance(op, ast.Eq):
        return _equation(left, right, name_of, text)
    if type(op) not in FLIPPED:
        return None
    one, other = name_of(left), name_of(right)
    strict = isinstance(op, ast.Lt | ast.Gt)
    if one is not None and other is not None:
        lower, upper = (one, other) if isinstance(op, ast.Lt | ast.LtE) else (other, one)
        return Inequality(lower, upper, strict)
    if one is None:
        one, right, op = other, left, FLIPPED[type(op)]()
    end = _end(right)
    if one is None or end is None:
        return None
    if isinstance(op, ast.Lt | ast.LtE):
        return Range(one, high=end[0], strict=(False, strict), dates=end[1])
    return Range(one, low=end[0], strict=(strict, False), dates=end[1])


def _between(tree: ast.Compare, name_of: _Names) -> Constraint | None:
    """``low <= column <= high``."""
    name, ops = name_of(tree.comparators[0]), tree.ops
    ends = _end(tree.left), _end(tree.comparators[1])
    if name is None or ends[0] is None or ends[1] is None:
        return None
    if all(isinstance(op, ast.Gt | ast.GtE) for op in ops):
        ends, ops = (ends[1], ends[0]), ops[::-1]
    elif not all(isinstance(op, ast.Lt | ast.LtE) for op in ops):
        return None
    (low, dates), (high, _) = ends  # type: ignore[misc]
    strict = isinstance(ops[0], ast.Lt | ast.Gt), isinstance(ops[1], ast.Lt | ast.Gt)
    return Range(name, low, high, strict, dates)


def _equation(left: ast.expr, right: ast.expr, name_of: _Names, text: str) -> Constraint | None:
    """``column = formula``, or the other way round; None where a constant is what it equals."""
    before, behind = sides(text)
    for column, formula in ((left, behind), (right, before)):
        name = name_of(column)
        found = None if name is None else Equation(name, formula)
        if found is not None and found.parts and name not in found.parts:
            return found
    return None


def _end(node: ast.expr) -> tuple[float, bool] | None:
    """A number or a date in quotes, and whether it is a date; None for anything else."""
    sign = 1.0
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign, node = (-sign if isinstance(node.op, ast.USub) else sign), node.operand
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return None
    if isinstance(node.value, int | float):
        return sign * float(node.value), False
    return float(days_of(Value("label", node.value))), True


def _column(nodes: list[ast.expr], name_of: _Names) -> str:
    return name_of.requested(nodes[0])


def _columns(nodes: list[ast.expr], name_of: _Names) -> tuple[str, ...]:
    found = tuple(name_of.requested(node) for node in nodes)
    if len(set(found)) != len(found) or len(found) < 2:
        raise TabganError("expected two columns or more, each once")
    return found


def _parted(names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return names[0], names[1:]


def _number(node: ast.expr) -> float:
    end = _end(node)
    if end is None or not np.isfinite(end[0]):
        raise TabganError(f"expected a number, got {ast.unparse(node)}")
    return end[0]


def _step(nodes: list[ast.expr], name_of: _Names) -> Constraint:
    step = _number(nodes[1])
    if step <= 0:
        raise TabganError(f"expected a step above 0, got {step:g}")
    return Step(_column(nodes, name_of), step)


def _range(nodes: list[ast.expr], name_of: _Names) -> Constraint:
    low, high = _end(nodes[1]), _end(nodes[2])
    if low is None or high is None:
        raise TabganError("expected a column and two numbers or dates")
    return Range(_column(nodes, name_of), low[0], high[0], dates=low[1])


def _matches(nodes: list[ast.expr], name_of: _Names) -> Constraint:
    pattern = nodes[1].value if isinstance(nodes[1], ast.Constant) else None
    if not isinstance(pattern, str):
        raise TabganError(f"expected a pattern in quotes, got {ast.unparse(nodes[1])}")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise TabganError(f"not a regular expression: {error}") from error
    return Matches(_column(nodes, name_of), pattern)


CALLS: dict[str, Callable[[list[ast.expr], _Names], Constraint]] = {
    "unique": lambda nodes, name_of: Unique(_column(nodes, name_of)),
    "matches": _matches,
    "combination": lambda nodes, name_of: Combination(_columns(nodes, name_of)),
    "follows": lambda nodes, name_of: Follows(*_parted(_columns(nodes, name_of))),
    "one_hot": lambda nodes, name_of: OneHot(_columns(nodes, name_of)),
    "step": _step,
    "range": _range,
    "positive": lambda nodes, name_of: Range(
        _column(nodes, name_of), low=0.0, strict=(True, False)
    ),
}
