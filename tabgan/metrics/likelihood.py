"""The likelihood of unseen real rows under the generator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tabgan.errors import TabganError


def mean_nll(log_likelihoods: NDArray[np.float64]) -> float:
    """The mean negative log-likelihood of rows, in nats a row; at least 0, lower is better.

    The likelihood is that of a row's codes (categories, bins and cells of numbers), so figures of
    generators compare where both encode the table alike; independent columns in the same codes
    are the floor.

    Args:
        log_likelihoods: float64 [n], in nats.

    Raises:
        TabganError: when there is no row, or one of no likelihood.
    """
    if len(log_likelihoods) == 0 or not np.isfinite(log_likelihoods).all():
        known = int(np.isfinite(log_likelihoods).sum())
        raise TabganError(
            f"likelihood: expected rows of finite likelihood, got {known} of {len(log_likelihoods)}"
        )
    return float(-np.mean(log_likelihoods, dtype=np.float64))
