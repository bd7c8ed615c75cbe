import json

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.schema import Column, TableSchema

JOB = Column(name="job", kind="nominal", categories=("cook", "clerk"))
AGE = Column(name="age", kind="integer")
PAY = Column(name="pay", kind="numeric", decimals=0, missing=True)
SCHEMA = TableSchema(name="staff", columns=(JOB, AGE, PAY), target="job")


def conform(column, values):
    schema = TableSchema(name="t", columns=(column,))
    return schema.conform(pd.DataFrame({column.name: values}))[column.name]


def test_plain_data_gives_the_schema_back():
    assert TableSchema.from_plain(json.loads(json.dumps(SCHEMA.to_plain()))) == SCHEMA


def test_a_saved_schema_is_loaded(tmp_path):
    SCHEMA.save(tmp_path / "s.json")
    assert TableSchema.load(tmp_path / "s.json") == SCHEMA


def test_without_the_target_there_is_no_target():
    assert SCHEMA.without(["job"]) == TableSchema(name="staff", columns=(AGE, PAY))


def test_conform_puts_columns_in_order_and_leaves_the_table_alone():
    table = pd.DataFrame({"more": [1], "pay": ["2.5"], "age": [39.0], "job": ["cook"]}, index=[7])
    before = table.copy()
    found = SCHEMA.conform(table)
    assert list(found) == ["job", "age", "pay"]
    assert [str(dtype) for dtype in found.dtypes] == ["category", "int64", "float64"]
    assert list(found.index) == [0]
    pd.testing.assert_frame_equal(table, before)


def test_a_conforming_table_comes_back_equal_and_what_is_changed_there_stays_there():
    table = SCHEMA.conform(pd.DataFrame({"job": ["cook"], "age": [39], "pay": [2.5]}))
    found = SCHEMA.conform(table)
    pd.testing.assert_frame_equal(found, table)
    found["age"] = 40
    found.loc[0, "job"] = "clerk"
    assert table.loc[0].tolist() == ["cook", 39, 2.5]


def test_conform_gives_labels_in_the_order_of_the_schema():
    assert list(conform(JOB, ["clerk", None]).cat.categories) == ["cook", "clerk"]


def test_conform_reorders_the_categories_of_a_category_dtype():
    values = conform(JOB, pd.Categorical(["clerk", "cook"], categories=["clerk", "cook"]))
    assert values.tolist() == ["clerk", "cook"]
    assert values.cat.codes.tolist() == [1, 0]


def test_conform_takes_labels_of_numbers():
    column = Column(name="c", kind="nominal", categories=("1", "2"))
    assert conform(column, pd.Categorical([2, 1])).tolist() == ["2", "1"]


def test_a_value_that_does_not_fit_is_shown_as_it_is_written():
    schema = TableSchema(name="t", columns=(Column(name="n", kind="integer"),))
    with pytest.raises(TabganError, match=r"expected a whole number, got 34\.5 in row 1"):
        schema.conform(pd.DataFrame({"n": [1.0, 34.5]}))


def test_conform_parses_text_to_the_last_bit():
    assert conform(PAY, [" 0.1234567890123456789 "])[0] == 0.1234567890123456789
    assert conform(AGE, ["9007199254740993"])[0] == 2**53 + 1


def test_conform_keeps_whole_numbers_beyond_float_precision():
    assert conform(AGE, pd.Series([2**53 + 1, None], dtype="Int64"))[0] == 2**53 + 1


def test_conform_turns_zoned_dates_to_utc():
    values = pd.Series(pd.to_datetime(["2020-01-01 01:00"])).dt.tz_localize("Europe/Berlin")
    assert conform(Column(name="d", kind="date"), values)[0] == pd.Timestamp(2020, 1, 1)


