"""Numbers that are a sum of other columns' numbers on every row: left out, put back exactly.

Totals, differences, averages, units beside each other: of the public tables of R's packages with
500 rows or more one in eight has one. A generator would meet such a rule nearly; nearly gives a
table away, and a total that is not one is no total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

from tabgan.encoding.column import Numbers, State
from tabgan.encoding.dependencies import Lookup
from tabgan.encoding.numbers import is_finer

MOST_COLUMNS = 200  # numbers that are looked at; the search costs their number cubed
MOST_TERMS = 20
TRIED_ROWS = 2_000  # that the factors are found on; all rows say whether they hold
ROWS_PER_TERM = 20  # at least: fewer might be met by chance
STEPS_OF_SPREAD = 5  # of a number whose sum is met but for rounding; a flag would be met by chance
EXACT = 1e-7  # of the largest number: what is left of single precision
CLEAR = 20.0  # times that, at least, a number spreads: of less, anything would be the sum
EXACTLY = 1e-6  # of a step: met, not by rounding
NICE_DIGITS = 6  # of a factor that is taken for the one meant
ONE_MEASURE = 0.9999  # correlation of two columns that are one, but for unit, origin and rounding

Mask = NDArray[np.bool_]


class Sum:
    """constant + sum of factor * column, missing where any of the columns is.

    Args:
        terms: factor per column.
        constant: what is added.
        low, high: the values that there are, of a number of few levels; the sum is cut to them.
    """

    def __init__(
        self, terms: Mapping[str, float], constant: float, low: float = -np.inf,
        high: float = np.inf,
    ) -> None:  # fmt: skip
        self.terms, self.constant, self.low, self.high = dict(terms), constant, low, high

    def __call__(self, columns: Mapping[str, Numbers]) -> Numbers:
        total = sum(factor * columns[name] for name, factor in self.terms.items())
        return np.clip(total + self.constant, self.low, self.high)

    def solved(self, name: str, total: Numbers, columns: Mapping[str, Numbers]) -> Numbers:
        """The term ``name`` that the total leaves beside the others; NaN where one is missing."""
        others = [factor * columns[other] for other, factor in self.terms.items() if other != name]
        return (total - self.constant - sum(others)) / self.terms[name]

    def __str__(self) -> str:
        words = [f"{_factor(factor)}{name!r}" for name, factor in self.terms.items()]
        words += [f"{self.constant:+.6g}"] if self.constant else []
        return " ".join(words).removeprefix("+").strip()

    @property
    def is_mixed(self) -> bool:
        """Whether parts that each occur may give what does not: not all of them are added."""
        return len(self.terms) > 1 and min(self.terms.values()) < 0

    def turned(self, name: str) -> tuple[str, Sum] | None:
        """Of ``name`` = whole - parts, the whole as the sum of ``name`` and the parts."""
        added = [term for term, factor in self.terms.items() if factor > 0]
        if len(added) != 1 or not self.is_mixed:
            return None
        factor = self.terms[added[0]]
        parts = {term: -of / factor for term, of in self.terms.items() if term != added[0]}
        return added[0], Sum({name: 1 / factor, **parts}, 0.0 - self.constant / factor)

    def state(self) -> State:
        bounded = np.isfinite(self.low)
        numbers = [self.constant, *([self.low, self.high] if bounded else [])]
        return {
            "names": [*self.terms],
            "factors": np.array([*self.terms.values()]),
            "numbers": np.array(numbers),
        }

    @classmethod
    def restore(cls, state: State) -> Self:
        factors = [float(factor) for factor in state["factors"]]
        terms = dict(zip(state["names"], factors, strict=True))
        return cls(terms, *(float(number) for number in state["numbers"]))


class Reading:
    """A column read off the value of a sum: a band of a score, a grade of points.

    A value between those of training is read as the nearest of these.

    Args:
        source: the sum.
        lookup: of its values.
    """

    def __init__(self, source: str, lookup: Lookup) -> None:
        self.source, self.lookup = source, lookup

    @property
    def terms(self) -> dict[str, float]:
        """The names of the columns that it follows from."""
        return {self.source: 1.0}

    def __call__(self, columns: Mapping[str, Numbers]) -> Numbers:
        values = columns[self.source]
        keys = self.lookup.keys_[~np.isnan(self.lookup.keys_)]
        nearest = keys[np.searchsorted((keys[1:] + keys[:-1]) / 2, values)]
        return self.lookup(np.where(np.isnan(values), np.nan, nearest))

    def solved(self, name: str, total: Numbers, columns: Mapping[str, Numbers]) -> Numbers:
        """The value of the sum that alone reads so; NaN where there are several."""
        return self.lookup.deciding(total)

    def state(self) -> State:
        return {"source": [self.source], **self.lookup.state()}

    @classmethod
    def restore(cls, state: State) -> Self:
        return cls(state["source"][0], Lookup().restore(state))


def find_sums(columns: Mapping[str, Numbers], steps: Mapping[str, float]) -> dict[str, Sum]:
    """The columns that a sum of others gives on every training row, to the digit.

    Columns are tried in the order of their spread, each as a sum of those before it that are no
    sums: of parts and total the total is left out. One measure in several units (a total, its
    mean and its percentage) has the position of the widest. A difference is turned round: net -
    tax = rest becomes net = rest + tax, so that parts which occur give no whole that cannot be.
    So is a whole of round values (a loan, in hundreds) that is two finer parts (paid, and open):
    the finest is left out, and the whole stays round.
    Factors come by least squares. The sum must meet each value to half a step, and must be missing
    just where the value is. Where it meets values no better than that, by rounding, the column
    must spread over at least 5 steps.

    Args:
        columns: by name, float64 [n], NaN for missing; at most 200, or none are looked for.
        steps: the resolution of each, such as .01 for two decimals; 0 for full precision.
    """
    if len(columns) > MOST_COLUMNS:
        return {}
    with np.errstate(over="ignore"):  # of numbers near float64's end, which are left alone
        columns = {n: of for n, of in columns.items() if np.isfinite(np.nanstd(of))}
    known = {name: ~np.isnan(numbers) for name, numbers in columns.items()}
    parts: list[str] = []
    sums: dict[str, Sum] = {}
    for name in _widest_last(columns):
        whole = [part for part in parts if known[part][known[name]].all()]
        found = _found(columns, name, whole, steps[name], known)
        parts.append(name)
        if found is None:
            continue
        turned = found.turned(name)
        if turned is None:
            turned = _finer_part(name, found, columns)
        elif _finer_part(*turned, columns):  # the whole is to stay round
            turned = None
        if turned and _may_turn(*turned, columns, steps, sums):
            name, found = turned
        sums[name] = found
        parts.remove(name)
    return sums


def _finer_part(name: str, found: Sum, columns: Mapping[str, Numbers]) -> tuple[str, Sum] | None:
    """Of a whole of two parts, one of which has far more values, that one as what is left."""
    if len(found.terms) != 2 or found.is_mixed:
        return None
    n_values = {part: len(np.unique(columns[part])) for part in found.terms}
    finest, other = sorted(n_values, key=n_values.__getitem__, reverse=True)
    if not is_finer(columns[finest], columns[name]):
        return None
    factor = found.terms[finest]
    terms = {name: 1 / factor, other: -found.terms[other] / factor}
    return finest, Sum(terms, 0.0 - found.constant / factor)


def _may_turn(
    name: str,
    found: Sum,
    columns: Mapping[str, Numbers],
    steps: Mapping[str, float],
    sums: Mapping[str, Sum],
) -> bool:
    """Whether ``name`` is just that sum on every row, not by rounding, and no part of another."""
    if any(name in other.terms for other in sums.values()):
        return False
    return holds(found, columns, name, steps[name], share=EXACTLY)


def _widest_last(columns: Mapping[str, Numbers]) -> list[str]:
    """The names by spread; those of one measure where the widest of them is."""
    if not columns:
        return []
    own = np.array([np.nanstd(numbers) for numbers in columns.values()])
    n = len(next(iter(columns.values())))
    tried = np.linspace(0, n - 1, min(n, TRIED_ROWS)).astype(np.int64)
    table = np.column_stack([numbers[tried] for numbers in columns.values()])
    table = np.nan_to_num(table - np.nanmean(table, axis=0))
    lengths = np.maximum(np.linalg.norm(table, axis=0), np.finfo(float).tiny)
    alike = np.abs((table / lengths).T @ (table / lengths)) > ONE_MEASURE
    widest = np.where(alike, own, own[:, None]).max(axis=1)
    return [[*columns][position] for position in np.lexsort((own, widest))]


def holds(
    found: Callable[[Mapping[str, Numbers]], Numbers],
    columns: Mapping[str, Numbers],
    name: str,
    step: float,
    *,
    share: float = 1.0,
) -> bool:
    """Whether ``name`` is the sum on every row and missing where the sum is.

    To half a step, or a ``share`` of that.
    """
    computed, total = found(columns), columns[name]
    known = ~np.isnan(total)
    if not np.array_equal(~np.isnan(computed), known):
        return False
    return _meets(computed[known], total[known], step, share=share)


def _found(
    columns: Mapping[str, Numbers],
    name: str,
    parts: Sequence[str],
    step: float,
    known: Mapping[str, Mask],
) -> Sum | None:
    """``name`` as a sum of some of ``parts``, or None."""
    rows = np.flatnonzero(known[name])
    tried = rows[np.linspace(0, len(rows) - 1, min(len(rows), TRIED_ROWS)).astype(np.int64)]
    if not parts or len(rows) < 2 * len(parts):
        return None
    total, table = columns[name][tried], np.column_stack([columns[p][tried] for p in parts])
    factors, constant = _fitted(table, total)
    computed = table @ factors + constant
    if total.std() < CLEAR * _slack(total, step) or not _meets(computed, total, step):
        return None
    exact = _meets(computed, total, step, share=EXACTLY)
    least = 10 * EXACT * total.std() if exact else step / 2
    chosen = _needed(table, total, np.abs(factors) * table.std(axis=0), least, step)
    if not 0 < len(chosen) <= MOST_TERMS or len(rows) < ROWS_PER_TERM * len(chosen):
        return None
    factors, _ = _fitted(table[:, chosen], total)
    names = [parts[position] for position in chosen]
    for digits in (NICE_DIGITS, 17):
        nice = [float(f"{factor:.{digits}g}") for factor in factors]
        rest = float(np.mean(total - table[:, chosen] @ nice))
        rest = 0.0 if abs(rest) <= _slack(total, step) else float(f"{rest:.{digits}g}")
        found = Sum(dict(zip(names, nice, strict=True)), rest)
        if holds(found, columns, name, step):
            exact = _meets(found(columns)[tried], total, step, share=EXACTLY)
            return found if exact or total.std() >= STEPS_OF_SPREAD * step else None
    return None


def _needed(
    table: Numbers, total: Numbers, weights: Numbers, least: float, step: float
) -> NDArray[np.int64]:
    """The positions of the terms of at least weight ``least`` without which the sum is not met."""
    chosen = np.flatnonzero(weights > least)
    for position in sorted(chosen, key=weights.__getitem__)[: len(chosen) - 1]:
        fewer = chosen[chosen != position]
        without, constant = _fitted(table[:, fewer], total)
        if _meets(table[:, fewer] @ without + constant, total, step):
            chosen = fewer
    return chosen


def _fitted(table: Numbers, total: Numbers) -> tuple[Numbers, float]:
    """Factors and constant of the least squares."""
    centre, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale == 0] = 1.0
    factors = lstsq((table - centre) / scale, total - total.mean(), lapack_driver="gelsy")[0]
    factors = factors / scale
    return factors, float(total.mean() - centre @ factors)


def _meets(computed: Numbers, total: Numbers, step: float, *, share: float = 1.0) -> bool:
    """Whether each is the other to half a step (of that, ``share``) and what rounding leaves."""
    return bool((np.abs(computed - total) <= 0.5 * share * step + _slack(total, step)).all())


def _slack(total: Numbers, step: float) -> float:
    """What floating point leaves of a number; a quarter of its step at most."""
    slack = EXACT * float(np.abs(total).max())
    return min(slack, step / 4) if step else slack


def _factor(factor: float) -> str:
    """A factor in a sum's words: +, -, or a number times."""
    sign = "-" if factor < 0 else "+"
    return f"{sign} " if abs(factor) == 1 else f"{sign} {abs(factor):.6g} * "
