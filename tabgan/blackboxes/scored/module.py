"""A generator of rows that a black box gives the requested score."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor

from tabgan.blackboxes.scored.condition import grid_weights
from tabgan.blackboxes.scored.labelling import (
    LABELS_PER_ROW,
    ScoredRows,
    guessed_scores,
    joined,
    labelled_rows,
)
from tabgan.blackboxes.scored.scorer import BlackBoxScorer
from tabgan.blackboxes.scored.surrogate import Surrogate
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.chain import JUDGED_ROWS, Batch, ChainModule
from tabgan.models.planning import plan_scored
from tabgan.models.protocol import Whole
from tabgan.models.rounds import Round, drawn, pool_rows, round_steps
from tabgan.seeding import generator_at

log = logging.getLogger(__name__)

UNSCORED = 1 / 3  # share of a batch's rows that no score is shown of
RIVALS = 4  # rows drawn for a score, in a round
CHOSEN_AT_ONCE = 2_000  # scores whose candidates are held at once


class ScoredModule(ChainModule):
    """The chain with a score for its condition: p(row | score).

    1. **Likelihood** of the real rows, as the chain's first phase.
    2. The chain draws ``labels`` rows and the black box scores them; a surrogate learns the score
       of these. Real rows get scores drawn from what the surrogate expects: a box may have
       memorised them, and its scores of its own training rows mislead (measured: MAE .26 instead
       of .19).
    3. **Likelihood with the score shown**, of the generated rows with the box's score and of real
       ones with the surrogate's, drawn so that all scores come as often; a third of each batch are
       real rows without a score. Half way through, the chain draws ``even_labels`` rows for even
       scores, of which the surrogate learns more. The weights kept are those with the lowest
       likelihood of validation rows, given the scores that the box gives them.
    4. With ``sharpening``, some rounds of **weighted likelihood**: the chain draws four rows for
       each of many even scores, and each counts as the surrogate's Laplace density has the score
       requested; the exact expectation is the control variate (``models.losses.boundary``). What
       the surrogate would choose the chain then draws by itself. A third are rows without a score,
       which count alike.
    5. Of ``candidates`` rows for a score the one is given that the surrogate takes to be nearest.

    Args:
        layout: of codes.
        condition_width: 0; the score is the condition.
        surrogate: the trees, still without the layout.
        score_grid: points on [0, 1] that a score is interpolated between, as a condition.
        scored_steps: of the likelihood with scores, at most.
        labels, even_labels: generated rows that the black box scores, of the table's scores and
            of even ones.
        sharpening: rounds of weighted likelihood.
        candidates: rows generated for one that is given.
        chain: what ``ChainModule`` takes.

    Raises:
        TabganError: for a number outside its range.
    """

    learns_missing_cells = False
    plan = staticmethod(plan_scored)

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        surrogate: Callable[..., Surrogate],
        score_grid: int,
        scored_steps: int,
        labels: int,
        even_labels: int,
        sharpening: int,
        candidates: int,
        **chain: Any,
    ) -> None:
        if chain.get("adversarial") != "none":
            raise TabganError(
                f"model.adversarial={chain.get('adversarial')}: no critic judges rows and scores; "
                "give model.adversarial=none, and rounds by the surrogate as model.sharpening"
            )
        super().__init__(layout=layout, condition_width=score_grid, **chain)
        least = min(
            score_grid - 1, scored_steps, labels, even_labels + 1, sharpening + 1, candidates
        )
        if least < 1:
            raise TabganError(
                f"model: score_grid={score_grid}, scored_steps={scored_steps}, labels={labels}, "
                f"even_labels={even_labels}, sharpening={sharpening}, candidates={candidates}: "
                "expected at least 2 points of the score_grid, 1 step, 1 label and 1 candidate, "
                "and no negative number"
            )
        self.rounds = sharpening
        self.surrogate = surrogate(layout=layout)
        self.score_grid, self.scored_steps = score_grid, scored_steps
        self.labels, self.even_labels, self.candidates = labels, even_labels, candidates
        self.scorer: BlackBoxScorer | None = None
        self.labelled: tuple[CodedRows, Tensor] | None = None  # generated rows, the box's scores
        self.requested_evenly = False  # whether those of even scores are requested
        self.scored_since: int | None = None  # the step from which scores are shown
        self.lessons: list[ScoredRows] = []

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Start from the marginals of the training rows; have the box score the validation rows."""
        super().prepare(train, validation, seed=seed)
        self.held_scores = self._requested(self.held)

    @property
    def knows_scores(self) -> bool:
        """Whether scores are learned yet: the rows are learned first."""
        return self.labelled is not None

    def condition_of(self, scores: Tensor) -> Tensor:
        """Scores [n] as the chain's condition [n, score_grid]."""
        return grid_weights(scores, self.score_grid)

    @torch.no_grad()
    def sample_scored(
        self,
        scores: Tensor,
        rng: torch.Generator | None = None,
        *,
        candidates: int | None = None,
    ) -> CodedRows:
        """Rows for the scores [n] requested; no query is made.

        Of ``candidates`` rows, None for the module's number, the one is given whose score the
        surrogate takes for the nearest.
        """
        k = self.candidates if candidates is None else candidates
        chosen = []
        for some in scores.split(CHOSEN_AT_ONCE):
            requested = some.repeat_interleave(k)
            rows = self.draw(self.condition_of(requested), rng)
            error = self._error(rows, requested) if k > 1 else requested
            best = error.view(-1, k).argmin(dim=1)
            chosen.append(rows.at(torch.arange(len(some), device=best.device) * k + best))
        return joined(chosen)

    @torch.no_grad()
    def estimate(self, rows: CodedRows) -> Tensor:
        """The scores [n] that the surrogate expects."""
        scores: Tensor = self.surrogate(rows.to(self.device))
        return scores

    def _error(self, rows: CodedRows, scores: Tensor) -> Tensor:
        """How far from their scores [n] the surrogate expects rows to be, [n]."""
        expected: Tensor = self.surrogate(rows)
        return (expected - scores).abs()

    def _likelihood_step(self, batch: Batch) -> None:
        if self.scored_since is not None:
            batch = self._lesson(batch[0])
        super()._likelihood_step(batch)

    def _lesson(self, rows: CodedRows) -> Batch:
        """A batch's first third without a score, and as many rows as are left with one."""
        self._ask_when_due()
        n_unscored = round(UNSCORED * len(rows))
        unscored = rows.at(torch.arange(n_unscored, device=rows.device))
        n_each = -(-(len(rows) - n_unscored) // len(self.lessons))
        scored = [lesson.draw(n_each) for lesson in self.lessons]
        conditions = [self.condition_of(scores) for _, scores in scored]
        none = torch.zeros(n_unscored, self.score_grid, device=self.device)
        return joined([unscored, *(rows for rows, _ in scored)]), torch.cat([none, *conditions])

    def _end_likelihood(self) -> None:
        """Behind the likelihood of the rows comes that of the rows given their scores."""
        if self.scored_since is None:
            self._take_likeliest()
            self.scored_since, self.best_nll = self.global_step, math.inf
            self._players()[1].optimizer.state.clear()  # the rate rises anew
        elif (
            self.requested_evenly or not self.even_labels
        ):  # the surrogate is to learn of these first
            super()._end_likelihood()

    def _ask_when_due(self) -> None:
        """Rows and scores to learn from, at the first step with scores and half way through.

        Not where the phase before them ends: that may be in validation, where nothing can learn.
        """
        first, end = self._likelihood_phase()
        if self.labelled is None:
            self.labelled = self._labelled(
                torch.zeros(self.labels, 0, device=self.device), "labels"
            )
            self._learn_scores(*self.labelled)
        half = self.global_step >= (first + end) // 2
        if half and self.even_labels and not self.requested_evenly:
            self.requested_evenly = True
            rng = generator_at(self.seed, "even scores")
            scores = torch.rand(self.even_labels, generator=rng).to(self.device)
            made = self._labelled(self.condition_of(scores), "even labels")
            each = (self.labelled, made)
            self._learn_scores(joined([rows for rows, _ in each]), torch.cat([s for _, s in each]))
        if not self.lessons:
            self._open_lessons()

    def _labelled(self, condition: Tensor, what: str) -> tuple[CodedRows, Tensor]:
        log.info("the black box scores %s generated rows", f"{len(condition):,}")
        return labelled_rows(
            self._requested, self.sampling_chain, condition, seed=self.seed, what=what
        )

    def _learn_scores(self, rows: CodedRows, scores: Tensor) -> None:
        """Rows [n] in any order, for a part of them is held out."""
        rng = generator_at(self.seed, "surrogate", len(rows))
        order = torch.randperm(len(rows), generator=rng).to(rows.device)
        self.surrogate.fit(rows.at(order), scores[order], seed=self.seed)
        self.lessons = []  # real rows' scores are guessed anew
        if self.scorer is not None:
            self.log("train/queries", float(self.scorer.box.queries))
        self.log("train/surrogate_mae", self.surrogate.errors.mean())

    def _open_lessons(self) -> None:
        """Generated rows with the box's scores, and real rows with the surrogate's."""
        made, scores = cast(tuple[CodedRows, Tensor], self.labelled)
        rows = self.rows.to(self.device)
        rng = generator_at(self.seed, "guessed scores")
        expected = self.surrogate(rows)
        errors = self.surrogate.error_of(expected)
        guessed = guessed_scores(expected, errors, LABELS_PER_ROW, rng)
        every = torch.arange(len(rows), device=self.device).repeat_interleave(LABELS_PER_ROW)
        own = torch.arange(len(made), device=self.device)
        self.lessons = [
            ScoredRows.of(made, own, scores, parts=self.score_grid),
            ScoredRows.of(rows, every, guessed.flatten(), parts=self.score_grid),
        ]

    def _begin_round(self) -> bool:
        """Draw rows for even scores, each to count as the surrogate believes it has its score."""
        self.round_step, number = 0, self.rounds_done
        n = pool_rows(len(self.rows))
        n_unscored = round(UNSCORED * n)
        rng = generator_at(self.seed, "round", number, "scores")
        scores = torch.rand((n - n_unscored) // RIVALS, generator=rng)
        scores = scores.repeat_interleave(RIVALS).to(self.device)
        none = torch.zeros(n_unscored, self.score_grid, device=self.device)
        condition = torch.cat([self.condition_of(scores), none])
        reference = deepcopy(self.sampling_chain).requires_grad_(False).eval()
        rows = drawn(reference, condition, self.seed, number, "pool")
        error = self._error(rows.at(torch.arange(len(scores), device=self.device)), scores)
        log.info("round %s of %s: MAE %.3f by the surrogate", number + 1, self.rounds, error.mean())
        weights = rival_weights(error / self.surrogate.error_of(scores), RIVALS)
        weights = torch.cat([weights, torch.ones_like(none[:, 0])])  # these are to stay as they are
        self.round = Round.of(number, reference, weights, condition, auc=0.5, seed=self.seed)
        self._players()[1].optimizer.state.clear()  # another loss: old moments mislead
        return True

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
        sharpening = self.rounds * round_steps(len(self.rows))
        return self.likelihood_steps + self.scored_steps + sharpening

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        labelled = None
        if self.labelled is not None:
            rows, scores = self.labelled
            labelled = {"codes": rows.codes, "scalars": rows.scalars, "scores": scores}
        checkpoint["scored"] = {
            "since": self.scored_since,
            "labelled": labelled,
            "asked_evenly": self.requested_evenly,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        state = checkpoint["scored"]
        self.scored_since, self.requested_evenly = state["since"], state["asked_evenly"]
        if state["labelled"] is not None:
            codes, scalars, scores = (
                state["labelled"][name].to(self.device) for name in ("codes", "scalars", "scores")
            )
            rows = CodedRows(layout=self.layout, codes=codes, scalars=scalars)
            self.labelled = rows, scores

    def _requested(self, rows: CodedRows) -> Tensor:
        if self.scorer is None:
            raise TabganError("a scored model is trained against a black box: give blackbox=<name>")
        return self.scorer(rows)


def rival_weights(distances: Tensor, rivals: int) -> Tensor:
    """exp(-distance) [n] of mean 1 among each ``rivals`` rows of one score."""
    return rivals * (-distances).view(-1, rivals).softmax(dim=1).flatten()
