"""The map of an encoded row: which span of the row belongs to which column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

BlockKind = Literal["continuous", "discrete"]


class BlockShape(NamedTuple):
    """A block before it has a position: see ``Block``."""

    kind: BlockKind
    width: int
    ordered: int = 0
    atoms: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Block:
    """Neighbouring positions of a row that belong together.

    Attributes:
        column: the column's name.
        kind: "continuous" (each position is a real number) or "discrete" (the positions are a
            one-hot).
        start: the first position.
        width: the number of positions.
        ordered: how many of the first codes stand for numbers, ascending; 0 for categories.
        atoms: of bins whose cells are the column's next block, those that have a single cell: one
            heavy value each, or missing.
    """

    column: str
    kind: BlockKind
    start: int
    width: int
    ordered: int = 0
    atoms: tuple[int, ...] = ()

    @property
    def span(self) -> slice:
        """The block's positions, to index the last dimension of encoded rows."""
        return slice(self.start, self.start + self.width)


class Exclusion(NamedTuple):
    """Codes that no row has together, of the first blocks of two columns.

    Attributes:
        one, other: the columns.
        spans: (code of ``one``, first and last code + 1 of ``other`` that it rules out), as often
            as it takes.
    """

    one: str
    other: str
    spans: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class RowLayout:
    """The blocks of an encoded row, in order and without gaps.

    Attributes:
        blocks: of all columns.
        target: the column to predict, where it stands in the row; None where it does not.
        exclusions: what a rule of two columns rules out.
    """

    blocks: tuple[Block, ...]
    target: str | None = None
    exclusions: tuple[Exclusion, ...] = ()

    @classmethod
    def from_widths(
        cls,
        widths: Iterable[tuple[Any, ...]],
        *,
        target: str | None = None,
        exclusions: Iterable[Exclusion] = (),
    ) -> Self:
        """Blocks of (column, kind, width[, ordered[, atoms]]), side by side."""
        blocks, start = [], 0
        for column, *rest in widths:
            shape = BlockShape(*rest)
            blocks.append(Block(column=column, start=start, **shape._asdict()))
            start += shape.width
        return cls(blocks=tuple(blocks), target=target, exclusions=tuple(exclusions))

    @property
    def width(self) -> int:
        """The number of positions in a row (``row_width``)."""
        return self.blocks[-1].span.stop if self.blocks else 0

    def of(self, column: str) -> tuple[Block, ...]:
        """The blocks of one column."""
        return tuple(block for block in self.blocks if block.column == column)

    def positions(self, kind: BlockKind) -> list[int]:
        """The positions of one kind of block in a row, ascending."""
        blocks = [block for block in self.blocks if block.kind == kind]
        return [position for b in blocks for position in range(b.start, b.span.stop)]

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"exclusions": [list(each) for each in self.exclusions]}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """The layout that ``to_plain`` wrote."""
        blocks = (Block(**{**block, "atoms": tuple(block["atoms"])}) for block in plain["blocks"])
        exclusions = (
            Exclusion(one, other, tuple(tuple(span) for span in spans))
            for one, other, spans in plain["exclusions"]
        )
        return cls(blocks=tuple(blocks), target=plain["target"], exclusions=tuple(exclusions))
