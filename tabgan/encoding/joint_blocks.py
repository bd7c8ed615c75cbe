"""Columns some of whose pairs never occur: one block of the pairs that do.

A department has few of the jobs, a price belongs to a size, of nine flags one is set. Two blocks
drawn apart would pair what does not go together, however well each is learned. Empty cells that
are no accident are what statistics calls structural zeros; one block of the occupied cells cannot
make them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers, State
from tabgan.encoding.onehot import OneHotEncoder

Codes = NDArray[np.int64]

MOST_PAIRS = 256  # positions of a block
TRIED_ROWS = 20_000  # that say which columns to join; all rows say which tuples there are
EXPECTED = 20.0  # rows that independent columns would have in the empty cells
UNSEEN = 0.005  # share of rows with a pair of their own: about so many have one not seen


class Joint:
    """Columns as one: a code per tuple of their values that training has.

    Attributes:
        names: of the columns.
        tuples: their values per code, float64 [n_codes, n_columns], NaN for missing.
        counts: training rows per code, int64 [n_codes].
    """

    def __init__(self, names: Sequence[str], tuples: Numbers, counts: Codes) -> None:
        self.names, self.tuples, self.counts = list(names), tuples, counts

    @classmethod
    def of(cls, names: Sequence[str], columns: Mapping[str, Numbers]) -> Self:
        tuples, counts = np.unique(_rows(names, columns), axis=0, return_counts=True)
        return cls(names, np.where(np.isinf(tuples), np.nan, tuples), counts)

    def codes(self, columns: Mapping[str, Numbers], *, nearest: bool) -> Numbers:
        """The code of each row, float64 [n].

        Of a tuple that training did not have: NaN, or if ``nearest`` the commonest of the tuples
        that share most values with it.
        """
        rows = _rows(self.names, columns)
        distinct, positions = np.unique(rows, axis=0, return_inverse=True)
        known = np.where(np.isnan(self.tuples), np.inf, self.tuples)
        code_of = np.full(len(distinct), np.nan)
        for position, row in enumerate(distinct):
            shared = (known == row).sum(axis=1)
            best = np.lexsort((self.counts, shared))[-1]
            if nearest or shared[best] == len(self.names):
                code_of[position] = best
        return code_of[positions.reshape(-1)]

    @property
    def every_code(self) -> Numbers:
        """0, 1 and so on, float64 [n_codes]."""
        return np.arange(len(self.tuples), dtype=np.float64)

    def values(self, name: str) -> Numbers:
        """A column's value under each code, float64 [n_codes]."""
        return self.tuples[:, self.names.index(name)]

    def encoder(self) -> OneHotEncoder:
        """Of the codes, which has learned nothing."""
        return OneHotEncoder(n_codes=len(self.tuples))

    def state(self) -> State:
        return {"names": self.names, "tuples": self.tuples, "counts": self.counts}

    @classmethod
    def restore(cls, state: State) -> Self:
        names, tuples, counts = state["names"], state["tuples"], state["counts"]
        if tuples.shape != (len(counts), len(names)):
            raise ValueError("joint: one row of values per code, one value per column")
        return cls(names, tuples, counts)


def find_joint(
    columns: Mapping[str, Numbers], groups: Sequence[Sequence[str]] = (), *, find: bool = True
) -> list[list[str]]:
    """Groups of discrete columns to join, each of two columns at least.

    Two columns are joined if their pairs take no more positions than both (256 at most); if
    independent columns would have 20 rows at least in the cells that are empty; and if hardly a
    row in 200 has a pair of its own, so that hardly one in 200 has a pair that was not seen (Good
    1953). What is joined is then a column like any other; the two with most rows where none are
    come first.

    Args:
        columns: by name, float64 [n], NaN for missing, a value like any other.
        groups: columns that are known to go together; joined where they have 256 positions at most.
        find: whether others are looked for.
    """
    n = len(next(iter(columns.values()), ()))
    rows = np.linspace(0, n - 1, min(n, TRIED_ROWS)).astype(np.int64)
    codes: dict[tuple[str, ...], Codes] = {
        (name,): np.unique(numbers[rows], return_inverse=True)[1]
        for name, numbers in columns.items()
    }
    for group in groups:
        _join_known([name for name in group if name in columns], codes)
    pairs = combinations(codes, 2) if find else ()
    gains = {(one, other): _gain(codes[one], codes[other]) for one, other in pairs}
    while gains and max(gains.values()) >= EXPECTED:
        one, other = max(gains, key=gains.__getitem__)
        joined = _joined(codes.pop(one), codes.pop(other))
        gone = {one, other}
        gains = {pair: gain for pair, gain in gains.items() if not gone & set(pair)}
        gains |= {(name, one + other): _gain(of, joined) for name, of in codes.items()}
        codes[one + other] = joined
    return [list(names) for names in codes if len(names) > 1]


def _joined(first: Codes, second: Codes) -> Codes:
    """A code per pair of codes."""
    return np.unique(first * (second.max() + 1) + second, return_inverse=True)[1]


def _join_known(group: Sequence[str], codes: dict[tuple[str, ...], Codes]) -> None:
    """Join what the columns of a group are in, in place."""
    parts = [names for names in codes if not set(names).isdisjoint(group)]
    if len(parts) < 2:
        return
    joined = reduce(_joined, [codes[names] for names in parts])
    if joined.max() < MOST_PAIRS:
        for names in parts:
            del codes[names]
        codes[tuple(name for names in parts for name in names)] = joined


def _rows(names: Sequence[str], columns: Mapping[str, Numbers]) -> Numbers:
    """Float64 [n, len(names)], infinite for missing: numpy takes no NaN for another."""
    rows = np.column_stack([columns[name] for name in names])
    return np.where(np.isnan(rows), np.inf, rows)


def _gain(first: Codes, second: Codes) -> float:
    """Rows that independent columns would have in the empty cells; 0 where joining costs more."""
    n_first, n_second, n = int(first.max()) + 1, int(second.max()) + 1, len(first)
    cells = np.bincount(first * n_second + second, minlength=n_first * n_second)
    occupied = np.count_nonzero(cells)
    if occupied > min(n_first + n_second, MOST_PAIRS) or np.sum(cells == 1) > UNSEEN * n:
        return 0.0
    table = cells.reshape(n_first, n_second)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    return float(expected[table == 0].sum())
