"""Whole rows whose values are tried in a record that is to pass a detector.

A source of candidate rows is a function of records and a random generator that gives a row for
each record, float64 [n, n_columns]; only its values in the record's free columns are used. What
the climber and the first candidates of ``EvasionModule`` know of other rows comes from here, so
another source, such as a generator of rows under the record's held columns, takes this one's
place in ``EvasionModule.attach``.
"""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tabgan.blackboxes.evasion.records import Records
from tabgan.encoding.column import Numbers

MOST_PASSED = 3_000  # rows of a category that are kept
PASSED = 0.5  # of the candidates are rows that passed, once there are any


class CandidateRows(Protocol):
    """A source of candidate rows."""

    def __call__(self, records: Records, rng: np.random.Generator) -> Numbers:
        """A row for each record, float64 [n, n_columns]."""
        ...

    def keep(self, numbers: Numbers, group: NDArray[np.int64]) -> None:
        """Learn of rows that passed the detector, of the categories ``group`` int64 [n]."""
        ...


class Donors:
    """Rows of the training table, and rows of the record's category that passed the detector.

    Args:
        pool: float64 [n, n_columns], rows of the training table; may be empty once rows passed.
        passed: of each category, rows that passed.
    """

    def __init__(self, pool: Numbers, passed: list[Numbers]) -> None:
        self.pool, self.passed = pool, passed

    def keep(self, numbers: Numbers, group: NDArray[np.int64]) -> None:
        """Remember rows that passed; the newest of each category stay."""
        for each, known in enumerate(self.passed):
            self.passed[each] = np.concatenate([known, numbers[group == each]])[-MOST_PASSED:]

    def state(self) -> dict[str, Any]:
        """Plain data and arrays."""
        return {"pool": self.pool, "passed": self.passed}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        return cls(state["pool"], state["passed"])

    def __call__(self, records: Records, rng: np.random.Generator) -> Numbers:
        """Half of the rows passed, the others are training rows."""
        rows = self.pool[rng.integers(len(self.pool), size=len(records))]
        for each, known in enumerate(self.passed):
            of = np.flatnonzero((records.group == each) & (rng.random(len(records)) < PASSED))
            if len(known):
                rows[of] = known[rng.integers(len(known), size=len(of))]
        return rows
