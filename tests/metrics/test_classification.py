"""Figures of a rare class, worked out on paper."""

import numpy as np
import pytest

from tabgan.metrics.classification import (
    best_threshold,
    calibration_error,
    g_mean,
    rare_class_figures,
)

LABELS = np.array([0, 0, 0, 1, 0, 1])
SCORES = np.array([0.05, 0.05, 0.15, 0.25, 0.35, 0.45])


def test_g_mean_is_the_root_of_both_recalls():
    # recall of 1 is 1 of 2, of 0 is 3 of 4
    assert g_mean(LABELS, np.array([0, 0, 0, 0, 1, 1])) == pytest.approx(np.sqrt(0.5 * 0.75))


def test_g_mean_of_calling_everything_common_is_0():
    assert g_mean(LABELS, np.zeros(6, dtype=int)) == 0.0


def test_calibration_error_weighs_the_gap_of_each_bin_by_its_rows():
    # bins [0, .1): 2 rows, gap .05; each other row alone: .15, .75, .35, .55
    assert calibration_error(LABELS, SCORES) == pytest.approx((2 * 0.05 + 1.8) / 6)


def test_a_score_of_1_lies_in_the_last_bin():
    assert calibration_error(np.array([1, 1]), np.array([1.0, 0.95])) == pytest.approx(0.025)


def test_shares_that_are_right_within_a_bin_have_no_calibration_error():
    labels = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    scores = np.repeat([0.25, 0.75], 4)
    assert calibration_error(labels, scores) == pytest.approx(0.0)


def test_the_best_threshold_is_the_score_from_which_f1_is_largest():
    # from .25 on: 3 called, 2 right, none lost: F1 = .8
    assert best_threshold(LABELS, SCORES) == 0.25


def test_moving_the_threshold_changes_f1_and_g_mean_and_no_area():
    figures = rare_class_figures(LABELS, SCORES, threshold=0.25)
    assert (figures["f1"], figures["g_mean"]) == (0.0, 0.0)
    assert figures["f1_tuned"] == pytest.approx(0.8)
    assert figures["g_mean_tuned"] == pytest.approx(np.sqrt(0.75))
    assert figures["roc_auc"] == pytest.approx(7 / 8)
    assert figures["pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
