"""From rows and condition to one logit per row.

Nets that stand around a critic (packing, minibatch discrimination, ...) know it by ``features``
and ``verdict``, which follow each other in ``forward``, by ``pack``, the rows that one logit is
about, and ``group``, the rows that have to come together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.inputs import ColumnInputs, chain_columns
from tabgan.models.nets.packing import in_packs


class CodeCritic(nn.Module):
    """Fully connected, leaky ReLU and dropout, on what a chain sees of a row's codes.

    Shape:
        rows: [batch, row_width], of ``encoder=chain``
        condition: [batch, 0]
        returns: logits [batch], positive for real
    """

    pack = group = 1

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        dropout: float,
        hidden_dims: Sequence[int],
        slope: float,
        embed_dim: int,
        octaves: int,
    ) -> None:
        super().__init__()
        columns = chain_columns(layout)
        self.inputs = ColumnInputs(columns=columns, embed_dim=embed_dim, octaves=octaves)
        layers: list[nn.Module] = []
        width = self.inputs.width
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(slope), nn.Dropout(dropout)]
            width = hidden
        self.trunk = nn.Sequential(*layers, nn.Linear(width, 1))
        self.feature_width = width

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        return self.verdict(self.features(rows, condition))

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The last hidden layer, of which the logit is linear: [batch, feature_width]."""
        features: Tensor = self.trunk[:-1](self.inputs.of_rows(rows))
        return features

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [batch] of features [batch, feature_width]."""
        logits: Tensor = self.trunk[-1](features).squeeze(1)
        return logits

    def learn(self, rows: CodedRows) -> None:
        """Take from the training rows where their numbers stand."""
        self.inputs.learn(rows)


class Critic(nn.Module):
    """Fully connected, leaky ReLU and dropout; judges packs of rows, positive for real.

    With ``pack`` rows side by side it sees whether they vary (PacGAN, Lin et al. 2018); an
    incomplete last pack is filled up with the first rows of the batch.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [ceil(batch / pack)]
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        dropout: float,
        hidden_dims: Sequence[int],
        slope: float,
        pack: int,
    ) -> None:
        super().__init__()
        self.pack = self.group = pack
        layers: list[nn.Module] = []
        width = pack * (layout.width + condition_width)
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(slope), nn.Dropout(dropout)]
            width = hidden
        self.trunk = nn.Sequential(*layers, nn.Linear(width, 1))
        self.feature_width = width

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        return self.verdict(self.features(rows, condition))

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The last hidden layer, of which the logit is linear: [n_packs, feature_width]."""
        joined = torch.cat([rows, condition], dim=1)  # [batch, row_width + condition_width]
        features: Tensor = self.trunk[:-1](in_packs(joined, self.pack))
        return features

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [n_packs] of features [n_packs, feature_width]."""
        logits: Tensor = self.trunk[-1](features).squeeze(1)
        return logits

    def learn(self, rows: CodedRows) -> None:
        """Nothing: all it knows of the table, it learns by judging."""
