"""Feature matching: what the critic sees in generated rows, as in real ones on average."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def feature_distance(critic: Any, rows: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
    """|E f(x) - E f(G(z))|^2, f the critic's features (Salimans et al. 2016, section 3.1).

    Shape:
        rows, fake: [batch, row_width]
        condition: [batch, condition_width], of both
        returns: scalar, with a graph to ``fake``
    """
    with torch.no_grad():
        real = critic.features(rows, condition).mean(dim=0)
    distance: Tensor = (real - critic.features(fake, condition).mean(dim=0)).square().sum()
    return distance
