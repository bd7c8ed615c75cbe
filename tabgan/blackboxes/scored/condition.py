"""A score as a condition: how near it is to each knot of a grid on [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor


def grid_weights(scores: Tensor, score_grid: int) -> Tensor:
    """Scores [n] in [0, 1] as weights of a grid's points [n, score_grid], interpolated."""
    positions = torch.linspace(0, 1, score_grid, device=scores.device)
    distance = (scores[:, None] - positions).abs() * (score_grid - 1)
    return (1 - distance).clamp_min(0.0)


def scores_behind(condition: Tensor) -> Tensor:
    """The scores [n] of such weights [n, score_grid]."""
    return condition @ torch.linspace(0, 1, condition.shape[1], device=condition.device)


def even_shares(scores: Tensor, parts: int) -> Tensor:
    """Float64 [n], summing to 1: rows in equal parts of [0, 1] that hold any weigh the same."""
    part = (scores * parts).long().clamp_max(parts - 1)
    counts = torch.bincount(part, minlength=parts)
    weights = 1.0 / counts[part].double()
    return weights / weights.sum()
