"""Rows of a mixture generator that satisfy conditions, without drawing the others first.

Given component k and noise z the generator's columns are independent, so the chance that a row is
as asked is a product over the columns asked for, known before any row is drawn. Then

* k is drawn from p(k | class) times the mean of that product over some noises, all classes
  competing by their shares: most draws go where the condition is likely;
* z is fresh, and (k, z) stands for as many rows as its product is greater than that mean, in
  expectation: importance weights without a bound, for a weight of 2 gives two rows;
* the columns asked for are drawn from their logits and normals, cut to what is allowed, all
  others as ever: given (k, z) they do not know of the condition.

The rows follow the generator's own distribution given the condition. Where n conditions differ,
each row has its own.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.arithmetic import exact_products
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.modules.cgan import CGANModule
from tabgan.nets.mixture_generator import MixtureGenerator
from tabgan.sampling.regions import Axis, Region, Regions
from tabgan.sampling.requests import Request
from tabgan.seeding import Place, generator_at

BANK_STATES = 32_000  # pairs of component and noise that one table of p(k | condition) rests on
MIN_NOISES, MAX_NOISES = 2, 16  # per component
CONDITIONS_AT_ONCE = 200  # in one table
WEIGHT_PER_ROW = 1.25  # importance weight that gives one row; 1 in 7 pairs gives more than one
LEAST_SHARE = 1e-9  # of the generator's rows; a condition below it was never seen
MOST_COPIES = 10  # of one pair; its rows share k and z, and are drawn apart


class _Column:
    """The allowed places of one encoded column, a row per condition."""

    def __init__(self, axis: Axis, regions: Sequence[Region | None], scalar: int | None) -> None:
        self.axis, self.scalar = axis, scalar  # the place among the generator's scales
        most = max([r.spans.shape[1] for r in regions if r is not None], default=1)
        codes = np.ones((len(regions), axis.n_codes), bool)
        spans = np.full((len(regions), len(axis.varying), most, 2), np.inf, np.float32)
        spans[:, :, 0, 0] = -np.inf
        for place, region in enumerate(regions):
            if region is not None:
                codes[place] = region.codes
                spans[place] = np.inf
                spans[place, :, : region.spans.shape[1]] = region.spans
        self.codes, self.spans = torch.from_numpy(codes).double(), torch.from_numpy(spans).double()
        self.log_codes_allowed = self.codes.log()  # 0 or -inf
        self.varying = torch.from_numpy(axis.varying)
        self.fixed = torch.ones(axis.n_codes, dtype=torch.double)
        self.fixed[self.varying] = 0.0

    def log_shares(self, raw: Tensor) -> Tensor:
        """Log p(code), float64 [n, n_codes]."""
        joint = torch.zeros(len(raw), 1, dtype=torch.double)
        for start, width in zip(self.axis.starts, self.axis.widths, strict=True):
            block = raw[:, start : start + width].double().log_softmax(dim=1)
            joint = (joint[:, :, None] + block[:, None, :]).flatten(1)
        return joint

    def log_mass_of_all(self, raw: Tensor, log_scales: Tensor | None) -> Tensor:
        """Log chance to be as asked, of every state by every condition: [n, n_conditions]."""
        shares = self.log_shares(raw).exp()
        mass = shares @ (self.codes * self.fixed).T
        if len(self.varying):
            inside = self._inside(raw, log_scales, self.spans[None]).sum(dim=3)  # [n, G, V]
            mass = mass + (inside * shares[:, None, self.varying]).sum(dim=2)
        return mass.log()

    def log_codes(self, raw: Tensor, log_scales: Tensor | None, asked: Tensor) -> Tensor:
        """Log chance of each code together with being as asked, [n, n_codes]."""
        logs = self.log_shares(raw) + self.log_codes_allowed[asked]
        if len(self.varying):
            inside = self._inside(raw, log_scales, self.spans[asked][:, None])[:, 0].sum(dim=2)
            logs[:, self.varying] += inside.log()
        return logs

    def overwrite(
        self,
        rows: CodedRows,
        raw: Tensor,
        log_scales: Tensor | None,
        asked: Tensor,
        rng: torch.Generator,
    ) -> None:
        """Draw this column of ``rows`` anew, as asked."""
        chances = self.log_codes(raw, log_scales, asked).softmax(dim=1)
        code = torch.multinomial(chances, 1, generator=rng)[:, 0]
        for block, part in zip(self.axis.discrete, self.axis.parts(code.numpy()), strict=True):
            rows.codes_of(block)[:] = torch.from_numpy(part)
        for place, varying in enumerate(self.varying):
            here = (code == varying).nonzero()[:, 0]
            if len(here):
                spans = self.spans[asked[here], place]  # [m, n_spans, 2]
                scales = None if log_scales is None else log_scales[here]
                rows.scalars[here, self.scalar] = self._truncated(raw[here], scales, spans, rng)

    def _standard(self, raw: Tensor, log_scales: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the scalar, float64 [n]."""
        scales = cast(Tensor, log_scales)[:, cast(int, self.scalar)]
        return raw[:, self.axis.scalar].double(), scales.double().exp()

    def _inside(self, raw: Tensor, log_scales: Tensor | None, spans: Tensor) -> Tensor:
        """The normal's mass in spans [n or 1, G, V, n_spans, 2], as [n, G, V, n_spans]."""
        mean, scale = (t[:, None, None, None] for t in self._standard(raw, log_scales))
        low, high = ((spans[..., end] - mean) / scale for end in (0, 1))
        return _mass(low, high)

    def _truncated(
        self, raw: Tensor, log_scales: Tensor | None, spans: Tensor, rng: torch.Generator
    ) -> Tensor:
        """A normal's draw within spans [n, n_spans, 2], float32 [n]."""
        mean, scale = self._standard(raw, log_scales)
        low, high = ((spans[..., end] - mean[:, None]) / scale[:, None] for end in (0, 1))
        chosen = torch.multinomial(_mass(low, high).clamp_min(1e-300), 1, generator=rng)
        low, high = low.gather(1, chosen)[:, 0], high.gather(1, chosen)[:, 0]
        flip = low + high > 0  # the lower tail alone is exact
        left, right = torch.where(flip, -high, low), torch.where(flip, -low, high)
        start, end = torch.special.ndtr(left), torch.special.ndtr(right)
        uniform = torch.rand(len(spans), generator=rng, dtype=torch.double)
        drawn = torch.special.ndtri(start + uniform * (end - start)).clamp(left, right)
        scalars = mean + scale * torch.where(flip, -drawn, drawn)
        ends = spans.gather(1, chosen[..., None].expand(-1, 1, 2))[:, 0]
        return torch.minimum(torch.maximum(scalars, ends[:, 0]), ends[:, 1]).float()


