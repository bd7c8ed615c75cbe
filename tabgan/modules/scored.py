"""A generator of rows that a black box gives the score one asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.losses.moments import Moments, table_moments
from tabgan.losses.scores import expected_error, laplace_loss
from tabgan.modules.asking import Asker
from tabgan.modules.cgan import Batch, CGANModule, Whole
from tabgan.modules.labelling import fit_surrogate, labelled_rows, scores_of
from tabgan.modules.planning import plan_scored
from tabgan.nets.surrogate import Surrogate
from tabgan.seeding import generator_at

log = logging.getLogger(__name__)

QUANTILES = 201  # of the training rows' scores, kept to draw scores as the table has them


class ScoredModule(CGANModule):
    """The conditional GAN whose condition is a score.

    Three players: the generator gets noise and the desired score; the critic judges (row, score)
    pairs, so that rows stay real; the surrogate learns the black box's score on the rows that
    are being generated, and lends the mean absolute error the gradient that a black box has not.
    Scores are drawn evenly, so that rare ones are trained as well as frequent ones.

    Real rows get the surrogate's estimate for a label: a box may have memorised them, and its
    scores of its own training rows mislead (measured: MAE .26 instead of .19).

    Args:
        layout: the map of a row.
        condition_width: of the table's own condition; must be 0, the score takes its place.
        surrogate: the net, still without its layout.
        surrogate_lr: its learning rate.
        knots: places on [0, 1] that a score is interpolated between, as a condition.
        adversarial: weight of the critic and the moments in the generator's loss.
        mae: weight of the mean absolute error.
        labels: generated rows that the black box scores before training; 0 labels real rows by
            the box itself, and the MAE then has no gradient: the report's route.
        label_epochs: passes over them.
        ask_every: generator steps between two batches of generated rows that the box scores.
        candidates: rows generated for one that is given; the surrogate chooses.
        caution: how much of the surrogate's own error counts in that choice. More of it hits the
            score better, and leaves out rows that the box is unsure of: less like the table.
        game: what ``CGANModule`` takes.

    Raises:
        TabganError: when the table has a condition of its own.
    """

    learns_holes = False
    plan = staticmethod(plan_scored)
    quantiles: Tensor
    places: Tensor

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        surrogate: Callable[..., Surrogate],
        surrogate_lr: float,
        knots: int,
        adversarial: float,
        mae: float,
        labels: int,
        label_epochs: int,
        ask_every: int,
        candidates: int,
        caution: float,
        **game: Any,
    ) -> None:
        if condition_width:
            raise TabganError("a scored model is asked for scores alone: encoder.conditional=false")
        super().__init__(layout=layout, condition_width=knots, **game)
        self.surrogate = surrogate(layout=layout)
        self.surrogate_lr = surrogate_lr
        self.adversarial, self.mae = adversarial, mae
        self.labels, self.label_epochs = labels, label_epochs
        self.ask_every, self.candidates = ask_every, candidates if labels else 1
        self.caution = caution
        self.asker: Asker | None = None
        self.register_buffer("places", torch.linspace(0, 1, knots), persistent=False)
        self.register_buffer("quantiles", torch.linspace(0, 1, QUANTILES))

    def condition_of(self, scores: Tensor) -> Tensor:
        """Scores [n] as weights of the knots [n, knots]: linear interpolation, so none is lost."""
        distance = (scores[:, None] - self.places).abs() * (len(self.places) - 1)
        return (1 - distance).clamp_min(0.0)

    def scores_of(self, condition: Tensor) -> Tensor:
        """The scores [n] behind ``condition_of``."""
        return condition @ self.places

    @torch.no_grad()
    def draw(self, condition: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """Rows; a condition [n, 0] takes scores as the table has them."""
        if condition.shape[1] == 0:
            drawn = torch.rand(len(condition), generator=rng, device=condition.device)
            condition = self.condition_of(self._quantile(drawn))
        return super().draw(condition, rng)

    @torch.no_grad()
    def sample_scored(self, scores: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Rows [n, row_width] for the scores [n] asked for; no query is made.

        Of ``candidates`` rows the one is given whose score the surrogate takes for the nearest.
        """
        condition = self.condition_of(scores)
        best = self.sample(condition, rng)
        least = self._distance(best, scores)
        for _ in range(self.candidates - 1):
            rows = self.sample(condition, rng)
            error = self._distance(rows, scores)
            closer = error < least
            best, least = (
                torch.where(closer[:, None], rows, best),
                torch.where(closer, error, least),
            )
        return best

    def estimate(self, rows: Tensor) -> Tensor:
        """The scores [n] that the module labels real rows with."""
        if not self.labels:
            return self._asked(rows)
        median: Tensor = self.surrogate(rows)[0]
        return median

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Learn the box's score from generated rows, label the real ones, warm start."""
        rows, held = (CodedRows.of(part[0], self.layout) for part in (train, validation))
        if self.labels:
            log.info("the black box scores %s generated rows", f"{self.labels:,}")
            pool = labelled_rows(self._asked, rows, held, self.layout, n=self.labels, seed=seed)
            epochs, lr = self.label_epochs, self.surrogate_lr
            fit_surrogate(self.surrogate, *pool, epochs=epochs, lr=lr, seed=seed)
            self.pool = pool
        scores = scores_of(self.estimate, rows)
        self.quantiles.copy_(torch.quantile(scores, torch.linspace(0, 1, QUANTILES)))
        self.train_rows, self.train_scores = rows, scores
        self.reached = even_shares(scores, len(self.places)).cumsum(dim=0)
        of_held = self.condition_of(scores_of(self.estimate, held))
        super().prepare((train[0], self.condition_of(scores)), (validation[0], of_held), seed=seed)

    def _moments_of(self, rows: CodedRows, seed: int) -> Moments:
        """Those of rows whose scores are even, as the batches have them."""
        chosen = self._draw_evenly(len(rows), generator_at(seed, "even"))
        return table_moments(rows[chosen], [block.span for block in self.layout.blocks])

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """A step of the game on rows whose scores are even, then one of the surrogate."""
        chosen = self._draw_evenly(len(batch[0]))
        condition = self.condition_of(self.train_scores[chosen].to(self.device))
        rows = self.train_rows[chosen].to(self.device)
        super().training_step((rows, condition), batch_idx)
        if self.global_step % self.ask_every == 0:
            self._learn_from_box(condition)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        rows, _ = batch
        condition = self.condition_of(self.estimate(rows))
        super().validation_step((rows, condition), batch_idx)

    def configure_optimizers(self) -> list[Optimizer]:
        surrogate = torch.optim.Adam(self.surrogate.parameters(), lr=self.surrogate_lr, fused=True)
        return [*super().configure_optimizers(), surrogate]

    def _players(self) -> tuple[Any, Any]:
        critic_optimizer, generator_optimizer, _ = cast(list[Any], self.optimizers())
        return critic_optimizer.optimizer, generator_optimizer

    def _generator_loss(self, real_logits: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        asked = self.scores_of(condition)
        if self.labels:
            median, scale = self.surrogate(fake)
            error = expected_error(median, scale, asked).mean()
        else:  # a number without a gradient; zero times the rows makes it a loss all the same
            error = (self._asked(fake.detach()) - asked).abs().mean() + 0.0 * fake.sum()
        self._error = error.detach()
        loss = self.mae * error
        if self.adversarial:
            loss = loss + self.adversarial * super()._generator_loss(real_logits, fake, condition)
        return loss

    def _learn_from_box(self, condition: Tensor) -> None:
        """Have the box score rows as they are generated now; the surrogate learns them."""
        with torch.no_grad():
            fake = self.generator(self.draw_noise(condition), condition)
        scores, asked = self._asked(fake), self.scores_of(condition)
        curves = {"train/score_mae": (scores - asked).abs().mean(), "train/mae": self._error}
        if self.asker is not None:
            curves["train/queries"] = torch.tensor(float(self.asker.box.queries))
        if self.labels:
            rows, labels = self._with_pool(fake, scores)
            optimizer = cast(list[Any], self.optimizers())[2].optimizer
            generator_rate = self._players()[1].param_groups[0]["lr"]
            optimizer.param_groups[0]["lr"] = self.surrogate_lr * generator_rate / self.lr
            with self.toggled_optimizer(optimizer):
                median, scale = self.surrogate(rows)
                loss = laplace_loss(median, scale, labels)
                self._step(optimizer, loss)
            gap = (median[: len(fake)] - scores).abs().mean()
            curves |= {"train/surrogate_loss": loss.detach(), "train/surrogate_mae": gap.detach()}
        self.log_dict(curves)

    def _with_pool(self, fake: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Today's rows and as many of the first ones, so that none of the table is forgotten."""
        rows, labels = self.pool
        chosen = torch.randint(len(labels), (len(fake),))
        first, of_first = rows[chosen].to(fake.device), labels[chosen].to(fake.device)
        return torch.cat([fake, first]), torch.cat([scores, of_first])

    def _draw_evenly(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """Places [n] of training rows, each tenth (each knot) of the scores as often."""
        uniform = torch.rand(n, generator=rng, dtype=torch.float64)
        return torch.searchsorted(self.reached, uniform).clamp_max(len(self.reached) - 1)

    def _distance(self, rows: Tensor, scores: Tensor) -> Tensor:
        """How far from their scores [n] the surrogate takes the rows to be, [n]."""
        median, scale = self.surrogate(rows)
        return (median - scores).abs() + self.caution * scale

    def _quantile(self, shares: Tensor) -> Tensor:
        """The training scores' quantiles [n] at ``shares`` [n] in [0, 1)."""
        place = shares * (QUANTILES - 1)
        low = place.long()
        return torch.lerp(self.quantiles[low], self.quantiles[low + 1], place - low)

    def _asked(self, rows: Tensor) -> Tensor:
        if self.asker is None:
            raise TabganError("a scored model is trained against a black box: give blackbox=<name>")
        return self.asker(rows)


def even_shares(scores: Tensor, knots: int) -> Tensor:
    """Float64 [n], summing to 1: rows in equal parts of [0, 1] that hold any weigh the same."""
    part = (scores * knots).long().clamp_max(knots - 1)
    counts = torch.bincount(part, minlength=knots)
    weights = 1.0 / counts[part].double()
    return weights / weights.sum()
