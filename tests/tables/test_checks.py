import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.checks import check_table
from tabgan.tables.readers import read_table
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="t",
    columns=(
        Column(name="a", kind="numeric", missing=True),
        Column(name="y", kind="nominal", categories=("no", "yes"), missing=True),
    ),
    target="y",
)


def table(a, y):
    return SCHEMA.conform(pd.DataFrame({"a": a, "y": y}, dtype="object"))


def test_a_sound_table_passes():
    check_table(table([1.5, None], ["no", "yes"]), SCHEMA)


def test_a_constant_column_that_is_no_target_passes():
    check_table(table([1.5, 1.5], ["no", "yes"]), SCHEMA)


def test_no_rows_are_refused():
    with pytest.raises(TabganError, match="table 't': no rows; at least 2 are needed"):
        check_table(table([], []), SCHEMA)


def test_one_row_is_refused():
    with pytest.raises(TabganError, match="table 't': only one row; at least 2 are needed"):
        check_table(table([1.5], ["no"]), SCHEMA)


def test_a_column_without_values_passes_and_a_table_of_such_does_not():
    check_table(table([None, None], ["no", "yes"]), SCHEMA)
    with pytest.raises(TabganError, match="table 't': every value is missing"):
        check_table(table([None, None], [None, None]), SCHEMA)


def test_a_target_without_values_is_refused():
    with pytest.raises(TabganError, match="target 'y': every value is missing"):
        check_table(table([1.5, 2.5], [None, None]), SCHEMA)


def test_a_constant_target_is_refused_with_its_value():
    with pytest.raises(TabganError, match="target 'y' is constant: every value is 'no'"):
        check_table(table([1.5, 2.5, 3.5], ["no", None, "no"]), SCHEMA)


def test_an_infinite_value_is_refused_with_its_row():
    rows = table([1.5, 2.5], ["no", "yes"])
    rows["a"] = [1.5, np.inf]
    with pytest.raises(TabganError, match=r"column 'a': expected a finite number, got .*inf.* 1"):
        check_table(rows, SCHEMA)


def test_read_table_checks_what_it_read(tmp_path):
    (tmp_path / "t.arff").write_text("@relation r\n@attribute a real\n@data\n% none\n")
    with pytest.raises(TabganError, match="table 'r': no rows"):
        read_table(tmp_path / "t.arff")


def test_read_table_of_a_header_alone_has_no_rows(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n")
    with pytest.raises(TabganError, match="table 't': no rows"):
        read_table(tmp_path / "t.csv")


def test_read_table_drops_before_it_checks(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,?\n2,?\n")
    assert read_table(tmp_path / "t.csv", drop=["b"])[1].names == ("a",)


def test_read_table_names_the_suffixes_it_knows(tmp_path):
    with pytest.raises(TabganError, match=r"t.xlsx: expected a file ending in one of \['.arff'"):
        read_table(tmp_path / "t.xlsx")
