"""Sequential CART: leaves by hand, every kind of column, and what it keeps of a table."""

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.studies.cart import SequentialCart


@pytest.fixture
def toss():
    """300 heights, and the side of the coin that is their sign."""
    height = np.random.default_rng(0).normal(size=300)
    side = pd.Categorical(np.where(height > 0, "tail", "head"))
    return pd.DataFrame({"height": height, "side": side})


def draw(table, n=200, *, leaf=1, seed=0):
    return SequentialCart(leaf=leaf).fit(table, seed=seed).draw(n, seed)


def test_a_leaf_of_one_row_gives_its_own_value_and_one_of_all_rows_any():
    table = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [10.0, 20, 30, 40]})
    close = draw(table)
    assert (close["b"] == 10 * close["a"]).all()
    loose = draw(table, leaf=4)
    assert set(loose["b"]) == {10, 20, 30, 40}
    # b is drawn whatever a is: one row in four is a training row
    assert (loose["b"] == 10 * loose["a"]).mean() == pytest.approx(1 / 4, abs=0.1)


def test_two_leaves_split_where_the_next_column_changes():
    table = pd.DataFrame({"a": np.arange(8.0), "b": [0.0] * 4 + [1.0] * 4})
    rows = draw(table, leaf=4)
    assert (rows["b"] == (rows["a"] >= 4)).all()


def test_every_kind_comes_back_with_its_dtype_and_its_missing_values(table):
    kinds = table.drop(columns="name")
    rows = draw(kinds, n=60)
    pd.testing.assert_series_equal(rows.dtypes, kinds.dtypes)
    known = {tuple(map(str, row)) for row in kinds.itertuples(index=False)}
    assert {tuple(map(str, row)) for row in rows.itertuples(index=False)} <= known  # of one row
    assert rows["age"].isna().any()
    assert rows["colour"].isna().any()


def test_missing_numbers_are_predicted_as_missing():
    table = pd.DataFrame({"a": [0.0, 0, 1, 1] * 5, "b": [np.nan, np.nan, 3, 4] * 5})
    rows = draw(table, leaf=10)
    assert (rows["b"].isna() == (rows["a"] == 0)).all()


def test_dependence_is_kept_and_the_seed_fixes_the_rows(toss):
    rows = draw(toss, n=500, leaf=5)
    assert ((rows["height"] > 0) == (rows["side"] == "tail")).mean() > 0.95
    pd.testing.assert_frame_equal(rows, draw(toss, n=500, leaf=5))
    assert not rows.equals(draw(toss, n=500, leaf=5, seed=1))


def test_text_and_a_leaf_of_nothing_are_refused(table):
    with pytest.raises(TabganError, match=r"no text columns; drop \['name'\]"):
        SequentialCart().fit(table, seed=0)
    with pytest.raises(TabganError, match=r"leaf=0: expected a whole number, 1 or more"):
        SequentialCart(leaf=0).fit(table.drop(columns="name"), seed=0)
