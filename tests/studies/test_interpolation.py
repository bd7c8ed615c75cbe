"""Interpolation between neighbours: within a class, of numbers, dates and categories."""

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.studies.interpolation import Interpolation


def draw(table, n=300, *, target=None, neighbours=5, seed=0):
    return Interpolation(neighbours=neighbours).fit(table, target=target, seed=0).draw(n, seed)


def test_a_row_lies_between_a_row_and_its_nearest():
    rows = draw(pd.DataFrame({"x": [0.0, 1, 10, 12]}), neighbours=1)
    inside = rows["x"].between(0, 1) | rows["x"].between(10, 12)
    assert inside.all()
    assert rows["x"].nunique() == len(rows)
    # half of the rows from each pair, evenly over it
    assert rows.loc[rows["x"] <= 1, "x"].mean() == pytest.approx(0.5, abs=0.1)


def test_a_neighbour_is_of_the_same_class():
    kind = pd.Categorical(["cat", "dog", "cat", "dog"])
    rows = draw(pd.DataFrame({"x": [0.0, 1, 10, 11], "kind": kind}), target="kind")
    assert rows.loc[rows["kind"] == "cat", "x"].between(0, 10).all()
    assert rows.loc[rows["kind"] == "dog", "x"].between(1, 11).all()
    assert rows["x"].between(2, 9).any()  # a class of two: the other row is the neighbour


def test_a_class_of_one_row_stays_that_row():
    kind = pd.Categorical(["cat", "dog", "dog"])
    rows = draw(pd.DataFrame({"x": [5.0, 1, 2], "kind": kind}), target="kind")
    assert set(rows.loc[rows["kind"] == "cat", "x"]) == {5.0}


def test_categories_are_chosen_and_dates_and_integers_stay_whole():
    table = pd.DataFrame(
        {
            "job": pd.Categorical(["cook", "clerk"]),
            "age": [20, 40],
            "born": pd.to_datetime(["2020-01-01", "2020-01-31"]).astype("datetime64[us]"),
        }
    )
    rows = draw(table, neighbours=1)
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)
    assert set(rows["job"]) == {"cook", "clerk"}
    assert rows["age"].between(20, 40).all()
    assert rows["age"].nunique() > 10
    assert (rows["born"] == rows["born"].dt.normalize()).all()  # days, as the table has
    assert rows["born"].nunique() > 10
    # the same point of the way for both: one day and 2/3 of a year each thirtieth, but for rounding
    days = (rows["born"] - rows["born"].min()).dt.days
    assert np.abs((rows["age"] - 20) / 20 - days / 30).max() < 0.06


def test_where_a_number_is_missing_the_nearer_end_is_taken():
    table = pd.DataFrame({"x": [1.0, np.nan], "y": [0.0, 1.0]})
    rows = draw(table, neighbours=1)
    assert set(rows["x"].dropna()) == {1.0}
    assert (rows["x"].isna() == (rows["y"] > 0.5)).all()


def test_no_neighbours_are_refused():
    with pytest.raises(TabganError, match=r"neighbours=0: expected a whole number, 1 or more"):
        Interpolation(neighbours=0).fit(pd.DataFrame({"x": [1.0]}), target=None, seed=0)
