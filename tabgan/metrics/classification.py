"""Figures of a rare class's scores: at every threshold, at .5, and at one chosen elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_curve,
    recall_score,
    roc_auc_score,
)

CALIBRATION_BINS = 10
DEFAULT_THRESHOLD = 0.5

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]


def rare_class_figures(labels: Labels, scores: Scores, *, threshold: float) -> dict[str, float]:
    """``pr_auc`` (average precision), ``roc_auc``, ``f1``, ``g_mean`` (at .5), ``f1_tuned``,
    ``g_mean_tuned`` (at ``threshold``), all in [0, 1], higher is better; ``ece``, lower is better.

    Args:
        labels: int [n], 1 is the rare class; both classes occur.
        scores: float64 [n], probabilities of class 1.
        threshold: chosen on rows that are not among these.
    """  # noqa: D205
    figures = {
        "pr_auc": float(average_precision_score(labels, scores)),
        "roc_auc": float(roc_auc_score(labels, scores)),
        "ece": calibration_error(labels, scores),
    }
    for suffix, bound in (("", DEFAULT_THRESHOLD), ("_tuned", threshold)):
        predicted = (scores >= bound).astype(np.int64)
        figures[f"f1{suffix}"] = float(f1_score(labels, predicted, zero_division=0.0))
        figures[f"g_mean{suffix}"] = g_mean(labels, predicted)
    return figures


def g_mean(labels: Labels, predicted: Labels) -> float:
    """The geometric mean of both classes' recalls, in [0, 1] (Kubat and Matwin 1997)."""
    recalls = recall_score(labels, predicted, labels=[0, 1], average=None, zero_division=0.0)
    return float(np.sqrt(np.prod(recalls)))


def calibration_error(labels: Labels, scores: Scores, *, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error in [0, 1], 0 is best (Naeini et al. 2015).

    The mean over rows of |share of class 1 - mean score| in the row's bin, of ``bins`` equal ones.
    """
    position = np.minimum((scores * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(position, labels - scores, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def best_threshold(labels: Labels, scores: Scores) -> float:
    """The score from which on calling a row class 1 gives these rows the best F1."""
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    both = precision[:-1] + recall[:-1]
    f1 = 2 * precision[:-1] * recall[:-1] / np.where(both > 0, both, 1.0)
    return float(thresholds[int(np.argmax(f1))])
