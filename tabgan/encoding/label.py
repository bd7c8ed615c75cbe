"""A nominal column as one scalar: the code of its category, scaled (the report's encoding)."""

from __future__ import annotations

from typing import Self

import numpy as np

from tabgan.encoding.column import ColumnEncoder, Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape


class LabelEncoder:
    """The code 0 … n_codes - 1 as a number (missing is n_codes), through a scalar encoder.

    Decoding rounds to the nearest code in use; every code comes back.
    """

    widths_: tuple[BlockShape, ...] = (BlockShape("continuous", 1),)

    def __init__(self, scale: ColumnEncoder, *, n_codes: int) -> None:
        self.scale = scale
        self.n_codes = n_codes

    def fit(self, numbers: Numbers) -> Self:
        self.missing_ = bool(np.isnan(numbers).any())
        self.scale.fit(self._labels(numbers))
        return self

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        return self.scale.encode(self._labels(numbers), rng)

    def decode(self, encoded: Encoded) -> Numbers:
        last = self.n_codes - 1 + self.missing_
        labels = self.scale.decode(encoded).round().clip(0, last)
        return np.where(labels == self.n_codes, np.nan, labels)

    def _labels(self, numbers: Numbers) -> Numbers:
        return np.where(np.isnan(numbers), self.n_codes, numbers)

    def state(self) -> State:
        return {"missing": self.missing_, "scale": self.scale.state()}

    def restore(self, state: State) -> Self:
        self.missing_ = state["missing"]
        self.scale.restore(state["scale"])
        return self
