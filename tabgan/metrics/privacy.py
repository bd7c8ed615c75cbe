"""Does the synthetic table copy training rows? Distances to the closest record, and copies.

Distances are L1: numbers over the training range, 2 for each category that differs
(``tabgan.metrics.nearest``; exact, all rows up to ``MAX_QUERIES``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.coding import code_tables
from tabgan.metrics.drawing import draw_rows
from tabgan.metrics.nearest import mixed_rows, nearest_rows

QUANTILES = {"dcr_q02": 0.02, "dcr_q05": 0.05}
MAX_QUERIES = 50_000  # of each table whose rows look for their nearest row, drawn by seed


def dcr_share(
    train_half: pd.DataFrame, test_half: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0
) -> float:
    """Share of synthetic rows nearer to train than to test; in [0, 1], .5 is ideal.

    Above .5 the generator sits on its training rows. Ties count half. The halves must be of equal
    size, a 50/50 re-split on which the generator was trained again: with unequal halves the
    larger one is nearer by numbers alone.

    Raises:
        TabganError: when the halves differ by more than one row, or the tables in columns.
    """
    if abs(len(train_half) - len(test_half)) > 1:
        raise TabganError(
            f"DCR share: expected halves of equal size, got {len(train_half)} train and "
            f"{len(test_half)} test rows; split the rows 50/50 and train again"
        )
    drawn = draw_rows(synthetic, MAX_QUERIES, seed, "dcr")
    train, test, queries = mixed_rows(train=train_half, test=test_half, synthetic=drawn)
    to_train, to_test = nearest_rows(queries, train)[0], nearest_rows(queries, test)[0]
    return float((to_train < to_test).mean() + 0.5 * (to_train == to_test).mean())


def quantile_dcr(
    train: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0
) -> dict[str, float]:
    """Share of synthetic rows closer to train than the closest 2 % and 5 % of test rows, in %.

    ``dcr_q02`` and ``dcr_q05``, in [0, 100]; ideal 2 and 5, more is copying, less is distance.
    Rows exactly at the quantile (a heap of them where test repeats training rows) count by the
    fraction that makes the test rows themselves score 2 and 5.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    references, *requested = mixed_rows(
        train=train,
        test=draw_rows(test, MAX_QUERIES, seed, "dcr"),
        synthetic=draw_rows(synthetic, MAX_QUERIES, seed, "dcr"),
    )
    of_test, of_synthetic = (nearest_rows(rows, references)[0][:, 0] for rows in requested)
    return {
        name: 100 * _share_under(of_synthetic, of_test, level) for name, level in QUANTILES.items()
    }


def duplicate_rate(train: pd.DataFrame, table: pd.DataFrame) -> float:
    """Share of the rows of ``table`` that stand in ``train`` exactly; in [0, 1].

    Read beside the rate of real test rows, which repeat some training rows too: more is copying.
    String columns are not compared.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    known, requested = (
        _as_bytes(coded.matrix()) for coded in code_tables(train=train, table=table)
    )
    return sum(map(set(known).__contains__, requested)) / len(requested)


def _share_under(distances: np.ndarray, reference: np.ndarray, level: float) -> float:
    """Share under the reference's quantile; ties weigh what makes the reference score ``level``."""
    quantile = np.quantile(reference, level, method="inverted_cdf")
    below, tied = (reference < quantile).mean(), (reference == quantile).mean()
    weight = (level - below) / tied
    return float((distances < quantile).mean() + weight * (distances == quantile).mean())


def _as_bytes(rows: np.ndarray) -> list[bytes]:
    """Each row's bytes: equal rows and no others have equal ones."""
    plain = np.where(np.isnan(rows), np.nan, rows + 0.0)  # one NaN, and no negative zero
    return np.ascontiguousarray(plain).view(f"V{rows.shape[1] * plain.itemsize}").ravel().tolist()
