import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from tabgan.errors import TabganError
from tabgan.metrics.collapse import (
    COLLAPSE_THRESHOLD,
    collapse_signals,
    crowded_share,
    describe_collapse,
    distinct_share,
    entropy_ratios,
    lost_categories,
    neighbour_ratio,
    unseen_categories,
)
from tabgan.metrics.drawing import independent_columns


def collapse_alarm(real, synthetic):
    return max(collapse_signals(real, synthetic).values()) > COLLAPSE_THRESHOLD


def labels(*values: str | None) -> pd.DataFrame:
    return pd.DataFrame({"job": pd.Categorical(values)})


def test_lost_categories_are_a_share_of_those_that_real_has():
    # cook, clerk, baker and missing against cook and judge
    real, fake = labels("cook", "clerk", "baker", None), labels("cook", "judge")
    assert lost_categories(real, fake)["job"] == 3 / 4
    assert unseen_categories(real, fake) == {"job": ["judge"]}
    assert unseen_categories(real, real) == {}


def test_entropy_ratio_is_one_half_for_two_of_four_categories():
    real, fake = labels("a", "b", "c", "d"), labels("a", "a", "b", "b")
    assert entropy_ratios(real, fake)["job"] == pytest.approx(0.5)  # log 2 / log 4
    assert entropy_ratios(labels("a", "a"), labels("a", "b")).empty  # no entropy to keep


def test_distinct_share_counts_rows_once():
    assert distinct_share(labels("a", "b", "a", None)) == 3 / 4


def test_neighbour_ratio_is_the_spacing_over_reals_spacing():
    real = pd.DataFrame({"n": np.arange(0, 100, 10.0)})
    assert neighbour_ratio(real, real / 5) == pytest.approx(1 / 5)
    assert neighbour_ratio(real, real) == 1


def test_neighbour_ratio_is_of_the_mean_spacing():
    real = pd.DataFrame({"n": [0.0, 1, 2, 4]})  # to the nearest other row: 1, 1, 1, 2
    fake = pd.DataFrame({"n": [0.0, 1, 3, 4]})  # 1, 1, 1, 1
    assert neighbour_ratio(real, fake) == pytest.approx(4 / 5)


def test_crowded_share_is_of_rows_nearer_than_real_ones():
    real = pd.DataFrame({"n": [0.0, 2, 4, 8]})  # to the nearest other row: 2, 2, 2, 4
    fake = pd.DataFrame({"n": [0.0, 1, 4, 8]})  # 1, 1, 3, 4: two of four are nearer than any real
    assert crowded_share(real, fake) == 2 / 4
    assert crowded_share(real, real) == 0


def test_neighbour_ratio_counts_a_repeated_row_once():
    real = pd.DataFrame({"n": np.arange(0, 100, 10.0)})
    assert neighbour_ratio(real, pd.concat([real, real])) == 1


def test_neighbour_ratio_refuses_a_table_of_one_row():
    with pytest.raises(TabganError, match="at least two distinct rows"):
        neighbour_ratio(labels("a", "a", "a"), labels("a", "b", "a"))


def test_fresh_rows_raise_no_alarm_and_a_collapsed_generator_does(dependent_rows):
    real, fresh = dependent_rows(500, 0), dependent_rows(500, 1)
    assert max(collapse_signals(real, fresh).values()) < 0.2
    assert not collapse_alarm(real, fresh)
    few = pd.concat([fresh.iloc[:5]] * 100, ignore_index=True)  # five rows again and again
    signals = collapse_signals(real, few)
    # 1 - 5 / 500, less what chance takes: 3.09 deviations of a share of .01 among 500 rows
    assert signals["distinct_rows"] == pytest.approx(1 - 5 / 500 - 0.0138, abs=0.002)
    assert collapse_alarm(real, few)


def test_one_constant_column_is_a_collapse(dependent_rows):
    real, fresh = dependent_rows(500, 0), dependent_rows(500, 1)
    constant = fresh.assign(city=pd.Categorical(["rome"] * 500))
    signals = collapse_signals(real, constant)
    assert signals["entropy"] > 0.98
    assert signals["lost_categories"] == pytest.approx((2 / 3 + 0) / 2)
    assert collapse_alarm(real, constant)


def test_a_rare_category_that_one_sample_lacks_is_chance():
    # five of 16,000 rows: another sample of that size has none of them once in 2^5 = 32 times
    common = ["no"] * 16_000
    real = labels(*common[5:], *["yes"] * 5)
    signals = collapse_signals(real, labels(*common))
    assert signals["entropy"] == signals["lost_categories"] == 0
    assert entropy_ratios(real, labels(*common))["job"] == 0  # all of it is gone in this sample
    # two hundred of them are gone for a reason
    many = labels(*common[200:], *["yes"] * 200)
    signals = collapse_signals(many, labels(*common))
    assert signals["lost_categories"] == 0.5
    assert 0.5 < signals["entropy"] < 1


