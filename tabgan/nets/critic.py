"""From rows and condition to one logit per row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tabgan.encoding.layout import RowLayout


class ResidualCritic(nn.Module):
    """Linear, residual blocks of two leaky-ReLU layers, linear; no normalisation (DESIGN 2.2).

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [batch]
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        dropout: float,
        hidden_dim: int,
        n_blocks: int,
        slope: float,
    ) -> None:
        super().__init__()
        self.entrance = nn.Linear(layout.width + condition_width, hidden_dim)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LeakyReLU(slope),
                nn.Linear(hidden_dim, hidden_dim),
                nn.LeakyReLU(slope),
                nn.Dropout(dropout),
                nn.Linear(hidden_dim, hidden_dim),
            )
            for _ in range(n_blocks)
        )
        self.readout = nn.Sequential(nn.LeakyReLU(slope), nn.Linear(hidden_dim, 1))

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        hidden = self.entrance(torch.cat([rows, condition], dim=1))  # [batch, hidden_dim]
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.readout(hidden).squeeze(1)  # [batch]


class Critic(nn.Module):
    """Fully connected, leaky ReLU and dropout; judges rows, positive for real.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [batch]
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        dropout: float,
        hidden_dims: Sequence[int],
        slope: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = layout.width + condition_width
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(slope), nn.Dropout(dropout)]
            width = hidden
        self.trunk = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        joined = torch.cat([rows, condition], dim=1)  # [batch, row_width + condition_width]
        return self.trunk(joined).squeeze(1)  # [batch]
