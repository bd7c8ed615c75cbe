"""Consistent rows that a score likes better and better, by trying the values of other rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tabgan.blackboxes.evasion.candidates import CandidateRows
from tabgan.blackboxes.evasion.features import Features
from tabgan.blackboxes.evasion.records import RecordDecoder, Records
from tabgan.encoding.column import Numbers

Score = Callable[[Numbers], NDArray[np.floating]]  # rows [n, n_columns] -> [n], lower is better
SINGLE = 0.4  # of the trials change one column alone
WHOLE = 0.2  # of the others take all that may change from the other row
ELITE = 0.5  # of the others take from the best rows of the category, instead of a candidate row
BEST = 0.5  # of the rows of a category: with a tenth, all soon are at one and the same place


class Climber:
    """A hill climber over what may change in records, which climb together.

    A trial sets one free column to a value of the training table, to an end of its range or to any
    number between, or some columns to those of another row: a candidate row, or one of the best
    rows that the records of the same category have come to (uniform crossover with an elite,
    Syswerda 1989). The rules put it right, and it stays where the score does not rise: a move that
    costs nothing may open the way (Forrest and Mitchell 1993).

    Args:
        decoder: makes rows consistent.
        features: knows every column's training values.
        candidates: whole rows whose values are tried.
    """

    def __init__(
        self, decoder: RecordDecoder, features: Features, candidates: CandidateRows
    ) -> None:
        self.decoder, self.candidates = decoder, candidates
        columns = [
            np.arange(levels, dtype=np.float64) if isinstance(levels, int) else levels
            for levels in features.levels
        ]
        self._is_number = np.array([not isinstance(levels, int) for levels in features.levels])
        self._counts = np.array([len(values) for values in columns])
        self._starts = self._counts.cumsum() - self._counts
        self._values = np.concatenate(columns)

    def climbed(
        self, records: Records, start: Numbers, score: Score, *, steps: int,
        rng: np.random.Generator,
    ) -> Numbers:  # fmt: skip
        """Rows that score at most what ``start`` does, after as many trials as ``steps``."""
        best, level = start.copy(), score(start)
        for _ in range(steps):
            tried = self._tried(best, level, records, rng)
            scores = score(tried)
            kept = scores <= level
            best[kept], level[kept] = tried[kept], scores[kept]
        return best

    def _tried(
        self, rows: Numbers, level: NDArray[np.floating], records: Records,
        rng: np.random.Generator,
    ) -> Numbers:  # fmt: skip
        n, width = rows.shape
        share = np.where(rng.random(n) < WHOLE, 1.0, rng.random(n))
        taken = rng.random(rows.shape) < share[:, None]
        others = self.candidates(records, rng)
        elite = rng.random(n) < ELITE
        others[elite] = rows[best_of_category(level, records.group, rng)[elite]]
        tried = np.where(taken, others, rows)
        single = np.flatnonzero(rng.random(n) < SINGLE)
        column = (rng.random((len(single), width)) * records.free[single]).argmax(axis=1)
        tried[single] = rows[single]
        tried[single, column] = self._drawn(column, rng)
        # What breaks a rule goes back to the row as it is, not to the record: a move is undone in
        # part, and what was reached before stays.
        return self.decoder.rules.project(tried, rows, records.free)

    def _drawn(self, columns: NDArray[np.int64], rng: np.random.Generator) -> Numbers:
        """A number for each column: a training value, an end of its range, or any between."""
        where, first = rng.random(len(columns)), self._starts[columns]
        counts = self._counts[columns]
        known = self._values[first + (where * counts).astype(np.int64)]
        low, high = self._values[first], self._values[first + counts - 1]
        way = rng.integers(3, size=len(columns)) * self._is_number[columns]
        ends = np.where(where < 0.5, low, high)
        return np.select([way == 1, way == 2], [ends, low + where * (high - low)], known)


def best_of_category(
    level: NDArray[np.floating], group: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each row the position of one of the better half of its category, int64 [n]."""
    drawn = np.empty(len(group), np.int64)
    for each in np.unique(group):
        own = np.flatnonzero(group == each)
        best = own[level[own].argsort(kind="stable")[: max(1, round(BEST * len(own)))]]
        drawn[own] = best[rng.integers(len(best), size=len(own))]
    return drawn
