import math

import numpy as np
import pytest

from tabgan.metrics.chance import (
    auc_band,
    auc_error,
    rate_band,
    share_interval,
    under_quantile,
)


def test_the_band_of_an_auc_shrinks_with_the_root_of_the_rows():
    assert auc_band(1, 1) == pytest.approx(2 * math.sqrt(3 / 12))  # an AUC of 0 or 1: deviation .5
    assert auc_band(300, 300) == pytest.approx(2 * math.sqrt(601 / (12 * 300**2)))  # .047
    assert auc_band(10_000, 100) == auc_band(100, 10_000)


def test_the_band_of_a_rate_counts_both_sides_rows():
    # .01 * .99 / 99 twice: a deviation of .01 * sqrt(2)
    assert rate_band(0.01, 99, 99) == pytest.approx(2 * 0.01 * math.sqrt(2))


def test_no_copy_among_sixty_rows_leaves_room_for_six_percent():
    # Wilson's upper bound of 0 of n is z^2 / (n + z^2), with z = 1.96
    assert share_interval(0.0, 60) == (0.0, pytest.approx(3.8415 / 63.8415, abs=1e-4))
    low, high = share_interval(0.5, 100)
    assert (low + high) / 2 == pytest.approx(0.5)


def test_any_share_of_the_rows_may_lie_under_one_other_row():
    # 0 to 99 of 99 rows, each with a chance of 1 in 100: .02 are below 2, and .02 above 97
    assert under_quantile(0.5, 1, 99) == (2 / 99, 97 / 99)
    assert under_quantile(0.02, 100_000, 100_000) == pytest.approx((0.02, 0.02), abs=0.002)


def test_a_quantile_of_two_percent_of_thirty_rows_is_the_least_of_them():
    # k rows of 30 lie under the least of 30 others with a chance of .5 ** (k + 1), nearly; .0156
    # are left above 5, and .0312 above 4
    assert under_quantile(0.02, 30, 30) == (0, 5 / 30)
    rng = np.random.default_rng(0)
    others, rows = rng.random((2, 4_000, 30))
    shares = (rows < others.min(axis=1, keepdims=True)).mean(axis=1)
    assert (shares > 5 / 30).mean() < 0.025 < (shares > 4 / 30).mean() + 0.005


def test_the_error_of_an_auc_by_hand():
    # rows of the class beat 0, 1, 2 of the 2 others: shares 0, .5, 1, variance 1/4, over 3 rows;
    # the others are beaten by 2 and 1 of 3: variance 1/18, over 2 rows
    labels = np.array([True, False, True, False, True])
    scores = np.array([0.0, 1, 2, 3, 4])
    assert auc_error(labels, scores) == pytest.approx(math.sqrt(1 / 12 + 1 / 36))
    assert auc_error(labels, -scores) == pytest.approx(math.sqrt(1 / 12 + 1 / 36))


def test_a_certain_classifier_has_no_error_and_one_row_says_nothing_of_its_spread():
    assert auc_error(np.array([False, False, True, True]), np.arange(4.0)) == 0
    assert auc_error(np.array([False, True]), np.arange(2.0)) == 0


def test_the_error_of_an_auc_of_chance_is_half_its_band():
    rng = np.random.default_rng(0)
    labels, scores = rng.random(2_000) < 0.5, rng.random(2_000)
    n = labels.sum()
    assert 2 * auc_error(labels, scores) == pytest.approx(auc_band(n, 2_000 - n), rel=0.02)
