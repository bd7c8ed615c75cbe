"""z = (x - mean) / std."""

from __future__ import annotations

from typing import Self

import numpy as np

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape


class StandardEncoder:
    """A scalar with mean 0 and standard deviation 1 on the training values.

    Decoding restores a value up to float32 rounding.
    """

    widths_: tuple[BlockShape, ...] = (BlockShape("continuous", 1),)

    def fit(self, numbers: Numbers) -> Self:
        self.mean_ = float(numbers.mean())
        self.std_ = float(numbers.std()) or 1.0  # one value: any scale will do
        return self

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        return ((numbers - self.mean_) / self.std_).astype(np.float32)[:, None]

    def decode(self, encoded: Encoded) -> Numbers:
        return encoded[:, 0].astype(np.float64) * self.std_ + self.mean_

    def state(self) -> State:
        return {"mean": self.mean_, "std": self.std_}

    def restore(self, state: State) -> Self:
        self.mean_, self.std_ = state["mean"], state["std"]
        return self
