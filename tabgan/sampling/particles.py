"""Rows of a chain under conditions on any columns: sequential importance resampling.

A row under conditions is one of K particles, rows that are drawn side by side (Gordon, Salmond &
Smith 1993). At a head whose column is requested, the draw is cut to what is allowed, and the
particle's weight is multiplied by the chance of what is allowed. Where the weights of a row's
particles have become uneven, they are drawn anew by weight; behind the last such head one of them
is left, which goes on alone. In the limit of many particles rows follow the chain's own
distribution given the conditions, and as every row has particles of its own, rows are independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.models.nets.chain import ChainGenerator
from tabgan.models.nets.gumbel import inverse_cdf
from tabgan.models.nets.walk import HeadNets, Walk

UNEVEN = 0.5  # of K: with a smaller effective number, particles are drawn anew
MOST_PARTICLES = 40_000  # at once
WANTED, MOST_PER_ROW = 8, 500  # effective particles of a row, and particles
RULED_OUT = 1e-13  # the share of a code below which others rule it out (``models.nets.exclusions``)


@dataclass(frozen=True, kw_only=True, eq=False)
class Allowed:
    """The codes and spans of one column that several regions allow; rows choose among regions.

    Attributes:
        mass: float32 [regions, n_codes], the share of each joint code's cell that is allowed.
        bins: float32 [regions, n_bins], about the same of whole bins: by training's cells.
        spans: float32 [regions, n_codes, n_spans, 2] of the position in a cell, or None where all
            of an allowed cell is.
        region: int64 [n], the region of each row; -1 where the column is not requested.
    """

    mass: Tensor
    bins: Tensor
    spans: Tensor | None
    region: Tensor

    def of(self, rows: Tensor) -> Allowed:
        """The same for some of the rows, int64 [m]."""
        return replace(self, region=self.region[rows])


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The result of drawing with particles.

    Attributes:
        rows: the coded rows, of those that came about.
        owner: int64 [m], the request of each, ascending.
        log_share: float64 [n], log of the estimated chance of each request's conditions.
        effective: float64 [n], the effective number of particles that each row was chosen from.
    """

    rows: CodedRows
    owner: Tensor
    log_share: Tensor
    effective: Tensor


