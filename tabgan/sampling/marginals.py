"""Raking: weights per column and bin, which re-match the marginals of generated rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PASSES, BINS = 3, 64  # of the fitting; per column at most
ROWS_PER_BIN, PSEUDO_ROWS = 100, 1.0  # real rows a bin has; pseudo-rows, for empty bins


@dataclass(frozen=True, kw_only=True, eq=False)
class Marginals:
    """One log weight per column and bin, whose sum over the columns weighs a row.

    Attributes:
        edges: per column the upper edges of its bins, without the last, ascending.
        log_weights: per column [n_edges + 2], the last for missing values.
        cap: the log weight from which on a row always passes.
    """

    edges: list[Floats]
    log_weights: list[Floats]
    cap: float

    @classmethod
    def fit(cls, real: Floats, pool: Floats, *, cap_quantile: float) -> Self:
        """Iterative proportional fitting of the pool's marginals to the real rows'.

        Args:
            real: float64 [n, n_columns].
            pool: float64 [m, n_columns].
            cap_quantile: of the pool's log weights, that becomes the cap.
        """
        n_bins = max(2, min(BINS, len(real) // ROWS_PER_BIN))
        edges = [_edges(column, n_bins) for column in real.T]
        positions = [_positions(of, pool[:, i]) for i, of in enumerate(edges)]
        targets = [
            np.bincount(_positions(of, real[:, i]), minlength=len(of) + 2).astype(np.float64)
            for i, of in enumerate(edges)
        ]
        log_weights = [np.zeros(len(of) + 2) for of in edges]
        weights = np.full(len(pool), len(real) / len(pool))
        for _ in range(PASSES):
            for position, target, table in zip(positions, targets, log_weights, strict=True):
                found = np.bincount(position, weights, minlength=len(table)).astype(np.float64)
                change = _log_ratio(target, found)
                table += change
                weights *= np.exp(change)[position]
                weights *= len(real) / weights.sum()
        uncapped = cls(edges=edges, log_weights=log_weights, cap=np.inf)
        cap = float(np.quantile(uncapped.log_weights_of(pool), cap_quantile))
        return cls(edges=edges, log_weights=log_weights, cap=cap)

    @property
    def cost(self) -> int:
        """Of a row, in lookups."""
        return len(self.edges)

    def log_acceptance(self, rows: Floats) -> Floats:
        """min(0, log weight - cap), float64 [n]."""
        return np.minimum(self.log_weights_of(rows) - self.cap, 0.0)

    def log_weights_of(self, rows: Floats) -> Floats:
        """The sum over the columns, float64 [n]."""
        total = np.zeros(len(rows))
        for i, (edges, table) in enumerate(zip(self.edges, self.log_weights, strict=True)):
            total += table[_positions(edges, rows[:, i])]
        return total

    def state(self) -> dict[str, Any]:
        return {"edges": self.edges, "log_weights": self.log_weights, "cap": self.cap}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """The weights that ``state`` described.

        Raises:
            ValueError: when edges and weights do not belong together.
        """
        edges, log_weights = state["edges"], state["log_weights"]
        if [len(weights) for weights in log_weights] != [len(of) + 2 for of in edges]:
            raise ValueError("marginals: one weight per bin and one for missing values")
        return cls(edges=edges, log_weights=log_weights, cap=state["cap"])


def _positions(edges: Floats, values: Floats) -> NDArray[np.intp]:
    """The bin of each value: the number of edges below it; of a missing one, behind the last."""
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))


def _edges(column: Floats, n_bins: int) -> Floats:
    """Between how many bins? One per distinct value, or quantiles; upper edges, without the last.

    A bin's upper edge is a real value, which belongs to it.
    """
    distinct = np.unique(column[~np.isnan(column)])
    if len(distinct) > n_bins:
        shares = np.linspace(0, 1, n_bins + 1)[1:]
        distinct = np.unique(np.nanquantile(column, shares, method="inverted_cdf"))
    return distinct[:-1]


def _log_ratio(target: Floats, found: Floats) -> Floats:
    """log(target / found) per bin, shrunk to 0 by what chance alone would make of it."""
    target, found = target + PSEUDO_ROWS, found + PSEUDO_ROWS
    change = np.log(target / found)
    chance = 1 / target + 1 / found
    shrunk: Floats = change * np.maximum(0.0, 1 - chance / np.maximum(change**2, 1e-12))
    return shrunk
