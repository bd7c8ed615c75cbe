"""Rows side by side, so that a critic sees whether they vary (PacGAN, Lin et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import Block, RowLayout
from tabgan.errors import TabganError


class Packed(nn.Module):
    """A critic of rows as one of packs: D(x_1, ..., x_m), for ``pack`` rows m of one kind.

    Its critic is made for a row that is m rows wide, and judges that; conditions stand side by
    side too. An incomplete last pack is filled up with the first rows of the batch.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [ceil(batch / pack)]

    Raises:
        TabganError: when ``pack`` is below 1.
    """

    def __init__(
        self,
        *,
        critic: Callable[..., Any],
        layout: RowLayout,
        condition_width: int,
        pack: int,
        **sizes: Any,
    ) -> None:
        super().__init__()
        if pack < 1:
            raise TabganError(f"tool.pacgan.pack={pack}: expected at least 1 row a pack")
        self.size = pack
        self.critic: Any = critic(
            layout=repeated(layout, pack), condition_width=pack * condition_width, **sizes
        )
        self.pack, self.group = pack * self.critic.pack, pack * self.critic.group
        self.feature_width: int = self.critic.feature_width

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        return self.verdict(self.features(rows, condition))

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The critic's features of each pack, [n_packs, feature_width]."""
        features: Tensor = self.critic.features(*self._packed(rows, condition))
        return features

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [n_packs] of features [n_packs, feature_width]."""
        logits: Tensor = self.critic.verdict(features)
        return logits

    def learn(self, rows: CodedRows) -> None:
        """Show the critic the training rows, in packs."""
        self.critic.learn(
            replace(
                rows,
                layout=repeated(rows.layout, self.size),
                codes=in_packs(rows.codes, self.size),
                scalars=in_packs(rows.scalars, self.size),
            )
        )

    def _packed(self, rows: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return in_packs(rows, self.size), in_packs(condition, self.size)


def in_packs(rows: Tensor, pack: int) -> Tensor:
    """Rows [n, width] as packs [ceil(n / pack), pack * width], filled up with the first rows."""
    short = -len(rows) % pack
    if short:
        rows = torch.cat([rows, rows[torch.arange(short) % len(rows)]])
    return rows.reshape(len(rows) // pack, pack * rows.shape[1])


def repeated(layout: RowLayout, times: int) -> RowLayout:
    """The layout of so many rows side by side; each row's columns are other columns."""
    copies = [
        Block(**{**vars(block), "column": f"{block.column} {copy}", "start": start + block.start})
        for copy, start in enumerate(range(0, times * layout.width, layout.width))
        for block in layout.blocks
    ]
    return RowLayout(blocks=tuple(copies))