@exact_products()
def carried(before: Tensor, after: Tensor, scales: Tensor, factors: Tensor) -> Tensor:
    """Scalars [n, n_scalars] after some were drawn anew: the others follow (Matheron's rule).

    With A those that moved, the others gain C_BA C_AA^-1 of the moves, C their correlations: a
    draw given the new values. Several asked numbers are drawn as if independent in a component.

    Shape:
        before, after, scales: [n, n_scalars], scalars and standard deviations
        factors: [n or 1, n_scalars, n_scalars], L of the correlations L L^T
    """
    moved = (before != after).to(before.dtype)
    correlations = factors @ factors.transpose(1, 2)
    among = correlations * moved[:, :, None] * moved[:, None, :] + torch.diag_embed(1 - moved)
    moves = (after - before) / scales
    pull = torch.linalg.solve(among, moves[:, :, None])
    following = (correlations @ pull).squeeze(2) * scales
    return torch.where(moved.bool(), after, before + following)


class ConditionalMixture:
    """Draws of a mixture generator under the conditions of a request.

    Args:
        module: whose sampling generator is a ``MixtureGenerator``.
        encoder: of its rows.
        request: the conditions.
        weights: float64 [n_conditions, condition_width or 1], the classes' shares, 0 where a
            condition forbids a class.
        seed: of the noises that p(k | condition) rests on.

    Raises:
        TabganError: for a condition that no row can satisfy, or that the generator gives next to
            no chance, because training saw no such row.
    """

    rate = 1 / WEIGHT_PER_ROW  # rows per try

    def __init__(
        self,
        module: CGANModule,
        encoder: TableEncoder,
        request: Request,
        weights: NDArray[np.float64],
        *,
        seed: int,
    ) -> None:
        net = cast(MixtureGenerator, module.sampling_generator)
        if net.training or module.device.type != "cpu":
            net = copy.deepcopy(net).cpu().eval()
        self.module, self.net, self.encoder, self.seed = module, net, encoder, seed
        self.request, self.regions, self.weights = request, Regions(encoder, request), weights
        if weights.shape[1] == 0:
            self.weights = np.ones((len(weights), 1))
        self._all: _Table | None = None
        if len(weights) <= CONDITIONS_AT_ONCE:
            self._all = _Table(self, np.arange(len(weights)), "all")

    @property
    def shares(self) -> NDArray[np.float64] | None:
        """The generator's share of rows as asked, per condition; None if it is not known."""
        return (
            None if self._all is None or self.regions.checked else self._all.log_share.exp().numpy()
        )

    @torch.no_grad()
    def draw(
        self, asked: NDArray[np.int64], address: tuple[int, *tuple[Place, ...]]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Try once per entry of ``asked``, the place of a condition.

        Returns:
            Rows as ``TableEncoder.decode_numbers`` gives them, float64 [m, n_columns], and the
            condition of each, int64 [m]; m is about 4/5 of the tries.
        """
        rng = generator_at(*address)
        if self._all is not None:
            return self._all.draw(asked, rng)
        distinct = np.unique(asked)
        pieces = []
        for start in range(0, len(distinct), CONDITIONS_AT_ONCE):
            some = distinct[start : start + CONDITIONS_AT_ONCE]
            table = _Table(self, some, str(address[1:]))
            mine = asked[np.isin(asked, some)]
            numbers, places = table.draw(np.searchsorted(some, mine), rng)
            pieces.append((numbers, some[places]))
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])


class _Table:
    """p(class, k | condition) for some conditions, and draws from it."""

    @torch.no_grad()
    def __init__(self, of: ConditionalMixture, places: NDArray[np.int64], address: str) -> None:
        self.of, self.net = of, of.net
        scalars: dict[int | None, int] = {int(at): i for i, at in enumerate(of.net.scalars)}
        names = [name for name, axis in of.regions.axes.items() if not axis.is_condition]
        self.columns = [
            _Column(
                of.regions.axes[name],
                [of.regions.of[place].get(name) for place in places],
                scalars.get(of.regions.axes[name].scalar),
            )
            for name in names
        ]
        weights = torch.from_numpy(of.weights[places])  # [G, classes]
        self.log_mean = self._log_means(weights, len(places), address)  # [classes, K, G]
        log_prior = of.net.component_shares().cpu().clamp_min(1e-300).log()  # [classes, K]
        joint = self.log_mean + log_prior[:, :, None] + weights.T.log()[:, None, :]
        joint = joint.flatten(0, 1).T  # [G, classes * K]
        self.log_share = joint.logsumexp(dim=1)  # [G]
        if (self.log_share < math.log(LEAST_SHARE)).any():
            place = int(self.log_share.argmin())
            raise TabganError(
                f"{of.request.told(int(places[place]))}: training saw no such row, and the model "
                f"gives it a share of {float(self.log_share[place].exp()):.0e}"
            )
        self.cumulative = (joint - self.log_share[:, None]).exp().cumsum(dim=1)

    def _log_means(self, weights: Tensor, n_conditions: int, address: str) -> Tensor:
        """Log of the mean chance to be as asked, over noises, float64 [classes, K, G]."""
        n_components = self.net.table.num_embeddings
        classes = weights.sum(dim=0).nonzero()[:, 0]
        n_noises = BANK_STATES // (n_components * len(classes) * math.ceil(n_conditions / 8))
        n_noises = min(max(n_noises, MIN_NOISES), MAX_NOISES)
        means = torch.full(
            (weights.shape[1], n_components, n_conditions), -math.inf, dtype=torch.double
        )
        for label in classes.tolist():
            rng = generator_at(self.of.seed, "condition", address, label)
            component = torch.arange(n_components).repeat(n_noises)
            raw, log_scales, _ = self._states(component, torch.full_like(component, label), rng)
            logs = torch.zeros(len(component), n_conditions, dtype=torch.double)
            for column in self.columns:
                logs += column.log_mass_of_all(raw, log_scales)
            logs = logs.view(n_noises, n_components, n_conditions)
            means[label] = logs.logsumexp(dim=0) - math.log(n_noises)
        return means

    def _states(
        self, component: Tensor, label: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Raw outputs and log scales under fresh noise, and the one-hot classes."""
        condition = torch.zeros(len(component), self.of.module.condition_width)
        if condition.shape[1]:
            condition[torch.arange(len(component)), label] = 1.0
        noise = self.of.module.draw_noise(condition, rng)
        return *self.net.outputs(component, noise, condition), condition

    @torch.no_grad()
    def draw(
        self, asked: NDArray[np.int64], rng: torch.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        places = torch.from_numpy(asked)
        state, log_mean = self._draw_states(places, rng)
        raw, log_scales, condition = self._states(*state, rng)
        log_weight = -log_mean
        for column in self.columns:
            log_weight = log_weight + column.log_codes(raw, log_scales, places).logsumexp(dim=1)
        uniform = torch.rand(len(places), generator=rng, dtype=torch.double)
        copies = (log_weight.exp() / WEIGHT_PER_ROW + uniform).floor().clamp(max=MOST_COPIES)
        chosen = torch.repeat_interleave(torch.arange(len(places)), copies.long())
        raw, places, condition = raw[chosen], places[chosen], condition[chosen]
        log_scales = None if log_scales is None else log_scales[chosen]
        component = state[0][chosen]
        rows = self.net.draw_codes(component, raw, log_scales, rng)
        before = rows.scalars.clone()
        for column in self.columns:
            column.overwrite(rows, raw, log_scales, places, rng)
        if log_scales is not None:
            factors = self.net.component_factors(component)
            rows.scalars[:] = carried(before, rows.scalars, log_scales.exp(), factors)
        numbers = self.of.encoder.decode_numbers(rows, condition.numpy())
        return numbers, places.numpy()

    def _draw_states(
        self, places: Tensor, rng: torch.Generator
    ) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """(component, class) of each try, and the log mean chance that it was drawn by."""
        n_components = self.log_mean.shape[1]
        # Condition g's shares end at g + 1, so that all conditions are one ascending sequence.
        shelf = self.cumulative + torch.arange(len(self.cumulative))[:, None]
        uniform = torch.rand(len(places), generator=rng, dtype=torch.double)
        width = self.cumulative.shape[1]
        drawn = torch.searchsorted(shelf.flatten(), uniform + places) - places * width
        drawn = drawn.clamp(0, width - 1)
        label, component = drawn // n_components, drawn % n_components
        return (component, label), self.log_mean[label, component, places]


def _mass(low: Tensor, high: Tensor) -> Tensor:
    """The standard normal's mass between two ends, by the tail in which it is exact."""
    flip = low + high > 0  # false where both ends are open
    left, right = torch.where(flip, -high, low), torch.where(flip, -low, high)
    return (torch.special.ndtr(right) - torch.special.ndtr(left)).clamp_min(0.0)
