"""An exponential moving average of a net's weights (Yazici et al. 2019)."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class Average(nn.Module):
    """A frozen copy of a net, in eval mode, that follows it: a <- decay a + (1 - decay) w.

    Buffers (batch norm's running statistics) are averaged too where they are floats and copied
    where they are counts. The first steps use the smaller decay (1 + step) / (10 + step), so that
    the random start does not linger.
    """

    def __init__(self, net: nn.Module, *, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.net = deepcopy(net).requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Average:
        """The copy stays in eval mode whatever its owner does."""
        return super().train(False)

    @torch.no_grad()
    def follow(self, net: nn.Module, step: int) -> None:
        """Move towards ``net`` after its ``step``-th update (from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = self.net.state_dict(), net.state_dict()
        floats = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[n] for n in floats], [theirs[n] for n in floats], 1 - decay)
        for name in mine.keys() - set(floats):
            mine[name].copy_(theirs[name])
