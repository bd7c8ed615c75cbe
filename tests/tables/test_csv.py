import gzip

import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.readers import read_csv, read_table
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import write_table


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder, text, **options):
    return read_csv(write(folder, text), **options)


def test_columns_get_the_kinds_of_their_values(tmp_path):
    _, schema = read(tmp_path, "age,pay,job\n39,1.5,cook\n40,2.25,clerk\n")
    assert [column.kind for column in schema.columns] == ["integer", "numeric", "nominal"]
    assert schema["pay"].decimals == 2
    assert schema["job"].categories == ("clerk", "cook")
    assert schema.name == "t"


@pytest.mark.parametrize("mark", ["", "?", "NA", "NaN", "null", " ? "])
def test_each_missing_mark_is_missing(tmp_path, mark):
    table, schema = read(tmp_path, f"a,b\n1,x\n{mark},y\n")
    assert table["a"].tolist() == [1, pd.NA]
    assert schema["a"].missing


def test_a_missing_mark_in_quotes_is_text(tmp_path):
    table, _ = read(tmp_path, 'a,b\n"NA",1\nx,2\n')
    assert table["a"].tolist() == ["NA", "x"]


def test_an_empty_value_in_quotes_is_missing(tmp_path):
    assert read(tmp_path, 'a,b\n"",1\n"3",2\n')[0]["a"].tolist() == [pd.NA, 3]


