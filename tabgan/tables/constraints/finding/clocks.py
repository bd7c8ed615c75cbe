"""Times of day written hhmm: one is the other so many minutes later."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from tabgan.tables.constraints.columns import Columns, Numbers
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.finding.evidence import Found, measured, once
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import quoted
from tabgan.tables.constraints.values import clock_minutes

FEWEST_TIMES = 30  # different ones: numbers that are none have minutes from 60 on, four in ten
LATEST = 1_200  # that a time of day is, at least


def find_clocks(columns: Columns) -> list[Found]:
    """The equations ``late = clock(minutes(early) + delay)`` that every row keeps.

    The later time is what is given: a delay is what a table is about. Midnight is 2400 where the
    table writes it so (``clock24``).
    """
    numbers = {n: of for n, of in measured(columns).items() if columns.schema[n].is_number}
    clocks = [name for name, of in numbers.items() if _is_clock(of)]
    found = []
    for early, late in permutations(clocks, 2):
        for delay in numbers.keys() - {early, late}:
            rule = _difference(columns, early, late, delay)
            if rule is not None:
                found.append(Found(rule, float(columns.n * (1 - 1 / 1_440))))
    return once(found)


def _is_clock(numbers: Numbers) -> bool:
    known = numbers[~np.isnan(numbers)]
    return bool(
        len(known)
        and known.min() >= 0
        and LATEST <= known.max() <= 2_400
        and (known % 100 < 60).all()
        and (known % 1 == 0).all()
        and len(np.unique(known)) >= FEWEST_TIMES
    )


def _difference(columns: Columns, early: str, late: str, delay: str) -> Equation | None:
    a, b, more = columns[early], columns[late], columns[delay]
    if not np.array_equal(np.isnan(b), np.isnan(a) | np.isnan(more)):
        return None
    if np.nanmax(np.abs(clock_minutes(a) + more - clock_minutes(b)) % 1_440) > 0:
        return None
    if len(np.unique(more[~np.isnan(more)])) < 3:
        return None
    for function in ("clock", "clock24"):
        formula = f"{function}(minutes({quoted(early)}) + {quoted(delay)})"
        computed = Formula(formula).numbers(columns)
        if np.array_equal(computed, b, equal_nan=True):
            return Equation(late, formula)
    return None
