import math

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.drawing import independent_columns
from tabgan.metrics.fidelity import (
    alpha_precision_beta_recall,
    associations,
    column_errors,
    pair_errors,
    shape_error,
    trend_error,
    wnmis,
)


def labels(*values: str | None) -> pd.Categorical:
    return pd.Categorical(values, categories=["a", "b", "c", "d"])


def shuffled(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1, random_state=3).reset_index(drop=True)


def test_column_error_of_a_number_is_the_kolmogorov_smirnov_statistic():
    # at 2, half of real is behind and none of synthetic
    real, fake = pd.DataFrame({"n": [1, 2, 3, 4]}), pd.DataFrame({"n": [3, 4, 5, 6]})
    assert column_errors(real, fake)["n"] == 50


def test_column_error_of_a_category_is_the_total_variation():
    real = pd.DataFrame({"job": labels("a", "a", "b", "b")})  # a 1/2, b 1/2
    fake = pd.DataFrame({"job": labels("a", "b", "b", "c")})  # a 1/4, b 1/2, c 1/4
    assert column_errors(real, fake)["job"] == 25


def test_a_missing_category_is_a_category():
    real = pd.DataFrame({"job": labels("a", None)})
    assert column_errors(real, pd.DataFrame({"job": labels("a", "a")}))["job"] == 50


def test_a_missing_rate_that_differs_does_not_vanish():
    real, fake = pd.DataFrame({"n": [1.0, 2, 3, 4]}), pd.DataFrame({"n": [1.0, 4, np.nan, np.nan]})
    assert column_errors(real, fake)["n"] == 50  # KS of {1..4} and {1, 4} is 1/4


def test_a_column_never_known_in_one_table_is_all_wrong():
    known, unknown = pd.DataFrame({"n": [1.0, np.nan]}), pd.DataFrame({"n": [np.nan, np.nan]})
    assert column_errors(known, unknown)["n"] == 100
    assert column_errors(unknown, unknown)["n"] == 0


def test_shape_error_is_the_mean_over_columns():
    real = pd.DataFrame({"n": [1, 2, 3, 4], "job": labels("a", "a", "b", "b")})
    fake = pd.DataFrame({"n": [3, 4, 5, 6], "job": labels("a", "b", "b", "c")})
    assert shape_error(real, fake) == (50 + 25) / 2


def test_pair_error_of_two_numbers_is_half_the_difference_of_correlations():
    real, fake = (
        pd.DataFrame({"x": [1, 2, 3], "y": [1, 2, 3]}),  # correlation 1
        pd.DataFrame({"x": [1, 2, 3], "y": [3, 2, 1]}),  # correlation -1
    )
    assert pair_errors(real, fake).loc["x", "y"] == pytest.approx(100)


def test_pair_error_of_two_numbers_uses_the_rows_where_both_are_known():
    real = pd.DataFrame({"x": [1, 2, 3.0, 9, np.nan], "y": [1, 2, 3.0, np.nan, -9]})
    fake = pd.DataFrame({"x": [1, 2, 3.0], "y": [1, 2, 3.0]})
    assert pair_errors(real, fake).loc["x", "y"] == pytest.approx(0)


def test_a_constant_has_correlation_zero():
    line = pd.DataFrame({"x": [1, 2, 3], "y": [1, 2, 3]})
    flat = pd.DataFrame({"x": [1, 2, 3], "y": [2, 2, 2]})
    assert pair_errors(flat, flat).loc["x", "y"] == 0
    assert pair_errors(line, flat).loc["x", "y"] == pytest.approx(50)


def test_pair_error_of_two_categories_is_the_total_variation_of_the_pairs():
    real = pd.DataFrame({"j": labels("a", "a", "b", "b"), "k": labels("a", "a", "b", "b")})
    fake = pd.DataFrame({"j": labels("a", "a", "b", "b"), "k": labels("a", "b", "a", "b")})
    # aa 1/2, bb 1/2 against aa, ab, ba, bb 1/4 each
    assert pair_errors(real, fake).loc["j", "k"] == 50
    assert np.isnan(pair_errors(real, fake).loc["j", "j"])


def test_pair_error_of_a_number_and_a_category_cuts_both_tables_by_real_edges():
    job = labels("a", "a", "a", "a")
    real = pd.DataFrame({"n": [0.0, 1, 2, 10], "j": job})  # bins 0, 1, 2, 9
    fake = pd.DataFrame({"n": [0.0, 1, 2, 20], "j": job})  # the same but 20: out of range
    # by its own edges the synthetic column would sit in bins 0, 0, 1, 9: 50
    assert pair_errors(real, fake).loc["n", "j"] == 25


def test_trend_error_is_the_mean_over_pairs():
    real = pd.DataFrame({"x": [1, 2, 3, 4], "y": [1, 2, 3, 4], "j": labels("a", "a", "b", "b")})
    fake = real.assign(j=labels("b", "b", "a", "a"))
    # x, y: 0; x with j and y with j: no pair in common
    assert trend_error(real, fake) == pytest.approx(200 / 3)


def test_trend_error_refuses_a_single_column():
    one = pd.DataFrame({"x": [1, 2, 3]})
    with pytest.raises(TabganError, match="at least two columns"):
        trend_error(one, one)


