"""Classifier two-sample tests (C2ST): can synthetic rows be told from real ones?

``c2st_test`` leads every report: a classifier sees dependence of any order. It does not see copying
either (a bootstrap of the training rows scores .5), so reports print copies beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from tabgan.errors import TabganError
from tabgan.metrics import boosting
from tabgan.metrics.boosting import THREADS, boosted_classifier, detector_name
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.metrics.drawing import draw_rows, independent_columns, random_state
from tabgan.metrics.net import net_auc, net_width

__all__ = [
    "c2st_lr",
    "c2st_test",
    "c2st_train_score",
    "cheap_c2st_auc",
    "column_importance",
    "detector_name",
]

C2ST_SETTINGS: dict[str, Any] = {
    "n_estimators": 300,
    "max_depth": 6,
    "learning_rate": 0.1,
    "subsample": 0.9,
    "colsample_bytree": 0.9,
}
C2ST_FOLDS = 5
NET_ROWS = 20_000  # of each table
NET_CELLS = 2**23  # rows of both tables x inputs of the net: 20,000 rows up to 209 inputs
SCORE_FOLDS = 3  # TabPC's and SDMetrics' scores
CHEAP_FOLDS, CHEAP_TREES, CHEAP_ROWS = 3, 100, 5_000
CHEAP_CELLS = 2**19  # rows x columns of each table: all 5,000 rows up to 104 columns
CHEAP_CUTS = 12_000  # bins x columns: scikit-learn's 255 bins up to 47 columns
MIN_ROWS = 20  # of each table: fewer make folds of a handful of rows

Classifier = Any  # has fit(rows, labels) and predict_proba(rows)


def c2st_test(
    real_test: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    seed: int = 0,
    net: bool = False,
    marginal: bool = False,
    threads: int = THREADS,
) -> dict[str, float]:
    """ROC AUC, out of fold, of classifiers between test and synthetic rows.

    ``c2st_test_auc``: XGBoost's, in [0, 1], .5 is best (a little under .5 is chance), 1 is told
    apart. The larger table is cut to the size of the smaller by ``seed``; ordinal codes, 300 trees,
    the pooled predictions of 5 stratified folds.

    With ``net`` also ``c2st_test_auc_net``, of a net (``metrics.net``) in [0, 1], .5 is best, on at
    most ``NET_ROWS`` rows of each table and fewer of wide ones (``NET_CELLS``); and
    ``c2st_test_auc_worst``, the larger of the two: trees and nets see different faults.

    With ``marginal`` also ``c2st_test_auc_marginal``, of the trees after every column of both
    tables was shuffled on its own, in [0, 1], .5 is best; and ``c2st_test_dependency``, full minus
    marginal: what the columns' dependence alone gives away, 0 is best.

    The test rows must not be among the synthetic rows: a row on both sides of a fold is learned
    with the wrong label, and the AUC falls far below .5.

    Raises:
        TabganError: when the tables differ in columns or have under ``MIN_ROWS`` rows.
    """
    real, fake = _balanced(real_test, synthetic, seed)
    auc = _c2st_auc(real, fake, seed, threads)
    scores = {"c2st_test_auc": auc}
    if net:
        of_net = _net_auc(real, fake, seed)
        scores |= {"c2st_test_auc_net": of_net, "c2st_test_auc_worst": max(auc, of_net)}
    if marginal:
        shuffled = [independent_columns(t, len(t), seed + i) for i, t in enumerate((real, fake))]
        alone = _c2st_auc(shuffled[0], shuffled[1], seed, threads)
        scores |= {"c2st_test_auc_marginal": alone, "c2st_test_dependency": auc - alone}
    return scores


def c2st_train_score(
    train: pd.DataFrame, synthetic: pd.DataFrame, *, threads: int = THREADS
) -> float:
    """TabPC's score against the training table; in [0, 1], 1 is best, AUC = 1 - score / 2.

    ``1 - mean(max(.5, AUC) * 2 - 1)`` over 3 stratified folds of XGBoost's defaults with native
    categories. Copying the training table raises it: read it beside the copying metrics.

    Raises:
        TabganError: when the tables differ in columns or have under ``MIN_ROWS`` rows.
    """
    real, fake = _coded(train, synthetic)
    rows, labels = _stacked(real.matrix(), fake.matrix())

    def build() -> Classifier:
        return boosted_classifier(seed=0, threads=threads, nominal=_native(real))

    return _fold_score(rows, labels, build)


def c2st_lr(real: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """The logistic C2ST score; in [0, 1], 1 is best. **Blind to dependence**: see below.

    ``1 - mean(max(.5, AUC) * 2 - 1)`` over 3 stratified folds of a logistic regression on one-hot
    and standardised columns (SDMetrics' LogisticDetection). It compares means only: independent
    columns score 1.000 on Adult. For comparison with published tables, never for choosing.

    Raises:
        TabganError: when the tables differ in columns or have under ``MIN_ROWS`` rows.
    """
    real_coded, fake = _coded(real, synthetic)
    rows, labels = _one_hot(real_coded, fake)
    return _fold_score(rows, labels, lambda: LogisticRegression(max_iter=1_000))


def cheap_c2st_auc(real: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 0) -> float:
    """``max(.5, AUC)`` of a small boosted classifier, for watching a training; in [.5, 1].

    .5 is best. 3 folds of 100 of scikit-learn's trees on at most 5,000 rows of each table, pooled;
    of a wide table so many rows that there are at most ``CHEAP_CELLS`` cells, in coarser bins.
    Cheaper and weaker than ``c2st_test``: compare it with itself only, on validation rows.

    Raises:
        TabganError: when the tables differ in columns or have under ``MIN_ROWS`` rows.
    """
    n_columns = real.shape[1]
    n_rows = min(CHEAP_ROWS, max(CHEAP_CELLS // n_columns, 10 * MIN_ROWS))
    bins = int(np.clip(CHEAP_CUTS // n_columns, 16, 255))
    drawn = (draw_rows(t, n_rows, seed, "cheap", i) for i, t in enumerate((real, synthetic)))
    rows, labels = _stacked(*(table.matrix() for table in _coded(*drawn)))

    def build() -> Classifier:
        return HistGradientBoostingClassifier(
            max_iter=CHEAP_TREES,
            max_bins=bins,
            early_stopping=False,
            random_state=random_state(seed, "cheap"),
        )

    # More threads than free cores make scikit-learn's trees some 30 times slower.
    with threadpool_limits(1):
        return max(0.5, _pooled_auc(rows, labels, build, CHEAP_FOLDS, seed))


def column_importance(
    real_test: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 0, *, threads: int = THREADS
) -> pd.Series:
    """Each column's share of what gives the synthetic rows away, largest first; sums to 1.

    Total gain of the splits of ``c2st_test``'s classifier on balanced rows (permutation
    importance without XGBoost). Where the AUC is near .5 the shares are noise.

    Raises:
        TabganError: when the tables differ in columns or have under ``MIN_ROWS`` rows.
    """
    real, fake = _coded(*_balanced(real_test, synthetic, seed))
    rows, labels = _stacked(real.matrix(), fake.matrix())
    model = _c2st_classifier(seed, threads).fit(rows, labels)
    gains = pd.Series(_importances(model, rows, labels, seed), index=list(real.columns))
    total = float(gains.sum())
    return (gains / total if total > 0 else gains).rename("gain").sort_values(ascending=False)


def _balanced(
    real: pd.DataFrame, synthetic: pd.DataFrame, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    n_rows = min(len(real), len(synthetic))
    return (
        draw_rows(real, n_rows, seed, "c2st", "real"),
        draw_rows(synthetic, n_rows, seed, "c2st", "synthetic"),
    )


def _coded(real: pd.DataFrame, synthetic: pd.DataFrame) -> tuple[CodedTable, CodedTable]:
    one, other = code_tables(real=real, synthetic=synthetic)
    if min(one.n_rows, other.n_rows) < MIN_ROWS:
        raise TabganError(
            f"C2ST: expected at least {MIN_ROWS} rows of each table, "
            f"got {one.n_rows} real and {other.n_rows} synthetic"
        )
    return one, other


def _stacked(real: np.ndarray, synthetic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat([0, 1], [len(real), len(synthetic)])
    return np.concatenate([real, synthetic]), labels


def _c2st_classifier(seed: int, threads: int) -> Classifier:
    state = random_state(seed, "c2st", "trees")
    return boosted_classifier(seed=state, threads=threads, **C2ST_SETTINGS)


def _c2st_auc(real: pd.DataFrame, synthetic: pd.DataFrame, seed: int, threads: int) -> float:
    rows, labels = _stacked(*(table.matrix() for table in _coded(real, synthetic)))
    return _pooled_auc(rows, labels, lambda: _c2st_classifier(seed, threads), C2ST_FOLDS, seed)


def _net_auc(real: pd.DataFrame, synthetic: pd.DataFrame, seed: int) -> float:
    """The net's AUC on as many rows of each table as it looks at."""
    n_rows = min(NET_ROWS, max(NET_CELLS // (2 * net_width(_coded(real, synthetic)[0])), MIN_ROWS))
    sides = {"real": real, "synthetic": synthetic}
    drawn = [draw_rows(table, n_rows, seed, "c2st", "net", side) for side, table in sides.items()]
    return net_auc(*_coded(*drawn), seed=seed)


def _pooled_auc(
    rows: np.ndarray, labels: np.ndarray, build: Callable[[], Classifier], folds: int, seed: int
) -> float:
    """ROC AUC of all out-of-fold predictions together."""
    cut = StratifiedKFold(folds, shuffle=True, random_state=random_state(seed, "c2st", "folds"))
    scores = np.empty(len(labels))
    for fitted, held in cut.split(rows, labels):
        scores[held] = build().fit(rows[fitted], labels[fitted]).predict_proba(rows[held])[:, 1]
    return float(roc_auc_score(labels, scores))


def _fold_score(rows: Any, labels: np.ndarray, build: Callable[[], Classifier]) -> float:
    """1 - mean(max(.5, AUC) * 2 - 1) over folds."""
    cut = StratifiedKFold(SCORE_FOLDS, shuffle=True, random_state=0)
    aucs = []
    for fitted, held in cut.split(np.zeros(len(labels)), labels):
        model = build().fit(rows[fitted], labels[fitted])
        aucs.append(roc_auc_score(labels[held], model.predict_proba(rows[held])[:, 1]))
    return float(1 - np.mean(np.maximum(0.5, aucs) * 2 - 1))


def _native(table: CodedTable) -> np.ndarray:
    """The columns split as categories: all nominal ones that the trees can take as such."""
    nominal = table.is_nominal()
    if boosting.HAS_XGBOOST:
        return nominal
    small = [table.sizes.get(name, 0) <= boosting.MOST_CATEGORIES for name in table.columns]
    rare: np.ndarray = nominal & np.array(small)
    return rare


def _one_hot(real: CodedTable, synthetic: CodedTable) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One-hot categories and standardised numbers with a missing flag, both tables stacked."""
    rows, labels = _stacked(real.matrix(), synthetic.matrix())
    blocks = [
        _indicators(column.astype("int64"), real.sizes[name])
        if name in real.codes
        else sparse.csr_matrix(_standardised(column))
        for name, column in zip(real.columns, rows.T, strict=True)
    ]
    return sparse.hstack(blocks, format="csr"), labels


def _indicators(codes: np.ndarray, n_codes: int) -> sparse.csr_matrix:
    ones = np.ones(len(codes))
    return sparse.csr_matrix((ones, (np.arange(len(codes)), codes)), (len(codes), n_codes))


def _standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1 over both tables, missing at the mean, and a flag for missing."""
    missing = np.isnan(values)
    known = values[~missing]
    if len(known) == 0 or np.ptp(known) == 0:
        return np.column_stack([np.zeros(len(values)), missing])
    scaled = (values - known.mean()) / known.std()
    return np.column_stack([np.where(missing, 0.0, scaled), missing])


def _importances(model: Classifier, rows: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    if boosting.HAS_XGBOOST:
        gains = model.get_booster().get_score(importance_type="total_gain")
        return np.array([gains.get(f"f{column}", 0.0) for column in range(rows.shape[1])])
    state = random_state(seed, "telltale")
    drops = permutation_importance(model, rows, labels, n_repeats=3, random_state=state)
    importances: np.ndarray = np.maximum(0.0, drops.importances_mean)
    return importances
