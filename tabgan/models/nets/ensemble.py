"""Several critics that judge the same rows (Dropout-GAN, Mordido et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError


class Ensemble(nn.Module):
    """K critics of one make, each with its own weights.

    While it trains, each critic's logit stands for itself, so that a loss, a mean over logits, is
    the mean over critics; in eval mode a row's logit is the critics' mean.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [batch * n_critics] while training, those of one row side by side; else
            [batch]

    Raises:
        TabganError: when there is no critic.
    """

    def __init__(self, *, critic: Callable[..., Any], n_critics: int, **sizes: Any) -> None:
        super().__init__()
        if n_critics < 1:
            raise TabganError(f"tool.dropout_gan.critics={n_critics}: expected at least 1 critic")
        self.members = nn.ModuleList(critic(**sizes) for _ in range(n_critics))
        first = cast(Any, self.members[0])
        self.pack, self.group = first.pack, first.group

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        logits = torch.stack([member(rows, condition) for member in self.members], dim=1)
        return logits.flatten() if self.training else logits.mean(dim=1)

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The features of all critics side by side, [batch, n_critics * feature_width]."""
        each = [cast(Any, member).features(rows, condition) for member in self.members]
        return torch.cat(each, dim=1)

    def learn(self, rows: CodedRows) -> None:
        """Show every critic the training rows."""
        for member in self.members:
            cast(Any, member).learn(rows)
