"""Scores requested and obtained, on four rows."""

import numpy as np
import pytest

from tabgan.blackboxes.scored.metrics import right_side, score_errors, score_ks
from tabgan.errors import TabganError

REQUESTED = np.array([0.0, 0.4, 0.6, 1.0])
OBTAINED = np.array([0.05, 0.5, 0.4, 1.0])  # off by .05, .1, .2 and 0


def test_errors_are_means_over_rows():
    errors = score_errors(REQUESTED, OBTAINED)
    assert errors["mae"] == pytest.approx(0.35 / 4)
    assert errors["rmse"] == pytest.approx(np.sqrt((0.0025 + 0.01 + 0.04) / 4))


def test_an_error_of_exactly_the_limit_is_within_it():
    errors = score_errors(REQUESTED, OBTAINED)
    assert (errors["within_05"], errors["within_10"]) == (0.5, 0.75)


def test_the_right_side_is_that_of_the_middle():
    assert right_side(REQUESTED, OBTAINED) == 0.75  # .6 was requested, .4 came


def test_the_same_scores_in_another_order_have_no_distance():
    assert score_ks(REQUESTED, REQUESTED[::-1]) == 0.0
    assert score_ks(np.zeros(3), np.ones(3)) == 1.0


def test_no_scores_have_no_error():
    with pytest.raises(TabganError, match="as many scores obtained as requested"):
        score_errors(np.empty(0), np.empty(0))
