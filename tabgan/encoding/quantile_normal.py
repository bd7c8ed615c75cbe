"""The randomised empirical quantile: a normal scalar whose decoded marginal is the table's own."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.special import ndtr, ndtri

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.numbers import order_statistics

EDGE = 1e-6  # keeps the normal quantile finite
MARGIN = 0.02  # of a value's share, kept free at both ends: float32 must not cross into the next


class QuantileNormalEncoder:
    """z = ppf(F(x-) + U (F(x) - F(x-))), F the training values' distribution, U uniform.

    A value that stands in the table many times spreads over its whole share of the normal scale,
    so z is standard normal whatever the ties, and decoding, x = F^-1(cdf(z)), gives training
    values with their training frequencies: integers, heaps, decimals and ranges by one rule.
    Decoding restores a training value exactly; a value between two of them becomes the upper one.
    """

    widths_: tuple[BlockShape, ...] = (BlockShape("continuous", 1),)

    def fit(self, numbers: Numbers) -> Self:
        numbers = order_statistics(numbers)
        self.values_, counts = np.unique(numbers, return_counts=True)
        self.upper_ = counts.cumsum() / len(numbers)  # F at each value
        return self

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        position = np.searchsorted(self.values_, numbers).clip(0, len(self.values_) - 1)
        lower = np.concatenate([[0.0], self.upper_[:-1]])
        within = rng.uniform(MARGIN, 1 - MARGIN, len(numbers))
        quantile = lower[position] + within * (self.upper_ - lower)[position]
        scores: Encoded = ndtri(quantile.clip(EDGE, 1 - EDGE)).astype(np.float32)[:, None]
        return scores

    def decode(self, encoded: Encoded) -> Numbers:
        quantile = ndtr(encoded[:, 0].astype(np.float64))
        position = np.searchsorted(self.upper_, quantile).clip(0, len(self.values_) - 1)
        values: Numbers = self.values_[position]
        return values

    def state(self) -> State:
        return {"values": self.values_, "upper": self.upper_}

    def restore(self, state: State) -> Self:
        self.values_, self.upper_ = state["values"], state["upper"]
        return self
