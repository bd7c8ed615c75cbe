"""Scores requested against scores obtained: how near, where, and how often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from tabgan.errors import TabganError

Scores = NDArray[np.float64]
NEAR = {"within_05": 0.05, "within_10": 0.1}
ROUNDING = 1e-9


def score_errors(requested: Scores, obtained: Scores) -> dict[str, float]:
    """``mae``, ``rmse`` (0 is best), ``within_05``, ``within_10`` (shares, 1 is best); in [0, 1].

    Raises:
        TabganError: when there are no scores, or not as many of both.
    """
    error = np.abs(_checked(requested, obtained))
    figures = {"mae": float(error.mean()), "rmse": float(np.sqrt((error**2).mean()))}
    return figures | {name: float((error <= e + ROUNDING).mean()) for name, e in NEAR.items()}


def score_ks(requested: Scores, obtained: Scores) -> float:
    """The Kolmogorov-Smirnov statistic between both distributions; in [0, 1], 0 is best."""
    _checked(requested, obtained)
    return float(ks_2samp(requested, obtained).statistic)


def right_side(requested: Scores, obtained: Scores) -> float:
    """Share of rows whose score lies on the side of .5 that was requested; in [0, 1], 1 is best."""
    _checked(requested, obtained)
    return float(((requested > 0.5) == (obtained > 0.5)).mean())


def _checked(requested: Scores, obtained: Scores) -> Scores:
    if requested.shape != obtained.shape or requested.size == 0:
        raise TabganError(
            "expected as many scores obtained as requested, "
            f"got {obtained.shape} and {requested.shape}"
        )
    return obtained - requested
