"""Consistent rows that a score likes better and better, by trying the values of other rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers
from tabgan.evasion.records import Records, Sender

Score = Callable[[Numbers], NDArray[np.float32]]  # rows [n, n_columns] -> [n], the lower the better
MOST_PASSED = 3_000  # rows of a group that are kept
SINGLE = 0.4  # of the trials set one column to any of its values; the others take a row's
PASSED = 0.5  # of these take one that passed, once there are any
WHOLE = 0.2  # of these take all that may change


class Climber:
    """A hill climber over what may change in records (Forrest and Mitchell 1993).

    A trial sets one free column to any value of the training table, or some of them to those of
    one row: of the table, or of a row that passed. The rules put it right, and it stays where the
    score does not rise: a move that costs nothing may open the way.

    Args:
        sender: makes rows consistent.
        pool: float64 [n, n_columns], the rows whose values are tried.
        n_groups: categories of attacks, each with its own rows that passed.
    """

    def __init__(self, sender: Sender, pool: Numbers, *, n_groups: int) -> None:
        self.sender, self.pool = sender, pool
        self.values = [np.unique(column) for column in pool.T]
        self.passed = [pool[:0]] * n_groups

    def keep(self, numbers: Numbers, group: NDArray[np.int64]) -> None:
        """Remember rows that passed, of the groups int64 [n]; the newest of each stay."""
        for each, known in enumerate(self.passed):
            self.passed[each] = np.concatenate([known, numbers[group == each]])[-MOST_PASSED:]

    def climbed(
        self, records: Records, start: Numbers, score: Score, *, steps: int,
        rng: np.random.Generator,
    ) -> Numbers:  # fmt: skip
        """Rows that score at most what ``start`` does, after as many trials as ``steps``."""
        best, level = start.copy(), score(start)
        for _ in range(steps):
            tried = self._tried(best, records, rng)
            scores = score(tried)
            kept = scores <= level
            best[kept], level[kept] = tried[kept], scores[kept]
        return best

    def _tried(self, rows: Numbers, records: Records, rng: np.random.Generator) -> Numbers:
        n, width = rows.shape
        share = np.where(rng.random(n) < WHOLE, 1.0, rng.random(n))
        taken = rng.random(rows.shape) < share[:, None]
        tried = np.where(taken, self._donors(records.group, rng), rows)
        single = np.flatnonzero(rng.random(n) < SINGLE)
        place = (rng.random((len(single), width)) * records.free[single]).argmax(axis=1)
        tried[single] = rows[single]
        drawn = zip(place, rng.random(len(single)), strict=True)
        tried[single, place] = [self.values[c][int(u * len(self.values[c]))] for c, u in drawn]
        return self.sender.rules.project(tried, records.numbers, records.free)

    def _donors(self, group: NDArray[np.int64], rng: np.random.Generator) -> Numbers:
        donors = self.pool[rng.integers(len(self.pool), size=len(group))]
        for each, known in enumerate(self.passed):
            of = np.flatnonzero((group == each) & (rng.random(len(group)) < PASSED))
            if len(known):
                donors[of] = known[rng.integers(len(known), size=len(of))]
        return donors
