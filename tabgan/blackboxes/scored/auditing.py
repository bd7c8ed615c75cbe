"""The rows that ``audit`` compares: those of a run for even scores, and those of its baselines."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from tabgan.blackboxes.counter import QueryCounter
from tabgan.blackboxes.estimator import EstimatorBox
from tabgan.blackboxes.forest import fit_forest
from tabgan.blackboxes.scored.audit import Audited, Method
from tabgan.blackboxes.scored.closed_loop import (
    ClosedLoopResult,
    Propose,
    Scores,
    closed_loop,
    proposer,
    requested_scores,
    scored_schema,
)
from tabgan.blackboxes.scored.scoring import box_of
from tabgan.config.keys import command_keys
from tabgan.config.opening import Run, open_run
from tabgan.config.overrides import command_given
from tabgan.errors import TabganError, check_keys
from tabgan.evaluation.gathering import RunData, read_data
from tabgan.report.files import prepare
from tabgan.report.reading import compared
from tabgan.runs.provenance import read_record
from tabgan.sampling.draw import draw_chunks
from tabgan.seeding import seed_at
from tabgan.system.arithmetic import compute_with
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

FEWEST_ROWS = 20  # below, no classifier tells anything


def gather_audit(cfg: DictConfig, out: Path) -> Audited:
    """Run the closed loop and every baseline of it; the loop's rows are written to ``out`` at once.

    Raises:
        TabganError: for a run without test rows, without a black box, or with a box of other
            columns; for fewer than 20 rows; when the box fails, which names the rows kept so far.
    """
    check_keys(cfg, command_keys("audit"))
    if cfg.n < FEWEST_ROWS:
        raise TabganError(f"n={cfg.n}: an audit needs at least {FEWEST_ROWS} rows")
    compute_with(1)
    run = open_run(Path(cfg.run))
    data = read_data(run)
    direct = None if cfg.direct is None else _direct(Path(cfg.direct), run)
    if len(data.test) == 0:
        raise TabganError(f"{run.folder}: the run kept no test rows (data.test_fraction=0)")
    box, requested = (
        box_of(cfg.get("blackbox"), run),
        requested_scores("uniform", int(cfg.n), cfg.seed),
    )
    prepare(out)
    propose = proposer(run.module, run.encoder, run.refiner)
    log.info("querying %s for %s scores", box.name, f"{len(requested):,}")
    started = time.perf_counter()
    limits = {"tolerance": cfg.tolerance, "budget": cfg.budget, "seed": cfg.seed}
    found = closed_loop(propose, box, requested, **limits)
    loop = Method(found.rows, found.obtained, found.queries, time.perf_counter() - started)
    samples = _write_samples(found, run, out)
    try:
        _refuse_unfinished(found)
        return _compared(cfg, run, direct, data, box, propose, found, loop)
    except TabganError as error:
        raise TabganError(f"{error}; the rows of the closed loop: {samples}") from error


def _compared(
    cfg: DictConfig,
    run: Run,
    direct: Run | None,
    data: RunData,
    box: QueryCounter,
    propose: Propose,
    found: ClosedLoopResult,
    loop: Method,
) -> Audited:
    """The loop beside one shot and every baseline."""
    requested = found.requested
    methods = {"closed loop": loop, "one shot": _one_shot(propose, box, requested, cfg.seed)}
    scores = {"train": box(data.train), "test": box(data.test)}
    methods["retrieval"] = _retrieved(requested, data.train, scores["train"])
    per_row = max(1, round(loop.queries / len(requested)))
    methods["best of k"] = _best_of(per_row, run, box, requested, cfg.seed)
    if direct is not None:
        wild = proposer(direct.module, direct.encoder, direct.refiner)
        methods["direct MAE"] = _one_shot(wild, box, requested, cfg.seed)
    return Audited(
        title=data.title,
        names=compared(run.encoder.schema_),
        train=data.train,
        test=data.test,
        test_scores=scores["test"],
        requested=requested,
        methods=methods,
        labels=box.labels(loop.rows),
        kept=found.kept,
        unreached=found.unreached(),
        transfer=_transfer(box, data, loop.rows, run.config.seed),
        facts=_facts(cfg, run, box, found, per_row),
    )


def _direct(folder: Path, run: Run) -> Run:
    """The run to stand beside, which has to be one of the same table."""
    tables = [(read_record(one) or {}).get("table") for one in (folder, run.folder)]
    if tables[0] != tables[1]:
        raise TabganError(f"direct={folder}: trained on another table than {run.folder}")
    return open_run(folder)


def _write_samples(found: ClosedLoopResult, run: Run, out: Path) -> Path:
    """``generated_<n>_samples.csv``: a row for each score, or those kept when the box failed."""
    path = out / f"generated_{len(found.requested)}_samples.csv"
    rows = found.table(every=not found.failure)
    write_table(path, rows, scored_schema(run.encoder.schema_))
    return path


def _refuse_unfinished(found: ClosedLoopResult) -> None:
    never = int(np.isnan(found.obtained).sum())
    if found.failure:
        raise TabganError(found.failure)
    if never:
        raise TabganError(
            f"{found.ended}: {never} of {len(found.requested)} scores were never tried; "
            "an audit needs "
            "a row for each"
        )


def _one_shot(propose: Propose, box: QueryCounter, requested: Scores, seed: int) -> Method:
    started = time.perf_counter()
    rows = propose(requested, seed_at(seed, "one shot"))
    obtained = box(rows)
    return Method(rows, obtained, len(rows), time.perf_counter() - started)


def _retrieved(requested: Scores, train: pd.DataFrame, scores: Scores) -> Method:
    """The real row with the nearest score: as many queries as there are training rows."""
    started = time.perf_counter()
    order = np.argsort(scores, kind="stable")
    ends = np.searchsorted(scores[order], requested).clip(1, len(order) - 1)
    below, above = order[ends - 1], order[ends]
    nearer = np.abs(scores[below] - requested) <= np.abs(scores[above] - requested)
    chosen = np.where(nearer, below, above)
    rows = train.iloc[chosen].reset_index(drop=True)
    return Method(rows, scores[chosen], len(train), time.perf_counter() - started)


def _best_of(k: int, run: Run, box: QueryCounter, requested: Scores, seed: int) -> Method:
    """Of ``k`` rows drawn without knowing the score, the nearest."""
    started, n = time.perf_counter(), len(requested)
    drawn = draw_chunks(
        run.module, run.encoder, n=n * k, seed=seed_at(seed, "best of k"), refiner=run.refiner
    )
    rows = pd.concat(drawn, ignore_index=True)
    scores = box(rows)
    best = np.abs(scores.reshape(n, k) - requested[:, None]).argmin(axis=1) + k * np.arange(n)
    chosen = rows.iloc[best].reset_index(drop=True)
    return Method(chosen, scores[best], n * k, time.perf_counter() - started)


def _transfer(box: QueryCounter, data: RunData, rows: pd.DataFrame, seed: int) -> Scores | None:
    """The rows' scores by a forest of another seed; None where the box is no forest of ours."""
    inner = box.box
    if not isinstance(inner, EstimatorBox) or data.schema.target is None:
        return None
    steps = getattr(inner.estimator, "named_steps", {})
    if "forest" not in steps:
        return None
    settings = {"score": inner.score, "positive": inner.positive}
    trees = int(steps["forest"].n_estimators)
    other = fit_forest(data.train, data.schema, seed=seed + 1, n_estimators=trees, **settings)
    return other(rows)


def _facts(
    cfg: DictConfig, run: Run, box: QueryCounter, found: ClosedLoopResult, per_row: int
) -> dict[str, float | str]:
    trained = run.folder / "metrics.json"
    curves = json.loads(trained.read_text("utf-8")) if trained.is_file() else {}
    known = {"training_queries": curves["train/queries"]} if "train/queries" in curves else {}
    return known | {
        "command": command_given("audit"),
        "run": str(run.folder.absolute()),
        "checkpoint": run.checkpoint.name,
        "model": str(run.config.model["_target_"]).rpartition(".")[2],
        "blackbox": box.name,
        "tolerance": cfg.tolerance,
        "ended": found.ended,
        "k": per_row,
    }
