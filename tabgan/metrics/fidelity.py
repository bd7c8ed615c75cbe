"""Does the synthetic table look like the real one? Columns, pairs, information, coverage.

All are as published, so ``real`` is the table the generator was trained on. Shape and Trend are
blind: independent columns score near zero Shape error, and all pairs together are still not the
table. ``detection.c2st_test`` is the metric to lead with.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.binning import stacked_codes, total_variation
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.metrics.drawing import draw_rows
from tabgan.metrics.nearest import POSITIONS, MixedRows, mixed_rows, nearest_rows
from tabgan.metrics.pairs import (
    Pairs,
    correlations,
    pair_information,
    pair_square,
    pair_variations,
    pairs_of,
)

FEW_VALUES = 11  # wNMIS: a number with at most so many distinct values is not binned
ALPHAS = np.linspace(0, 1, 30)  # grid of Alaa et al.
MAX_ROWS = 50_000  # alpha-precision and beta-recall look at so many rows of each table


def shape_error(real: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """Mean of ``column_errors`` in %; in [0, 100], lower is closer.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    return float(column_errors(real, synthetic).mean())


def column_errors(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.Series:
    """Each column's distance from real in %; in [0, 100], lower is closer (SDMetrics' Shape).

    Nominal: total variation of the shares, missing being a category. Numbers and dates: the
    larger of the Kolmogorov-Smirnov statistic of the known values and the difference of the
    missing rates; a column without known values in one table only is 100.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = code_tables(real=real, synthetic=synthetic)
    errors = {name: 100 * _column_error(one, other, name) for name in one.columns}
    return pd.Series(errors, name="error")


def trend_error(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, max_pairs: int | None = None, seed: int = 0
) -> float:
    """Mean of ``pair_errors`` in %; in [0, 100], lower is closer.

    SDMetrics cuts each table by its own edges and newer versions average only correlated pairs;
    its figures are not these.

    Args:
        real: the rows to compare with.
        synthetic: rows of the same columns.
        max_pairs: where there are more pairs of columns, so many are drawn by ``seed``.
        seed: of that draw.

    Raises:
        TabganError: when the tables differ in columns, or have no rows or fewer than two columns.
    """
    one, other = code_tables(real=real, synthetic=synthetic)
    if len(one.columns) < 2:
        raise TabganError("trend error: expected at least two columns, got one")
    pairs = pairs_of(len(one.columns), at_most=max_pairs, seed=seed)
    return float(100 * _pair_errors(one, other, pairs).mean())


def pair_errors(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.DataFrame:
    """Each pair's distance from real in %, a symmetric square; in [0, 100], lower is closer.

    Two numbers: half the difference of Pearson's correlations, over the rows where both are
    known; a constant has correlation 0 with everything. Otherwise: total variation of the pair
    table, numbers cut into ten bins whose edges come from real for both tables; out of range and
    missing are cells too. The diagonal is NaN: a column is no pair.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = code_tables(real=real, synthetic=synthetic)
    pairs = pairs_of(len(one.columns))
    return pair_square(one.columns, pairs, 100 * _pair_errors(one, other, pairs))


def wnmis(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, max_pairs: int | None = None, seed: int = 0
) -> float:
    """Weighted similarity of normalised mutual information; in [0, 1], higher is closer (TabPC).

    ``NMI_ij = 2 MI_ij / (H_i + H_j)``, errors ``|NMI_real - NMI_synthetic|`` weighted by
    ``NMI_real + NMI_synthetic`` over all pairs. Numbers of more than 11 distinct real values are
    cut into ten bins by real edges; out of range (or, for few values, never seen) and missing are
    codes of their own. Two constants share no information (NMI 0).

    Args:
        real: the rows to compare with.
        synthetic: rows of the same columns.
        max_pairs: where there are more pairs of columns, so many are drawn by ``seed``.
        seed: of that draw.

    Raises:
        TabganError: when no pair shares any information, which leaves the score undefined.
    """
    one, other = code_tables(real=real, synthetic=synthetic)
    sides, sizes = stacked_codes(one, other, keep_distinct=FEW_VALUES)
    pairs = pairs_of(len(sizes), at_most=max_pairs, seed=seed)
    real_nmi, synthetic_nmi = (pair_information(codes, sizes, pairs) for codes in sides)
    weights = real_nmi + synthetic_nmi
    if weights.sum() == 0:
        raise TabganError("wNMIS: no pair of columns shares information; the score is undefined")
    return float(1 - (weights * np.abs(real_nmi - synthetic_nmi)).sum() / weights.sum())


def associations(
    real: pd.DataFrame, synthetic: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Normalised mutual information of each pair, of real and of synthetic; in [0, 1].

    0 is independent, 1 is one column given by the other. The bins are those of ``wnmis``, with
    real edges for both tables. The diagonal is NaN. Without ``synthetic`` both squares are real's.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = code_tables(real=real, synthetic=real if synthetic is None else synthetic)
    sides, sizes = stacked_codes(one, other, keep_distinct=FEW_VALUES)
    pairs = pairs_of(len(sizes))
    first, second = (
        pair_square(one.columns, pairs, pair_information(codes, sizes, pairs)) for codes in sides
    )
    return first, second


def alpha_precision_beta_recall(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0, max_rows: int = MAX_ROWS
) -> dict[str, float]:
    """Coverage of real's support by synthetic rows, and the reverse (Alaa et al. 2022).

    ``alpha_precision``: do balls around real's centre hold the share of synthetic rows they
    should; in [-1/29, 1], higher is closer. ``beta_recall``: how often a real row's nearest
    synthetic row is no farther than its nearest real row; in [-1/29, 1], real rows score about .5
    and more means copying. As synthcity's "naive" variant: one-hot and min-max on real, no
    learned embedding. The two tables are cut to the same number of rows, at most ``max_rows``,
    by seed.

    Raises:
        TabganError: when the tables differ in columns or hold fewer than two rows.
    """
    n_rows = min(len(real), len(synthetic), max_rows)
    if n_rows < 2:
        raise TabganError(f"alpha-precision: expected two rows of each table, got {n_rows}")
    positions, others = mixed_rows(
        real=draw_rows(real, n_rows, seed, "alpha", "real"),
        synthetic=draw_rows(synthetic, n_rows, seed, "alpha", "synthetic"),
    )
    return {
        "alpha_precision": _agreement(_precision_curve(positions, others)),
        "beta_recall": _agreement(_recall_curve(positions, others)),
    }


def _column_error(real: CodedTable, synthetic: CodedTable, name: str) -> float:
    if name in real.codes:
        return total_variation(real.codes[name], synthetic.codes[name], real.sizes[name])
    one, other = real.numbers[name], synthetic.numbers[name]
    missing = abs(float(np.isnan(one).mean() - np.isnan(other).mean()))
    return max(_ks(one[~np.isnan(one)], other[~np.isnan(other)]), missing)


def _ks(first: np.ndarray, second: np.ndarray) -> float:
    """The largest gap between two empirical distribution functions; in [0, 1]."""
    if len(first) == 0 or len(second) == 0:
        return float(len(first) != len(second))
    every = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(v), every, side="right") / len(v) for v in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def _pair_errors(real: CodedTable, synthetic: CodedTable, pairs: Pairs) -> np.ndarray:
    """What ``pair_errors`` gives, as shares, float64 [n_pairs]."""
    numeric = ~real.is_nominal()
    both = numeric[pairs[0]] & numeric[pairs[1]]
    errors = np.empty(len(both))
    (one, other), sizes = stacked_codes(real, synthetic)
    errors[~both] = pair_variations(one, other, sizes, (pairs[0][~both], pairs[1][~both]))
    if both.any():
        position = np.cumsum(numeric) - 1  # among the numbers
        a, b = position[pairs[0][both]], position[pairs[1][both]]
        gaps = correlations(real.number_matrix()) - correlations(synthetic.number_matrix())
        errors[both] = np.abs(gaps[a, b]) / 2
    return errors


def _agreement(curve: np.ndarray) -> float:
    """One minus twice the area between the curve and the diagonal."""
    return float(1 - 2 * np.abs(ALPHAS - curve).sum() * (ALPHAS[1] - ALPHAS[0]))


def _precision_curve(real: MixedRows, synthetic: MixedRows) -> np.ndarray:
    radii = np.quantile(_to_centre(real, real), ALPHAS)
    inside: np.ndarray = (_to_centre(synthetic, real)[:, None] <= radii).mean(axis=0)
    return inside


def _recall_curve(real: MixedRows, synthetic: MixedRows) -> np.ndarray:
    to_real = nearest_rows(real, real, power=2, n_neighbours=2)[0][:, 1]  # 0 is the row itself
    to_synthetic, closest = nearest_rows(real, synthetic, power=2)
    covered = to_synthetic[:, 0] <= to_real
    radius = _to_centre(synthetic, synthetic)[closest[:, 0]]
    within = radius[:, None] <= np.quantile(radius, ALPHAS)
    shares: np.ndarray = (covered[:, None] & within).mean(axis=0)
    return shares


def _to_centre(rows: MixedRows, of: MixedRows) -> np.ndarray:
    """Euclidean distance of one-hot rows to the mean of other rows, without the one-hot table."""
    squares = ((rows.numbers - of.numbers.mean(axis=0)) ** 2).sum(axis=1)
    for column in range(rows.codes.shape[1]):
        own, theirs = rows.codes[:, column], of.codes[:, column]
        shares = np.bincount(theirs, minlength=int(own.max()) + 1) / len(theirs)
        squares += 1 - 2 * shares[own] + (shares**2).sum()
    distances: np.ndarray = np.round(np.sqrt(squares), POSITIONS)
    return distances
