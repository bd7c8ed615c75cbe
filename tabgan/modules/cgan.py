"""The conditional GAN: one generator, one critic, two optimizers."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.losses.adversarial import AdversarialLoss
from tabgan.losses.moments import Moments, moment_distance, table_moments
from tabgan.losses.penalties import zero_centred
from tabgan.nets.averaging import Average
from tabgan.nets.mixture_generator import MixtureGenerator
from tabgan.seeding import generator_at

log = logging.getLogger(__name__)

Batch = tuple[Tensor, Tensor]  # rows [n, row_width], condition [n, condition_width]


class CGANModule(pl.LightningModule):
    """Conditional GAN (Mirza & Osindero 2014); with condition_width 0, a GAN.

    ``global_step`` counts generator steps alone. Rows are drawn from the generator's moving
    average where there is one, in eval mode.

    Args:
        layout: the map of a row.
        condition_width: classes of the condition; 0 for none.
        loss: the adversarial loss.
        generator, critic: nets still without the sizes that follow from the table.
        generator_optimizer, critic_optimizer: optimizers still without parameters and rate.
        lr: the generator's learning rate.
        critic_lr: the critic's learning rate.
        noise_dim: width of the generator's noise.
        dropout: probability to drop a hidden place, in the nets that have dropout.
        average: the moving average's decay in [0, 1); None for no average.
        penalty: gamma of the zero-centred gradient penalties on real and on fake rows (R1 + R2);
            0 for none.
        penalty_every: critic steps between two penalties, each weighing as much as it skipped.
        moments: weight of the pairwise moments in the generator's loss; 0 for none.
        cosine: whether the learning rates fall to 0 along a cosine, or stay.
    """

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        loss: AdversarialLoss,
        generator: Callable[..., nn.Module],
        critic: Callable[..., nn.Module],
        generator_optimizer: Callable[..., Optimizer],
        critic_optimizer: Callable[..., Optimizer],
        lr: float,
        critic_lr: float,
        noise_dim: int,
        dropout: float,
        average: float | None,
        penalty: float,
        penalty_every: int,
        moments: float,
        cosine: bool,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.layout, self.condition_width = layout, condition_width
        self.noise_dim, self.loss = noise_dim, loss
        self.lr, self.critic_lr = lr, critic_lr
        self.penalty, self.penalty_every = penalty, penalty_every
        self.moments, self.cosine = moments, cosine
        self.table_moments: Moments | None = None
        self.make_optimizers = (critic_optimizer, generator_optimizer)
        sizes = {"layout": layout, "condition_width": condition_width, "dropout": dropout}
        self.generator = generator(noise_dim=noise_dim, **sizes)
        self.critic = critic(**sizes)
        self.averaged = None if average is None else Average(self.generator, decay=average)

    @property
    def sampling_generator(self) -> nn.Module:
        """The net that samples are drawn from."""
        return self.generator if self.averaged is None else self.averaged.net

    @torch.no_grad()
    def sample(self, condition: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Rows [n, row_width] for conditions [n, condition_width]; changes nothing.

        Batch norm and dropout are in eval mode whatever mode the module is in.
        """
        net = self.sampling_generator
        mode = net.training
        net.eval()
        rows = net(self.draw_noise(condition, rng), condition, rng)
        net.train(mode)
        return rows

    def draw_noise(self, condition: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Standard normal noise [len(condition), noise_dim] on the condition's device."""
        shape = (len(condition), self.noise_dim)
        return torch.randn(shape, generator=rng, device=condition.device, dtype=condition.dtype)

    def prepare(self, train: Batch, validation: Batch, *, seed: int) -> None:
        """Learn from the whole table what one batch cannot tell: warm start and moments.

        Args:
            train: all training rows and their conditions, encoded.
            validation: the same of the validation rows.
            seed: of the warm start.
        """
        if self.moments:
            spans = [block.span for block in self.layout.blocks]
            self.table_moments = table_moments(train[0], spans)
        if isinstance(self.generator, MixtureGenerator):
            log.info("warm start: a mixture of products, by EM")
            self.generator.warm_start(*train, validation, generator_at(seed, "warm start"))
            if self.averaged is not None:
                self.averaged.net.load_state_dict(self.generator.state_dict())

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        rows, condition = batch
        critic_optimizer, generator_optimizer = self._players()
        speak = (self.global_step + 1) % self.log_every == 0  # when Lightning's loggers write
        self._set_rates()

        with self.toggled_optimizer(critic_optimizer):
            with torch.no_grad():
                fake = self.generator(self.draw_noise(condition), condition)
            critic_loss, real_logits, fake_logits = self._critic_loss(rows, fake, condition)
            self._step(critic_optimizer, critic_loss)
        with self.toggled_optimizer(generator_optimizer):
            fake = self.generator(self.draw_noise(condition), condition)
            generator_loss = self._generator_loss(rows, fake, condition)
            self._step(generator_optimizer, generator_loss)
        if self.averaged is not None:
            self.averaged.follow(self.generator, self.global_step)
        self._losses = {"critic": critic_loss.detach(), "generator": generator_loss.detach()}
        if speak:
            self._check_losses()
            self._report(real_logits, fake_logits)

    def on_train_epoch_end(self) -> None:
        self._check_losses()  # before callbacks keep the weights

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        rows, condition = batch
        rng = generator_at(0, "validation", batch_idx, device=self.device)  # the same noise always
        fake = self.sample(condition, rng)
        real_logits, fake_logits = self._judge(rows, fake, condition)
        losses = {
            "val/critic_loss": self.loss.critic(real_logits, fake_logits),
            "val/generator_loss": self.loss.generator(real_logits, fake_logits),
        }
        self.log_dict(losses, on_epoch=True, batch_size=len(rows))

    def configure_optimizers(self) -> list[Optimizer]:
        make_critic, make_generator = self.make_optimizers
        return [
            make_critic(self.critic.parameters(), lr=self.critic_lr),
            make_generator(self.generator.parameters(), lr=self.lr),
        ]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["layout"] = self.layout.to_plain()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if checkpoint.get("layout") != self.layout.to_plain():
            raise TabganError("the checkpoint belongs to a table of another schema")

    def on_train_start(self) -> None:
        self.log_every = int(self.trainer.log_every_n_steps)  # type: ignore[attr-defined]

    def _players(self) -> tuple[Any, Any]:
        """Both optimizers; the critic's bare, so that global_step counts the generator's alone."""
        critic_optimizer, generator_optimizer = cast(list[Any], self.optimizers())
        return critic_optimizer.optimizer, generator_optimizer

    def _critic_loss(
        self, rows: Tensor, fake: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The critic's loss, and its logits of real and fake rows."""
        if not self.penalty or self.global_step % self.penalty_every:
            real_logits, fake_logits = self._judge(rows, fake, condition)
            return self.loss.critic(real_logits, fake_logits), real_logits, fake_logits
        rows, fake = rows.detach().requires_grad_(), fake.requires_grad_()
        real_logits, fake_logits = self._judge(rows, fake, condition)
        slopes = zero_centred(real_logits, rows) + zero_centred(fake_logits, fake)
        loss = self.loss.critic(real_logits, fake_logits)
        return loss + self.penalty_every * self.penalty / 2 * slopes, real_logits, fake_logits

    def _generator_loss(self, rows: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        fake_logits = self.critic(fake, condition)
        real_logits = fake_logits
        if self.loss.paired:
            with torch.no_grad():
                real_logits = self.critic(rows, condition)
        loss = self.loss.generator(real_logits, fake_logits)
        if self.table_moments is not None:
            loss = loss + self.moments * moment_distance(fake, self.table_moments)
        return loss

    def _set_rates(self) -> None:
        """The cosine, a function of the step alone."""
        if not self.cosine:
            return
        total = self.trainer.num_training_batches * (self.trainer.max_epochs or 1)
        factor = (1 + math.cos(math.pi * min(self.global_step / total, 1))) / 2
        for optimizer, rate in zip(self._players(), (self.critic_lr, self.lr), strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor

    def _judge(self, rows: Tensor, fake: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The critic's logits of real and fake rows, in one pass."""
        both = torch.cat([rows, fake]), torch.cat([condition, condition])
        real_logits, fake_logits = self.critic(*both).chunk(2)
        return real_logits, fake_logits

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def _check_losses(self) -> None:
        """Stop a run whose loss is no longer a number; looked at now and then, for it is a sync."""
        for name, loss in self._losses.items():
            if not loss.isfinite():
                raise FloatingPointError(f"{name} loss is {loss.item()} at step {self.global_step}")

    def _report(self, real_logits: Tensor, fake_logits: Tensor) -> None:
        curves = {
            "train/critic_loss": self._losses["critic"],
            "train/generator_loss": self._losses["generator"],
            "train/critic_real": real_logits.mean(),
            "train/critic_fake": fake_logits.mean(),
            "train/critic_grad_norm": gradient_norm(self.critic.parameters()),
            "train/generator_grad_norm": gradient_norm(self.generator.parameters()),
            "train/critic_lr": self._players()[0].param_groups[0]["lr"],
            "train/generator_lr": self._players()[1].param_groups[0]["lr"],
        }
        self.log_dict(curves)


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients together."""
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
