import math

import numpy as np
import pytest

from tabgan.metrics.binning import bin_numbers, entropy, total_variation


def test_edges_come_from_real_and_what_real_never_reaches_is_a_code_of_its_own():
    real = np.array([0.0, 5.0, 10.0])
    synthetic = np.array([-1.0, 0.99, 1.0, 10.0, 10.1, np.nan])
    real_codes, synthetic_codes, n_codes = bin_numbers(real, synthetic)
    assert real_codes.tolist() == [0, 5, 9]  # a bin holds its lower edge, the last both
    assert synthetic_codes.tolist() == [10, 0, 1, 9, 10, 11]
    assert n_codes == 12


def test_few_values_are_kept_as_codes():
    codes, others, n_codes = bin_numbers(
        np.array([3.0, 1.0, 1.0]), np.array([2.0, 3.0, np.nan]), keep_distinct=11
    )
    assert codes.tolist() == [1, 0, 0]
    assert others.tolist() == [2, 1, 3]
    assert n_codes == 4


def test_a_constant_is_one_bin():
    codes, others, _ = bin_numbers(np.array([2.0, 2.0]), np.array([2.0, 3.0]))
    assert codes.tolist() == [9, 9]
    assert others.tolist() == [9, 10]


def test_a_column_never_known_in_real():
    codes, others, n_codes = bin_numbers(np.array([np.nan]), np.array([1.0]))
    assert codes.tolist() == [1]  # missing
    assert others.tolist() == [0]  # never reached by real
    assert n_codes == 2


@pytest.mark.parametrize("n_codes", [3, 10**9])  # counted at once, or only the codes that occur
def test_total_variation_is_the_share_that_differs(n_codes):
    # a 1/2, b 1/2 against a 1/4, b 1/2, c 1/4
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2])
    assert total_variation(first, second, n_codes) == 1 / 4


def test_entropy_of_two_even_codes_is_log_two():
    assert entropy(np.array([0, 7, 0, 7])) == pytest.approx(math.log(2))
    assert entropy(np.array([7, 7])) == 0
