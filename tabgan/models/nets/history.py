"""The mean of all weights that a net has had (Salimans et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector


class History(nn.Module):
    """|theta - 1/t sum_i theta[i]|^2 of a net's t-th step (Salimans et al. 2016, section 3.3).

    Its mean and its count are state, so that a training that goes on goes on with them.
    """

    mean: Tensor
    steps: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros_like(parameters_to_vector(net.parameters())))
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, net: nn.Module) -> Tensor:
        """The distance of the present weights from the mean of all, themselves the last of them."""
        weights = parameters_to_vector(net.parameters())
        with torch.no_grad():
            self.steps += 1
            self.mean += (weights - self.mean) / self.steps
        return (weights - self.mean).square().sum()
