"""What ``auto`` becomes where it follows from the data and not from the model."""

from __future__ import annotations

import math

LEAST_TOLERANCE = 0.01  # of an AUC


def tolerance(n_validation: int) -> float:
    """``callbacks.checkpoint.tolerance``: the standard error of an AUC of .5, at least .01.

    Between the validation rows and as many generated ones (Hanley & McNeil 1982): so few
    validation rows do not decide by chance which weights are kept.
    """
    return max(round(math.sqrt(1 / (6 * max(n_validation, 1))), 3), LEAST_TOLERANCE)
