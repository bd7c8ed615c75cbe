"""How far a score is from the one asked for: pure functions of a surrogate's answer."""

from __future__ import annotations

from torch import Tensor


def laplace_loss(median: Tensor, scale: Tensor, scores: Tensor) -> Tensor:
    """E[|s - m| / b + log b]: the likelihood of scores that are Laplace around m; b is E|s - m|.

    Shape:
        median, scale, scores: [n]
        returns: scalar
    """
    return ((scores - median).abs() / scale + scale.log()).mean()


def expected_error(median: Tensor, scale: Tensor, asked: Tensor) -> Tensor:
    """E|s - a| = |m - a| + b exp(-|m - a| / b) for a score s that is Laplace (m, b).

    Smooth at m = a, where it is b: among rows that hit the score it prefers the surest.

    Shape:
        median, scale, asked: [n]
        returns: [n]
    """
    distance = (median - asked).abs()
    return distance + scale * (-distance / scale).exp()
