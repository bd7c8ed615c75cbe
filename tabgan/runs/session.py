"""One training's session: seeds and threads, best weights, metrics, preview."""

from __future__ import annotations

import json
import logging
import os
import random
import time
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pytorch_lightning import Trainer, seed_everything
from pytorch_lightning.loggers import Logger, TensorBoardLogger
from rich.markup import escape
from rich.table import Table
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch.utils.tensorboard.summary import hparams

from tabgan.data.datamodule import TableDataModule
from tabgan.encoding.choice import in_words
from tabgan.encoding.state import save_state
from tabgan.encoding.table import TableEncoder
from tabgan.metrics.chance import auc_band
from tabgan.metrics.detection import CHEAP_ROWS
from tabgan.models.protocol import RowModel
from tabgan.runs.callbacks.checkpoint import BestAndLast
from tabgan.runs.card import write_card
from tabgan.runs.checkpoints import load_weights
from tabgan.runs.folder import FINISHED
from tabgan.runs.memory import (
    Sizes,
    check_memory,
    count_parameters,
    estimate,
    learning_nets,
)
from tabgan.sampling.draw import class_weights, draw_chunks, draw_numbers, enforced
from tabgan.sampling.refiner import Refiner
from tabgan.seeding import seed32
from tabgan.system.arithmetic import compute_with
from tabgan.system.files import write_whole
from tabgan.system.ranks import hush_others
from tabgan.system.terminal import fits, show
from tabgan.tables import profile
from tabgan.tables.dates import CLOCK_DAY, format_dates
from tabgan.tables.schema import TableSchema
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

FOREIGN_WARNINGS = (
    ".*isinstance\\(treespec, LeafSpec\\).*",  # Lightning 2.6 on torch 2.13
    ".*in eval mode at the start of training.*",  # the moving average, on purpose
    ".*but have no `validation_step`.*",  # a RowModel needs none
    ".*smaller than the logging interval.*",  # steps are counted over epochs, so curves do come
    ".*`.*sync_dist=True.*",  # processes that train together measure the same
    ".*Previous log files in this directory will be deleted.*",  # a resumed run writes them again
)
SEED_MARKS = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS")  # which Lightning leaves in the environment
PREVIEW_ROWS = 100
ROW_WIDTH = 200  # characters of a row that is printed as a line, even where a terminal has less
TURNED_ROWS = 4  # shown of a table whose columns are printed as lines
CLOCK = {"begun": time.perf_counter()}  # set by begin, read by save_metrics
METRICS = (
    "val/c2st_auc",
    "val/generator_loss",
    "val/critic_loss",
    "train/generator_loss",
    "train/critic_loss",
)


