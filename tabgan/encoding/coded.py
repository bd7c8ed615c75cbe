"""Encoded rows without their zeros: a whole table in the memory of its codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from tabgan.encoding.layout import Block, RowLayout

INT16_CODES = 2**15
MISSING = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class CodedRows:
    """One code per discrete block and one number per scalar position; 300,000 x 42 in 25 to 50 MB.

    ``rows[positions]`` are dense rows, float32 [m, row_width], on the device of the codes, to the
    byte those of ``TableEncoder.encode``.

    A missing cell is a cell that nothing is known of. Its dense positions are NaN.

    Attributes:
        layout: the map of a dense row.
        codes: [n, discrete blocks], int16 (int32 for a block wider than 32,768), from 0 a block;
            -1 in missing cells.
        scalars: [n, scalar positions], float32; NaN in missing cells.
        masked: whether there may be missing cells.
    """

    layout: RowLayout
    codes: Tensor
    scalars: Tensor
    masked: bool = False

    @classmethod
    def of(cls, rows: Tensor | CodedRows, layout: RowLayout) -> CodedRows:
        """Dense rows [n, row_width] with hard one-hots as codes; coded rows as they are."""
        if isinstance(rows, CodedRows):
            return rows
        coded = cls.empty(len(rows), layout)
        coded.fill(layout.blocks, rows)
        return coded

    @classmethod
    def empty(
        cls,
        n_rows: int,
        layout: RowLayout,
        *,
        device: torch.device | str = "cpu",
        masked: bool = False,
    ) -> Self:
        """Rows yet to be filled."""
        widths = [block.width for block in layout.blocks if block.kind == "discrete"]
        narrow = max(widths, default=0) <= INT16_CODES
        kind = torch.int16 if narrow else torch.int32
        n_scalars = sum(block.width for block in layout.blocks) - sum(widths)
        return cls(
            layout=layout,
            codes=torch.empty(n_rows, len(widths), dtype=kind, device=device),
            scalars=torch.empty(n_rows, n_scalars, device=device),
            masked=masked,
        )

    def fill(self, blocks: tuple[Block, ...], rows: Tensor) -> None:
        """Write neighbouring blocks, given as their dense part of all rows [n, their width]."""
        for block in blocks:
            start = block.start - blocks[0].start
            part = rows[:, start : start + block.width]
            if block.kind == "discrete":
                self.codes[:, self._position_of(block)] = part.argmax(dim=1)
            else:
                first = self._position_of(block)
                self.scalars[:, first : first + block.width] = part

    def hide(self, blocks: tuple[Block, ...], missing: Tensor) -> None:
        """Hide the cells of some blocks in the rows where ``missing``, bool [n], is true."""
        for block in blocks:
            position = self._position_of(block)
            if block.kind == "discrete":
                self.codes[missing, position] = MISSING
            else:
                self.scalars[missing, position : position + block.width] = torch.nan

    def write(self, start: int, rows: CodedRows) -> None:
        """Put other rows of this layout in place, from row ``start`` on."""
        self.codes[start : start + len(rows)] = rows.codes
        self.scalars[start : start + len(rows)] = rows.scalars

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, positions: Tensor | slice) -> Tensor:
        """Dense rows, float32 [m, row_width]."""
        codes = self._positions(positions)
        rows = self.scalars.new_zeros(len(codes), self._width)
        rows.scatter_(1, codes, 1.0)
        rows = rows[:, : self.layout.width]
        rows[:, self.scalar_positions] = self.scalars[positions]
        if self.masked:
            hidden = (self.codes[positions] < 0).repeat_interleave(self._widths, dim=1)
            positions_of_codes = self.layout.positions("discrete")
            rows[:, positions_of_codes] = rows[:, positions_of_codes].masked_fill(hidden, torch.nan)
        return rows

    def codes_of(self, block: Block) -> Tensor:
        """The codes of one discrete block, [n]."""
        return self.codes[:, self._position_of(block)]

    def dense(self, blocks: tuple[Block, ...]) -> Tensor:
        """The dense part of all rows that some neighbouring blocks fill, [n, their width]."""
        part = self.scalars.new_zeros(len(self), sum(block.width for block in blocks))
        for block in blocks:
            start, position = block.start - blocks[0].start, self._position_of(block)
            if block.kind == "discrete":
                part.scatter_(1, start + self.codes[:, position : position + 1].long(), 1.0)
            else:
                inside = slice(position, position + block.width)
                part[:, start : start + block.width] = self.scalars[:, inside]
        return part

    @property
    def device(self) -> torch.device:
        return self.codes.device

    @cached_property
    def scalar_positions(self) -> Tensor:
        """Int64 [scalar positions]: where in a dense row the scalars stand."""
        return torch.tensor(self.layout.positions("continuous"), device=self.device).long()

    def to(self, device: torch.device) -> Self:
        return replace(self, codes=self.codes.to(device), scalars=self.scalars.to(device))

    def split(self, size: int) -> Iterator[Tensor]:
        """Dense rows in order, ``size`` at a time."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def pieces(self, size: int) -> Iterator[Self]:
        """Coded rows in order, ``size`` at a time."""
        for codes, scalars in zip(self.codes.split(size), self.scalars.split(size), strict=True):
            yield replace(self, codes=codes, scalars=scalars)

    def at(self, positions: Tensor) -> Self:
        """The coded rows at some positions, int64 [m]."""
        return replace(self, codes=self.codes[positions], scalars=self.scalars[positions])

    def _blocks(self, kind: str) -> list[Block]:
        return [block for block in self.layout.blocks if block.kind == kind]

    def _position_of(self, block: Block) -> int:
        """Where the block stands in ``codes`` or ``scalars``."""
        before = [b for b in self._blocks(block.kind) if b.start < block.start]
        return len(before) if block.kind == "discrete" else sum(b.width for b in before)

    def _positions(self, rows: Tensor | slice) -> Tensor:
        """Int64 [m, discrete blocks]: where in a row each 1 stands; of missing cells, behind it."""
        codes = self.codes[rows].long()
        positions = codes + self._starts
        return torch.where(codes < 0, self.layout.width, positions) if self.masked else positions

    @property
    def _width(self) -> int:
        """Places of a dense row, and one for the missing cells."""
        return self.layout.width + self.masked

    @cached_property
    def _widths(self) -> Tensor:
        """Int64 [discrete blocks]."""
        widths = [block.width for block in self._blocks("discrete")]
        return torch.tensor(widths, device=self.device).long()

    @cached_property
    def _starts(self) -> Tensor:
        """Int64 [discrete blocks]."""
        starts = [block.start for block in self._blocks("discrete")]
        return torch.tensor(starts, device=self.device).long()