def test_wnmis_weighs_the_pairs_by_their_information():
    # j and k equal in real (NMI 1) and independent in synthetic (NMI 0): e = w = 1
    real = pd.DataFrame({"j": labels("a", "a", "b", "b"), "k": labels("a", "a", "b", "b")})
    fake = real.assign(k=labels("a", "b", "a", "b"))
    assert wnmis(real, fake) == pytest.approx(0)
    assert wnmis(real, real) == pytest.approx(1)


def test_wnmis_by_hand():
    j, k = labels("a", "a", "b", "b"), labels("a", "a", "b", "b")
    real = pd.DataFrame({"j": j, "k": k, "m": k})  # three pairs of NMI 1
    fake = pd.DataFrame({"j": j, "k": k, "m": labels("a", "b", "c", "d")})
    # jm, km: H = log 2 and log 4, MI = log 2, NMI = 2/3: e = 1/3, w = 5/3; jk: e = 0, w = 2
    nmi = 2 * math.log(2) / (math.log(2) + math.log(4))
    assert nmi == pytest.approx(2 / 3)
    assert wnmis(real, fake) == pytest.approx(1 - (2 * 5 / 9) / (2 + 10 / 3))


def test_wnmis_refuses_tables_without_information():
    flat = pd.DataFrame({"j": labels("a", "a"), "k": labels("b", "b")})
    with pytest.raises(TabganError, match="no pair of columns shares information"):
        wnmis(flat, flat)


def test_identical_tables_score_best_and_disjoint_ones_worst(dependent_rows):
    real = dependent_rows(300, 0)
    assert shape_error(real, real) == trend_error(real, real) == 0
    assert wnmis(real, real) == pytest.approx(1)
    assert alpha_precision_beta_recall(real, real)["alpha_precision"] == pytest.approx(1, abs=0.02)
    far = pd.DataFrame(
        {
            "city": pd.Categorical(["rio"] * 300),
            "job": pd.Categorical(["judge"] * 300),
            "pay": np.linspace(100.0, 101, 300),
            "age": np.arange(1000, 1300),
        }
    )
    assert shape_error(real, far) == pytest.approx(100)
    coverage = alpha_precision_beta_recall(real, far)
    assert coverage["alpha_precision"] == pytest.approx(-1 / 29)
    assert coverage["beta_recall"] == pytest.approx(-1 / 29)


def test_real_rows_recall_about_half_and_copies_more(dependent_rows):
    real, fresh = dependent_rows(1_000, 0), dependent_rows(1_000, 1)
    assert alpha_precision_beta_recall(real, fresh)["beta_recall"] == pytest.approx(0.5, abs=0.1)
    copies = alpha_precision_beta_recall(real, shuffled(real))
    assert copies["beta_recall"] == pytest.approx(1, abs=0.02)


def test_alpha_precision_needs_two_rows(small_table):
    with pytest.raises(TabganError, match="two rows of each table, got 1"):
        alpha_precision_beta_recall(small_table, small_table.iloc[:1])


def test_rows_may_be_permuted(dependent_rows):
    real, fake = dependent_rows(200, 0), independent_columns(dependent_rows(200, 1), 200, 0)
    for metric in (shape_error, trend_error, wnmis):
        assert metric(shuffled(real), shuffled(fake)) == pytest.approx(metric(real, fake))
    one = alpha_precision_beta_recall(real, fake)
    assert alpha_precision_beta_recall(shuffled(real), shuffled(fake)) == pytest.approx(one)


def test_every_kind_and_missing_values_are_measured(small_table):
    assert list(column_errors(small_table, small_table).index) == ["job", "pay", "age", "born"]
    assert trend_error(small_table, small_table) == 0
    assert wnmis(small_table, small_table) == pytest.approx(1)


def test_of_many_pairs_some_are_drawn_and_their_mean_is_near(dependent_rows):
    real, fake = dependent_rows(400, 0), independent_columns(dependent_rows(400, 1), 400, 0)
    wide = [pd.concat([t.add_suffix(str(i)) for i in range(6)], axis=1) for t in (real, fake)]
    # 24 columns, 276 pairs of 6 kinds; the mean of 200 of them lies near that of all
    assert trend_error(*wide, max_pairs=276) == trend_error(*wide)
    assert trend_error(*wide, max_pairs=200) == pytest.approx(trend_error(*wide), rel=0.2)
    assert wnmis(*wide, max_pairs=200) == pytest.approx(wnmis(*wide), abs=0.1)
    assert trend_error(*wide, max_pairs=200) == trend_error(*wide, max_pairs=200)
    assert trend_error(*wide, max_pairs=200, seed=1) != trend_error(*wide, max_pairs=200)


def test_association_is_one_of_twins_and_none_of_independent_columns():
    real = pd.DataFrame({"j": labels("a", "a", "b", "b"), "k": labels("b", "b", "a", "a")})
    fake = real.assign(k=labels("a", "b", "a", "b"))
    one, other = associations(real, fake)
    assert one.loc["j", "k"] == pytest.approx(1)
    assert other.loc["j", "k"] == pytest.approx(0)
    assert np.isnan(one.loc["j", "j"])
    pd.testing.assert_frame_equal(associations(real)[1], one)
