"""Codes of columns as the numbers that a net sees, in the order of a chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import Block, RowLayout
from tabgan.errors import TabganError, nearest

FARTHEST = 3.5  # normal deviations: what lies beyond looks like it


@dataclass(frozen=True, kw_only=True)
class ChainColumn:
    """A column as a chain draws it: by one code, or by a bin and then a cell of the bin.

    Attributes:
        name: of the column.
        bins, cells: its discrete blocks; ``cells`` is None where one code says all.
        bins_at, cells_at: their positions among a row's codes.
    """

    name: str
    bins: Block
    cells: Block | None
    bins_at: int
    cells_at: int

    @property
    def n_cells(self) -> int:
        return self.cells.width if self.cells else 1

    @property
    def n_codes(self) -> int:
        """Joint codes: the bin times the number of cells, plus the cell."""
        return self.bins.width * self.n_cells

    def joint(self, codes: Tensor) -> Tensor:
        """The joint codes of rows [n, blocks], int64 [n]."""
        bins = codes[:, self.bins_at].long()
        return bins if self.cells is None else bins * self.n_cells + codes[:, self.cells_at].long()


def chain_columns(layout: RowLayout, order: Sequence[str] | None = None) -> list[ChainColumn]:
    """The columns of a layout of codes, in the order given, or else in the layout's.

    Raises:
        TabganError: for a layout with other blocks than a chain draws; for an order that misses a
            column or names one that is none.
    """
    found: dict[str, list[tuple[int, Block]]] = {}
    discrete = [block for block in layout.blocks if block.kind == "discrete"]
    for at, block in enumerate(discrete):
        found.setdefault(block.column, []).append((at, block))
    scalars = {b.column: b for b in layout.blocks if b.kind == "continuous"}
    for name in {block.column for block in layout.blocks}:
        n_codes = len(found.get(name, ()))
        if not 1 <= n_codes <= 2 or (name in scalars and not found[name][0][1].ordered):
            raise TabganError(
                f"column {name!r}: this generator draws codes, and the encoder gives numbers; "
                "choose encoder=chain"
            )
    names = _ordered(list(found), order)
    return [
        ChainColumn(
            name=name,
            bins=found[name][0][1],
            cells=found[name][1][1] if len(found[name]) > 1 else None,
            bins_at=found[name][0][0],
            cells_at=found[name][-1][0],
        )
        for name in names
    ]


def _ordered(names: list[str], order: Sequence[str] | None) -> list[str]:
    if order is None:
        return names
    unknown = [name for name in order if name not in names]
    if unknown:
        raise TabganError(
            f"model.generator.order: no column {unknown[0]!r}; {nearest(unknown[0], names)}"
        )
    missed = [name for name in names if name not in order]
    if missed or len(order) > len(names):
        raise TabganError(
            f"model.generator.order: expected each of {names} once, got {list(order)}"
        )
    return list(order)


class ColumnInputs(nn.Module):
    """Per column: smooth functions of where its number stands, a one-hot, or a learned vector.

    * A number: z, |z|, and sin and cos of z, 2 z, 4 z, ...; z is the normal quantile of the middle
      of the code's training ranks. Neighbours look alike, and the octaves tell them apart.
    * Categories, the values of a discrete number and the atoms of a column with cells: a one-hot
      where they are few, a learned vector of ``embed_dim`` numbers where they are more.
    * An unknown cell, whose code is below 0: zeros, which are the inputs of no value.

    Args:
        columns: in the order of their inputs.
        embed_dim: of a learned vector.
        octaves: pairs of sine and cosine.

    Attributes:
        starts: where the inputs of each column begin; one more for the end.
        width: of all inputs.
    """

    z: Tensor
    z_of_bins: Tensor
    _base: Tensor
    _ordered: Tensor
    _one_at: Tensor
    _smooth_at: Tensor
    _bins_at: Tensor
    _column_of: Tensor

    def __init__(self, *, columns: Sequence[ChainColumn], embed_dim: int, octaves: int) -> None:
        super().__init__()
        self.columns, self.octaves, self.embed_dim = list(columns), octaves, embed_dim
        self.smooth_width = 2 + 2 * octaves
        self.starts, self.learned = [0], list[int]()
        smooth_at, one_at = list[int](), list[Tensor]()
        for column in self.columns:
            width = self.starts[-1]
            if column.bins.ordered:
                smooth_at += range(width, width + self.smooth_width)
                width += self.smooth_width
            here, width = self._discrete(column, width)
            one_at.append(here)
            self.starts.append(width)
        self.width = self.starts[-1]
        *self._joint_starts, n_codes = accumulate((c.n_codes for c in self.columns), initial=0)
        ordered = [j for j, column in enumerate(self.columns) if column.bins.ordered]
        wide = (self.columns[j].n_codes for j in self.learned)
        *self._learned_base, n_vectors = accumulate(wide, initial=0)
        self.vectors = nn.Parameter(torch.randn(n_vectors, embed_dim) / embed_dim**0.5)
        self._bins_before, n_bins = {}, 0
        for column in self.columns:
            self._bins_before[column.name] = n_bins
            n_bins += column.bins.width
        self.register_buffer("z", torch.zeros(n_codes))
        self.register_buffer("z_of_bins", torch.zeros(n_bins))
        one = torch.cat(one_at).clamp(max=self.width) if one_at else torch.empty(0)
        base = torch.tensor(self._joint_starts, dtype=torch.long)
        self.register_buffer("_base", base, persistent=False)
        at = torch.tensor(ordered, dtype=torch.long)
        self.register_buffer("_ordered", at, persistent=False)
        self.register_buffer("_one_at", one.long(), persistent=False)
        at = torch.tensor(smooth_at, dtype=torch.long)
        self.register_buffer("_smooth_at", at, persistent=False)
        at = torch.tensor([column.bins_at for column in self.columns], dtype=torch.long)
        self.register_buffer("_bins_at", at, persistent=False)
        widths = torch.tensor(self.starts).diff()
        at = torch.arange(len(self.columns)).repeat_interleave(widths)
        self.register_buffer("_column_of", at, persistent=False)

    def _discrete(self, column: ChainColumn, start: int) -> tuple[Tensor, int]:
        """Where each joint code's 1 stands (far beyond the end for none), and where it ends."""
        nowhere = torch.full((column.n_codes,), 2**40)
        if column.cells is not None:
            for position, atom in enumerate(column.bins.atoms):
                nowhere[atom * column.n_cells : (atom + 1) * column.n_cells] = start + position
            return nowhere, start + len(column.bins.atoms)
        if column.bins.width <= self.embed_dim + 1:
            return start + torch.arange(column.n_codes), start + column.n_codes
        self.learned.append(self.columns.index(column))
        return nowhere, start + self.embed_dim

    @torch.no_grad()
    def learn(self, rows: CodedRows) -> None:
        """Take z from the codes of the training rows."""
        base = bins = 0
        for column in self.columns:
            counts, known = joint_counts(rows, column), column.bins.ordered
            self.z[base : base + known * column.n_cells] = _quantiles(
                counts[: known * column.n_cells]
            )
            of_bins = counts.view(-1, column.n_cells).sum(dim=1)
            self.z_of_bins[bins : bins + known] = _quantiles(of_bins[:known])
            base, bins = base + column.n_codes, bins + column.bins.width

    def forward(self, codes: Tensor) -> Tensor:
        """Inputs [n, width] of rows' codes [n, blocks]."""
        joint = torch.stack([column.joint(codes) for column in self.columns], dim=1)
        joint = joint.clamp(min=0) + self._base  # [n, columns]
        known = (codes[:, self._bins_at] >= 0)[:, self._column_of]  # [n, width]
        inputs = self.z.new_zeros(len(codes), self.width + 1)
        inputs.scatter_(1, self._one_at[joint], 1.0)
        smooth = self.smooth(self.z[joint[:, self._ordered]])  # [n, ordered columns, smooth_width]
        inputs.index_copy_(1, self._smooth_at, smooth.flatten(1))
        inputs = inputs[:, : self.width]
        if not self.learned:
            return inputs * known
        parts, done = [], 0
        for j, first in zip(self.learned, self._learned_base, strict=True):
            at = self.starts[j + 1] - self.embed_dim
            own = self.vectors[first + joint[:, j] - self._joint_starts[j]]
            parts += [inputs[:, done:at], own]
            done = at + self.embed_dim
        return torch.cat([*parts, inputs[:, done:]], dim=1) * known

    def bins_before(self, name: str) -> int:
        """The first position of a column's bins in ``z_of_bins``."""
        return self._bins_before[name]

    def smooth(self, z: Tensor) -> Tensor:
        """z, |z|, and the octaves' sines and cosines: [...] -> [..., smooth_width]."""
        scales = 2.0 ** torch.arange(self.octaves, device=z.device)
        waves = z[..., None] * scales
        return torch.cat([z[..., None], z[..., None].abs(), waves.sin(), waves.cos()], dim=-1)

    def of_rows(self, rows: Tensor) -> Tensor:
        """Inputs [n, width] of dense rows [n, row_width], with a gradient to their one-hots."""
        parts = []
        for j, column in enumerate(self.columns):
            codes = rows[:, column.bins.span]
            if column.cells is not None:
                codes = (codes[:, :, None] * rows[:, None, column.cells.span]).flatten(1)
            parts.append(codes @ self.table(j))
        return torch.cat(parts, dim=1)

    def table(self, j: int) -> Tensor:
        """The inputs of every joint code of column j, [n_codes, its inputs]."""
        column, start, base = self.columns[j], self.starts[j], self._joint_starts[j]
        width = self.starts[j + 1] - start
        table = self.z.new_zeros(column.n_codes, width + 1)
        one_at = self._one_at[base : base + column.n_codes] - start
        table.scatter_(1, one_at.clamp(max=width)[:, None], 1.0)
        table = table[:, :width]
        if column.bins.ordered:
            table[:, : self.smooth_width] = self.smooth(self.z[base : base + column.n_codes])
        if j in self.learned:
            first = self._learned_base[self.learned.index(j)]
            own = self.vectors[first : first + column.n_codes]
            table = torch.cat([table[:, : width - self.embed_dim], own], dim=1)
        return table


def joint_counts(rows: CodedRows, column: ChainColumn) -> Tensor:
    """The rows that have each joint code of a column, int64 [n_codes]; missing cells count none."""
    codes = rows.codes[rows.codes[:, column.bins_at] >= 0] if rows.masked else rows.codes
    return torch.bincount(column.joint(codes), minlength=column.n_codes)


def _quantiles(counts: Tensor) -> Tensor:
    """Normal quantiles of the middles of each code's ranks, [n_codes]."""
    shares = counts.double() / counts.sum().clamp(min=1)
    middles = shares.cumsum(0) - shares / 2
    normal: Tensor = (
        torch.special.ndtri(middles.clamp(1e-6, 1 - 1e-6)).clamp(-FARTHEST, FARTHEST).float()
    )
    return normal