def test_spaces_are_taken_off_but_kept_in_quotes(tmp_path):
    table, schema = read(tmp_path, 'a , b\n x  , 1\n " y, z " ,2 \n')
    assert schema.names == ("a", "b")
    assert table["a"].tolist() == ["x", " y, z "]
    assert table["b"].tolist() == [1, 2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_the_one_in_the_header(tmp_path, delimiter):
    table, _ = read(tmp_path, f'a{delimiter}"b, c"\n1{delimiter}x\n2{delimiter}y\n')
    assert list(table) == ["a", "b, c"]
    assert table["a"].tolist() == [1, 2]


def test_quotes_hold_line_ends_and_doubled_quotes(tmp_path):
    table, _ = read(tmp_path, 'a,b\n"x\ny",1\n"say ""hi""",2\n')
    assert table["a"].tolist() == ["x\ny", 'say "hi"']


def test_a_gzip_file_with_a_byte_order_mark_and_windows_ends(tmp_path):
    path = write(tmp_path, gzip.compress(b"\xef\xbb\xbfa,b\r\n1,x\r\n2,y\r\n"), "t.csv.gz")
    table, _ = read_csv(path)
    assert list(table) == ["a", "b"]
    assert table["b"].tolist() == ["x", "y"]


def test_bytes_that_are_no_utf8_are_read_as_windows_1252_and_logged(tmp_path, caplog):
    table, _ = read(tmp_path, "stadt\nM\xfcnchen\nUlm\n".encode("latin-1"))
    assert table["stadt"].tolist() == ["München", "Ulm"]
    assert "read as Windows-1252" in caplog.text


def test_numbers_are_exact(tmp_path):
    table, _ = read(tmp_path, "a,b\n9007199254740993,0.1234567890123456789\n1,-1e-3\n")
    assert table["a"].tolist() == [9007199254740993, 1]  # 2**53 + 1
    assert table["b"].tolist() == [0.1234567890123456789, -0.001]


def test_leading_zeros_make_text_of_a_whole_column(tmp_path):
    table, schema = read(
        tmp_path, "zip,code,n,x\n01067,007,0,0.5\n99999,?,10,07.5\n01067,7,20,00\n"
    )
    assert table["zip"].tolist() == ["01067", "99999", "01067"]
    assert schema["code"].categories == ("007", "7")
    assert [column.kind for column in schema.columns[2:]] == ["integer", "nominal"]  # 00


def test_leading_zeros_of_a_declared_number_are_nothing(tmp_path):
    given = TableSchema(name="t", columns=(Column(name="code", kind="integer"),))
    assert read(tmp_path, "code\n007\n10\n", schema=given)[0]["code"].tolist() == [7, 10]


def test_decimal_commas_between_semicolons_are_numbers_and_come_back(tmp_path):
    text = "a;b;c\n1,67;1,5;2\n-,5;1,2,3;4\n3;x;?\n"
    table, schema = read(tmp_path, text)
    assert table["a"].tolist() == [1.67, -0.5, 3]
    assert (schema["a"].decimals, schema["b"].kind) == (2, "nominal")
    assert read(tmp_path, text, schema=schema)[0].equals(table)
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text().splitlines()[1:3] == [
        '"1,67","1,5",2',
        '"-0,5","1,2,3",4',
    ]


def test_a_comma_between_tabs_is_no_decimal_comma(tmp_path):
    assert read(tmp_path, "a\tb\n1,67\t2\n1,5\t3\n")[1]["a"].kind == "nominal"


def test_an_integer_target_is_nominal_and_restored(tmp_path):
    table, schema = read(tmp_path, "a,y\n1,0\n2,1\n3,1\n", target="y")
    assert schema["y"] == Column(name="y", kind="nominal", categories=("0", "1"), dtype="int64")
    assert schema.restore(table)["y"].tolist() == [0, 1, 1]


def test_text_keeps_no_dtype(tmp_path):
    _, schema = read(tmp_path, "a,b\nx,2020-01-31\ny,2021-01-31\n")
    assert [column.dtype for column in schema.columns] == [None, None]


def test_a_given_schema_reads_the_text_of_the_file(tmp_path):
    given = TableSchema(name="t", columns=(Column(name="zip", kind="string"),))
    table, _ = read(tmp_path, "zip,b\n01234,1\n99999,2\n", schema=given)
    assert table["zip"].tolist() == ["01234", "99999"]


def test_a_schema_file_beside_the_table_overrides_inference(tmp_path):
    path = write(tmp_path, "size,y\nS,0\nL,1\n")
    labels = Column(name="size", kind="nominal", categories=("S", "M", "L"))
    given = TableSchema(name="t", columns=(labels, Column(name="y", kind="integer")), target="y")
    given.save(tmp_path / "t.csv.schema.json")
    table, schema = read_table(path)
    assert schema == given
    assert list(table["size"].cat.categories) == ["S", "M", "L"]


def test_an_explicit_schema_file_is_used(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n3,4\n")
    given = TableSchema(name="t", columns=(Column(name="b", kind="numeric", decimals=0),))
    given.save(tmp_path / "mine.json")
    assert read_table(path, schema_path=tmp_path / "mine.json")[1] == given


def test_a_value_outside_the_given_schema_is_named(tmp_path):
    given = TableSchema(name="t", columns=(Column(name="b", kind="integer"),))
    with pytest.raises(
        TabganError, match=r"t.csv: column 'b': expected a number, got 'x' in row 1"
    ):
        read(tmp_path, "b,c\n1,1\nx,1\n", schema=given)


BAD = {
    "empty": ("", r"t.csv: the file is empty; expected a header line"),
    "short row": ("a,b\n1,2\n\n3\n", r"t.csv, line 4: expected 2 values, got 1"),
    "long row": ("a,b\n1,2\n3,4,5\n", r"t.csv, line 3: expected 2 values, got 3"),
    "name twice": ("a,b,a\n1,2,3\n", r"t.csv, line 1: duplicate column names: \['a'\]"),
    "infinite": ("a,b\n1.5,1\n-inf,2\n", r"t.csv: column 'a': expected finite numbers"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(TabganError, match=message):
        read(tmp_path, text)


def test_an_absent_file_is_named_by_its_absolute_path(tmp_path):
    with pytest.raises(TabganError, match=f"file not found: {tmp_path}/none.csv"):
        read_csv(tmp_path / "none.csv")


def test_a_cut_off_gzip_file_is_named(tmp_path):
    path = write(tmp_path, gzip.compress(b"a,b\n1,2\n" * 99)[:-9], "cut.csv.gz")
    with pytest.raises(TabganError, match=r"cut.csv.gz: truncated or damaged gzip file"):
        read_csv(path)


def test_an_absent_target_is_named(tmp_path):
    with pytest.raises(TabganError, match=r"t.csv: table 't': target 'z' is not a column"):
        read(tmp_path, "a,b\n1,2\n", target="z")


def test_missing_values_are_met_whatever_a_schema_file_says(tmp_path):
    (tmp_path / "t.csv").write_text("age,pay\n31,2.5\n,3.5\n29,\n")
    whole = (Column(name="age", kind="integer"), Column(name="pay", kind="numeric", decimals=1))
    TableSchema(name="t", columns=whole).save(tmp_path / "t.csv.schema.json")
    table, schema = read_table(tmp_path / "t.csv")
    assert [column.missing for column in schema.columns] == [True, True]
    assert table["age"].isna().tolist() == [False, True, False]
