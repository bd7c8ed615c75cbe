"""Boundary seeking: a generator of discrete rows follows importance weights, not slopes."""

from __future__ import annotations

from torch import Tensor


def boundary_loss(weights: Tensor, log_likelihood: Tensor, expected: Tensor) -> Tensor:
    """-E[(w - 1) log q(x | k, z) + E_p[log q | k, z]], x drawn from p = q before any step.

    Without the control variate it is -E[w log q(x | k, z)] (Hjelm et al. 2018, equation 8): what
    maximum likelihood asks of rows that each count w times. As E_p[log q] is known exactly, only
    the surplus of a row, w - 1, is left to chance; with even weights the gradient is zero.

    Shape:
        weights: [n], of mean 1
        log_likelihood: [n], of the drawn rows
        expected: [n], its mean over all rows that p could have drawn
    """
    return -((weights - 1) * log_likelihood + expected).mean()
