"""Gower's distance, against all pairs by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tabgan.metrics.diversity import distinct_row_share, gower_diversity

REAL = pd.DataFrame({"x": [0.0, 10.0], "kind": pd.Categorical(["a", "b"])})


def rows(x, kind):
    return pd.DataFrame({"x": x, "kind": pd.Categorical(kind, categories=["a", "b"])})


def test_two_rows_differ_by_the_mean_over_columns():
    # half of the range apart, and another kind: (.5 + 1) / 2
    assert gower_diversity(REAL, rows([0.0, 5.0], ["a", "b"])) == pytest.approx(0.75)


def test_alike_rows_have_no_distance():
    assert gower_diversity(REAL, rows([3.0, 3.0, 3.0], ["a", "a", "a"])) == pytest.approx(0.0)


def test_the_mean_is_over_all_pairs():
    x, kind = [0.0, 2.0, 5.0, 9.0], ["a", "b", "b", "a"]
    pairs = [
        (abs(x[i] - x[j]) / 10 + (kind[i] != kind[j])) / 2
        for i, j in itertools.combinations(range(4), 2)
    ]
    assert gower_diversity(REAL, rows(x, kind)) == pytest.approx(np.mean(pairs))


def test_one_row_has_no_diversity():
    assert np.isnan(gower_diversity(REAL, rows([1.0], ["a"])))


def test_a_row_that_stands_twice_is_one_less():
    assert distinct_row_share(rows([1.0, 1.0, 2.0, 3.0], ["a", "a", "a", "a"])) == 0.75
