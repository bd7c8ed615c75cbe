"""Generated rows under a condition, beside the real rows that satisfy it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.markup import escape
from rich.table import Table

from tabgan.config.opening import Run
from tabgan.errors import TabganError
from tabgan.evaluation.gathering import RunData
from tabgan.metrics.chance import auc_band
from tabgan.metrics.detection import CHEAP_ROWS, MIN_ROWS, cheap_c2st_auc
from tabgan.metrics.drawing import draw_rows
from tabgan.report.reading import compared, read_like
from tabgan.sampling.draw import draw_chunks
from tabgan.sampling.refiner import Refiner
from tabgan.system.files import account_of, write_account
from tabgan.system.terminal import show
from tabgan.tables.conditions import all_match, read_where

log = logging.getLogger(__name__)

Scores = dict[str, Any]

DRAWS = 5  # subsets of the generated rows; the AUC of a few dozen rows swings


def refuse_check(cfg: DictConfig) -> None:
    """Refuse ``check=true`` where rows have conditions of their own.

    Raises:
        TabganError: with ``mix``, ``like`` or ``shards``.
    """
    for key in ("mix", "like", "shards"):
        if cfg.check and cfg[key] is not None:
            raise TabganError(f"check=true compares rows of one condition: leave out {key}")


def check_rows(
    run: Run,
    data: RunData,
    refiner: Refiner | None,
    out: Path,
    where: Mapping[str, str],
    *,
    seed: int,
) -> list[Scores]:
    """How well rows in ``out`` can be told from those of ``data`` that satisfy ``where``.

    Where real rows are too few for that, each of the wider conditions that leave one column out
    is looked at instead, with rows drawn for it. Prints ``matching_scores``, and adds them to
    ``<out>.json`` as ``check``.
    """
    schema = run.encoder.schema_
    names = compared(schema)
    tables: list[tuple[Mapping[str, str], pd.DataFrame]] = [(where, read_like(out, schema)[names])]
    n_real = sum(map(len, real_rows(data, where, names)))
    if n_real < MIN_ROWS:
        log.info("check: %d real rows satisfy %s: too few for a C2ST", n_real, _told(where))
        tables = []
        for name in where:
            wider = {column: asked for column, asked in where.items() if column != name}
            n = min(sum(map(len, real_rows(data, wider, names))) * DRAWS, CHEAP_ROWS)
            if n >= MIN_ROWS * DRAWS:
                drawn = draw_chunks(
                    run.module, run.encoder, n=n, seed=seed, where=wider, refiner=refiner
                )
                tables.append((wider, pd.concat(drawn, ignore_index=True)[names]))
    checks = [
        {"where": dict(asked)} | matching_scores(real_rows(data, asked, names), rows, seed=seed)
        for asked, rows in tables
    ]
    drawn_so = json.loads(account_of(out).read_text("utf-8"))
    write_account(out, drawn_so | {"real_rows": n_real, "check": checks})
    if checks:
        _tell(checks)
    return checks


def real_rows(
    data: RunData, where: Mapping[str, str], names: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that satisfy ``where``, those the training saw (validation included), and others."""
    asked = [*read_where(data.schema, where).values()]
    seen = pd.concat([data.train, data.validation], ignore_index=True)
    kept = [part[all_match(asked, part)][names] for part in (seen, data.test)]
    return kept[0].reset_index(drop=True), kept[1].reset_index(drop=True)


def matching_scores(
    real: tuple[pd.DataFrame, pd.DataFrame], synthetic: pd.DataFrame, *, seed: int
) -> Scores:
    """Scores of generated rows beside real ones of the same condition.

    ``c2st_auc`` in [.5, 1], .5 is best: the mean of ``cheap_c2st_auc`` over ``DRAWS`` subsets of
    as many generated as real rows, ``c2st_auc_spread`` their standard deviation; ``anchor_auc``
    the same of training rows against test rows, where both have ``MIN_ROWS``; ``chance_auc`` .5
    and two standard errors; ``real_rows`` and, among them, ``test_rows``.

    Raises:
        TabganError: when under ``MIN_ROWS`` real or generated rows are there.
    """
    seen, test = real
    n_test, both = len(test), pd.concat(real, ignore_index=True)
    n = min(len(both), len(synthetic), CHEAP_ROWS)
    aucs = [
        cheap_c2st_auc(
            draw_rows(both, n, seed, "matching", "real", i),
            draw_rows(synthetic, n, seed, "matching", "synthetic", i),
            seed + i,
        )
        for i in range(DRAWS)
    ]
    anchor = {}
    if min(len(seen), len(test)) >= MIN_ROWS:
        n_anchor = min(len(seen), len(test))
        seen, test = (draw_rows(part, n_anchor, seed, "matching", "anchor") for part in real)
        anchor = {"anchor_auc": cheap_c2st_auc(seen, test, seed)}
    return {
        "real_rows": len(both),
        "test_rows": n_test,
        "c2st_auc": float(np.mean(aucs)),
        "c2st_auc_spread": float(np.std(aucs)),
        "chance_auc": 0.5 + auc_band(n, n),
        **anchor,
    }


def _told(where: Mapping[str, str]) -> str:
    return " ".join(f"{name}={asked}" for name, asked in where.items()) or "all rows"


def _tell(checks: list[Scores]) -> None:
    table = Table(title="generated against real rows as asked", title_justify="left")
    table.add_column("where")
    for title in ("real rows", "of these test", "C2ST AUC", "chance up to", "real against real"):
        table.add_column(title, justify="right")
    for scores in checks:
        anchor = scores.get("anchor_auc")
        table.add_row(
            escape(_told(scores["where"])),
            f"{scores['real_rows']:,}",
            f"{scores['test_rows']:,}",
            f"{scores['c2st_auc']:.3f} ± {scores['c2st_auc_spread']:.3f}",
            f"{scores['chance_auc']:.3f}",
            "" if anchor is None else f"{anchor:.3f}",
        )
    show(table)
