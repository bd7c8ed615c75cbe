"""Interpolation between neighbours, as SMOTE does it for every class: a baseline of the bench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.encoding.numbers import date_unit
from tabgan.errors import TabganError
from tabgan.metrics.nearest import MixedRows, mixed_rows, nearest_rows
from tabgan.seeding import rng_at

Positions = NDArray[np.int64]


@dataclass(kw_only=True, eq=False)
class Interpolation:
    """Rows between a training row and one of its nearest of the same class (SMOTE, Chawla 2002).

    A new row lies a random part of the way to the neighbour: numbers and dates at that point, each
    category the neighbour's with that probability. Where either number is missing the nearer end is
    taken. Distances are those of ``metrics.nearest``; without a nominal target there is one class.

    Args:
        neighbours: how many nearest rows one is drawn from.
    """

    neighbours: int = 5

    def fit(self, table: pd.DataFrame, *, target: str | None, seed: int) -> Self:
        """Find every row's neighbours; ``seed`` decides nothing.

        Raises:
            TabganError: for a number of neighbours that is no whole number of at least 1.
        """
        if not isinstance(self.neighbours, int) or self.neighbours < 1:
            raise TabganError(f"neighbours={self.neighbours}: expected a whole number, 1 or more")
        (rows,) = mixed_rows(table=table)
        self.table_ = table
        self.near_ = np.empty((len(table), self.neighbours), dtype="int64")
        for members in _classes(table, target):
            self.near_[members] = self._nearest(rows, members)
        return self

    def draw(self, n: int, seed: int) -> pd.DataFrame:
        """``n`` rows of the table's columns and dtypes."""
        rng = rng_at(seed, "interpolation", "rows")
        here = rng.integers(len(self.table_), size=n)
        there = self.near_[here, rng.integers(self.neighbours, size=n)]
        way = rng.random(n)
        ends = (self.table_.iloc[positions].reset_index(drop=True) for positions in (here, there))
        return pd.DataFrame(
            {
                name: _between(first, second, way, rng.random(n))
                for (name, first), (_, second) in zip(*(end.items() for end in ends), strict=True)
            }
        )

    def _nearest(self, rows: MixedRows, members: Positions) -> Positions:
        """Each member's nearest other members; a class of few has them several times."""
        own = MixedRows(rows.numbers[members], rows.codes[members])
        found = min(self.neighbours + 1, len(members))
        near = nearest_rows(own, own, n_neighbours=found)[1]
        others = near[:, 1:] if found > 1 else near  # the first is the row itself, or its twin
        return members[np.resize(others.T, (self.neighbours, len(members))).T]


def _classes(table: pd.DataFrame, target: str | None) -> list[Positions]:
    if target is None or not isinstance(table[target].dtype, pd.CategoricalDtype):
        return [np.arange(len(table))]
    codes = table[target].cat.codes.to_numpy()
    return [np.flatnonzero(codes == code) for code in np.unique(codes)]


def _between(
    first: pd.Series, second: pd.Series, way: NDArray[np.float64], chance: NDArray[np.float64]
) -> pd.Series:
    """A column ``way`` from first to second; of categories a choice."""
    if isinstance(first.dtype, pd.CategoricalDtype):
        return first.where(chance >= way, second)
    either = first.where(way < 0.5, second)
    known = first.notna() & second.notna()
    if pd.api.types.is_datetime64_any_dtype(first.dtype):
        unit = date_unit(pd.concat([first, second]))
        start, end = (v[known].astype("datetime64[us]").astype("int64") for v in (first, second))
        steps = ((end - start) / unit * way[known]).round().astype("int64")
        moved = (start + steps * unit).astype("datetime64[us]")
    else:
        start, end = (values[known].astype("float64") for values in (first, second))
        moved = start + (end - start) * way[known]
        moved = moved.round() if pd.api.types.is_integer_dtype(first.dtype) else moved
    either[known] = moved.astype(first.dtype)
    return either
