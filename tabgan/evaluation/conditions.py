"""Generated rows under a condition, beside the real rows that satisfy it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.markup import escape
from rich.table import Table

from tabgan.config.opening import Run
from tabgan.errors import TabganError
from tabgan.evaluation.gathering import RunData, training_rows
from tabgan.metrics.chance import auc_band
from tabgan.metrics.detection import CHEAP_ROWS, MIN_ROWS, cheap_c2st_auc
from tabgan.metrics.drawing import draw_rows
from tabgan.report.reading import compared, read_like
from tabgan.sampling.draw import draw_chunks
from tabgan.sampling.refiner import Refiner
from tabgan.sampling.requests import Condition, Request
from tabgan.system.files import sidecar_of, write_sidecar
from tabgan.system.terminal import show
from tabgan.tables.conditions import Where, all_match, read_where

log = logging.getLogger(__name__)

Scores = dict[str, Any]

MOST_CONDITIONS = 100  # that training rows are looked through for
NO_ACCIDENT = 3.0  # rows that independent columns would have; e^-3 is the chance of none
NAMED = 3  # conditions in a message
DRAWS = 5  # subsets of the generated rows; the AUC of a few dozen rows swings


def refuse_check(cfg: DictConfig) -> None:
    """Refuse ``check=true`` where rows have conditions of their own.

    Raises:
        TabganError: with ``mix``, ``like`` or ``shards``.
    """
    for key in ("mix", "like", "shards"):
        if cfg.check and cfg[key] is not None:
            raise TabganError(f"check=true compares rows of one condition: leave out {key}")


def tell_support(
    run: Run,
    *,
    where: Where | None = None,
    mix: str | Mapping[Any, float] | None = None,
    like: Sequence[Where] | None = None,
    share: float | None = None,
) -> list[int]:
    """Report how many training rows satisfy each condition; a warning names those that none does.

    Conditions of ``like``, which say much of each row, are named where it is no accident: where
    independent columns would have 3 such rows at least. Nothing is said, and the list is empty,
    where classes alone are requested, where there are more than 100 conditions, or where the
    training table is no longer at hand as it was.

    Args:
        run: that rows are drawn from.
        where: what is requested of every row.
        mix: shares of the target's classes.
        like: one more condition per row.
        share: of the generator's rows, those as requested.
    """
    request = Request.read(run.encoder, where=where, mix=mix, like=like)
    conditions = request.conditions
    beyond = {name for requested in conditions for name in requested} - {run.encoder.schema.target}
    if not beyond or len(conditions) > MOST_CONDITIONS or (rows := training_rows(run)) is None:
        return []
    expected, counts = zip(*(_support(requested, rows) for requested in conditions), strict=True)
    least = 0.0 if like is None else NO_ACCIDENT
    unseen = [
        request.described(position)
        for position, count in enumerate(counts)
        if not count and expected[position] >= least
    ]
    if unseen:
        more = f", and {len(unseen) - NAMED} more such conditions" if len(unseen) > NAMED else ""
        made = "" if share is None else f" (it gives them a share of {share:.2g})"
        log.warning(
            "%s%s: none of the %s training and validation rows is like that; these are the "
            "generator's guess%s",
            "; ".join(unseen[:NAMED]), more, f"{len(rows):,}", made,
        )  # fmt: skip
    elif len(counts) == 1 and counts[0]:
        log.info(
            "%s of %s training and validation rows are like that",
            f"{counts[0]:,}", f"{len(rows):,}",
        )  # fmt: skip
    return list(counts)


def _support(requested: Condition, rows: pd.DataFrame) -> tuple[float, int]:
    """The rows that satisfy a condition if columns were independent, and those that do."""
    masks = [one.matches(rows[name]) for name, one in requested.items()]
    shares = [mask.mean() for mask in masks]
    return len(rows) * float(np.prod(shares)), int(np.logical_and.reduce(masks).sum())


def check_rows(
    run: Run,
    data: RunData,
    refiner: Refiner | None,
    out: Path,
    where: Mapping[str, str],
    *,
    seed: int,
) -> list[Scores]:
    """Compare rows in ``out`` with those of ``data`` that satisfy ``where``.

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
            wider = {column: requested for column, requested in where.items() if column != name}
            n = min(sum(map(len, real_rows(data, wider, names))) * DRAWS, CHEAP_ROWS)
            if n >= MIN_ROWS * DRAWS:
                drawn = draw_chunks(
                    run.module, run.encoder, n=n, seed=seed, where=wider, refiner=refiner
                )
                tables.append((wider, pd.concat(drawn, ignore_index=True)[names]))
    checks = [
        {"where": dict(requested)}
        | matching_scores(real_rows(data, requested, names), rows, seed=seed)
        for requested, rows in tables
    ]
    drawn_so = json.loads(sidecar_of(out).read_text("utf-8"))
    write_sidecar(out, drawn_so | {"real_rows": n_real, "check": checks})
    if checks:
        _tell(checks)
    return checks


def real_rows(
    data: RunData, where: Mapping[str, str], names: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that satisfy ``where``, those the training saw (validation included), and others."""
    requested = [*read_where(data.schema, where).values()]
    seen = pd.concat([data.train, data.validation], ignore_index=True)
    kept = [part[all_match(requested, part)][names] for part in (seen, data.test)]
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
    return " ".join(f"{name}={requested}" for name, requested in where.items()) or "all rows"


def _tell(checks: list[Scores]) -> None:
    table = Table(title="generated against real rows as requested", title_justify="left")
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
