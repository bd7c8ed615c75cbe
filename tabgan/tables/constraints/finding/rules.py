"""All rules that a table keeps on every row, with what speaks for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.finding.blanks import find_blanks
from tabgan.tables.constraints.finding.calendar import find_dates
from tabgan.tables.constraints.finding.clocks import find_clocks
from tabgan.tables.constraints.finding.decided import find_decided
from tabgan.tables.constraints.finding.evidence import Found
from tabgan.tables.constraints.finding.exclusions import find_exclusions
from tabgan.tables.constraints.finding.orders import find_orders
from tabgan.tables.constraints.finding.transforms import find_transforms
from tabgan.tables.constraints.groups import Follows

FINDERS: tuple[Callable[[Columns], list[Found]], ...] = (
    find_orders,
    find_dates,
    find_clocks,
    find_transforms,
    find_blanks,
    find_exclusions,
)
FEWEST_ROWS = 50
LOOKED_AT = 500_000  # rows that rules are looked for in; all rows say whether they are kept


def find_rules(columns: Columns, *, but: Iterable[str] = ()) -> list[Found]:
    """The rules of every kind that all rows keep, each once, what speaks most for first.

    Args:
        columns: of all training rows; fewer than 50 show nothing.
        but: columns that others give already, of which none is looked for that gives them again.
    """
    if columns.n < FEWEST_ROWS:
        return []
    few = columns
    if columns.n > LOOKED_AT:
        few = columns.take(np.linspace(0, columns.n - 1, LOOKED_AT).astype(np.int64))
    found = [one for find in FINDERS for one in find(few)]
    given = {one.rule.column for one in found if isinstance(one.rule, Equation)}
    found = [
        one for one in found if not isinstance(one.rule, Equation) or one.rule.column not in but
    ]
    found += find_decided(few, but={*but, *given})
    if few is not columns:
        found = [_refitted(one, columns) for one in found]
    once = {one.rule.text: one for one in found if _is_kept(one, columns)}
    return sorted(once.values(), key=lambda one: -one.evidence)


def _gives(one: Found, names: Iterable[str]) -> bool:
    return isinstance(one.rule, Equation) and one.rule.column in {*names}


def _refitted(one: Found, columns: Columns) -> Found:
    """With what goes together in all of the rows."""
    if not isinstance(one.rule, Follows):
        return one
    return replace(one, rule=replace(one.rule, rows=None).fitted(columns))


def _is_kept(one: Found, columns: Columns) -> bool:
    if isinstance(one.rule, Follows):
        by = [row[1:] for row in one.rule.rows or ()]
        return len(set(by)) == len(by)
    return bool(one.rule.kept(columns).all())
