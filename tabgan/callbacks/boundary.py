"""Boosted trees as a second critic, whose verdict a mixture generator follows by likelihood."""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError
from tabgan.losses.boundary import boundary_loss
from tabgan.modules.cgan import CGANModule, total_steps
from tabgan.nets.likelihood import RowDistribution
from tabgan.nets.mixture_generator import MixtureGenerator
from tabgan.sampling.density_ratio import MIN_REAL_ROWS, Split, chance, fit_ratio
from tabgan.sampling.refiner import Marginals
from tabgan.sampling.trees import Floats
from tabgan.seeding import generator_at, rng_at, seed_at
from tabgan.serving.datamodule import TableDataModule

log = logging.getLogger(__name__)

STEPS_PER_ROUND = 100  # of the training, at least: a short one has fewer rounds
MOST_REAL_ROWS, LEAST_POOL_ROWS = 30_000, 5_000
POOL_FACTOR = 4  # generated rows per real one: some hundred for a component
DRAW_ROWS = 5_000
STEPS, LEAST_BATCH, MOST_BATCH = 200, 100, 1_000  # of the pass over the pool; rows of a step
MOST_LOG_WEIGHT, MOST_LOG_RAKING = 4.0, 2.0  # of a generated row
MOST_WEIGHT = 6.0  # of a row among those of its component, in the likelihood
PSEUDO_ROWS = 10.0  # of weight 1 that every component has besides: chance moves no share far


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Generated rows, and what they were drawn from.

    Attributes:
        component: int64 [n].
        noise: [n, noise_dim].
        condition: [n, condition_width].
        rows: n coded rows.
        numbers: the rows decoded, float64 [n, n_columns].
        places: class * K + component, int64 [n] on the CPU.
    """

    component: Tensor
    noise: Tensor
    condition: Tensor
    rows: CodedRows
    numbers: Floats
    places: Tensor


class BoundarySeeking(pl.Callback):
    """Boundary-seeking rounds (Hjelm et al. 2018), with boosted trees as the critic.

    Slopes through straight-through one-hots are biased, and the choice of a component has none.
    But a row's likelihood given component and noise is known, so a generator can follow weights
    instead. In each round trees tell training rows from generated ones; a generated row's weight
    is the density ratio that they estimate, raked so that the columns' marginals match. A
    component's share is multiplied by the mean weight of its rows, which is what a step of EM
    does (latent reweighting; Issenhuth et al. 2021), and one pass over the rows by Adam moves all
    other weights by ``boundary_loss``. Generator and moving average both go on from there.

    Without raking MAGIC's shape error rose from .8 to 3.9 %: trees find rows that are wrong
    anywhere, but not so surely those that are missing.

    A generator that is no mixture is left alone, and so are tables of fewer than 200 training
    rows, and rows that the trees cannot tell from real ones. Every draw has its own address.

    Args:
        seed: of the draws and the trees.
        rounds: at most so many, evenly over the training from ``after`` on; 0 for none.
        after: of the training, as a share in [0, 1): when the first round comes.
        lr: Adam's rate in the first round; it falls linearly towards 0 behind the last.

    Raises:
        TabganError: for numbers outside these ranges.
    """

    def __init__(self, *, seed: int, rounds: int, after: float, lr: float) -> None:
        if rounds < 0 or lr < 0 or not 0 <= after < 1:
            raise TabganError(
                f"callbacks.boundary: rounds={rounds}, after={after}, lr={lr}: expected rounds "
                "and a rate of at least 0, and a share of the training from 0 up to below 1"
            )
        self.seed, self.rounds, self.after, self.lr = seed, rounds, after, lr
        self.done = 0

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        total = total_steps(trainer)
        rounds = min(self.rounds, total // STEPS_PER_ROUND)
        due = self.after + (1 - self.after) * self.done / max(rounds, 1)
        if self.done < rounds and trainer.global_step >= due * total:
            self._round(cast(Any, trainer).datamodule, cast(CGANModule, module), rounds)
            self.done += 1

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.done = state_dict["done"]

    def _round(self, data: TableDataModule, module: CGANModule, rounds: int) -> None:
        drawn_from = module.sampling_generator
        if data.train is None or len(data.train) < MIN_REAL_ROWS:
            return
        if not isinstance(drawn_from, MixtureGenerator):
            return
        net = deepcopy(drawn_from).eval()
        order = rng_at(self.seed, "boundary", "real", self.done).permutation(len(data.train))
        real = data.encoder.numbers(data.train.iloc[order[:MOST_REAL_ROWS]])
        pool = self._draw(data, module, net, max(POOL_FACTOR * len(real), LEAST_POOL_ROWS))
        sides = Split.of(real), Split.of(pool.numbers)
        trees, auc = fit_ratio(*sides, seed_at(self.seed, "boundary", "trees", self.done))
        said = f"round {self.done + 1} of {rounds}: AUC {auc:.3f}"
        if auc <= 0.5 + chance(*sides):
            log.info("%s, nothing to put right", said)
            return
        weights = torch.from_numpy(row_weights(trees.decision(pool.numbers), real, pool.numbers))
        before = net.component_shares().cpu()
        shares, means = reweighed(before, pool.places, weights)
        moved = (shares - before).abs().sum(dim=1).mean().item() / 2
        log.info("%s, %.1f %% of the shares move", said, 100 * moved)
        inside = (weights / means[pool.places]).float().clamp(max=MOST_WEIGHT)
        learner = deepcopy(net).requires_grad_(True)
        learner.take_shares(shares)
        self._follow(
            learner, net, pool, inside.to(module.device), self.lr * (1 - self.done / rounds)
        )
        for each in (drawn_from, module.generator):
            each.load_state_dict(learner.state_dict())

    @torch.no_grad()
    def _draw(
        self, data: TableDataModule, module: CGANModule, net: MixtureGenerator, n: int
    ) -> Pool:
        rng = generator_at(self.seed, "boundary", "pool", self.done, device=module.device)
        known = data.coded("sample")[1].to(module.device)
        condition = known[torch.randint(len(known), (n,), generator=rng, device=module.device)]
        component = net.draw_components(condition, rng)
        noise = module.draw_noise(condition, rng)
        rows = CodedRows.empty(n, net.layout, device=module.device)
        for start in range(0, n, DRAW_ROWS):
            some = slice(start, start + DRAW_ROWS)
            outputs = net.outputs(component[some], noise[some], condition[some])
            rows.write(start, net.draw_codes(component[some], *outputs, rng))
        classes = condition.argmax(dim=1) if condition.shape[1] else torch.zeros_like(component)
        decoded = rows.to(torch.device("cpu")), condition.cpu().numpy()
        return Pool(
            component=component,
            noise=noise,
            condition=condition,
            rows=rows,
            numbers=data.encoder.decode_numbers(*decoded),
            places=(classes * net.table.num_embeddings + component).cpu(),
        )

    def _follow(
        self,
        learner: MixtureGenerator,
        net: MixtureGenerator,
        pool: Pool,
        weights: Tensor,
        lr: float,
    ) -> None:
        """One pass of ``learner`` over the rows that ``net``, its equal, has drawn."""
        optimizer = torch.optim.Adam(learner.parameters(), lr=lr, betas=(0.9, 0.99), fused=True)
        order = rng_at(self.seed, "boundary", "order", self.done).permutation(len(weights))
        size = min(max(len(order) // STEPS, LEAST_BATCH), MOST_BATCH)
        for places in torch.from_numpy(order).to(weights.device).split(size):
            given = pool.component[places], pool.noise[places], pool.condition[places]
            with torch.no_grad():
                before = RowDistribution.of(net, given[0], *net.outputs(*given))
            now = RowDistribution.of(learner, given[0], *learner.outputs(*given))
            likelihood = now.log_likelihood(pool.rows.at(places))
            expected = now.expected_log_likelihood(before)
            optimizer.zero_grad()
            boundary_loss(weights[places], likelihood, expected).backward()
            optimizer.step()


def row_weights(log_odds: Floats, real: Floats, pool: Floats) -> Floats:
    """How much more often each generated row should come, float64 [n] of mean 1.

    Args:
        log_odds: of the generated rows being real, float64 [n].
        real: float64 [m, n_columns], whose marginals the weighted rows get.
        pool: the generated rows, float64 [n, n_columns].
    """
    weights = np.exp(np.clip(log_odds, -MOST_LOG_WEIGHT, MOST_LOG_WEIGHT))
    raking = Marginals.fit(real, pool, weights).log_weights_of(pool)
    weights = weights * np.exp(np.clip(raking, -MOST_LOG_RAKING, MOST_LOG_RAKING))
    raked: Floats = weights / weights.mean()
    return raked


def reweighed(shares: Tensor, places: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Each share times the mean weight of its rows, each class adding up to 1; and those means.

    Shape:
        shares: float64 [classes, K], p(k | class)
        places: int64 [n], class * K + component of every row
        weights: float64 [n], of mean 1
        returns: float64 [classes, K]; float64 [classes * K], of a few rows drawn to 1
    """
    found = torch.bincount(places, minlength=shares.numel()).double() + PSEUDO_ROWS
    wanted = torch.bincount(places, weights, minlength=shares.numel()) + PSEUDO_ROWS
    means = wanted / found
    moved = shares * means.reshape(shares.shape)
    return moved / moved.sum(dim=1, keepdim=True), means
