"""The diversity of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.metrics.nearest import MixedRows, mixed_rows


def gower_diversity(real: pd.DataFrame, table: pd.DataFrame) -> float:
    """Mean Gower distance (1971) of two different rows of ``table``; in [0, 1], 0: all alike.

    Gower's distance is the mean over columns of |difference| over the range in ``real``, or of
    1 where categories differ. Exact, without looking at pairs: the mean over pairs is taken
    column by column. NaN for fewer than two rows.

    Raises:
        TabganError: when the tables differ in columns or kinds, or one has no rows.
    """
    if len(table) == 1:
        return float("nan")
    _, rows = mixed_rows(real=real, table=table)
    return float(np.mean(_per_column(rows)))


def distinct_row_share(table: pd.DataFrame) -> float:
    """Share of the rows that are different ones; in (0, 1], 1: no row stands twice."""
    return 1 - float(table.duplicated().mean())


def _per_column(rows: MixedRows) -> NDArray[np.float64]:
    n = len(rows.codes)
    rank = 2 * np.arange(n) - n + 1  # in the sum of all differences a sorted value counts so often
    numbers = np.sort(rows.numbers, axis=0).T @ rank / (n * (n - 1) / 2)
    alike = [(np.bincount(codes).astype("float64") ** 2).sum() for codes in rows.codes.T]
    differing = (n**2 - np.array(alike)) / (n * (n - 1))
    return np.concatenate([numbers, differing])
