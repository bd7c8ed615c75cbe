"""From a record and noise to a changed record."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.heads import Heads


class RecordEditor(nn.Module):
    """Fully connected, leaky ReLU; what it puts out is added to the record.

    The last layer begins at 0, so that the first changes are few: a column keeps its value with
    odds of ``exp(keep)`` against each other one. Logits stay within ``reach``: one that runs away
    is a choice without a gradient, and what was chosen early would stay.

    Shape:
        records: [batch, row_width], encoded
        noise: [batch, noise_dim]
        returns: rows [batch, row_width]
    """

    own: Tensor

    def __init__(
        self,
        *,
        layout: RowLayout,
        noise_dim: int,
        hidden_dims: Sequence[int],
        dropout: float,
        slope: float,
        temperature: float,
        keep: float,
        reach: float,
    ) -> None:
        super().__init__()
        self.reach = reach
        layers: list[nn.Module] = []
        width = layout.width + noise_dim
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(slope), nn.Dropout(dropout)]
            width = hidden
        readout = nn.Linear(width, layout.width)
        nn.init.zeros_(readout.weight)
        nn.init.zeros_(readout.bias)
        self.trunk = nn.Sequential(*layers, readout)
        self.heads = Heads(layout=layout, temperature=temperature, hard=True)
        own = torch.ones(layout.width)
        for block in layout.blocks:
            own[block.span] = keep if block.kind == "discrete" else 1.0
        self.register_buffer("own", own)

    def forward(
        self,
        records: Tensor,
        noise: Tensor,
        rng: torch.Generator | None = None,
        *,
        warmth: float = 1.0,
    ) -> Tensor:
        """Changed rows; the warmer, the more at random."""
        raw = self.trunk(torch.cat([records, noise], dim=1))  # [batch, row_width]
        bounded = self.reach * torch.tanh(raw / self.reach)
        edited: Tensor = self.heads((bounded + self.own * records) / warmth, rng)
        return edited
