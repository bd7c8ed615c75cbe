import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.identifying import identifying_overlap


def people(names, phones):
    table = pd.DataFrame({"name": names, "phone": phones}).astype("str")
    return table.where(table != "nan").assign(age=1.0)


def test_the_share_of_values_that_training_rows_have_in_the_same_column():
    train = people(["ann", "bob", "cem"], ["1", "2", "3"])
    # ann is known; 3 is a phone and no name; of six cells one is missing: 2 of 5
    synthetic = people(["ann", "3", "eve"], ["2", "9", None])
    assert identifying_overlap(train, synthetic) == pytest.approx(2 / 5)
    assert identifying_overlap(train, train) == 1.0


def test_a_missing_cell_is_no_value_of_anybody():
    train, synthetic = people(["ann", None], ["1", None]), people([None, "bob"], [None, "2"])
    assert identifying_overlap(train, synthetic) == 0.0


def test_without_an_identifying_value_there_is_no_share():
    ages = pd.DataFrame({"age": [1.0, 2.0]})
    with pytest.raises(TabganError, match="no column of the generated rows identifies its row"):
        identifying_overlap(ages, ages)
    empty = people([None], [None])
    with pytest.raises(TabganError, match=r"\['name', 'phone'\]: no generated row has a value"):
        identifying_overlap(people(["ann"], ["1"]), empty)
