"""Missing cells of tables, filled by what a chain draws given the row's known cells.

Known cells are conditions (``sampling.particles``): each row is drawn as many particles, cut to
its known cells and weighted by their chances. A draw takes one particle by weight; what is
likeliest is counted over all of them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.nets.inputs import ChainColumn
from tabgan.models.protocol import ChainedModel, RowModel
from tabgan.sampling.particles import Allowed, Particles
from tabgan.sampling.regions import Axis
from tabgan.seeding import generator_at, rng_at

PARTICLES = 128  # of a row
CHUNK_ROWS = 500  # whose particles are held at once
SHARPNESS = 2.0  # the power of the chances of "sharp"
HOWS = ("draw", "sharp", "likeliest")

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]


class Imputer:
    """Fills the missing cells of tables from a trained chain.

    Known cells stay as they are. Ids get new values, text that the model never learned stays
    missing, what others decide follows from them. A sum of known numbers is filled with it, and so
    is the one missing term of a known sum; of several missing terms each is filled by itself.

    Args:
        module: the run's.
        encoder: of its rows.
        seed: of everything that is drawn.

    Raises:
        TabganError: for a model that cannot be requested some cells given others.
    """

    def __init__(self, module: RowModel, encoder: TableEncoder, *, seed: int = 0) -> None:
        if not isinstance(module, ChainedModel):
            raise TabganError(
                "impute: expected a run of model=cgan, which knows how likely some cells are given "
                "others; this run's generator only draws whole rows"
            )
        chain = copy.deepcopy(module.sampling_chain).cpu().eval()
        self.encoder, self.seed, self.chain = encoder, seed, chain
        self.sampler = Particles(chain)

    def fill(self, table: pd.DataFrame, n: int, how: str) -> Iterator[pd.DataFrame]:
        """``n`` imputations, or with ``how`` "likeliest" the one that there is."""
        if how == "likeliest":
            return iter([self.likeliest(table)])
        return self.draws(table, n, sharp=how == "sharp")

    @torch.no_grad()
    def draws(self, table: pd.DataFrame, n: int, *, sharp: bool = False) -> Iterator[pd.DataFrame]:
        """``n`` times the table with its missing cells drawn, independently of each other.

        Args:
            table: conforms to ``encoder.schema_`` but for its missing cells; other columns stay.
            n: imputations.
            sharp: categories by the squares of their chances, each for itself, numbers as ever:
                more often right than a draw, and more varied than the likeliest.
        """
        rows = _Rows(self, table)
        draw = rows.sharp if sharp else rows.drawn
        for number in range(n):
            yield rows.completed(partial(draw, number))

    @torch.no_grad()
    def likeliest(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with each missing cell's most probable category, or median number or date.

        Each cell for itself: two likeliest cells can be an unlikely pair, and all together vary
        less than real ones.
        """
        rows = _Rows(self, table)
        return rows.completed(rows.likeliest)


