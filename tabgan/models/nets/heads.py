"""The generator's last step: raw outputs become a row, block by block."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.gumbel import gumbel_like, inverse_cdf, soft_choice

LOG2_E = 1.4426950408889634
SAFE = 80.0  # logits within +-80 have exponentials that float32 holds, and their sums


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
        self.layout = layout
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

    @torch.no_grad()
    def draw(self, raw: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """Exact draws of the rows as codes, on the device of ``raw`` [batch, row_width].

        One uniform number per block instead of a Gumbel per position: the same distribution as that
        of ``forward`` in eval mode, other rows.
        """
        rows = CodedRows.empty(len(raw), self.layout, device=raw.device)
        blocks = [block for block in self.layout.blocks if block.kind == "discrete"]
        rows.scalars[:] = self.scalar(raw[:, rows.scalar_positions])
        weights = self._weights(raw)
        uniform = torch.rand(len(blocks), len(raw), generator=rng, device=raw.device)
        for position, block in enumerate(blocks):
            rows.codes[:, position] = inverse_cdf(weights[:, block.span], uniform[position])
        return rows

    def _weights(self, raw: Tensor) -> Tensor:
        """exp(raw) up to a factor per block and row; of scalars, anything."""
        low, high = torch.aminmax(raw)
        if high > SAFE or low < -SAFE:
            pieces = raw.split(self.widths, dim=1)
            raw = torch.cat([piece - piece.amax(dim=1, keepdim=True) for piece in pieces], dim=1)
        return torch.mul(raw, LOG2_E).exp2_()  # four times as fast as exp on a CPU

    def _choose(self, perturbed: Tensor) -> Tensor:
        return soft_choice(perturbed, self.temperature, hard=self.hard or not self.training)


class Headed(nn.Module):
    """A generator whose rows are what its ``heads`` make of its ``raw`` outputs.

    Shape:
        noise: [batch, noise_dim]
        condition: [batch, condition_width]
        returns: rows [batch, row_width]
    """

    heads: Heads

    def forward(
        self, noise: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        rows: Tensor = self.heads(self.raw(noise, condition), rng)
        return rows

    def draw(
        self, noise: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> CodedRows:
        """Rows as codes."""
        return self.heads.draw(self.raw(noise, condition), rng)

    def raw(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Scalars and logits [batch, row_width], before the heads."""
        raise NotImplementedError
