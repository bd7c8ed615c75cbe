"""One round of boundary seeking: rows drawn, how much likelier each is real, the pass over them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.models.nets.boosted import MIN_REAL_ROWS, BoostedRatio, Side, chance
from tabgan.models.nets.chain import ChainGenerator
from tabgan.models.nets.inputs import ChainColumn
from tabgan.seeding import generator_at, rng_at, seed_at

MOST_REAL_ROWS = 30_000  # that critics look at
POOL_FACTOR, LEAST_POOL = 3, 2_000  # drawn rows per real one; and at least
HELD_FACTOR = 4  # drawn rows per validation row, that say when the trees stop
STEPS, LEAST_BATCH, MOST_BATCH = 80, 100, 1_000  # of the pass over them; rows of a step
MOST_LOG_ODDS, MOST_WEIGHT = 3.0, 6.0  # of a row
TENTHS, SWEEPS = np.arange(1, 10) / 10, 5  # of a column's real rows; over the columns
DRIFT = 0.02  # of total variation, the mean over the columns

Verdict = Callable[[CodedRows], Tensor]  # log p_real / p_drawn of rows, [n]


@dataclass(frozen=True, kw_only=True, eq=False)
class Round:
    """Rows that the generator drew, and how often each should have come.

    Attributes:
        number: of the round, from 0.
        reference: the generator that drew them, frozen.
        rows: the rows.
        weights: float32 [n], of mean 1.
        condition: [n, condition_width], that the rows were drawn under.
        order: int64 [n], in which the pass takes the rows.
        batch_size: rows of a step.
        auc: of the critics, held-out real rows against drawn ones.
    """

    number: int
    reference: ChainGenerator
    rows: CodedRows
    weights: Tensor
    condition: Tensor
    order: Tensor
    batch_size: int
    auc: float

    @classmethod
    def of(
        cls,
        number: int,
        reference: ChainGenerator,
        weights: Tensor,
        condition: Tensor,
        *,
        auc: float,
        seed: int,
    ) -> Self:
        """The round whose rows ``reference`` drew at their address, under conditions [n, width]."""
        rows = drawn(reference, condition, seed, number, "pool")
        order = torch.randperm(len(rows), generator=generator_at(seed, "round", number, "order"))
        return cls(
            number=number,
            reference=reference,
            rows=rows,
            weights=weights.to(rows.device),
            condition=condition.to(rows.device),
            order=order.to(rows.device),
            batch_size=_batch_size(len(rows)),
            auc=auc,
        )

    @property
    def n_steps(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def batch(self, step: int) -> tuple[CodedRows, Tensor, Tensor]:
        """The rows, weights and conditions of a step."""
        chosen = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        return self.rows.at(chosen), self.weights[chosen], self.condition[chosen]

    def state(self) -> dict[str, Any]:
        """Tensors and plain data, for a checkpoint; the rows are drawn again."""
        return {
            "number": self.number,
            "reference": self.reference.state_dict(),
            "weights": self.weights,
            "condition": self.condition,
            "auc": self.auc,
        }


def begin_round(
    number: int,
    chain: ChainGenerator,
    real: CodedRows,
    held: CodedRows,
    *,
    verdict: Verdict | None,
    trees: bool,
    seed: int,
) -> Round | None:
    """Draw rows and weigh them; None where held-out rows are told apart by chance alone.

    Without a verdict and without trees all rows weigh the same: a critic learns from them first.

    Args:
        number: of the round, from 0.
        chain: the generator.
        real: the training rows.
        held: validation rows.
        verdict: a critic's log ratio, which the trees go on from; None for no critic.
        trees: whether trees are grown, given real rows enough.
        seed: of all draws.
    """
    reference = deepcopy(chain).requires_grad_(False).eval()
    rng = rng_at(seed, "round", number, "real")
    chosen = torch.from_numpy(rng.permutation(len(real))[:MOST_REAL_ROWS])
    real = real.at(chosen.to(real.device))
    none = torch.empty(pool_rows(len(real)), 0)
    pool = drawn(reference, none, seed, number, "pool")
    held_none = torch.empty(max(HELD_FACTOR * len(held), LEAST_POOL), 0)
    held_pool = drawn(reference, held_none, seed, number, "held")
    sides = [
        Side(
            kept=matrix(chain.columns, k), held=matrix(chain.columns, h), **_margins(verdict, k, h)
        )
        for k, h in ((real, held), (pool, held_pool))
    ]
    odds = sides[1].kept_margin if sides[1].kept_margin is not None else np.zeros(len(pool))
    auc = _auc(sides)
    grown = trees and len(real) >= MIN_REAL_ROWS
    if grown:
        address = seed_at(seed, "round", number, "trees")
        ratio = BoostedRatio().fit(*sides, seed=address, device=chain.bias.device)
        odds, auc = odds + ratio.log_odds(sides[1].kept), ratio.auc_
    blind = verdict is None and not grown
    if not blind and auc <= 0.5 + chance(*sides):
        return None
    weights = with_marginals(row_weights(odds), sides[1].kept, sides[0].kept)
    return Round.of(number, reference, weights, none, auc=auc, seed=seed)


def pool_rows(n_real: int) -> int:
    """Rows drawn for a round, for so many training rows."""
    return max(POOL_FACTOR * min(n_real, MOST_REAL_ROWS), LEAST_POOL)


def round_steps(n_real: int) -> int:
    """Steps of a round, for so many training rows."""
    n_pool = pool_rows(n_real)
    return -(-n_pool // _batch_size(n_pool))


def _batch_size(n_pool: int) -> int:
    return min(max(n_pool // STEPS, LEAST_BATCH), MOST_BATCH)


def row_weights(log_odds: NDArray[np.float64]) -> Tensor:
    """The weights of drawn rows, float32 [n]: the odds that they are real, of mean 1, bounded."""
    weights = np.exp(np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS))
    weights = np.minimum(weights / weights.mean(), MOST_WEIGHT)
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def with_marginals(weights: Tensor, pool: NDArray[np.float64], real: NDArray[np.float64]) -> Tensor:
    """The weights, put right where they would take single columns away from the real rows'.

    Bounded weights lose mass where real rows lie scattered and every drawn one looks a little
    wrong: all columns then drift to where rows lie dense. Where the weighted rows' columns are
    further from the real ones' than those of the rows as they were drawn, by more than ``DRIFT``,
    the weights are raked to the real shares (iterative proportional fitting, Deming & Stephan
    1940). A smaller drift is left to the critics of the next round.

    Args:
        weights: float32 [n], of mean 1.
        pool: float64 [n, columns], the drawn rows as ``matrix`` has them.
        real: float64 [n_real, columns], likewise.
    """
    columns = [_Tenths.of(made, known) for made, known in zip(pool.T, real.T, strict=True)]
    found = weights.double().numpy()
    drift = [np.mean([c.distance(w) for c in columns]) for w in (np.ones_like(found), found)]
    if drift[1] <= drift[0] + DRIFT:
        return weights
    for _ in range(SWEEPS):
        for column in columns:
            found = np.minimum(found * column.wanted(found), MOST_WEIGHT)
            found /= found.mean()
    return torch.from_numpy(found.astype(np.float32))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tenths:
    """A column in about ten parts: the part of each drawn row, and the real rows' shares."""

    part: NDArray[np.int64]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, pool: NDArray[np.float64], real: NDArray[np.float64]) -> Self:
        edges = np.unique(np.quantile(real, TENTHS, method="lower"))
        counts = np.bincount(np.searchsorted(edges, real), minlength=len(edges) + 1)
        return cls(part=np.searchsorted(edges, pool), shares=counts / len(real))

    def weighted(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The shares of weighted rows, weights of mean 1."""
        counts = np.bincount(self.part, weights, minlength=len(self.shares))
        return np.asarray(counts / len(weights), dtype=np.float64)

    def distance(self, weights: NDArray[np.float64]) -> float:
        """Total variation between weighted and real rows."""
        return float(np.abs(self.weighted(weights) - self.shares).sum() / 2)

    def wanted(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """By how much each row's weight is to change for the real shares, [n]."""
        have = self.weighted(weights)
        return np.divide(self.shares, have, out=np.ones_like(have), where=have > 0)[self.part]


@torch.no_grad()
def drawn(chain: ChainGenerator, condition: Tensor, seed: int, number: int, what: str) -> CodedRows:
    """A chain's row for each condition [n, condition_width or 0] at the address of a round."""
    device = chain.bias.device
    rng = generator_at(seed, "round", number, what, device=device)
    noise = torch.randn(len(condition), chain.noise_dim, generator=rng, device=device)
    return chain.draw(noise, condition.to(device), rng)


def matrix(columns: list[ChainColumn], rows: CodedRows) -> NDArray[np.float64]:
    """One number a column, float64 [n, columns]: the joint code, ascending with the number."""
    codes = rows.codes.cpu()
    return np.column_stack([column.joint(codes).numpy().astype(np.float64) for column in columns])


def _margins(verdict: Verdict | None, kept: CodedRows, held: CodedRows) -> dict[str, Any]:
    if verdict is None:
        return {}
    return {
        "kept_margin": verdict(kept).cpu().double().numpy(),
        "held_margin": verdict(held).cpu().double().numpy(),
    }


def _auc(sides: list[Side]) -> float:
    """Of the margins alone, on held-out rows; .5 without any."""
    if sides[0].held_margin is None or sides[1].held_margin is None:
        return 0.5
    margins = np.concatenate([side.held_margin for side in sides])
    return float(roc_auc_score(np.repeat([1, 0], [len(side.held) for side in sides]), margins))
