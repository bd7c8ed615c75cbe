"""The map of an encoded row: which span of the row belongs to which column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

BlockKind = Literal["continuous", "discrete"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Neighbouring places of a row that belong together.

    Attributes:
        column: the column's name.
        kind: "continuous" (each place is a real number) or "discrete" (the places are a one-hot).
        start: the first place.
        width: the number of places.
    """

    column: str
    kind: BlockKind
    start: int
    width: int

    @property
    def span(self) -> slice:
        """The block's places, to index the last dimension of encoded rows."""
        return slice(self.start, self.start + self.width)


@dataclass(frozen=True, kw_only=True)
class RowLayout:
    """The blocks of an encoded row, in order and without gaps."""

    blocks: tuple[Block, ...]

    @classmethod
    def from_widths(cls, widths: Iterable[tuple[str, BlockKind, int]]) -> Self:
        """Lay blocks of (column, kind, width) side by side."""
        blocks, start = [], 0
        for column, kind, width in widths:
            blocks.append(Block(column=column, kind=kind, start=start, width=width))
            start += width
        return cls(blocks=tuple(blocks))

    @property
    def width(self) -> int:
        """The number of places in a row (``row_width``)."""
        return self.blocks[-1].span.stop if self.blocks else 0

    def of(self, column: str) -> tuple[Block, ...]:
        """The blocks of one column."""
        return tuple(block for block in self.blocks if block.column == column)

    def places(self, kind: BlockKind) -> list[int]:
        """Where in a row the blocks of one kind stand, ascending."""
        blocks = [block for block in self.blocks if block.kind == kind]
        return [place for b in blocks for place in range(b.start, b.span.stop)]

    def to_plain(self) -> list[dict[str, Any]]:
        """Plain data for JSON."""
        return [asdict(block) for block in self.blocks]

    @classmethod
    def from_plain(cls, plain: Iterable[dict[str, Any]]) -> Self:
        """The layout that ``to_plain`` wrote."""
        return cls(blocks=tuple(Block(**block) for block in plain))
