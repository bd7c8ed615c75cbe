"""SDV's metadata in and out.

``assets/sdv_v1.json`` is what ``explore metadata=`` wrote of the table below, as SDV 1.38.5 gave it
back after its own ``validate()`` and ``validate_data()``; SDV 2.0.0 validates it, too.
``assets/sdv_v2.json`` is what SDV 2.0.0 detects in that table.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.identifying import with_keys
from tabgan.errors import TabganError
from tabgan.tables.readers import read_table
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.sdv import to_metadata

ASSETS = Path(__file__).parents[1] / "assets"


def five_kinds():
    """200 rows: an id, whole and other numbers, labels, truth, days, and classes 0 and 1."""
    rows = range(200)
    return pd.DataFrame(
        {
            "order_no": [f"A{row:06d}" for row in rows],
            "age": np.arange(200) % 50 + 18,
            "pay": np.arange(200) / 4,
            "job": ["cook", "clerk", None, "smith"] * 50,
            "member": ["true", "false"] * 100,
            "joined": [f"2020-{row % 12 + 1:02d}-{row % 28 + 1:02d}" for row in rows],
            "class": [0, 1] * 100,
        }
    )


@pytest.fixture
def five(tmp_path):
    """The table as a CSV file, and its schema."""
    path = tmp_path / "five.csv"
    five_kinds().to_csv(path, index=False)
    table, schema = read_table(path, target="class")
    return path, with_keys(schema, table)


def test_a_schema_is_written_as_sdv_validated_it(five):
    assert to_metadata(five[1]) == json.loads((ASSETS / "sdv_v1.json").read_text("utf-8"))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_sdv_wrote_gives_the_same_schema_back(five, version):
    path, schema = five
    table, found = read_table(path, target="class", schema_path=ASSETS / f"sdv_{version}.json")
    changes = {"v1": {}, "v2": {"job": ("cook", "clerk", "smith")}}[version]
    assert found == with_categories(schema, changes)
    assert table["job"].isna().sum() == 50


def with_categories(schema, changes):
    plain = schema.to_plain()
    for column in plain["columns"]:
        column["categories"] = list(changes.get(column["name"], column.get("categories", [])))
    return TableSchema.from_plain(plain)


@pytest.mark.slow
@pytest.mark.usefixtures("five")
def test_the_command_writes_it(command, tmp_path):
    words = ("data.path=five.csv", "data.target=class", "out=explored", "metadata=m.json")
    ended = command("explore", *words)
    assert ended.status == 0, ended.err
    stored = json.loads((ASSETS / "sdv_v1.json").read_text("utf-8"))
    assert json.loads((tmp_path / "m.json").read_text("utf-8")) == stored


def read(tmp_path, columns, values, *, suffix="csv", **table):
    """A table read with metadata of one table."""
    frame = pd.DataFrame(values)
    path = tmp_path / f"t.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    (tmp_path / "m.json").write_text(
        json.dumps({"METADATA_SPEC_VERSION": "V1", "tables": {"t": {"columns": columns, **table}}})
    )
    return read_table(path, schema_path=tmp_path / "m.json")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_whole_numbers_that_are_categorical_are_labels_in_their_order(tmp_path, suffix):
    columns = {"zip": {"sdtype": "categorical"}, "x": {"sdtype": "numerical"}}
    values = {"zip": [10, 9, None, 10] * 5, "x": range(20)}
    table, schema = read(tmp_path, columns, values, suffix=suffix)
    assert schema["zip"].kind == "nominal"
    assert table["zip"].value_counts().to_dict() == {schema["zip"].categories[1]: 10,
                                                     schema["zip"].categories[0]: 5}  # fmt: skip
    assert [float(label) for label in schema["zip"].categories] == [9, 10]
    assert table["zip"].isna().sum() == 5


def test_labels_that_are_numerical_are_numbers(tmp_path):
    columns = {"price": {"sdtype": "numerical"}}
    values = {"price": ["$5.00", "$7.50"] * 30}
    table, schema = read(tmp_path, columns, values)
    assert (schema["price"].kind, schema["price"].number_format) == ("numeric", "$1234567.50")
    assert sorted(table["price"].unique()) == [5.0, 7.5]


@pytest.mark.parametrize(
    ("sdtype", "values", "expected"),
    [
        ({"sdtype": "numerical", "computer_representation": "Float"}, [1, 2, 3],
         Column(name="c", kind="numeric", decimals=0)),
        ({"sdtype": "numerical", "computer_representation": "UInt8"}, [1, 2, 3],
         Column(name="c", kind="integer")),
        ({"sdtype": "boolean"}, [0, 1, 0], Column(name="c", kind="boolean", categories=("0", "1"))),
        ({"sdtype": "datetime", "datetime_format": "%d.%m.%Y"},
         ["01.02.2020", "03.02.2020", "04.02.2020"],
         Column(name="c", kind="date", date_format="%d.%m.%Y")),
        ({"sdtype": "id", "regex_format": "[0-9]"}, [7, 8, 9],
         Column(name="c", kind="integer", key=True)),
        ({"sdtype": "id"}, ["a", "b", "c"], Column(name="c", kind="string", key=True)),
        ({"sdtype": "email", "pii": True}, ["a@x.org", "b@x.org", "b@x.org"],
         Column(name="c", kind="string", key=True)),
        ({"sdtype": "city", "pii": False}, ["Rome", "Bern", "Bern"],
         Column(name="c", kind="nominal", categories=("Bern", "Rome"))),
        ({"sdtype": "company", "pii": True}, ["A", "B", "B"],
         Column(name="c", kind="string", key=True)),
        ({"sdtype": "latitude", "pii": True}, [0.5, 1.5, 2.5],
         Column(name="c", kind="numeric", decimals=1)),
        ({"sdtype": "categorical", "order": ["low", "high"]}, ["high", "low", "high"],
         Column(name="c", kind="nominal", categories=("low", "high"))),
    ],
)  # fmt: skip
def test_an_sdtype_is_a_kind(tmp_path, sdtype, values, expected):
    columns = {"c": sdtype, "x": {"sdtype": "numerical"}}
    _, schema = read(tmp_path, columns, {"c": values * 10, "x": range(30)})
    assert replace(schema["c"], number_format=None) == expected


def test_a_key_of_its_own_is_one_and_a_key_of_several_columns_is_none(tmp_path):
    columns = {name: {"sdtype": "numerical"} for name in "abc"}
    values = {name: range(20) for name in "abc"}
    _, schema = read(tmp_path, columns, values, primary_key=["a", "b"], alternate_keys=["c"])
    assert [schema[name].key for name in "abc"] == [False, False, True]


def test_metadata_of_one_table_alone_is_read(five, tmp_path):
    path, schema = five
    (table,) = json.loads((ASSETS / "sdv_v1.json").read_text("utf-8"))["tables"].values()
    for plain in (table, table | {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1"}):
        (tmp_path / "m.json").write_text(json.dumps(plain))
        assert read_table(path, target="class", schema_path=tmp_path / "m.json")[1] == schema


def test_metadata_beside_the_table_is_read(five, tmp_path):
    path, schema = five
    (tmp_path / "five.csv.schema.json").write_text((ASSETS / "sdv_v1.json").read_text("utf-8"))
    assert read_table(path, target="class")[1] == schema


def test_a_column_of_which_nothing_is_said_is_what_it_seems_to_be(tmp_path):
    columns = {"a": {"sdtype": "categorical"}}
    _, schema = read(tmp_path, columns, {"a": [1, 2] * 10, "b": range(20)})
    assert [column.kind for column in schema.columns] == ["nominal", "integer"]


def test_formats_that_only_we_know_are_left_to_the_table():
    column = Column(name="d", kind="date", date_format="%-d.%m.%Y")
    (table,) = to_metadata(TableSchema(name="t", columns=(column,)))["tables"].values()
    assert table == {"columns": {"d": {"sdtype": "datetime"}}}


@pytest.mark.parametrize(
    ("columns", "table", "says"),
    [
        ({"a": {"sdtype": "catgorical"}}, {}, "'a': unknown sdtype 'catgorical'; did you mean"),
        ({"a": {}}, {}, "'a': expected an object with an 'sdtype'"),
        ({"a": "numerical"}, {}, "'a': expected an object with an 'sdtype'"),
        ([], {}, "expected an object 'columns'"),
        ({}, {}, "expected an object 'columns'"),
        ({"b": {"sdtype": "numerical"}}, {}, "the table has no column 'b'; did you mean|expected"),
        ({"a": {"sdtype": "numerical"}}, {}, "'a': numerical, and its values are not, such as 'x'"),
        ({"a": {"sdtype": "datetime", "datetime_format": "%Q"}}, {}, "'a': .*%Q"),
        ({"a": {"sdtype": "datetime", "datetime_format": 3}}, {}, "'a': expected str, got 3"),
        ({"a": {"sdtype": "categorical", "order": "x"}}, {}, "'a': expected list, got x"),
        ({"a": {"sdtype": "categorical"}}, {"primary_key": "b"}, "the key 'b' is not among"),
        ({"a": {"sdtype": "categorical", "order": ["y"]}}, {}, "expected one of .*got 'x'"),
    ],
)
def test_bad_metadata_is_refused_in_one_line(tmp_path, columns, table, says):
    with pytest.raises(TabganError, match=says) as refused:
        read(tmp_path, columns, {"a": ["x", "y"] * 10}, **table)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({"tables": {"a": {}, "b": {}}}, r"expected one table, got 2: \['a', 'b'\]"),
        ({"tables": {}}, "expected one table, got 0"),
        ({"tables": [1]}, "expected an object 'tables'"),
        ({"tables": {"a": 1}}, "expected an object 'tables'"),
    ],
)
def test_several_tables_are_refused(five, tmp_path, plain, says):
    (tmp_path / "m.json").write_text(json.dumps(plain))
    with pytest.raises(TabganError, match=f"m.json: SDV metadata: {says}"):
        read_table(five[0], schema_path=tmp_path / "m.json")


def test_out_of_core_it_is_refused_with_a_hint():
    with pytest.raises(TabganError, match="SDV's metadata is read with a table that fits into"):
        TableSchema.load(ASSETS / "sdv_v1.json")
