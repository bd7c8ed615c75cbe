"""One position per category; missing is a category of its own where it occurs."""

from __future__ import annotations

from typing import Self

import numpy as np

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape


class OneHotEncoder:
    """A one-hot of the codes 0 … n_codes - 1, and a last position for missing if training has it.

    Decoding takes the largest position, so it reads soft rows too, and restores every code.
    """

    def __init__(self, *, n_codes: int) -> None:
        self.n_codes = n_codes

    @property
    def widths_(self) -> tuple[BlockShape, ...]:
        return (BlockShape("discrete", self.n_codes + self.missing_),)

    def fit(self, numbers: Numbers) -> Self:
        self.missing_ = bool(np.isnan(numbers).any())
        return self

    @property
    def spans_(self) -> Numbers:
        """The least and the greatest code of each position, [codes, 2]; NaN of the missing one."""
        codes = np.append(np.arange(self.n_codes, dtype=np.float64), [np.nan] * self.missing_)
        return np.repeat(codes[:, None], 2, 1)

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        codes = np.where(np.isnan(numbers), self.n_codes, numbers).astype(np.int64)
        onehot = np.zeros((len(codes), self.n_codes + 1), np.float32)
        onehot[np.arange(len(codes)), codes] = 1.0
        return onehot[:, : self.n_codes + self.missing_]

    def decode(self, encoded: Encoded) -> Numbers:
        codes = encoded.argmax(axis=1).astype(np.float64)
        return np.where(codes == self.n_codes, np.nan, codes)

    def state(self) -> State:
        return {"missing": self.missing_}

    def restore(self, state: State) -> Self:
        self.missing_ = state["missing"]
        return self
