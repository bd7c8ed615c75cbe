"""A critic that sees how close the rows of a batch are to each other (Salimans et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError
from tabgan.models.nets.packing import in_packs


class MinibatchDiscrimination(nn.Module):
    """o(x_i)_b = sum_j exp(-|M_ib - M_jb|_1), M_i = f(x_i) T (Salimans et al. 2016, section 3.2).

    Rows are compared within groups of ``group`` neighbours, itself included, so that real and
    generated rows that share a pass through the critic are kept apart; an incomplete last group
    is filled up with the first rows.

    Shape:
        features: [n, width]
        returns: [n, n_kernels], from 1 (nobody is near) to ``group`` (all are the same)

    Raises:
        TabganError: when ``group`` is below 2, or a size below 1.
    """

    def __init__(self, width: int, *, group: int, n_kernels: int, kernel_dim: int) -> None:
        super().__init__()
        if group < 2 or n_kernels < 1 or kernel_dim < 1:
            raise TabganError(
                "tool.minibatch: expected group of at least 2 rows, n_kernels and kernel_dim of at "
                f"least 1, got {group}, {n_kernels} and {kernel_dim}"
            )
        self.group, self.n_kernels = group, n_kernels
        self.kernels = nn.Parameter(torch.randn(width, n_kernels, kernel_dim) / width**0.5)

    def forward(self, features: Tensor) -> Tensor:
        positions = features @ self.kernels.flatten(1)  # [n, n_kernels * kernel_dim]
        groups = in_packs(positions, self.group)
        groups = groups.reshape(-1, self.group, *self.kernels.shape[1:])  # [.., group, B, C]
        distances = (groups[:, :, None] - groups[:, None]).abs().sum(dim=-1)  # [.., i, j, B]
        closeness = (-distances).exp().sum(dim=2)
        return closeness.reshape(-1, self.n_kernels)[: len(features)]


class MinibatchCritic(nn.Module):
    """A critic whose last, linear layer sees [f(x), o(x)]: its features, and how close they are.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits, as many as its critic gives
    """

    def __init__(
        self,
        *,
        critic: Callable[..., Any],
        group: int,
        n_kernels: int,
        kernel_dim: int,
        **sizes: Any,
    ) -> None:
        super().__init__()
        self.critic: Any = critic(**sizes)
        width: int = self.critic.feature_width
        self.closeness = MinibatchDiscrimination(
            width, group=group, n_kernels=n_kernels, kernel_dim=kernel_dim
        )
        self.weights = nn.Linear(n_kernels, 1, bias=False)
        self.pack, self.group = self.critic.pack, group * self.critic.pack
        self.feature_width = width + n_kernels

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        return self.verdict(self.features(rows, condition))

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """[n_logits, feature_width]: the critic's, and how close they are to each other."""
        features = self.critic.features(rows, condition)
        return torch.cat([features, self.closeness(features)], dim=1)

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [n] of features [n, feature_width]."""
        own, closeness = features.split([self.critic.feature_width, self.closeness.n_kernels], 1)
        logits: Tensor = self.critic.verdict(own) + self.weights(closeness).squeeze(1)
        return logits

    def learn(self, rows: CodedRows) -> None:
        """Show the critic the training rows."""
        self.critic.learn(rows)
