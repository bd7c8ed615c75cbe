"""Rules about groups of columns: which values go together, and that one of several is set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.constraints.columns import Columns, Mask
from tabgan.constraints.formula import Formula
from tabgan.constraints.syntax import quoted

MISSING = "\0missing"
Plain = str | float | None


@dataclass(frozen=True)
class Combination:
    """``combination(city, country)``: only values go together that do in some row of training.

    Attributes:
        names: of the columns.
        rows: the combinations; labels, numbers (days since 1970 of dates), None for missing. None
            until training rows have said which there are.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Plain, ...], ...] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def text(self) -> str:
        return f"combination({', '.join(map(quoted, self.names))})"

    @property
    def sentence(self) -> str:
        names = ", ".join(map(repr, self.names))
        return f"{names} go together as in some row of the training table"

    def fitted(self, columns: Columns) -> Combination:
        """With the combinations that these rows have, unless it says itself which there are."""
        if self.rows is not None:
            return self
        frame = pd.DataFrame(
            {i: _plain(columns, n) for i, n in enumerate(self.names)}, dtype=object
        )
        rows = frame.drop_duplicates().itertuples(index=False, name=None)
        return replace(self, rows=tuple(rows))

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; all of them before training rows have been seen."""
        if self.rows is None:
            return np.ones(columns.n, bool)
        own, known = np.zeros(columns.n, np.int64), np.zeros(len(self.rows), np.int64)
        is_known = np.ones(columns.n, bool)
        for place, name in enumerate(self.names):
            of_rows = _marked([row[place] for row in self.rows])
            codes, values = pd.factorize(of_rows)
            found = pd.Index(values).get_indexer(_marked(_plain(columns, name)))
            is_known &= found >= 0
            own, known = own * len(values) + found, known * len(values) + codes
        return is_known & np.isin(own, known)


@dataclass(frozen=True)
class OneHot:
    """``one_hot(a, b, c)``: one of these flags is 1, the others are 0."""

    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def text(self) -> str:
        return f"one_hot({', '.join(map(quoted, self.names))})"

    @property
    def sentence(self) -> str:
        return f"one of {', '.join(map(repr, self.names))} is 1, the others are 0"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; a row that misses a flag breaks nothing.

        Raises:
            TabganError: when a column has no numbers.
        """
        flags = np.stack([Formula(quoted(name)).numbers(columns) for name in self.names])
        is_flag = (flags == 0) | (flags == 1)
        return np.isnan(flags).any(axis=0) | (is_flag.all(axis=0) & (flags.sum(axis=0) == 1))


def _marked(values: Iterable[Any]) -> pd.Index:
    """Values in which what is missing is a value like any other, which pandas would not find."""
    index = pd.Index([*values], dtype=object)
    return index.where(index.notna(), MISSING)


def _plain(columns: Columns, name: str) -> NDArray[Any]:
    """A column's labels or numbers as objects, None where missing."""
    column = columns.column(name)
    if column.is_nominal or column.kind == "string":
        return columns.labels(name)
    numbers = columns[name].astype(object)
    numbers[~columns.is_known(name)] = None
    return numbers
