"""From noise and condition to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.heads import Headed, Heads


class Generator(Headed):
    """Fully connected, batch norm and ReLU (CTGAN, Xu et al. 2019, and the report's section 6).

    Shape:
        noise: [batch, noise_dim]
        condition: [batch, condition_width]
        returns: rows [batch, row_width]
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        noise_dim: int,
        dropout: float,
        hidden_dims: Sequence[int],
        temperature: float,
        hard: bool,
        scalar: Literal["linear", "tanh"],
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        layers: list[nn.Module] = []
        width = noise_dim + condition_width
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
            width = hidden
        self.trunk = nn.Sequential(*layers, nn.Linear(width, layout.width))
        self.heads = Heads(layout=layout, temperature=temperature, hard=hard, scalar=scalar)

    def raw(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Scalars and logits [batch, row_width], before the heads."""
        joined = torch.cat([noise, condition], dim=1)  # [batch, noise_dim + condition_width]
        raw: Tensor = self.trunk(joined)
        return raw


class ConcatenatingGenerator(Headed):
    """Residual blocks h -> [ReLU(BN(Wh)), h], then linear (CTGAN, Xu et al. 2019, section 4.4).

    It has no dropout: ``dropout`` is the critic's.

    Shape:
        noise: [batch, noise_dim]
        condition: [batch, condition_width]
        returns: rows [batch, row_width]
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        noise_dim: int,
        dropout: float,
        hidden_dims: Sequence[int],
        temperature: float,
        hard: bool,
        scalar: Literal["linear", "tanh"],
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        self.blocks = nn.ModuleList()
        width = noise_dim + condition_width
        for hidden in hidden_dims:
            block = nn.Sequential(nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
            self.blocks.append(block)
            width += hidden
        self.readout = nn.Linear(width, layout.width)
        self.heads = Heads(layout=layout, temperature=temperature, hard=hard, scalar=scalar)

    def raw(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Scalars and logits [batch, row_width], before the heads."""
        hidden = torch.cat([noise, condition], dim=1)  # [batch, noise_dim + condition_width]
        for block in self.blocks:
            hidden = torch.cat([block(hidden), hidden], dim=1)
        row: Tensor = self.readout(hidden)
        return row
