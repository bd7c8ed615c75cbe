"""Training rows that break declared rules: refused with their lines, told, left out, put right."""

import gzip

import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.constraints.checking import declared, settled
from tabgan.tables.lines import first_line


def ruled(orders, *rules, how="error", **more):
    schema, table = orders
    schema, found = declared(schema, rules)
    return settled(table, schema, found, on_violation=how, **more)


def test_rows_that_keep_all_rules_are_left_alone(orders):
    assert ruled(orders, "net <= total", "items > 0") is orders[1]


def test_one_error_names_rules_counts_and_first_rows(orders):
    with pytest.raises(TabganError) as error:
        ruled(orders, "total = net + tax", "items <= 1", "net > 0")
    assert str(error.value) == (
        "constraints: 'total = net + tax' is broken by 1 of 6 rows (16.7%), first in row 2 (from "
        "0); 'items <= 1' is broken by 5 of 6 rows (83.3%), first in rows 1, 2, 3, 4, 5 (from 0); "
        "data.on_violation=warn|drop|repair goes on"
    )


def test_lines_of_the_file_where_they_are_known(orders):
    with pytest.raises(TabganError, match=r"first in line 4;"):
        ruled(orders, "total = net + tax", first_line=2)
    with pytest.raises(TabganError, match=r"first in row 102 \(from 0\)"):
        ruled(orders, "total = net + tax", first_row=100)


def test_warn_goes_on_with_all_rows(orders, caplog):
    assert ruled(orders, "items <= 3", how="warn") is orders[1]
    assert "learned all the same" in caplog.text


def test_drop_leaves_the_others(orders, caplog):
    table = ruled(orders, "items <= 3", "total = net + tax", how="drop")
    assert table.index.tolist() == [0, 1]
    assert "4 rows are left out" in caplog.text


def test_repair_changes_what_can_be_put_right(orders, caplog):
    table = ruled(
        orders, "2 <= items <= 4", "placed <= sent", "step(`unit price`, 0.5)",
        "one_hot(small, large)", "total = net + tax", how="repair",
    )  # fmt: skip
    assert table["items"].tolist() == [2, 2, 3, 4, 4, 4]
    assert table["placed"].dt.day.fillna(0).tolist() == [30, 31, 0, 1, 1, 1]  # swapped in row 1
    assert table["sent"].dt.day.tolist() == [2, 1, 1, 1, 1, 1]
    assert table["unit price"].tolist() == [1.0, 2.0, 0.5, 0.5, 1.5, 0.5]
    assert table["small"].tolist() == [1, 0, 1, 1, 0, 0]
    assert table["total"].tolist() == [11, 22, 33, 44, 55, 66]
    assert table.dtypes.equals(orders[1].dtypes)
    assert "put right" in caplog.text


def test_repair_refuses_what_it_cannot_put_right(orders):
    with pytest.raises(TabganError, match=r"'placed < sent' is broken by 3 .*cannot be put right"):
        ruled(orders, "placed < sent", how="repair")
    with pytest.raises(TabganError, match=r"data.on_violation=warn\|drop goes on"):
        ruled(orders, "known(net)", how="repair")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("t.csv", "a,b\n1,2\n3,4\n", 2),
        ("t.csv", "sep=;\na;b\n1;2\n3;4\n\n", 3),
        ("t.csv", 'a,b\n"1\n",2\n3,4\n', None),  # a cell of two lines
        ("t.csv", "a,b\n1,2\n\n3,4\n", None),
        ("t.arff", "@relation r\n@attribute a numeric\n@data\n1\n2\n", 4),
        ("t.arff", "@relation r\n@data\n% two rows\n1\n2\n", None),
        ("t.csv.gz", "a,b\n1,2\n3,4\n", 2),
        ("t.parquet", "", None),
    ],
)
def test_the_line_of_the_first_row(tmp_path, name, text, line):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    assert first_line(path, 2) == line


def test_rules_of_the_schema_come_first(orders):
    schema, _ = declared(orders[0], ["net > 0"])
    schema, rules = declared(schema, ["tax > 0", "net > 0"])
    assert schema.constraints == ("net > 0", "tax > 0")
    assert [rule.text for rule in rules] == ["net > 0", "tax > 0"]
    again = type(schema).from_plain(schema.to_plain())
    assert again == schema


def test_a_schema_file_may_not_hold_anything_else(orders):
    plain = orders[0].to_plain() | {"constraints": "net > 0"}
    with pytest.raises(TabganError, match="schema: 'constraints': expected a list"):
        type(orders[0]).from_plain(plain)
    assert pd.Series(orders[0].constraints).empty
