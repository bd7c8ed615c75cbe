"""Models that learn a detector's decisions, so that rows can be bettered without a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from tabgan.blackboxes.evasion.features import Features
from tabgan.encoding.column import Numbers

FEW = 20  # answers of a kind: with fewer, nothing is learned


class Answers:
    """Rows, and what the detector answered: 1 for an attack, 0 for normal traffic.

    Attributes:
        numbers: float64 [n, n_columns].
        features: what the net sees of them, float32 [n, width].
        labels: float32 [n].
    """

    def __init__(self, features: Features) -> None:
        self.seen_as = features
        self.numbers = np.empty((0, len(features.levels)))
        self.features = torch.empty(0, features.width)
        self.labels = torch.empty(0)

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, numbers: Numbers, labels: Tensor) -> None:
        """Remember more rows with their labels [n]."""
        self.numbers = np.concatenate([self.numbers, numbers])
        self.features = torch.cat([self.features, self.seen_as(numbers)])
        self.labels = torch.cat([self.labels, labels])

    def drawn(
        self, n: int, rng: torch.Generator, *, newest: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """The features of ``n`` rows, drawn with replacement (from the newest), and labels [n]."""
        among = min(newest or len(self), len(self))
        positions = len(self) - 1 - torch.randint(among, (n,), generator=rng)
        return self.features[positions], self.labels[positions]

    def newest(self, n: int) -> tuple[Numbers, NDArray[np.float32]]:
        """The last ``n`` rows and their labels."""
        return self.numbers[-n:], self.labels[-n:].numpy()


class SubstituteNet(nn.Module):
    """Fully connected, leaky ReLU.

    Shape:
        features: [batch, width]
        returns: logits [batch], above 0 for an attack
    """

    def __init__(
        self, *, width: int, hidden_dims: Sequence[int], slope: float, dropout: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.LeakyReLU(slope), nn.Dropout(dropout)]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.layers(features).squeeze(1)
        return logits


class SubstituteTrees:
    """Boosted trees, grown anew from answers now and then; before that they say nothing.

    Args:
        n_trees: of a model, at least 1.
        n_leaves: of a tree, at least 2.
        lr: shrinkage in (0, 1].
    """

    def __init__(self, *, n_trees: int, n_leaves: int, lr: float) -> None:
        self.settings: dict[str, Any] = {
            "max_iter": n_trees, "max_leaf_nodes": n_leaves, "learning_rate": lr,
            "early_stopping": False,
        }  # fmt: skip
        self.model: HistGradientBoostingClassifier | None = None
        self.taught: dict[str, Any] = {}

    def fit(self, numbers: Numbers, labels: NDArray[np.float32], *, seed: int) -> None:
        """Learn answers; where nearly all are the same, there is nothing to learn."""
        attacks = int(labels.sum())
        if min(attacks, len(labels) - attacks) < FEW:
            return
        self.taught = {"numbers": numbers, "labels": labels, "seed": seed}
        self.model = HistGradientBoostingClassifier(random_state=seed % 2**31, **self.settings)
        with threadpool_limits(1):
            self.model.fit(numbers, labels > 0)

    def state(self) -> dict[str, Any]:
        """Plain data and arrays: what the trees were grown from, for they grow the same again."""
        return self.taught

    def restore(self, state: dict[str, Any]) -> None:
        if state:
            self.fit(**state)

    def __call__(self, numbers: Numbers) -> NDArray[np.float64]:
        """Log odds of an attack, float64 [n]; 0 before anything is learned."""
        if self.model is None:
            return np.zeros(len(numbers))
        with threadpool_limits(1):
            log_odds: NDArray[np.float64] = self.model.decision_function(numbers)
        return log_odds
