"""Draws of a category: fast, or with a gradient (Gumbel-softmax; Jang et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot


def gumbel_like(logits: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Standard Gumbel noise, -log(-log(u)), with the shape, dtype and device of ``logits``.

    Two logarithms of ``rand`` are nearly ten times as fast on a CPU as ``exponential_``.
    """
    uniform = torch.rand(logits.shape, generator=rng, dtype=logits.dtype, device=logits.device)
    return -torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))  # rand returns an exact 0


def soft_choice(perturbed: Tensor, temperature: float, *, hard: bool) -> Tensor:
    """softmax(perturbed / temperature), or straight-through: its argmax with the soft gradient.

    Shape:
        perturbed: [batch, n_categories], logits plus Gumbel noise
        returns: [batch, n_categories], rows that sum to 1
    """
    soft = torch.softmax(perturbed / temperature, dim=-1)
    if not hard:
        return soft
    chosen = one_hot(soft.argmax(dim=-1), soft.shape[-1]).to(soft.dtype)
    return chosen + (soft - soft.detach())  # in these brackets the value is exactly 0


def inverse_cdf(weights: Tensor, uniform: Tensor) -> Tensor:
    """Codes drawn in proportion to weights: where the cumulative weights pass ``uniform``.

    Shape:
        weights: [batch, n_categories], at least 0, a finite sum above 0
        uniform: [batch], from ``rand``: at most 1 - 2^-24, of which no product rounds up to 1
        returns: int32 [batch]; never a category of weight 0
    """
    cumulative = weights.cumsum(dim=1)
    passed = uniform[:, None] * cumulative[:, -1:]
    found = torch.searchsorted(cumulative, passed, right=True, out_int32=True)
    return found[:, 0].clamp_(max=weights.shape[1] - 1)  # of logits that are no numbers, the last
