"""Consistent rows that a score likes better and better, by trying the values of other rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers
from tabgan.evasion.candidates import CandidateRows
from tabgan.evasion.features import Features
from tabgan.evasion.records import RecordDecoder, Records

Score = Callable[[Numbers], NDArray[np.floating]]  # rows [n, n_columns] -> [n], lower is better
SINGLE = 0.4  # of the trials change one column alone, half of them to any number of its range
WHOLE = 0.2  # of the others take all that may change from the candidate row


class Climber:
    """A hill climber over what may change in records (Forrest and Mitchell 1993).

    A trial sets one free column to a value of the training table or to any number of its range,
    or some columns to those of a candidate row. The rules put it right, and it stays where the
    score does not rise: a move that costs nothing may open the way.

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
            tried = self._tried(best, records, rng)
            scores = score(tried)
            kept = scores <= level
            best[kept], level[kept] = tried[kept], scores[kept]
        return best

    def _tried(self, rows: Numbers, records: Records, rng: np.random.Generator) -> Numbers:
        n, width = rows.shape
        share = np.where(rng.random(n) < WHOLE, 1.0, rng.random(n))
        taken = rng.random(rows.shape) < share[:, None]
        tried = np.where(taken, self.candidates(records, rng), rows)
        single = np.flatnonzero(rng.random(n) < SINGLE)
        column = (rng.random((len(single), width)) * records.free[single]).argmax(axis=1)
        tried[single] = rows[single]
        tried[single, column] = self._drawn(column, rng)
        return self.decoder.put_right(tried, records)

    def _drawn(self, columns: NDArray[np.int64], rng: np.random.Generator) -> Numbers:
        """A number for each column: one of its training values, or any between their ends."""
        where, first = rng.random(len(columns)), self._starts[columns]
        counts = self._counts[columns]
        known = self._values[first + (where * counts).astype(np.int64)]
        low, high = self._values[first], self._values[first + counts - 1]
        anywhere = self._is_number[columns] & (rng.random(len(columns)) < 0.5)
        return np.where(anywhere, low + where * (high - low), known)
