"""From rows to class logits, by way of features that a generator can match."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """Fully connected, leaky ReLU and dropout; noise on its input while training.

    Shape:
        rows: [batch, row_width]
        returns: class logits [batch, n_classes]
    """

    def __init__(
        self,
        *,
        row_width: int,
        n_classes: int,
        hidden_dims: Sequence[int],
        dropout: float,
        input_noise: float,
    ) -> None:
        super().__init__()
        self.input_noise = input_noise
        layers: list[nn.Module] = []
        width = row_width
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
            width = hidden
        self.trunk, self.readout = nn.Sequential(*layers), nn.Linear(width, n_classes)

    def forward(self, rows: Tensor) -> Tensor:
        logits: Tensor = self.readout(self.features(rows))
        return logits

    def features(self, rows: Tensor) -> Tensor:
        """The last hidden layer, [batch, hidden]."""
        if self.training and self.input_noise:
            rows = rows + self.input_noise * torch.randn_like(rows)
        features: Tensor = self.trunk(rows)
        return features
