"""A generator of rows that a black box gives the score one asks for."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.modules.cgan import Whole
from tabgan.modules.chain import JUDGED_ROWS, Batch, ChainModule
from tabgan.modules.planning import plan_scored
from tabgan.scored.asking import Asker
from tabgan.scored.condition import knot_weights
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
        self.lessons: list[ScoredRows] = []

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Start from the marginals of the training rows; have the box score the validation rows."""
        super().prepare(train, validation, seed=seed)
        self.surrogate.learn(self.rows)
        self.held_scores = self._asked(self.held)

    @property
    def knows_scores(self) -> bool:
        """Whether scores are shown yet: the rows are learned first."""
        return self.scored_since is not None

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
        if self.scored_since is not None:
            batch = self._lesson(batch[0])
        super()._likelihood_step(batch)

    def _lesson(self, rows: CodedRows) -> Batch:
        """A batch's first third without a score, and as many rows as are left with one."""
        if self.labelled is None:  # not where the first phase ends: no net can learn there
            self._ask_for_labels()
        if not self.lessons:
            self._open_lessons()
        n_unscored = round(UNSCORED * len(rows))
        unscored = rows.at(torch.arange(n_unscored, device=rows.device))
        n_each = -(-(len(rows) - n_unscored) // len(self.lessons))
        scored = [lesson.draw(n_each) for lesson in self.lessons]
        conditions = [self.condition_of(scores) for _, scores in scored]
        none = torch.zeros(n_unscored, self.knots, device=self.device)
        return joined([unscored, *(rows for rows, _ in scored)]), torch.cat([none, *conditions])

    def _end_likelihood(self) -> None:
        """Behind the likelihood of the rows comes that of the rows given their scores."""
        if self.scored_since is not None:
            super()._end_likelihood()
            return
        self._take_likeliest()
        self.scored_since, self.best_nll = self.global_step, math.inf
        self._players()[1].optimizer.state.clear()  # the rate rises anew

    def _ask_for_labels(self) -> None:
        """Have the box score rows of the chain; the surrogate learns them."""
        log.info("the black box scores %s generated rows", f"{self.labels:,}")
        none = torch.zeros(self.labels, 0, device=self.device)
        self.labelled = labelled_rows(
            self._asked, self.sampling_chain, none, seed=self.seed, what="labels"
        )
        epochs, lr = self.label_epochs, self.surrogate_lr
        fit_surrogate(self.surrogate, *self.labelled, epochs=epochs, lr=lr, seed=self.seed)
        if self.asker is not None:
            self.log("train/queries", float(self.asker.box.queries))

    def _open_lessons(self) -> None:
        """Generated rows with the box's scores, and real rows with the surrogate's."""
        made, scores = cast(tuple[CodedRows, Tensor], self.labelled)
        rows = self.rows.to(self.device)
        rng = generator_at(self.seed, "guessed scores")
        guessed = guessed_scores(*estimates(self.surrogate, rows), LABELS_PER_ROW, rng)
        every = torch.arange(len(rows), device=self.device).repeat_interleave(LABELS_PER_ROW)
        own = torch.arange(len(made), device=self.device)
        self.lessons = [
            ScoredRows.of(made, own, scores, parts=self.knots),
            ScoredRows.of(rows, every, guessed.flatten(), parts=self.knots),
        ]

    def _validated_nll(self) -> float:
        if self.scored_since is None:
            return super()._validated_nll()
        nll = self._held_nll()
        self.log("val/scored_nll", nll)
        return nll

    @torch.no_grad()
    def _held_nll(self) -> float:
        """Of validation rows, given their scores once these are learned."""
        if self.scored_since is None:
            return super()._held_nll()
        conditions = self.condition_of(self.held_scores).split(JUDGED_ROWS)
        logs = [
            self.sampling_chain.log_likelihood(rows.codes, condition=condition)
            for rows, condition in zip(
                self.held.to(self.device).pieces(JUDGED_ROWS), conditions, strict=True
            )
        ]
        return -float(torch.cat(logs).mean())

    def _likelihood_phase(self) -> tuple[int, int]:
        if self.scored_since is None:
            return super()._likelihood_phase()
        return self.scored_since, self.scored_since + self._in_time(self.scored_steps)

    def _planned_steps(self) -> int:
        return super()._planned_steps() + self.scored_steps

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        labelled = None
        if self.labelled is not None:
            rows, scores = self.labelled
            labelled = {"codes": rows.codes, "scalars": rows.scalars, "scores": scores}
        checkpoint["scored"] = {"since": self.scored_since, "labelled": labelled}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        state = checkpoint["scored"]
        self.scored_since = state["since"]
        if state["labelled"] is not None:
            codes, scalars, scores = (
                state["labelled"][name].to(self.device) for name in ("codes", "scalars", "scores")
            )
            rows = CodedRows(layout=self.layout, codes=codes, scalars=scalars)
            self.labelled = rows, scores

    def _asked(self, rows: CodedRows) -> Tensor:
        if self.asker is None:
            raise TabganError("a scored model is trained against a black box: give blackbox=<name>")
        return self.asker(rows)
