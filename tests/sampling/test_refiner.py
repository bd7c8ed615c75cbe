"""Boosted rejection on distortions whose cure is known on paper."""

import numpy as np
import pytest

from tabgan.encoding.state import load_state, save_state
from tabgan.errors import TabganError
from tabgan.nets.boosted import MIN_REAL_ROWS
from tabgan.sampling.marginals import Marginals
from tabgan.sampling.refiner import Refiner
from tabgan.seeding import rng_at
from tabgan.tables.orders import Orders


def pairs(n_rows, agreeing, rng):
    """Two coins, equal in a share ``agreeing`` of the rows, and a constant."""
    first = rng.integers(0, 2, n_rows)
    second = np.where(rng.random(n_rows) < agreeing, first, 1 - first)
    return np.column_stack([first, second, np.ones(n_rows)]).astype(float)


def coins(n, place):
    return pairs(n, 0.5, rng_at(7, place))


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
    def draw(n, place):
        return 0.5 + 1.2 * rng_at(3, place).normal(size=(n, 1))

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
    assert refiner.reason_ == "199 real rows; refining needs at least 200"
    assert refiner.accept(coins(50, 1), np.random.default_rng(0)).all()
    assert refiner.total_acceptance == 1.0


def test_rows_that_were_set_apart_say_when_to_stop():
    real = pairs(3_000, 0.8, np.random.default_rng(0))
    held = coins(500, 9)  # in which the coins are as independent as the generator's
    refiner = Refiner().fit(real, coins, rounds=2, pool_factor=2.0, seed=0, held=held)
    assert refiner.rounds_ == []
    assert refiner.reason_.startswith("held-out rows are not told apart any more (AUC 0.")
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
    assert refiner.reason_.startswith("held-out rows are not told apart any more (AUC ")


def test_a_generator_that_is_seldom_right_is_told_of(monkeypatch):
    monkeypatch.setattr("tabgan.sampling.refiner.MIN_ACCEPTANCE", 0.1)

    def draw(n, place):
        right = rng_at(4, place).random((n, 1)) < 0.05
        return rng_at(3, place).normal(size=(n, 1)) + np.where(right, 0.0, 10.0)

    real = np.random.default_rng(1).normal(size=(1_000, 1))
    refiner = Refiner().fit(real, draw, rounds=3, pool_factor=2.0, seed=0)
    assert refiner.rounds_ == []
    assert "of generated rows would survive" in refiner.reason_


def test_a_column_that_the_trees_left_bent_is_re_matched():
    real = np.random.default_rng(0).integers(0, 4, (4_000, 1)).astype(float)
    pool = np.repeat([0.0, 1.0, 2.0, 3.0], [1_000, 3_000, 2_000, 2_000])[:, None]
    marginals = Marginals.fit(real, pool, cap_quantile=0.98)
    kept = np.exp(marginals.log_acceptance(pool))
    shares = np.bincount(pool[:, 0].astype(int), kept) / kept.sum()
    np.testing.assert_allclose(shares, 0.25, atol=0.02)


def test_missing_values_and_constant_columns_pass_through():
    def draw(n, place, share=0.3):
        rng = rng_at(5, place)
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
    Refiner().fit(real, coins, rounds=1, pool_factor=2.0, seed=0, progress=lines.append)
    heads = [line.partition(":")[0] for line in lines]
    assert heads == ["refiner round 1", "refiner with marginals re-matched"]


def test_rows_of_another_width_are_refused(coin_refiner):
    with pytest.raises(TabganError, match="expected rows of 3 columns"):
        coin_refiner.accept(np.zeros((4, 2)), np.random.default_rng(0))


def test_what_real_rows_keep_every_survivor_keeps_and_no_density_is_lost(tmp_path):
    # Two even numbers of which a <= b: half of the independent pairs, all equally likely.
    def draw(n, place):
        return rng_at(5, place).random((n, 2))

    real = np.sort(np.random.default_rng(0).random((2_000, 2)), axis=1)
    orders = Orders.found(real, ((0, 1),))
    refiner = Refiner().fit(real, draw, rounds=1, pool_factor=2.0, seed=0, orders=orders)
    assert refiner.acceptance_[0] == pytest.approx(0.5, abs=0.02)
    save_state(tmp_path, refiner.state())
    rows = draw(20_000, 10_000)
    kept = rows[Refiner.restore(load_state(tmp_path)).accept(rows, np.random.default_rng(1))]
    assert (kept[:, 0] <= kept[:, 1]).all()
    assert kept.mean(axis=0) == pytest.approx([1 / 3, 2 / 3], abs=0.02)
    assert len(kept) / len(rows) == pytest.approx(refiner.total_acceptance, abs=0.02)


def test_orders_that_hardly_any_generated_row_keeps_are_left_out():
    orders = Orders(pairs=np.array([[0, 1], [1, 2]]), n_columns=3)
    real = np.sort(np.random.default_rng(0).random((300, 3)), axis=1)

    def never_the_first(n, place):
        rows = np.sort(rng_at(6, place).random((n, 3)), axis=1)
        return rows[:, [1, 0, 2]]

    refiner = Refiner().fit(real, never_the_first, rounds=0, pool_factor=1.0, seed=0, orders=orders)
    assert refiner.orders_.pairs.tolist() == [[1, 2]]


def test_an_order_of_a_column_that_is_not_there_is_refused(coin_refiner):
    state = coin_refiner.state() | {"orders": np.array([[0, 7]])}
    with pytest.raises(TabganError, match="pairs of places below 3"):
        Refiner.restore(state)


def test_an_order_with_an_exception_is_kept_by_a_refiner_without_trees(tmp_path):
    def houses(n, _place):
        """Built in 10, renovated in 0 (never) to 19: half of the rows but the zeros break it."""
        return np.column_stack([np.full(n, 10.0), np.arange(n) % 20])

    orders = Orders(pairs=np.array([[0, 1]]), n_columns=2, exceptions=np.array([[np.nan, 0.0]]))
    few = houses(100, 0)  # fewer than trees need
    refiner = Refiner().fit(few, houses, rounds=3, pool_factor=1.0, seed=0, orders=orders)
    save_state(tmp_path, refiner.state())
    for one in (refiner, Refiner.restore(load_state(tmp_path))):
        kept = one.accept(houses(20, 0), np.random.default_rng(0))
        assert np.flatnonzero(kept).tolist() == [0, *range(10, 20)]
    assert refiner.total_acceptance == pytest.approx(11 / 20)
