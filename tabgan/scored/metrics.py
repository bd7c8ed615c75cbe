"""Scores asked for against scores obtained: how near, where, and how often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from tabgan.errors import TabganError

Scores = NDArray[np.float64]
NEAR = {"within_05": 0.05, "within_10": 0.1}
ROUNDING = 1e-9


def score_errors(asked: Scores, obtained: Scores) -> dict[str, float]:
    """``mae``, ``rmse`` (0 is best), ``within_05``, ``within_10`` (shares, 1 is best); in [0, 1].

    Raises:
        TabganError: when there are no scores, or not as many of both.
    """
    error = np.abs(_checked(asked, obtained))
    figures = {"mae": float(error.mean()), "rmse": float(np.sqrt((error**2).mean()))}
    return figures | {name: float((error <= e + ROUNDING).mean()) for name, e in NEAR.items()}


def score_ks(asked: Scores, obtained: Scores) -> float:
    """The Kolmogorov-Smirnov statistic between both distributions; in [0, 1], 0 is best."""
    _checked(asked, obtained)
    return float(ks_2samp(asked, obtained).statistic)


def right_side(asked: Scores, obtained: Scores) -> float:
    """Share of rows whose score lies on the side of .5 that was asked for; in [0, 1], 1 is best."""
    _checked(asked, obtained)
    return float(((asked > 0.5) == (obtained > 0.5)).mean())


def _checked(asked: Scores, obtained: Scores) -> Scores:
    if asked.shape != obtained.shape or asked.size == 0:
        raise TabganError(
            f"expected as many scores obtained as asked, got {obtained.shape} and {asked.shape}"
        )
    return obtained - asked
