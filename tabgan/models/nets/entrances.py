"""The first layer of a chain's heads: what each sees of the columns before its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

GROUPS = 6  # of heads, multiplied together; only in the last rows of a group are there zeros
SCALE = 0.3  # of the weights, at the start


@dataclass(frozen=True, kw_only=True)
class Head:
    """One categorical draw of a row: a column's category or bin, or the cell of a bin.

    Attributes:
        column: the position of its column in the chain.
        code: its position among a row's codes.
        width: its categories.
        is_cell: whether it draws the cell of a bin.
    """

    column: int
    code: int
    width: int
    is_cell: bool


class DirectEntrance(nn.Module):
    """hidden[head] = inputs of the columns before the head's @ weights of its own.

    Args:
        heads: in the order they are drawn.
        ends: where the inputs of the columns before each chain position end.
        width: of the result.

    Shape:
        inputs: [n, n_inputs]
        returns: [heads, n, width]
    """

    def __init__(self, heads: Sequence[Head], ends: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.seen = [ends[head.column] for head in heads]  # inputs that each head sees
        n_groups = min(GROUPS, len(heads))
        cuts = [round(len(heads) * group / n_groups) for group in range(n_groups + 1)]
        self.groups = list(pairwise(cuts))
        self.weights = nn.ParameterList()
        for group, (first, end) in enumerate(self.groups):
            seen = torch.tensor(self.seen[first:end])
            mask = (torch.arange(int(seen.max()))[:, None] < seen).float()[:, :, None]
            columns = torch.tensor([head.column for head in heads[first:end]])
            scale = SCALE / (1.0 + columns).sqrt()
            start = torch.randn(len(mask), end - first, width) * scale[None, :, None] * mask
            self.weights.append(nn.Parameter(start))
            self.register_buffer(f"mask_{group}", mask, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        parts = []
        for group, weight in enumerate(self.weights):
            masked = (weight * getattr(self, f"mask_{group}")).flatten(1)
            parts.append(inputs[:, : len(masked)] @ masked)
        hidden = torch.cat(parts, dim=1).view(len(inputs), len(self.seen), self.width)
        return hidden.transpose(0, 1)

    def per_head(self) -> list[Tensor]:
        """The weights of each head, [inputs that it sees, width]."""
        return [
            self.weights[group][: self.seen[at], at - first]
            for group, (first, end) in enumerate(self.groups)
            for at in range(first, end)
        ]


class StateEntrance(nn.Module):
    """hidden[head] = (inputs of the columns before the head's @ shared weights) @ its own.

    The shared product is a running sum over the columns: its cost and number of weights grow with
    the number of columns, and not with its square.

    Args:
        heads: in the order they are drawn.
        ends: where the inputs of the columns before each chain position end.
        width: of the result.
        rank: of the running sum.

    Shape:
        inputs: [n, n_inputs]
        returns: [heads, n, width]
    """

    columns: Tensor
    spread: Tensor

    def __init__(self, heads: Sequence[Head], ends: Sequence[int], width: int, rank: int) -> None:
        super().__init__()
        self.width, self.seen = width, [ends[head.column] for head in heads]
        self.ends = list(ends)
        n_inputs = ends[-1]
        start = torch.randn(n_inputs, rank) * SCALE / len(self.ends) ** 0.5
        self.shared = nn.Parameter(start)
        self.own = nn.Parameter(torch.randn(len(heads), rank, width) / rank**0.5)
        columns = torch.tensor([head.column for head in heads])
        self.register_buffer("columns", columns, persistent=False)
        sizes = torch.tensor([0, *ends]).diff()  # of the pieces that are added one by one
        most = int(sizes.max()) if len(sizes) else 0
        starts = torch.tensor([0, *ends])[:-1]
        within = torch.arange(most)[None]
        spread = torch.where(within < sizes[:, None], starts[:, None] + within, n_inputs)
        self.register_buffer("spread", spread, persistent=False)  # [pieces, most]

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.bmm(self._states(inputs)[self.columns], self.own)

    def _states(self, inputs: Tensor) -> Tensor:
        """The running sum before each chain position, [positions, n, rank]."""
        pieces = pad(inputs[:, : self.ends[-1]], (0, 1))[:, self.spread].transpose(
            0, 1
        )  # [pieces, n, most]
        weights = pad(self.shared, (0, 0, 0, 1))[self.spread]  # [pieces, most, rank]
        return torch.bmm(pieces, weights).cumsum(dim=0)

    def per_head(self) -> list[Tensor]:
        """The weights of each head, [inputs that it sees, width]."""
        return [self.shared[:seen] @ own for seen, own in zip(self.seen, self.own, strict=True)]
