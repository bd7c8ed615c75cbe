"""One contestant on one table with one seed: fitted, sampled, timed and judged, each step once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from tabgan.metrics.boosting import detector_name
from tabgan.metrics.comparison import Comparison
from tabgan.metrics.panel import evaluate_real_rows, evaluate_tables
from tabgan.metrics.privacy import dcr_share
from tabgan.metrics.registry import METRICS
from tabgan.studies.cells import Cell, Figures, digest, open_cell
from tabgan.studies.contestants import RAW, Contestant
from tabgan.studies.prepared import Prepared
from tabgan.system.locks import held

Line = dict[str, Any]
ANCHOR = "anchor"
ANCHORS = ("real test rows", "independent columns")
CELLS = "cells"  # the cache's folder of them
JUDGE_SEED = 0  # the evaluator's, the same for every seed of a training


class Judge(NamedTuple):
    """A judge that gives figures to rows.

    Attributes:
        name: of the step that keeps what it gave.
        rows: figures of a table's synthetic rows.
        real: the ceiling: figures of its real test rows.
    """

    name: str
    rows: Callable[[Comparison], Figures]
    real: Callable[[Comparison], Figures]


PANEL = Judge(
    name="scores",
    rows=lambda rows: evaluate_tables(rows)[0],
    real=lambda rows: evaluate_real_rows(rows)[0],
)


def contest(
    contestant: Contestant, table: Prepared, *, seed: int, cache: Path, speed_rows: int,
    half: Prepared | None = None, judge: Judge = PANEL,
) -> list[Line]:  # fmt: skip
    """A line of figures for each kind of rows that the contestant makes.

    ``wall``, ``cpu`` (seconds) and ``peak_mb`` (of processes of their own) are those of fitting and
    of writing as many rows as there are training rows, from the file to the rows, starts of
    processes included; ``rows_per_second`` is that of drawing and writing ``speed_rows`` rows; then
    the judge's, and ``dcr_share`` where it is fitted again on half of the rows.

    Args:
        contestant: who makes rows.
        table: what it learns and is judged on.
        seed: of its training and its sampling.
        cache: its ``cells/`` are where the steps that are done lie.
        speed_rows: rows to time; 0 leaves the speed out.
        half: the training rows cut in two (``prepared.halved``); None leaves the DCR share out.
        judge: ``PANEL`` gives the metrics of ``panel.evaluate_tables``.

    Raises:
        HeldError: when another process is at work on the same.
    """
    cell = _cell(contestant, table, seed, cache)
    with held(cell.folder):
        lines = _contested(cell, contestant, table, seed, speed_rows, judge)
    if half is None:
        return lines
    cell = _cell(contestant, half, seed, cache)
    with held(cell.folder):
        shares = _dcr_shares(cell, contestant, half, seed)
    return [line | shares.get(line["rows"], {}) for line in lines]


def _cell(contestant: Contestant, table: Prepared, seed: int, cache: Path) -> Cell:
    return open_cell(
        cache / CELLS, contestant=contestant.name, table=table.name, seed=seed,
        configuration=contestant.configuration,
    )  # fmt: skip


def anchors(table: Prepared, *, cache: Path, judge: Judge = PANEL) -> list[Line]:
    """The ceiling and the floor: real test rows, and independent columns of the training rows.

    Raises:
        HeldError: when another process is at work on one of them.
    """

    def ceiling() -> Figures:
        return judge.real(table.comparison(**_settings()))

    def floor() -> Figures:
        return judge.rows(table.comparison(**_settings()).independent())

    lines = []
    for name, figures in zip(ANCHORS, (ceiling, floor), strict=True):
        cell = open_cell(
            cache / CELLS, contestant=name, table=table.name, seed=0, configuration=None
        )
        with held(cell.folder):
            scores = cell.once(f"{judge.name}-{_judge()}", figures)
        lines.append(
            {"table": table.title, "contestant": name, "rows": RAW, "seed": 0}
            | {"side": ANCHOR}
            | scores
        )
    return lines


def _contested(
    cell: Cell, contestant: Contestant, table: Prepared, seed: int, speed_rows: int, judge: Judge
) -> list[Line]:
    fit = cell.once("fit", lambda: contestant.fit(cell.folder, table, seed))
    lines = []
    for kind in contestant.kinds(cell.folder):

        def drawn(n: int, out: str, kind: str = kind) -> Figures:
            return contestant.sample(cell.folder, kind=kind, n=n, seed=seed, out=out)

        rows = f"{kind}.csv"
        drawing = cell.once(kind, lambda: drawn(len(table.train), rows))  # noqa: B023
        line = {"table": table.title, "contestant": contestant.title, "rows": kind, "seed": seed}
        line |= {"side": contestant.side}
        line |= {"fit_wall": fit["wall"], "wall": fit["wall"] + drawing["wall"]}
        line |= {"cpu": fit["cpu"] + drawing["cpu"]}
        if "peak_mb" in fit:
            line |= {"peak_mb": max(fit["peak_mb"], drawing["peak_mb"])}
        if speed_rows:
            step = f"{kind}_speed_{speed_rows}"
            speed = cell.once(step, lambda: drawn(speed_rows, f"{step}.csv"))  # noqa: B023
            (cell.folder / f"{step}.csv").unlink(missing_ok=True)
            line["rows_per_second"] = speed_rows / speed["seconds"]
        lines.append(line | _judged(cell, contestant, table, kind, judge))
    return lines


def _dcr_shares(
    cell: Cell, contestant: Contestant, half: Prepared, seed: int
) -> dict[str, Figures]:
    """``dcr_share`` of each kind of rows: the half that was learned against the other one."""
    cell.once("fit", lambda: contestant.fit(cell.folder, half, seed))
    shares = {}
    for kind in contestant.kinds(cell.folder):

        def drawn(kind: str = kind) -> Figures:
            n = len(half.train)
            return contestant.sample(cell.folder, kind=kind, n=n, seed=seed, out=f"{kind}.csv")

        def share(kind: str = kind) -> Figures:
            rows = half.decoded(cell.folder / f"{kind}.csv")
            return {"dcr_share": dcr_share(half.train, half.test, rows, seed=JUDGE_SEED)}

        cell.once(kind, drawn)
        shares[kind] = cell.once(f"{kind}_dcr_share", share)
    return shares


def _judged(
    cell: Cell, contestant: Contestant, table: Prepared, kind: str, judge: Judge
) -> Figures:
    def judged() -> Figures:
        rows = table.comparison(cell.folder / f"{kind}.csv", **_settings())
        logs = contestant.log_likelihoods(cell.folder, kind=kind)
        return judge.rows(replace(rows, log_likelihoods=logs))

    return cell.once(f"{kind}_{judge.name}-{_judge()}", judged)


def _settings() -> dict[str, Any]:
    return {"seed": JUDGE_SEED, "threads": 1, "full_mle": False}


def _judge() -> str:
    """Which evaluator gave a score, and which figures: those of two do not compare."""
    return digest([detector_name(), _settings(), list(METRICS)])
