"""Codes beside standardised numbers, and back to the same table."""

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.ordinal import OrdinalCodes
from tabgan.errors import TabganError
from tabgan.tables.profile import infer_schema

TABLE = pd.DataFrame(
    {
        "age": [20, 40, 60, 80],
        "job": ["cook", None, "smith", "cook"],
        "born": pd.to_datetime(["2000-01-01", "2000-01-03", "2000-01-05", "2000-01-07"]),
        "pay": [1.5, 1.5, 1.5, 1.5],
    }
)
SCHEMA = infer_schema(TABLE, name="table")


@pytest.fixture
def coder():
    return OrdinalCodes.fit(SCHEMA, SCHEMA.conform(TABLE))


def test_numbers_have_mean_0_and_deviation_1_and_a_missing_category_a_code(coder):
    codes = coder.encode(SCHEMA.conform(TABLE))
    positions = np.array([-3, -1, 1, 3]) / np.sqrt(5)  # in deviations from the mean
    assert codes[:, 0] == pytest.approx(positions)
    assert codes[:, 1].tolist() == [0, 2, 1, 0]
    assert codes[:, 2] == pytest.approx(positions)
    assert codes[:, 3].tolist() == [0, 0, 0, 0]
    assert coder.nominal.tolist() == [False, True, False, False]


def test_decoding_gives_the_table_back(coder):
    table = SCHEMA.conform(TABLE)
    pd.testing.assert_frame_equal(coder.decode(coder.encode(table)), table)


def test_what_lies_between_two_rows_is_rounded_to_what_the_column_holds(coder):
    codes = coder.encode(SCHEMA.conform(TABLE))
    between = coder.decode((0.9 * codes[0] + 0.1 * codes[3])[None])
    assert between["age"].tolist() == [26]
    assert between["born"].tolist() == [pd.Timestamp("2000-01-02")]  # .6 of a day after the first
    assert between["pay"].tolist() == [1.5]


def test_a_missing_number_is_refused_by_column_and_row(coder):
    table = TABLE.assign(pay=[1.5, 1.5, np.nan, 1.5])
    with pytest.raises(TabganError, match="column 'pay': a number is missing in row 2"):
        coder.encode(infer_schema(table, name="table").conform(table))


def test_text_without_repetition_is_refused():
    table = pd.DataFrame({"name": [f"person {i}" for i in range(50)]})
    schema = infer_schema(table, name="table")
    with pytest.raises(TabganError, match="column 'name': text with many distinct values"):
        OrdinalCodes.fit(schema, schema.conform(table))
