"""The closed loop of ``sample score=…`` between a run and a black box, written to a file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig
from rich.progress import Progress

from tabgan.blackboxes.counter import QueryCounter
from tabgan.blackboxes.scored.closed_loop import (
    RANGES,
    ClosedLoopResult,
    closed_loop,
    proposer,
    requested_scores,
    scored_schema,
)
from tabgan.blackboxes.scored.querying import FITTED, given_box, own_box
from tabgan.config.opening import Run, chosen_refiner
from tabgan.errors import TabganError
from tabgan.evaluation.gathering import read_data
from tabgan.system.files import write_sidecar
from tabgan.system.terminal import error_console
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)


def box_of(choice: DictConfig | None, run: Run) -> QueryCounter:
    """The black box given on the command line, or else the one the run was trained against.

    Raises:
        TabganError: when there is neither, or it cannot be opened.
    """
    if choice is None:
        return own_box(run.config, run.folder)
    if choice["_target_"] != FITTED:
        return given_box(choice, run.encoder.schema_, seed=0)
    data = read_data(run)
    return given_box(choice, data.schema, seed=run.config.seed, train=data.train)


def refuse_others(cfg: DictConfig) -> None:
    """Refuse conditions beside ``score``.

    Raises:
        TabganError: naming the first of them.
    """
    for name in ("where", "mix", "like", "shards", "shard"):
        if cfg[name] is not None:
            raise TabganError(f"score={cfg.score} and {name}: give one of them")


def write_scored_rows(cfg: DictConfig, run: Run, out: Path, *, n: int) -> dict[str, Any]:
    """Write the rows that the box gives the scores requested, and beside them ``<out>.json``.

    Args:
        cfg: ``score``, ``seed``, ``tolerance``, ``budget``, ``refine``, ``blackbox``.
        run: a scored run, or any other, which proposes rows without knowing the scores.
        out: the file.
        n: rows requested.

    Returns:
        What the sidecar says.

    Raises:
        TabganError: for a score outside [0, 1], when no row came near, or when the black box
            failed on the way; what was kept until then is written first.
    """
    requested = requested_scores(cfg.score, n, cfg.seed)
    schema = scored_schema(run.encoder.schema_)
    propose = proposer(run.module, run.encoder, chosen_refiner(run, cfg.refine))
    box = box_of(cfg.get("blackbox"), run)
    limits = {"tolerance": cfg.tolerance, "budget": cfg.budget, "seed": cfg.seed}
    console = error_console()
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows kept", total=len(requested))
        found = closed_loop(
            propose, box, requested, **limits, report=lambda kept: bar.update(task, completed=kept)
        )
    kept = int(found.kept.sum())
    if not kept:
        why = found.failure or "; ".join(found.unreached())
        raise TabganError(f"no row came within {cfg.tolerance:g} of its score: {why}")
    write_table(out, found.table(), schema)
    sidecar = _sidecar(found, box, cfg)
    write_sidecar(out, sidecar)
    _tell(found, kept, out)
    if found.failure:
        raise TabganError(f"{found.failure}; the {kept} rows kept until then: {out}")
    return sidecar


def _sidecar(found: ClosedLoopResult, box: QueryCounter, cfg: DictConfig) -> dict[str, Any]:
    error = np.abs(found.obtained - found.requested)[found.kept]
    kept = int(found.kept.sum())
    return {
        "score": cfg.score,
        "blackbox": box.name,
        "seed": cfg.seed,
        "tolerance": cfg.tolerance,
        "asked": len(found.requested),
        "kept": kept,
        "queries": found.queries,
        "queries_per_kept_row": found.queries / kept,
        "mae": float(error.mean()),
        "ended": found.ended,
        "best_score_per_tenth": {
            f"{position / RANGES:.1f}": None if np.isnan(best) else float(best)
            for position, best in enumerate(found.best)
        },
        "unreached": found.unreached(),
    }


def _tell(found: ClosedLoopResult, kept: int, out: Path) -> None:
    log.info(
        "%s of %s rows, %s queries (%.2f a kept row); %s",
        f"{kept:,}", f"{len(found.requested):,}", f"{found.queries:,}", found.queries / kept,
        found.ended,
    )  # fmt: skip
    for line in found.unreached():
        log.warning("%s", line)
    log.info("the rows: %s", out)