def begin(*, seed: int, threads: int) -> None:
    """Seed everything, and keep torch to ``threads`` threads and Lightning to our own words."""
    CLOCK["begun"] = time.perf_counter()
    hush_others()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in FOREIGN_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    compute_with(threads)
    seed_everything(seed32(seed), workers=True, verbose=False)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put back at the end what ``begin`` sets: random states, threads, warnings, levels."""
    lightning = logging.getLogger("pytorch_lightning")
    level, python = lightning.level, random.getstate()
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    numpy = np.random.get_state()  # noqa: NPY002 - seed_everything seeds the old generator
    marks = {name: os.environ.get(name) for name in SEED_MARKS}
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        lightning.setLevel(level)
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for name, value in marks.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def keep_best(trainer: Trainer, module: RowModel) -> float | None:
    """Put the best weights back.

    Returns:
        The best value of what the checkpoint callback watches, for sweepers; None without one.
    """
    checkpoint = trainer.checkpoint_callback
    if not isinstance(checkpoint, BestAndLast):
        return None
    if checkpoint.best_path is not None:
        load_weights(module, checkpoint.best_path)
        log.info("weights kept: those of step %s, %s", checkpoint.best_step, checkpoint.best_path)
        if checkpoint.best_step == 0 and trainer.global_step > 0:
            log.warning(
                "none of the %s training steps lowered %s: the weights kept are those that the "
                "training started from", f"{trainer.global_step:,}", checkpoint.monitor,
            )  # fmt: skip
    else:
        log.info("%s was never measured: the last weights are kept", checkpoint.monitor)
    return checkpoint.best_score


def fit_refiner(
    module: RowModel,
    datamodule: TableDataModule,
    folder: Path,
    *,
    seed: int,
    device: object,
    rounds: int,
    pool_factor: float,
) -> Refiner | None:
    """Fit boosted rejection on training rows and write ``refiner/``; None where it has no use."""
    if not rounds or datamodule.train is None:
        return None
    encoder = datamodule.encoder
    if encoder.is_masked:
        log.info(
            "no refinement: trees would tell training rows by their missing cells (encoder.missing)"
        )
        return None
    weights = class_weights(encoder, {})
    rules = enforced(module, encoder)

    def draw(n: int, position: int) -> NDArray[np.float64]:
        address = (seed, "refiner", position)
        rows = draw_numbers(module, encoder, n=n, address=address, weights=weights)
        return rows[rules.kept(rows)]

    real = encoder.numbers(datamodule.train)
    refiner = Refiner().fit(
        real,
        draw,
        rounds=rounds,
        pool_factor=pool_factor,
        seed=seed,
        held=datamodule.unseen,
        device=device,
        progress=log.info,
    )
    if refiner.is_idle:
        log.log(
            logging.INFO if refiner.is_needless_ else logging.WARNING,
            "%s: %s; sample gives rows as they are drawn",
            "no refinement is needed" if refiner.is_needless_ else "no refinement",
            refiner.reason_ or "it found nothing to refine",
        )
        return None
    save_state(folder / "refiner", refiner.state())
    return refiner


def finish(
    trainer: Trainer,
    module: RowModel,
    encoder: TableEncoder,
    refiner: Refiner | None,
    folder: Path,
    *,
    seed: int,
    n_validation: int,
) -> None:
    """Write a preview, metrics, which mark the run as finished, and a model card; show rows."""
    rows = preview(module, encoder, refiner, folder, seed=seed)
    save_metrics(trainer, folder)
    write_card(folder)
    show_rows(rows.head(10), "generated rows", encoder.schema_)
    if isinstance(trainer.checkpoint_callback, BestAndLast):
        log.info("result, %s", result(trainer.checkpoint_callback.best_metrics, n_validation))
    log.info("the run folder: %s", folder)


def result(metrics: Mapping[str, float], n_validation: int) -> str:
    """How good generated rows are beside validation rows: fidelity, dependence, copies."""
    said = []
    if "val/c2st_auc" in metrics:
        n_rows = min(n_validation, CHEAP_ROWS)  # of a wide table fewer, and chance is more
        auc, band = f"{metrics['val/c2st_auc']:.3f}", f"{auc_band(n_rows, n_rows):.3f}"
        said.append(
            f"generated rows are told from real ones with AUC {auc} (.5 is not at all, and chance "
            f"alone gives .5 ± {band.removeprefix('0')})"
        )
    if "val/trend_error" in metrics:
        said.append(f"pairs of columns are off by {metrics['val/trend_error']:.1f} %")
    if "val/duplicate_rate" in metrics:
        said.append(f"{metrics['val/duplicate_rate']:.1%} of the rows are training rows")
    return (
        f"beside {n_validation:,} validation rows: "
        f"{'; '.join(said) or 'too few of them to measure'}"
    )


def save_map(encoder: TableEncoder, folder: Path) -> None:
    """Write ``schema.json`` and ``encoder/`` into a run folder."""
    encoder.schema_.save(folder / "schema.json")
    encoder.save(folder / "encoder")


def save_plan(planned: dict[str, float], folder: Path) -> None:
    """Write ``plan.json``, what ``auto`` became, and say it."""
    write_whole(folder / "plan.json", json.dumps(planned, indent=2) + "\n")
    chosen = ", ".join(
        f"{key}={'null' if value is None else value}" for key, value in planned.items()
    )
    log.info("settings chosen for this table (auto): %s", chosen)


def describe(encoder: TableEncoder) -> None:
    """Say what is about to be learned: the columns, and how each is encoded."""
    if log.isEnabledFor(logging.INFO):
        words = {name: in_words(encoding) for name, encoding in encoder.encodings_.items()}
        show(profile.describe(encoder.schema, words))


def check_size(sizes: Sizes, memory_limit: float | None) -> None:
    """Say how large the training will be.

    Raises:
        TabganError: when it would take more memory than there is (``runs.memory``).
    """
    check_memory(sizes, memory_limit)
    log.info("%s", estimate(sizes))


def record_configuration(
    loggers: list[Logger], config: dict[str, Any], text: str, *, first: Collection[str] = ()
) -> None:
    """Give every logger the hyperparameters; TensorBoard also the configuration as text.

    TensorBoard's HPARAMS tab is filled before training, so that an interrupted run is in it too;
    the metrics named there are the curves themselves.

    Args:
        loggers: of the run.
        config: nested, as plain data.
        text: the whole configuration as YAML.
        first: keys that the tab shows before the others, of which it shows a few alone: the
            command line of the run, a sweep's own overrides among it.
    """
    flat = {key: value for key, value in _flat(config) if value is not None}
    for logger in loggers:
        if not isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(flat)
            continue
        summaries = hparams(flat, dict.fromkeys(METRICS, 0.0))
        _put_first(summaries[0], first)
        for summary in summaries:
            logger.experiment.file_writer.add_summary(summary)
        logger.experiment.add_text("configuration", f"```yaml\n{text}\n```")


def _put_first(experiment: Summary, keys: Collection[str]) -> None:
    """TensorBoard sorts its columns by whether they differ between runs, then by name."""
    stored = experiment.value[0].metadata.plugin_data
    read = HParamsPluginData.FromString(stored.content)
    for column in read.experiment.hparam_infos:
        column.differs = column.name in keys
    stored.content = read.SerializeToString()


def save_metrics(
    trainer: Trainer, folder: Path, *, also: Mapping[str, float] | None = None
) -> None:
    """Write ``metrics.json``: the last value of every curve, what is ``also`` known, and the run.

    ``seconds`` are those since ``begin``: of a resumed run, those since it was resumed.
    """
    curves = {name: float(value) for name, value in trainer.callback_metrics.items()}
    best = None
    if isinstance(checkpoint := trainer.checkpoint_callback, BestAndLast):
        curves, best = checkpoint.last_metrics(trainer), checkpoint.best_step
    facts = {
        **({} if best is None else {"best_step": best}),
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "seconds": round(time.perf_counter() - CLOCK["begun"], 1),
    }
    nets = learning_nets(trainer.lightning_module.named_children())
    facts |= {f"{name}_parameters": count_parameters(nets[name]) for name in sorted(nets)}
    write_whole(folder / FINISHED, json.dumps(curves | dict(also or {}) | facts, indent=2) + "\n")


def preview(
    module: RowModel,
    encoder: TableEncoder,
    refiner: Refiner | None,
    folder: Path,
    *,
    seed: int,
) -> pd.DataFrame:
    """Write ``samples/preview.csv`` and give its rows back."""
    (rows,) = draw_chunks(module, encoder, n=PREVIEW_ROWS, seed=seed, refiner=refiner)
    (folder / "samples").mkdir(exist_ok=True)
    write_table(folder / "samples" / "preview.csv", rows, encoder.schema_)
    return rows


def show_rows(rows: pd.DataFrame, title: str, schema: TableSchema | None = None) -> None:
    """Print a few rows as a table, where the log's lines are shown at all.

    A row is a line; of a table that is too wide for that, a column is one, with what the first
    rows have there. Dates stand in the form that the schema has for them.
    """
    if not log.isEnabledFor(logging.INFO):
        return
    shown = rows.assign(
        **{name: _days(rows[name], schema) for name in rows.select_dtypes("datetime")}
    )
    cells = [
        ["?" if pd.isna(value) else escape(f"{value}") for value in row]
        for row in shown.astype(object).to_numpy()
    ]
    names = [escape(str(name)) for name in rows.columns]
    table = Table(title=escape(title), title_justify="left", padding=(0, 1, 0, 0), box=None)
    for name, dtype in zip(names, rows.dtypes, strict=True):
        numeric = pd.api.types.is_numeric_dtype(dtype)
        table.add_column(name, justify="right" if numeric else "left")
    for row in cells:
        table.add_row(*row)
    if fits(table, least=ROW_WIDTH):
        show(table, least=ROW_WIDTH)
        return
    turned = Table(title=escape(title), title_justify="left", padding=(0, 1, 0, 0), box=None)
    for heading in (
        "column",
        *(f"row {position + 1}" for position in range(len(cells[:TURNED_ROWS]))),
    ):
        turned.add_column(heading)
    for name, *values in zip(names, *cells[:TURNED_ROWS], strict=True):
        turned.add_row(name, *values)
    show(turned)


def _days(dates: pd.Series, schema: TableSchema | None) -> pd.Series:
    """Dates in their form; without one, without a time of day where none has one.

    Clock times are without their day.
    """
    form = None if schema is None else schema[str(dates.name)].date_format
    if form is not None:
        return pd.Series(format_dates(dates, form).to_pylist(), index=dates.index)
    if (dates.dropna().dt.date == CLOCK_DAY).all():
        return dates.dt.time
    is_whole = (dates.dt.normalize() == dates)[dates.notna()].all()
    return dates.dt.date if is_whole else dates


def _flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{key}.")
        elif not key.startswith("_"):
            plain = isinstance(value, bool | int | float | str) or value is None
            pairs.append((prefix + key, value if plain else json.dumps(value)))
    return pairs
