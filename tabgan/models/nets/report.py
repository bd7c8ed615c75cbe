"""The report's two nets, to the parameter.

With 14 features: critic 172,035 parameters, generator 176,016; with 15: 172,547 and 176,529.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.heads import Headed, Heads


class ClassScale(nn.Module):
    """Inputs times the condition's embedding, one learned number per class.

    Without a condition (condition_width 0) inputs pass unchanged.

    Shape:
        inputs: [batch, width]
        condition: one-hot [batch, condition_width]
        returns: [batch, width]
    """

    def __init__(self, condition_width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(condition_width, 1) if condition_width else None

    def forward(self, inputs: Tensor, condition: Tensor) -> Tensor:
        if self.embedding is None:
            return inputs
        return inputs * (condition @ self.embedding.weight)  # [batch, width] * [batch, 1]


class ReportGenerator(Headed):
    """128 -> 256 -> 512 -> row_width, leaky ReLU, dropout after the first two, linear output.

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
        slope: float,
        temperature: float,
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        self.scale = ClassScale(condition_width)
        self.trunk = report_trunk(noise_dim, hidden_dims, layout.width, dropout, slope)
        self.heads = Heads(layout=layout, temperature=temperature)

    def raw(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Scalars and logits [batch, row_width], before the heads."""
        raw: Tensor = self.trunk(self.scale(noise, condition))
        return raw


class ReportCritic(nn.Module):
    """512 -> 256 -> 128 -> 1, leaky ReLU, dropout after the first two; one logit per row.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [batch]
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
    ) -> None:
        super().__init__()
        self.scale = ClassScale(condition_width)
        self.trunk = report_trunk(layout.width, hidden_dims, 1, dropout, slope)
        self.feature_width = hidden_dims[-1]

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        return self.verdict(self.features(rows, condition))

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The last hidden layer, of which the logit is linear: [batch, feature_width]."""
        features: Tensor = self.trunk[:-1](self.scale(rows, condition))
        return features

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [batch] of features [batch, feature_width]."""
        logits: Tensor = self.trunk[-1](features).squeeze(1)
        return logits

    def learn(self, rows: CodedRows) -> None:
        """Nothing: all it knows of the table, it learns by judging."""


def report_trunk(
    width_in: int, hidden_dims: Sequence[int], width_out: int, dropout: float, slope: float
) -> nn.Sequential:
    """Linear layers with leaky ReLU between them, and dropout after the first two."""
    layers: list[nn.Module] = []
    for depth, hidden in enumerate(hidden_dims):
        layers += [nn.Linear(width_in, hidden), nn.LeakyReLU(slope)]
        layers += [nn.Dropout(dropout)] if depth < 2 else []
        width_in = hidden
    return nn.Sequential(*layers, nn.Linear(width_in, width_out))
