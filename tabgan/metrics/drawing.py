"""Seeded draws that several metrics share: rows, shuffled columns, scikit-learn's seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabgan.errors import TabganError
from tabgan.seeding import AddressPart, rng_at, seed_at


def random_state(seed: int, *position: AddressPart) -> int:
    """A seed for scikit-learn and XGBoost (below 2**31) at the position ``(seed, *position)``."""
    return seed_at(seed, "metrics", *position) % 2**31


def draw_rows(table: pd.DataFrame, n_rows: int, seed: int, *position: AddressPart) -> pd.DataFrame:
    """``n_rows`` rows of the table without replacement; the table itself when it has no more."""
    if len(table) <= n_rows:
        return table
    chosen = rng_at(seed, "metrics", *position).choice(len(table), n_rows, replace=False)
    return table.iloc[np.sort(chosen)]


def independent_columns(train: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """``n`` rows whose columns are drawn from ``train`` independently: the floor of a report.

    Each column is a shuffle of the training column (repeated shuffles where ``n`` is larger), so
    every marginal is real and every dependence is gone.

    Raises:
        TabganError: when ``n`` is under 1 or ``train`` has no rows.
    """
    if n < 1 or len(train) == 0:
        raise TabganError(f"expected n >= 1 and training rows, got n={n}, {len(train)} rows")
    shuffled = {
        name: train[name].take(_shuffles(len(train), n, seed, str(name))).reset_index(drop=True)
        for name in train.columns
    }
    return pd.DataFrame(shuffled, index=pd.RangeIndex(n))


def _shuffles(n_rows: int, n: int, seed: int, column: str) -> np.ndarray:
    rng = rng_at(seed, "metrics", "independent", column)
    rounds = -(-n // n_rows)
    return np.concatenate([rng.permutation(n_rows) for _ in range(rounds)])[:n]
