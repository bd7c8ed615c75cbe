"""Does oversampling help? Every resampler, every classifier, and a threshold that was moved."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from tabgan.encoding.ordinal import OrdinalCodes
from tabgan.errors import TabganError, nearest
from tabgan.metrics.classification import best_threshold, rare_class_figures
from tabgan.metrics.privacy import dcr_share
from tabgan.report.differences import differences_picture
from tabgan.seeding import rng_at, seed32, seed_at
from tabgan.studies.cells import Cell, Figures, open_cell
from tabgan.studies.imbalance_verdict import BASELINES, differences, page
from tabgan.studies.prepared import Prepared
from tabgan.studies.resamplers import CLASSIFIERS, GAN, GAN_SMOTE, RESAMPLERS, WEIGHTED, Rows
from tabgan.studies.tallies import write_tally
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

Line = dict[str, Any]
Made = Callable[[], tuple[Rows, Figures]]  # resampled rows, and what is known of them
DRAWN = {"pr_auc": "PR-AUC", "f1_tuned": "F1, threshold moved"}  # what the picture shows


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """A two-class table: 1 is the class that is rarer among the training rows.

    Attributes:
        name: the table, and the share of class 1 where it was cut.
        train, test: rows without the target, and labels, int [n].
        schema: of the rows.
    """

    name: str
    schema: TableSchema
    train: Rows
    test: Rows


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The settings of one resampler on one task."""

    classifiers: Sequence[str]
    folds: int
    rows: int
    test_rows: int
    gan: Mapping[str, Any]  # overrides of TableGAN


def imbalance_study(
    *, tables: Iterable[Prepared], make_contestant: object,  # noqa: ARG001
    seeds: Sequence[int], cache: Path, out: Path,
    ratio: Sequence[float | None], resamplers: Sequence[str], classifiers: Sequence[str],
    folds: int, rows: int, test_rows: int, epochs: int, rounds: int,
) -> list[Line]:  # fmt: skip
    """Set resamplers side by side, on test rows that stay as they are.

    Of each seed's folds one is held out, as it is; the others are resampled and train each
    classifier. The held-out fold chooses a threshold (the best F1), the test part judges. Writes
    ``imbalance.md``, ``imbalance.csv`` (a line per task, resampler, classifier, seed and fold)
    and ``imbalance.png`` into ``out``, anew after each resampler.

    Args:
        tables: with a target of two classes.
        make_contestant: not used; every study is given one.
        seeds: of the folds, the resamplers and the classifiers.
        cache: where everything is kept.
        out: a folder.
        ratio: shares of the rare class, in (0, 1), that each table is cut to; None is its own.
        resamplers: of ``resamplers.RESAMPLERS``; "none" and "class weights" are the baselines.
        classifiers: of ``resamplers.CLASSIFIERS``.
        folds: of the training rows, at least 2.
        rows: of the train part, at most, over all folds.
        test_rows: of the test part, at most.
        epochs: of a GAN's training.
        rounds: of its refinement, at most.

    Raises:
        TabganError: for an unknown name, a target that has not two classes, a ratio that the
            table cannot be cut to.
    """
    for names, known in ((resamplers, RESAMPLERS), (classifiers, CLASSIFIERS)):
        for name in names:
            if name not in known:
                raise TabganError(f"study: no {name!r}; {nearest(name, known)}")
    if absent := [name for name in BASELINES if name not in resamplers]:
        raise TabganError(f"study.resamplers: {absent} are what the others are measured by")
    setting = Setting(
        classifiers=classifiers,
        folds=folds,
        rows=rows,
        test_rows=test_rows,
        gan={"trainer.max_epochs": epochs, "refiner.rounds": rounds},
    )
    prepared = list(tables)
    lines: list[Line] = []
    for share in ratio:
        for table in prepared:
            task = cut(table, share, rows=rows, test_rows=test_rows)
            for name in resamplers:
                for seed in seeds:
                    lines += _lines(task, table.name, name, seed, setting, cache)
                _write(lines, out, setting)
    return lines


def cut(table: Prepared, share: float | None, *, rows: int, test_rows: int) -> Task:
    """A task of at most so many rows, of which ``share`` are of the rare class, in both parts.

    Raises:
        TabganError: when the target has not two classes, or too few rows of the rare one.
    """
    if table.target is None or not table.schema[table.target].is_nominal:
        raise TabganError(f"table {table.title!r}: expected a target of two classes")
    counts = table.train[table.target].value_counts()
    counts = counts[counts > 0]
    if len(counts) != 2:
        raise TabganError(
            f"table {table.title!r}: expected a target of two classes, got {list(counts.index)}"
        )
    rare = counts.index[-1]
    parts = {"train": (table.train, rows), "test": (table.test, test_rows)}
    chosen = {}
    for part, (whole, most) in parts.items():
        labels = (whole[table.target] == rare).to_numpy().astype(np.int64)
        positions = _positions(labels, share, most, f"{table.title}, {part}")
        chosen[part] = Rows(
            table=whole.iloc[positions].drop(columns=table.target).reset_index(drop=True),
            labels=labels[positions],
        )
    name = table.title if share is None else f"{table.title} {100 * share:g} %"
    return Task(name=name, schema=table.schema.without([table.target]), **chosen)


