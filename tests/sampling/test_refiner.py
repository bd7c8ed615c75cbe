"""Boosted rejection on distortions whose cure is known on paper."""

import numpy as np
import pytest

from tabgan.encoding.state import load_state, save_state
from tabgan.errors import TabganError
from tabgan.models.nets.boosted import MIN_REAL_ROWS
from tabgan.sampling.marginals import Marginals
from tabgan.sampling.refiner import Refiner
from tabgan.seeding import rng_at


def pairs(n_rows, agreeing, rng):
    """Two coins, equal in a share ``agreeing`` of the rows, and a constant."""
    first = rng.integers(0, 2, n_rows)
    second = np.where(rng.random(n_rows) < agreeing, first, 1 - first)
    return np.column_stack([first, second, np.ones(n_rows)]).astype(float)


def coins(n, position):
    return pairs(n, 0.5, rng_at(7, position))


@pytest.fixture(scope="module")
def coin_refiner():
    real = pairs(3_000, 0.8, np.random.default_rng(0))
    return Refiner().fit(real, coins, rounds=2, pool_factor=2.0, seed=0)


def test_dependence_that_the_generator_lacks_is_put_back(coin_refiner):
    rows = coins(20_000, 10_000)
    kept = rows[coin_refiner.accept(rows, np.random.default_rng(1))]
    assert (kept[:, 0] == kept[:, 1]).mean() == pytest.approx(0.8, abs=0.06)  # .5 before
    assert kept[:, :2].mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.03)


def test_the_acceptance_rate_is_one_over_the_largest_density_ratio(coin_refiner):
    rows = coins(20_000, 10_000)
    share = coin_refiner.accept(rows, np.random.default_rng(1)).mean()
    assert share == pytest.approx(0.625, abs=0.08)  # the largest ratio is .4 / .25
    assert coin_refiner.total_acceptance == pytest.approx(share, abs=0.03)
    assert len(coin_refiner.acceptance_) == len(coin_refiner.rounds_) + 1  # and the marginals


def test_the_first_round_sees_what_can_be_seen(coin_refiner):
    # AUC of the ratio's two levels: P(real equal) P(pool unequal) + half the ties.
    assert coin_refiner.aucs_[0] == pytest.approx(0.8 * 0.5 + (0.8 * 0.5 + 0.2 * 0.5) / 2, abs=0.05)


def test_a_shifted_and_widened_normal_is_put_right():
    def draw(n, position):
        return 0.5 + 1.2 * rng_at(3, position).normal(size=(n, 1))

    real = np.random.default_rng(1).normal(size=(20_000, 1))
    refiner = Refiner().fit(real, draw, rounds=2, pool_factor=2.0, seed=0)
    rows = draw(40_000, 10_000)
    kept = rows[refiner.accept(rows, np.random.default_rng(2))]
    assert kept.mean() == pytest.approx(0.0, abs=0.05)
    assert kept.std() == pytest.approx(1.0, abs=0.05)
    # The density ratio is largest at -.5 / .44, where it is 1.594.
    assert len(kept) / len(rows) == pytest.approx(1 / 1.594, abs=0.12)


def test_same_seed_same_mask(coin_refiner):
    real = pairs(3_000, 0.8, np.random.default_rng(0))
    again = Refiner().fit(real, coins, rounds=2, pool_factor=2.0, seed=0)
    rows = coins(2_000, 10_000)
    masks = [r.accept(rows, np.random.default_rng(5)) for r in (coin_refiner, again)]
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0] != coin_refiner.accept(rows, np.random.default_rng(6))).any()


def test_the_cheapest_step_goes_first_and_the_rows_are_those_of_any_order(coin_refiner):
    rows = coins(5_000, 10_000)
    steps = coin_refiner._steps
    rng = np.random.default_rng(1)
    each = [rng.random(5_000) < np.exp(step.log_acceptance(rows)) for step in steps]
    expected = np.logical_and.reduce(each)
    np.testing.assert_array_equal(coin_refiner.accept(rows, np.random.default_rng(1)), expected)
    worth = [
        s.cost / max(1 - a, 1e-9) for s, a in zip(steps, coin_refiner.acceptance_, strict=True)
    ]
    assert coin_refiner._cheapest_first() == sorted(range(len(steps)), key=worth.__getitem__)


def test_state_comes_back_from_disk(coin_refiner, tmp_path):
    save_state(tmp_path, coin_refiner.state())
    restored = Refiner.restore(load_state(tmp_path))
    rows = coins(2_000, 10_000)
    rows[::7, 2] = np.nan
    masks = [r.accept(rows, np.random.default_rng(5)) for r in (coin_refiner, restored)]
    np.testing.assert_array_equal(masks[0], masks[1])
    assert restored.total_acceptance == coin_refiner.total_acceptance
    assert restored.aucs_ == coin_refiner.aucs_


