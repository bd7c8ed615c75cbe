from datetime import date

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.profile import infer_schema
from tabgan.tables.readers import read_parquet
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import write_table


def people():
    return pd.DataFrame(
        {
            "age": np.array([39, 50, 38], dtype="int32"),
            "pay": np.array([1.5, 2.25, np.nan], dtype="float32"),
            "job": pd.Categorical(["cook", "clerk", "cook"], categories=["cook", "guard", "clerk"]),
            "staff": [True, False, True],
            "since": pd.to_datetime(["2020-01-31", "2021-01-31", None]).astype("datetime64[ns]"),
            "y": [0, 1, 1],
        }
    )


def test_kinds_follow_the_dtypes_of_the_file(tmp_path):
    people().to_parquet(tmp_path / "p.parquet")
    _, schema = read_parquet(tmp_path / "p.parquet", target="y")
    kinds = ["integer", "numeric", "nominal", "boolean", "date", "nominal"]
    assert [column.kind for column in schema.columns] == kinds
    assert (schema.name, schema.target) == ("p", "y")


def test_restore_gives_the_dtypes_of_the_file_back(tmp_path):
    people().to_parquet(tmp_path / "p.parquet")
    table, schema = read_parquet(tmp_path / "p.parquet", target="y")
    expected = pd.read_parquet(tmp_path / "p.parquet")
    pd.testing.assert_frame_equal(schema.restore(table), expected)


def test_a_written_schema_comes_back_with_its_unused_labels(tmp_path):
    job = Column(name="job", kind="nominal", categories=("cook", "guard", "clerk"))
    schema = TableSchema(name="staff", columns=(job,), target="job")
    write_table(tmp_path / "p.parquet", people(), schema)
    table, found = read_parquet(tmp_path / "p.parquet")
    assert found == schema
    assert list(table["job"].cat.categories) == ["cook", "guard", "clerk"]


def test_days_are_written_as_days(tmp_path):
    table = pd.DataFrame({"d": [date(2020, 1, 31), None]})
    schema = infer_schema(table, name="t")
    write_table(tmp_path / "d.parquet", schema.conform(table), schema)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "d.parquet"), table)
    assert read_parquet(tmp_path / "d.parquet")[1] == schema


def test_a_named_index_becomes_a_column(tmp_path):
    people().set_index("age").to_parquet(tmp_path / "p.parquet")
    table, _ = read_parquet(tmp_path / "p.parquet")
    assert table["age"].tolist() == [39, 50, 38]


def test_an_unnamed_index_is_dropped(tmp_path):
    people().iloc[::-1].to_parquet(tmp_path / "p.parquet")
    table, _ = read_parquet(tmp_path / "p.parquet")
    assert table["age"].tolist() == [38, 50, 39]
    assert "index" not in table


def test_a_given_schema_overrides_the_file(tmp_path):
    people().to_parquet(tmp_path / "p.parquet")
    given = TableSchema(name="t", columns=(Column(name="age", kind="numeric"),))
    table, schema = read_parquet(tmp_path / "p.parquet", schema=given)
    assert table["age"].dtype == "float64"
    assert schema == given


def test_another_file_is_refused(tmp_path):
    (tmp_path / "p.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(TabganError, match=r"p.parquet: expected a Parquet file, got one with"):
        read_parquet(tmp_path / "p.parquet")


def test_an_absent_file_is_named_by_its_absolute_path(tmp_path):
    with pytest.raises(TabganError, match=f"file not found: {tmp_path}/none.parquet"):
        read_parquet(tmp_path / "none.parquet")


def test_lists_in_cells_are_refused_by_column(tmp_path):
    pd.DataFrame({"tags": [["a"], ["b"]]}).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(TabganError, match=r"p.parquet: column 'tags': expected numbers, text"):
        read_parquet(tmp_path / "p.parquet")
