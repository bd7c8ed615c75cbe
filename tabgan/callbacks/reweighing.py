"""The components' shares, put right now and then while a mixture generator trains."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from tabgan.errors import TabganError
from tabgan.modules.cgan import CGANModule
from tabgan.nets.mixture_generator import MixtureGenerator
from tabgan.sampling.density_ratio import MIN_REAL_ROWS, Split, chance, fit_ratio
from tabgan.sampling.refiner import Marginals
from tabgan.sampling.trees import Floats
from tabgan.seeding import generator_at, rng_at, seed_at
from tabgan.serving.datamodule import TableDataModule

log = logging.getLogger(__name__)

MOST_REAL_ROWS, LEAST_POOL_ROWS = 30_000, 5_000
POOL_FACTOR = 4  # generated rows per real one: some hundred for a component
DRAW_ROWS = 5_000
MOST_LOG_WEIGHT, MOST_LOG_RAKING = 4.0, 2.0  # of a generated row
PSEUDO_ROWS = 10.0  # of weight 1 that every component has besides: chance moves no share far


class Reweighing(pl.Callback):
    """Latent reweighting (Issenhuth et al. 2021) of the discrete part of the noise.

    The choice of a component has no gradient, so the shares p(k | class) stay what EM found,
    whatever the components have become. At some moments boosted trees tell training rows from
    generated ones; a generated row's weight is the density ratio they estimate, raked so that the
    columns' marginals match, and a component's share is multiplied by the mean weight of its rows,
    which is what a step of EM does. The rest of the training goes on from there.

    Without raking MAGIC's shape error rose from .8 to 3.9 %: trees find rows that are wrong
    anywhere, but not so surely those that are missing.

    A generator without shares is left alone, and so are tables of fewer than 200 training rows.
    Every draw has its own address.

    Args:
        seed: of the draws and the trees.
        at: when, as shares of the training's epochs in [0, 1), ascending.

    Raises:
        TabganError: for shares outside [0, 1).
    """

    def __init__(self, *, seed: int, at: Sequence[float]) -> None:
        if not all(0 <= share < 1 for share in at):
            raise TabganError(
                f"callbacks.reweighing.at={list(at)}: expected shares of the training, 0 up to "
                "below 1"
            )
        self.seed, self.at = seed, sorted(at)
        self.done = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        due = sum(trainer.current_epoch >= share * (trainer.max_epochs or 1) for share in self.at)
        if due > self.done:
            self.done = due
            self._reweigh(cast(Any, trainer).datamodule, cast(CGANModule, module))

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.done = state_dict["done"]

    @torch.no_grad()
    def _reweigh(self, data: TableDataModule, module: CGANModule) -> None:
        net = module.sampling_generator
        if data.train is None or len(data.train) < MIN_REAL_ROWS:
            return
        if not isinstance(net, MixtureGenerator):
            return
        order = rng_at(self.seed, "reweighing", "real").permutation(len(data.train))
        rows = data.train.iloc[order[:MOST_REAL_ROWS]]
        n_pool = max(POOL_FACTOR * len(rows), LEAST_POOL_ROWS)
        pool, places = self._draw(data, module, net, n_pool)
        real = data.encoder.numbers(rows)
        real_split, pool_split = Split.of(real), Split.of(pool)
        trees, auc = fit_ratio(
            real_split, pool_split, seed_at(self.seed, "reweighing", "trees", self.done)
        )
        if auc <= 0.5 + chance(real_split, pool_split):
            log.info("reweighing: the trees see nothing to put right (AUC %.3f)", auc)
            return
        weights = row_weights(trees.decision(pool), real, pool)
        before = net.component_shares().cpu()
        shares = reweighed(before, places, torch.from_numpy(weights))
        moved = (shares - before).abs().sum(dim=1).mean().item() / 2
        log.info("reweighing: AUC %.3f, %.1f %% of the shares move", auc, 100 * moved)
        for each in (net, module.generator):
            cast(MixtureGenerator, each).take_shares(shares)

    def _draw(
        self, data: TableDataModule, module: CGANModule, net: MixtureGenerator, n: int
    ) -> tuple[Floats, Tensor]:
        """Rows as numbers, float64 [n, n_columns], and class * K + component of each, int64 [n]."""
        rng = generator_at(self.seed, "reweighing", "pool", self.done, device=module.device)
        conditions = data.coded("sample")[1]
        numbers, places = [], []
        mode = net.training
        net.eval()
        for start in range(0, n, DRAW_ROWS):
            wanted = min(DRAW_ROWS, n - start)
            chosen = torch.randint(len(conditions), (wanted,), generator=rng, device=module.device)
            condition = conditions.to(module.device)[chosen]
            component = net.draw_components(condition, rng)
            noise = module.draw_noise(condition, rng)
            rows = net.draw_rows(component, *net.outputs(component, noise, condition), rng)
            numbers.append(data.encoder.decode_numbers(rows.cpu().numpy(), condition.cpu().numpy()))
            label = condition.argmax(dim=1) if condition.shape[1] else 0
            places.append((label * net.table.num_embeddings + component).cpu())
        net.train(mode)
        return np.concatenate(numbers), torch.cat(places)


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


def reweighed(shares: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Each share times the mean weight of its rows, float64 [classes, K]; each class adds up to 1.

    Shape:
        shares: [classes, K], p(k | class)
        places: int64 [n], class * K + component of every row
        weights: float64 [n], of mean 1
    """
    found = torch.bincount(places, minlength=shares.numel()).double() + PSEUDO_ROWS
    wanted = torch.bincount(places, weights, minlength=shares.numel()) + PSEUDO_ROWS
    moved = shares * (wanted / found).reshape(shares.shape)
    return moved / moved.sum(dim=1, keepdim=True)
