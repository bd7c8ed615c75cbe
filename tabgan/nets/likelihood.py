"""How likely a mixture generator finds rows, once their component and noise are given."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from tabgan.encoding.coded import CodedRows
from tabgan.nets.mixture_generator import MixtureGenerator

Outputs = tuple[Tensor, Tensor | None]  # what ``MixtureGenerator.outputs`` gives


def log_likelihood(
    net: MixtureGenerator, component: Tensor, outputs: Outputs, rows: CodedRows
) -> Tensor:
    """The logarithm of q(row | k, z), [n]: the columns are independent, the scalars jointly normal.

    Shape:
        component: int64 [n]
        outputs: raw [n, row_width] and log_scales [n, n_scalars] or None, of these components
        rows: n coded rows
    """
    raw, log_scales = outputs
    total = raw.new_zeros(len(raw))
    for place, block in enumerate(_discrete(net)):
        codes = rows.codes[:, place : place + 1].long()
        total = total + log_softmax(raw[:, block], dim=1).gather(1, codes)[:, 0]
    if log_scales is not None:
        scaled = (rows.scalars - raw[:, net.scalars]) * torch.exp(-log_scales)
        squares = _solved(net, component, scaled[:, :, None]).square().sum(dim=(1, 2))
        total = total - 0.5 * squares - _log_volume(net, component, log_scales)
    return total


def expected_log_likelihood(
    net: MixtureGenerator, component: Tensor, outputs: Outputs, before: Outputs
) -> Tensor:
    """E[log q(row | k, z)] [n] over rows of ``before``, exactly: minus a cross-entropy.

    Shape:
        component: int64 [n]
        outputs, before: raw [n, row_width] and log_scales [n, n_scalars] or None
    """
    (raw, log_scales), (raw_before, scales_before) = outputs, before
    total = raw.new_zeros(len(raw))
    for block in _discrete(net):
        shares = torch.softmax(raw_before[:, block], dim=1)
        total = total + (shares * log_softmax(raw[:, block], dim=1)).sum(dim=1)
    if log_scales is not None and scales_before is not None:
        apart = (raw_before - raw)[:, net.scalars] * torch.exp(-log_scales)
        spread = torch.exp(scales_before - log_scales)[:, :, None] * net.component_factors(
            component
        )
        both = torch.cat([apart[:, :, None], spread], dim=2)  # [n, n_scalars, 1 + n_scalars]
        squares = _solved(net, component, both).square().sum(dim=(1, 2))
        total = total - 0.5 * squares - _log_volume(net, component, log_scales)
    return total


def _discrete(net: MixtureGenerator) -> list[slice]:
    return [block.span for block in net.layout.blocks if block.kind == "discrete"]


def _solved(net: MixtureGenerator, component: Tensor, values: Tensor) -> Tensor:
    """L^-1 values, [n, n_scalars, m]."""
    factors = net.component_factors(component).expand(len(values), -1, -1)
    return torch.linalg.solve_triangular(factors, values, upper=False)


def _log_volume(net: MixtureGenerator, component: Tensor, log_scales: Tensor) -> Tensor:
    """Half the log determinant of the scalars' covariance, and of 2 pi; [n]."""
    diagonal = net.component_factors(component).diagonal(dim1=1, dim2=2)
    n_scalars = log_scales.shape[1]
    constant = 0.5 * math.log(2 * math.pi) * n_scalars
    return diagonal.log().sum(dim=1) + log_scales.sum(dim=1) + constant
