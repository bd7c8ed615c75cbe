"""A number with few distinct values as categories: one position per value."""

from __future__ import annotations

from typing import Self

import numpy as np

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.onehot import OneHotEncoder


class LevelsEncoder:
    """A one-hot of the distinct training values, and a last one for missing if training has it.

    Nothing between two values can come out, which is what counts, grades and heaped amounts need:
    a tree sees at once a value that the real table never has. A value that training never had is
    encoded as the nearest level.
    """

    def fit(self, numbers: Numbers) -> Self:
        self.values_ = np.unique(numbers[~np.isnan(numbers)])
        self._onehot = OneHotEncoder(n_codes=len(self.values_)).fit(numbers)
        return self

    @property
    def widths_(self) -> tuple[BlockShape, ...]:
        width = len(self.values_) + self._onehot.missing_
        return (BlockShape("discrete", width, ordered=len(self.values_)),)

    @property
    def spans_(self) -> Numbers:
        """The least and the greatest number of each code, [codes, 2]; NaN of the missing one."""
        return np.repeat(np.append(self.values_, [np.nan] * self._onehot.missing_)[:, None], 2, 1)

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        between = (self.values_[1:] + self.values_[:-1]) / 2
        codes = np.searchsorted(between, numbers).astype(np.float64)
        return self._onehot.encode(np.where(np.isnan(numbers), np.nan, codes), rng)

    def decode(self, encoded: Encoded) -> Numbers:
        codes = self._onehot.decode(encoded)
        missing = np.isnan(codes)
        return np.where(missing, np.nan, self.values_[np.where(missing, 0, codes).astype(np.int64)])

    def state(self) -> State:
        return {"values": self.values_, **self._onehot.state()}

    def restore(self, state: State) -> Self:
        self.values_ = state["values"]
        self._onehot = OneHotEncoder(n_codes=len(self.values_)).restore(state)
        return self
