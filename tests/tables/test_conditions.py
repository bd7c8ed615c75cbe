"""What is requested of a column: one grammar for texts and for Python values."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.conditions import (
    all_match,
    read_conditions,
    read_mix,
    read_requested,
    read_where,
)
from tabgan.tables.schema import Column

DAY = 86_400_000_000  # microseconds


@pytest.fixture
def matching(schema, table):
    """The rows, from 0, whose value in a column is as asked."""

    def rows(name, value):
        return np.flatnonzero(read_requested(schema[name], value).matches(table[name])).tolist()

    return rows


# ages 1 ? 7 1 3 5; colours red ? white red red white; born on the 1 2 2 9 5 5 of January 2020
@pytest.mark.parametrize(
    ("name", "value", "rows"),
    [
        ("age", "1", [0, 3]),
        ("age", 1, [0, 3]),
        ("age", "3..5", [4, 5]),
        ("age", (3, 5), [4, 5]),
        ("age", "5..", [2, 5]),
        ("age", "..3", [0, 3, 4]),
        ("age", (None, 3), [0, 3, 4]),
        ("age", "[1, 6..8]", [0, 2, 3]),
        ("age", [1, (6, 8)], [0, 2, 3]),
        ("age", "?", [1]),
        ("age", None, [1]),
        ("age", math.nan, [1]),
        ("age", "[?,7]", [1, 2]),
        ("age", pd.NA, [1]),
        ("age", (-math.inf, 3), [0, 3, 4]),
        ("age", (5, np.inf), [2, 5]),
        ("age", np.array([1, 7]), [0, 2, 3]),
        ("age", np.array(7), [2]),
        ("age", pd.Series([7, None]), [1, 2]),
        ("age", range(3, 6), [4, 5]),
        ("age", {1, 7}, [0, 2, 3]),
        ("age", Decimal("7.0"), [2]),
        ("weight", "-1e1..0.25", [0]),
        ("colour", "red", [0, 3, 4]),
        ("colour", "[red,white]", [0, 2, 3, 4, 5]),
        ("colour", ["white", None], [1, 2, 5]),
        ("colour", "?", [1]),
        ("colour", pd.Categorical(["white", pd.NA]), [1, 2, 5]),
        ("born", "2020-01-02", [1, 2]),
        ("born", pd.Timestamp("2020-01-02"), [1, 2]),
        ("born", "2020-01-03..2020-01-05T12:00", [4, 5]),
        ("born", "2020-01-09T00:00+00:00", [3]),
        ("born", ("2020-01-06", None), [3]),
        ("born", pd.date_range("2020-01-02", periods=8), [1, 2, 3, 4, 5]),
    ],
)
def test_the_rows_that_are_as_asked(matching, name, value, rows):
    assert matching(name, value) == rows


SINGLE = np.float32(16.3711205)  # float32's steps are 1.9e-6 here: seven decimals write it


@pytest.mark.parametrize(
    "requested", [SINGLE, float(SINGLE), str(SINGLE), "16.3711205", np.float64(16.3711205)]
)
@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]"])
def test_a_float32_is_asked_for_in_the_decimals_that_its_column_writes(requested, dtype):
    column = Column(name="t", kind="numeric", decimals=7, dtype=dtype)
    assert read_requested(column, requested).spans == ((16.3711205, 16.3711205),)


def test_what_float32_tells_apart_is_not_rounded():
    column = Column(name="t", kind="numeric", decimals=1, dtype="float32")
    assert read_requested(column, np.float32(20.1)).spans == ((20.1, 20.1),)
    with pytest.raises(TabganError, match=r"=20\.14: t holds numbers of 1 decimal; give 20\.1, "):
        read_requested(column, 20.14)
    assert read_requested(column, 1e300).spans == ((1e300, 1e300),)
    whole = Column(name="t", kind="numeric", dtype="float32")  # no ten decimals write its values
    assert read_requested(whole, 1e-12).spans == ((float(np.float32(1e-12)),) * 2,)


def test_real_rows_in_float32_are_as_asked_in_decimals():
    column = Column(name="t", kind="numeric", decimals=1, dtype="float32")
    values = pd.Series([20.1, 20.2], dtype="float32").astype("float64")  # 20.100000381, …
    assert read_requested(column, 20.1).matches(values).tolist() == [True, False]


def test_spans_that_overlap_become_one(schema):
    assert read_requested(schema["age"], "[5..9,1..3,3..4,20]").spans == ((1, 4), (5, 9), (20, 20))


def test_a_time_of_another_offset_is_asked_in_the_columns_own():
    column = Column(name="at", kind="date", date_format="%Y-%m-%dT%H:%M+01:00")
    requested = read_requested(column, "1970-01-01T23:00Z")
    assert requested.spans == ((DAY, DAY),)


def test_dates_are_microseconds(schema):
    requested = "1970-01-02T00:00..1970-01-03T00:00"
    assert read_requested(schema["born"], requested).spans == ((DAY, 2 * DAY),)


MOMENTS = pd.to_datetime(
    ["2023-12-31", "2024-02-01", "2024-02-29T23:59:59.999999", "2024-03-01", "2024-12-31T12:00"],
    format="ISO8601",
)


@pytest.mark.parametrize(
    ("requested", "positions"),
    [
        ("2024", [1, 2, 3, 4]),
        ("2024-02", [1, 2]),
        ("2024-02-29", [2]),
        ("2024-02-29T00:00", []),
        ("2023..2024-02", [0, 1, 2]),
        (("2024-03", "2024-12-31"), [3, 4]),
        (["2023", "2024-03"], [0, 3]),
        (("2024-03", pd.Timestamp("2024-12-31")), [3]),
    ],
)
def test_a_year_a_month_and_a_day_are_all_of_it(schema, requested, positions):
    found = read_requested(schema["born"], requested).matches(pd.Series(MOMENTS.as_unit("us")))
    assert np.flatnonzero(found).tolist() == positions


def test_all_columns_must_match(schema, table):
    requested = read_where(schema, {"age": "1..3", "kind": "cat"})
    assert all_match([*requested.values()], table).tolist() == [
        True,
        False,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("age", "old", "where.age: expected a number, low..high, a set [a,b] or ?, got 'old'"),
        ("age", "inf", "got 'inf'"),
        ("age", math.inf, "got 'inf'"),
        ("age", (math.inf, -math.inf), "got 'inf'"),
        ("age", {"low": 1}, "got \"{'low': 1}\""),
        ("age", (1, 2, 3), "a range is a pair (low, high), got (1, 2, 3)"),
        ("age", "9..3", "where.age=9..3: a range runs from its low to its high end"),
        ("age", "[]", "where.age=[]: an empty set, which no row satisfies"),
        ("legs", "?", "where.legs=?: no value of this column was missing"),
        ("kind", "?", "where.kind=?: no value of this column was missing"),
        ("colour", "rad", "where.colour: no category 'rad'; did you mean 'red'?"),
        ("colour", "red..white", "where.colour: no category 'red..white'"),
        (
            "colour",
            ("red", "white"),
            "where.colour=red..white: a range needs numbers or dates, and the column is nominal",
        ),
        ("born", (pd.NaT, None), "where.born: expected an ISO 8601 date"),
        ("born", "yesterday?", "where.born: expected an ISO 8601 date"),
        ("name", "Ann", "where.name=Ann: a text column cannot be requested"),
        ("height", "1", "where.height: no such column; did you mean 'weight'?"),
    ],
)
def test_what_cannot_be_asked(schema, name, value, told):
    with pytest.raises(TabganError) as error:
        read_where(schema, {name: value})
    assert told in str(error.value)


@pytest.mark.parametrize("value", [30.5, "30.5", "[29,30.5]", "30.2..30.8", (30.2, 30.8)])
def test_a_value_between_two_whole_numbers_is_refused_and_its_neighbours_named(value):
    age = Column(name="age", kind="integer")
    with pytest.raises(TabganError, match=r"age holds whole numbers; give 30, 31 or 30\.\.31$"):
        read_requested(age, value)


def test_a_value_has_as_many_decimals_as_its_column_at_most():
    price = Column(name="price", kind="numeric", decimals=2)
    told = r"price holds numbers of 2 decimals; give -1\.01, -1\.00 or -1\.01\.\.-1\.00$"
    with pytest.raises(TabganError, match=told):
        read_requested(price, "-1.005")
    for kept in (0.29, "1.10", 1e16, (30.001, 30.01), (30.005, None)):
        assert read_requested(price, kept).spans
    assert read_requested(Column(name="x", kind="numeric"), 1 / 3).spans == ((1 / 3, 1 / 3),)


def test_a_time_of_day_is_refused_where_a_column_holds_days():
    day = Column(name="start", kind="date", date_format="%d.%m.%Y")
    with pytest.raises(TabganError, match=r"start is written like 01\.02\.2024, which cannot"):
        read_requested(day, "2024-02-01T12:00")
    with pytest.raises(TabganError, match=r"an ISO 8601 date or one like 31\.12\.2024, low"):
        read_requested(day, "31.02.2024")
    for kept in ("2024", "2024-02-01", "01.02.2024", ("2024-02-01T12:00", "2024-02-02T12:00")):
        assert read_requested(day, kept).spans


def test_a_label_in_brackets_or_with_dots_wins():
    column = Column(name="x", kind="nominal", categories=("[a,b]", "a", "b", "1..2", "true"))
    assert read_requested(column, "[a,b]").spans == ((0, 0),)
    assert read_requested(column, "1..2").spans == ((3, 3),)
    assert read_requested(column, True).spans == ((4, 4),)


SPELLED = [  # categories, what is requested, and the position of what is meant
    (("0.0", "1.0"), 0, 0),
    (("0.0", "1.0"), "1", 1),
    (("0", "1"), True, 1),
    (("0", "1"), np.False_, 0),
    (("False", "True"), 1, 1),
    (("FALSE", "TRUE"), "true", 1),
    (("FALSE", "TRUE"), False, 0),
    (("1", "2"), Decimal("2"), 1),
    (("2024-01-01", "2024-01-02"), pd.Timestamp("2024-01-02"), 1),
    (("2024-01-01", "2024-01-02"), np.datetime64("2024-01-02"), 1),
    (("2024-01-01 00:00:00", "2024-01-01 12:00:00"), date(2024, 1, 1), 0),
]


@pytest.mark.parametrize(("categories", "value", "position"), SPELLED)
def test_a_label_may_be_asked_for_in_another_spelling(categories, value, position):
    column = Column(name="x", kind="nominal", categories=categories)
    assert read_requested(column, value).spans == ((position, position),)


def test_only_true_and_false_are_one_and_zero():
    with pytest.raises(TabganError, match="no category 'true'; expected one of"):
        read_requested(Column(name="x", kind="nominal", categories=("0", "1", "2")), True)


@pytest.mark.parametrize(
    "mix", ["cat:0.25,dog:0.75", "cat:.25, dog:.75", {"cat": 0.25, "dog": 0.75}]
)
def test_a_mix_is_shares_of_classes(schema, mix):
    assert read_mix(schema["kind"], mix) == {"cat": 0.25, "dog": 0.75}


def test_a_label_of_a_mix_may_hold_commas_and_colons():
    column = Column(name="x", kind="nominal", categories=("a,b", "c:1"))
    assert read_mix(column, "a,b:0.5,c:1:0.5") == {"a,b": 0.5, "c:1": 0.5}


@pytest.mark.parametrize(
    ("mix", "told"),
    [
        ("cat:0.5", "mix: expected shares that sum to 1"),
        ("cat:0.5,cow:0.5", "mix: no category 'cow'; expected one of ['cat', 'dog']"),
        ("cat", "mix=cat: expected label:share,label:share"),
        ({"cat": 1.5, "dog": -0.5}, "mix: expected a share in [0, 1] of 'cat', got 1.5"),
    ],
)
def test_what_is_no_mix(schema, mix, told):
    with pytest.raises(TabganError) as error:
        read_mix(schema["kind"], mix)
    assert str(error.value).startswith(told)


def test_a_file_of_conditions_may_have_semicolons(tmp_path):
    path = tmp_path / "like.csv"
    path.write_text('age;"a,b,c"\n[1,2];red\n')
    assert read_conditions(path) == [{"age": "[1,2]", "a,b,c": "red"}]


def test_a_file_of_conditions_leaves_empty_cells_out(tmp_path):
    path = tmp_path / "conditions.csv"
    path.write_text('age,colour\n3..5,\n,"[red,?]"\n,\n?,NA\n', "utf-8")
    assert read_conditions(path) == [
        {"age": "3..5"},
        {"colour": "[red,?]"},
        {},
        {"age": "?", "colour": "NA"},
    ]


def test_a_file_of_no_conditions_is_refused(tmp_path):
    (tmp_path / "none.csv").write_text("age\n", "utf-8")
    with pytest.raises(TabganError, match="no rows; expected one condition per row"):
        read_conditions(tmp_path / "none.csv")
