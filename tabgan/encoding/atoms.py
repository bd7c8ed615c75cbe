"""A continuous column with heavy single values: which atom, or where in the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.onehot import OneHotEncoder
from tabgan.encoding.quantile_normal import QuantileNormalEncoder

HEAVY = 1 / 64  # a value that holds more of the rows is an atom,
HEAVY_ROWS = 10  # if these are at least so many rows
MOST_LEVELS = 256  # positions of a column of many levels, the one of its rare levels included


def heavy_values(numbers: Numbers) -> Numbers:
    """The values that hold more than 1/64 of the rows and 10 rows, ascending; never missing."""
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    return values[(counts > HEAVY * len(numbers)) & (counts >= HEAVY_ROWS)]


def common_levels(numbers: Numbers) -> Numbers:
    """The 255 commonest values, of those that stand in 10 rows; ascending, and never all values."""
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    n_common = min(int((counts >= HEAVY_ROWS).sum()), MOST_LEVELS - 1, len(values) - 1)
    return np.sort(values[np.argsort(-counts, kind="stable")[:n_common]])


class AtomsEncoder:
    """A scalar on the quantile-normal scale of the rest, and a block (atoms …, rest[, missing]).

    Capital gain is 0 in 92 % of Adult's rows: the block says so, the scalar describes the others.
    Rows of an atom carry a scalar drawn from N(0, 1): a fixed value there would give every
    generated row away that does not repeat it exactly.

    With ``common_levels`` it groups the rare ones of a thousand categories in the place of the
    rest. The scalar, normal in every row, says which: each comes back as often as training has it.

    Args:
        choose: which values are atoms; at least one value is not.
    """

    def __init__(self, choose: Callable[[Numbers], Numbers] = heavy_values) -> None:
        self.choose = choose

    def fit(self, numbers: Numbers) -> Self:
        self.atoms_ = self.choose(numbers)
        codes = self._codes(numbers)
        self._onehot = OneHotEncoder(n_codes=len(self.atoms_) + 1).fit(codes)
        self._rest = QuantileNormalEncoder().fit(numbers[codes == len(self.atoms_)])
        return self

    @property
    def widths_(self) -> tuple[BlockShape, ...]:
        return (*self._rest.widths_, *self._onehot.widths_)

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        codes = self._codes(numbers)
        scalar = self._rest.encode(np.where(np.isnan(numbers), 0.0, numbers), rng)
        elsewhere = codes != len(self.atoms_)
        scalar[elsewhere, 0] = rng.standard_normal(elsewhere.sum())
        return np.hstack([scalar, self._onehot.encode(codes, rng)])

    def decode(self, encoded: Encoded) -> Numbers:
        codes = self._onehot.decode(encoded[:, 1:])
        choices = np.append(self.atoms_, np.nan)[np.nan_to_num(codes).astype(np.int64)]
        numbers = np.where(codes == len(self.atoms_), self._rest.decode(encoded[:, :1]), choices)
        return np.where(np.isnan(codes), np.nan, numbers)

    def _codes(self, numbers: Numbers) -> Numbers:
        """The atom's number, len(atoms_) for the rest, NaN for missing."""
        position = np.searchsorted(self.atoms_, numbers).clip(0, max(len(self.atoms_) - 1, 0))
        is_atom = np.isin(numbers, self.atoms_)
        codes = np.where(is_atom, position, len(self.atoms_)).astype(np.float64)
        return np.where(np.isnan(numbers), np.nan, codes)

    def state(self) -> State:
        return {"atoms": self.atoms_, "rest": self._rest.state(), **self._onehot.state()}

    def restore(self, state: State) -> Self:
        self.atoms_ = state["atoms"]
        self._rest = QuantileNormalEncoder().restore(state["rest"])
        self._onehot = OneHotEncoder(n_codes=len(self.atoms_) + 1).restore(state)
        return self
