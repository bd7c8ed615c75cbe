"""From rows and condition to one logit per row.

Nets that stand around a critic (packing, minibatch discrimination, ...) know it by ``features``
and ``verdict``, which follow each other in ``forward``, by ``pack``, the rows that one logit is
about, and ``group``, the rows that have to come together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from tabgan.encoding.layout import RowLayout
from tabgan.nets.lens import ScalarLens
from tabgan.nets.packing import in_packs


class ResidualCritic(nn.Module):
    """Linear, residual blocks of two leaky-ReLU layers, linear; no normalisation.

    Scalars are seen through a lens too (``nets.lens``); ``octaves`` None is none.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [batch]
    """

    one_hots: Tensor
    pack = group = 1

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        dropout: float,
        hidden_dim: int,
        n_blocks: int,
        slope: float,
        octaves: int | None,
    ) -> None:
        super().__init__()
        self.row_width, self.slope = layout.width, slope
        has_lens = octaves is not None and bool(layout.places("continuous"))
        self.lens = ScalarLens(layout=layout, octaves=octaves or 0) if has_lens else None
        seen = layout.width + (self.lens.width if self.lens else 0)
        self.entrance = nn.Linear(seen + condition_width, hidden_dim)
        one_hots = torch.tensor(layout.places("discrete"), dtype=torch.long)
        self.register_buffer("one_hots", one_hots, persistent=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LeakyReLU(slope),
                nn.Linear(hidden_dim, hidden_dim),
                nn.LeakyReLU(slope),
                nn.Dropout(dropout),
                nn.Linear(hidden_dim, hidden_dim),
            )
            for _ in range(n_blocks)
        )
        self.readout = nn.Sequential(nn.LeakyReLU(slope), nn.Linear(hidden_dim, 1))
        self.feature_width = hidden_dim

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        return self.verdict(self.features(rows, condition))

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """What the logit is a linear function of, [batch, hidden_dim]."""
        hidden = self._enter(rows, condition)  # [batch, hidden_dim]
        for block in self.blocks:
            hidden = hidden + block(hidden)
        features: Tensor = self.readout[0](hidden)
        return features

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [batch] of features [batch, hidden_dim]."""
        logits: Tensor = self.readout[1](features).squeeze(1)
        return logits

    def logits_and_slopes(self, rows: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [batch] and |d logit / d row|^2 [batch], both with a graph to the weights.

        Leaky ReLU multiplies by a factor that is constant almost everywhere, so the slope is a
        product of weights and factors. Differentiating that product is exact and needs no second
        backward pass; for the norm, the entrance's Gram matrix is enough.
        """
        hidden = self._enter(rows, condition)  # [batch, hidden_dim]
        path = []  # of each block: its factors and its weights
        for block in self.blocks:
            _, widen, _, drop, narrow = cast(Any, block)
            outer = self._factor(hidden)
            inside = widen(hidden * outer)
            inner = drop(self._factor(inside))
            hidden = hidden + narrow(inside * inner)
            path.append((outer, widen.weight, inner, narrow.weight))
        last = self._factor(hidden)
        readout = cast(nn.Linear, self.readout[1])
        logits = readout(hidden * last).squeeze(1)  # [batch]

        slope = readout.weight * last  # [batch, hidden_dim]: of the logit by the hidden places
        for outer, widening, inner, narrowing in reversed(path):
            slope = slope + ((slope @ narrowing) * inner @ widening) * outer
        by_rows = self.entrance.weight[:, : self.row_width]  # [hidden_dim, row_width]
        if self.lens is None:
            return logits, squared_norm(slope, by_rows)
        by_lens = self.entrance.weight[:, self.row_width : self.row_width + self.lens.width]
        by_scalars = slope @ by_rows[:, self.lens.places]
        by_scalars = by_scalars + self.lens.pulled_back(rows, slope @ by_lens)
        by_one_hots = by_rows[:, self.one_hots]
        return logits, squared_norm(slope, by_one_hots) + by_scalars.square().sum(dim=1)

    def learn(self, scalars: Tensor) -> None:
        """Fit the lens to the training table's scalars, [n_rows, n_scalars]."""
        if self.lens is not None:
            self.lens.learn(scalars)

    def _enter(self, rows: Tensor, condition: Tensor) -> Tensor:
        seen = [rows, condition] if self.lens is None else [rows, self.lens(rows), condition]
        hidden: Tensor = self.entrance(torch.cat(seen, dim=1))
        return hidden

    def _factor(self, inputs: Tensor) -> Tensor:
        """What leaky ReLU multiplies ``inputs`` by."""
        return inputs.detach().sign().clamp(min=self.slope)


def squared_norm(slope: Tensor, weights: Tensor) -> Tensor:
    """|slope @ weights|^2 [batch], of slopes [batch, hidden_dim] and weights [hidden_dim, width].

    Of wide rows by the weights' Gram matrix, without a product as wide as they are.
    """
    if weights.shape[1] <= len(weights):
        return (slope @ weights).square().sum(dim=1)
    gram = counting_twice(weights) @ weights.detach().T  # [hidden_dim, hidden_dim]
    return (counting_twice(slope) * (slope.detach() @ gram)).sum(dim=1)


def counting_twice(factor: Tensor) -> Tensor:
    """``factor`` with twice its gradient: one of two equal factors, the other one being detached.

    A symmetric product's two factors have equal gradients; this spares the second's.
    """
    return 2 * factor - factor.detach()


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
        """What the logit is a linear function of, [n_packs, feature_width]."""
        joined = torch.cat([rows, condition], dim=1)  # [batch, row_width + condition_width]
        features: Tensor = self.trunk[:-1](in_packs(joined, self.pack))
        return features

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [n_packs] of features [n_packs, feature_width]."""
        logits: Tensor = self.trunk[-1](features).squeeze(1)
        return logits

    def learn(self, scalars: Tensor) -> None:
        """Nothing: all it knows of the table, it learns by judging."""
