"""Has the generator stopped producing variety? Lost categories, entropy, repeated and crowded rows.

Compare with real rows of about the same number: a small sample of real rows loses rare
categories too. ``collapse_signals`` allows for what chance does to samples of their size; the
alarm's threshold comes from an ablation, in docs/research/collapse.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, norm

from tabgan.errors import TabganError
from tabgan.metrics.binning import discretise, entropy
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.metrics.nearest import POSITIONS, MixedRows, mixed_rows, nearest_rows
from tabgan.seeding import rng_at

COLLAPSE_THRESHOLD = 0.4  # of the categories, entropy or distinct rows gone, or of rows crowded
CHANCE = 0.001  # how often a signal of two samples of one table may be above 0
OF_COLUMN = "see its picture; train longer, or leave it out (data.drop)"
OF_ROWS = "train for fewer steps or at a lower model.lr, or with tool=minibatch"
ROWS = {
    "distinct_rows": "most rows repeat other rows",
    "spacing": "most rows crowd around a few points",
}
NEIGHBOUR_ROWS = 2_000
NEIGHBOUR_CELLS = 2 * 10**8  # pairs of rows x columns: all 2,000 rows up to 50 columns


def lost_categories(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.Series:
    """Per nominal column, the share of real's categories that synthetic never has; in [0, 1].

    0 is best. Missing is a category where real has it.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = code_tables(real=real, synthetic=synthetic)
    lost = {n: 1 - np.isin(np.unique(one.codes[n]), other.codes[n]).mean() for n in one.codes}
    return pd.Series(lost, name="lost", dtype="float64")


def unseen_categories(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, list[str]]:
    """Per nominal column that has any, the categories of synthetic rows that real never has.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, _ = code_tables(real=real, synthetic=synthetic)
    found = {
        name: sorted({str(label) for label in set(synthetic[name].dropna()) - set(real[name])})
        for name in one.codes
    }
    return {name: labels for name, labels in found.items() if labels}


def entropy_ratios(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.Series:
    """Per column, synthetic entropy over real entropy; at least 0, 1 is best, 0 is a constant.

    Numbers are cut into ten bins by real edges. Columns that are constant in real have no ratio
    and are left out.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    real_codes, synthetic_codes, _ = discretise(*code_tables(real=real, synthetic=synthetic))
    entropies = {name: entropy(codes) for name, codes in real_codes.items()}
    ratios = {n: entropy(synthetic_codes[n]) / h for n, h in entropies.items() if h > 0}
    return pd.Series(ratios, name="entropy_ratio", dtype="float64")


def distinct_share(table: pd.DataFrame) -> float:
    """Distinct rows over rows; in (0, 1], read beside the same share of real rows.

    Raises:
        TabganError: when the table has no rows.
    """
    (coded,) = code_tables(table=table)
    return _distinct_share(coded)


def neighbour_ratio(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0, max_rows: int = NEIGHBOUR_ROWS
) -> float:
    """Mean distance to the nearest other distinct row, synthetic over real; at least 0.

    1 is best; near 0 the synthetic rows crowd around a few points. Repeated rows count once, for
    ``distinct_share`` reports them. Both tables are cut to the same number of distinct rows, at
    most ``max_rows`` and fewer of more than 50 columns, by seed; the distance is that of
    ``privacy``, scaled by all of real.

    Raises:
        TabganError: when a table has fewer than two distinct rows.
    """
    real_spacing, synthetic_spacing = _spacings(real, synthetic, seed, max_rows)
    return float(synthetic_spacing.mean() / real_spacing.mean())


def crowded_share(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0, max_rows: int = NEIGHBOUR_ROWS
) -> float:
    """The share of rows that stand closer to another row than real rows do; in [0, 1], 0 is best.

    The largest difference, over distances, of how many distinct rows have another so near:
    synthetic minus real (the one-sided Kolmogorov-Smirnov distance). Unlike ``neighbour_ratio``
    it does not forgive a crowd because the other rows stand far apart. Rows and distances are
    those of ``neighbour_ratio``.

    Raises:
        TabganError: when a table has fewer than two distinct rows.
    """
    return _crowded(_spacings(real, synthetic, seed, max_rows))


