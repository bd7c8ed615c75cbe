"""Rows of a chain that satisfy a request's conditions, without drawing the others first."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.protocol import ChainedModel
from tabgan.sampling.particles import Allowed, Outcome, Particles, needed_particles
from tabgan.sampling.regions import Axis, Region, Regions
from tabgan.sampling.requests import Request
from tabgan.seeding import AddressPart, generator_at

TRIED, TRIED_CONDITIONS = 256, 64  # particles, and conditions, by which the first look goes
TRACE = 1e-7  # the share of a cell that a single value of a dense number has
LEAST_SHARE = 1e-9  # of the generator's rows; what is rarer was never seen
LEAST_AWAITED = 0.1  # of such rows; a class that is rarer is shown to the generator

Rows = NDArray[np.int64]


class ConditionalChain:
    """Draws of a chain under the conditions of a request.

    The number of particles follows from a first look: about eight of a row's are to be effective.
    A class that a tenth of such rows have, or more, is drawn as in any row, and rows of another
    one are left out: they are as real as rows without conditions. A rarer class is shown to all
    heads before the first draws, which costs nothing, and rows are told from real ones a little
    more easily (Adult's rows of the rarer class: AUC .55 instead of .52).

    Attributes:
        shares: the generator's estimated share of rows as requested, float64 [n_conditions]; NaN
            for those that were not looked at.
        particles: of a row.
        effective: the effective number of them, the median over the conditions looked at.
        rate: rows as requested to expect per try.

    Args:
        module: the run's.
        encoder: of its rows.
        request: the conditions.
        seed: of the first look.

    Raises:
        TabganError: for a condition that no row can satisfy, or that the generator gives next to
            no chance, because training saw no such row.
    """

    def __init__(
        self, module: ChainedModel, encoder: TableEncoder, request: Request, *, seed: int
    ) -> None:
        chain = module.sampling_chain
        if chain.training or module.device.type != "cpu":
            chain = copy.deepcopy(chain).cpu().eval()
        self.encoder, self.request, self.chain = encoder, request, chain
        self.regions = Regions(encoder, request, may_lie_between=True)
        self.sampler = Particles(chain)
        n = len(request.conditions)
        self.class_share = torch.ones(n, dtype=torch.double)
        self.classes = self._classes(n)
        self.requested = self._allowed()
        self.shares = np.full(n, np.nan)
        self.particles, self.effective, self.rate = 1, 1.0, 1.0
        self.awaits = torch.zeros(n, dtype=torch.bool)  # conditions whose class is not shown
        self._look(seed)

    def draw(
        self, requested: Rows, address: tuple[int, *tuple[AddressPart, ...]]
    ) -> tuple[NDArray[np.float64], Rows]:
        """Try once per entry of ``requested``, the position of a condition.

        Returns:
            Rows, some perhaps of another class, as ``TableEncoder.decode_numbers`` gives them,
            float64 [m, n_columns], and the condition of each, int64 [m].
        """
        classes = self.classes
        if classes is not None:
            classes = classes.masked_fill(self.awaits[:, None], 0.0)
        outcome = self._outcome(requested, self.particles, generator_at(*address), classes)
        none = np.empty((len(outcome.rows), 0), np.float32)
        rows = self.encoder.decode_numbers(outcome.rows, none)
        owners = requested[outcome.owner.numpy()]
        columns = self.encoder.by_name(rows)
        for name, values in self.regions.between.items():
            own = values[owners]
            columns[name][:] = np.where(np.isnan(own), columns[name], own)
        return rows, owners

    def _outcome(
        self, requested: Rows, k: int, rng: torch.Generator, classes: Tensor | None
    ) -> Outcome:
        positions = torch.from_numpy(requested)
        here = {name: one.of(positions) for name, one in self.requested.items()}
        shown = None if classes is None else classes[positions]
        return self.sampler.draw(len(requested), here, k=k, rng=rng, classes=shown)

    def _look(self, seed: int) -> None:
        """Estimate the conditions' shares and how many particles a row needs."""
        n = len(self.shares)
        looked = np.unique(np.linspace(0, n - 1, min(n, TRIED_CONDITIONS)).astype(np.int64))
        repeats = max(TRIED_CONDITIONS // len(looked), 1) // 8 + 1
        requested = np.repeat(looked, repeats)
        logs = self.class_share[looked].log()
        if self.requested:
            address = generator_at(seed, "conditions")
            outcome = self._outcome(requested, TRIED, address, self.classes)
            logs += _means(outcome, repeats)
        if self.classes is not None:
            others = torch.zeros_like(logs)
            if self.requested:
                address = generator_at(seed, "conditions", "other columns")
                others = _means(self._outcome(requested, TRIED, address, None), repeats)
            self._await(looked, (logs - others).exp().clamp(max=1))
        self.shares[looked] = logs.exp().numpy()
        for values in self.regions.between.values():  # the share of its neighbours is not its own
            self.shares[~np.isnan(values)] = np.nan
        rarest = int(looked[logs.argmin()])
        if float(logs.min()) < math.log(LEAST_SHARE):
            raise TabganError(
                f"{self.request.described(rarest)}: training saw no such row, and the model gives "
                f"it a share of {float(logs.min().exp()):.0e}"
            )
        if not self.requested:
            return
        self.particles = needed_particles(outcome.effective.numpy(), TRIED)
        share = float(outcome.effective.median()) / TRIED
        self.effective = max(share * self.particles, 1.0)

    def _await(self, looked: Rows, chances: Tensor) -> None:
        """Leave classes to be drawn where that costs few tries, by their chances, float64 [m]."""
        often = chances >= LEAST_AWAITED
        self.awaits[looked[often.numpy()]] = True
        if often.any():
            self.rate = float(chances[often].min())

    def _classes(self, n: int) -> Tensor | None:
        """The chances of each class under each condition by its training share, [n, classes]."""
        head, target = self.chain.class_head, self.chain.layout.target
        if head is None or target not in self.regions.axes:
            return None
        counts = self.chain.class_shares()
        chances = torch.zeros(n, self.chain.class_width, dtype=torch.double)
        for position, regions in enumerate(self.regions.of):
            if target in regions:
                allowed = torch.from_numpy(regions[target].codes)
                self.class_share[position] = (counts * allowed).sum()
                chances[position] = counts * allowed / self.class_share[position].clamp_min(1e-300)
        return chances

    def _allowed(self) -> dict[str, Allowed]:
        columns = {column.name: column for column in self.chain.columns}
        return {
            name: allowed(
                axis,
                [of.get(name) for of in self.regions.of],
                self.chain.cell_shares(columns[name]),
            )
            for name, axis in self.regions.axes.items()
            if not (name == self.chain.layout.target and self.classes is not None)
        }


def _means(outcome: Outcome, repeats: int) -> Tensor:
    """The log of each condition's mean share over its repeats, float64 [n_conditions]."""
    logs = outcome.log_share.view(-1, repeats)
    return logs.logsumexp(dim=1) - math.log(repeats)


def allowed(axis: Axis, regions: Sequence[Region | None], cell_shares: Tensor | None) -> Allowed:
    """The joint codes of a column that regions allow; rows of one region share its tables.

    Args:
        axis: the column.
        regions: of each row; None where the column is not requested.
        cell_shares: of the cells in each bin, [n_bins, n_cells]; None for a column without cells.
    """
    distinct: dict[int, Region] = {id(r): r for r in regions if r is not None}
    order = {key: position for position, key in enumerate(distinct)}
    region = torch.tensor([-1 if r is None else order[id(r)] for r in regions])
    mass = np.stack([r.codes for r in distinct.values()]).astype(np.float32)
    spans = None
    if axis.scalar is not None and len(axis.varying):
        most = max(r.spans.shape[1] for r in distinct.values())
        spans = np.full((len(distinct), axis.n_codes, most, 2), np.inf, np.float32)
        spans[:, :, 0] = (0.0, 1.0)
        for position, r in enumerate(distinct.values()):
            spans[position, axis.varying] = np.inf
            spans[position, axis.varying, : r.spans.shape[1]] = r.spans
            mass[position, axis.varying] *= _lengths(r.spans)
    masses = torch.from_numpy(mass)
    of_bins = masses
    if cell_shares is not None:
        of_bins = (masses.view(len(mass), *cell_shares.shape) * cell_shares).sum(dim=2)
    return Allowed(
        mass=masses,
        bins=of_bins,
        spans=None if spans is None else torch.from_numpy(spans),
        region=region,
    )


def _lengths(spans: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of [0, 1] spans [n, n_spans, 2] cover, at least a trace of one that is not empty."""
    low, high = spans[..., 0].clip(0, 1), spans[..., 1].clip(0, 1)
    there = (spans[..., 1] >= spans[..., 0]) & (spans[..., 0] < np.inf)
    each = np.where(there, np.maximum(high - low, TRACE), 0.0)
    total: NDArray[np.float32] = each.sum(axis=1).clip(0, 1).astype(np.float32)
    return total
