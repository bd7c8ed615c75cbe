"""The ranges of a configuration's numbers, for all commands."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from tabgan.errors import TabganError, as_requested

MOST_THREADS = max(256, os.cpu_count() or 1)  # far more than helps; the system refuses thousands


@dataclass(frozen=True)
class Range:
    """The numbers that a key may have.

    Attributes:
        least: the smallest.
        most: the largest, or None.
        whole: whether they are whole numbers.
        above: whether the smallest itself is too small.
        also: what the key may say instead.
    """

    least: float
    most: float | None = None
    whole: bool = True
    above: bool = False
    also: tuple[Any, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether ``value`` is one of them."""
        if any(type(value) is type(one) and value == one for one in self.also):
            return True
        if not isinstance(value, int if self.whole else int | float) or isinstance(value, bool):
            return False
        enough = value > self.least if self.above else value >= self.least
        return enough and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        ends = f" above {self.least:g}" if self.above else f", at least {self.least:g}"
        return kind + ends + ("" if self.most is None else f" and at most {self.most:g}")


class Truth:
    """True or false."""

    def holds(self, value: Any) -> bool:
        """Whether ``value`` is one of them."""
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


def whole(least: int, *also: Any, most: int | None = None) -> Range:
    """Whole numbers from ``least`` on, or what ``also`` says."""
    return Range(least, most, also=also)


def number(least: float, *also: Any, above: bool = False, most: float | None = None) -> Range:
    """Numbers from ``least`` on, or what ``also`` says."""
    return Range(least, most, whole=False, above=above, also=also)


RANGES: dict[str, Range | Truth] = {
    "seed": whole(0),
    "data.seed": whole(0),
    "callbacks.reseed.seed": whole(0),
    "threads": whole(1, most=MOST_THREADS),
    "data.batch_size": whole(2, "auto"),
    "encoder.levels": whole(0),
    "refiner.rounds": whole(0),
    "refiner.pool_factor": number(0, above=True),
    "model.lr": number(0),
    "model.critic_lr": number(0),
    "model.noise_dim": whole(0),
    "model.dropout": number(0, "auto", most=0.99),  # of 1 nothing is left
    "model.average": number(0, None, most=1),
    "model.likelihood_steps": whole(1, "auto"),
    "model.rounds": whole(0, "auto"),
    "model.scored_steps": whole(1, "auto"),
    "model.sharpening": whole(0),
    "model.score_grid": whole(2),
    "model.labels": whole(1),
    "model.even_labels": whole(0),
    "model.candidates": whole(1),
    "model.surrogate.n_trees": whole(1),
    "model.surrogate.max_depth": whole(1),
    "model.patience": whole(1),
    "model.weight_decay": number(0),
    "model.round_lr": number(0),
    "model.generator.hidden_dim": whole(1, "auto"),
    "model.generator.n_layers": whole(0),
    "model.generator.embed_dim": whole(1),
    "model.generator.octaves": whole(0),
    "model.generator.parents": whole(1),
    "model.generator.temperature": number(0, above=True),
    "model.critic.hidden_dim": whole(1),
    "model.critic.n_blocks": whole(0),
    "model.critic.octaves": whole(0, None),
    "model.critic.embed_dim": whole(1),
    "callbacks.panel.every_n_steps": whole(1),
    "callbacks.stopping.patience": whole(0),
    "callbacks.checkpoint.tolerance": number(0, "auto"),
    "callbacks.checkpoint.last_every": number(0),
    "logger.csv.flush_logs_every_n_steps": whole(1),
    "trainer.max_epochs": whole(1, "auto", None, -1),  # max_steps is the end
    "trainer.max_steps": whole(1, None, -1),  # max_epochs is
    "trainer.log_every_n_steps": whole(1, None),
    "trainer.check_val_every_n_epoch": whole(1, None),
    "trainer.reload_dataloaders_every_n_epochs": whole(0),
    "trainer.num_sanity_val_steps": whole(-1),
    "trainer.num_nodes": whole(1),
    "check": Truth(),
    "full_mle": Truth(),
    "resplit": Truth(),
    "tolerance": number(0, above=True),
    "budget": whole(1, None),
    "n": whole(1, None),
    "speed_rows": whole(1),
    "tune.startup": whole(0),
    "blackbox.n_estimators": whole(1),
}
LISTS = {"seeds": RANGES["seed"], "peer_seeds": RANGES["seed"]}  # of such numbers each


def check_numbers(cfg: DictConfig) -> None:
    """Refuse a seed, or a number of threads, rows, epochs or steps, that is none.

    Raises:
        TabganError: naming the key and what it may be.
    """
    for key, requested in RANGES.items():
        node = OmegaConf.select(cfg, key.rpartition(".")[0]) if "." in key else cfg
        name = key.rpartition(".")[2]
        if not isinstance(node, DictConfig) or name not in node:
            continue
        if not OmegaConf.is_missing(node, name) and not OmegaConf.is_interpolation(node, name):
            _check(key, node[name], requested)
    for key, requested in LISTS.items():
        for value in cfg.get(key) or []:
            _check(key, value, requested)


def _check(key: str, value: Any, requested: Range | Truth) -> None:
    value = OmegaConf.to_container(value) if isinstance(value, DictConfig | ListConfig) else value
    if not requested.holds(value):
        raise TabganError(f"{key}={as_requested(value)}: expected {requested}")
