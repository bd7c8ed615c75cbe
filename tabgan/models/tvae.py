"""TVAE (Xu et al. 2019, section 4.5): a variational autoencoder of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.heads import Heads
from tabgan.models.protocol import Batch, Whole
from tabgan.models.steps import diverged
from tabgan.seeding import generator_at

FIRST_DEVIATION = 0.25  # of a scalar around its mean: a mode's own (encoding.mode_specific)
LEAST_DEVIATION = 0.01  # a value that repeats itself would else have an unbounded density


class Encoder(nn.Module):
    """q(z | row): hidden layers, then the mean and the logarithm of the deviation of a normal z.

    Shape:
        rows: [batch, row_width]
        returns: mean and log deviation, both [batch, noise_dim]
    """

    def __init__(
        self, *, layout: RowLayout, noise_dim: int, hidden_dims: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        self.hidden = hidden_layers(layout.width, hidden_dims, dropout)
        self.readout = nn.Linear([layout.width, *hidden_dims][-1], 2 * noise_dim)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_deviation = self.readout(self.hidden(rows)).chunk(2, dim=1)
        return mean, log_deviation


class Decoder(nn.Module):
    """p(row | z): scalars are normal around means of z, one-hots follow the softmax of its logits.

    The deviation of each scalar is a weight, the same for all z, and at least .01.

    Shape:
        z: [batch, noise_dim]
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        noise_dim: int,
        hidden_dims: Sequence[int],
        dropout: float,
        scalar: Literal["linear", "tanh"],
    ) -> None:
        super().__init__()
        self.layout = layout
        self.hidden = hidden_layers(noise_dim, hidden_dims, dropout)
        self.readout = nn.Linear([noise_dim, *hidden_dims][-1], layout.width)
        self.heads = Heads(layout=layout, temperature=1.0, scalar=scalar)
        first = torch.full((len(layout.positions("continuous")),), math.log(FIRST_DEVIATION))
        self.log_deviation = nn.Parameter(first)

    def raw(self, z: Tensor) -> Tensor:
        """Logits, and scalars before their ``scalar``: [batch, row_width]."""
        raw: Tensor = self.readout(self.hidden(z))
        return raw

    @property
    def deviation(self) -> Tensor:
        """Of each scalar around its mean, [scalars]."""
        return self.log_deviation.exp().clamp(min=LEAST_DEVIATION)

    def log_likelihood(self, raw: Tensor, rows: Tensor) -> Tensor:
        """The logarithm of p(row | z) [batch], of rows [batch, row_width] with hard one-hots."""
        total = raw.new_zeros(len(raw))
        for block in self.layout.blocks:
            if block.kind == "discrete":
                shares = raw[:, block.span].log_softmax(dim=1)
                total = total + (rows[:, block.span] * shares).sum(dim=1)
        positions = self.layout.positions("continuous")
        distance = (rows[:, positions] - self.heads.scalar(raw[:, positions])) / self.deviation
        densities = distance.square() / 2 + self.deviation.log() + math.log(2 * math.pi) / 2
        losses: Tensor = total - densities.sum(dim=1)
        return losses

    @torch.no_grad()
    def draw(self, z: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """A row for each z, on its device."""
        rows = self.heads.draw(self.raw(z), rng)
        noise = torch.randn(rows.scalars.shape, generator=rng, device=z.device)
        rows.scalars.add_(noise * self.deviation)
        return rows


class TVAEModule(pl.LightningModule):
    """Two nets, q(z | row) and p(row | z), trained on the evidence lower bound (ELBO).

    -ELBO = E[-log p(row | z)] + KL(q(z | row) || N(0, I)), with one z a row: the first is
    ``reconstruction_loss``, the second ``kl``, both in nats a row. Rows are drawn with z ~ N(0, I).

    The target is a column of the row. Rows under conditions are drawn until they satisfy them.

    Args:
        layout: the map of a row.
        condition_width: 0; the table's class is a column of the row.
        optimizer: still without parameters and rate.
        lr: the learning rate.
        noise_dim: width of z.
        dropout: probability to drop a hidden unit of either net.
        hidden_dims: of the encoder; the generator has them in reverse.
        scalar: what a scalar's mean goes through: "tanh" for those in [-1, 1], or "linear".
    """

    learns_codes, learns_missing_cells, takes_condition = False, False, False

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        optimizer: Callable[..., Optimizer],
        lr: float,
        noise_dim: int,
        dropout: float,
        hidden_dims: Sequence[int],
        scalar: Literal["linear", "tanh"],
    ) -> None:
        super().__init__()
        self.layout, self.noise_dim = layout, noise_dim
        self.make_optimizer, self.lr = optimizer, lr
        sizes: dict[str, Any] = {"layout": layout, "noise_dim": noise_dim, "dropout": dropout}
        self.generator = Decoder(hidden_dims=hidden_dims[::-1], scalar=scalar, **sizes)
        self.encoder = Encoder(hidden_dims=hidden_dims, **sizes)

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Nothing: batches say all that is learned."""

    def draw(self, condition: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """As many rows as ``condition`` has, without dropout."""
        mode = self.generator.training
        self.generator.eval()
        z = torch.randn(len(condition), self.noise_dim, generator=rng, device=condition.device)
        rows = self.generator.draw(z, rng)
        self.generator.train(mode)
        return rows

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        reconstruction, kl = self._losses(batch[0])
        self._loss = (reconstruction + kl).detach()
        self.log_dict({"train/reconstruction_loss": reconstruction, "train/kl": kl})
        return reconstruction + kl

    def on_train_epoch_end(self) -> None:
        """Stop where the loss is no longer a number, before callbacks keep the weights."""
        if not self._loss.isfinite():
            raise diverged(f"the loss is {self._loss.item()}", self.global_step, lr=self.lr)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        rows = batch[0]
        rng = generator_at(0, "validation", batch_idx, device=self.device)  # the same z always
        reconstruction, kl = self._losses(rows, rng)
        parts = {"val/reconstruction_loss": reconstruction, "val/kl": kl}
        parts["val/generator_loss"] = reconstruction + kl
        self.log_dict(parts, on_epoch=True, batch_size=len(rows))

    def configure_optimizers(self) -> Optimizer:
        return self.make_optimizer(self.parameters(), lr=self.lr)

    def _losses(self, rows: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The two terms of -ELBO, means over rows [batch, row_width]."""
        mean, log_deviation = self.encoder(rows)
        noise = torch.randn(mean.shape, generator=rng, device=mean.device)
        raw = self.generator.raw(mean + log_deviation.exp() * noise)
        likelihood = self.generator.log_likelihood(raw, rows)
        return -likelihood.mean(), kl_from_standard(mean, log_deviation).mean()


def kl_from_standard(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """KL(N(mean, deviation^2) || N(0, I)), [batch], at least 0; both [batch, noise_dim]."""
    variance = (2 * log_deviation).exp()
    return (mean.square() + variance - 1 - 2 * log_deviation).sum(dim=1) / 2


def hidden_layers(width: int, hidden_dims: Sequence[int], dropout: float) -> nn.Sequential:
    """Linear and ReLU, layer by layer, with dropout where it is above 0."""
    layers: list[nn.Module] = []
    for hidden in hidden_dims:
        layers += [nn.Linear(width, hidden), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        width = hidden
    return nn.Sequential(*layers)
