"""Machine-learning efficacy (MLE): does a model of synthetic rows work on real ones?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

from tabgan.errors import TabganError
from tabgan.metrics.boosting import THREADS, boosted_classifier, boosted_regressor
from tabgan.metrics.chance import auc_error
from tabgan.metrics.coding import STRING, CodedTable, code_tables, column_kinds
from tabgan.metrics.drawing import random_state
from tabgan.seeding import rng_at

Settings = dict[str, Any]
FULL_GRID: dict[str, list[Any]] = {  # TabSyn's, 36 fits
    "n_estimators": [10, 50, 100],
    "min_child_weight": [1, 10],
    "max_depth": [5, 10, 20],
    "gamma": [0, 1],
}
SMALL_GRID: dict[str, list[Any]] = {  # 4 fits
    "n_estimators": [100],
    "min_child_weight": [1, 10],
    "max_depth": [5, 10],
    "gamma": [0],
}
NINTH = 9  # one row in nine chooses the settings
MIN_ROWS = 2 * NINTH


def mle(
    synthetic: pd.DataFrame,
    real_test: pd.DataFrame,
    target: str,
    *,
    full: bool = False,
    seed: int = 0,
    threads: int = THREADS,
) -> dict[str, float]:
    """Scores on real test rows of XGBoost trained on synthetic rows; read beside train-on-real.

    A nominal target gives ``mle_auc`` and ``mle_f1``, both in [0, 1], higher is better: for two
    classes the AUC and F1 of the class that is rarer in the test rows, for more the macro means
    (one against the rest). A missing target is a class of its own. A number gives ``mle_rmse`` in
    the target's unit, at least 0, lower is better; rows without a target are left out.
    ``mle_auc_se`` and ``mle_rmse_se`` are their standard errors over the test rows.

    Settings are chosen by AUC (RMSE) on a ninth of the synthetic rows, drawn within classes, and
    refitted on the other eight: ``FULL_GRID`` when ``full``, as published, else ``SMALL_GRID``. A
    class of the test rows that the synthetic rows lack (``absent_classes``) gets probability 0,
    hence AUC .5 and F1 0.

    Raises:
        TabganError: when the target is no column or a string, when the tables differ in columns,
            when rows are too few, or when synthetic or test rows hold a single class.
    """
    kinds = column_kinds(real_test)
    if kinds.get(target, STRING) == STRING:
        raise TabganError(
            f"MLE: expected a nominal or numeric target among {list(kinds)}, got {target!r}"
        )
    trained, tested = code_tables(synthetic=synthetic, test=real_test)
    grid = list(_settings(FULL_GRID if full else SMALL_GRID))
    if target in trained.codes:
        return _classification(trained, tested, target, grid, seed, threads)
    return _regression(trained, tested, target, grid, seed, threads)


def absent_classes(synthetic: pd.DataFrame, real_test: pd.DataFrame, target: str) -> list[str]:
    """The classes of the test rows that no synthetic row has; empty is best."""
    held = set(synthetic[target].dropna().unique())
    return [str(label) for label in real_test[target].dropna().unique() if label not in held]


def _settings(grid: dict[str, list[Any]]) -> Iterator[Settings]:
    return (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))


def _features(table: CodedTable, target: str) -> np.ndarray:
    others = [position for position, name in enumerate(table.columns) if name != target]
    if not others:
        raise TabganError(f"MLE: expected columns beside the target {target!r}, got none")
    return table.matrix()[:, others]


def _classification(
    trained: CodedTable,
    tested: CodedTable,
    target: str,
    grid: list[Settings],
    seed: int,
    threads: int,
) -> dict[str, float]:
    labels, test_labels = trained.codes[target], tested.codes[target]
    _check_classes("synthetic", labels)
    _check_classes("test", test_labels)
    rows, state = _features(trained, target), random_state(seed, "mle")
    chosen = _ninth(labels, seed)

    def probabilities(settings: Settings, queries: np.ndarray) -> np.ndarray:
        model = boosted_classifier(seed=state, threads=threads, **settings)
        fitted, codes = np.unique(labels[~chosen], return_inverse=True)
        scores = np.zeros((len(queries), trained.sizes[target]))
        scores[:, fitted] = model.fit(rows[~chosen], codes).predict_proba(queries)
        return scores

    aucs = [_auc(labels[chosen], probabilities(settings, rows[chosen])) for settings in grid]
    scores = probabilities(grid[int(np.argmax(aucs))], _features(tested, target))
    return {
        "mle_auc": _auc(test_labels, scores),
        "mle_auc_se": _auc_error(test_labels, scores),
        "mle_f1": _f1(test_labels, scores),
    }


def _regression(
    trained: CodedTable,
    tested: CodedTable,
    target: str,
    grid: list[Settings],
    seed: int,
    threads: int,
) -> dict[str, float]:
    values, test_values = trained.numbers[target], tested.numbers[target]
    known, test_known = ~np.isnan(values), ~np.isnan(test_values)
    if known.sum() < MIN_ROWS or not test_known.any():
        raise TabganError(
            f"MLE: expected {MIN_ROWS} synthetic and 1 test rows with a target, "
            f"got {known.sum()} and {test_known.sum()}"
        )
    rows, values = _features(trained, target)[known], values[known]
    state, chosen = random_state(seed, "mle"), _ninth(np.zeros(len(values)), seed)

    def squares(settings: Settings, queries: np.ndarray, truth: np.ndarray) -> np.ndarray:
        model = boosted_regressor(seed=state, threads=threads, **settings)
        errors: np.ndarray = (
            model.fit(rows[~chosen], values[~chosen]).predict(queries) - truth
        ) ** 2
        return errors

    errors = [squares(settings, rows[chosen], values[chosen]).mean() for settings in grid]
    best = grid[int(np.argmin(errors))]
    return _rmse(squares(best, _features(tested, target)[test_known], test_values[test_known]))


def _rmse(squares: np.ndarray) -> dict[str, float]:
    """The root of the mean of squared errors, and its standard error by the delta method."""
    rmse = math.sqrt(squares.mean())
    of_mean = squares.std(ddof=1) / math.sqrt(len(squares)) if len(squares) > 1 else 0.0
    return {"mle_rmse": rmse, "mle_rmse_se": float(of_mean / (2 * rmse)) if rmse > 0 else 0.0}


def _check_classes(label: str, codes: np.ndarray) -> None:
    found, counts = np.unique(codes, return_counts=True)
    twice = int((counts > 1).sum())
    if len(found) < 2 or (label == "synthetic" and (twice < 2 or len(codes) < MIN_ROWS)):
        raise TabganError(
            f"MLE: expected two classes of two rows and {MIN_ROWS} rows, "
            f"got {label} rows of {len(found)} class(es) with counts {counts.tolist()}"
        )


def _ninth(classes: np.ndarray, seed: int) -> np.ndarray:
    """Which rows choose the settings: in each class a ninth, and one at least of two or more."""
    shuffled = rng_at(seed, "metrics", "mle", "ninth").permutation(len(classes))
    order = shuffled[np.argsort(classes[shuffled], kind="stable")]
    grouped = classes[order]
    rank = np.arange(len(order)) - np.searchsorted(grouped, grouped)  # within the class, from 0
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[rank % NINTH == 1]] = True
    return chosen


def _auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """AUC of two classes, or the macro mean one against the rest over the classes in ``labels``."""
    found = np.unique(labels)
    if len(found) == 2:
        scores = scores[:, found[1:]]
        found = found[1:]
        return float(roc_auc_score(labels == found[0], scores[:, 0]))
    return float(np.mean([roc_auc_score(labels == c, scores[:, c]) for c in found]))


def _auc_error(labels: np.ndarray, scores: np.ndarray) -> float:
    """The standard error of ``_auc``; the classes' mean, as if they erred together."""
    found = np.unique(labels)
    classes = found[1:] if len(found) == 2 else found
    return float(np.mean([auc_error(labels == c, scores[:, c]) for c in classes]))


def _f1(labels: np.ndarray, scores: np.ndarray) -> float:
    found, counts = np.unique(labels, return_counts=True)
    guesses = scores.argmax(axis=1)
    options: dict[str, Any] = {"average": "macro", "labels": found}
    if len(found) == 2:
        options["labels"] = [found[::-1][np.argmin(counts[::-1])]]  # the rarer, or the later one
    return float(f1_score(labels, guesses, zero_division=0.0, **options))
