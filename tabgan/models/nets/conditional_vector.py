"""CTGAN's conditional vector and its training by sampling (Xu et al. 2019, section 4.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import Block, RowLayout


class ConditionalVector(nn.Module):
    """One discrete column and one of its values: a one-hot over the positions of all such columns.

    A column is discrete here when a single discrete block is all that it has in the row; modes and
    indicators of numbers are not requested. Two maps must not be confused, and are kept apart: the
    vector lays these blocks side by side, in the row numbers stand between them.

    Which values occur how often is learned from the training rows by ``learn``, and is part of the
    state; the rows themselves are not.

    Attributes:
        blocks: of the columns, in the row.
        starts, widths: where each stands in the vector.
        width: positions of the vector; 0 without a discrete column.
    """

    counts: Tensor
    positions: Tensor
    columns: Tensor

    def __init__(self, *, layout: RowLayout, condition_width: int) -> None:
        super().__init__()
        self.layout = layout
        self.blocks = [block for block in layout.blocks if _is_discrete(layout, block)]
        self.widths = [block.width for block in self.blocks]
        self.width = sum(self.widths)
        self.starts = [sum(self.widths[:column]) for column in range(len(self.widths))]
        positions = [position for b in self.blocks for position in range(b.start, b.span.stop)]
        columns = [column for column, width in enumerate(self.widths) for _ in range(width)]
        classes = max(condition_width, 1)
        self.register_buffer("counts", torch.zeros(classes, self.width, dtype=torch.float64))
        self.register_buffer("positions", torch.tensor(positions).long(), persistent=False)
        self.register_buffer("columns", torch.tensor(columns).long(), persistent=False)

    def learn(self, rows: Tensor | CodedRows, condition: Tensor) -> None:
        """Count the values of training rows, and remember which rows have each.

        Shape:
            rows: [n, row_width], hard one-hots; or their codes
            condition: one-hot [n, condition_width], the class
        """
        self.rows, self.condition = rows, condition
        coded = CodedRows.of(rows, self.layout)
        discrete = [block for block in self.layout.blocks if block.kind == "discrete"]
        labels = _labels(condition)
        shares, members = [], []
        for block in self.blocks:
            codes = coded.codes[:, discrete.index(block)].long()
            joint = torch.bincount(
                labels * block.width + codes, minlength=len(self.counts) * block.width
            )
            shares.append(joint.reshape(-1, block.width))
            members.append(codes.argsort(stable=True).to(torch.int32))
        if self.blocks:
            self.counts.copy_(torch.cat(shares, dim=1))
            self.members = torch.cat(members)  # rows by column and value: [n_columns * n]

    def training_batch(self, n: int) -> tuple[Tensor, Tensor]:
        """``n`` training rows and their conditions, the vector before the class.

        A column is drawn evenly, its value by the logarithm of 1 + frequency, so that rare values
        are trained, and a row evenly among those that have it; on the CPU, from torch's own random
        state.
        """
        counts = self.counts.sum(dim=0).cpu()
        position = self._draw_positions(counts.log1p()[None], torch.zeros(n).long(), None)
        if not len(position):
            chosen = torch.randint(len(self.rows), (n,))
        else:
            # A column's values partition the rows, so the members of all positions run on.
            ends = counts.cumsum(dim=0)
            among = (torch.rand(n).double() * counts[position]).long()
            chosen = self.members[(ends - counts)[position].long() + among].long()
        return self.rows[chosen], torch.cat(
            [self._onehot(position, n), self.condition[chosen]], dim=1
        )

    def draw(self, condition: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Vectors [n, width] to sample with: a column evenly, its value by its true frequency.

        Among the rows of the class that ``condition`` [n, condition_width] asks for, if any.
        """
        position = self._draw_positions(self.counts, _labels(condition), rng)
        return self._onehot(position, len(condition))

    def draw_among(
        self, allowed: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        """As ``draw``, from the positions that bool ``allowed`` [n, width] leaves to each vector.

        Where no training row of the class has any of them, evenly.
        """
        if not self.width:
            return self._onehot(torch.empty(0).long(), len(condition)).to(condition.device)
        parts = self.counts.split(self.widths, dim=1)
        shares = torch.cat([part / part.sum(dim=1, keepdim=True).clamp(min=1) for part in parts], 1)
        weights = shares[_labels(condition)] * allowed
        unseen = weights.sum(dim=1, keepdim=True) == 0
        position = torch.multinomial(
            torch.where(unseen, allowed.double(), weights), 1, generator=rng
        )
        return self._onehot(position[:, 0], len(condition))

    def of_rows(self, rows: Tensor) -> Tensor:
        """Vectors [n, width] that these rows satisfy: row i shows its value of column i mod C."""
        shown = torch.arange(len(rows), device=rows.device) % max(len(self.blocks), 1)
        return rows[:, self.positions] * (self.columns == shown[:, None])

    def cross_entropy(self, raw: Tensor, vector: Tensor) -> Tensor:
        """E[-log p(value requested)], from the logits of the column requested.

        Shape:
            raw: [batch, row_width], the generator's outputs before its heads
            vector: [batch, width]
            returns: scalar
        """
        parts = vector.split(self.widths, dim=1) if self.blocks else ()
        total = raw.new_zeros(())
        for block, requested in zip(self.blocks, parts, strict=True):
            total = total - (requested * raw[:, block.span].log_softmax(dim=1)).sum()
        return total / len(raw)

    def _draw_positions(
        self, weights: Tensor, labels: Tensor, rng: torch.Generator | None
    ) -> Tensor:
        """Places [n] of the vector, a column evenly, then by ``weights`` [classes, width]."""
        n_columns = len(self.blocks)
        if not n_columns:
            return labels[:0]
        # Column c of class k ends at k * n_columns + c + 1, so all are one ascending sequence.
        parts = weights.split(self.widths, dim=1)
        ends = torch.cat([c + _reached(part) for c, part in enumerate(parts)], dim=1)
        shelf = ends + n_columns * torch.arange(len(ends), device=ends.device)[:, None]
        column = torch.randint(n_columns, labels.shape, generator=rng, device=ends.device)
        within = torch.rand(labels.shape, generator=rng, device=ends.device).double()
        drawn = torch.searchsorted(
            shelf.flatten(), n_columns * labels + column + within, right=True
        )
        return (drawn - self.width * labels).clamp(max=self.width - 1)

    def _onehot(self, position: Tensor, n: int) -> Tensor:
        onehot = torch.zeros(n, self.width, device=position.device)
        return onehot.scatter_(1, position[:, None], 1.0) if len(position) else onehot


def _reached(weights: Tensor) -> Tensor:
    """The cumulative shares [classes, width], at most 1 in spite of rounding."""
    total = weights.sum(dim=1, keepdim=True).clamp(min=1e-300)
    return (weights / total).cumsum(dim=1).clamp(max=1.0)


def _labels(condition: Tensor) -> Tensor:
    """The class of each condition, int64 [n]; 0 without classes."""
    if condition.shape[1]:
        return condition.argmax(dim=1)
    return torch.zeros(len(condition), device=condition.device).long()


def _is_discrete(layout: RowLayout, block: Block) -> bool:
    return layout.of(block.column) == (block,) and block.kind == "discrete"
