"""The generator's last step: raw outputs become a row, block by block."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from tabgan.encoding.layout import RowLayout
from tabgan.nets.gumbel import gumbel_like, soft_choice


class Heads(nn.Module):
    """Scalars through ``scalar``, one-hots through Gumbel-softmax.

    In training mode one-hots are soft (or straight-through with ``hard``); in eval mode they are
    exact draws: the argmax of logits plus Gumbel noise, which follows the softmax of the logits.

    Shape:
        raw: [batch, row_width]
        returns: [batch, row_width]
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        temperature: float,
        hard: bool = False,
        scalar: Literal["linear", "tanh"] = "linear",
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.hard = hard
        self.scalar = {"linear": nn.Identity(), "tanh": nn.Tanh()}[scalar]
        self.widths = [block.width for block in layout.blocks]
        self.discrete = [block.kind == "discrete" for block in layout.blocks]

    def forward(self, raw: Tensor, rng: torch.Generator | None = None) -> Tensor:
        # One draw for the whole row, scalars included: cheaper than one draw per block.
        perturbed = (raw + gumbel_like(raw, rng)).split(self.widths, dim=1)
        pieces = [
            self._choose(noisy) if discrete else self.scalar(plain)
            for plain, noisy, discrete in zip(
                raw.split(self.widths, dim=1), perturbed, self.discrete, strict=True
            )
        ]
        return torch.cat(pieces, dim=1)  # [batch, row_width]

    def _choose(self, perturbed: Tensor) -> Tensor:
        return soft_choice(perturbed, self.temperature, hard=self.hard or not self.training)
