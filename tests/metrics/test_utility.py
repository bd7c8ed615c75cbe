import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.drawing import independent_columns
from tabgan.metrics.utility import _auc, _f1, _ninth, _rmse, absent_classes, mle


def test_rows_like_real_ones_train_a_good_model_and_independent_columns_none(dependent_rows):
    train, test = dependent_rows(600, 0), dependent_rows(600, 1)
    good = mle(train, test, "job", threads=1)
    assert list(good) == ["mle_auc", "mle_auc_se", "mle_f1"]
    assert good["mle_auc"] > 0.9
    assert good["mle_f1"] > 0.85
    broken = mle(independent_columns(train, 600, 0), test, "job", threads=1)
    assert broken["mle_auc"] == pytest.approx(0.5, abs=0.1)


def test_a_number_is_scored_in_its_own_unit(dependent_rows):
    scores = mle(dependent_rows(600, 0), dependent_rows(600, 1), "pay", threads=1)
    assert list(scores) == ["mle_rmse", "mle_rmse_se"]
    assert 0.9 < scores["mle_rmse"] < 1.5  # given the city, pay has standard deviation 1
    # of normal errors a standard deviation over 600 rows varies by 1 / sqrt(1,200) of itself
    assert scores["mle_rmse_se"] == pytest.approx(scores["mle_rmse"] / 1_200**0.5, rel=0.3)


def test_the_error_of_a_root_mean_square_by_hand():
    # squares 1 and 9: mean 5, its standard error sqrt(32 / 2) = 4, of the root 4 / (2 sqrt(5))
    assert _rmse(np.array([1.0, 9.0])) == pytest.approx(
        {"mle_rmse": 5**0.5, "mle_rmse_se": 2 / 5**0.5}
    )
    assert _rmse(np.zeros(3)) == {"mle_rmse": 0.0, "mle_rmse_se": 0.0}


def test_two_classes_are_scored_by_the_rarer_one():
    labels = np.array([0, 0, 0, 1])
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    assert _auc(labels, scores) == 1
    assert _f1(labels, scores) == pytest.approx(2 / 3)  # of class 1: precision 1/2, recall 1


def test_many_classes_are_averaged_one_against_the_rest():
    labels = np.array([0, 0, 1, 2])
    scores = np.eye(3)[labels]
    assert _auc(labels, scores) == _f1(labels, scores) == 1
    scores[3] = [1, 0, 0]  # the 2 is taken for a 0
    # AUC: class 0 is tied with one of two others, 3/4; class 1 is 1; class 2 is never named, 1/2
    assert _auc(labels, scores) == pytest.approx((3 / 4 + 1 + 1 / 2) / 3)
    assert _f1(labels, scores) == pytest.approx((4 / 5 + 1 + 0) / 3)


def test_a_ninth_of_each_class_chooses_and_one_row_at_least():
    classes = np.repeat([0, 1, 2], [90, 2, 1])
    chosen = _ninth(classes, seed=0)
    assert [int(chosen[classes == c].sum()) for c in range(3)] == [10, 1, 0]


def test_a_class_that_synthetic_rows_lack_scores_half_and_is_named(dependent_rows):
    train, test = dependent_rows(600, 0), dependent_rows(600, 1)
    without = train[train["job"] != "baker"]
    full, scores = mle(train, test, "job", threads=1), mle(without, test, "job", threads=1)
    assert absent_classes(without, test, "job") == ["baker"]
    assert scores["mle_auc"] < full["mle_auc"] - 0.1
    assert scores["mle_f1"] < full["mle_f1"] - 0.2


def test_a_single_class_is_refused(dependent_rows):
    rows = dependent_rows(100, 0)
    cooks = rows[rows["job"] == "cook"]
    with pytest.raises(TabganError, match=r"two classes .* got synthetic rows of 1 class"):
        mle(cooks, rows, "job")
    with pytest.raises(TabganError, match=r"two classes .* got test rows of 1 class"):
        mle(rows, cooks, "job")


def test_a_target_that_is_no_column_or_a_string_is_refused(small_table):
    for target in ("wage", "note"):
        with pytest.raises(TabganError, match=f"numeric target among .* got '{target}'"):
            mle(small_table, small_table, target)


def test_few_rows_with_a_number_to_predict_are_refused(small_table):
    with pytest.raises(TabganError, match="expected 18 synthetic and 1 test rows with a target"):
        mle(small_table, small_table, "pay")


def test_a_target_alone_is_refused():
    one = pd.DataFrame({"pay": np.arange(30.0)})
    with pytest.raises(TabganError, match="expected columns beside the target 'pay'"):
        mle(one, one, "pay")
