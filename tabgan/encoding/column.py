"""The contract of a column encoder, and the two that need no position in a row.

A column reaches its encoder as numbers: float64 with NaN for missing; a nominal column as the
codes of its categories, a date as a count of its own unit (``encoding.numbers``). An encoder is

* ``fit(numbers)``: learn from training values; a second fit forgets the first; returns itself;
* ``widths_``: the shapes of the blocks it fills;
* ``encode(numbers, rng)``: float64 [n] -> float32 [n, sum of widths];
* ``decode(encoded)``: float32 [n, sum of widths] -> float64 [n];
* ``state()`` / ``restore(state)``: what was learned, as plain data and arrays.

Values outside the training range are encoded by the map's own extension and come back inside it.
"""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.layout import BlockShape

Numbers = NDArray[np.float64]
Encoded = NDArray[np.float32]
State = dict[str, Any]


class ColumnEncoder(Protocol):
    """The contract of a column encoder; the module's docstring has it in full."""

    @property
    def widths_(self) -> tuple[BlockShape, ...]: ...
    def fit(self, numbers: Numbers) -> Self: ...
    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded: ...
    def decode(self, encoded: Encoded) -> Numbers: ...
    def state(self) -> State: ...
    def restore(self, state: State) -> Self: ...


class ConstantEncoder:
    """A column with one training value (or none but missing): no position in the row, put back."""

    widths_: tuple[BlockShape, ...] = ()

    def fit(self, numbers: Numbers) -> Self:
        self.value_ = float(numbers[0])
        return self

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        return np.empty((len(numbers), 0), np.float32)

    def decode(self, encoded: Encoded) -> Numbers:
        return np.full(len(encoded), self.value_)

    def state(self) -> State:
        return {"value": self.value_ if np.isfinite(self.value_) else None}

    def restore(self, state: State) -> Self:
        self.value_ = np.nan if state["value"] is None else state["value"]
        return self


class MissingIndicator:
    """Another encoder's blocks and a discrete block (known, missing) behind them.

    Missing rows carry noise in the inner blocks, drawn from N(0, 1): a fixed value there would give
    every generated row away that does not repeat it. Decoding reads the indicator first.
    """

    def __init__(self, inner: ColumnEncoder) -> None:
        self.inner = inner

    @property
    def widths_(self) -> tuple[BlockShape, ...]:
        return (*self.inner.widths_, BlockShape("discrete", 2))

    def fit(self, numbers: Numbers) -> Self:
        self.inner.fit(numbers[~np.isnan(numbers)])
        return self

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        missing = np.isnan(numbers)
        inner = self.inner.encode(np.where(missing, 0.0, numbers), rng)
        inner[missing] = rng.standard_normal(inner[missing].shape)
        return np.column_stack([inner, ~missing, missing]).astype(np.float32)

    def decode(self, encoded: Encoded) -> Numbers:
        missing = encoded[:, -1] > encoded[:, -2]
        return np.where(missing, np.nan, self.inner.decode(encoded[:, :-2]))

    def state(self) -> State:
        return self.inner.state()

    def restore(self, state: State) -> Self:
        self.inner.restore(state)
        return self
