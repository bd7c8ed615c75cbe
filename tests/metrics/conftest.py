from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest


def draw_dependent(n_rows: int, seed: int) -> pd.DataFrame:
    """Rows in which job follows city in nine of ten cases, and pay follows city."""
    rng = np.random.default_rng(seed)
    city = rng.integers(0, 3, n_rows)
    job = np.where(rng.random(n_rows) < 0.9, city, rng.integers(0, 3, n_rows))
    return pd.DataFrame(
        {
            "city": pd.Categorical.from_codes(city, categories=["rome", "oslo", "bonn"]),
            "job": pd.Categorical.from_codes(job, categories=["cook", "clerk", "baker"]),
            "pay": 3.0 * city + rng.normal(size=n_rows),
            "age": rng.integers(18, 80, n_rows),
        }
    )


@pytest.fixture
def dependent_rows() -> Callable[[int, int], pd.DataFrame]:
    return draw_dependent


@pytest.fixture
def small_table() -> pd.DataFrame:
    """Six rows of every kind, with missing values."""
    return pd.DataFrame(
        {
            "job": pd.Categorical(["cook", "cook", "clerk", None, "clerk", "cook"]),
            "pay": [1.0, 2.0, np.nan, 4.0, 5.0, 6.0],
            "age": pd.array([30, None, 50, 60, 70, 80], dtype="Int64"),
            "born": pd.to_datetime(
                ["1970-01-02", "1970-01-03", None, "1970-01-05", "1970-01-06", "1970-01-07"]
            ).astype("datetime64[us]"),
            "note": pd.Series(["a", "b", "c", "d", "e", "f"], dtype="str"),
        }
    )
