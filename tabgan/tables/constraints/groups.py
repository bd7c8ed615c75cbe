"""Rules about groups of columns: which values go together, and that one of several is set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import quoted
from tabgan.tables.constraints.tuples import Rows, distinct_rows, positions_among


@dataclass(frozen=True)
class Combination:
    """``combination(city, country)``: only values go together that do in some row of training.

    Attributes:
        names: of the columns.
        rows: the combinations; labels, numbers (days since 1970 of dates), None for missing. None
            until training rows have said which there are.
    """

    names: tuple[str, ...]
    rows: Rows | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def text(self) -> str:
        return f"combination({', '.join(map(quoted, self.names))})"

    @property
    def sentence(self) -> str:
        names = ", ".join(map(repr, self.names))
        return f"{names} go together as in some row of the training table"

    def fitted(self, columns: Columns) -> Combination:
        """With the combinations that these rows have, unless it says itself which there are."""
        return self if self.rows else replace(self, rows=distinct_rows(columns, self.names))

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; all of them before training rows have been seen."""
        if self.rows is None:
            return np.ones(columns.n, bool)
        return positions_among(columns, self.names, self.rows) >= 0


@dataclass(frozen=True)
class Follows:
    """``follows(km, origin, dest)``: a value is the one that the others have in training.

    Attributes:
        column: that others decide.
        by: these.
        rows: values of ``column`` and ``by`` that go together, as ``Combination`` has them.
    """

    column: str
    by: tuple[str, ...]
    rows: Rows | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *self.by)

    @property
    def text(self) -> str:
        return f"follows({', '.join(map(quoted, self.columns))})"

    @property
    def sentence(self) -> str:
        return f"{self.column!r} follows from {' and '.join(map(repr, self.by))}"

    def fitted(self, columns: Columns) -> Follows:
        """With what goes together in these rows, unless it says itself what does."""
        return self if self.rows else replace(self, rows=distinct_rows(columns, self.columns))

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; of values that training never had together nothing is known."""
        if self.rows is None:
            return np.ones(columns.n, bool)
        is_new = positions_among(columns, self.by, [row[1:] for row in self.rows]) < 0
        return is_new | (positions_among(columns, self.columns, self.rows) >= 0)

    def decided(self, columns: Columns) -> NDArray[np.object_]:
        """The value that the others decide, as ``rows`` has it; [n].

        Of values that training never had together: what the commonest row has in which all but
        one of them stand, but two, and so on.
        """
        rows = self.rows or ()
        at = np.full(columns.n, -1)
        for n_left in range(len(self.by), 0, -1):
            for kept in combinations(range(len(self.by)), n_left):
                some = [tuple(row[1 + position] for position in kept) for row in rows]
                found = positions_among(columns, [self.by[position] for position in kept], some)
                at = np.where(at < 0, found, at)
                if (at >= 0).all():
                    break
        values = np.array([row[0] for row in rows], dtype=object)
        picked: NDArray[np.object_] = values[at.clip(min=0)]
        return picked


@dataclass(frozen=True)
class OneHot:
    """``one_hot(a, b, c)``: one of these flags is 1, the others are 0."""

    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def text(self) -> str:
        return f"one_hot({', '.join(map(quoted, self.names))})"

    @property
    def sentence(self) -> str:
        return f"one of {', '.join(map(repr, self.names))} is 1, the others are 0"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; a row that misses a flag breaks nothing.

        Raises:
            TabganError: when a column has no numbers.
        """
        flags = np.stack([Formula(quoted(name)).numbers(columns) for name in self.names])
        is_flag = (flags == 0) | (flags == 1)
        fits: Mask = np.isnan(flags).any(axis=0) | (is_flag.all(axis=0) & (flags.sum(axis=0) == 1))
        return fits
