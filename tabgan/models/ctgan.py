"""CTGAN (Xu et al. 2019): a GAN that is conditioned on one value of one discrete column a row."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.cgan import CGANModule
from tabgan.models.nets.conditional_vector import ConditionalVector
from tabgan.models.nets.generator import ConcatenatingGenerator
from tabgan.models.protocol import Batch, Whole


class CTGANModule(CGANModule):
    """The conditional GAN whose condition is a conditional vector, and behind it the class, if any.

    Training by sampling: a batch's rows are not the loader's but those that match vectors drawn by
    log-frequency, and the generator pays the cross-entropy of the value it was requested. Rows are
    sampled with vectors drawn by true frequency, among the rows of the class requested.

    The generator's step asks for the vectors of the critic's step before it, with new noise.

    Args:
        layout: the map of a row.
        condition_width: classes of the table's own condition; 0 for none, as in the paper.
        game: what ``CGANModule`` takes.
    """

    learns_missing_cells = False

    def __init__(self, *, layout: RowLayout, condition_width: int, **game: Any) -> None:
        vector = ConditionalVector(layout=layout, condition_width=condition_width)
        super().__init__(layout=layout, condition_width=vector.width + condition_width, **game)
        self.vector = vector

    @property
    def conditional_vector(self) -> ConditionalVector:
        """The values that can be requested."""
        return self.vector

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Learn which training rows have which values."""
        self.vector.learn(*train)
        super().prepare(train, validation, seed=seed)

    def take_up(self, train: Whole) -> None:
        """Learn anew which training rows have which values."""
        self.vector.learn(*train)

    @torch.no_grad()
    def draw(self, condition: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """Rows for classes [n, classes], or for vectors and classes side by side."""
        if condition.shape[1] < self.condition_width:
            condition = torch.cat([self.vector.draw(condition, rng), condition], dim=1)
        return super().draw(condition, rng)

    @torch.no_grad()
    def judge(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The critic's logits [n] of rows and their classes [n, classes]."""
        return super().judge(rows, self._completed(rows, condition))

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """A step of the game on rows that vectors were drawn for."""
        rows, condition = self.vector.training_batch(len(batch[0]))
        super().training_step((rows.to(self.device), condition.to(self.device)), batch_idx)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        rows, condition = batch
        super().validation_step((rows, self._completed(rows, condition)), batch_idx)

    def _completed(self, rows: Tensor, condition: Tensor) -> Tensor:
        """Vectors that the rows satisfy before their classes, as the critic knows them."""
        return torch.cat([self.vector.of_rows(rows), condition], dim=1)

    def _generate(self, condition: Tensor) -> Tensor:
        generator = cast(ConcatenatingGenerator, self.generator)
        self._raw = generator.raw(self.draw_noise(condition), condition)
        rows: Tensor = generator.heads(self._raw)
        return rows

    def _generator_loss(self, real_logits: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        loss = super()._generator_loss(real_logits, fake, condition)
        return loss + self.vector.cross_entropy(self._raw, condition[:, : self.vector.width])
