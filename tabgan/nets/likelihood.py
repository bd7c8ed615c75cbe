"""How likely a mixture generator finds rows, once their component and noise are given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from tabgan.encoding.coded import CodedRows
from tabgan.nets.mixture_generator import MixtureGenerator


@dataclass(frozen=True, kw_only=True, eq=False)
class RowDistribution:
    """q(row | k, z): the columns are independent, the scalars jointly normal.

    Attributes:
        net: the generator.
        component: k, int64 [n].
        raw: logits and means, [n, row_width], of ``MixtureGenerator.outputs``.
        log_scales: of the scalars, [n, n_scalars], of the same; None without scalars.
        log_shares: of every discrete block's categories, [n, width] each.
    """

    net: MixtureGenerator
    component: Tensor
    raw: Tensor
    log_scales: Tensor | None
    log_shares: list[Tensor]

    @classmethod
    def of(
        cls, net: MixtureGenerator, component: Tensor, raw: Tensor, log_scales: Tensor | None
    ) -> RowDistribution:
        """What ``net`` draws from, given what its ``outputs`` gave."""
        spans = [block.span for block in net.layout.blocks if block.kind == "discrete"]
        return cls(
            net=net,
            component=component,
            raw=raw,
            log_scales=log_scales,
            log_shares=[log_softmax(raw[:, span], dim=1) for span in spans],
        )

    def log_likelihood(self, rows: CodedRows) -> Tensor:
        """The logarithm of q(row | k, z) of n coded rows, [n]."""
        total = self.raw.new_zeros(len(self.raw))
        for place, log_shares in enumerate(self.log_shares):
            codes = rows.codes[:, place : place + 1].long()
            total = total + log_shares.gather(1, codes)[:, 0]
        if self.log_scales is not None:
            scaled = (rows.scalars - self._means) * torch.exp(-self.log_scales)
            total = total + self._log_normal(scaled[:, :, None], self.log_scales)
        return total

    def expected_log_likelihood(self, before: RowDistribution) -> Tensor:
        """E[log q(row | k, z)] [n] over the rows of ``before``, exactly: minus a cross-entropy.

        ``before`` is of the same components and has the same correlations.
        """
        total = self.raw.new_zeros(len(self.raw))
        for log_shares, log_shares_before in zip(self.log_shares, before.log_shares, strict=True):
            total = total + (log_shares_before.exp() * log_shares).sum(dim=1)
        if self.log_scales is not None and before.log_scales is not None:
            apart = (before._means - self._means) * torch.exp(-self.log_scales)
            spread = torch.exp(before.log_scales - self.log_scales)[:, :, None] * self._factors
            both = torch.cat([apart[:, :, None], spread], dim=2)  # [n, n_scalars, 1 + n_scalars]
            total = total + self._log_normal(both, self.log_scales)
        return total

    @property
    def _means(self) -> Tensor:
        return self.raw[:, self.net.scalars]

    @cached_property
    def _factors(self) -> Tensor:
        return self.net.component_factors(self.component)

    def _log_normal(self, scaled: Tensor, log_scales: Tensor) -> Tensor:
        """-|L^-1 scaled|^2 / 2 less half the log determinant of 2 pi times the covariance, [n].

        Shape:
            scaled: [n, n_scalars, m], deviations over exp(log_scales)
        """
        factors = self._factors.expand(len(scaled), -1, -1)
        solved = torch.linalg.solve_triangular(factors, scaled, upper=False)
        log_volume = self._factors.diagonal(dim1=1, dim2=2).log().sum(dim=1) + log_scales.sum(dim=1)
        constant = 0.5 * math.log(2 * math.pi) * log_scales.shape[1]
        return -0.5 * solved.square().sum(dim=(1, 2)) - log_volume - constant
