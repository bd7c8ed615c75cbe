"""A number as two codes and a rest: its bin, the cell inside the bin, where in the cell."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.numbers import order_statistics

Codes = NDArray[np.int64]

BINS, CELLS = 48, 16  # of a column, and of a bin, at most
HEAVY = 1 / 128  # a value that holds more of the rows has a bin of its own,
HEAVY_ROWS = 10  # if these are at least so many rows
BIN_ROWS, CELL_ROWS = 12, 6  # training rows of a bin and of a cell, at least
DISTINCT = 0.5  # of the rows without a heavy value: from there on values are interpolated


class CellsEncoder:
    """Blocks (bins …[, missing]), (cells), and a scalar, uniform in [0, 1): where in the cell.

    Each heavy value has a bin of its own; the others share quantile bins, and each bin is cut
    into up to 16 cells of about as many training rows. A bin of few values has a cell for each.
    Both codes ascend with the number, so a generator can draw a bin and, given it, a cell. All
    that is left inside a cell, 1 / 768 of the rows, is drawn evenly between its order statistics.

    Where most training values differ, decoding interpolates between neighbouring order statistics,
    and no training value need come back; heaped columns keep to the values they had. Encoding and
    decoding a training value gives it back.

    Args:
        interpolate: whether values between those of training are made; None for the rule above.
        most_heavy: bins of single values at most.
    """

    def __init__(self, *, interpolate: bool | None = None, most_heavy: int | None = None) -> None:
        self.interpolate, self.most_heavy = interpolate, most_heavy

    def fit(self, numbers: Numbers) -> Self:
        self.points_ = known = order_statistics(numbers[~np.isnan(numbers)])
        self.missing_ = bool(np.isnan(numbers).any())
        values, counts = np.unique(known, return_counts=True)
        heavy = self._heavy(counts, len(known))
        self.bins_ = _bins(counts, heavy)
        light = counts[~heavy]
        varies = bool(len(light) > DISTINCT * light.sum())
        self.interpolates_ = varies if self.interpolate is None else self.interpolate
        self.cells_ = _cells(counts, self.bins_)
        self._lay_out(values, counts)
        return self

    @property
    def widths_(self) -> tuple[BlockShape, ...]:
        width = self.n_bins + self.missing_
        atoms = (*np.flatnonzero(self._n_cells == 1).tolist(), *range(self.n_bins, width))
        bins = BlockShape("discrete", width, ordered=self.n_bins, atoms=atoms)
        cells = BlockShape("discrete", self.n_cells, ordered=self.n_cells)
        position = BlockShape("continuous", 1)
        return (bins, cells, position) if self.n_cells > 1 else (bins, position)

    @property
    def spans_(self) -> Numbers:
        """The least and the greatest number of each bin, [bins, 2]; NaN of the missing bin."""
        first, last = self._start, np.append(self._start[1:], len(self._bin)) - 1
        ends = self.points_[self._first[first]], self._uppers[last]
        return np.pad(np.stack(ends, 1), ((0, int(self.missing_)), (0, 0)), constant_values=np.nan)

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        bins, cells, positions = self.codes(numbers)
        each = np.arange(len(numbers))
        encoded = np.zeros((len(numbers), sum(shape.width for shape in self.widths_)), np.float32)
        encoded[each, bins] = 1.0
        if self.n_cells > 1:
            encoded[each, self.n_bins + self.missing_ + cells] = 1.0
        encoded[:, -1] = positions
        return encoded

    def decode(self, encoded: Encoded) -> Numbers:
        width = self.n_bins + self.missing_
        bins = encoded[:, :width].argmax(axis=1)
        inner = encoded[:, width:-1]
        cells = inner.argmax(axis=1) if self.n_cells > 1 else np.zeros(len(bins), np.int64)
        return self.numbers(bins, cells, encoded[:, -1].astype(np.float64))

    def codes(self, numbers: Numbers) -> tuple[Codes, Codes, Numbers]:
        """Bin, cell in it, and position in the cell, each [n]; of a missing number the last bin.

        A number that training never had is encoded as one of the nearest cell.
        """
        missing = np.isnan(numbers)
        known = np.where(missing, self.points_[0], numbers)
        cell = np.searchsorted(self._uppers, known).clip(0, len(self._uppers) - 1)
        low = np.searchsorted(self.points_, known, side="left")
        high = np.searchsorted(self.points_, known, side="right")
        first, size = self._first[cell], self._size[cell]
        within = (low + high) / 2 - first  # the middle of the value's own ranks
        if self.interpolates_:
            within = self._rank(known) - first
            positions = within / np.maximum(size - 1, 1)
        else:
            positions = within / size
        bins = np.where(missing, self.n_bins, self._bin[cell])
        positions = np.where(missing, 0.5, positions.clip(0.0, np.nextafter(np.float32(1), 0)))
        return bins, np.where(missing, 0, self._cell[cell]), positions

    def numbers(self, bins: Codes, cells: Codes, positions: Numbers) -> Numbers:
        """The number of each bin, cell and position, float64 [n]; NaN for the missing bin.

        A bin that has fewer cells is read by its last one.
        """
        missing = bins >= self.n_bins
        known = np.where(missing, 0, bins)
        cell = self._start[known] + np.minimum(cells, self._n_cells[known] - 1)
        first, size = self._first[cell], self._size[cell]
        positions = positions.clip(0.0, 1.0)
        if self.interpolates_:
            rank = first + positions * (size - 1)
            below = rank.astype(np.int64)
            above = np.minimum(below + 1, len(self.points_) - 1)
            share = rank - below
            found = self.points_[below] * (1 - share) + self.points_[above] * share
        else:
            rank = first + np.minimum((positions * size).astype(np.int64), size - 1)
            found = self.points_[rank]
        return np.where(missing, np.nan, found)

    def _rank(self, known: Numbers) -> Numbers:
        """Where each number stands between the order statistics."""
        values, first, counts = np.unique(self.points_, return_index=True, return_counts=True)
        return np.interp(known, values, first + (counts - 1) / 2)

    def _heavy(self, counts: Codes, n: int) -> NDArray[np.bool_]:
        if self.most_heavy is None:
            return (counts > HEAVY * n) & (counts >= HEAVY_ROWS)
        commonest = np.argsort(-counts, kind="stable")[: self.most_heavy]
        heavy = np.zeros(len(counts), bool)
        heavy[commonest] = counts[commonest] >= HEAVY_ROWS
        return heavy

    def _lay_out(self, values: Numbers, counts: Codes) -> None:
        """Per cell, ascending: bin, cell in the bin, first rank, number of ranks, largest value."""
        pair = self.bins_ * CELLS + self.cells_
        first_value = np.flatnonzero(np.diff(pair, prepend=-1))
        last_value = np.append(first_value[1:], len(values)) - 1
        ends = counts.cumsum()
        self._bin, self._cell = self.bins_[first_value], self.cells_[first_value]
        self._uppers = values[last_value]
        self._first = ends[first_value] - counts[first_value]
        self._size = ends[last_value] - self._first
        self._start = np.flatnonzero(np.diff(self._bin, prepend=-1))
        self._n_cells = np.diff(np.append(self._start, len(self._bin)))
        self.n_bins, self.n_cells = len(self._start), int(self._n_cells.max())

    def state(self) -> State:
        return {
            "points": self.points_,
            "bins": self.bins_,
            "cells": self.cells_,
            "interpolates": self.interpolates_,
            "missing": self.missing_,
        }

    def restore(self, state: State) -> Self:
        self.points_, self.bins_, self.cells_ = state["points"], state["bins"], state["cells"]
        self.interpolates_, self.missing_ = state["interpolates"], state["missing"]
        self._lay_out(*np.unique(self.points_, return_counts=True))
        return self


def _bins(counts: Codes, heavy: NDArray[np.bool_]) -> Codes:
    """The bin of each distinct value, int64 ascending from 0 on; a heavy value's is its own."""
    light = np.where(heavy, 0, counts)
    n_bins = max(min(BINS, int(light.sum()) // BIN_ROWS), 1)
    before = light.cumsum() - light / 2
    part = (before / max(light.sum(), 1) * n_bins).astype(np.int64)
    fresh = np.diff(part, prepend=-1) > 0
    fresh |= heavy | np.append(False, heavy[:-1])
    groups: Codes = fresh.cumsum() - 1
    return groups


def _cells(counts: Codes, bins: Codes) -> Codes:
    """The cell of each distinct value inside its bin, int64 ascending from 0 on."""
    ends = counts.cumsum()
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    sizes = np.diff(np.append(starts, len(counts)))  # distinct values of a bin
    rows = np.add.reduceat(counts, starts)
    before = ends - counts - (ends[starts] - counts[starts])[bins]  # rows of the bin below a value
    n_cells = np.clip(rows // CELL_ROWS, 1, CELLS)
    of_rank = np.arange(len(counts)) - starts[bins]
    of_rows = ((before + counts / 2) / rows[bins] * n_cells[bins]).astype(np.int64)
    part = np.where(sizes[bins] <= n_cells[bins], of_rank, of_rows)
    fresh = (np.diff(part, prepend=-1) > 0) | (np.diff(bins, prepend=-1) > 0)
    rank = fresh.cumsum() - 1
    ranks: Codes = rank - rank[starts][bins]
    return ranks
