"""Every pair of columns at once, against numbers worked out by hand and pair by pair."""

import math

import numpy as np
import pytest

from tabgan.metrics import pairs as module
from tabgan.metrics.pairs import (
    correlations,
    pair_information,
    pair_square,
    pair_variations,
    pairs_of,
)


def test_four_columns_have_six_pairs_and_some_of_them_are_the_same_every_time():
    first, second = pairs_of(4)
    assert list(zip(first, second, strict=True)) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    few = pairs_of(100, at_most=50, seed=1)
    assert len(set(zip(*few, strict=True))) == 50
    assert (few[0] < few[1]).all()
    np.testing.assert_array_equal(few, pairs_of(100, at_most=50, seed=1))
    assert len(pairs_of(4, at_most=6)[0]) == 6


def test_a_pairs_table_of_shares_moves_by_half_the_differences():
    real = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 2, 3]])
    fake = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 2, 3]])
    # (0, 1): 00 and 11 a half each, against four cells of a quarter; (0, 2) is equal
    # (1, 2): 00, 01, 12, 13 against 00, 11, 02, 13, a quarter each: half of it moved
    found = pair_variations(real, fake, np.array([2, 2, 4]), pairs_of(3))
    assert found.tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize("keys_at_once", [1, 2**21])  # a pair at a time, all together
@pytest.mark.parametrize("sizes", [(3, 4, 2, 5), (3, 400, 2, 5_000)])  # tables full, and empty
def test_all_pairs_agree_with_one_pair_after_the_other(monkeypatch, keys_at_once, sizes):
    monkeypatch.setattr(module, "KEYS_AT_ONCE", keys_at_once)
    rng = np.random.default_rng(0)
    real, fake = (np.array([rng.integers(size, size=n) for size in sizes]) for n in (60, 40))
    pairs = pairs_of(4)
    moved = pair_variations(real, fake, np.array(sizes), pairs)
    shared = pair_information(real, np.array(sizes), pairs)
    for position, (a, b) in enumerate(zip(*pairs, strict=True)):
        tables = []
        for codes in (real, fake):
            table = np.zeros((sizes[a], sizes[b]))
            np.add.at(table, (codes[a], codes[b]), 1 / codes.shape[1])
            tables.append(table)
        assert moved[position] == pytest.approx(np.abs(tables[0] - tables[1]).sum() / 2)
        of_a, of_b, of_both = (
            -sum(p * math.log(p) for p in shares.ravel() if p > 0)
            for shares in (tables[0].sum(axis=1), tables[0].sum(axis=0), tables[0])
        )
        assert shared[position] == pytest.approx(2 * (of_a + of_b - of_both) / (of_a + of_b))


def test_two_constants_share_nothing_and_a_column_all_of_its_twin():
    codes = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]])
    found = pair_information(codes, np.array([1, 1, 2, 2]), pairs_of(4))
    assert found.tolist() == pytest.approx([0, 0, 0, 0, 0, 1])


def test_correlations_are_those_of_the_rows_where_both_are_known():
    nan = np.nan
    numbers = np.array(
        [[1, 2, 5.0, 7], [2, 4, 5, nan], [3, nan, 5, 7], [4, 8, 5, 7], [nan, -9, 5, 8]]
    )
    found = correlations(numbers)
    assert found[0, 1] == pytest.approx(1)  # 1, 2, 4 and 2, 4, 8
    assert found[0, 2] == found[2, 3] == 0  # a constant
    assert found[0, 3] == 0  # of the rows that both know, the last column is 7 in all
    # 1: 2, 8, -9 and 7, 7, 8: deviations 5/3, 23/3, -28/3 and -1/3, -1/3, 2/3
    by_hand = -84 / 9 / math.sqrt((25 + 529 + 784) / 9 * 6 / 9)
    assert found[1, 3] == found[3, 1] == pytest.approx(by_hand)


def test_a_constant_far_from_zero_is_a_constant_where_a_value_elsewhere_is_not():
    far = np.where(np.arange(50) == 0, 4_000_000_000.1, 4_000_000_000.3)
    other = np.where(np.arange(50) == 0, np.nan, np.arange(50.0))
    assert correlations(np.column_stack([far, other]))[0, 1] == 0


def test_fewer_than_two_common_rows_are_no_correlation():
    numbers = np.array([[1.0, np.nan], [2, 5], [np.nan, 6], [3, np.nan]])
    assert correlations(numbers)[0, 1] == 0


def test_correlations_agree_with_numpy():
    numbers = np.random.default_rng(0).normal(size=(40, 5)) + 1e6
    np.testing.assert_allclose(correlations(numbers), np.corrcoef(numbers, rowvar=False), atol=1e-9)


def test_a_square_is_symmetric_and_has_no_diagonal():
    square = pair_square(["a", "b", "c"], pairs_of(3), np.array([1.0, 2, 3]))
    assert square.loc["c", "a"] == square.loc["a", "c"] == 2
    assert np.isnan(square.loc["b", "b"])
