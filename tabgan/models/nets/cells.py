"""The inputs of a cell's head: the bin's position, and how training fills it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.models.nets.inputs import ChainColumn, ColumnInputs, joint_counts
from tabgan.models.nets.readout import NEVER

PSEUDO_ROWS = 0.5  # of every cell that a bin has, in the shares to begin with
SCALE = 0.3  # of the weights from a bin's inputs, at the start


class CellTables(nn.Module):
    """Two terms of a cell's head: of its hidden positions, and of its logits.

    The logits begin as the logarithm of each cell's share of its bin's training rows; a bin's
    missing cells, which an atom has but one of, are never drawn.

    Args:
        columns: those that have cells, in the order of their heads.
        inputs: of all columns.
        hidden_dim: of a head.
    """

    allowed: Tensor
    _bases: Tensor

    def __init__(
        self, columns: Sequence[ChainColumn], inputs: ColumnInputs, hidden_dim: int
    ) -> None:
        super().__init__()
        self.columns, self.width = list(columns), inputs.smooth_width
        self._inputs = [inputs]  # in a list, for it is another module's part
        *self._starts, n_bins = accumulate((c.bins.width for c in columns), initial=0)
        bases = torch.tensor(self._starts, dtype=torch.long)
        self.register_buffer("_bases", bases, persistent=False)
        most = max((column.n_cells for column in columns), default=0)
        start = torch.randn(len(self.columns), self.width, hidden_dim) * SCALE
        self.weight = nn.Parameter(start)
        self.bias = nn.Parameter(torch.zeros(n_bins, most))
        self.register_buffer("allowed", torch.ones(n_bins, most, dtype=torch.bool))

    @torch.no_grad()
    def learn(self, rows: CodedRows) -> None:
        """Take the shares from training rows."""
        for column, base in zip(self.columns, self._starts, strict=True):
            counts = joint_counts(rows, column).view(-1, column.n_cells).double()
            allowed = counts > 0
            allowed[:, 0] |= ~allowed.any(dim=1)  # of a bin that these rows do not have
            logs = ((counts + PSEUDO_ROWS) * allowed).log()
            logs = logs - logs.logsumexp(dim=1, keepdim=True)
            here = slice(base, base + column.bins.width)
            self.allowed[here], self.bias[here] = False, 0.0
            self.allowed[here, : column.n_cells] = allowed
            self.bias[here, : column.n_cells] = logs.masked_fill(~allowed, 0.0).float()

    @property
    def table(self) -> Tensor:
        """Logits of every bin's cells, [bins of all columns, most cells]."""
        return self.bias.masked_fill(~self.allowed, NEVER)

    def shares_of(self, column: ChainColumn) -> Tensor:
        """The cells' shares of each bin of a column, as the table has them: [n_bins, n_cells]."""
        base = self._starts[self.columns.index(column)]
        table = self.table[base : base + column.bins.width, : column.n_cells]
        return table.detach().softmax(dim=1)

    def of_bins(self, codes: Tensor) -> Tensor:
        """Terms of the hidden positions, [columns, n, hidden_dim], of rows' codes [n, blocks]."""
        views = self._inputs[0]
        at = [
            views.bins_before(column.name) + codes[:, column.bins_at].long().clamp(min=0)
            for column in self.columns
        ]
        return torch.bmm(views.smooth(views.z_of_bins[torch.stack(at)]), self.weight)

    def logits(self, codes: Tensor) -> Tensor:
        """Terms of the logits, [columns, n, most cells]."""
        at = torch.stack([codes[:, column.bins_at].long() for column in self.columns])
        return self.table[at.clamp(min=0) + self._bases[:, None]]

    def of_column(self, i: int) -> tuple[Tensor, Tensor]:
        """Both terms for every bin of a column: [bins, hidden_dim] and [bins, its cells]."""
        column, base, views = self.columns[i], self._starts[i], self._inputs[0]
        first = views.bins_before(column.name)
        z = views.z_of_bins[first : first + column.bins.width]
        logits = self.table[base : base + column.bins.width, : column.n_cells]
        return views.smooth(z) @ self.weight[i], logits
