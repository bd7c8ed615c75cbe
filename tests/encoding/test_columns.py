"""The scalar encoders, by numbers one could work out on paper."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, yeojohnson

from tabgan.encoding.atoms import AtomsEncoder
from tabgan.encoding.column import MissingIndicator
from tabgan.encoding.label import LabelEncoder
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.levels import LevelsEncoder
from tabgan.encoding.numbers import from_numbers, order_statistics, rounded, to_numbers
from tabgan.encoding.onehot import OneHotEncoder
from tabgan.encoding.power import PowerEncoder
from tabgan.encoding.quantile_normal import QuantileNormalEncoder
from tabgan.encoding.standard import StandardEncoder
from tabgan.tables.schema import Column


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_standard_scales_to_mean_zero_and_deviation_one(rng):
    encoder = StandardEncoder().fit(np.array([1.0, 3.0]))  # mean 2, deviation 1
    assert encoder.encode(np.array([1.0, 2.0, 5.0]), rng)[:, 0].tolist() == [-1.0, 0.0, 3.0]


def test_power_is_scipys_yeo_johnson_of_the_standardised_values(rng):
    numbers = np.exp(np.linspace(0, 3, 50))
    encoder = PowerEncoder().fit(numbers)
    powered, _ = yeojohnson((numbers - numbers.mean()) / numbers.std())
    expected = (powered - powered.mean()) / powered.std()
    np.testing.assert_allclose(encoder.encode(numbers, rng)[:, 0], expected, atol=1e-3)


def test_power_decodes_beyond_its_range_without_nan():
    encoder = PowerEncoder().fit(np.exp(np.linspace(0, 3, 50)))
    decoded = encoder.decode(np.array([[-99.0], [99.0]], np.float32))
    np.testing.assert_allclose(decoded, [1.0, np.exp(3)], rtol=1e-5)


def test_quantile_normal_spreads_a_tie_over_its_share(rng):
    numbers = np.array([0.0, 0.0, 0.0, 5.0])  # 0 holds the lower three quarters
    encoder = QuantileNormalEncoder().fit(numbers)
    encoded = encoder.encode(np.zeros(1000), rng)[:, 0]
    assert encoded.max() < norm.ppf(0.75) < encoder.encode(np.array([5.0]), rng)[0, 0]


def test_quantile_normal_decodes_normal_noise_to_the_training_shares(rng):
    encoder = QuantileNormalEncoder().fit(np.array([0.0, 0.0, 0.0, 5.0]))
    decoded = encoder.decode(rng.standard_normal((20_000, 1)).astype(np.float32))
    assert (decoded == 5.0).mean() == pytest.approx(0.25, abs=0.01)  # 3 standard errors


def test_quantile_normal_restores_every_training_value(rng):
    numbers = np.round(rng.lognormal(8, 2, 30_000), 2)
    encoder = QuantileNormalEncoder().fit(numbers)
    np.testing.assert_array_equal(encoder.decode(encoder.encode(numbers, rng)), numbers)


def test_missing_is_a_block_of_its_own(rng):
    encoder = MissingIndicator(StandardEncoder()).fit(np.array([1.0, 3.0, np.nan]))
    encoded = encoder.encode(np.array([3.0, np.nan]), rng)
    assert encoded[0].tolist() == [1.0, 1.0, 0.0]
    assert encoded[1, 1:].tolist() == [0.0, 1.0]  # and noise in the scalar
    np.testing.assert_array_equal(encoder.decode(encoded), [3.0, np.nan])


def test_one_hot_has_a_place_for_missing_only_where_training_has_it(rng):
    known = OneHotEncoder(n_codes=2).fit(np.array([0.0, 1.0]))
    assert known.widths_ == (BlockShape("discrete", 2),)
    encoder = OneHotEncoder(n_codes=2).fit(np.array([0.0, np.nan]))
    assert encoder.encode(np.array([1.0, np.nan]), rng).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_a_label_decodes_to_the_nearest_code_in_use():
    encoder = LabelEncoder(StandardEncoder(), n_codes=3).fit(np.array([0.0, 1.0, 2.0]))
    deviation = np.sqrt(2 / 3)
    scaled = np.array([[-9.0], [0.4 / deviation], [9.0]], np.float32)  # labels -6.3, 1.4, 8.3
    assert encoder.decode(scaled).tolist() == [0.0, 1.0, 2.0]


def test_levels_restore_values_and_missing_and_take_the_nearest(rng):
    encoder = LevelsEncoder().fit(np.array([1.0, 5.0, 20.0, np.nan]))
    assert encoder.widths_ == (BlockShape("discrete", 4, ordered=3),)
    decoded = encoder.decode(encoder.encode(np.array([5.0, 8.0, 99.0, np.nan]), rng))
    np.testing.assert_array_equal(decoded, [5.0, 5.0, 20.0, np.nan])


def test_atoms_take_their_rows_out_of_the_scalar(rng):
    numbers = np.concatenate([np.zeros(900), rng.lognormal(8, 1, 100)])
    encoder = AtomsEncoder().fit(numbers)
    assert encoder.atoms_.tolist() == [0.0]
    assert encoder.widths_ == (BlockShape("continuous", 1), BlockShape("discrete", 2))
    scalars = encoder.encode(numbers, rng)[:, 0]
    assert abs(scalars[:900].mean()) < 0.15  # noise: 4 standard errors
    assert abs(scalars[900:].mean()) < 0.1  # the rest, spread over the whole normal scale


def test_atoms_rest_and_missing_come_back(rng):
    numbers = np.concatenate([np.full(50, -1.0), np.arange(100) * 1.5, np.full(3, np.nan)])
    encoder = AtomsEncoder().fit(numbers)
    np.testing.assert_array_equal(encoder.decode(encoder.encode(numbers, rng)), numbers)


def test_a_large_column_keeps_100_000_of_its_numbers_at_even_shares(rng):
    numbers = rng.permutation(250_001).astype(float)
    kept = order_statistics(numbers)
    assert kept[[0, -1]].tolist() == [0, 250_000]
    assert np.unique(np.diff(kept)).tolist() == [2, 3]  # every 2.5th
    expected = np.quantile(numbers, [0.2, 0.5, 0.77], method="inverted_cdf")
    np.testing.assert_allclose(kept[[20_000, 50_000, 77_000]], expected, atol=2.5)


def test_numbers_at_float64s_limits_come_back_within_their_kinds():
    most = np.iinfo(np.int64).max
    whole = Column(name="n", kind="integer")
    held = to_numbers(whole, pd.Series([most, 5]))
    assert from_numbers(whole, rounded(whole, held)).tolist() == [most, 5]
    number = Column(name="x", kind="numeric", decimals=1)
    assert rounded(number, np.array([1.797e308, 0.25])).tolist() == [1.797e308, 0.2]
    date, last = Column(name="d", kind="date"), pd.Timestamp("9999-12-31 23:59:59.999999")
    held = to_numbers(date, pd.Series([last]).astype("datetime64[us]"))
    assert from_numbers(date, held).tolist() == [last]
