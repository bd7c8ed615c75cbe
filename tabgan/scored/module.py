"""A generator of rows that a black box gives the score one asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.modules.cgan import Whole
from tabgan.modules.chain import JUDGED_ROWS, Batch, ChainModule
from tabgan.modules.planning import plan_scored
from tabgan.scored.asking import Asker
from tabgan.scored.condition import even_shares, knot_weights
from tabgan.scored.labelling import (
    LABELS_PER_ROW,
    ScoredRows,
    estimates,
    fit_surrogate,
    guessed_scores,
    joined,
    labelled_rows,
)
from tabgan.scored.surrogate import Surrogate
from tabgan.seeding import generator_at

log = logging.getLogger(__name__)

UNSCORED = 1 / 3  # share of a batch's rows that no score is shown of
CHOSEN_AT_ONCE = 2_000  # scores whose candidates are held at once


class ScoredModule(ChainModule):
    """The chain with a score for its condition: p(row | score).

    1. **Likelihood** of the real rows, as the chain's first phase.
    2. The chain draws ``labels`` rows and the black box scores them; a surrogate learns median and
       scale of the score from these. Real rows get scores drawn from what the surrogate says: a
       box may have memorised them, and its scores of its own training rows mislead (measured: MAE
       .26 instead of .19).
    3. **Likelihood with the score shown**, of generated rows with the box's score and of real ones
       with the surrogate's, drawn so that all scores come as often; a third of each batch are
       real rows without a score. The weights kept are those with the lowest likelihood of
       validation rows, given the scores that the box gives them.
    4. Of ``candidates`` rows for a score the one is given that the surrogate takes to be nearest.

    Args:
        layout: of codes.
        condition_width: 0; the score is the condition.
        surrogate: the net, still without its layout.
        surrogate_lr: its learning rate.
        knots: places on [0, 1] that a score is interpolated between, as a condition.
        scored_steps: of the likelihood with scores, at most.
        labels: generated rows that the black box scores.
        label_epochs: passes of the surrogate over them.
        candidates: rows generated for one that is given.
        caution: how much of the surrogate's own error counts in that choice. More of it hits the
            score better, and leaves out rows that the box is unsure of: less like the table.
        chain: what ``ChainModule`` takes.

    Raises:
        TabganError: for a number outside its range.
    """

    plan = staticmethod(plan_scored)

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,  # noqa: ARG002
        surrogate: Callable[..., Surrogate],
        surrogate_lr: float,
        knots: int,
        scored_steps: int,
        labels: int,
        label_epochs: int,
        candidates: int,
        caution: float,
        **chain: Any,
    ) -> None:
        super().__init__(layout=layout, condition_width=knots, **chain)
        if knots < 2 or scored_steps < 1 or labels < 1 or label_epochs < 0 or candidates < 1:
            raise TabganError(
                f"model: knots={knots}, scored_steps={scored_steps}, labels={labels}, "
                f"label_epochs={label_epochs}, candidates={candidates}: expected at least 2 knots, "
                "1 step, 1 label and 1 candidate, and no negative number"
            )
        self.surrogate = surrogate(layout=layout)
        self.surrogate_lr, self.knots, self.scored_steps = surrogate_lr, knots, scored_steps
        self.labels, self.label_epochs = labels, label_epochs
        self.candidates, self.caution = candidates, caution
        self.asker: Asker | None = None
        self.labelled: tuple[CodedRows, Tensor] | None = None  # generated rows, the box's scores
        self.scored_since: int | None = None  # the step from which scores are shown

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Start from the marginals of the training rows; have the box score the validation rows."""
        super().prepare(train, validation, seed=seed)
        self.surrogate.learn(self.rows)
        self.held_scores = self._asked(self.held)

    def condition_of(self, scores: Tensor) -> Tensor:
        """Scores [n] as the chain's condition [n, knots]."""
        return knot_weights(scores, self.knots)

    @torch.no_grad()
    def sample_scored(
        self,
        scores: Tensor,
        rng: torch.Generator | None = None,
        *,
        candidates: int | None = None,
    ) -> CodedRows:
        """Rows for the scores [n] asked for; no query is made.

        Of ``candidates`` rows, None for the module's number, the one is given whose score the
        surrogate takes for the nearest.
        """
        k = self.candidates if candidates is None else candidates
        chosen = []
        for some in scores.split(CHOSEN_AT_ONCE):
            asked = some.repeat_interleave(k)
            rows = self.draw(self.condition_of(asked), rng)
            best = self._distance(rows, asked).view(-1, k).argmin(dim=1)
            chosen.append(rows.at(torch.arange(len(some), device=best.device) * k + best))
        return joined(chosen)

    @torch.no_grad()
    def estimate(self, rows: CodedRows) -> Tensor:
        """The scores [n] that the surrogate expects."""
        return estimates(self.surrogate, rows.to(self.device))[0]

    def _distance(self, rows: CodedRows, scores: Tensor) -> Tensor:
        """How far from their scores [n] the surrogate takes the rows to be, [n]."""
        median, scale = estimates(self.surrogate, rows)
        return (median - scores).abs() + self.caution * scale

    def _likelihood_step(self, batch: Batch) -> None:
        super()._likelihood_step(batch if self.lessons is None else self._with_scores(batch[0]))

    def _with_scores(self, rows: CodedRows) -> Batch:
        """Some of the rows without a score, and scored ones, so many in all."""
        n_unscored = round(UNSCORED * len(rows))
        unscored = rows.at(torch.arange(n_unscored, device=rows.device))
        n_each = (len(rows) - n_unscored) // 2
        parts = [lessons.draw(n_each) for lessons in self.lessons]
        ...
