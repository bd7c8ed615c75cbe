"""A continuous column as categories: its heavy values, and quantile bins over the rest."""

from __future__ import annotations

from typing import Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.atoms import heavy_values
from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.numbers import order_statistics
from tabgan.encoding.onehot import OneHotEncoder
from tabgan.seeding import rng_at

BINS = 64  # of about as many training rows each; fewer where ties do not let them be parted


class BinsEncoder:
    """A one-hot of (heavy values …, bins …[, missing]).

    Decoding restores heavy values and missing ones; of another it restores the bin, and draws a
    place between the sorted training values inside it. The draw's address is the column and the
    codes that are decoded together: the same codes give the same numbers.
    """

    def fit(self, numbers: Numbers) -> Self:
        self.atoms_ = heavy_values(numbers)
        known = numbers[~np.isnan(numbers)]
        rest = known[~np.isin(known, self.atoms_)]
        # a value never seen has to go somewhere
        self.points_ = order_statistics(rest if len(rest) else self.atoms_)
        self._lay_out()
        self._onehot = OneHotEncoder(n_codes=len(self.atoms_) + len(self._uppers)).fit(numbers)
        return self

    @property
    def widths_(self) -> tuple[BlockShape, ...]:
        return self._onehot.widths_

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        bins = np.searchsorted(self._uppers, numbers).clip(0, len(self._uppers) - 1)
        codes = (len(self.atoms_) + bins).astype(np.float64)
        is_atom = np.isin(numbers, self.atoms_)
        codes[is_atom] = np.searchsorted(self.atoms_, numbers[is_atom])
        return self._onehot.encode(np.where(np.isnan(numbers), np.nan, codes), rng)

    def decode(self, encoded: Encoded) -> Numbers:
        codes = self._onehot.decode(encoded)
        missing, n_atoms = np.isnan(codes), len(self.atoms_)
        whole = np.where(missing, 0, codes).astype(np.int64)
        numbers = self._inside((whole - n_atoms).clip(0), whole)
        is_atom = whole < n_atoms
        numbers[is_atom] = self.atoms_[whole[is_atom]]
        return np.where(missing, np.nan, numbers)

    def _inside(self, bins: NDArray[np.int64], codes: NDArray[np.int64]) -> Numbers:
        """A number inside each of some bins, evenly between the ranks of its training values."""
        rng = rng_at(crc32(self.points_.tobytes()), "bins", crc32(codes.tobytes()))
        first, last = self._ends[bins], self._ends[bins + 1] - 1
        rank = first + rng.random(len(bins)) * (last - first)
        numbers: Numbers = np.interp(rank, np.arange(len(self.points_)), self.points_)
        return numbers

    def _lay_out(self) -> None:
        """``_uppers``: each bin's largest value; ``_ends``: where it ends among the points."""
        positions = (np.arange(1, BINS + 1) * len(self.points_) / BINS).round().astype(np.int64)
        self._uppers = np.unique(self.points_[(positions - 1).clip(0)])
        ends = np.searchsorted(self.points_, self._uppers, side="right")
        self._ends = np.concatenate([[0], ends])

    def state(self) -> State:
        return {"atoms": self.atoms_, "points": self.points_, **self._onehot.state()}

    def restore(self, state: State) -> Self:
        self.atoms_, self.points_ = state["atoms"], state["points"]
        self._lay_out()
        n_codes = len(self.atoms_) + len(self._uppers)
        self._onehot = OneHotEncoder(n_codes=n_codes).restore(state)
        return self
