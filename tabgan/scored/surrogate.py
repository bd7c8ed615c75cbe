"""A small net that learns a black box's score, and how sure it is of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.nets.inputs import ColumnInputs, chain_columns

LEAST_SCALE, SCALES = 0.005, 0.3  # a scale lies between the first and their sum


class Surrogate(nn.Module):
    """Residual layers on what a chain sees of a row; the median and the mean absolute error.

    Args:
        layout: of codes.
        hidden_dim: of the layers.
        n_layers: residual ones.
        embed_dim, octaves: of ``ColumnInputs``.

    Shape:
        codes: [batch, blocks], as ``CodedRows`` has them
        returns: median [batch] in (0, 1), scale [batch] in (0.005, 0.305)
    """

    def __init__(
        self, *, layout: RowLayout, hidden_dim: int, n_layers: int, embed_dim: int, octaves: int
    ) -> None:
        super().__init__()
        columns = chain_columns(layout)
        self.inputs = ColumnInputs(columns=columns, embed_dim=embed_dim, octaves=octaves)
        self.entrance = nn.Linear(self.inputs.width, hidden_dim)
        self.layers = nn.ModuleList(nn.Linear(hidden_dim, hidden_dim) for _ in range(n_layers))
        self.out = nn.Linear(hidden_dim, 2)

    def learn(self, rows: CodedRows) -> None:
        """Take from the training rows where their numbers stand."""
        self.inputs.learn(rows)

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        hidden = silu(self.entrance(self.inputs(codes)))
        for layer in self.layers:
            hidden = hidden + silu(layer(hidden))
        median, scale = torch.sigmoid(self.out(hidden)).unbind(dim=1)
        return median, LEAST_SCALE + SCALES * scale
