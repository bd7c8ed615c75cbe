"""What each metric of the panel means: the one table that reports read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Direction:
    """How to read a metric.

    Attributes:
        ideal: the value that a perfect generator gets.
        better: higher, lower, or nearer to the ideal.
        low: the smallest possible value.
        high: the largest possible value.
        says: what it means, in one line.
    """

    ideal: float
    better: Literal["higher", "lower", "nearer"]
    low: float
    high: float
    says: str


def _direction(
    ideal: float, better: Literal["higher", "lower", "nearer"], low: float, high: float, says: str
) -> Direction:
    return Direction(ideal=ideal, better=better, low=low, high=high, says=says)


INFINITE = float("inf")
LEAST_AGREEMENT = -1 / 29  # alpha-precision and beta-recall on their grid of 30
# C2ST against unseen rows does not see memorising: what does stands right behind it.
DIRECTIONS: dict[str, Direction] = {
    "c2st_test_auc_worst": _direction(
        0.5, "nearer", 0, 1, "the larger of the next two: what gives synthetic rows away most"
    ),
    "c2st_test_auc": _direction(
        0.5, "nearer", 0, 1, "how well XGBoost tells synthetic rows from unseen real rows"
    ),
    "c2st_test_auc_net": _direction(
        0.5, "nearer", 0, 1, "how well a net tells synthetic rows from unseen real rows"
    ),
    "dcr_share": _direction(
        0.5, "nearer", 0, 1, "share of rows nearer to train than to an equal half; above is copying"
    ),
    "duplicate_rate": _direction(
        0, "lower", 0, 1, "share of rows that are training rows; compare with real test rows"
    ),
    "membership_tpr01": _direction(
        0.01, "nearer", 0, 1, "share of training rows found by distance at 1 % false positives"
    ),
    "c2st_test_auc_marginal": _direction(
        0.5, "nearer", 0, 1, "the same with every column shuffled: what single columns give away"
    ),
    "c2st_test_dependency": _direction(
        0, "nearer", -1, 1, "the difference of the two: what wrong dependence gives away"
    ),
    "c2st_train_score": _direction(
        1, "higher", 0, 1, "TabPC's score of XGBoost against training rows; copying raises it"
    ),
    "wnmis": _direction(1, "higher", 0, 1, "agreement of the columns' mutual information"),
    "mle_auc": _direction(
        1, "higher", 0, 1, "AUC on real test rows of a model trained on synthetic rows"
    ),
    "mle_auc_se": _direction(0, "lower", 0, 1, "the standard error of mle_auc over the test rows"),
    "mle_f1": _direction(
        1, "higher", 0, 1, "F1 on real test rows of a model trained on synthetic rows"
    ),
    "mle_rmse": _direction(
        0, "lower", 0, INFINITE, "error on real test rows of a model trained on synthetic rows"
    ),
    "mle_rmse_se": _direction(
        0, "lower", 0, INFINITE, "the standard error of mle_rmse over the test rows"
    ),
    "shape_error": _direction(
        0, "lower", 0, 100, "distance of single columns in %; blind to dependence"
    ),
    "trend_error": _direction(
        0, "lower", 0, 100, "distance of pairs of columns in %; nearly blind to dependence"
    ),
    "alpha_precision": _direction(
        1,
        "higher",
        LEAST_AGREEMENT,
        1,
        "whether synthetic rows spread around the centre as real ones do",
    ),
    "beta_recall": _direction(
        0.5,
        "nearer",
        LEAST_AGREEMENT,
        1,
        "how often a synthetic row is the closest one; above .5 is copying",
    ),
    "c2st_lr": _direction(1, "higher", 0, 1, "a logistic regression's score; blind to dependence"),
    "dcr_q02": _direction(
        2, "nearer", 0, 100, "% of rows nearer to train than 2 % of test rows are"
    ),
    "dcr_q05": _direction(
        5, "nearer", 0, 100, "% of rows nearer to train than 5 % of test rows are"
    ),
    "membership_auc": _direction(
        0.5, "nearer", 0, 1, "an attacker's AUC by distance: who was in the training table"
    ),
    "membership_tpr001": _direction(
        0.001, "nearer", 0, 1, "share of training rows found by distance at .1 % false positives"
    ),
    "membership_ratio_auc": _direction(
        0.5, "nearer", 0, 1, "the attacker's AUC by density ratio, synthetic to real"
    ),
    "membership_ratio_tpr01": _direction(
        0.01, "nearer", 0, 1, "share of training rows found by ratio at 1 % false positives"
    ),
    "membership_ratio_tpr001": _direction(
        0.001, "nearer", 0, 1, "share of training rows found by ratio at .1 % false positives"
    ),
}
VALIDATION: dict[str, Direction] = {  # of callbacks/evaluation.py, on validation rows
    "val/c2st_auc": _direction(
        0.5, "nearer", 0.5, 1, "how well boosted trees tell synthetic rows from validation rows"
    ),
    "val/membership_tpr01": DIRECTIONS["membership_tpr01"],
    "val/trend_error": DIRECTIONS["trend_error"],
    "val/shape_error": DIRECTIONS["shape_error"],
    "val/wnmis": DIRECTIONS["wnmis"],
}