class _Rows:
    """A table's rows, and what is drawn for their missing cells."""

    def __init__(self, of: Imputer, table: pd.DataFrame) -> None:
        self.of, self.encoder, self.table = of, of.encoder, table
        self.names = list(self.encoder.schema_.names)
        self.numbers = self.encoder.numbers(table)
        self.encoder.tell_sums(self.numbers)
        self.requested: dict[str, Allowed] = {c.name: self._known(c) for c in of.chain.columns}
        self.classes = self._classes()

    def completed(self, fill: Callable[[Codes], Numbers]) -> pd.DataFrame:
        """The table with its missing cells from ``fill``, which takes the positions of rows."""
        numbers = self.numbers.copy()
        incomplete = np.flatnonzero(self.table[self.names].isna().any(axis=1))
        for first in range(0, len(incomplete), CHUNK_ROWS):
            rows = incomplete[first : first + CHUNK_ROWS]
            own = self.numbers[rows]
            numbers[rows] = np.where(np.isnan(own), self._apart(fill(rows), own), own)
        self.encoder.put_sums(numbers)
        filled = self.encoder.to_table(numbers)
        known = self.table.reset_index(drop=True)
        both = {name: known[name].where(known[name].notna(), filled[name]) for name in self.names}
        return known.assign(**both)

    def _apart(self, filled: Numbers, own: Numbers) -> Numbers:
        """Filled rows whose numbers lie as far from known ones as their distances were drawn.

        A known number is a condition by its code, which is a little wider than the number.
        """
        drawn = filled.copy()
        for above, (below, _) in self.encoder.relations_.gaps.items():
            a, b = self.names.index(below), self.names.index(above)
            distance = drawn[:, b] - drawn[:, a]
            known = ~np.isnan(own[:, a])
            filled[:, a] = np.where(known, own[:, a], filled[:, a])
            lower = ~known & ~np.isnan(own[:, b])
            filled[lower, a] = (own[:, b] - distance)[lower].clip(*self.encoder.ranges_[below])
            filled[:, b] = (filled[:, a] + distance).clip(*self.encoder.ranges_[above])
        return filled

    def drawn(self, number: int, rows: Codes) -> Numbers:
        """The rows with their missing cells drawn: float64 [len(rows), columns]."""
        rng = generator_at(self.of.seed, "impute", number, int(rows[0]))
        particles, weights = self._particles(rows, rng)
        return self._decoded(particles.at(self._chosen(weights, rng)))

    def sharp(self, number: int, rows: Codes) -> Numbers:
        """The rows with their missing cells drawn, categories sharply."""
        rng = generator_at(self.of.seed, "impute", "sharp", number, int(rows[0]))
        particles, weights = self._particles(rows, rng)
        chosen = self._chosen(weights, rng)

        def choose(chances: Tensor) -> Tensor:
            return torch.multinomial(chances**SHARPNESS, 1, generator=rng)[:, 0]

        return self._decoded(self._by_category(particles, weights, chosen, choose))

    def likeliest(self, rows: Codes) -> Numbers:
        """The rows with their missing cells by probability."""
        rng = generator_at(self.of.seed, "impute", "likeliest", int(rows[0]))
        particles, weights = self._particles(rows, rng)
        first = torch.arange(len(rows)) * PARTICLES
        chosen = self._by_category(particles, weights, first, lambda chances: chances.argmax(dim=1))
        numbers = self._decoded(chosen)
        every = self._decoded(particles).reshape(len(rows), PARTICLES, -1)
        for position, column in enumerate(self.encoder.schema_.columns):
            if column.is_measured and np.isnan(self.numbers[rows, position]).any():
                numbers[:, position] = _median(every[:, :, position], weights.numpy())
        return numbers

    def _particles(self, rows: Codes, rng: torch.Generator) -> tuple[CodedRows, Tensor]:
        positions = torch.from_numpy(rows)
        requested = {name: one.of(positions) for name, one in self.requested.items()}
        classes = None if self.classes is None else self.classes[positions]
        return self.of.sampler.weighted(len(rows), requested, k=PARTICLES, rng=rng, classes=classes)

    def _chosen(self, weights: Tensor, rng: torch.Generator) -> Tensor:
        """One particle of each row by weight, as positions among all of them."""
        weights = torch.where(weights.sum(dim=1, keepdim=True) > 0, weights, 1.0)
        drawn = torch.multinomial(weights, 1, generator=rng)[:, 0]
        return torch.arange(len(weights)) * PARTICLES + drawn

    def _by_category(
        self,
        particles: CodedRows,
        weights: Tensor,
        chosen: Tensor,
        choose: Callable[[Tensor], Tensor],
    ) -> CodedRows:
        """The chosen particles with each category by itself, by the particles' weights."""
        found = particles.at(chosen)
        for column in self.of.chain.columns:
            if column.cells is not None or not self._is_nominal(column):
                continue
            codes = particles.codes[:, column.bins_at].long().view(weights.shape)
            chances = torch.zeros(len(weights), column.n_codes, dtype=weights.dtype)
            chances.scatter_add_(1, codes, weights + 1e-12)
            found.codes[:, column.bins_at] = choose(chances).to(found.codes.dtype)
        return found

    def _is_nominal(self, column: ChainColumn) -> bool:
        if self.encoder.relations_.gap(column.name):
            return False
        is_block = column.name in self.encoder.relations_.joints
        return is_block or not self.encoder.schema[column.name].is_measured

    def _decoded(self, rows: CodedRows) -> Numbers:
        return self.encoder.decode_numbers(rows, np.empty((len(rows), 0), np.float32))

    def _classes(self) -> Tensor | None:
        """The known classes, shown to all heads: float64 [n, classes]."""
        head, target = self.of.chain.class_head, self.of.chain.layout.target
        if head is None or target is None:
            return None
        codes = self._codes(target)
        known = codes >= 0
        classes = torch.zeros(len(codes), self.of.chain.class_width, dtype=torch.double)
        classes[torch.from_numpy(np.flatnonzero(known)), torch.from_numpy(codes[known])] = 1.0
        whole = self.requested.pop(target)
        if not known.all():  # what is missing is not drawn as missing; what is known is shown
            region = torch.where(torch.from_numpy(known), -1, whole.region)
            self.requested[target] = replace(whole, region=region)
        return classes

    def _codes(self, name: str) -> Codes:
        """The joint code of each row's cell, int64 [n]; -1 where it is missing."""
        numbers = self._numbers_of(name)
        known = np.flatnonzero(~np.isnan(numbers))
        (column,) = (c for c in self.of.chain.columns if c.name == name)
        codes = np.full(len(numbers), -1)
        if len(known):
            rng = rng_at(self.of.seed, "impute", "encode", name)
            encoded = self.encoder.encoders_[name].encode(numbers[known], rng)
            start = self.encoder.layout_.of(name)[0].start
            spans = [block.span for block in (column.bins, column.cells) if block is not None]
            parts = [encoded[:, s.start - start : s.stop - start].argmax(axis=1) for s in spans]
            codes[known] = np.ravel_multi_index(parts, [s.stop - s.start for s in spans])
        return codes

    def _numbers_of(self, name: str) -> Numbers:
        """A column's numbers, a distance, or a joint block's codes; NaN for what was never seen."""
        if between := self.encoder.relations_.gap(name):
            below, above = (self.numbers[:, self.names.index(one)] for one in between)
            return above - below
        if name not in self.encoder.relations_.joints:
            return self.numbers[:, self.names.index(name)]
        columns = self.encoder.by_name(self.numbers)
        return self.encoder.relations_.joints[name].codes(columns, nearest=False)

    def _known(self, column: ChainColumn) -> Allowed:
        """A known cell allows its code alone, a missing one what it may be."""
        codes = self._codes(column.name)
        missing = np.flatnonzero(codes < 0)
        sets, which = np.unique(self._possible(column, missing), axis=0, return_inverse=True)
        n_codes = column.n_codes
        mass = np.concatenate([np.eye(n_codes), sets]).astype(np.float32)
        region = codes.copy()
        region[missing] = n_codes + which.reshape(-1)
        used, region = np.unique(region, return_inverse=True)
        masses = torch.from_numpy(mass[used])
        shares = self.of.chain.cell_shares(column)
        bins = masses
        if shares is not None:
            bins = (masses.view(len(used), *shares.shape) * shares).sum(dim=2)
        return Allowed(
            mass=masses, bins=bins, spans=None, region=torch.from_numpy(region.reshape(-1))
        )

    def _possible(self, column: ChainColumn, missing: Codes) -> NDArray[np.bool_]:
        """Codes that each missing cell may have, bool [missing, n_codes]: never "missing".

        A known cell of a column that this one decides leaves the codes that go with it; all, where
        training never saw it. One that is missing too leaves those with a value for it.
        """
        axis = Axis(self.encoder, column.name)
        possible = np.tile(np.isfinite(axis.low), (len(missing), 1))
        for name, (source, _) in self.encoder.relations_.derived.items():
            if source == column.name:
                known = self.numbers[missing, self.names.index(name)]
                values = Axis(self.encoder, name).low
                fits = np.where(
                    np.isnan(known)[:, None], np.isfinite(values), values == known[:, None]
                )
                fitting = possible & fits
                possible = np.where(fitting.any(axis=1, keepdims=True), fitting, possible)
        return possible


def _median(values: Numbers, weights: NDArray[np.float64]) -> Numbers:
    """Weighted medians [n] of values [n, k] that are there; NaN where none is."""
    weights = np.where(np.isnan(values), 0.0, weights)
    order = values.argsort(axis=1)  # NaN last
    below = np.take_along_axis(weights, order, axis=1).cumsum(axis=1)
    middle = (below >= below[:, -1:] / 2).argmax(axis=1)[:, None]
    chosen = np.take_along_axis(order, middle, axis=1)
    return np.where(below[:, -1] > 0, np.take_along_axis(values, chosen, axis=1)[:, 0], np.nan)
