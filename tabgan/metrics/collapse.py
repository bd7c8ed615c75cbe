"""Has the generator stopped producing variety? Lost categories, entropy, repeated and crowded rows.

Compare with real rows of about the same number: a small sample of real rows loses rare
categories too.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.binning import discretise, entropy
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.metrics.drawing import draw_rows
from tabgan.metrics.nearest import MixedRows, mixed_rows, nearest

COLLAPSE_THRESHOLD = 0.5  # half of the categories, entropy, distinct rows or spacing is gone
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
    """Median distance to the nearest row of the same table, synthetic over real; at least 0.

    1 is best; near 0 the synthetic rows crowd around a few points. The two tables are cut to the
    same number of rows, at most ``max_rows``, by seed; the distance is that of ``privacy``.

    Raises:
        TabganError: when real's median is 0 (most rows repeat), which leaves the ratio undefined,
            or when rows are fewer than two.
    """
    n_rows = min(len(real), len(synthetic), max_rows)
    spacing = [
        _median_spacing(rows)
        for rows in mixed_rows(
            real=draw_rows(real, n_rows, seed, "neighbours", "real"),
            synthetic=draw_rows(synthetic, n_rows, seed, "neighbours", "synthetic"),
        )
    ]
    if spacing[0] == 0:
        raise TabganError("neighbour ratio: most real rows repeat; the ratio is undefined")
    return spacing[1] / spacing[0]


def collapse_signals(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0
) -> dict[str, float]:
    """How much variety is gone, each in [0, 1], lower is better.

    ``lost_categories`` (mean over columns), ``entropy`` (of the column that lost most),
    ``distinct_rows`` and ``spacing`` (``neighbour_ratio``), the last three as the share lost of
    real's. A signal that the table cannot give (no nominal column, a ratio undefined) is absent.

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
        signals["spacing"] = 1 - neighbour_ratio(real, synthetic, seed=seed)
    return {name: max(0.0, value) for name, value in signals.items()}


def collapse_alarm(real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0) -> bool:
    """Whether any of ``collapse_signals`` is above ``COLLAPSE_THRESHOLD``.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    return max(collapse_signals(real, synthetic, seed=seed).values()) > COLLAPSE_THRESHOLD


def _distinct_share(coded: CodedTable) -> float:
    return len(np.unique(coded.matrix(), axis=0)) / coded.n_rows


def _median_spacing(rows: MixedRows) -> float:
    return float(np.median(nearest(rows, rows, n_neighbours=2)[0][:, 1]))  # 0 is the row itself