def collapse_signals(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0
) -> dict[str, float]:
    """Shares of variety that are gone for certain, each in [0, 1], lower is better.

    ``lost_categories`` (mean over columns), ``entropy`` (of the column that lost most),
    ``distinct_rows``, the last two as the share lost of real's, and ``spacing``
    (``crowded_share``). Each is the least that is gone: what two samples of one table would lose in
    one case of a thousand is taken off. A signal that the table cannot give (no nominal column, a
    ratio undefined) is absent.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = code_tables(real=real, synthetic=synthetic)
    lost, entropies = _surely_lost(one, other), _surely_lost_entropy(one, other)
    signals = {"distinct_rows": _surely_repeated(one, other)}
    if len(lost):
        signals["lost_categories"] = float(lost.mean())
    if len(entropies):
        signals["entropy"] = float(entropies.max())
    with suppress(TabganError):  # undefined on this table: absent, as said above
        signals["spacing"] = _surely_crowded(real, synthetic, seed)
    return {name: max(0.0, value) for name, value in signals.items()}


def describe_collapse(
    real: pd.DataFrame, synthetic: pd.DataFrame, signals: Mapping[str, float]
) -> str:
    """The signals above ``COLLAPSE_THRESHOLD``, the column, and advice, as a text; "" for none.

    Args:
        real: real rows.
        synthetic: the rows that were compared with them.
        signals: what ``collapse_signals`` gave.
    """
    rings = [name for name, lost in signals.items() if lost > COLLAPSE_THRESHOLD]
    if not rings:
        return ""
    one, other = code_tables(real=real, synthetic=synthetic)
    losses = []
    if "entropy" in rings:
        lost = _surely_lost_entropy(one, other)
        losses.append(f"column {lost.idxmax()!r} lost {lost.max():.0%} of its entropy; {OF_COLUMN}")
    if "lost_categories" in rings:
        lost = _surely_lost(one, other)
        losses.append(
            f"column {lost.idxmax()!r} lost {lost.max():.0%} of its categories; {OF_COLUMN}"
        )
    losses += [f"{says}; {OF_ROWS}" for name, says in ROWS.items() if name in rings]
    return ". ".join(losses)


def _surely_lost(real: CodedTable, synthetic: CodedTable) -> pd.Series:
    """Per nominal column the share of categories that synthetic rows lack for more than chance.

    A category of r real rows is absent among as many rows of the same table with probability
    (n_real / (n_real + n_synthetic)) ** r.
    """
    n_categories = max(1, sum(real.sizes.values()))
    staying = np.log(real.n_rows / (real.n_rows + synthetic.n_rows))
    lost = {}
    for name, size in real.sizes.items():
        counts = np.bincount(real.codes[name], minlength=size)
        absent = np.bincount(synthetic.codes[name], minlength=size) == 0
        surely = absent & (counts * staying < np.log(CHANCE / n_categories))
        lost[name] = surely.sum() / (counts > 0).sum()
    return pd.Series(lost, dtype="float64")


def _surely_lost_entropy(real: CodedTable, synthetic: CodedTable) -> pd.Series:
    """Per column the share of its entropy that is gone, less what chance takes."""
    real_codes, synthetic_codes, _ = discretise(real, synthetic)
    deviations = norm.isf(CHANCE / len(real_codes))
    lost = {}
    for name, codes in real_codes.items():
        (before, noise), (after, more) = map(_entropy_and_variance, (codes, synthetic_codes[name]))
        if before > 0:
            lost[name] = (before - after - deviations * math.sqrt(noise + more)) / before
    return pd.Series(lost, dtype="float64")


def _entropy_and_variance(codes: np.ndarray) -> tuple[float, float]:
    """Entropy in nats, and its variance over samples: that of -log p, by the number of rows."""
    shares = np.unique_counts(codes).counts / len(codes)
    surprise = -np.log(shares)
    mean = float(shares @ surprise)
    return mean, float(shares @ (surprise - mean) ** 2) / len(codes)


def _surely_repeated(real: CodedTable, synthetic: CodedTable) -> float:
    """The share of distinct rows that is gone, less what chance takes of a share of rows."""
    shares = [_distinct_share(table) for table in (real, synthetic)]
    kept = shares[1] / shares[0]
    noise = sum((1 - s) / (s * t.n_rows) for s, t in zip(shares, (real, synthetic), strict=True))
    return 1 - kept - float(norm.isf(CHANCE)) * kept * math.sqrt(noise)


def _surely_crowded(real: pd.DataFrame, synthetic: pd.DataFrame, seed: int) -> float:
    """``crowded_share`` less the one-sided Kolmogorov-Smirnov distance that chance reaches."""
    spacings = _spacings(real, synthetic, seed, NEIGHBOUR_ROWS)
    by_chance = math.sqrt(-math.log(CHANCE) / 2 * sum(1 / len(each) for each in spacings))
    return _crowded(spacings) - by_chance


def _crowded(spacings: Sequence[np.ndarray]) -> float:
    """The largest difference of how many rows have another so near, synthetic minus real."""
    real, synthetic = spacings
    found = ks_2samp(synthetic, real, alternative="greater", method="asymp")
    return float(found.statistic)


def _distinct_share(coded: CodedTable) -> float:
    return len(np.unique(coded.matrix(), axis=0)) / coded.n_rows


def _spacings(
    real: pd.DataFrame, synthetic: pd.DataFrame, seed: int, max_rows: int
) -> list[np.ndarray]:
    """Distances to the nearest other distinct row, of as many rows of each table."""
    rows = [_distinct_rows(rows) for rows in mixed_rows(real=real, synthetic=synthetic)]
    n_columns = max(1, rows[0].numbers.shape[1] + rows[0].codes.shape[1])
    bound = min(max_rows, math.isqrt(NEIGHBOUR_CELLS // n_columns))
    n_rows = min(bound, *(len(each.codes) for each in rows))
    if n_rows < 2:
        raise TabganError("row spacing: expected at least two distinct rows in each table")
    drawn = [_drawn(each, n_rows, seed, position) for position, each in enumerate(rows)]
    return [
        nearest_rows(each, each, n_neighbours=2)[0][:, 1] for each in drawn
    ]  # 0 is the row itself


def _distinct_rows(rows: MixedRows) -> MixedRows:
    both = np.hstack([rows.numbers.round(POSITIONS), rows.codes])
    positions = np.sort(np.unique(both, axis=0, return_index=True)[1])
    return MixedRows(rows.numbers[positions], rows.codes[positions])


def _drawn(rows: MixedRows, n_rows: int, seed: int, position: int) -> MixedRows:
    if len(rows.codes) == n_rows:
        return rows
    rng = rng_at(seed, "metrics", "neighbours", position)
    chosen = np.sort(rng.choice(len(rows.codes), n_rows, replace=False))
    return MixedRows(rows.numbers[chosen], rows.codes[chosen])
