"""``a <= b`` on every row, and ``a <= b or b == c`` where one value of b means something else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tabgan.constraints.columns import Columns, Numbers
from tabgan.constraints.comparisons import Inequality
from tabgan.constraints.filters import Filter
from tabgan.constraints.finding.evidence import SURPRISE, Found, measured
from tabgan.constraints.syntax import quoted
from tabgan.tables.orders import Orders, by_chance

SPECIAL = 0.01  # share of the rows that have a number that may mean something else
MOST_COLUMNS = 100


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
    special = {name: value for name, of in group.items() if (value := _special(of)) is not None}
    if not special:
        return []
    names = [*group]
    rows = np.column_stack([*group.values()])
    plain = {*map(tuple, Orders.found(rows, [[*range(len(names))]], surprise=0).pairs.tolist())}
    found = []
    for name, value in special.items():
        place = names.index(name)
        less = rows.copy()
        less[rows[:, place] == value, place] = np.nan
        pairs = [[place, other] for other in range(len(names)) if other != place]
        for a, b in Orders.found(less, pairs).pairs.tolist():
            if (a, b) not in plain:
                text = f"{_order(names[a], names[b])} or {quoted(name)} == {_text(value)}"
                if columns.schema[name].kind != "date":
                    found.append(Found(Filter(text), by_chance(less[:, a], less[:, b])))
    return [one for one in found if one.evidence > SURPRISE]


def _special(numbers: Numbers) -> float | None:
    """A number at an end that many rows have and that stands apart from the others; or None."""
    known = numbers[~np.isnan(numbers)]
    values, counts = np.unique(known, return_counts=True)
    if len(values) < 3:
        return None
    spread = values[-2] - values[1]
    for value, count, gap in (
        (values[0], counts[0], values[1] - values[0]),
        (values[-1], counts[-1], values[-1] - values[-2]),
    ):
        if count >= SPECIAL * len(known) and (gap > spread or value in (0.0, -1.0)):
            return float(value)
    return None


def _order(lower: str, upper: str) -> str:
    return f"{quoted(lower)} <= {quoted(upper)}"


def _text(value: float) -> str:
    return f"{value:.15g}"
