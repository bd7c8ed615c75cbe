"""Has the generator stopped producing variety? Lost categories, entropy, repeated and crowded rows.

Compare with real rows of about the same number: a small sample of real rows loses rare
categories too. The alarm's threshold comes from an ablation, in docs/collapse.md.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.binning import discretise, entropy
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.metrics.nearest import PLACES, MixedRows, mixed_rows, nearest
from tabgan.seeding import rng_at

COLLAPSE_THRESHOLD = 0.5  # half of the categories, entropy or distinct rows gone, or crowded
NEIGHBOUR_ROWS = 2_000


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
    ``distinct_share`` tells of them. Both tables are cut to the same number of distinct rows, at
    most ``max_rows``, by seed; the distance is that of ``privacy``, scaled by all of real.

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
    spacings = _spacings(real, synthetic, seed, max_rows)
    distances = np.concatenate(spacings)
    real_share, synthetic_share = (
        np.searchsorted(np.sort(each), distances, side="right") / len(each) for each in spacings
    )
    return float((synthetic_share - real_share).max())


def collapse_signals(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0
) -> dict[str, float]:
    """How much variety is gone, each in [0, 1], lower is better.

    ``lost_categories`` (mean over columns), ``entropy`` (of the column that lost most),
    ``distinct_rows``, the last two as the share lost of real's, and ``spacing``
    (``crowded_share``). A signal that the table cannot give (no nominal column, a ratio
    undefined) is absent.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = code_tables(real=real, synthetic=synthetic)
    lost, ratios = lost_categories(real, synthetic), entropy_ratios(real, synthetic)
    signals = {"distinct_rows": 1 - _distinct_share(other) / _distinct_share(one)}
    if len(lost):
        signals["lost_categories"] = float(lost.mean())
    if len(ratios):
        signals["entropy"] = 1 - float(ratios.min())
    with suppress(TabganError):  # undefined on this table: absent, as said above
        signals["spacing"] = crowded_share(real, synthetic, seed=seed)
    return {name: max(0.0, value) for name, value in signals.items()}


def collapse_alarm(real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0) -> bool:
    """Whether any of ``collapse_signals`` is above ``COLLAPSE_THRESHOLD``.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    return max(collapse_signals(real, synthetic, seed=seed).values()) > COLLAPSE_THRESHOLD


def _distinct_share(coded: CodedTable) -> float:
    return len(np.unique(coded.matrix(), axis=0)) / coded.n_rows


def _spacings(
    real: pd.DataFrame, synthetic: pd.DataFrame, seed: int, max_rows: int
) -> list[np.ndarray]:
    """Distances to the nearest other distinct row, of as many rows of each table."""
    rows = [_distinct_rows(rows) for rows in mixed_rows(real=real, synthetic=synthetic)]
    n_rows = min(max_rows, *(len(each.codes) for each in rows))
    if n_rows < 2:
        raise TabganError("row spacing: expected at least two distinct rows in each table")
    drawn = [_drawn(each, n_rows, seed, place) for place, each in enumerate(rows)]
    return [nearest(each, each, n_neighbours=2)[0][:, 1] for each in drawn]  # 0 is the row itself


def _distinct_rows(rows: MixedRows) -> MixedRows:
    both = np.hstack([rows.numbers.round(PLACES), rows.codes])
    places = np.sort(np.unique(both, axis=0, return_index=True)[1])
    return MixedRows(rows.numbers[places], rows.codes[places])


def _drawn(rows: MixedRows, n_rows: int, seed: int, place: int) -> MixedRows:
    if len(rows.codes) == n_rows:
        return rows
    rng = rng_at(seed, "metrics", "neighbours", place)
    chosen = np.sort(rng.choice(len(rows.codes), n_rows, replace=False))
    return MixedRows(rows.numbers[chosen], rows.codes[chosen])
