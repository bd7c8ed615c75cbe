"""The conditional GAN: one generator, one critic, two optimizers."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.losses.adversarial import AdversarialLoss
from tabgan.models.losses.penalties import Penalty
from tabgan.models.nets.averaging import Average
from tabgan.models.protocol import Batch, Whole
from tabgan.models.steps import diverged, gradient_norm, total_steps
from tabgan.models.toolbox import Tool, Toolbox
from tabgan.seeding import generator_at

log = logging.getLogger(__name__)


class Drawing(Protocol):
    """A generator, as samples are drawn from it."""

    training: bool

    def train(self, mode: bool = True) -> Any: ...
    def eval(self) -> Any: ...
    def draw(
        self, noise: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> CodedRows:
        """Rows for noise [n, noise_dim] and conditions [n, condition_width]."""
        ...


class CGANModule(pl.LightningModule):
    """Conditional GAN (Mirza & Osindero 2014); with condition_width 0, a GAN.

    ``global_step`` counts generator steps alone. Rows are drawn from the generator's moving
    average where there is one, in eval mode.

    Attributes:
        learns_codes, learns_missing_cells, takes_condition: of a ``RowModel``.

    Args:
        layout: the map of a row.
        condition_width: classes of the condition; 0 for none.
        loss: the adversarial loss.
        penalty: on the critic's slopes; None for none.
        generator, critic: nets still without the sizes that follow from the table.
        generator_optimizer, critic_optimizer: optimizers still without parameters and rate.
        lr: the generator's learning rate.
        critic_lr: the critic's learning rate.
        noise_dim: width of the generator's noise.
        dropout: probability to drop a hidden position, in the nets that have dropout.
        average: the moving average's decay in [0, 1); None for no average.
        clip: the critic's weights are kept in [-clip, clip] after each of its steps, which keeps
            it Lipschitz (Arjovsky et al. 2017); None leaves them free.
        cosine: whether the learning rates fall to 0 along a cosine, or stay.
        tools: against collapse and instability (``models.toolbox``).

    Raises:
        TabganError: when ``clip`` is not above 0; when a tool has no meaning for the loss.
    """

    learns_codes, learns_missing_cells, takes_condition = False, True, True

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        loss: AdversarialLoss,
        penalty: Penalty | None,
        generator: Callable[..., nn.Module],
        critic: Callable[..., nn.Module],
        generator_optimizer: Callable[..., Optimizer],
        critic_optimizer: Callable[..., Optimizer],
        lr: float,
        critic_lr: float,
        noise_dim: int,
        dropout: float,
        average: float | None,
        clip: float | None,
        cosine: bool,
        tools: Sequence[Tool] = (),
    ) -> None:
        super().__init__()
        if clip is not None and clip <= 0:
            raise TabganError(f"model.clip={clip}: expected a bound above 0, or null for none")
        self.automatic_optimization = False
        self.layout, self.condition_width = layout, condition_width
        self.noise_dim, self.loss, self.penalty = noise_dim, loss, penalty
        self.toolbox = Toolbox(tools)
        self.training_loss = self.toolbox.loss(loss)
        self.lr, self.critic_lr = lr, self.toolbox.critic_rate(critic_lr)
        self.clip, self.cosine = clip, cosine
        self.masked = False  # whether training rows may have missing cells
        self.hidden: Tensor | None = None  # bool [batch, row_width], those of the step's rows
        self.make_optimizers = (critic_optimizer, generator_optimizer)
        sizes = {"layout": layout, "condition_width": condition_width, "dropout": dropout}
        self.generator = generator(noise_dim=noise_dim, **sizes)
        self.critic: Any = self.toolbox.critic(critic)(**sizes)
        self.pack = int(self.critic.pack)  # rows that one logit is about
        self.toolbox.initialise(self.generator, self.critic)
        self.histories = self.toolbox.histories(critic=self.critic, generator=self.generator)
        self.averaged = None if average is None else Average(self.generator, decay=average)

    @property
    def sampling_generator(self) -> nn.Module:
        """The net that samples are drawn from."""
        return self.generator if self.averaged is None else self.averaged.net

    @property
    def undecided(self) -> float | None:
        """The logit of rows as likely real as generated; None where logits have no zero."""
        return self.loss.undecided

    @torch.no_grad()
    def sample(self, condition: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Rows [n, row_width] for conditions [n, condition_width]; changes nothing."""
        return self.draw(condition, rng)[:]

    @torch.no_grad()
    def draw(self, condition: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """The rows of ``sample`` as codes, on the condition's device.

        Batch norm and dropout are in eval mode whatever mode the module is in.
        """
        net = cast(Drawing, self.sampling_generator)
        mode = net.training
        net.eval()
        rows = net.draw(self.draw_noise(condition, rng), condition, rng)
        net.train(mode)
        return rows

    @torch.no_grad()
    def judge(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The critic's logits [n], in eval mode; of packed rows, each has that of its pack.

        Shape:
            rows: [n, row_width], NaN in missing cells
            condition: [n, condition_width]
        """
        mode = self.critic.training
        self.critic.eval()
        logits: Tensor = self.critic(rows.nan_to_num(), condition)
        self.critic.train(mode)
        return logits.repeat_interleave(self.pack)[: len(rows)]

    def draw_noise(self, condition: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Standard normal noise [len(condition), noise_dim] on the condition's device."""
        shape = (len(condition), self.noise_dim)
        return torch.randn(shape, generator=rng, device=condition.device, dtype=condition.dtype)

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Learn from the whole table what one batch does not show.

        Args:
            train: all training rows and their conditions, dense or coded.
            validation: the same of the validation rows.
            seed: of what is drawn here.
        """
        rows = CodedRows.of(train[0], self.layout)
        self.masked = rows.masked
        self.critic.learn(rows)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        rows, condition = self._whole_packs(batch)
        self.hidden = rows.isnan() if self.masked else None
        rows = self._shown(rows)
        critic_optimizer, generator_optimizer = self._players()
        log_now = (self.global_step + 1) % self.log_every == 0  # when Lightning's loggers write
        self._set_rates()

        with self.toggled_optimizer(critic_optimizer):
            with torch.no_grad():
                fake = self._generate(condition)
            seen = self._blurred(rows), self._blurred(fake)
            critic_loss, real_logits, fake_logits = self._critic_loss(*seen, condition)
            critic_loss = critic_loss + self._history("critic")
            self._step(critic_optimizer, critic_loss)
            self._clip_critic()
        with self.toggled_optimizer(generator_optimizer):
            fake = self._generate(condition)  # anew: on one draw for both, CTGAN does not learn
            generator_loss = self._generator_loss(real_logits.detach(), fake, condition)
            term = self.toolbox.generator_term(self.critic, rows, self._shown(fake), condition)
            generator_loss = generator_loss + term + self._history("generator")
            self._step(generator_optimizer, generator_loss)
        if self.averaged is not None:
            self.averaged.follow(self.generator, self.global_step)
        self._losses = {"critic": critic_loss.detach(), "generator": generator_loss.detach()}
        if log_now:
            self._check_losses()
            self._report(real_logits, fake_logits)

    def on_train_epoch_end(self) -> None:
        self._check_losses()  # before callbacks keep the weights

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        rows, condition = batch
        rng = generator_at(0, "validation", batch_idx, device=self.device)  # the same noise always
        self.hidden = rows.isnan() if self.masked else None
        rows, fake = self._shown(rows), self._shown(self.sample(condition, rng))
        real_logits, fake_logits = self.critic(rows, condition), self.critic(fake, condition)
        losses = {
            "val/critic_loss": self.loss.critic(real_logits, fake_logits),
            "val/generator_loss": self.loss.generator(real_logits, fake_logits),
        }
        if self.loss.distance is not None:
            losses[f"val/{self.loss.distance_name}"] = self.loss.distance(real_logits, fake_logits)
        self.log_dict(losses, on_epoch=True, batch_size=len(rows))

    def configure_optimizers(self) -> list[Optimizer]:
        make_critic, make_generator = self.make_optimizers
        return [
            make_critic(self.critic.parameters(), lr=self.critic_lr),
            make_generator(self.generator.parameters(), lr=self.lr),
        ]

    def on_train_start(self) -> None:
        self.log_every = int(self.trainer.log_every_n_steps)  # type: ignore[attr-defined]

    def _players(self) -> tuple[Any, Any]:
        """Both optimizers; the critic's bare, so that global_step counts the generator's alone."""
        critic_optimizer, generator_optimizer = cast(list[Any], self.optimizers())
        return critic_optimizer.optimizer, generator_optimizer

    def _whole_packs(self, batch: Batch) -> Batch:
        """As many rows of the batch as fill whole groups of those that are judged together."""
        rows, condition = batch
        group = int(self.critic.group)
        whole = len(rows) // group * group
        if not whole:
            raise TabganError(
                f"the critic judges groups of {group} rows, a batch has {len(rows)}; choose "
                "a smaller model.critic.pack, tool.pacgan.pack or tool.minibatch.group, or a "
                "larger data.batch_size"
            )
        return rows[:whole], condition[:whole]

    def _generate(self, condition: Tensor) -> Tensor:
        """Rows to train with, [batch, row_width]."""
        rows: Tensor = self.generator(self.draw_noise(condition), condition)
        return rows

    def _critic_loss(
        self, rows: Tensor, fake: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The critic's loss, and its logits of real and fake rows."""
        if self.penalty is None or not self.penalty.due(self.global_step):
            real_logits, fake_logits = self._judge(rows, fake, condition)
            return self.training_loss.critic(real_logits, fake_logits), real_logits, fake_logits
        real_logits, fake_logits, price = self.penalty.judge(self.critic, rows, fake, condition)
        loss = self.training_loss.critic(real_logits, fake_logits) + price
        return loss, real_logits, fake_logits

    def _generator_loss(self, real_logits: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        """``real_logits`` are those of the critic's step: one step old, and for nothing."""
        fake_logits = self.critic(self._blurred(fake), condition)
        return self.training_loss.generator(real_logits, fake_logits)

    def _blurred(self, rows: Tensor) -> Tensor:
        """Rows as the critic sees them while it trains."""
        return self.toolbox.blurred(self._shown(rows), self._share())

    def _shown(self, rows: Tensor) -> Tensor:
        """Rows with 0 where the real rows of the step have missing cells, generated ones too.

        So the critic compares incomplete rows with incomplete rows, and the generator learns whole
        ones (MisGAN, Li et al. 2019): the missing cells of real rows are drawn from their
        distribution.
        """
        return rows if self.hidden is None else rows.masked_fill(self.hidden, 0.0)

    def _history(self, player: str) -> Tensor | float:
        """What ``player``, critic or generator, pays for leaving its past."""
        if not self.toolbox.history:
            return 0.0
        penalty: Tensor | float = self.toolbox.history * self.histories[player](
            getattr(self, player)
        )
        return penalty

    def _share(self) -> float:
        """How much of the training is done, in [0, 1]: a function of the step alone."""
        return min(self.global_step / total_steps(self.trainer), 1)

    def _set_rates(self) -> None:
        """The cosine."""
        if not self.cosine:
            return
        factor = (1 + math.cos(math.pi * self._share())) / 2
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

    @torch.no_grad()
    def _clip_critic(self) -> None:
        if self.clip is not None:
            for parameter in self.critic.parameters():
                parameter.clamp_(-self.clip, self.clip)

    def _check_losses(self) -> None:
        """Stop a run whose loss is no longer a number; looked at now and then, for it is a sync."""
        for name, loss in self._losses.items():
            if not loss.isfinite():
                raise self._diverged(f"{name} loss is {loss.item()}")

    def _diverged(self, what: str) -> FloatingPointError:
        return diverged(what, self.global_step, lr=self.lr, critic_lr=self.critic_lr)

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
        if self.loss.distance is not None:
            curves[f"train/{self.loss.distance_name}"] = self.loss.distance(
                real_logits, fake_logits
            )
        self.log_dict(curves)
