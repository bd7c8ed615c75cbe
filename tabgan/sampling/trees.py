"""Boosted trees as plain arrays, scored without a loop over rows and without scikit-learn.

A column enters a tree only through its place among that column's thresholds. So for each (column,
place) the leaves of all trees that a row there may still end in are known beforehand, one bit per
leaf: a row's leaves are the AND over its columns, one lookup per column for all trees together
(QuickScorer, Lucchese et al. 2015, with the loops exchanged), and one for several columns of few
places. About four times as fast as scikit-learn's own compiled walk, on one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tabgan.errors import TabganError

Floats = NDArray[np.float64]

MOST_LEAVES = 64  # the bits of the widest mask
BLOCK_TREES = 256  # trees whose masks are held at once ...
BLOCK_CELLS = 2**16  # rows times trees of which are looked at together: they stay in the cache
JOINT_PLACES = 512  # columns whose places make at most so many pairs are looked up as one
BINNED_ROWS = 8_192
LOOKUP_CELLS = (1_024, 16_384)
LOOKUP_STEPS = 4  # thresholds of one cell at most; else a column is searched by bisection
# De Bruijn sequences: their product with 1 << k has k's own pattern in the highest bits.
DE_BRUIJN: dict[Any, int] = {
    np.uint16: 0x09AF,
    np.uint32: 0x077CB531,
    np.uint64: 0x03F79D71B4CB0A89,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class BoostedTrees:
    """The log-odds of a boosted binary classifier: ``baseline`` plus one leaf's value per tree.

    Nodes of all trees stand one after the other, parents before children. A row goes left where
    its value is at most the threshold; a missing one goes where ``missing_left`` says.

    Attributes:
        baseline: the log-odds before any tree.
        n_columns: the columns of a row.
        starts: int64 [n_trees + 1], the first node of each tree, and their number.
        column: int64 [n_nodes], which column a node asks; -1 in a leaf.
        threshold: float64 [n_nodes].
        missing_left: bool [n_nodes].
        left: int64 [n_nodes], the left child's place inside its tree.
        right: int64 [n_nodes].
        value: float64 [n_nodes], what a leaf adds.
    """

    baseline: float
    n_columns: int
    starts: NDArray[np.int64]
    column: NDArray[np.int64]
    threshold: Floats
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats

    @classmethod
    def from_classifier(cls, model: Any, n_trees: int | None = None) -> Self:
        """All or the first ``n_trees`` of a fitted binary ``HistGradientBoostingClassifier``.

        Raises:
            TabganError: for several classes, splits by category, or more than 64 leaves a tree.
        """
        if len(model.classes_) != 2:
            raise TabganError(f"trees: expected two classes, got {len(model.classes_)}")
        trees = [tree.nodes for (tree,) in model._predictors[:n_trees]]
        nodes = np.concatenate(trees)
        leaf = nodes["is_leaf"].astype(bool)
        if nodes["is_categorical"][~leaf].any():
            raise TabganError("trees: expected numeric splits, got splits by category")
        starts = np.cumsum([0, *map(len, trees)], dtype=np.int64)
        most = int(np.add.reduceat(leaf.astype(int), starts[:-1]).max())
        if most > MOST_LEAVES:
            raise TabganError(f"trees: expected at most {MOST_LEAVES} leaves a tree, got {most}")
        return cls(
            baseline=float(model._baseline_prediction.item()),
            n_columns=int(model.n_features_in_),
            starts=starts,
            column=np.where(leaf, -1, nodes["feature_idx"]).astype(np.int64),
            threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
            missing_left=nodes["missing_go_to_left"].astype(bool) & ~leaf,
            left=np.where(leaf, 0, nodes["left"]).astype(np.int64),
            right=np.where(leaf, 0, nodes["right"]).astype(np.int64),
            value=np.where(leaf, nodes["value"], 0.0),
        )

    @classmethod
    def mean_of(cls, models: Sequence[BoostedTrees]) -> Self:
        """One model whose log-odds are the mean of the models'."""
        share = 1 / len(models)
        sizes = np.concatenate([np.diff(model.starts) for model in models])
        joined = {
            name: np.concatenate([getattr(model, name) for model in models])
            for name in ("column", "threshold", "missing_left", "left", "right")
        }
        return cls(
            baseline=share * sum(model.baseline for model in models),
            n_columns=models[0].n_columns,
            starts=np.cumsum([0, *sizes], dtype=np.int64),
            value=share * np.concatenate([model.value for model in models]),
            **joined,
        )

    @property
    def n_trees(self) -> int:
        return len(self.starts) - 1

    def decision(self, rows: Floats) -> Floats:
        """Log-odds of the positive class, float64 [n].

        Args:
            rows: float64 [n, n_columns]; NaN is missing.

        Raises:
            TabganError: for another number of columns.
        """
        if rows.ndim != 2 or rows.shape[1] != self.n_columns:
            raise TabganError(
                f"trees: expected rows of {self.n_columns} columns, got {rows.shape[1:]}"
            )
        scores = np.full(len(rows), self.baseline)
        groups, blocks = self._compiled
        for start in range(0, len(rows), BINNED_ROWS):
            span = slice(start, start + BINNED_ROWS)
            columns = np.ascontiguousarray(rows[span].T, dtype=np.float64)
            places = [_joint_places(group, columns) for group in groups]
            for block in blocks:
                block.add_to(scores[span], places)
        return scores

    def state(self) -> dict[str, Any]:
        """Plain numbers and arrays."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """The trees that ``state`` described.

        Raises:
            TabganError: for a state that describes no trees.
        """
        try:
            trees = cls(**state)
            sound = trees._is_sound()
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            raise TabganError(f"trees: not a state of boosted trees: {error}") from error
        if not sound:
            raise TabganError("trees: not a state of boosted trees: nodes that lead nowhere")
        return trees

    def _is_sound(self) -> bool:
        """Whether every walk ends in a leaf: children behind their parent, inside the tree."""
        sizes = np.diff(self.starts)
        inner = self.column >= 0
        place = np.arange(len(self.column)) - np.repeat(self.starts[:-1], sizes)
        room = np.repeat(sizes, sizes)
        ends = (self.left > place) & (self.right > place) & (self.left < room) & (self.right < room)
        whole = all(
            len(getattr(self, name)) == self.starts[-1]
            for name in ("threshold", "missing_left", "value")
        )
        return bool(
            whole
            and self.starts[0] == 0
            and (sizes > 0).all()
            and (self.column < self.n_columns).all()
            and (ends | ~inner).all()
            and max(np.add.reduceat(~inner, self.starts[:-1], dtype=int), default=1) <= MOST_LEAVES
        )

    @cached_property
    def _compiled(self) -> tuple[list[list[Cuts]], list[_Block]]:
        asked = np.unique(self.column[self.column >= 0])
        cuts = [Cuts.of(int(c), np.unique(self.threshold[self.column == c])) for c in asked]
        groups = _grouped(cuts)
        firsts = range(0, self.n_trees, BLOCK_TREES)
        return groups, [
            _Block.of(self, groups, first, min(first + BLOCK_TREES, self.n_trees))
            for first in firsts
        ]


@dataclass(frozen=True, eq=False)
class Cuts:
    """One column's thresholds in order, and a table that finds a value's place among them.

    A value's place is the number of thresholds below it; a missing value's is one behind the last.
    """

    column: int
    thresholds: Floats  # ascending, and inf behind the last
    low: float
    scale: float
    cells: NDArray[np.intp] | None  # thresholds below each cell; None: search by bisection
    steps: int

    @classmethod
    def of(cls, column: int, thresholds: Floats) -> Cuts:
        padded = np.append(thresholds, np.inf)
        finite = thresholds[np.isfinite(thresholds)]
        low, high = (float(finite[0]), float(finite[-1])) if len(finite) else (0.0, 0.0)
        with np.errstate(over="ignore"):
            width = max(np.float64(high) - np.float64(low), np.finfo(float).tiny)
        for n_cells in LOOKUP_CELLS:
            scale = float((n_cells - 1) / width) if high > low else 1.0
            if not 0 < scale < np.inf:
                break
            found = _cells(finite, low, scale, n_cells)
            steps = int(np.bincount(found, minlength=1).max())
            if steps <= LOOKUP_STEPS:
                cells = np.searchsorted(found, np.arange(n_cells)).astype(np.intp)
                return cls(column, padded, low, scale, cells, steps)
        return cls(column, padded, low, 1.0, None, 0)

    @property
    def missing_place(self) -> int:
        return len(self.thresholds)

    def places(self, values: Floats) -> NDArray[np.intp]:
        missing = np.isnan(values)
        any_missing = bool(missing.any())
        if self.cells is None:
            places = np.searchsorted(self.thresholds[:-1], values)
        else:
            known = np.where(missing, self.low, values) if any_missing else values
            places = self.cells[_cells(known, self.low, self.scale, len(self.cells))]
            for _ in range(self.steps):  # inside a cell, threshold by threshold
                places += known > self.thresholds.take(places)
        if any_missing:
            places[missing] = self.missing_place
        return places


def _grouped(cuts: list[Cuts]) -> list[list[Cuts]]:
    """Columns to be looked up together, those of few places first."""
    groups: list[list[Cuts]] = []
    n_places = JOINT_PLACES + 1
    for cut in sorted(cuts, key=lambda cut: cut.missing_place):
        n_places *= cut.missing_place + 1
        if n_places > JOINT_PLACES:
            groups.append([])
            n_places = cut.missing_place + 1
        groups[-1].append(cut)
    return groups


def _joint_places(group: list[Cuts], columns: Floats) -> NDArray[np.intp]:
    """Int [n]: the place in a table over all places of a group, of rows given column by column."""
    joint = group[0].places(columns[group[0].column])
    for cut in group[1:]:
        joint *= cut.missing_place + 1
        joint += cut.places(columns[cut.column])
    return joint


def _joint_masks(masks: list[NDArray[Any]]) -> NDArray[Any]:
    """The table that ``_joint_places`` points into, [places, n_trees]."""
    joint = masks[0]
    for mask in masks[1:]:
        joint = (joint[:, None] & mask[None]).reshape(-1, mask.shape[1])
    return joint


def _cells(values: Floats, low: float, scale: float, n_cells: int) -> NDArray[np.intp]:
    """Cell of each known value; never falling in the value, so thresholds keep their order."""
    with np.errstate(over="ignore"):
        return np.clip((values - low) * scale, 0, n_cells - 1).astype(np.intp)


@dataclass(frozen=True, eq=False)
class _Block:
    """Some trees, compiled: which leaves remain for a row at each place of each column."""

    masks: list[NDArray[Any]]  # per group of cut columns, unsigned [n_places, n_trees]
    values: Floats  # [n_trees * n_bits], in the order of the bits' hashes
    offsets: NDArray[np.int64]  # [n_trees], where a tree's values begin

    @classmethod
    def of(cls, trees: BoostedTrees, groups: list[list[Cuts]], first: int, last: int) -> _Block:
        cuts = [cut for group in groups for cut in group]
        n_leaves = [
            int((trees.column[trees.starts[t] : trees.starts[t + 1]] < 0).sum())
            for t in range(first, last)
        ]
        kind = next(k for k in DE_BRUIJN if np.iinfo(k).bits >= max(n_leaves))
        n_bits = np.iinfo(kind).bits
        every = np.array([(1 << n) - 1 for n in n_leaves], kind)
        rank = {cut.column: i for i, cut in enumerate(cuts)}
        masks = [np.tile(every, (cut.missing_place + 1, 1)) for cut in cuts]
        values = np.zeros((last - first, n_bits))
        hashes = _hashes(np.ones(n_bits, kind) << np.arange(n_bits, dtype=kind))
        for tree in range(first, last):
            here = slice(int(trees.starts[tree]), int(trees.starts[tree + 1]))
            column, left, right = trees.column[here], trees.left[here], trees.right[here]
            below = [0] * len(column)  # bits of the leaves under each node
            leaves = np.flatnonzero(column < 0)
            values[tree - first, hashes[: len(leaves)]] = trees.value[here][leaves]
            for bit, node in enumerate(leaves):
                below[node] = 1 << bit
            for node in np.flatnonzero(column >= 0)[::-1]:
                lefts, rights = below[left[node]], below[right[node]]
                below[node] = lefts | rights
                cut = cuts[rank[int(column[node])]]
                split = 1 + int(np.searchsorted(cut.thresholds, trees.threshold[here][node]))
                mask = masks[rank[int(column[node])]][:, tree - first]
                mask[:split] &= ~kind(rights)
                mask[split:-1] &= ~kind(lefts)
                mask[-1] &= ~kind(rights if trees.missing_left[here][node] else lefts)
        ends = np.cumsum([len(group) for group in groups], dtype=int)
        joint = [
            _joint_masks(masks[end - len(group) : end])
            for group, end in zip(groups, ends, strict=True)
        ]
        offsets = np.arange(last - first, dtype=np.int64) * n_bits
        return cls(joint, values.ravel(), offsets)

    def add_to(self, scores: Floats, places: list[NDArray[np.intp]]) -> None:
        """Add each row's leaf values; one bit per tree is left when all columns have spoken."""
        if not self.masks:  # single leaves
            scores += self.values[self.offsets + int(_hashes(np.ones(1, np.uint16))[0])].sum()
            return
        at_once = min(BLOCK_CELLS // len(self.offsets), len(scores))
        shape = (at_once, len(self.offsets))
        left, other = (np.empty(shape, self.masks[0].dtype) for _ in range(2))
        places_of = np.empty(shape, np.int64)
        for start in range(0, len(scores), at_once):
            span = slice(start, min(start + at_once, len(scores)))
            n_rows = span.stop - start
            bits, more, leaves = left[:n_rows], other[:n_rows], places_of[:n_rows]
            self.masks[0].take(places[0][span], axis=0, out=bits, mode="clip")
            for mask, place in zip(self.masks[1:], places[1:], strict=True):
                mask.take(place[span], axis=0, out=more, mode="clip")
                np.bitwise_and(bits, more, out=bits)
            np.add(_hashes(bits, out=bits), self.offsets, out=leaves, casting="unsafe")
            scores[span] += self.values.take(leaves, mode="clip").sum(axis=1)


def _hashes(bits: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """A number below the width of the dtype per single bit, another for each bit."""
    kind = bits.dtype.type
    n_bits = np.iinfo(kind).bits
    shift = kind(n_bits - n_bits.bit_length() + 1)
    return np.right_shift(np.multiply(bits, kind(DE_BRUIJN[kind]), out=out), shift, out=out)
