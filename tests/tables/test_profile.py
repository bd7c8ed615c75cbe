import io
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from rich.console import Console

from tabgan.errors import TabganError
from tabgan.tables.dtypes import TEXT
from tabgan.tables.profile import decimals_of, describe, infer_schema, looks_like, number_column
from tabgan.tables.schema import Column


def infer(values, *, target=None, **options):
    return infer_schema(pd.DataFrame({"c": values}), name="t", target=target, **options)["c"]


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([1.0, 2.0], 0),
        ([0.5, 1.25], 2),
        ([0.285, np.nan], 3),
        ([1e-10], 10),
        ([1e-11], None),
        ([1 / 3], None),
        ([123456.789], 3),
        ([], 0),
    ],
)
def test_decimals_are_the_fewest_that_write_every_value(values, decimals):
    assert decimals_of(np.array(values, dtype="float64")) == decimals


def test_decimals_look_beyond_the_first_thousand_values():
    assert decimals_of(np.array([0.5] * 1500 + [0.125])) == 3


def test_decimals_of_single_precision_are_those_that_were_typed():
    assert decimals_of(np.array([0.1, 0.7], dtype="float32")) == 1


def test_whole_floats_are_an_integer_column():
    column = number_column("c", pd.Series([1.0, np.nan]))
    assert column == Column(name="c", kind="integer", missing=True)


def test_whole_numbers_too_large_for_int64_stay_numeric():
    assert number_column("c", pd.Series([1e19])).kind == "numeric"


def test_unsigned_numbers_too_large_for_int64_stay_numeric():
    assert number_column("c", pd.Series([2**63], dtype="uint64")).kind == "numeric"


def test_truth_in_text_is_boolean():
    column = infer(["true", "false", None])
    assert (column.kind, column.categories) == ("boolean", ("false", "true"))


def test_truth_in_two_spellings_is_no_boolean():
    assert infer(["true", "False"]).kind == "nominal"


def test_bool_dtype_is_boolean_with_both_labels():
    column = infer([True, True])
    assert (column.kind, column.categories, column.dtype) == ("boolean", ("False", "True"), "bool")


def test_iso_dates_in_text_are_dates():
    column = infer(["2020-01-31", None, "1999-12-31"], keep_dtypes=False)
    assert column == Column(name="c", kind="date", missing=True, date_format="%Y-%m-%d")


@pytest.mark.parametrize(
    ("text", "date_format", "held"),
    [
        ("2024-12-07T17:50", "%Y-%m-%dT%H:%M", "2024-12-07 17:50"),
        ("2024-12-07 17:50:09.5", None, "2024-12-07 17:50:09.5"),
        ("2024-12-07 17:50:09.123", "%Y-%m-%d %H:%M:%S.%3f", "2024-12-07 17:50:09.123"),
        ("2024-12-07T17:50:09.123456", "%Y-%m-%dT%H:%M:%S.%f", "2024-12-07 17:50:09.123456"),
        ("2024-12-07T17:50:00Z", "%Y-%m-%dT%H:%M:%SZ", "2024-12-07 17:50"),
        ("2024-12-07T17:50:09.120Z", "%Y-%m-%dT%H:%M:%S.%3fZ", "2024-12-07 17:50:09.12"),
        ("2024-12-07T17:50:00+01:00", "%Y-%m-%dT%H:%M:%S+01:00", "2024-12-07 17:50"),
        ("2024-12-07 17:50:00-0530", "%Y-%m-%d %H:%M:%S-0530", "2024-12-07 17:50"),
    ],
)
def test_dates_are_written_in_the_form_they_came_in(text, date_format, held):
    table = pd.DataFrame({"c": [text, None]})
    schema = infer_schema(table, name="t")
    assert (schema["c"].kind, schema["c"].date_format) == ("date", date_format)
    rows = schema.conform(table)
    assert rows["c"][0] == pd.Timestamp(held)
    if date_format is not None:
        assert schema.restore(rows)["c"][0] == text


@pytest.mark.parametrize("other", ["2024-07-07T17:50:00+02:00", "2024-07-07T17:50:00"])
def test_dates_of_two_offsets_stay_text(other):
    assert infer(["2024-12-07T17:50:00+01:00", other]).kind == "nominal"


def test_times_of_a_zone_are_taken_as_of_the_offset_that_the_column_has():
    schema = infer_schema(pd.DataFrame({"c": ["2024-12-07T17:50:00+01:00"]}), name="t")
    requested = pd.DataFrame({"c": [pd.Timestamp("2024-12-07 16:50", tz="UTC")]})
    assert schema.conform(requested)["c"][0] == pd.Timestamp("2024-12-07 17:50")


