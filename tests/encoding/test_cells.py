"""Numbers as bins, cells and places, on columns whose cells can be told on paper."""

import numpy as np
import pytest

from tabgan.encoding.cells import CellsEncoder


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def two_bins():
    """0 to 23, each once: two bins of twelve rows, each of two cells of six."""
    return CellsEncoder().fit(np.arange(24.0))


def at(encoder, bins, cells, position):
    """What codes decode to."""
    return float(encoder.numbers(np.array([bins]), np.array([cells]), np.array([position]))[0])


def joint(encoder, numbers):
    bins, cells, positions = encoder.codes(np.asarray(numbers, float))
    return bins * encoder.n_cells + cells, positions


COLUMNS = {
    "continuous": lambda rng: rng.normal(0, 1, 3_000),
    "skewed, of two decimals": lambda rng: np.round(rng.lognormal(8, 2, 3_000), 2),
    "whole numbers": lambda rng: rng.poisson(400, 2_000).astype(float),
    "two in three are 0": lambda rng: rng.lognormal(3, 1, 900) * (rng.random(900) < 1 / 3),
    "of three values": lambda rng: rng.choice([1.0, 5.0, 20.0], 200),
    "of three rows": lambda rng: np.array([3.0, 1.0, 2.0]),
    "a tenth is missing": lambda rng: np.where(rng.random(500) < 0.1, np.nan, rng.random(500)),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_training_values_come_back(column, rng):
    numbers = COLUMNS[column](rng)
    encoder = CellsEncoder().fit(numbers)
    decoded = encoder.decode(encoder.encode(numbers, rng))
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(numbers))
    apart = np.diff(np.unique(numbers[~np.isnan(numbers)])).max()  # the widest gap
    np.testing.assert_allclose(decoded, numbers, atol=1e-4 * apart, rtol=1e-12)


@pytest.mark.parametrize("column", COLUMNS)
def test_codes_and_places_ascend_with_the_number(column, rng):
    numbers = COLUMNS[column](rng)
    encoder = CellsEncoder().fit(numbers)
    codes, positions = joint(encoder, np.sort(numbers[~np.isnan(numbers)]))
    assert (np.diff(codes) >= 0).all()
    assert (np.diff(positions)[np.diff(codes) == 0] >= 0).all()
    assert ((positions >= 0) & (positions < 1)).all()


def test_many_different_numbers_have_48_bins_of_16_cells_with_as_many_rows_each():
    encoder = CellsEncoder().fit(np.random.default_rng(0).random(48 * 16 * 10))
    assert encoder.widths_ == (
        ("discrete", 48, 48, ()), ("discrete", 16, 16, ()), ("continuous", 1, 0, ()),
    )  # fmt: skip
    codes, _ = joint(encoder, encoder.points_)
    assert np.bincount(codes).tolist() == [10] * 48 * 16


def test_a_place_says_how_far_between_a_cells_ends_a_number_lies(two_bins):
    assert two_bins.widths_[:2] == (("discrete", 2, 2, ()), ("discrete", 2, 2, ()))
    codes, positions = joint(two_bins, [0, 2.3, 5, 6, 23])
    assert codes.tolist() == [0, 0, 0, 1, 3]  # of 0 to 5, 6 to 11, 12 to 17, 18 to 23
    np.testing.assert_allclose(positions, [0, 2.3 / 5, 1, 0, 1], atol=1e-6)
    assert [at(two_bins, 0, 0, p) for p in (0, 0.5, 1)] == [0, 2.5, 5]
    assert at(two_bins, 1, 1, 0.5) == 20.5


def test_a_number_outside_the_training_range_is_encoded_as_its_end(two_bins, rng):
    encoded = two_bins.encode(np.array([-99.0, 99.0]), rng)
    assert two_bins.decode(encoded) == pytest.approx([0, 23], abs=1e-5)


