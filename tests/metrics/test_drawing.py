import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.drawing import draw_rows, independent_columns, random_state


def test_independent_columns_keep_each_marginal_and_lose_the_rows(dependent_rows):
    train = dependent_rows(300, 0)
    shuffled = independent_columns(train, 300, seed=1)
    assert (shuffled.dtypes == train.dtypes).all()
    for name in train:
        assert sorted(shuffled[name]) == sorted(train[name])
    same = (train["city"].cat.codes == train["job"].cat.codes).mean()
    mixed = (shuffled["city"].cat.codes == shuffled["job"].cat.codes).mean()
    assert same > 0.85
    assert mixed < 0.45  # one in three by chance


@pytest.mark.parametrize("n", [1, 4, 25])
def test_independent_columns_gives_as_many_rows_as_asked(small_table, n):
    assert len(independent_columns(small_table, n, seed=0)) == n


def test_independent_columns_refuses_no_rows(small_table):
    with pytest.raises(TabganError, match="n >= 1 and training rows, got n=0, 6 rows"):
        independent_columns(small_table, 0, seed=0)


def test_draws_are_a_function_of_seed_and_place(small_table):
    once = draw_rows(small_table, 3, 7, "here")
    pd.testing.assert_frame_equal(once, draw_rows(small_table, 3, 7, "here"))
    assert len(once) == once["note"].nunique() == 3
    assert draw_rows(small_table, 6, 7, "here") is small_table
    assert random_state(7, "here") != random_state(7, "there")