def _positions(
    labels: NDArray[np.int64], share: float | None, most: int, where: str
) -> NDArray[np.int64]:
    """Which rows stay, in order."""
    sides = [np.flatnonzero(labels == side) for side in (0, 1)]
    own = len(sides[1]) / len(labels)
    share = own if share is None else share
    if not 0 < share <= own:
        raise TabganError(
            f"study.ratio={share}: expected a share above 0 and, on {where}, of at most {own:.3g}"
        )
    n = min(most, len(labels), int(len(sides[0]) / (1 - share)))
    n_rare = round(share * n)
    if n_rare < 10:
        raise TabganError(f"study.ratio={share}: that leaves {n_rare} rare rows on {where}")
    rng = rng_at(0, "imbalance", where, n)
    drawn = [
        rng.choice(side, k, replace=False)
        for side, k in zip(sides, (n - n_rare, n_rare), strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def _lines(
    task: Task, table: str, name: str, seed: int, setting: Setting, cache: Path
) -> list[Line]:
    """A line per fold and classifier."""
    configuration = {
        "version": version("tabgan-lightning"), "task": task.name, "folds": setting.folds,
        "rows": setting.rows, "test_rows": setting.test_rows,
        "gan": dict(setting.gan) if name in (GAN, GAN_SMOTE) else {},
    }  # fmt: skip
    cell = open_cell(
        cache / "cells", contestant=f"imbalance-{name.replace(' ', '-')}", table=table, seed=seed,
        configuration=configuration,
    )  # fmt: skip
    folds = StratifiedKFold(setting.folds, shuffle=True, random_state=seed32(seed))
    lines = []
    for fold, (fit, held) in enumerate(folds.split(task.train.labels, task.train.labels)):
        work = functools.partial(
            _resampled, task, name, task.train.at(fit), seed_at(seed, fold), setting
        )
        resampled = functools.cache(work)  # the same rows for every classifier
        for classifier in setting.classifiers:
            step = f"fold{fold}-{classifier.replace(' ', '-')}"
            judge = functools.partial(
                _judged, task, name, classifier, resampled, task.train.at(held), seed
            )
            figures = _once(cell, step, judge)
            head = {"table": task.name, "contestant": name, "classifier": classifier}
            lines.append({**head, "seed": seed, "fold": fold, "side": "", **figures})
    return lines


def _once(cell: Cell, step: str, work: Callable[[], Figures]) -> Figures:
    with threadpool_limits(1):
        return cell.once(step, work)


def _resampled(
    task: Task, name: str, rows: Rows, seed: int, setting: Setting
) -> tuple[Rows, Figures]:
    """The resampled rows, the seconds that took, and how near the made ones lie."""
    began = time.perf_counter()
    made = RESAMPLERS[name](task.schema, rows, seed % 2**31, setting.gan)
    facts = {"rows_added": float(made.added), "resample_seconds": time.perf_counter() - began}
    if made.added:
        facts["nearness"] = nearness(made, rows, task.test, seed)
    return made, facts


def nearness(made: Rows, rows: Rows, unseen: Rows, seed: int) -> float:
    """The share of made rows that lie nearer to the rare rows they were made of than to unseen.

    .5 is as near as to rows never seen, 1 is a copy (``metrics.privacy.dcr_share``). Of the larger
    side as many rare rows are drawn as the smaller one has.

    Args:
        made: resampled rows, the made ones at the end, one of the rare class at least.
        rows: what they were made of.
        unseen: rows of the test part.
        seed: of the draws.
    """
    new = made.table.iloc[-made.added :][made.labels[-made.added :] == 1]
    sides = [side.table[side.labels == 1] for side in (rows, unseen)]
    n = min(map(len, sides))
    mine, others = (side.sample(n, random_state=seed32(seed)) for side in sides)
    return dcr_share(mine, others, new, seed=seed)


def _judged(
    task: Task,
    name: str,
    classifier: str,
    resampled: Made,
    held: Rows,
    seed: int,
) -> Figures:
    rows, facts = resampled()
    coder = OrdinalCodes.fit(task.schema, rows.table)
    model = CLASSIFIERS[classifier](coder, "balanced" if name == WEIGHTED else None, seed)
    model.fit(coder.encode(rows.table), rows.labels)

    def scores(of: Rows) -> NDArray[np.float64]:
        return np.asarray(model.predict_proba(coder.encode(of.table))[:, 1], dtype=np.float64)

    threshold = best_threshold(held.labels, scores(held))
    figures = rare_class_figures(task.test.labels, scores(task.test), threshold=threshold)
    return figures | {"threshold": threshold} | facts


def _write(lines: Sequence[Line], out: Path, setting: Setting) -> None:
    text = page(pd.DataFrame(list(lines)), setting.folds, dict(setting.gan))
    write_tally(out, "imbalance", lines, text)
    gaps = differences(pd.DataFrame(list(lines)), list(DRAWN))
    if len(gaps):
        title = "Against training on the rows as they are (95 % intervals)"
        (out / "imbalance.png").write_bytes(differences_picture(title, gaps, DRAWN))
    log.info("the study: %s", out / "imbalance.md")
