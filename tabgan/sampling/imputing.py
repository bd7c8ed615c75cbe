"""Holes of a table, filled by what a mixture generator expects beside the row's known cells.

A row's posterior over the generator's states (``sampling.bank``) is exact whatever cells are
known: the unknown ones integrate out, and that a hole is no missing value of training is one more
fact. A state is drawn, and the holes given state and known cells; or each hole takes what is
likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag

from tabgan.encoding.numbers import rounded
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.modules.cgan import CGANModule
from tabgan.nets.mixture_generator import MixtureGenerator
from tabgan.sampling.bank import Bank, Codes, Mask
from tabgan.sampling.regions import Axis
from tabgan.seeding import generator_at, rng_at

CHUNK_ROWS = 1_024  # whose posterior is held at once
MEAN_DRAWS = 50  # of a number; their mean is off by a seventh of its deviation
SHARPNESS = 2.0  # the power of the chances of "sharp"
HOWS = ("draw", "sharp", "likeliest")
WITHOUT_PLACE = ("key", "dropped", "derived", "joint", "sum", "told", "constant")  # encodings

Numbers = NDArray[np.float64]


class Imputer:
    """Fills the missing cells of tables from a trained mixture generator.

    Known cells stay as they are. Ids get their row's number, text that the model never learned
    stays missing, derived columns follow from what decides them. A sum of known numbers is filled
    with it, and so is the one missing term of a known sum; of several missing terms each is filled
    by itself.

    Args:
        module: the generator.
        encoder: of its rows.
        seed: of everything that is drawn.

    Raises:
        TabganError: for a generator that is no mixture: it has no posterior.
    """

    def __init__(self, module: CGANModule, encoder: TableEncoder, *, seed: int = 0) -> None:
        of_classes = module.condition_width == encoder.condition_width
        if not (of_classes and isinstance(module.sampling_generator, MixtureGenerator)):
            raise TabganError(
                "impute: expected a run of model=cgan (a mixture generator), which knows how "
                "likely some cells are; this run's generator only draws whole rows"
            )
        self.encoder, self.seed = encoder, seed
        encodings = encoder.encodings_.items()
        self.axes = [Axis(encoder, n) for n, encoding in encodings if encoding not in WITHOUT_PLACE]
        self.bank = Bank(module, encoder, self.axes, seed=seed)
        self.condition_width = module.condition_width

    def fill(self, table: pd.DataFrame, n: int, how: str) -> Iterator[pd.DataFrame]:
        """``n`` imputations, or with ``how`` "likeliest" the one that there is."""
        if how == "likeliest":
            return iter([self.likeliest(table)])
        return self.draws(table, n, sharp=how == "sharp")

    @torch.no_grad()
    def draws(self, table: pd.DataFrame, n: int, *, sharp: bool = False) -> Iterator[pd.DataFrame]:
        """``n`` times the table with its holes drawn, independently of each other.

        Args:
            table: conforms to ``encoder.schema_`` but for its holes; other columns stay.
            n: imputations.
            sharp: categories by the squares of their chances, each for itself, numbers as ever:
                more often right than a draw, and more varied than the likeliest.
        """
        posterior = _Posterior(self, table)
        draw = posterior.sharp if sharp else posterior.drawn
        for place in range(n):
            yield posterior.completed(partial(draw, place))

    @torch.no_grad()
    def likeliest(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with each hole's most probable category, or expected number or date.

        Each hole for itself: two likeliest cells can be an unlikely pair, and all together vary
        less than real ones. Expected numbers are rounded to what their column holds.
        """
        posterior = _Posterior(self, table)
        return posterior.completed(posterior.likeliest)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cells:
    """What is known of one encoded column.

    Attributes:
        codes: int64 [n]; 0 in holes.
        events: int64 [n]: the code, or in holes ``axis.n_codes`` and the place of a set.
        sets: bool [n_sets, n_codes]: codes that are possible in holes.
        scalars: float32 [n], 0 where not seen.
        seen: bool [n], whether there is a scalar that says anything.
    """

    axis: Axis
    codes: Codes
    events: Codes
    sets: Mask
    scalars: NDArray[np.float32]
    seen: Mask

    def holes(self, rows: Codes) -> tuple[Codes, Codes]:
        """Which of ``rows`` have no cell here, by their place, and the set of each."""
        sets = self.events[rows] - self.axis.n_codes
        places = np.flatnonzero(sets >= 0)
        return places, sets[places]


