"""The Yeo-Johnson power transform (Yeo & Johnson, Biometrika 2000), then mean 0, deviation 1."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.preprocessing import PowerTransformer

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.standard import StandardEncoder


class PowerEncoder:
    """A scalar that is as normal as a power transform can make it, fitted by maximum likelihood.

    The values are standardised first, so that the likelihood is well conditioned. Decoding clips
    to the encoded training range, because the inverse is NaN beyond it.
    """

    widths_: tuple[BlockShape, ...] = (BlockShape("continuous", 1),)

    def fit(self, numbers: Numbers) -> Self:
        self._scale = StandardEncoder().fit(numbers)
        self._power = PowerTransformer("yeo-johnson", standardize=True)
        powered = self._power.fit_transform(self._scaled(numbers))
        self.low_, self.high_ = float(powered.min()), float(powered.max())
        return self

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        powers: Encoded = self._power.transform(self._scaled(numbers)).astype(np.float32)
        return powers

    def decode(self, encoded: Encoded) -> Numbers:
        inside = encoded.astype(np.float64).clip(self.low_, self.high_)
        scaled = self._power.inverse_transform(inside)[:, 0]
        numbers: Numbers = scaled * self._scale.std_ + self._scale.mean_
        return numbers

    def _scaled(self, numbers: Numbers) -> Numbers:
        return ((numbers - self._scale.mean_) / self._scale.std_)[:, None]

    def state(self) -> State:
        scaler = self._power._scaler
        return {
            "scale": self._scale.state(),
            "lambda": float(self._power.lambdas_[0]),
            "mean": float(scaler.mean_[0]),
            "std": float(scaler.scale_[0]),
            "low": self.low_,
            "high": self.high_,
        }

    def restore(self, state: State) -> Self:
        self._scale = StandardEncoder().restore(state["scale"])
        power = PowerTransformer("yeo-johnson", standardize=True).fit([[0.0], [1.0], [2.0]])
        power.lambdas_ = np.array([state["lambda"]])
        power._scaler.mean_ = np.array([state["mean"]])
        power._scaler.scale_ = np.array([state["std"]])
        self._power, self.low_, self.high_ = power, state["low"], state["high"]
        return self