def test_a_date_that_is_none_makes_the_column_nominal():
    assert infer(["2020-02-30", "2020-01-01"]).kind == "nominal"


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["2024/12/07", "2024/1/7"], "dates such as '2024/12/07'"),
        (["03/28/2024 14:05", "03/28/24 2:05 PM"], "dates"),
        (["01.04.2024", "1 Apr 2024", "April 1, 2024"], "dates"),
        (["2024-12-07T17:50:00+01:00", "2024-07-07T17:50:00+02:00"], "dates"),
        (["EUR 1,234.56", "$1,213.50", "12 €"], "amounts of money"),
        (["7064.208,89", "1.234,5", "1'234", "-1,2"], "numbers with separators"),
        (["74%", "0.5 %"], "percentages"),
    ],
)
def test_text_that_looks_like_numbers_or_dates_is_named(texts, what):
    assert f"it looks like {what}" in looks_like(texts)


@pytest.mark.parametrize(
    "texts", [[], ["1.5", "2"], ["18-24"], ["01067"], ["ABC123"], ["10.0.0.1"], ["74%", "x"]]
)
def test_labels_and_ids_look_like_nothing_else(texts):
    assert looks_like(texts) is None


def test_digits_in_text_stay_text():
    assert infer(["01", "2"]).categories == ("01", "2")


def test_labels_of_numbers_are_in_numeric_order():
    assert infer(["10", "9", "9.5"]).categories == ("9", "9.5", "10")


def test_twenty_distinct_words_are_nominal_and_twenty_one_of_forty_are_not():
    words = [f"w{n}" for n in range(21)]
    assert infer(words[:20]).kind == "nominal"
    assert infer(words + words[:19]).kind == "string"  # 21 > max(20, 40 / 2)
    assert infer(words + words).kind == "nominal"  # 21 <= 42 / 2


def test_more_than_a_thousand_labels_are_a_string():
    words = [f"w{n}" for n in range(1001)]
    assert infer(words * 2).kind == "string"
    assert infer(words[:1000] * 2).kind == "nominal"


def test_an_integer_target_of_twenty_classes_is_nominal():
    column = infer(list(range(20)), target="c")
    assert (column.kind, column.dtype) == ("nominal", "int64")
    assert column.categories[9:11] == ("9", "10")


def test_an_integer_target_of_twenty_one_values_is_a_quantity():
    assert infer(list(range(21)), target="c").kind == "integer"


def test_integers_that_are_no_target_are_integers():
    assert infer([0, 1]).kind == "integer"


def test_a_float_target_of_zeros_and_ones_is_nominal():
    assert infer([0.0, 1.0, np.nan], target="c").categories == ("0.0", "1.0")


def test_a_float_target_of_other_whole_numbers_is_a_quantity():
    assert infer([0.0, 2.0], target="c").kind == "integer"


def test_category_dtype_keeps_its_order_and_unused_labels():
    column = infer(pd.Categorical(["b"], categories=["b", "a"]))
    assert column == Column(name="c", kind="nominal", categories=("b", "a"), dtype="category")


def test_a_column_without_values_is_a_string_until_someone_says_more():
    assert infer([None, None]).kind == "string"


