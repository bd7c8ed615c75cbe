import numpy as np
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.likelihood import mean_nll


def test_the_mean_over_rows_of_minus_the_logarithm():
    halves_and_eighths = np.log([0.5, 0.125])
    assert mean_nll(halves_and_eighths) == pytest.approx(2 * np.log(2))  # (1 + 3) / 2 bits


@pytest.mark.parametrize("logs", [[], [-1.0, -np.inf], [np.nan]])
def test_rows_without_a_likelihood_are_no_figure(logs):
    with pytest.raises(TabganError, match="expected rows of finite likelihood, got"):
        mean_nll(np.array(logs))