def test_conform_reads_iso_dates_with_and_without_a_zone():
    values = conform(Column(name="d", kind="date"), ["2020-01-01T01:00:00+01:00", "2020-01-02"])
    assert values.tolist() == [pd.Timestamp(2020, 1, 1), pd.Timestamp(2020, 1, 2)]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (
            JOB,
            ["cook", "baker"],
            r"'job': expected one of \['cook', 'clerk'\], got 'baker' in row 1",
        ),
        (AGE, ["39", "old"], "'age': expected a number, got 'old' in row 1"),
        (AGE, [1.5], "'age': expected a whole number, got 1.5 in row 0|got np.float64"),
        (AGE, [1e19], "'age': expected a whole number"),
        (PAY, [1.0, np.inf], "'pay': expected a finite number, got .*inf.* in row 1"),
        (Column(name="d", kind="date"), ["2020-02-30"], "'d': expected a date like ISO 8601"),
    ],
)
def test_conform_refuses_a_value_with_its_row(column, values, message):
    with pytest.raises(TabganError, match=message):
        conform(column, values)


def test_conform_names_absent_columns():
    with pytest.raises(TabganError, match=r"columns \['age', 'pay'\] are absent; got \['job'\]"):
        SCHEMA.conform(pd.DataFrame({"job": ["cook"]}))


def test_conform_refuses_columns_of_one_name():
    with pytest.raises(TabganError, match=r"duplicate column names: \['job'\]"):
        SCHEMA.conform(pd.DataFrame([["cook", "cook"]], columns=["job", "job"]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "float"}, "column 'c': expected a kind of .* got 'float'"),
        ({"kind": "nominal"}, "column 'c': a nominal column needs categories"),
        ({"kind": "nominal", "categories": ("a", "a")}, r"categories declared twice: \['a'\]"),
    ],
)
def test_a_column_that_cannot_be_is_refused(fields, message):
    with pytest.raises(TabganError, match=message):
        Column(name="c", **fields)


def test_columns_of_one_name_are_refused():
    with pytest.raises(TabganError, match=r"table 't': duplicate column names: \['age'\]"):
        TableSchema(name="t", columns=(AGE, AGE))


def test_an_absent_target_is_refused():
    with pytest.raises(TabganError, match=r"target 'x' is not a column; expected one of \['job'"):
        SCHEMA.with_target("x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a JSON schema"),
        ("[]", "expected an object with a list 'columns'"),
        ('{"format": 9, "columns": []}', "expected format 1, got 9"),
        ('{"columns": [{"name": "a"}]}', "column 'a' has no 'kind'"),
        ('{"columns": [{"name": "a", "kind": null}]}', "column 'a' has no 'kind'"),
        ('{"columns": [{"name": "a", "kynd": "x"}]}', r"column 'a' has unknown fields \['kynd'\]"),
    ],
)
def test_a_file_that_is_no_schema_is_refused(tmp_path, content, message):
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(TabganError, match=message):
        TableSchema.load(tmp_path / "s.json")


def test_an_absent_schema_file_is_named(tmp_path):
    with pytest.raises(TabganError, match=f"schema file not found: {tmp_path}/s.json"):
        TableSchema.load(tmp_path / "s.json")


def test_class_labels_are_known_however_a_program_spells_them():
    label = Column(name="y", kind="nominal", categories=("0", "1"), missing=True)
    assert conform(label, [0.0, None, 1.0]).cat.codes.tolist() == [0, -1, 1]
    truth = Column(name="y", kind="boolean", categories=("False", "True"))
    assert conform(truth, ["true", "FALSE"]).cat.codes.tolist() == [1, 0]
    both = Column(name="y", kind="nominal", categories=("1", "1.0"))  # two classes, as it says
    assert conform(both, ["1.0", "1"]).cat.codes.tolist() == [1, 0]


def test_a_test_file_that_spells_classes_otherwise_has_no_classes_of_its_own():
    one, other = (
        TableSchema(name="t", columns=(Column(name="y", kind="nominal", categories=labels),))
        for labels in (("0.0", "1.0"), ("0", "1", "2"))
    )
    assert one.widened(other)["y"].categories == ("0.0", "1.0", "2")
