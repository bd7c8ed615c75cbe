"""GAN-SMOTE (Scott and Plested 2019): a GAN for each class, to make rows of the rare ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.cgan import CGANModule
from tabgan.models.nets.per_class import PerClassCritic, PerClassGenerator
from tabgan.models.protocol import Batch, Whole


class GanSmoteModule(CGANModule):
    """One GAN for each class, trained on the rows of that class alone, all of them side by side.

    Three means keep few rows from being learned by heart, or one of them from being made again
    and again: each critic sees how far a row is from the others of its batch
    (``models.nets.per_class.batch_distance``); it sees one-hots with bits that are flipped at
    random, fewer and fewer; and the learning rates fall along a cosine and start again
    (Loshchilov and Hutter 2017, SGDR).

    A batch's rows are not the loader's but as many of every class, drawn from the class's rows.
    The paper was not at hand: how the distance enters the critic, and all sizes, are ours.

    Args:
        layout: the map of a row.
        condition_width: the classes, at least one.
        generator, critic: of one class, still without the sizes that follow from the table.
        neighbours: rows of a batch that a row is compared with, itself included, at least 2.
        flips: the probability that a bit is flipped at first, in [0, 1]; it falls linearly to 0.
        restarts: how often the learning rates fall, at least 1.
        game: what else ``CGANModule`` takes.

    Raises:
        TabganError: for a table without classes, a number outside its range, a penalty, or a tool
            that stands around a critic.
    """

    bits: Tensor

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        generator: Callable[..., Any],
        critic: Callable[..., Any],
        neighbours: int,
        flips: float,
        restarts: int,
        **game: Any,
    ) -> None:
        if not condition_width:
            raise TabganError(
                "model=gan_smote trains a GAN for each class: expected a nominal target as the "
                "condition; give data.target=<column> and an encoder that is conditional"
            )
        if neighbours < 2 or not 0 <= flips <= 1 or restarts < 1:
            raise TabganError(
                f"model: neighbours={neighbours}, flips={flips}, restarts={restarts}: expected at "
                "least 2 neighbours, a probability, and at least 1 restart"
            )
        if game.get("penalty") is not None:
            raise TabganError(
                "model=gan_smote takes penalty=none: its critics see real and generated rows in "
                "passes of their own"
            )
        if any(tool.around is not None for tool in game.get("tools", ())):
            raise TabganError(
                "model=gan_smote: its critics see whole batches already; tools that stand around "
                "a critic (minibatch, pacgan, virtual_batch_norm, dropout_gan) have no place"
            )
        super().__init__(
            layout=layout,
            condition_width=condition_width,
            generator=partial(PerClassGenerator, generator=generator),
            critic=partial(PerClassCritic, critic=critic, neighbours=neighbours),
            cosine=False,
            **game,
        )
        self.flips, self.restarts = flips, restarts
        bits = torch.zeros(layout.width, dtype=torch.bool)
        bits[layout.positions("discrete")] = True
        self.register_buffer("bits", bits, persistent=False)

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Learn which training rows each class has; one without rows is not trained."""
        self.rows, condition = train
        self.members = {
            label: rows.nonzero().squeeze(1)
            for label, rows in enumerate(condition.T.bool())
            if rows.any()
        }
        super().prepare(train, validation, seed=seed)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """A step of every class's game, on rows drawn from torch's own random state."""
        each = max(-(-len(batch[0]) // len(self.members)), 2)  # batch norm wants two
        chosen = [of[torch.randint(len(of), (each,))] for of in self.members.values()]
        rows = self.rows[torch.cat(chosen)].to(self.device)
        labels = torch.tensor([*self.members], device=self.device)
        condition = torch.eye(self.condition_width, device=self.device)[labels]
        super().training_step((rows, condition.repeat_interleave(each, dim=0)), batch_idx)

    def _judge(self, rows: Tensor, fake: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The critics' logits, of real and of fake rows in passes of their own."""
        return self.critic(rows, condition), self.critic(fake, condition)

    def _blurred(self, rows: Tensor) -> Tensor:
        """Rows with flipped bits, as the critics see them while they train."""
        rows = super()._blurred(rows)
        flipped = torch.rand_like(rows) < self.flips * (1 - self._share())
        return torch.where(flipped & self.bits, 1 - rows, rows)

    def _set_rates(self) -> None:
        """The cosine with restarts."""
        cycle = (self._share() * self.restarts) % 1
        factor = (1 + math.cos(math.pi * cycle)) / 2
        for optimizer, rate in zip(self._players(), (self.critic_lr, self.lr), strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