FRAME = {
    "int32": pd.Series([1, 2], dtype="int32"),
    "uint8": pd.Series([1, 2], dtype="uint8"),
    "Int16": pd.Series([1, None], dtype="Int16"),
    "float32": pd.Series([0.1, 2.0], dtype="float32"),
    "whole floats": pd.Series([1.0, np.nan]),
    "bool": pd.Series([True, False]),
    "boolean": pd.Series([True, None], dtype="boolean"),
    "object": pd.Series(["a", "b"], dtype="object"),
    "str": pd.Series(["a", None], dtype=TEXT),
    "string": pd.Series(["a", None], dtype="string"),
    "category": pd.Series(["b", "a"], dtype="category"),
    "int category": pd.Series([3, 1], dtype="category"),
    "bool category": pd.Series([True, False], dtype="category"),
    "ns": pd.Series(pd.to_datetime(["2020-01-31", None])).astype("datetime64[ns]"),
    "zone": pd.Series(pd.to_datetime(["2020-01-31 12:00"] * 2)).dt.tz_localize("Europe/Berlin"),
    "date text": pd.Series(["2020-01-31", "2020-02-01"]),
    "days": pd.Series([date(2020, 1, 31), None]),
    "arrow": pd.Series([1, None], dtype="int64[pyarrow]"),
    "decimals": pd.Series([Decimal("1.10"), None], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "whole decimals": pd.Series([2**53 + 1, 0], dtype=pd.ArrowDtype(pa.decimal128(20, 0))),
    "arrow time": pd.Series(pd.to_datetime(["2020-01-31 12:00"])).astype("timestamp[s][pyarrow]"),
    "arrow zone": pd.Series(pd.to_datetime(["2020-01-31 12:00", None], utc=True)).astype(
        "timestamp[us, tz=Europe/Berlin][pyarrow]"
    ),
}


@pytest.mark.parametrize("name", FRAME)
def test_restore_undoes_conform(name):
    table = pd.DataFrame({name: FRAME[name]})
    schema = infer_schema(table, name="t")
    pd.testing.assert_frame_equal(schema.restore(schema.conform(table)), table)


@pytest.mark.parametrize(
    "dtype",
    ["int64", "int8", "Int64", "float64", "int64[pyarrow]", pd.ArrowDtype(pa.decimal128(3, 0))],
)
def test_a_nominal_target_is_restored(dtype):
    table = pd.DataFrame({"c": pd.Series([0, 1, 1], dtype=dtype)})
    schema = infer_schema(table, name="t", target="c")
    assert schema["c"].kind == "nominal"
    pd.testing.assert_frame_equal(schema.restore(schema.conform(table)), table)


def test_other_objects_come_back_as_what_they_hold():
    objects = {"d": [Decimal("1.10")], "t": [datetime(2020, 1, 31, 12)]}
    table = pd.DataFrame(objects, dtype=object)
    schema = infer_schema(table, name="t")
    back = schema.restore(schema.conform(table))
    assert back.dtypes.astype(str).tolist() == ["float64", "datetime64[us]"]
    assert back.loc[0].tolist() == [1.1, pd.Timestamp("2020-01-31 12:00")]


def test_numbers_as_column_names_become_text():
    table = pd.DataFrame([[1, 2.5]])
    schema = infer_schema(table, name="t")
    assert schema.names == ("0", "1")
    assert list(schema.conform(table)) == ["0", "1"]


def test_columns_of_one_name_are_refused():
    with pytest.raises(TabganError, match=r"table 't': duplicate column names: \['a'\]"):
        infer_schema(pd.DataFrame([[1, 2]], columns=["a", "a"]), name="t")


def test_infinite_numbers_are_refused():
    with pytest.raises(TabganError, match="column 'c': expected finite numbers"):
        infer([1.0, np.inf])


@pytest.mark.parametrize(
    "values", [[{"a": 1}], ["a", 1], pd.Series([1], dtype="timedelta64[s]"), [1 + 2j]]
)
def test_values_of_no_known_kind_are_refused(values):
    with pytest.raises(TabganError, match="column 'c': expected numbers, text, booleans"):
        infer(values)


REFUSED = {
    "lists": ([[1], [2, 3]], "got a list in row 0: one value per cell can be learned"),
    "arrays": ([None, np.ones(2)], "got a list in row 1"),
    "structs": ([{"a": 1}], "got a struct in row 0"),
    "mixed": ([1, 3.2, "<5"], "got text among numbers: '<5' in row 2, from 0"),
    "spans": (pd.to_timedelta([1], "s"), r"\.dt\.total_seconds\(\) makes numbers of it"),
    "alike": (pd.Categorical([1, "1"]), r"got 1 and '1', which read alike"),
}


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_learned_is_named_with_its_row(values, message):
    with pytest.raises(TabganError, match=rf"column 'c': expected .*{message}"):
        infer(values)


def test_describe_marks_the_target_and_shortens_labels():
    table = pd.DataFrame({"job": list("abcdefgh"), "y": [0.25] * 8})
    console = Console(file=io.StringIO(), width=100)
    console.print(describe(infer_schema(table, name="t", target="job")))
    shown = console.file.getvalue()
    assert " *  job" in shown
    assert "a, b, c, d, and 4 more" in shown
    assert "2 decimals" in shown


HOURS = pd.date_range("2023-10-28 00:01", "2023-10-30", freq="h", tz="Europe/Berlin")  # 02:01 twice


@pytest.mark.parametrize(
    ("values", "date_format", "first"),
    [
        (pd.Series(HOURS), "%Y-%m-%dT%H:%M:%S", "2023-10-27 22:01"),
        (pd.Series(HOURS, dtype=object), "%Y-%m-%dT%H:%M:%S", "2023-10-27 22:01"),
        (
            pd.Series(pd.date_range("2023-01-01", periods=9, tz="Europe/Berlin")),
            "%Y-%m-%dT%H:%M:%S",  # midnight there, 23:00 as UTC
            "2022-12-31 23:00",
        ),
        (
            pd.Series(pd.date_range("2023-01-01", periods=9).date).astype("date32[day][pyarrow]"),
            "%Y-%m-%d",
            "2023-01-01",
        ),
    ],
)
def test_dates_of_a_time_zone_are_held_and_written_as_utc(values, date_format, first):
    schema = infer_schema(pd.DataFrame({"when": values}), name="t")
    held = schema.conform(pd.DataFrame({"when": values}))
    assert schema["when"].date_format == date_format
    assert held["when"].iloc[0] == pd.Timestamp(first)
    back = schema.restore(held)["when"]
    if values.dtype != object:
        assert back.equals(values)


@pytest.mark.parametrize(
    "values",
    [
        pd.cut(pd.Series(np.arange(8.0)), 2).astype("category"),
        pd.Series(pd.date_range("2020-01-01", periods=8)).astype("category"),
    ],
    ids=["intervals", "dates"],
)
def test_categories_of_other_dtypes_are_known_by_their_text(values):
    schema = infer_schema(pd.DataFrame({"c": values}), name="t")
    held = schema.conform(pd.DataFrame({"c": values}))
    assert held["c"].cat.codes.tolist() == values.cat.codes.tolist()
    back = schema.restore(held)["c"]
    assert [str(label) for label in back] == [str(label) for label in values]
