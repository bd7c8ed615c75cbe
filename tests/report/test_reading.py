import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.report.reading import compared, read_like, read_real, same_rows, table_like
from tabgan.tables.profile import infer_schema

REAL = "age,job,member,name\n30,cook,1,Ann\n40,clerk,0,Bo\n50,cook,1,Cy\n"


@pytest.fixture
def write(tmp_path):
    def written(name, text):
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path / name

    return written


@pytest.fixture
def schema(write):
    names = "".join(f"{20 + i},cook,1,name {i}\n" for i in range(2_000))
    return read_real(write("real.csv", REAL + names), target="member")[1]


def test_text_is_left_out(schema):
    assert compared(schema) == ["age", "job", "member"]


def test_unseen_categories_go_behind_those_that_real_has(schema, write):
    rows = read_like(write("a.csv", "job,age,member\nbaker,1,1\ncook,2.5,0\n,3,1\n"), schema)
    assert list(rows.columns) == ["age", "job", "member"]
    assert list(rows["job"].cat.categories) == ["clerk", "cook", "baker"]
    assert rows["job"].tolist()[:2] == ["baker", "cook"]
    assert pd.isna(rows["job"].iloc[2])
    assert rows["age"].tolist() == [1, 2.5, 3]


def test_a_class_may_be_written_as_a_broken_number(schema, write):
    rows = read_like(write("a.csv", "age,job,member\n1,cook,1.0\n2,cook,0.0\n"), schema)
    assert rows["member"].tolist() == ["1", "0"]


def test_categories_of_dates_are_those_of_the_real_table():
    days = pd.DataFrame({"c": pd.Series(pd.date_range("2020-01-01", periods=8)).astype("category")})
    rows = table_like(days, infer_schema(days, name="t"), "test")
    assert rows["c"].cat.codes.tolist() == list(range(8))


def test_truth_may_be_written_in_capitals(write):
    _, schema = read_real(write("real.csv", "x,ok\n1,true\n2,false\n"))
    rows = read_like(write("a.csv", "x,ok\n1,True\n2,FALSE\n"), schema)
    assert rows["ok"].tolist() == ["true", "false"]


def test_other_columns_are_one_line(schema, write):
    path = write("a.csv", "age,jobs,member\n1,cook,1\n")
    with pytest.raises(
        TabganError, match=r"a\.csv: other columns .* lacks \['job'\] and adds \['jobs'\]"
    ):
        read_like(path, schema)


def test_another_kind_names_column_value_and_row(schema, write):
    path = write("a.csv", "age,job,member\n1,cook,1\nold,cook,1\n")
    with pytest.raises(TabganError, match=r"column 'age': expected a number, got 'old' in row 1"):
        read_like(path, schema)


def test_codes_in_place_of_categories_are_another_kind(schema, write):
    path = write("a.csv", "age,job,member\n1,0,1\n2,1,1\n")
    with pytest.raises(TabganError, match=r"column 'job': no value is a category .* \['0', '1'\]"):
        read_like(path, schema)


def test_no_rows_is_one_line(schema, write):
    with pytest.raises(TabganError, match=r"a\.csv: no rows"):
        read_like(write("a.csv", "age,job,member\n"), schema)


def test_rows_are_the_same_in_any_order_and_dtype():
    one = pd.DataFrame({"a": [1, 2, 2], "b": pd.Categorical(["x", "y", None])})
    other = pd.DataFrame(
        {"b": pd.Categorical([None, "x", "y"], categories=["y", "x"]), "a": [2.0, 1.0, 2.0]}
    )
    assert same_rows(one, other)
    assert not same_rows(one, other.assign(a=[2.0, 2.0, 1.0]))
    assert not same_rows(one, one.head(2))