def test_a_category_is_lost_for_certain_from_so_many_rows_on():
    # of equal samples it is absent with probability 2^-r: under .001 / 3 codes from r = 12 on
    for r, lost in ((11, 0), (12, 1 / 2)):
        real, fake = labels(*["a"] * (100 - r), *["b"] * r), labels(*["a"] * 100)
        assert collapse_signals(real, fake)["lost_categories"] == lost


def test_the_entropy_that_is_gone_by_hand():
    # two halves against a constant: H = log 2, and -log p is log 2 in every row: no variance
    real, fake = labels(*["a", "b"] * 50), labels(*["a"] * 100)
    assert collapse_signals(real, fake)["entropy"] == pytest.approx(1)
    # a tenth b: H = .3251, -log p of .105 and 2.303, variance .09 * 2.197^2 = .4345 over 100 rows
    rare = labels(*["a"] * 90, *["b"] * 10)
    expected = 1 - norm.isf(0.001) * math.sqrt(0.09 * math.log(9) ** 2 / 100) / 0.3251
    assert collapse_signals(rare, fake)["entropy"] == pytest.approx(expected, abs=1e-3)


def test_the_column_that_collapsed_is_named_and_what_to_do(dependent_rows):
    real, fresh = dependent_rows(500, 0), dependent_rows(500, 1)
    assert describe_collapse(real, fresh, collapse_signals(real, fresh)) == ""
    constant = fresh.assign(city=pd.Categorical(["rome"] * 500))
    told = describe_collapse(real, constant, collapse_signals(real, constant))
    assert told.startswith("column 'city' lost 99% of its entropy; see its picture; train longer")
    few = pd.concat([fresh.iloc[:5]] * 100, ignore_index=True)
    told = describe_collapse(real, few, collapse_signals(real, few))
    assert "most rows repeat other rows; train for fewer steps" in told


def test_a_wide_table_is_looked_at_by_fewer_rows(monkeypatch):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(60, 10))).add_prefix("x")
    monkeypatch.setattr("tabgan.metrics.collapse.NEIGHBOUR_CELLS", 10 * 30**2)
    assert neighbour_ratio(wide, wide) != 1  # 30 rows of each, not the same ones
    assert neighbour_ratio(wide.head(30), wide.head(30)) == 1


def test_a_signal_that_the_table_cannot_give_is_absent():
    assert set(collapse_signals(labels("a", "a", "b"), labels("a", "a", "b"))) == {
        "distinct_rows",
        "lost_categories",
        "entropy",
        "spacing",
    }
    assert set(collapse_signals(pd.DataFrame({"n": [1, 1, 1]}), pd.DataFrame({"n": [1]}))) == {
        "distinct_rows"
    }


def crowded(rows, share, *, jitter):
    """``rows`` of which ``share`` are ten rows again and again, exactly or with moved numbers."""
    n_crowd = round(share * len(rows))
    crowd = pd.concat([rows.iloc[:10]] * (n_crowd // 10), ignore_index=True)
    crowd["pay"] += np.random.default_rng(0).normal(0, jitter, n_crowd)
    return pd.concat([crowd, rows.iloc[: len(rows) - n_crowd]], ignore_index=True)


@pytest.mark.parametrize("jitter", [0.0, 0.01])
def test_the_alarm_rings_when_three_quarters_are_a_crowd_and_not_for_a_quarter(
    dependent_rows, jitter
):
    real, fresh = dependent_rows(400, 0), dependent_rows(400, 1)
    assert collapse_alarm(real, crowded(fresh, 0.75, jitter=jitter))
    assert not collapse_alarm(real, crowded(fresh, 0.25, jitter=jitter))


def test_healthy_rows_raise_no_alarm(dependent_rows):
    real = dependent_rows(400, 0)
    bootstrap = real.sample(400, replace=True, random_state=0, ignore_index=True)
    for rows in (bootstrap, independent_columns(real, 400, 0), dependent_rows(400, 2)):
        assert not collapse_alarm(real, rows)
    few = dependent_rows(200, 3)
    assert not collapse_alarm(real.iloc[:200], few)


def test_rows_may_be_permuted(dependent_rows):
    real, fake = dependent_rows(200, 0), dependent_rows(200, 1)
    mixed = [table.sample(frac=1, random_state=1) for table in (real, fake)]
    assert collapse_signals(*mixed) == pytest.approx(collapse_signals(real, fake))
