"""Gradient penalties of a critic: pure functions of its logits and its inputs."""

from __future__ import annotations

import torch
from torch import Tensor


def zero_centred(logits: Tensor, rows: Tensor) -> Tensor:
    """E[|dD(x)/dx|^2], R1 on real rows, R2 on fake ones (Mescheder et al. 2018).

    Shape:
        logits: [batch], a function of ``rows``
        rows: [batch, row_width], requiring a gradient
        returns: scalar with a graph
    """
    (slope,) = torch.autograd.grad(logits.sum(), rows, create_graph=True)
    return slope.square().sum(dim=1).mean()
