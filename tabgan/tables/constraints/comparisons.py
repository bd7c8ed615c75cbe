"""Rules that compare one column with another, or with numbers: orders, ranges, steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import number_text, quoted

NEAR = 1e-6  # of a step, what rounding leaves of a multiple


@dataclass(frozen=True)
class Inequality:
    """``lower <= upper``, or strictly ``<``, of numbers or of dates."""

    lower: str
    upper: str
    strict: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return self.lower, self.upper

    @property
    def text(self) -> str:
        return f"{quoted(self.lower)} {'<' if self.strict else '<='} {quoted(self.upper)}"

    @property
    def sentence(self) -> str:
        than = "less than" if self.strict else "at most"
        return f"{self.lower!r} is {than} {self.upper!r}"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; a row that misses either breaks nothing."""
        return Formula(self.text).kept(columns)


@dataclass(frozen=True)
class Range:
    """``low <= column <= high``, either end open or strict.

    Attributes:
        column: of numbers or dates.
        low, high: infinite where open; days since 1970 of a date.
        strict: whether low, high are themselves left out.
        dates: whether the ends are dates.
    """

    column: str
    low: float = -np.inf
    high: float = np.inf
    strict: tuple[bool, bool] = (False, False)
    dates: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def text(self) -> str:
        name = quoted(self.column)
        low, high = self._end(self.low), self._end(self.high)
        if np.isinf(self.high):
            return f"{name} {'>' if self.strict[0] else '>='} {low}"
        upper = f"{name} {'<' if self.strict[1] else '<='} {high}"
        return upper if np.isinf(self.low) else f"{low} {'<' if self.strict[0] else '<='} {upper}"

    @property
    def sentence(self) -> str:
        ends = []
        if not np.isinf(self.low):
            ends.append(f"{'greater than' if self.strict[0] else 'at least'} {self._end(self.low)}")
        if not np.isinf(self.high):
            ends.append(f"{'less than' if self.strict[1] else 'at most'} {self._end(self.high)}")
        return f"{self.column!r} is {' and '.join(ends)}"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; a row that misses the value breaks nothing."""
        return Formula(self.text).kept(columns)

    def _end(self, end: float) -> str:
        if not self.dates or np.isinf(end):
            return number_text(end)
        return repr(
            (pd.Timestamp(0) + pd.Timedelta(days=end)).isoformat().removesuffix("T00:00:00")
        )


@dataclass(frozen=True)
class Step:
    """``step(column, 0.5)``: every number is a multiple of the step."""

    column: str
    step: float

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def text(self) -> str:
        return f"step({quoted(self.column)}, {self.step:.15g})"

    @property
    def sentence(self) -> str:
        return f"{self.column!r} is a multiple of {self.step:.15g}"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; a row that misses the value breaks nothing."""
        steps = Formula(quoted(self.column)).numbers(columns) / self.step
        return ~(np.abs(steps - np.round(steps)) > NEAR)
