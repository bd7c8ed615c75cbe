"""The spread of figures by chance alone, which a verdict allows for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom, binomtest, rankdata

DEVIATIONS = 2.0  # standard deviations: 95 % of what chance does


def auc_band(n_first: int, n_second: int, deviations: float = DEVIATIONS) -> float:
    """Two standard deviations of an AUC of .5 with so many rows on each side.

    The variance of the Mann-Whitney statistic, ``(n + m + 1) / (12 n m)``.
    """
    return deviations * math.sqrt((n_first + n_second + 1) / (12 * n_first * n_second))


def rate_band(rate: float, n_first: int, n_second: int, deviations: float = DEVIATIONS) -> float:
    """Two deviations of the difference of a rate among ``n_first`` and ``n_second`` rows."""
    return deviations * math.sqrt(rate * (1 - rate) * (1 / n_first + 1 / n_second))


def share_interval(share: float, n: int, sure: float = 0.95) -> tuple[float, float]:
    """The 95 % interval of a share of ``n`` rows, in [0, 1] (Wilson 1927), good near 0 too."""
    found = binomtest(round(share * n), n).proportion_ci(sure, method="wilson")
    return float(found.low), float(found.high)


def under_quantile(
    level: float, n: int, n_requested: int, sure: float = 0.95
) -> tuple[float, float]:
    """The 95 % interval of a share: rows under the ``level`` quantile of ``n`` others drawn alike.

    The quantile is the k-th of the others, k = ceil(level n). The share under it of ``n_requested``
    rows is beta-binomial, with Beta(k, n + 1 - k), that of an order statistic. In [0, 1].
    """
    position = max(1, math.ceil(level * n))
    ends = betabinom.ppf([(1 - sure) / 2, (1 + sure) / 2], n_requested, position, n + 1 - position)
    return float(ends[0] / n_requested), float(ends[1] / n_requested)


def auc_error(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The standard error of a ROC AUC over its rows (DeLong, DeLong & Clarke-Pearson 1988).

    0 where a side has a single row, which says nothing of its spread.

    Args:
        labels: bool [n], whether a row is of the class; both occur.
        scores: float64 [n], larger for the class.
    """
    every = rankdata(scores)
    variance = 0.0
    for side in (labels, ~labels):
        placements = (every[side] - rankdata(scores[side])) / (~side).sum()
        if len(placements) > 1:
            variance += float(placements.var(ddof=1)) / len(placements)
    return math.sqrt(variance)
