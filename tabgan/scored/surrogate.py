"""A small net that learns a black box's score, and how sure it is of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tabgan.encoding.layout import RowLayout

LEAST_SCALE, SCALES = 0.005, 0.3  # a scale lies between the first and their sum


class Surrogate(nn.Module):
    """Two hidden layers; the median and the mean absolute error of the score, both learned.

    Shape:
        rows: [batch, row_width], encoded; hard or soft one-hots
        returns: median [batch] in (0, 1), scale [batch] in (0.005, 0.305)
    """

    def __init__(self, *, layout: RowLayout, hidden_dim: int, slope: float) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(layout.width, hidden_dim),
            nn.LeakyReLU(slope),
            nn.Linear(hidden_dim, hidden_dim),
            nn.LeakyReLU(slope),
            nn.Linear(hidden_dim, 2),
        )

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        median, scale = torch.sigmoid(self.trunk(rows)).unbind(dim=1)
        return median, LEAST_SCALE + SCALES * scale
