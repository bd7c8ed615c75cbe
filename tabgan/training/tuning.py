"""A study of settings: TPE proposes them, a median of others prunes, SQLite remembers."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from optuna.trial import TrialState
from rich.box import SIMPLE_HEAD
from rich.table import Table
from sqlalchemy import URL

from tabgan.config.composing import compose_run
from tabgan.config.overrides import as_typed, quote
from tabgan.config.sweeps import note_failure
from tabgan.data.datamodule import n_validation
from tabgan.errors import TabganError, check_keys, nearest
from tabgan.runs.provenance import read_record, table_hashes
from tabgan.seeding import seed_at
from tabgan.system.files import write_whole
from tabgan.system.locks import held
from tabgan.system.shell import command
from tabgan.system.signals import Interrupted
from tabgan.system.terminal import say, show
from tabgan.training.journey import train

log = logging.getLogger(__name__)

BATCH = "data.batch_size"
OWN = ("n_trials", "out", "tune")  # keys that are not train's
EVERY_TRIAL = ("refiner.rounds=0",)  # what is searched is the generator
REQUESTED = "tune.json"  # what the study in a folder is of
TO_PRUNE = 5  # trials finished before any is pruned
SHOWN = 10  # trials of the printed table
Space = dict[str, dict[str, Any]]


class Pruning(pl.Callback):
    """Tells the study each new value of ``monitor``, by the number of the look at it.

    Looks come every so many generator steps (``callbacks.panel``), whatever the batch size, so
    the third looks of two trials can be compared. The one before the first step is the first.

    Args:
        trial: of the study.
        monitor: the value to minimise.

    Raises:
        optuna.TrialPruned: when the trial is worse than the median of those before it.
    """

    def __init__(self, trial: optuna.Trial, monitor: str) -> None:
        self.trial, self.monitor = trial, monitor
        self.looks: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._report(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._report(trainer)

    def _report(self, trainer: pl.Trainer) -> None:
        value = float(trainer.callback_metrics.get(self.monitor, math.nan))
        if math.isnan(value) or value in self.looks[-1:]:
            return
        self.trial.report(value, len(self.looks))
        self.looks.append(value)
        if self.trial.should_prune():
            raise optuna.TrialPruned


@dataclass(frozen=True, kw_only=True)
class Search:
    """The search space of a study, and what it minimises.

    Attributes:
        overrides: those of ``tabgan.train`` that every trial has.
        space: per key, ``low`` and ``high`` (and ``log``), or ``choices``.
        monitor: the value to minimise.
        startup: trials at random before TPE.
        seed: of the proposals.
    """

    overrides: list[str]
    space: Space
    monitor: str
    startup: int
    seed: int

    def propose(self, trial: optuna.Trial) -> list[str]:
        """The overrides of a trial."""
        found = [
            _word(key, _suggest(trial, key, requested)) for key, requested in self.space.items()
        ]
        return [*EVERY_TRIAL, *self.overrides, *found]


def tune(cfg: DictConfig) -> optuna.Study:
    """Go on with the study in ``cfg.out`` until it has ``cfg.n_trials`` trials.

    A trial whose training diverged, could not be done or was killed is a failed one, and counts.
    The proposals depend on the seed and on the trials before, so a study that was killed and went
    on proposes as one that was not.

    Args:
        cfg: what ``conf/tune.yaml`` composes to.

    Returns:
        The study, with its trials.

    Raises:
        TabganError: for a search space that is none, a folder that holds another study or in
            which another process is at work, and when no trial was completed.
        Interrupted: when a signal stopped it.
    """
    search = _search(cfg)
    folder = Path(cfg.out or f"outputs/tune/{cfg.run_name}").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with held(folder):
        _check_table(folder, cfg)
        study = _open(folder, search)
        while (number := len(study.trials)) < cfg.n_trials:
            _sample_at(study, search, number)
            _try(study, search, folder, cfg.n_trials)
        study.trials_dataframe().to_csv(folder / "trials.csv", index=False)
    _tell(study, search, folder)
    return study


def _search(cfg: DictConfig) -> Search:
    requested: dict[str, Any] = OmegaConf.to_container(cfg.tune, resolve=True)  # type: ignore[assignment]
    check_keys(requested, ("monitor", "startup", "space"))
    if not isinstance(cfg.n_trials, int) or cfg.n_trials < 1:
        raise TabganError(f"n_trials={cfg.n_trials}: expected a whole number, at least 1")
    if not isinstance(requested.get("space"), dict):
        raise TabganError("tune.space: expected keys and their ranges, as conf/tune has them")
    for key, where in requested["space"].items():
        _check(cfg, key, where)
    _fit_batches(cfg, requested["space"])
    overrides = [word for word in HydraConfig.get().overrides.task if _key(word) not in OWN]
    return Search(overrides=overrides, seed=cfg.seed, **requested)


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~").partition(".")[0]


def _check(cfg: DictConfig, key: str, where: Any) -> None:
    """Refuse a key that no configuration has, and a range that is none."""
    *parents, last = key.split(".")
    node = OmegaConf.select(cfg, ".".join(parents)) if parents else cfg
    if not isinstance(node, DictConfig) or last not in node:
        names = node if isinstance(node, DictConfig) else cfg
        raise TabganError(f"tune.space: {key}: no such key; {nearest(last, names)}")
    is_range = isinstance(where, dict) and {"low", "high"} <= set(where) <= {"low", "high", "log"}
    if is_range and 0 <= where["low"] < where["high"] and (where["low"] or not where.get("log")):
        return
    if isinstance(where, dict) and set(where) == {"choices"} and where["choices"]:
        return
    raise TabganError(
        f"tune.space: {key}: expected low < high, above 0 with log: true, or choices; got {where}"
    )


def _fit_batches(cfg: DictConfig, space: Space) -> None:
    """Leave out of ``space`` the batches that are larger than the training part of the table.

    Raises:
        TabganError: when the table cannot be read, or all batches are larger.
    """
    sizes = space.get(BATCH, {}).get("choices")
    if sizes is None:
        return
    data = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
    if data.balance or data.is_out_of_core:  # more rows, and too many to count
        return
    n_rows = len(data.read()[0])
    n_train = n_rows - n_validation(n_rows)
    fitting = [size for size in sizes if not isinstance(size, int) or size <= n_train]
    if not fitting:
        raise TabganError(f"tune.space: {BATCH}: {sizes} are all more than the {n_train} rows")
    if left_out := [size for size in sizes if size not in fitting]:
        log.info("%s: %s left out, more than the %s training rows", BATCH, left_out, n_train)
        space[BATCH] = {"choices": fitting}


def _suggest(trial: optuna.Trial, key: str, where: Mapping[str, Any]) -> Any:
    if "choices" in where:
        return trial.suggest_categorical(key, where["choices"])
    return trial.suggest_float(key, where["low"], where["high"], log=bool(where.get("log")))


def _word(key: str, value: Any) -> str:
    return f"{key}={quote(value) if isinstance(value, str) else json.dumps(value)}"


def _open(folder: Path, search: Search) -> optuna.Study:
    """The study in ``folder``; its trials that were killed have failed."""
    requested = json.loads(json.dumps(vars(search)))
    path = folder / REQUESTED
    before = json.loads(path.read_text("utf-8")) if path.is_file() else requested
    if changed := [key for key in requested if before.get(key) != requested[key]]:
        raise TabganError(
            f"{folder}: holds a study of other {', '.join(changed)}: {before.get(changed[0])}; "
            "give out=<another folder>"
        )
    write_whole(path, json.dumps(requested, indent=2) + "\n")
    study = optuna.create_study(
        storage=URL.create("sqlite", database=str(folder / "study.db")).render_as_string(),
        study_name="tune",
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=TO_PRUNE, n_warmup_steps=1),
        load_if_exists=True,
    )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # the folder is ours alone
        study.tell(trial.number, state=TrialState.FAIL)
        log.info("trial %s was killed: it has failed", trial.number)
    return study


def _check_table(folder: Path, cfg: DictConfig) -> None:
    """Refuse to go on with another table than the one of the first trial.

    Of a table out of core the trials' own caches check it.
    """
    before = read_record(folder / "0")
    if before is None or "content" in before:
        return
    data = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
    now = table_hashes(*data.read())
    if any(before.get(key) != known for key, known in now.items()):
        raise TabganError(
            f"{folder}: holds a study of another table than {cfg.data.path or cfg.data.name}; "
            "give out=<another folder>"
        )


def _sample_at(study: optuna.Study, search: Search, number: int) -> None:
    """Proposals by address: those of trial ``number``, whatever this process drew before."""
    seed = seed_at(search.seed, "tune", number) % 2**32
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=search.startup)


def _try(study: optuna.Study, search: Search, folder: Path, n_trials: int) -> None:
    trial = study.ask()
    overrides, own = search.propose(trial), folder / str(trial.number)
    callback = Pruning(trial, search.monitor)
    state, value = TrialState.FAIL, None
    try:
        with _quiet():
            train(compose_run(overrides, own), own, callbacks=[callback])
        value, state = _lowest(callback, search.monitor), TrialState.COMPLETE
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except Interrupted as stopped:
        kept = "; ".join(filter(None, [stopped.kept, "the same command goes on with the study"]))
        raise Interrupted(stopped.signum, kept) from stopped
    except Exception as error:  # a trial that fails is a result, whatever it fails of
        note_failure(own, error)
        log.info("trial %s: %s", trial.number, error)
    study.tell(trial, value, state=state)
    looks = callback.looks
    said = f"lowest {min(looks):.4f}, last {looks[-1]:.4f}" if looks else "no look"
    log.info("trial %s of %s: %s, %s", trial.number, n_trials, state.name.lower(), said)


def _lowest(callback: Pruning, monitor: str) -> float:
    if not callback.looks:
        raise TabganError(f"tune.monitor={monitor}: nothing has logged it")
    return min(callback.looks)


@contextmanager
def _quiet() -> Iterator[None]:
    """Of a trial only warnings are said."""
    package, level = logging.getLogger("tabgan"), logging.getLogger("tabgan").level
    package.setLevel(logging.WARNING)
    try:
        yield
    finally:
        package.setLevel(level)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _tell(study: optuna.Study, search: Search, folder: Path) -> None:
    """Print the best trials, and the command that trains the first of them whole."""
    done = study.get_trials(states=(TrialState.COMPLETE,))
    if not done:
        raise TabganError(f"none of {len(study.trials)} trials of {folder} was completed")
    shown = Table(title=f"{len(study.trials)} trials", title_justify="left", box=SIMPLE_HEAD)
    for name in ("trial", f"lowest {search.monitor}", *search.space):
        shown.add_column(name, justify="right")
    for trial in sorted(done, key=lambda trial: trial.values[0])[:SHOWN]:
        cells = [_text(trial.params[key]) for key in search.space]
        shown.add_row(str(trial.number), f"{trial.value:.4f}", *cells)
    show(shown)
    states = [trial.state.name.lower() for trial in study.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    best = [_word(key, value) for key, value in study.best_params.items()]
    again = command("train", *as_typed([*search.overrides, *best]))
    for line in (
        f"{counts}; {folder / 'trials.csv'}",
        f"the best of them, whole: {again}",
        f"side by side: {command('compare', folder)}",
    ):
        say(line)
