"""Rules about ids: that none comes twice, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.syntax import quoted


@dataclass(frozen=True)
class Unique:
    """``unique(id)``: no two rows have the same; text or whole numbers, which are made anew."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def text(self) -> str:
        return f"unique({quoted(self.column)})"

    @property
    def sentence(self) -> str:
        return f"no two rows have the same {self.column!r}"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]: every value's first row. Rows of numbers alone have no ids yet."""
        texts = columns.texts(self.column)
        if texts is None:
            return np.ones(columns.n, bool)
        return np.asarray(texts.isna() | ~texts.duplicated(), bool)


@dataclass(frozen=True)
class Matches:
    r"""``matches(id, "[A-Z]\d{4}")``: each is of this form from end to end."""

    column: str
    pattern: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def text(self) -> str:
        quote = "'" if '"' in self.pattern else '"'
        return f"matches({quoted(self.column)}, {quote}{self.pattern}{quote})"

    @property
    def sentence(self) -> str:
        return f"{self.column!r} is of the form {self.pattern}"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; missing values break nothing. Rows of numbers alone have no ids yet."""
        texts = columns.texts(self.column)
        if texts is None:
            return np.ones(columns.n, bool)
        return np.asarray(texts.astype(object).str.fullmatch(self.pattern, na=True), bool)
