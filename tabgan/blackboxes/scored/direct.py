"""The report's generator for scores: the mean absolute error of the black box, and nothing else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tabgan.blackboxes.scored.condition import grid_weights
from tabgan.blackboxes.scored.scorer import BlackBoxScorer
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.cgan import CGANModule
from tabgan.models.protocol import Batch

KNOTS = 2  # the score itself, and what is left to 1


class DirectModule(CGANModule):
    """Noise and the desired score in, the mean absolute error of the box's score for a loss.

    A black box has no gradient, so the loss is a number that moves no weight; the module shows
    just that. Its critic is never queried.

    Args:
        layout: the map of a row.
        condition_width: 0; the score is the condition.
        game: what ``CGANModule`` takes.
    """

    learns_missing_cells, takes_condition = False, False
    knows_scores = True

    def __init__(self, *, layout: RowLayout, condition_width: int, **game: Any) -> None:
        super().__init__(layout=layout, condition_width=KNOTS, **game)
        self.scorer: BlackBoxScorer | None = None

    @torch.no_grad()
    def draw(self, condition: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """Rows; a condition [n, 0] takes even scores."""
        if condition.shape[1] == 0:
            scores = torch.rand(len(condition), generator=rng, device=condition.device)
            condition = grid_weights(scores, KNOTS)
        return super().draw(condition, rng)

    @torch.no_grad()
    def sample_scored(self, scores: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """Rows for the scores [n] requested."""
        return self.draw(grid_weights(scores, KNOTS), rng)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """A step for scores drawn evenly."""
        if self.scorer is None:
            raise TabganError("a scored model is trained against a black box: give blackbox=<name>")
        scores = torch.rand(len(batch[0]), device=self.device)
        optimizer = self._players()[1]
        with self.toggled_optimizer(optimizer):
            fake = self._generate(grid_weights(scores, KNOTS))
            obtained = self.scorer(CodedRows.of(fake.detach(), self.layout))
            error = (obtained - scores).abs().mean()
            self._step(optimizer, error + 0.0 * fake.sum())  # zero times the rows makes it a loss
        self._losses = {"generator": error}
        self.log("train/score_mae", error)
        self.log("train/queries", float(self.scorer.box.queries))

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Nothing: the callbacks look at the scores."""
