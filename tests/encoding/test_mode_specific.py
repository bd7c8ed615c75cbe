"""Mode-specific normalisation: which hill, and where on it."""

import numpy as np
import pytest

from tabgan.encoding.layout import BlockShape
from tabgan.encoding.mode_specific import ModeSpecificEncoder


@pytest.fixture(params=[0, 1, 2])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture
def hills(rng):
    """3,000 values around 0 with deviation 1, and 1,000 around 100 with deviation 5."""
    return np.concatenate([rng.normal(0, 1, 3_000), rng.normal(100, 5, 1_000)])


def test_two_hills_are_found_with_their_means_deviations_and_weights(hills):
    encoder = ModeSpecificEncoder().fit(hills)
    low = encoder.means_ < 50
    assert encoder.weights_[low].sum() == pytest.approx(0.75, abs=0.01)
    assert np.average(encoder.means_[low], weights=encoder.weights_[low]) == pytest.approx(0, abs=1)
    high = np.average(encoder.means_[~low], weights=encoder.weights_[~low])
    assert high == pytest.approx(100, abs=1)
    assert (encoder.weights_ > 0.005).all()
    assert len(encoder.means_) <= 10


def learned(*, weights, means, deviations, missing=False):
    state = {"weights": weights, "means": means, "deviations": deviations}
    arrays = {name: np.array(values) for name, values in state.items()}
    return ModeSpecificEncoder().restore({**arrays, "missing": missing})


def test_alpha_is_the_distance_from_the_mode_in_four_deviations(rng):
    encoder = learned(weights=[0.5, 0.5], means=[0.0, 100.0], deviations=[1.0, 5.0])
    encoded = encoder.encode(np.array([-2.0, 110.0, 500.0]), rng)
    # (-2 - 0) / 4; (110 - 100) / 20; and beyond four deviations the edge
    np.testing.assert_allclose(encoded, [[-0.5, 1, 0], [0.5, 0, 1], [1.0, 0, 1]])
    np.testing.assert_allclose(encoder.decode(encoded), [-2.0, 110.0, 120.0])


def test_a_value_between_two_modes_goes_to_each_as_often_as_it_is_likely(rng):
    encoder = learned(weights=[0.8, 0.2], means=[-1.0, 1.0], deviations=[1.0, 1.0])
    encoded = encoder.encode(np.zeros(4_000), rng)  # as far from both
    assert encoded[:, 1].mean() == pytest.approx(0.8, abs=0.025)  # 4 standard errors


def test_values_and_missing_ones_come_back(hills, rng):
    numbers = np.concatenate([hills, np.full(100, np.nan)])
    encoder = ModeSpecificEncoder().fit(numbers)
    encoded = encoder.encode(numbers, rng)
    modes = BlockShape("discrete", len(encoder.means_) + 1)
    assert encoder.widths_ == (BlockShape("continuous", 1), modes)
    assert (np.abs(encoded[:, 0]) <= 1).all()
    decoded = encoder.decode(encoded)
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(numbers))
    inside = np.abs(encoded[:, 0]) < 1
    assert inside.mean() > 0.999  # the rest lies beyond four deviations
    np.testing.assert_allclose(decoded[inside], numbers[inside], atol=1e-4)


def test_missing_rows_have_no_alpha_of_their_own(rng):
    encoder = learned(weights=[1.0], means=[0.0], deviations=[1.0], missing=True)
    alphas = encoder.encode(np.full(4_000, np.nan), rng)[:, 0]
    known = encoder.encode(rng.normal(0, 1, 4_000), rng)[:, 0]
    assert alphas.std() == pytest.approx(known.std(), rel=0.06)  # 4 standard errors


def test_two_values_are_modes_enough(rng):
    numbers = np.array([1.0, 3.0, 3.0])
    encoder = ModeSpecificEncoder().fit(numbers)
    np.testing.assert_allclose(encoder.decode(encoder.encode(numbers, rng)), numbers, atol=1e-5)


def test_a_fit_does_not_depend_on_the_order_of_the_rows(hills, rng):
    shuffled = ModeSpecificEncoder().fit(rng.permutation(hills))
    np.testing.assert_array_equal(ModeSpecificEncoder().fit(hills).means_, shuffled.means_)


def test_one_value_and_missing_ones_come_back(rng):
    numbers = np.array([1.0, np.nan] * 30)
    encoder = ModeSpecificEncoder().fit(numbers)
    np.testing.assert_allclose(encoder.decode(encoder.encode(numbers, rng)), numbers, atol=1e-6)


def test_one_known_value_is_one_mode():
    encoder = ModeSpecificEncoder().fit(np.array([np.nan, 7.5, np.nan]))
    assert (encoder.weights_.tolist(), encoder.means_.tolist()) == ([1.0], [7.5])
