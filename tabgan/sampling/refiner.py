"""Boosted rejection: of a generator's rows, keep those that boosted trees take for real.

First go rows that break what every real row keeps: where there are no real rows, the density
ratio is 0, and trees, which split one column at a time, would never find ``start <= end``.

Log-odds of a good classifier between real and generated rows are the logarithm of the density
ratio. Rows accepted in proportion to it follow the real distribution, as far as the classifier
saw the difference; the next round looks at what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tabgan.errors import TabganError
from tabgan.models.nets.boosted import MIN_REAL_ROWS, BoostedRatio, Side, chance
from tabgan.sampling.marginals import Marginals
from tabgan.seeding import rng_at, seed_at

Floats = NDArray[np.float64]
DrawRows = Callable[[int, int], Floats]  # (n, position) -> float64 [n, n_columns]

MOST_REAL_ROWS, MOST_POOL_ROWS = 100_000, 240_000  # what one round is fitted on: its time
MIN_POOL_ROWS = 5_000
MOST_DRAWN_ROWS = 1_000_000  # for one round; where few survive, the pool is smaller
CHUNK_ROWS = 20_000
MIN_ACCEPTANCE = 1 / 3  # of generated rows by all rounds together; below, it is no refinement
CAP_QUANTILE = 0.98  # beyond it rows always pass; .995 kept a third fewer rows, no better ones
MIN_AUC = 0.51  # a round that tells no better on held-out rows has nothing to teach


@dataclass(frozen=True, kw_only=True, eq=False)
class _Round:
    trees: BoostedRatio
    cap: float

    @classmethod
    def of(cls, trees: BoostedRatio, pool: Floats) -> Self:
        return cls(trees=trees, cap=float(np.quantile(trees.log_odds(pool), CAP_QUANTILE)))

    @property
    def cost(self) -> int:
        """Of a row, in lookups."""
        return self.trees.n_trees_

    def log_acceptance(self, rows: Floats) -> Floats:
        """min(0, log-odds - cap), float64 [n]."""
        return np.minimum(self.trees.log_odds(rows) - self.cap, 0.0)


class Refiner:
    """Rejection of generated rows in rounds, each fitted on the survivors of those before it.

    A round is a boosted classifier (``models.nets.boosted``). Its trees stop on held-out rows
    that neither a round nor the generator has learned: to trees, a real row that was followed looks
    well covered, so they would stop too early, and at once where the generator itself has followed
    trees. Rejection by estimated odds bends the marginals, so a last step, one weight per column
    and bin, puts them right. A row survives a step with probability min(1, exp(log_odds - cap)),
    cap being a high quantile of the pool's log-odds.

    Rows are ordinal: category codes and numbers as float64, NaN where missing.

    Attributes:
        acceptance_: per round, then for the marginals if re-matched: the share expected to pass.
        aucs_: per round, the held-out ROC AUC between real rows and the rows it was given.
        reason_: why there are fewer rounds than requested; "" when there are not.
        is_needless_: whether the rows that it was given pass for real ones as they are.
    """

    def __init__(self) -> None:
        self.n_columns_ = 0
        self.rounds_: list[_Round] = []
        self.marginals_: Marginals | None = None
        self.acceptance_: list[float] = []
        self.aucs_: list[float] = []
        self.reason_ = ""
        self.is_needless_ = False

    @property
    def _steps(self) -> list[_Round | Marginals]:
        return [*self.rounds_, *([self.marginals_] if self.marginals_ else [])]

    @property
    def is_idle(self) -> bool:
        """Whether it keeps every row."""
        return not self._steps

    @property
    def total_acceptance(self) -> float:
        """Expected share of generated rows that survive all rounds."""
        return float(np.prod(self.acceptance_))

    def fit(
        self,
        real: Floats,
        draw: DrawRows,
        *,
        rounds: int,
        pool_factor: float,
        seed: int,
        held: Floats | None = None,
        device: object = "cpu",
        progress: Callable[[str], None] | None = None,
    ) -> Self:
        """Fit round after round until ``rounds``, or until one has nothing left to teach.

        Args:
            real: training rows, float64 [n, n_columns].
            draw: (n, index) -> n rows of the generator or fewer, others for each index; called
                with indices 0, 1, 2, ...
            rounds: at most so many.
            pool_factor: generated survivors per real row that a round is fitted on.
            seed: fixes everything but ``draw``.
            held: real rows that the generator has not seen, as validation rows, float64
                [m, n_columns]: they say when to stop. None, or under 60: some of ``real`` do.
            device: where the trees grow (``models.nets.boosted.grown_on``).
            progress: called with one line per round.
        """
        self.__init__()  # type: ignore[misc]  # a second fit forgets the first
        self.n_columns_ = real.shape[1]
        say = progress or (lambda line: None)
        if len(real) < MIN_REAL_ROWS:
            self.reason_ = f"{len(real)} real rows are too few; it needs {MIN_REAL_ROWS}"
            return self
        order = rng_at(seed, "refine", "real").permutation(len(real))
        real = real[order[:MOST_REAL_ROWS]]
        n_pool = int(np.clip(pool_factor * len(real), MIN_POOL_ROWS, MOST_POOL_ROWS))
        real_split = Side.of(real, held)
        survivors = _Survivors(self, draw, seed)
        for index in range(rounds):
            pool = survivors(n_pool)
            if pool is None:
                self.reason_ = f"less than {100 * MIN_ACCEPTANCE:.0f} of 100 rows would be kept"
                break
            pool_split = Side.of(pool)
            address = seed_at(seed, "refine", index)
            if not self._add_round(real_split, pool_split, address, device):
                break
            say(
                f"refinement round {index + 1}: generated rows were told from real ones with AUC "
                f"{self.aucs_[-1]:.3f}; it keeps {100 * self.acceptance_[-1]:.0f} of 100 rows"
            )
        if self.reason_ and not self.is_idle:
            say(f"refinement ends: {self.reason_}")
        if not self.is_idle and (pool := survivors(n_pool)) is not None:
            self._add_marginals(real, pool)
            say(f"sample will keep {100 * self.total_acceptance:.0f} of 100 rows that it draws")
        return self

    def accept(self, rows: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
        """The rows that survive, bool [n]; the same ``rng`` gives the same mask.

        Raises:
            TabganError: for rows of another number of columns.
        """
        if rows.ndim != 2 or rows.shape[1] != self.n_columns_:
            raise TabganError(
                f"refiner: expected rows of {self.n_columns_} columns, got {rows.shape[1:]}"
            )
        uniforms = [rng.random(len(rows)) for _ in self._steps]
        alive = np.arange(len(rows))
        for position in self._cheapest_first():  # the rejected are not scored again
            chance_to_pass = np.exp(self._steps[position].log_acceptance(rows[alive]))
            alive = alive[uniforms[position][alive] < chance_to_pass]
        accepted = np.zeros(len(rows), bool)
        accepted[alive] = True
        return accepted

    def _cheapest_first(self) -> list[int]:
        """The positions of the steps, those first that reject most rows for their cost.

        A row must pass all of them, each by a draw of its own: any order gives the same rows.
        """
        rejected = [max(1 - accepted, 1e-9) for accepted in self.acceptance_]
        costs = [step.cost / share for step, share in zip(self._steps, rejected, strict=True)]
        return sorted(range(len(costs)), key=costs.__getitem__)

    def state(self) -> dict[str, Any]:
        """Plain data and arrays, for ``encoding.state.save_state``."""
        return {
            "n_columns": self.n_columns_,
            "acceptance": self.acceptance_,
            "aucs": self.aucs_,
            "reason": self.reason_,
            "rounds": [{"trees": r.trees.state(), "cap": r.cap} for r in self.rounds_],
            "marginals": self.marginals_.state() if self.marginals_ else None,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """The refiner that ``state`` described.

        Raises:
            TabganError: for a state that describes no refiner.
        """
        refiner = cls()
        try:
            refiner.n_columns_ = state["n_columns"]
            refiner.acceptance_, refiner.aucs_ = state["acceptance"], state["aucs"]
            refiner.reason_ = state["reason"]
            refiner.rounds_ = [
                _Round(trees=BoostedRatio.restore(learned["trees"]), cap=learned["cap"])
                for learned in state["rounds"]
            ]
            if state["marginals"] is not None:
                refiner.marginals_ = Marginals.restore(state["marginals"])
        except (KeyError, TypeError, ValueError) as error:
            raise TabganError(f"refiner: not a state of a refiner: {error}") from error
        return refiner

    def _add_round(self, real: Side, pool: Side, seed: int, device: object) -> bool:
        trees = BoostedRatio().fit(real, pool, seed=seed, device=device)
        auc = trees.auc_
        noise = chance(real, pool)
        if auc <= max(MIN_AUC, 0.5 + noise):
            self.reason_ = (
                f"generated rows are not told from real ones beyond chance (AUC {auc:.3f})"
            )
            self.is_needless_ = self.is_idle
            return False
        if self.aucs_ and auc > self.aucs_[-1] + noise:
            self.reason_ = (
                f"round {len(self.rounds_)} did harm (AUC {self.aucs_[-1]:.3f} before it, "
                f"{auc:.3f} after it) and was dropped"
            )
            for learned in (self.rounds_, self.acceptance_, self.aucs_):
                learned.pop()
            return False
        added = _Round.of(trees, pool.kept)
        acceptance = _acceptance(added, pool.held)
        if acceptance * self.total_acceptance < MIN_ACCEPTANCE:
            self.reason_ = (
                f"with round {len(self.rounds_) + 1} only "
                f"{100 * acceptance * self.total_acceptance:.2g} of 100 rows would be kept"
            )
            return False
        self.rounds_.append(added)
        self.acceptance_.append(acceptance)
        self.aucs_.append(auc)
        return True

    def _add_marginals(self, real: Floats, pool: Floats) -> None:
        marginals = Marginals.fit(real, pool, cap_quantile=CAP_QUANTILE)
        acceptance = _acceptance(marginals, pool)
        if acceptance * self.total_acceptance >= MIN_ACCEPTANCE:
            self.marginals_ = marginals
            self.acceptance_.append(acceptance)


class _Survivors:
    """Generated rows that survive all rounds so far, fresh ones at every call.

    Rows on which an earlier round was fitted look less real to it than they are; the next round
    would correct that and not the generator.
    """

    def __init__(self, refiner: Refiner, draw: DrawRows, seed: int) -> None:
        self.refiner, self.draw, self.seed = refiner, draw, seed
        self.n_draws = 0

    def __call__(self, n_rows: int) -> Floats | None:
        """``n_rows`` survivors, fewer where that takes more than ``MOST_DRAWN_ROWS``, or None."""
        affordable = int(MOST_DRAWN_ROWS * self.refiner.total_acceptance)
        n_rows = max(MIN_POOL_ROWS, min(n_rows, affordable))
        kept, n_kept, n_drawn = [], 0, 0
        while n_kept < n_rows:
            if n_drawn * MIN_ACCEPTANCE > n_kept + MIN_POOL_ROWS:
                return None
            wanted = 1.1 * (n_rows - n_kept) / self.refiner.total_acceptance
            size = int(min(CHUNK_ROWS, wanted + 100))
            rows = self.draw(size, self.n_draws)
            accepted = self.refiner.accept(rows, rng_at(self.seed, "refine", "pool", self.n_draws))
            kept.append(rows[accepted])
            n_kept, n_drawn = n_kept + len(kept[-1]), n_drawn + size
            self.n_draws += 1
        return np.concatenate(kept)[:n_rows]


def _acceptance(step: _Round | Marginals, pool: Floats) -> float:
    return float(np.exp(step.log_acceptance(pool)).mean())