class Particles:
    """Draws of a chain under conditions.

    Args:
        chain: the generator, on the CPU, in eval mode.
    """

    def __init__(self, chain: ChainGenerator) -> None:
        self.chain = chain
        self.nets: HeadNets = chain.taken_apart(torch.device("cpu"))
        self.heads_of = {
            column.name: [at for at, head in enumerate(chain.heads) if head.column == j]
            for j, column in enumerate(chain.columns)
        }

    @torch.no_grad()
    def draw(
        self,
        n: int,
        requested: Mapping[str, Allowed],
        *,
        k: int,
        rng: torch.Generator,
        classes: Tensor | None = None,
    ) -> Outcome:
        """One row for each of ``n`` requests, if it comes about.

        Args:
            n: requests.
            requested: per column that is requested, what is allowed.
            k: particles of a row.
            rng: of all draws.
            classes: float64 [n, classes], chances of the class of each row, which is then shown to
                all heads; a row of zeros leaves it to be drawn. None for no such row.
        """
        pieces = [
            self._draw(some, requested, k, rng, classes)
            for some in torch.arange(n).split(max(MOST_PARTICLES // k, 1))
        ]
        layout = self.chain.layout
        rows = CodedRows(
            layout=layout,
            codes=torch.cat([piece.rows.codes for piece in pieces]),
            scalars=torch.cat([piece.rows.scalars for piece in pieces]),
        )
        return Outcome(
            rows=rows,
            owner=torch.cat([piece.owner for piece in pieces]),
            log_share=torch.cat([piece.log_share for piece in pieces]),
            effective=torch.cat([piece.effective for piece in pieces]),
        )

    @torch.no_grad()
    def weighted(
        self,
        n: int,
        requested: Mapping[str, Allowed],
        *,
        k: int,
        rng: torch.Generator,
        classes: Tensor | None = None,
    ) -> tuple[CodedRows, Tensor]:
        """All ``k`` particles of each of ``n`` requests, n k rows, and their weights [n, k].

        Weights of a request sum to 1, or to 0 where no particle came about.
        """
        cloud = self._walked(n, requested, k, rng, classes, choose=False)
        return self._rows(cloud, requested, rng), cloud.weights()

    def _draw(
        self,
        some: Tensor,
        requested: Mapping[str, Allowed],
        k: int,
        rng: torch.Generator,
        classes: Tensor | None,
    ) -> Outcome:
        here = {name: one.of(some) for name, one in requested.items()}
        of_class = None if classes is None else classes[some]
        cloud = self._walked(len(some), here, k, rng, of_class, choose=True)
        return Outcome(
            rows=self._rows(cloud, here, rng),
            owner=some[cloud.owner],
            log_share=cloud.log_share,
            effective=cloud.effective,
        )

    def _walked(
        self,
        n: int,
        requested: Mapping[str, Allowed],
        k: int,
        rng: torch.Generator,
        classes: Tensor | None,
        *,
        choose: bool,
    ) -> _Cloud:
        """Particles behind the last head; where they ``choose``, one of each request."""
        cloud = _Cloud(self, n, k, rng)
        cloud.show_classes(classes)
        last = max([self.heads_of[name][-1] for name in requested], default=-1)
        for head, own in enumerate(self.chain.heads):
            name = self.chain.columns[own.column].name
            allowed = requested.get(name)
            if allowed is not None:
                cloud.draw_allowed(head, allowed)
            elif head == self.chain.class_head:
                cloud.draw_class(head)
            else:
                cloud.walk.draw(head, rng)
            if allowed is not None and head == self.heads_of[name][-1]:
                cloud.resample(last=choose and head == last)
        if choose and last < 0:
            cloud.resample(last=True)
        return cloud

    def _rows(
        self,
        cloud: _Cloud,
        requested: Mapping[str, Allowed],
        rng: torch.Generator,
    ) -> CodedRows:
        codes = cloud.walk.codes
        rows = CodedRows.empty(len(codes), self.chain.layout)
        rows.codes[:] = codes.to(rows.codes.dtype)
        rows.scalars[:] = torch.rand(rows.scalars.shape, generator=rng)
        scalars = [b.column for b in self.chain.layout.blocks if b.kind == "continuous"]
        for column in self.chain.columns:
            allowed = requested.get(column.name)
            if allowed is not None and allowed.spans is not None:
                position = scalars.index(column.name)
                region = allowed.region[cloud.owner]
                mine = (region >= 0).nonzero()[:, 0]
                spans = allowed.spans[region[mine], column.joint(codes[mine])]
                rows.scalars[mine, position] = _within(spans, rng)
        return rows


class _Cloud:
    """The particles of some requests, k beside each other, until one is left of each."""

    def __init__(self, of: Particles, n: int, k: int, rng: torch.Generator) -> None:
        self.chain, self.n, self.k, self.rng = of.chain, n, k, rng
        noise = torch.randn(n * k, of.chain.noise_dim, generator=rng)
        self.walk = Walk(of.nets, of.chain.first(noise, noise[:, :0]))
        self.owner = torch.arange(n).repeat_interleave(k)
        self.log_weight = torch.zeros(n * k, dtype=torch.double)
        self.log_share = torch.zeros(n, dtype=torch.double)
        self.effective = torch.full((n,), float(k), dtype=torch.double)
        self.alive = torch.ones(n, dtype=torch.bool)

    def show_classes(self, classes: Tensor | None) -> None:
        """Draw the classes of rows that ask for one, and show them to all heads."""
        if classes is None or self.chain.class_head is None:
            return
        wanted = classes.sum(dim=1) > 0
        rows = wanted[self.owner].nonzero()[:, 0]
        if len(rows):
            chances = classes[self.owner[rows]].float()
            uniform = torch.rand(len(rows), generator=self.rng)
            self.walk.show(rows, inverse_cdf(chances, uniform).long())

    def draw_class(self, head: int) -> None:
        """The class head: what is shown is kept, any other is drawn."""
        self.walk.draw(head, self.rng)
        drawn = self.walk.codes[:, self.chain.heads[head].code]
        self.walk.put(head, torch.where(self.walk.label >= 0, self.walk.label, drawn))

    def draw_allowed(self, head: int, allowed: Allowed) -> None:
        """Draw a head's codes among those allowed, and weigh the particles."""
        own = self.chain.heads[head]
        column = self.chain.columns[own.column]
        region = allowed.region[self.owner]
        free = region < 0
        region = region.clamp(min=0)
        if own.is_cell:
            bins = self.walk.codes[:, column.bins_at]
            mass = allowed.mass.view(len(allowed.mass), -1, column.n_cells)[region, bins]
            before = allowed.bins[region, bins].masked_fill(free, 1.0)
        else:
            mass = allowed.bins[region] if column.cells else allowed.mass[region]
            before = torch.ones(len(region))
        mass = mass.masked_fill(free[:, None], 1.0)
        shares = self.walk.logits(head).softmax(dim=1)
        shares = shares.masked_fill(shares < RULED_OUT, 0.0) * mass
        total = shares.sum(dim=1)
        gain = total.double().log() - before.double().log()
        self.log_weight += gain.masked_fill(free, 0.0)
        impossible = (total <= 0) | (before <= 0)
        shares[impossible] = 1.0
        self.log_weight[impossible] = -math.inf
        uniform = torch.rand(len(shares), generator=self.rng)
        codes = inverse_cdf(shares, uniform)
        if head == self.chain.class_head:
            codes = torch.where(self.walk.label >= 0, self.walk.label, codes)
        self.walk.put(head, codes)

    def weights(self) -> Tensor:
        """Of each request's particles, [n, k]."""
        logs = self.log_weight.view(self.n, self.k)
        weights = logs.softmax(dim=1).nan_to_num()
        return weights * self.alive[:, None]  # none of a request whose particles are impossible

    def resample(self, *, last: bool) -> None:
        """Choose particles by weight where these are uneven; at last one of each row."""
        logs = self.log_weight.view(self.n, self.k)
        most = logs.amax(dim=1, keepdim=True)
        most = torch.where(most.isfinite(), most, torch.zeros_like(most))
        weights = (logs - most).exp()
        total = weights.sum(dim=1)
        self.alive &= total > 0
        effective = total.square() / weights.square().sum(dim=1).clamp_min(1e-300)
        self.effective = torch.minimum(self.effective, effective)
        uneven = (effective < UNEVEN * self.k) | last
        if not uneven.any():
            return
        gained = (total / self.k).clamp_min(1e-300).log() + most[:, 0]
        self.log_share += torch.where(uneven, gained, torch.zeros_like(gained))
        weights[~(total > 0)] = 1.0
        size = 1 if last else self.k
        cumulative = weights.cumsum(dim=1)
        start = torch.rand(self.n, 1, generator=self.rng, dtype=torch.double)
        steps = (torch.arange(size) + start) / size * cumulative[:, -1:]
        chosen = torch.searchsorted(cumulative, steps, right=True).clamp_max(self.k - 1)
        if not last:
            chosen = torch.where(uneven[:, None], chosen, torch.arange(self.k))
        positions = (torch.arange(self.n)[:, None] * self.k + chosen).flatten()
        if last:
            positions = positions[self.alive]
        logs = torch.where(uneven[:, None], torch.zeros_like(logs), logs)
        self._keep(positions, logs.flatten())

    def _keep(self, positions: Tensor, log_weight: Tensor) -> None:
        self.walk.at(positions)
        self.owner = self.owner[positions]
        self.log_weight = log_weight[positions]


def _within(spans: Tensor, rng: torch.Generator) -> Tensor:
    """A number drawn evenly within spans [n, n_spans, 2] of [0, 1], float32 [n]."""
    low, high = spans[..., 0].clamp(0, 1), spans[..., 1].clamp(0, 1)
    lengths = (high - low).clamp_min(0.0)
    single = torch.isfinite(spans[..., 0]) & (spans[..., 1] >= spans[..., 0])
    lengths = torch.where(single & (lengths.sum(dim=1, keepdim=True) <= 0), 1.0, lengths)
    chosen = inverse_cdf(lengths, torch.rand(len(spans), generator=rng)).long()[:, None]
    low, high = low.gather(1, chosen)[:, 0], high.gather(1, chosen)[:, 0]
    return low + torch.rand(len(spans), generator=rng) * (high - low)


def needed_particles(effective: Sequence[float] | NDArray[np.float64], tried: int) -> int:
    """Particles a row, for effective numbers of ``tried``: about eight of them are then effective.

    One, where conditions leave all particles alike.
    """
    share = float(np.median(effective)) / tried
    return min(math.ceil(WANTED * (1 - share) / max(share, 1e-6)) + 1, MOST_PER_ROW)
