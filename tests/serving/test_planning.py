"""What ``auto`` becomes where it follows from the data, by numbers one could work out on paper."""

from tabgan.serving.planning import tolerance


def test_weights_are_kept_within_the_standard_error_of_an_auc():
    assert tolerance(15) == 0.105  # the root of 1 / (6 * 15)
    assert tolerance(1) == 0.408


def test_many_validation_rows_leave_a_hundredth():
    assert tolerance(30_000) == 0.01
