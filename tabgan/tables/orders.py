"""``a <= b``: numbers, or dates, of which one never exceeds the other.

A start comes before its end, a part is at most its total, the least at most the greatest: of the
public tables of R's packages with 500 rows or more one in four keeps such an order on every row.

Some are kept but where one of the two is a value that means something else: a house of 2006 was
renovated in 0, which is never (``built <= renovated or renovated == 0``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tabgan.tables.schema import TableSchema

SCREENED = 500  # rows, of all the table, that all pairs are tried on first
SURPRISE = 20  # rows that would break it by chance, where none does
SPECIAL = 0.01  # share of the rows that have a number that may mean something else
MOST_COLUMNS = 100  # of a group in which exceptions are looked for

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Orders:
    """Some pairs (a, b) with ``a <= b``, over float64 rows [n, n_columns].

    A row that misses either of two numbers breaks no order of them.

    Attributes:
        pairs: int64 [n_orders, 2], positions of columns.
        n_columns: of the rows.
        exceptions: float64 [n_orders, 2]: the value of a, or of b, beside which nothing is broken;
            NaN for none.
    """

    pairs: NDArray[np.int64]
    n_columns: int
    exceptions: Numbers = field(default_factory=lambda: np.empty((0, 2)))

    def __post_init__(self) -> None:
        if len(self.exceptions) != len(self.pairs):
            object.__setattr__(self, "exceptions", np.full((len(self.pairs), 2), np.nan))

    @classmethod
    def found(
        cls,
        rows: Numbers,
        groups: Sequence[Sequence[int]],
        *,
        share: float = 1.0,
        surprise: float = SURPRISE,
    ) -> Self:
        """The orders that rows keep and need not keep.

        Args:
            rows: float64 [n, n_columns], NaN for missing.
            groups: the positions of columns that can be compared with one another.
            share: of the rows, at least so many keep an order.
            surprise: were both columns independent, more rows than this would break it.
        """
        few = rows[:: max(1, len(rows) // SCREENED)]
        most = 10 * (1 - share) * len(few)  # that may break it there, ten times the share
        pairs = []
        for group in groups:
            positions = np.array(group, np.int64)
            for a in positions:
                others = positions[(few[:, [a]] > few[:, positions]).sum(axis=0) <= most]
                pairs += [
                    (a, b)
                    for b in others
                    if a != b
                    and (~(rows[:, a] > rows[:, b])).mean() >= share
                    and by_chance(rows[:, a], rows[:, b]) > surprise
                ]
        return cls(pairs=np.array(pairs, np.int64).reshape(-1, 2), n_columns=rows.shape[1])

    @classmethod
    def excepted(cls, rows: Numbers, groups: Sequence[Sequence[int]]) -> Self:
        """The orders that rows keep and need not keep but where one column is a special number.

        Of ``found``, which has those without an exception; groups of over 100 columns are left out.
        """
        pairs, exceptions = [], []
        for group in groups:
            if len(group) > MOST_COLUMNS:
                continue
            values = {position: special(rows[:, position]) for position in group}
            marked = {position: value for position, value in values.items() if value is not None}
            plain = cls.found(rows, [group], surprise=0).pairs.tolist() if marked else []
            for position, value in marked.items():
                less = without(rows, position, value)
                others = [[position, other] for other in group if other != position]
                for pair in cls.found(less, others).pairs.tolist():
                    if pair not in plain:
                        pairs.append(pair)
                        exceptions.append([value if one == position else np.nan for one in pair])
        return cls(
            pairs=np.array(pairs, np.int64).reshape(-1, 2),
            n_columns=rows.shape[1],
            exceptions=np.array(exceptions, np.float64).reshape(-1, 2),
        )

    @cached_property
    def parties(self) -> Mask:
        """Bool [n_orders, n_columns]: the columns that each speaks of."""
        parties = np.zeros((len(self.pairs), self.n_columns), bool)
        np.put_along_axis(parties, self.pairs, True, axis=1)
        return parties

    def __len__(self) -> int:
        return len(self.pairs)

    def broken(self, rows: Numbers) -> Mask:
        """Bool [n, n_orders]."""
        a, b = rows[:, self.pairs[:, 0]], rows[:, self.pairs[:, 1]]
        is_special = (a == self.exceptions[:, 0]) | (b == self.exceptions[:, 1])
        return np.asarray((a > b) & ~is_special, bool)

    def kept(self, rows: Numbers) -> Mask:
        """Bool [n]: the rows that keep all of them."""
        return np.asarray(~self.broken(rows).any(axis=1), bool)

    def repaired(self, rows: Numbers, free: Mask) -> Numbers:
        """The rows with broken orders put right where a column is ``free``, bool as the rows.

        Of orders without exceptions.
        """
        rows = rows.copy()
        for a, b in self.pairs:
            lower = np.minimum(rows[:, a], rows[:, b])
            rows[:, b] = np.where(free[:, b], np.maximum(rows[:, a], rows[:, b]), rows[:, b])
            rows[:, a] = np.where(free[:, a], lower, rows[:, a])
        return rows

    def texts(self, schema: TableSchema) -> list[str]:
        """Each in words."""
        return [f"{schema.names[a]} <= {schema.names[b]}" for a, b in self.pairs]


def special(numbers: Numbers) -> float | None:
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


def without(rows: Numbers, position: int, value: float) -> Numbers:
    """The rows with a column missing where it has a value."""
    rows = rows.copy()
    rows[rows[:, position] == value, position] = np.nan
    return rows


def by_chance(a: Numbers, b: Numbers) -> float:
    """Rows that would break ``a <= b`` if their values were put together at random."""
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = np.sort(a[known]), b[known]
    above = len(a) - np.searchsorted(a, b, side="right")  # for each b, how many a exceed it
    return float(above.mean()) if len(a) else 0.0
