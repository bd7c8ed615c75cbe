"""Any other rule: a formula that is false of no row."""

from __future__ import annotations

from dataclasses import dataclass

from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.formula import Formula


@dataclass(frozen=True)
class Filter:
    """``end - start <= 30``, ``known(end) if state == "closed"``, ``a >= b or b == 0``.

    Attributes:
        text: the formula.
    """

    text: str

    @property
    def columns(self) -> tuple[str, ...]:
        return Formula(self.text).columns

    @property
    def sentence(self) -> str:
        return f"every row has {self.text}"

    def kept(self, columns: Columns) -> Mask:
        """Bool [n]; a row of which it is unknown breaks nothing."""
        return Formula(self.text).kept(columns)