class _Posterior:
    """p(state | known cells) of a table's rows, and what follows for their holes."""

    def __init__(self, of: Imputer, table: pd.DataFrame) -> None:
        self.of, self.bank, self.encoder, self.table = of, of.bank, of.encoder, table
        self.names = list(self.encoder.schema_.names)
        self.numbers = self.encoder.numbers(table)
        self.encoder.tell_sums(self.numbers)
        self.columns = [self._cells(axis) for axis in of.axes]
        self.bags, self.log_chances = self._evidence()
        shape = len(table), len(self.bank.net.scalars)
        self.scalars, self.seen = np.zeros(shape, np.float32), np.zeros(shape, bool)
        order = {int(at): place for place, at in enumerate(self.bank.net.scalars)}
        for cells in self.columns:
            if cells.axis.scalar is not None:
                place = order[cells.axis.scalar]
                self.scalars[:, place], self.seen[:, place] = cells.scalars, cells.seen

    def completed(self, fill: Callable[[Codes], Numbers]) -> pd.DataFrame:
        """The table with its holes from ``fill``, which takes the places of some rows."""
        numbers = self.numbers.copy()
        with_holes = np.flatnonzero(self.table[self.names].isna().any(axis=1))
        for first in range(0, len(with_holes), CHUNK_ROWS):
            rows = with_holes[first : first + CHUNK_ROWS]
            filled_rows, own = fill(rows), self.numbers[rows]
            numbers[rows] = np.where(np.isnan(own), filled_rows, own)
        self.encoder.put_sums(numbers)
        filled = self.encoder.to_table(numbers)
        known = self.table.reset_index(drop=True)
        both = {name: known[name].where(known[name].notna(), filled[name]) for name in self.names}
        return known.assign(**both)

    def drawn(self, place: int, rows: Codes) -> Numbers:
        """The rows with their holes drawn: float64 [len(rows), columns]."""
        rng = generator_at(self.of.seed, "impute", place, int(rows[0]))
        states = torch.multinomial(self._chances(rows), 1, generator=rng)[:, 0]
        return self._decoded(*self._draw(rows, states, rng))

    def sharp(self, place: int, rows: Codes) -> Numbers:
        """The rows with their holes drawn, categories sharply: float64 [len(rows), columns]."""
        rng = generator_at(self.of.seed, "impute", "sharp", place, int(rows[0]))
        chances = self._chances(rows)
        states = torch.multinomial(chances, 1, generator=rng)[:, 0]
        codes, scalars = self._draw(rows, states, rng)

        def choose(given: Tensor) -> Tensor:
            return torch.multinomial(given**SHARPNESS, 1, generator=rng)[:, 0]

        for place, (cells, log_shares) in enumerate(self._columns()):
            if self._is_nominal(cells.axis.name):
                codes[place] = self._chosen_codes(cells, log_shares, rows, chances, choose)
        return self._decoded(codes, scalars)

    def likeliest(self, rows: Codes) -> Numbers:
        """The rows with their holes by probability: float64 [len(rows), columns]."""
        chances = self._chances(rows)
        codes = [self._chosen_codes(c, s, rows, chances, _argmax) for c, s in self._columns()]
        numbers = self._decoded(codes, torch.from_numpy(self.scalars[rows]))
        measured = [
            place for place, column in enumerate(self.encoder.schema_.columns)
            if column.is_measured
            and self.encoder.encodings_[column.name] not in WITHOUT_PLACE
            and self.table[column.name].iloc[rows].isna().any()
        ]  # fmt: skip
        if measured:
            rng = generator_at(self.of.seed, "impute", "mean", int(rows[0]))
            states = torch.multinomial(chances, MEAN_DRAWS, replacement=True, generator=rng)
            drawn = self._decoded(*self._draw(np.repeat(rows, MEAN_DRAWS), states.flatten(), rng))
            means = drawn.reshape(len(rows), MEAN_DRAWS, -1).mean(axis=1)
            for place in measured:
                numbers[:, place] = rounded(self.encoder.schema_.columns[place], means[:, place])
        return numbers

    def _columns(self) -> Iterator[tuple[_Cells, Tensor]]:
        return zip(self.columns, self.bank.log_shares, strict=True)

    def _is_nominal(self, name: str) -> bool:
        """Whether a column, or all of those of a joint block, are categories."""
        joint = self.encoder.relations_.joints.get(name)
        names = [name] if joint is None else joint.names
        return all(self.encoder.schema_[one].kind == "nominal" for one in names)

    def _chances(self, rows: Codes) -> Tensor:
        """P(state | known cells), float32 [len(rows), S]."""
        logs = embedding_bag(self.bags[rows], self.log_chances, mode="sum") + self.bank.log_prior
        logs += self.bank.log_density(torch.from_numpy(self.scalars[rows]), self.seen[rows])
        return logs.softmax(dim=1)

    def _draw(
        self, rows: Codes, states: Tensor, rng: torch.Generator
    ) -> tuple[list[Codes], Tensor]:
        """Codes per column and scalars [n, n_scalars] of rows, holes drawn given a state each."""
        known = torch.from_numpy(self.scalars[rows])
        scalars = self.bank.draw_scalars(known, self.seen[rows], states, rng)
        codes = []
        for cells, log_shares in self._columns():
            own = cells.codes[rows]
            holes, sets = cells.holes(rows)
            if len(holes):
                logits = log_shares[states[holes]]
                impossible = torch.from_numpy(~cells.sets[sets])
                chances = logits.masked_fill(impossible, -math.inf).softmax(dim=1)
                own[holes] = torch.multinomial(chances, 1, generator=rng)[:, 0].numpy()
            codes.append(own)
        return codes, scalars

    def _chosen_codes(
        self, cells: _Cells, log_shares: Tensor, rows: Codes, chances: Tensor,
        choose: Callable[[Tensor], Tensor],
    ) -> Codes:  # fmt: skip
        """What ``choose`` makes of each hole's chances [holes, n_codes], beside the known codes."""
        own = cells.codes[rows]
        holes, sets = cells.holes(rows)
        for one in np.unique(sets):
            mine = holes[sets == one]
            impossible = torch.from_numpy(~cells.sets[one])
            given = log_shares.masked_fill(impossible, -math.inf).softmax(dim=1)  # [S, n_codes]
            own[mine] = choose(chances[mine] @ given).numpy()
        return own

    def _decoded(self, codes: list[Codes], scalars: Tensor) -> Numbers:
        n = len(scalars)
        encoded = np.zeros((n, self.encoder.layout_.width), np.float32)
        condition = np.zeros((n, self.of.condition_width), np.float32)
        encoded[:, self.bank.net.scalars.numpy()] = scalars.numpy()
        each = np.arange(n)
        for axis, own in zip(self.of.axes, codes, strict=True):
            if axis.is_condition:
                condition[each, own] = 1.0
            for start, part in zip(axis.starts, axis.parts(own), strict=True):
                encoded[each, start + part] = 1.0
        return self.encoder.decode_numbers(encoded, condition)

    def _cells(self, axis: Axis) -> _Cells:
        numbers = self._numbers_of(axis.name)
        hole = np.isnan(numbers)
        scalars = np.zeros(len(numbers), np.float32)
        if axis.is_condition:
            codes = np.where(hole, 0, numbers).astype(np.int64)
            hole |= self.encoder.class_counts_[codes] == 0  # of which there is no state
        else:
            codes, scalars = self._encoded(axis, numbers)
        seen = ~hole & (axis.scalar is not None) & np.isin(codes, axis.varying)
        sets, which = np.unique(self._possible(axis, hole), axis=0, return_inverse=True)
        events = codes.copy()
        events[hole] = axis.n_codes + which.reshape(-1)
        codes, scalars = np.where(hole, 0, codes), np.where(seen, scalars, 0).astype(np.float32)
        return _Cells(
            axis=axis, codes=codes, events=events, sets=sets, scalars=scalars, seen=seen
        )  # fmt: skip

    def _numbers_of(self, name: str) -> Numbers:
        """A column's numbers, or a joint block's codes; NaN for combinations never seen, too."""
        if name not in self.encoder.relations_.joints:
            return self.numbers[:, self.names.index(name)]
        columns = self.encoder.by_name(self.numbers)
        return self.encoder.relations_.joints[name].codes(columns, nearest=False)

    def _encoded(self, axis: Axis, numbers: Numbers) -> tuple[Codes, NDArray[np.float32]]:
        """Codes and scalars of a column; in holes those of its least value."""
        least = self.encoder.ranges_.get(axis.name, (0.0, 0.0))[0]
        rng = rng_at(self.of.seed, "impute", "encode", axis.name)
        known = np.where(np.isnan(numbers), least, numbers)
        encoded = self.encoder.encoders_[axis.name].encode(known, rng)
        first = self.encoder.layout_.of(axis.name)[0].start
        parts = [
            encoded[:, start - first : start - first + width].argmax(axis=1)
            for start, width in zip(axis.starts, axis.widths, strict=True)
        ]
        scalar = 0 if axis.scalar is None else axis.scalar - first
        codes = np.ravel_multi_index(parts, axis.widths) if parts else np.zeros(len(known))
        return np.asarray(codes, np.int64), encoded[:, scalar]

    def _possible(self, axis: Axis, hole: Mask) -> Mask:
        """Codes that each hole may have, bool [holes, n_codes]: never missing.

        A known cell of a column that this one decides leaves the codes that go with it; all, where
        training never saw it. One that is a hole too leaves those with a value for it.
        """
        possible = np.tile(np.isfinite(axis.low), (int(hole.sum()), 1))
        for name, (source, _) in self.encoder.relations_.derived.items():
            if source == axis.name:
                told = self.numbers[hole, self.names.index(name)]
                values = Axis(self.encoder, name).low
                fits = np.where(
                    np.isnan(told)[:, None], np.isfinite(values), values == told[:, None]
                )
                fitting = possible & fits
                possible = np.where(fitting.any(axis=1, keepdims=True), fitting, possible)
        return possible

    def _evidence(self) -> tuple[Tensor, Tensor]:
        """Events int64 [n, columns], as places of the log chances [n_events, S] in each state."""
        bags, tables, first = [], [], 0
        for cells, log_shares in self._columns():
            impossible = torch.from_numpy(~cells.sets)
            of_sets = [log_shares.masked_fill(no, -math.inf).logsumexp(dim=1) for no in impossible]
            tables += [log_shares.T, *(chance[None] for chance in of_sets)]
            bags.append(torch.from_numpy(cells.events) + first)
            first += log_shares.shape[1] + len(of_sets)
        return torch.stack(bags, dim=1), torch.cat(tables).contiguous()


def _argmax(chances: Tensor) -> Tensor:
    return chances.argmax(dim=1)
