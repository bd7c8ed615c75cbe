import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.privacy import (
    _share_under,
    dcr_share,
    duplicate_rate,
    quantile_dcr,
)


def numbers(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"n": values})


def test_dcr_share_counts_rows_nearer_to_train_and_ties_half():
    # 1 is nearer to 0, 9 to 10, 5 is between: (1 + 0 + 1/2) / 3; 0 is a training row
    assert dcr_share(numbers(0.0), numbers(10.0), numbers(1.0, 9, 5)) == 0.5
    assert dcr_share(numbers(0.0), numbers(10.0), numbers(0.0, 1)) == 1
    assert dcr_share(numbers(0.0), numbers(10.0), numbers(10.0)) == 0


def test_dcr_share_refuses_unequal_halves():
    with pytest.raises(TabganError, match="halves of equal size, got 1 train and 3 test rows"):
        dcr_share(numbers(0), numbers(1, 2, 3), numbers(0))


def test_share_under_a_quantile_by_hand():
    reference = np.arange(100.0)  # the 2 % quantile is 1: one row below it, it counts wholly
    assert _share_under(np.array([0.5, 1, 1.5, 99]), reference, 0.02) == pytest.approx(0.5)
    assert _share_under(reference, reference, 0.05) == pytest.approx(0.05)


def test_ties_at_the_quantile_leave_the_ideal_where_it_is():
    reference = np.repeat([0.0, 1.0], [10, 90])  # a tenth of test repeats training rows
    assert _share_under(reference, reference, 0.02) == pytest.approx(0.02)
    assert _share_under(np.zeros(5), reference, 0.02) == pytest.approx(0.2)  # ten times as many


def test_copies_of_training_rows_are_caught(dependent_rows):
    train, test = dependent_rows(500, 0), dependent_rows(500, 1)
    copies = train.sample(500, replace=True, random_state=0).reset_index(drop=True)
    assert duplicate_rate(train, copies) == 1
    assert quantile_dcr(train, test, copies) == {
        "dcr_q02": pytest.approx(100),
        "dcr_q05": pytest.approx(100),
    }
    assert dcr_share(train, test, copies) == 1


def test_fresh_rows_score_the_ideal(dependent_rows):
    train, test, fresh = (dependent_rows(1_000, seed) for seed in range(3))
    assert duplicate_rate(train, fresh) == 0
    assert quantile_dcr(train, test, test) == {
        "dcr_q02": pytest.approx(2),
        "dcr_q05": pytest.approx(5),
    }
    # standard errors: .016 of a share of 1,000, .7 of 5 % (twice: both tables)
    assert dcr_share(train, test, fresh) == pytest.approx(0.5, abs=0.06)
    assert quantile_dcr(train, test, fresh)["dcr_q05"] == pytest.approx(5, abs=3.5)


def test_rows_far_from_train_are_under_no_quantile():
    train, test, far = numbers(*range(100)), numbers(*np.arange(0.2, 100)), numbers(*[500.0] * 10)
    assert quantile_dcr(train, test, far) == {"dcr_q02": 0, "dcr_q05": 0}


def test_duplicates_are_equal_in_every_column_missing_ones_too():
    job = pd.Categorical(["cook", None, "cook"])
    train = pd.DataFrame({"job": job, "pay": [1.0, np.nan, 0.0]})
    table = pd.DataFrame({"job": job, "pay": [2.0, np.nan, -0.0]})
    assert duplicate_rate(train, table) == pytest.approx(2 / 3)


def test_rows_may_be_permuted(dependent_rows):
    train, test, fake = (dependent_rows(200, seed) for seed in range(3))
    mixed = [table.sample(frac=1, random_state=1) for table in (train, test, fake)]
    assert quantile_dcr(*mixed) == pytest.approx(quantile_dcr(train, test, fake))
    assert dcr_share(*mixed) == pytest.approx(dcr_share(train, test, fake))


def test_tables_that_differ_in_columns_are_refused():
    other = pd.DataFrame({"m": [1.0]})
    with pytest.raises(TabganError, match=r"synthetic lacks \['n'\]"):
        quantile_dcr(numbers(1), numbers(1), other)
    with pytest.raises(TabganError, match=r"table lacks \['n'\]"):
        duplicate_rate(numbers(1), other)
