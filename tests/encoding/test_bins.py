"""Quantile bins: heavy values by themselves, the others by their sixty-fourth."""

import numpy as np
import pytest

from tabgan.encoding.bins import BinsEncoder
from tabgan.encoding.layout import BlockShape


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


def test_640_different_values_fill_64_bins_of_ten(rng):
    numbers = np.arange(640.0)
    encoder = BinsEncoder().fit(numbers)
    assert encoder.widths_ == (BlockShape("discrete", 64),)
    assert encoder.encode(numbers, rng).sum(axis=0).tolist() == [10.0] * 64


def test_a_heavy_value_has_a_place_and_comes_back_exactly(rng):
    numbers = np.concatenate([np.full(360, 7.0), np.arange(640.0) + 1_000])
    encoder = BinsEncoder().fit(numbers)
    assert encoder.widths_ == (BlockShape("discrete", 1 + 64),)
    encoded = encoder.encode(numbers, rng)
    assert encoded[:360, 0].all()
    assert (encoder.decode(encoded)[:360] == 7.0).all()


def test_a_value_comes_back_within_its_bin(rng):
    numbers = rng.lognormal(0, 2, 6_400)
    encoder = BinsEncoder().fit(numbers)
    encoded = encoder.encode(numbers, rng)
    again = encoder.encode(encoder.decode(encoded), rng)
    np.testing.assert_array_equal(encoded, again)


def test_decoding_spreads_over_the_ranks_inside_a_bin(rng):
    numbers = rng.lognormal(0, 2, 64_000)
    encoder = BinsEncoder().fit(numbers)
    decoded = encoder.decode(encoder.encode(numbers, rng))
    shares = [(decoded < np.quantile(numbers, q)).mean() for q in (0.1, 0.5, 0.9)]
    np.testing.assert_allclose(shares, [0.1, 0.5, 0.9], atol=0.004)


def test_two_columns_are_not_spread_alike(rng):
    """A place inside a bin says nothing about that in another column."""
    columns = rng.normal(0, 1, (2, 6_400))
    residuals = []
    for numbers in columns:
        encoder = BinsEncoder().fit(numbers)
        encoded = np.zeros((4_000, 64), np.float32)
        encoded[:, 30] = 1.0
        residuals.append(encoder.decode(encoded))
    assert abs(np.corrcoef(residuals)[0, 1]) < 0.07  # 4 standard errors


def test_the_same_codes_give_the_same_numbers(rng):
    numbers = rng.normal(0, 1, 1_000)
    encoder = BinsEncoder().fit(numbers)
    encoded = encoder.encode(numbers, rng)
    np.testing.assert_array_equal(encoder.decode(encoded), encoder.decode(encoded))


def test_missing_is_the_last_place(rng):
    encoder = BinsEncoder().fit(np.array([*np.arange(640.0), np.nan]))
    encoded = encoder.encode(np.array([np.nan, 3.0]), rng)
    assert encoded[:, -1].tolist() == [1.0, 0.0]
    assert np.isnan(encoder.decode(encoded)).tolist() == [True, False]


def test_values_beyond_training_fall_in_the_outer_bins(rng):
    encoder = BinsEncoder().fit(np.arange(640.0))
    decoded = encoder.decode(encoder.encode(np.array([-50.0, 9_999.0]), rng))
    assert 0 <= decoded[0] <= 9
    assert 630 <= decoded[1] <= 639


def test_a_column_of_heavy_values_alone_takes_any_value(rng):
    numbers = np.repeat([1.0, 2.0], 100)
    encoder = BinsEncoder().fit(numbers)
    decoded = encoder.decode(encoder.encode(np.array([1.0, 2.0, 1.6]), rng))
    assert decoded[:2].tolist() == [1.0, 2.0]
    assert 1 <= decoded[2] <= 2


def test_a_restored_encoder_decodes_the_same(rng):
    numbers = np.concatenate([np.full(360, 7.0), rng.normal(0, 1, 640), [np.nan]])
    encoder = BinsEncoder().fit(numbers)
    encoded = encoder.encode(numbers, rng)
    again = BinsEncoder().restore(encoder.state())
    assert again.widths_ == encoder.widths_
    np.testing.assert_array_equal(again.encode(numbers, rng), encoded)
    np.testing.assert_array_equal(again.decode(encoded), encoder.decode(encoded))