def test_a_damaged_state_is_refused(coin_refiner):
    with pytest.raises(TabganError, match="not a state of a refiner"):
        Refiner.restore({"n_columns": 3})
    state = coin_refiner.state()
    state["marginals"]["log_weights"] = [np.zeros(2)]
    with pytest.raises(TabganError, match="not a state of a refiner: marginals"):
        Refiner.restore(state)


def test_few_real_rows_are_not_refined_and_the_reason_says_so():
    real = coins(MIN_REAL_ROWS - 1, 0)
    refiner = Refiner().fit(real, coins, rounds=3, pool_factor=2.0, seed=0)
    assert refiner.rounds_ == []
    assert refiner.reason_ == "199 real rows are too few; it needs 200"
    assert not refiner.is_needless_  # nobody looked
    assert refiner.accept(coins(50, 1), np.random.default_rng(0)).all()
    assert refiner.total_acceptance == 1.0


def test_rows_that_were_set_apart_say_when_to_stop():
    real = pairs(3_000, 0.8, np.random.default_rng(0))
    held = coins(500, 9)  # in which the coins are as independent as the generator's
    refiner = Refiner().fit(real, coins, rounds=2, pool_factor=2.0, seed=0, held=held)
    assert refiner.rounds_ == []
    assert refiner.reason_.startswith(
        "generated rows are not told from real ones beyond chance (AUC 0."
    )
    assert refiner.is_needless_
    few = Refiner().fit(real, coins, rounds=2, pool_factor=2.0, seed=0, held=held[:59])
    assert few.aucs_[0] > 0.6  # under 60 decide nothing: some of the real rows do


def test_a_small_table_is_refined_with_few_leaves():
    real = pairs(300, 0.95, np.random.default_rng(0))
    refiner = Refiner().fit(real, coins, rounds=1, pool_factor=2.0, seed=0)
    rows = coins(5_000, 10_000)
    kept = rows[refiner.accept(rows, np.random.default_rng(1))]
    assert (kept[:, 0] == kept[:, 1]).mean() > 0.8  # .5 before


def test_a_generator_that_is_right_is_left_alone():
    real = coins(2_000, 10_001)
    refiner = Refiner().fit(real, coins, rounds=3, pool_factor=2.0, seed=0)
    assert refiner.rounds_ == []
    assert refiner.reason_.startswith(
        "generated rows are not told from real ones beyond chance (AUC "
    )


def test_a_generator_that_is_seldom_right_is_told_of(monkeypatch):
    monkeypatch.setattr("tabgan.sampling.refiner.MIN_ACCEPTANCE", 0.1)

    def draw(n, position):
        right = rng_at(4, position).random((n, 1)) < 0.05
        return rng_at(3, position).normal(size=(n, 1)) + np.where(right, 0.0, 10.0)

    real = np.random.default_rng(1).normal(size=(1_000, 1))
    refiner = Refiner().fit(real, draw, rounds=3, pool_factor=2.0, seed=0)
    assert refiner.rounds_ == []
    assert "of 100 rows would be kept" in refiner.reason_


def test_a_column_that_the_trees_left_bent_is_re_matched():
    real = np.random.default_rng(0).integers(0, 4, (4_000, 1)).astype(float)
    pool = np.repeat([0.0, 1.0, 2.0, 3.0], [1_000, 3_000, 2_000, 2_000])[:, None]
    marginals = Marginals.fit(real, pool, cap_quantile=0.98)
    kept = np.exp(marginals.log_acceptance(pool))
    shares = np.bincount(pool[:, 0].astype(int), kept) / kept.sum()
    np.testing.assert_allclose(shares, 0.25, atol=0.02)


def test_missing_values_and_constant_columns_pass_through():
    def draw(n, position, share=0.3):
        rng = rng_at(5, position)
        known = rng.normal(size=n)
        rows = np.column_stack([known, np.full(n, 2.0), np.full(n, np.nan)])
        rows[rng.random(n) < share, 0] = np.nan
        return rows

    real = draw(2_000, 10_001, share=0.5)
    refiner = Refiner().fit(real, draw, rounds=1, pool_factor=2.0, seed=0)
    rows = draw(10_000, 10_002)
    kept = rows[refiner.accept(rows, np.random.default_rng(0))]
    assert np.isnan(kept[:, 0]).mean() == pytest.approx(0.5, abs=0.04)


def test_progress_hears_of_every_step():
    lines = []
    real = pairs(1_000, 0.8, np.random.default_rng(0))
    refiner = Refiner()
    refiner.fit(real, coins, rounds=1, pool_factor=2.0, seed=0, progress=lines.append)
    heads = [line.partition(":")[0] for line in lines]
    assert heads[0] == "refinement round 1"
    assert (
        lines[1]
        == f"sample will keep {100 * refiner.total_acceptance:.0f} of 100 rows that it draws"
    )


def test_rows_of_another_width_are_refused(coin_refiner):
    with pytest.raises(TabganError, match="expected rows of 3 columns"):
        coin_refiner.accept(np.zeros((4, 2)), np.random.default_rng(0))
