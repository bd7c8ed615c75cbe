"""Every pair of columns at once: distances of their tables, shared information, correlations.

Columns are rows here: codes are int64 [n_columns, n_rows], so that a pair's codes lie side by side
in memory. A pair is a position in the one and in the other of two arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr

from tabgan.seeding import rng_at

KEYS_AT_ONCE = 2**21  # of one table: 16 MiB
ROUNDING = 1e-13  # of a variance, as a share of the mean square: less is a constant

Codes = NDArray[np.int64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
Floats = NDArray[np.float64]


def pairs_of(n_columns: int, *, at_most: int | None = None, seed: int = 0) -> Pairs:
    """All pairs of different columns, or ``at_most`` of them drawn by ``seed``, in order."""
    first, second = np.triu_indices(n_columns, k=1)
    if at_most is None or len(first) <= at_most:
        return first, second
    drawn = np.sort(rng_at(seed, "metrics", "pairs").choice(len(first), at_most, replace=False))
    return first[drawn], second[drawn]


def pair_square(names: Sequence[str], pairs: Pairs, values: Floats) -> pd.DataFrame:
    """Values of all pairs as a symmetric square with the columns' names; NaN on the diagonal."""
    square = np.full((len(names), len(names)), np.nan)
    square[pairs] = square[pairs[::-1]] = values
    return pd.DataFrame(square, index=list(names), columns=list(names))


def pair_variations(real: Codes, synthetic: Codes, sizes: Codes, pairs: Pairs) -> Floats:
    """Total variation of each pair's table of shares, real against synthetic; in [0, 1].

    Args:
        real: codes, int64 [n_columns, n_rows].
        synthetic: codes of the same columns.
        sizes: the number of codes of each column.
        pairs: which columns.
    """
    found = np.empty(len(pairs[0]))
    for piece, a, b in _pieces(pairs, sizes, real.shape[1] + synthetic.shape[1]):
        (of_real, of_synthetic), starts = _joint_shares((real, synthetic), sizes, a, b)
        found[piece] = np.add.reduceat(np.abs(of_real - of_synthetic), starts) / 2
    return found


def pair_information(codes: Codes, sizes: Codes, pairs: Pairs) -> Floats:
    """Normalised mutual information ``2 MI / (H_a + H_b)`` of each pair; in [0, 1].

    0 is independent, 1 is one column given by the other; two constants share none.

    Args:
        codes: int64 [n_columns, n_rows].
        sizes: the number of codes of each column.
        pairs: which columns.
    """
    joint = np.empty(len(pairs[0]))
    for piece, a, b in _pieces(pairs, sizes, codes.shape[1]):
        (shares,), starts = _joint_shares((codes,), sizes, a, b)
        joint[piece] = np.add.reduceat(entr(shares), starts)
    alone = np.array([entr(np.bincount(column) / codes.shape[1]).sum() for column in codes])
    total = alone[pairs[0]] + alone[pairs[1]]
    shared = np.divide(2 * (total - joint), total, out=np.zeros(len(total)), where=total > 0)
    bounded: Floats = np.clip(shared, 0.0, 1.0)  # rounding may end just outside
    return bounded


def correlations(numbers: Floats) -> Floats:
    """Pearson's correlation of each pair over the rows where both are known, a square.

    In [-1, 1]; 0 where fewer than two rows are left or a column is constant in them.

    Args:
        numbers: float64 [n_rows, n_columns], missing is NaN.
    """
    known = ~np.isnan(numbers)
    scaled, mask = _standardised(numbers, known), known.astype("float64")
    count = np.maximum(mask.T @ mask, 1)
    means = scaled.T @ mask / count  # of the row's column, where the other one is known
    squares = (scaled**2).T @ mask / count
    variances = squares - means**2
    varies = variances > ROUNDING * squares
    spread = np.sqrt(np.where(varies & varies.T, variances, 1.0))
    covariances = scaled.T @ scaled / count - means * means.T
    found = np.where(varies & varies.T, covariances / (spread * spread.T), 0.0)
    return np.clip(found, -1.0, 1.0)


def _standardised(numbers: Floats, known: NDArray[np.bool_]) -> Floats:
    """Mean 0 and deviation 1 of the known values, and 0 for the missing: sums lose no digits."""
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, numbers - np.where(known, numbers, 0.0).sum(axis=0) / count, 0.0)
    deviations = np.sqrt((centred**2).sum(axis=0) / count)
    return centred / np.where(deviations > 0, deviations, 1.0)


def _pieces(
    pairs: Pairs, sizes: Codes, n_rows: int
) -> Iterator[tuple[Codes, NDArray[np.int64], NDArray[np.int64]]]:
    """Some pairs at a time, those of the smallest tables first: where they stand, and they."""
    order = np.argsort(sizes[pairs[0]] * sizes[pairs[1]], kind="stable")
    step = max(1, KEYS_AT_ONCE // n_rows)
    for start in range(0, len(order), step):
        piece = order[start : start + step]
        yield piece, pairs[0][piece], pairs[1][piece]


def _joint_shares(
    tables: tuple[Codes, ...], sizes: Codes, a: NDArray[np.int64], b: NDArray[np.int64]
) -> tuple[list[Floats], NDArray[np.int64]]:
    """Per table the shares of the cells of all pairs, one after the other, and where each starts.

    Cells that no table has are left out where they are many.
    """
    cells = sizes[a] * sizes[b]
    starts = np.cumsum(cells) - cells
    keys = [(table[a] * sizes[b][:, None] + table[b] + starts[:, None]).ravel() for table in tables]
    n_cells = int(cells.sum())
    if n_cells > sum(map(len, keys)):
        found, positions = np.unique(np.concatenate(keys), return_inverse=True)
        keys = np.split(positions, np.cumsum([len(some) for some in keys])[:-1])
        starts, n_cells = np.searchsorted(found, starts), len(found)
    counts = [np.bincount(some, minlength=n_cells) for some in keys]
    return [c / table.shape[1] for c, table in zip(counts, tables, strict=True)], starts
