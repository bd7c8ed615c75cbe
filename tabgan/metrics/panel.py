"""Every metric of one synthetic table, by name."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.boosting import THREADS
from tabgan.metrics.coding import code_tables
from tabgan.metrics.collapse import unseen_categories
from tabgan.metrics.detection import c2st_lr, c2st_test, c2st_train_score
from tabgan.metrics.directions import DIRECTIONS, Direction
from tabgan.metrics.drawing import independent_columns, random_state
from tabgan.metrics.fidelity import alpha_precision_beta_recall, shape_error, trend_error, wnmis
from tabgan.metrics.membership import FALSE_POSITIVES, fewest_rows, membership
from tabgan.metrics.orders import broken_orders
from tabgan.metrics.privacy import duplicate_rate, quantile_dcr
from tabgan.metrics.utility import absent_classes, mle

__all__ = [
    "DIRECTIONS",
    "Direction",
    "evaluate_real_rows",
    "evaluate_tables",
    "independent_columns",
]

C2ST = (
    "c2st_test_auc_worst",
    "c2st_test_auc",
    "c2st_test_auc_net",
    "c2st_test_auc_marginal",
    "c2st_test_dependency",
)
MEMBERSHIP = tuple(name for name in DIRECTIONS if name.startswith("membership_"))

MLE = tuple(name for name in DIRECTIONS if name.startswith("mle_"))

Steps = dict[tuple[str, ...], Callable[[], dict[str, float]]]  # under the names that each gives


def evaluate_tables(
    train: pd.DataFrame,
    test: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    target: str | None,
    seed: int = 0,
    full_mle: bool = False,
    threads: int = THREADS,
    progress: Callable[[str], None] | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """The metrics of ``DIRECTIONS`` by name, and notes on what could not be computed.

    ``c2st_test_*``, MLE, the quantile DCR and the membership attacks use test rows; all others
    compare with the training rows, as published. ``dcr_share`` is never among them: it needs a
    generator trained on half of the rows (``privacy.dcr_share``). A metric that is undefined on
    these tables is absent, and the notes say why under its name; a note under ``categories``,
    ``orders`` or ``classes`` is a finding about the synthetic rows.

    Test rows must not be among the synthetic rows: for the anchor of real rows see
    ``evaluate_real_rows``; the anchor of independent columns is this function on
    ``independent_columns(train, len(train), seed)``.

    Args:
        train: the rows that the generator was trained on.
        test: real rows that it never saw.
        synthetic: its rows; as many as ``train`` to compare with published figures.
        target: the column that MLE predicts; None leaves MLE out.
        seed: fixes every draw and every fold.
        full_mle: the published grid of 36 settings instead of 4.
        threads: for XGBoost.
        progress: called with the name of each step before it begins.

    Raises:
        TabganError: when the tables differ in columns or kinds, or one has no rows.
    """
    code_tables(train=train, test=test, synthetic=synthetic)
    steps = {
        **_against_test(test, synthetic, target, seed, full_mle, threads),
        **_against_train(train, synthetic, seed, threads),
        **_copying(train, test, synthetic, seed),
    }
    scores, notes = _run(steps, progress)
    return scores, {**_findings(train, test, synthetic, target), **notes}


def evaluate_real_rows(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    target: str | None,
    seed: int = 0,
    full_mle: bool = False,
    threads: int = THREADS,
    progress: Callable[[str], None] | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """The ceiling: the panel with real rows in the generator's place, each row used once.

    What compares with test rows (C2ST, MLE) gets the training rows; what compares with training
    rows gets the test rows; the copying metrics get one half of the test rows, and the other half
    is the holdout. The arguments and returns are those of ``evaluate_tables``.

    Raises:
        TabganError: when the tables differ in columns or kinds, or one has no rows.
    """
    code_tables(train=train, test=test)
    shuffled = test.sample(frac=1, random_state=random_state(seed, "halves"))
    holdout, stand_in = shuffled.iloc[: len(test) // 2], shuffled.iloc[len(test) // 2 :]
    steps = {
        **_against_test(test, train, target, seed, full_mle, threads),
        **_against_train(train, test, seed, threads),
        **_copying(train, holdout, stand_in, seed),
    }
    return _run(steps, progress)


def _run(
    steps: Steps, progress: Callable[[str], None] | None
) -> tuple[dict[str, float], dict[str, str]]:
    scores: dict[str, float] = {}
    notes: dict[str, str] = {}
    for names, step in steps.items():
        if progress is not None:
            progress(", ".join(names))
        try:
            scores.update(step())
        except TabganError as error:
            notes.update(dict.fromkeys(names, str(error)))
    for name in DIRECTIONS:
        if name not in scores and name not in notes:
            notes[name] = _why_absent(name)
    return {name: scores[name] for name in DIRECTIONS if name in scores}, notes


def _against_test(
    test: pd.DataFrame,
    synthetic: pd.DataFrame,
    target: str | None,
    seed: int,
    full_mle: bool,
    threads: int,
) -> Steps:
    def utility() -> dict[str, float]:
        if target is None:
            raise TabganError("no target was given")
        return mle(synthetic, test, target, full=full_mle, seed=seed, threads=threads)

    return {
        C2ST: lambda: c2st_test(
            test, synthetic, seed=seed, net=True, marginal=True, threads=threads
        ),
        MLE: utility,
    }


def _against_train(train: pd.DataFrame, synthetic: pd.DataFrame, seed: int, threads: int) -> Steps:
    return {
        ("c2st_train_score",): lambda: {
            "c2st_train_score": c2st_train_score(train, synthetic, threads=threads)
        },
        ("wnmis",): lambda: {"wnmis": wnmis(train, synthetic)},
        ("shape_error",): lambda: {"shape_error": shape_error(train, synthetic)},
        ("trend_error",): lambda: {"trend_error": trend_error(train, synthetic)},
        ("alpha_precision", "beta_recall"): lambda: alpha_precision_beta_recall(
            train, synthetic, seed=seed
        ),
        ("c2st_lr",): lambda: {"c2st_lr": c2st_lr(train, synthetic)},
        ("duplicate_rate",): lambda: {"duplicate_rate": duplicate_rate(train, synthetic)},
    }


def _copying(train: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, seed: int) -> Steps:
    return {
        ("dcr_q02", "dcr_q05"): lambda: quantile_dcr(train, test, synthetic, seed=seed),
        MEMBERSHIP: lambda: membership(train, test, synthetic, seed=seed),
    }


def _findings(
    train: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, target: str | None
) -> dict[str, str]:
    findings = {}
    unseen = unseen_categories(train, synthetic)
    if unseen:
        findings["categories"] = f"synthetic rows hold categories that train never has: {unseen}"
    if orders := broken_orders(train, synthetic):
        findings["orders"] = orders
    if target in test and isinstance(test[target].dtype, pd.CategoricalDtype):
        absent = absent_classes(synthetic, test, str(target))
        if absent:
            findings["classes"] = f"no synthetic row has {target} in {absent}; scored as AUC .5"
    return findings


def _why_absent(name: str) -> str:
    if name == "dcr_share":
        return "needs a generator trained on half of the rows (a re-split)"
    for suffix, level in FALSE_POSITIVES.items():
        if name.endswith(suffix):
            n = fewest_rows(level) * (2 if "ratio" in name else 1)
            return f"needs {n:,} unseen rows"
    return "the target is nominal" if name.startswith("mle_rmse") else "the target is a number"
