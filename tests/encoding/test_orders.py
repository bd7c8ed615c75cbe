"""What can be compared: numbers, and dates of one unit."""

import numpy as np
import pandas as pd

N = 400


def test_dates_are_compared_with_dates_and_numbers_with_numbers(fit_encoder):
    rng = np.random.default_rng(0)
    days = np.sort(rng.integers(0, 300, (N, 2)), axis=1)
    first = pd.Timestamp("2020-01-01")
    table = pd.DataFrame(
        {
            "admitted": first + pd.to_timedelta(days[:, 0], "D"),
            "age": days[:, 0] + 0.5,
            "released": first + pd.to_timedelta(days[:, 1], "D"),
            "limit": days[:, 1] + 0.75,
        }
    )
    encoder = fit_encoder(table)
    assert {rule.text for rule in encoder.found_} == {"admitted <= released", "age <= limit"}
