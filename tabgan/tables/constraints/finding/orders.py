"""``a <= b`` on every row, and ``a <= b or b == c`` where one value of b means something else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tabgan.tables.constraints.columns import Columns, Numbers
from tabgan.tables.constraints.comparisons import Inequality
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.finding.evidence import Found, measured
from tabgan.tables.constraints.syntax import number_text, quoted
from tabgan.tables.orders import MOST_COLUMNS, Orders, by_chance, without


def find_orders(columns: Columns) -> list[Found]:
    """The orders that numbers or dates keep, without those that follow from two others.

    With them the orders that all rows keep but those in which one of the columns is a number of
    its own, its least or its largest: ``built <= renovated or renovated == 0``.
    """
    every = measured(columns)
    groups = [
        {n: of for n, of in every.items() if (columns.schema[n].kind == "date") is dates}
        for dates in (False, True)
    ]
    found = []
    for group in groups:
        if 2 <= len(group) <= MOST_COLUMNS:
            plain = _ordered(group)
            found += [Found(Inequality(a, b), evidence) for (a, b), evidence in plain.items()]
            found += _with_exceptions(columns, group)
    return found


def _ordered(group: Mapping[str, Numbers]) -> dict[tuple[str, str], float]:
    names = [*group]
    rows = np.column_stack([*group.values()])
    orders = Orders.found(rows, [[*range(len(names))]])
    related = np.zeros((len(names), len(names)), bool)
    related[orders.pairs[:, 0], orders.pairs[:, 1]] = True
    one_way = related & ~related.T
    follows = (one_way.astype(int) @ one_way.astype(int)) > 0
    return {
        (names[a], names[b]): by_chance(rows[:, a], rows[:, b])
        for a, b in orders.pairs
        if not (follows & one_way)[a, b]
    }


def _with_exceptions(columns: Columns, group: Mapping[str, Numbers]) -> list[Found]:
    names, rows = [*group], np.column_stack([*group.values()])
    orders = Orders.excepted(rows, [[*range(len(names))]])
    found = []
    for (a, b), values in zip(orders.pairs.tolist(), orders.exceptions, strict=True):
        position, value = (b, values[1]) if np.isnan(values[0]) else (a, values[0])
        if columns.schema[names[position]].kind == "date":
            continue
        text = f"{_order(names[a], names[b])} or {quoted(names[position])} == {number_text(value)}"
        less = without(rows, position, value)
        found.append(Found(Filter(text), by_chance(less[:, a], less[:, b])))
    return found


def _order(lower: str, upper: str) -> str:
    return f"{quoted(lower)} <= {quoted(upper)}"
