"""States of a mixture generator, given which its columns follow by themselves.

Given class, component k and noise z the generator's blocks are independent categoricals and its
scalars jointly normal, so any known cells have a likelihood and the others can be drawn.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.arithmetic import exact_products
from tabgan.encoding.table import TableEncoder
from tabgan.modules.cgan import CGANModule
from tabgan.nets.mixture_generator import MixtureGenerator
from tabgan.sampling.regions import Axis
from tabgan.seeding import generator_at

MOST_STATES = 8_000  # twice as many fill no better
MOST_NUMBERS = 2**26  # in the bank's tables
MOST_NOISES = 4  # per class and component
JITTER = 1e-6  # of a variance: scalars that repeat each other have a Cholesky factor too

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Bank:
    """Some states s = (class, k, z) with their chances, and what columns are in each.

    Attributes:
        net: the generator.
        component: int64 [S].
        log_prior: float32 [S], log p(s).
        log_shares: per axis [S, n_codes], log p(code | s).

    Args:
        module: whose sampling generator is a ``MixtureGenerator``.
        encoder: of its rows.
        axes: the columns.
        seed: of the noises.
    """

    @torch.no_grad()
    @exact_products()
    def __init__(
        self, module: CGANModule, encoder: TableEncoder, axes: Sequence[Axis], *, seed: int
    ) -> None:
        self.net = cast(MixtureGenerator, module.sampling_generator)
        if self.net.training or module.device.type != "cpu":
            self.net = copy.deepcopy(self.net).cpu().eval()
        shares = self.net.component_shares()  # [classes, K]
        counts = torch.from_numpy(encoder.class_counts_).double()
        prior = counts / counts.sum() if len(counts) else torch.ones(1, dtype=torch.double)
        classes, n_components = prior.nonzero()[:, 0], shares.shape[1]
        width = module.layout.width + len(self.net.scalars) ** 2
        most = min(MOST_STATES, MOST_NUMBERS // width) // (n_components * len(classes))
        n_noises = min(max(most, 1), MOST_NOISES)
        self.component = torch.arange(n_components).repeat(len(classes) * n_noises)
        label = classes.repeat_interleave(n_components * n_noises)
        condition = torch.zeros(len(label), module.condition_width)
        if module.condition_width:
            condition[torch.arange(len(label)), label] = 1.0
        noise = module.draw_noise(condition, generator_at(seed, "bank"))
        raw, log_scales = self.net.outputs(self.component, noise, condition)
        joint = prior[label] * shares[label, self.component] / n_noises
        self.log_prior = joint.clamp_min(1e-300).log().float()
        self.log_shares = [_log_shares(axis, raw, label) for axis in axes]
        self.means = raw[:, self.net.scalars]  # [S, n_scalars]
        self.scales = torch.ones_like(self.means) if log_scales is None else log_scales.exp()
        self.correlations = self.net.factors @ self.net.factors.transpose(1, 2)

    @exact_products()
    def log_density(self, scalars: Tensor, seen: Mask) -> Tensor:
        """Log density of each row's seen scalars in every state: [n, n_scalars] -> [n, S]."""
        logs = torch.zeros(len(scalars), len(self.component))
        for mine, known in _patterns(seen):
            if len(known):
                logs[mine] = self._log_density(scalars[mine][:, known], known)
        return logs

    def _log_density(self, scalars: Tensor, known: Tensor) -> Tensor:
        """The normal's exponent as two matrix products, [m, S]."""
        factors = torch.linalg.cholesky(self._among(known, known) + JITTER * torch.eye(len(known)))
        log_det = 2 * factors.diagonal(dim1=1, dim2=2).log().sum(dim=1)  # [K or 1]
        own = self._place(self.component)
        scales, means = self.scales[:, known], self.means[:, known]  # [S, m]
        precision = torch.cholesky_inverse(factors)[own] / scales[:, :, None] / scales[:, None, :]
        pull = (precision @ means[:, :, None]).squeeze(2)
        constant = (means * pull).sum(dim=1) + log_det[own] + len(known) * math.log(2 * math.pi)
        constant = -constant / 2 - scales.log().sum(dim=1)
        products = (scalars[:, :, None] * scalars[:, None, :]).flatten(1)
        return scalars @ pull.T - products @ precision.flatten(1).T / 2 + constant

    @exact_products()
    def draw_scalars(
        self, scalars: Tensor, seen: Mask, states: Tensor, rng: torch.Generator
    ) -> Tensor:
        """Scalars [n, n_scalars] with those that are not seen drawn, given states and the seen."""
        drawn = scalars.clone()
        free = torch.randn(scalars.shape, generator=rng)
        means, scales = self.means[states], self.scales[states]
        standard = (scalars - means) / scales
        for mine, known in _patterns(seen):
            kept = np.isin(np.arange(seen.shape[1]), known.numpy())
            unknown = torch.from_numpy(np.flatnonzero(~kept))
            if len(unknown) == 0:
                continue
            own = self._place(self.component[states[mine]])
            among = self._among(known, known)[own] + JITTER * torch.eye(len(known))
            across = self._among(known, unknown)[own]  # [m or 1, known, unknown]
            gain = torch.linalg.solve(among, across).transpose(1, 2)
            rest = self._among(unknown, unknown)[own] - gain @ across
            # Twice the jitter: what the known ones explain wholly must not become negative.
            factor = torch.linalg.cholesky(rest + 2 * JITTER * torch.eye(len(unknown)))
            moved = gain @ standard[mine][:, known, None] + factor @ free[mine][:, unknown, None]
            places = mine[:, None], unknown[None, :]
            drawn[places] = means[places] + scales[places] * moved.squeeze(2)
        return drawn

    def _place(self, component: Tensor) -> Tensor:
        """Where a component's correlations stand; all share one where the net does so."""
        return component if len(self.correlations) > 1 else torch.zeros_like(component)

    def _among(self, some: Tensor, others: Tensor) -> Tensor:
        return self.correlations[:, some][:, :, others]


def _log_shares(axis: Axis, raw: Tensor, label: Tensor) -> Tensor:
    if axis.is_condition:
        return (label[:, None] == torch.arange(axis.n_codes)).float().log()
    joint = torch.zeros(len(raw), 1)
    for start, width in zip(axis.starts, axis.widths, strict=True):
        block = raw[:, start : start + width].log_softmax(dim=1)
        joint = (joint[:, :, None] + block[:, None, :]).flatten(1)
    return joint


def _patterns(seen: Mask) -> Iterator[tuple[Tensor, Tensor]]:
    """The rows that have seen the same scalars, and the places of these; both int64."""
    if seen.shape[1] == 0:
        return
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for place, pattern in enumerate(patterns):
        mine = np.flatnonzero(which.reshape(-1) == place)
        yield torch.from_numpy(mine), torch.from_numpy(np.flatnonzero(pattern))
