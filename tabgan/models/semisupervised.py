"""A classifier that learns from few labels and many rows, with a generator's help."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam, Optimizer

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.losses.semisupervised import moment_distance, real_or_fake_loss
from tabgan.models.nets.averaging import Average
from tabgan.models.nets.classifier import Classifier
from tabgan.seeding import generator_at

Step = tuple[Tensor, Tensor, Tensor]  # rows, labelled rows, their classes


class SemiSupervisedModule(pl.LightningModule):
    """The article's real and fake model: n classes plus fake (Salimans et al. 2016, section 5).

    The critic learns the classes of labelled rows, and of all rows that they are real and
    generated ones are not; the generator matches the mean of the critic's features. Predictions
    are those of the critic's moving average.

    Args:
        layout: the map of a row, the target not in it.
        n_classes: of the target.
        generator: the net, still without layout, condition, noise and dropout.
        hidden_dims: of the critic.
        noise_dim: of the generator.
        dropout: of the critic.
        input_noise: standard deviation of the noise on the critic's input.
        lr: of both players, Adam's.
        weight_decay: of the critic.
        average: decay of the critic's moving average.
        adversarial: weight of real against fake; 0 is the same net on the labels alone, and no
            generator is trained.
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        n_classes: int,
        generator: Callable[..., nn.Module],
        hidden_dims: Sequence[int],
        noise_dim: int,
        dropout: float,
        input_noise: float,
        lr: float,
        weight_decay: float,
        average: float,
        adversarial: float,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.noise_dim, self.lr, self.weight_decay = noise_dim, lr, weight_decay
        self.adversarial = adversarial
        sizes: dict[str, Any] = {"layout": layout, "condition_width": 0, "noise_dim": noise_dim}
        self.generator = generator(dropout=0.0, **sizes)
        self.critic = Classifier(
            row_width=layout.width,
            n_classes=n_classes,
            hidden_dims=hidden_dims,
            dropout=dropout,
            input_noise=input_noise,
        )
        self.averaged = Average(self.critic, decay=average)

    def generate(self, n: int) -> Tensor:
        """Rows to train with, [n, row_width]."""
        noise = torch.randn(n, self.noise_dim, device=self.device)
        rows: Tensor = self.generator(noise, noise.new_empty(n, 0))
        return rows

    @torch.no_grad()
    def predict(self, rows: Tensor) -> Tensor:
        """Class probabilities [n, n_classes] of rows [n, row_width]."""
        logits: Tensor = self.averaged.net(rows)
        return logits.softmax(dim=1)

    def training_step(self, batch: Step, batch_idx: int) -> None:
        rows, labelled, classes = batch
        critic_optimizer, generator_optimizer = cast(list[Any], self.optimizers())
        loss = cross_entropy(self.critic(labelled), classes)
        if self.adversarial:
            with torch.no_grad():
                fake = self.generate(len(rows))
            contest = real_or_fake_loss(self.critic(rows), self.critic(fake))
            loss = loss + self.adversarial * contest
        self._step(critic_optimizer.optimizer, loss)
        self.averaged.follow(self.critic, batch_idx + 1)
        if self.adversarial:
            with torch.no_grad():
                real = self.critic.features(rows)
            fake_features = self.critic.features(self.generate(len(rows)))
            self._step(generator_optimizer, moment_distance(real, fake_features))

    def configure_optimizers(self) -> list[Optimizer]:
        betas = (0.5, 0.999)
        critic, generator = self.critic.parameters(), self.generator.parameters()
        return [
            Adam(critic, lr=self.lr, betas=betas, weight_decay=self.weight_decay),
            Adam(generator, lr=self.lr, betas=betas),
        ]

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


class LabelledSteps:
    """So many training steps: a batch of all rows beside one of the labelled rows.

    Args:
        rows: of the whole table.
        labelled: int64, the positions of the rows whose class is known.
        classes: int64 [len(labelled)].
        batch_size: of both batches.
        n_steps: how many there are.
        seed: of the draws, with replacement.
    """

    def __init__(
        self,
        rows: CodedRows,
        labelled: Tensor,
        classes: Tensor,
        *,
        batch_size: int,
        n_steps: int,
        seed: int,
    ) -> None:
        self.rows, self.labelled, self.classes = rows, labelled, classes
        self.batch_size, self.n_steps, self.seed = batch_size, n_steps, seed

    def __len__(self) -> int:
        return self.n_steps

    def __iter__(self) -> Iterator[Step]:
        known = self.rows[self.labelled]
        rng = generator_at(self.seed, "labelled steps")
        size = (self.batch_size,)
        for _ in range(self.n_steps):
            positions = torch.randint(len(self.rows), size, generator=rng)
            mine = torch.randint(len(known), size, generator=rng)
            yield self.rows[positions], known[mine], self.classes[mine]