def test_interpolated_numbers_lie_between_neighbours_and_are_new(rng):
    numbers = np.sort(rng.normal(0, 1, 1_000))
    encoder = CellsEncoder().fit(numbers)
    codes, _ = joint(encoder, numbers)
    for _ in range(5):
        made = encoder.numbers(codes // encoder.n_cells, codes % encoder.n_cells, rng.random(1_000))
        first, last = np.searchsorted(codes, codes), np.searchsorted(codes, codes, "right") - 1
        assert ((numbers[first] <= made) & (made <= numbers[last])).all()
        assert np.isin(made, numbers).mean() < 0.01


def test_heaped_numbers_keep_to_their_grid(rng):
    grid = 5.0 * np.arange(200)
    numbers = np.repeat(grid, 5)  # each in one of 200 rows, none in one of 128
    encoder = CellsEncoder().fit(numbers)
    assert not encoder.interpolates_
    codes, _ = joint(encoder, numbers)
    made = encoder.numbers(codes // encoder.n_cells, codes % encoder.n_cells, rng.random(1_000))
    assert np.isin(made, grid).all()
    assert len(np.unique(made)) > 150  # all of them are drawn


def test_a_heaped_value_is_drawn_as_often_as_its_cell_has_rows_of_it(rng):
    encoder = CellsEncoder(interpolate=False).fit(np.array([1.0] * 5 + [2.0] * 2 + [3.0] * 5))
    assert encoder.n_cells == 2  # twelve rows: 1, 2 and 3 in two cells
    codes, _ = joint(encoder, [1, 2, 3])
    assert codes.tolist() == [0, 1, 1]
    made = encoder.numbers(np.zeros(7_000, int), np.ones(7_000, int), rng.random(7_000))
    assert (made == 2).mean() == pytest.approx(2 / 7, abs=0.02)  # 4 standard errors


def test_a_heavy_value_is_an_atom_with_a_bin_of_its_own(rng):
    numbers = np.concatenate([np.zeros(600), rng.lognormal(3, 1, 300), np.full(100, np.nan)])
    encoder = CellsEncoder().fit(numbers)
    bins, cells, position = encoder.widths_
    # 300 other rows make 25 bins of 12; 0, the smallest, is the first
    assert (bins.width, bins.ordered, bins.atoms) == (1 + 25 + 1, 26, (0, 26))
    assert (cells.width, position.kind) == (2, "continuous")
    zero = np.flatnonzero(joint(encoder, numbers[:900])[0] == 0)
    assert zero.tolist() == list(range(600))
    assert {at(encoder, 0, cell, p) for cell in (0, 1) for p in (0, 0.4, 1)} == {0.0}


def test_values_of_fewer_than_ten_rows_are_not_heavy_in_a_small_table():
    encoder = CellsEncoder().fit(np.repeat(np.arange(10.0), 9))  # each a tenth of the rows
    assert encoder.n_bins == 90 // 12
    assert CellsEncoder().fit(np.repeat(np.arange(10.0), 10)).n_bins == 10


def test_no_more_values_are_heavy_than_is_said(rng):
    numbers = np.repeat(np.arange(30.0), np.arange(10, 40))
    encoder = CellsEncoder(interpolate=False, most_heavy=2).fit(numbers)
    codes, _ = joint(encoder, [28, 29])
    heavy = [code for code in codes // encoder.n_cells if code in encoder.widths_[0].atoms]
    assert len(set(heavy)) == 2
    assert at(encoder, heavy[0], 0, rng.random()) == 28


def test_missing_is_the_last_bin(rng):
    encoder = CellsEncoder().fit(np.append(np.arange(24.0), np.nan))
    assert encoder.widths_[0] == ("discrete", 3, 2, (2,))
    encoded = encoder.encode(np.array([np.nan, 12.0]), rng)
    assert encoded[:, :3].tolist() == [[0, 0, 1], [0, 1, 0]]
    assert np.isnan(encoder.decode(encoded)).tolist() == [True, False]
    assert np.isnan(at(encoder, 2, 1, 0.3))


def test_a_table_of_few_rows_has_one_bin_and_no_cells():
    encoder = CellsEncoder().fit(np.array([4.0, 1.0, 2.0, np.nan]))
    assert encoder.widths_ == (("discrete", 2, 1, (0, 1)), ("continuous", 1, 0, ()))
    assert [at(encoder, 0, 0, p) for p in (0, 0.5, 0.75, 1)] == [1, 2, 3, 4]


def test_one_known_value_among_missing_ones_is_a_bin():
    encoder = CellsEncoder().fit(np.array([np.nan, 7.5, np.nan]))
    assert encoder.widths_[0] == ("discrete", 2, 1, (0, 1))
    assert at(encoder, 0, 0, 0.9) == 7.5


def test_of_a_large_column_100_000_order_statistics_are_kept():
    numbers = np.random.default_rng(0).permutation(250_000).astype(float)
    encoder = CellsEncoder().fit(numbers)
    assert len(encoder.points_) == 100_000
    known = np.arange(0, 250_000, 1_000.0)
    decoded = encoder.decode(encoder.encode(known, np.random.default_rng(0)))
    assert np.abs(decoded - known).max() <= 2.5  # a hundred thousandth of the ranks


@pytest.mark.parametrize("column", COLUMNS)
def test_a_state_makes_the_same_encoder(column, rng):
    numbers = COLUMNS[column](rng)
    fitted = CellsEncoder().fit(numbers)
    restored = CellsEncoder().restore(fitted.state())
    assert restored.widths_ == fitted.widths_
    encoded = fitted.encode(numbers, rng)
    np.testing.assert_array_equal(restored.encode(numbers, rng), encoded)
    np.testing.assert_array_equal(restored.decode(encoded), fitted.decode(encoded))


def test_a_second_fit_forgets_the_first(two_bins):
    again = two_bins.fit(np.array([1.0, np.nan])).fit(np.arange(24.0))
    assert again.widths_ == CellsEncoder().fit(np.arange(24.0)).widths_
