"""a <= b: found where rows need not keep it, and kept by what survives."""

import numpy as np
import pytest

from tabgan.tables.orders import Orders

N = 400


@pytest.fixture
def trips():
    """start <= end, both even over the day; two numbers that nothing orders."""
    rng = np.random.default_rng(0)
    start, end = np.sort(rng.integers(0, 1_000, (N, 2)), axis=1).T
    return np.column_stack([start, end, rng.integers(0, 1_000, (N, 2))]).astype(float)


def found(rows, groups=((0, 1, 2, 3),), **settings):
    return Orders.found(rows, groups, **settings).pairs.tolist()


def test_a_start_never_comes_after_its_end(trips):
    assert found(trips) == [[0, 1]]


def test_one_row_of_400_is_too_many(trips):
    trips[-1, :2] = [5, 4]
    assert found(trips) == []
    assert found(trips, share=1 - 1 / N) == [[0, 1]]
    assert found(trips, share=1 - 0.5 / N) == []


def test_only_columns_of_a_group_are_compared(trips):
    assert found(trips, ((0, 2), (1, 3))) == []


def test_what_would_hold_by_chance_is_no_order():
    # Ten of 400 values are 9, and ten of the other column's are 5: put together at random
    # 400 * (10 / 400)^2 = .25 rows have a 9 beside a 5.
    a, b = np.zeros(N), np.full(N, 10.0)
    a[:10], b[-10:] = 9, 5
    assert found(np.column_stack([a, b]), ((0, 1),), surprise=0.24) == [[0, 1]]
    assert found(np.column_stack([a, b]), ((0, 1),), surprise=0.26) == []


def test_a_row_that_misses_a_number_breaks_no_order(trips):
    trips[:100, 0], trips[50:150, 1] = np.nan, np.nan
    orders = Orders.found(trips, ((0, 1),))
    assert orders.pairs.tolist() == [[0, 1]]
    assert orders.kept(np.array([[np.nan, 1, 0, 0], [3, np.nan, 0, 0], [3, 2, 0, 0]])).tolist() == [
        True, True, False,
    ]  # fmt: skip


@pytest.fixture
def houses():
    """Built 1900 to 1999, renovated 1 to 50 years later or never, which is 0, in every second."""
    rng = np.random.default_rng(0)
    built = rng.integers(1900, 2000, N)
    later = np.where(np.arange(N) % 2, 0, built + rng.integers(1, 51, N))
    return np.column_stack([built, later, rng.integers(1900, 2000, N)]).astype(float)


def test_never_is_an_exception_to_an_order(houses):
    assert found(houses, ((0, 1, 2),)) == []
    orders = Orders.excepted(houses, ((0, 1, 2),))
    assert orders.pairs.tolist() == [[0, 1]]
    np.testing.assert_array_equal(orders.exceptions, [[np.nan, 0]])
    assert orders.kept(houses).all()
    rows = np.array([[2006, 1988, 0], [2006, 0, 0], [2006, 2006, 0], [2006, np.nan, 0.0]])
    assert orders.kept(rows).tolist() == [False, True, True, True]
