"""Who was in the training table: rates by hand, copies found, fresh rows at chance."""

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.membership import (
    cheap_membership_tpr,
    fewest_rows,
    membership,
    true_positive_rate,
)


def numbers(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"n": values})


def test_a_member_is_accused_when_it_scores_above_the_level_of_the_others():
    # 99 others score 1 to 99: with the accused one counted in, 1 % lies above all of them
    others = np.arange(1.0, 100)
    assert true_positive_rate(np.array([100.0, 98.5, 3]), others, 0.01) == pytest.approx(1 / 3)
    # 2 %: one other may stand above
    assert true_positive_rate(np.array([100.0, 98.5, 3]), others, 0.02) == pytest.approx(2 / 3)


def test_members_that_tie_are_accused_by_the_fraction_that_keeps_the_level():
    # 199 others, a tenth of them at 1: two in 200 may be accused, and 20 of them tie with a member
    others = np.repeat([1.0, 0.0], [20, 179])
    assert true_positive_rate(np.array([1.0]), others, 0.01) == pytest.approx(2 / 21)
    assert true_positive_rate(np.array([0.0]), others, 0.01) == 0
    # all scores alike: chance, whatever they are
    assert true_positive_rate(np.zeros(5), np.zeros(199), 0.01) == pytest.approx(0.01)


@pytest.mark.parametrize("n_others", [99, 150, 1_000])
def test_chance_gives_the_level_whatever_the_number_of_rows(n_others):
    rng = np.random.default_rng(0)
    rates = [true_positive_rate(rng.random(500), rng.random(n_others), 0.01) for _ in range(2_000)]
    # a threshold of so few others varies by about .01: the mean of 2,000 by .0003
    assert np.mean(rates) == pytest.approx(0.01, abs=0.001)


def test_one_false_positive_in_a_hundred_needs_ninety_nine_others():
    assert [fewest_rows(level) for level in (0.01, 0.001)] == [99, 999]


def test_distance_and_ratio_by_hand():
    # distances to the synthetic rows 0 and 10, over the training range of 10: members 0 and 0
    figures = membership(numbers(0, 10), numbers(5, 5), numbers(0, 10))
    assert figures == {"membership_auc": 1.0, "membership_ratio_auc": 1.0}
    # one of the others is the reference: members lie .5 from it and 0 from a synthetic row, a
    # ratio of 1; the other one .0 and .5, a ratio of 0


def test_copies_of_training_rows_are_found(dependent_rows):
    train, test = dependent_rows(1_000, 0), dependent_rows(2_000, 1)
    copies = train.sample(1_000, replace=True, random_state=0).reset_index(drop=True)
    figures = membership(train, test, copies)
    # 63 % of the training rows are among the copies, and few test rows lie so near
    assert figures["membership_auc"] > 0.75
    assert figures["membership_ratio_auc"] > 0.75
    for name in ("membership_tpr01", "membership_tpr001", "membership_ratio_tpr01"):
        assert figures[name] == pytest.approx(0.63, abs=0.05), name


def test_a_few_leaked_rows_move_the_rate_and_hardly_the_auc(dependent_rows):
    train, test, fresh = dependent_rows(1_000, 0), dependent_rows(2_000, 1), dependent_rows(950, 2)
    leaked = pd.concat([fresh, train.head(50)], ignore_index=True)
    figures = membership(train, test, leaked)
    assert figures["membership_auc"] == pytest.approx(0.525, abs=0.03)
    assert figures["membership_tpr01"] > 0.05  # the fifty, and chance


def test_fresh_rows_are_not_found(dependent_rows):
    train, test, fresh = (dependent_rows(2_000, seed) for seed in range(3))
    figures = membership(train, test, fresh)
    # standard errors: .009 of an AUC, .003 of a rate; twice as much and more of half of the rows
    assert figures["membership_auc"] == pytest.approx(0.5, abs=0.03)
    assert figures["membership_ratio_auc"] == pytest.approx(0.5, abs=0.04)
    assert figures["membership_tpr01"] == pytest.approx(0.01, abs=0.012)
    assert figures["membership_ratio_tpr01"] == pytest.approx(0.01, abs=0.015)


def test_a_rate_that_too_few_rows_would_give_is_absent(dependent_rows):
    train, fake = dependent_rows(200, 0), dependent_rows(200, 2)
    assert set(membership(train, dependent_rows(98, 1), fake)) == {
        "membership_auc", "membership_ratio_auc",
    }  # fmt: skip
    found = membership(train, dependent_rows(200, 1), fake)
    assert set(found) - {"membership_auc", "membership_ratio_auc"} == {
        "membership_tpr01", "membership_ratio_tpr01",  # 100 of the 200 are references
    }  # fmt: skip
    assert "membership_ratio_auc" not in membership(train, dependent_rows(1, 1), fake)


def test_the_cheap_rate_is_the_rate_where_rows_are_few(dependent_rows):
    train, test, fake = (dependent_rows(300, seed) for seed in range(3))
    assert (
        cheap_membership_tpr(train, test, fake)
        == (membership(train, test, fake)["membership_tpr01"])
    )
    with pytest.raises(TabganError, match="membership: expected 99 unseen rows, got 98"):
        cheap_membership_tpr(train, test.head(98), fake)


def test_rows_may_be_permuted(dependent_rows):
    train, test, fake = (dependent_rows(300, seed) for seed in range(3))
    mixed = [table.sample(frac=1, random_state=1) for table in (train, fake)]
    assert membership(mixed[0], test, mixed[1]) == pytest.approx(membership(train, test, fake))


def test_tables_that_differ_in_columns_are_refused():
    with pytest.raises(TabganError, match=r"holdout lacks \['n'\]"):
        membership(numbers(1), pd.DataFrame({"m": [1.0]}), numbers(1))
