"""Rules that no row can keep together, found by linear programming.

Orders, ranges, sums and one-hot groups are linear. The largest margin by which all strict ones can
be met together (at most 1) is a linear program; where there is none above 0, rules are left out one
by one as long as there is still none, and those that remain contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from tabgan.errors import TabganError
from tabgan.tables.constraints.comparisons import Inequality, Range
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.groups import Follows, OneHot
from tabgan.tables.constraints.keys import Matches
from tabgan.tables.constraints.reading import Constraint

LEAST_MARGIN = 1e-9


@dataclass(frozen=True)
class _Row:
    """Sum of factor * column, at most (or just) ``most``; strictly, by a margin."""

    factors: dict[str, float]
    most: float
    strict: bool = False
    equal: bool = False


def check_together(rules: Sequence[Constraint]) -> None:
    """Refuse rules that contradict each other.

    Raises:
        TabganError: naming those that do.
    """
    _check_given([rule for rule in rules if isinstance(rule, Equation | Follows)])
    _check_patterns([rule for rule in rules if isinstance(rule, Matches)])
    linear = [rule for rule in rules if any(True for _ in _rows(rule))]
    if _can_be_met(linear):
        return
    for rule in tuple(linear):
        fewer = [other for other in linear if other is not rule]
        if not _can_be_met(fewer):
            linear = fewer
    raise TabganError(f"no row can keep {' and '.join(repr(rule.text) for rule in linear)}")


def in_order(rules: Sequence[Equation | Follows]) -> list[Equation | Follows]:
    """Rules that give a column, each behind those that give its parts.

    Raises:
        TabganError: for columns that are given by one another.
    """
    left, ordered = list(rules), list[Equation | Follows]()
    while left:
        given = {rule.column for rule in left}
        free = [rule for rule in left if given.isdisjoint(rule.columns[1:])]
        if not free:
            texts = " and ".join(repr(rule.text) for rule in left)
            raise TabganError(f"{texts}: columns that are given by one another")
        ordered += free
        left = [rule for rule in left if rule not in free]
    return ordered


def _check_given(rules: Sequence[Equation | Follows]) -> None:
    given: dict[str, Equation | Follows] = {}
    for rule in rules:
        before = given.setdefault(rule.column, rule)
        if before is not rule:
            raise TabganError(
                f"{before.text!r} and {rule.text!r} give one column; write one of them for another "
                "of its columns"
            )
    in_order(rules)


def _check_patterns(rules: Sequence[Matches]) -> None:
    seen: dict[str, Matches] = {}
    for rule in rules:
        before = seen.setdefault(rule.column, rule)
        if before is not rule:
            raise TabganError(f"{before.text!r} and {rule.text!r}: two patterns of one column")


def _rows(rule: Constraint) -> Iterator[_Row]:
    if isinstance(rule, Inequality):
        yield _Row({rule.lower: 1.0, rule.upper: -1.0}, 0.0, rule.strict)
    elif isinstance(rule, Range):
        if np.isfinite(rule.low):
            yield _Row({rule.column: -1.0}, -rule.low, rule.strict[0])
        if np.isfinite(rule.high):
            yield _Row({rule.column: 1.0}, rule.high, rule.strict[1])
    elif isinstance(rule, OneHot):
        yield _Row(dict.fromkeys(rule.names, 1.0), 1.0, equal=True)
        for name in rule.names:
            yield _Row({name: -1.0}, 0.0)
    elif isinstance(rule, Equation) and (sum_ := rule.linear()) is not None:
        yield _Row({rule.column: 1.0, **{n: -by for n, by in sum_[0].items()}}, sum_[1], equal=True)


def _can_be_met(rules: Sequence[Constraint]) -> bool:
    rows = [row for rule in rules for row in _rows(rule)]
    names = sorted({name for row in rows for name in row.factors})
    if not rows:
        return True
    table = np.zeros((len(rows), len(names) + 1))
    for position, row in enumerate(rows):
        for name, factor in row.factors.items():
            table[position, names.index(name)] += factor
        table[position, -1] = float(row.strict)
    most, equal = np.array([row.most for row in rows]), np.array([row.equal for row in rows])
    found = linprog(
        np.append(np.zeros(len(names)), -1.0),
        A_ub=table[~equal] if (~equal).any() else None,
        b_ub=most[~equal] if (~equal).any() else None,
        A_eq=table[equal] if equal.any() else None,
        b_eq=most[equal] if equal.any() else None,
        bounds=[*[(None, None)] * len(names), (0, 1)],
    )
    is_strict = any(row.strict for row in rows)
    return found.status == 0 and (not is_strict or -found.fun > LEAST_MARGIN)
