import gzip
import string

import arff
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabgan.errors import TabganError
from tabgan.tables.markers import is_marker
from tabgan.tables.readers import read_arff, read_csv, read_parquet, read_table
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import open_writer, quote_name, quote_value, write_table

SUFFIXES = [".csv", ".csv.gz", ".tsv", ".arff", ".arff.gz", ".parquet"]
COLUMNS = (
    Column(name="age", kind="integer", missing=True),
    Column(name="hours worked", kind="numeric", decimals=2),
    Column(name="job", kind="nominal", categories=("cook", "night, guard"), missing=True),
    Column(name="staff", kind="boolean", categories=("false", "true")),
    Column(name="since", kind="date", date_format="%Y-%m-%d"),
    Column(name="note", kind="string", missing=True),
)
SCHEMA = TableSchema(name="people", columns=COLUMNS)


def people():
    return SCHEMA.conform(
        pd.DataFrame(
            {
                "age": [39, None, 28],
                "hours worked": [40.0, 13.5, 40.25],
                "job": ["cook", None, "night, guard"],
                "staff": ["true", "false", "true"],
                "since": ["2020-01-31", "1999-12-31", "2024-02-29"],
                "note": [f'it\'s {n}% \\ "odd"' for n in range(2)] + [None],
            }
        )
    )


def write_chunks(path, table):
    with open_writer(path, SCHEMA) as writer:
        for row in range(len(table)):
            writer.write(table.iloc[[row]])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_written_table_is_read_back(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(path, people(), SCHEMA)
    SCHEMA.save(tmp_path / f"t{suffix}.schema.json")
    pd.testing.assert_frame_equal(read_table(path)[0], people())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tables_put_one_below_the_other_are_written(tmp_path, suffix):
    twice = pd.concat([people(), people()], ignore_index=True)
    write_table(tmp_path / f"t{suffix}", twice, SCHEMA)
    SCHEMA.save(tmp_path / f"t{suffix}.schema.json")
    pd.testing.assert_frame_equal(read_table(tmp_path / f"t{suffix}")[0], twice)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_chunks_make_the_file_that_one_write_makes(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("tabgan.tables.writers.ROWS_AT_ONCE", 1)  # Parquet: equal row groups
    write_table(tmp_path / f"whole{suffix}", people(), SCHEMA)
    write_chunks(tmp_path / f"parts{suffix}", people())
    assert (tmp_path / f"whole{suffix}").read_bytes() == (tmp_path / f"parts{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_left_after_an_exception(tmp_path, suffix):
    twice = pd.concat([people(), people().assign(job="baker")])
    with pytest.raises(TabganError, match="column 'job': expected one of"):
        write_chunks(tmp_path / f"t{suffix}", twice)
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_survives_an_exception(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    with pytest.raises(TabganError), open_writer(path, SCHEMA) as writer:
        writer.write(pd.DataFrame())
    assert path.read_text() == "old"


def test_the_name_appears_when_the_file_is_whole(tmp_path):
    with open_writer(tmp_path / "t.csv", SCHEMA) as writer:
        writer.write(people())
        assert [path.name for path in tmp_path.iterdir()] == [".t.csv.part"]
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_gzip_files_hold_neither_name_nor_time(tmp_path):
    write_table(tmp_path / "t.csv.gz", people(), SCHEMA)
    head = (tmp_path / "t.csv.gz").read_bytes()[:8]
    assert head == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"  # no flags, time 0


def test_numbers_are_rounded_and_short(tmp_path):
    column = Column(name="pay", kind="numeric", decimals=2)
    table = pd.DataFrame({"pay": [1 / 3, 0.1 + 0.2, -0.001, 5.0, 1e20]})
    write_table(tmp_path / "t.csv", table, TableSchema(name="t", columns=(column,)))
    written = (tmp_path / "t.csv").read_text().split()
    assert written == ["pay", "0.33", "0.3", "0", "5", "1e+20"]


def test_full_precision_is_read_back_to_the_last_bit(tmp_path):
    column = Column(name="pay", kind="numeric")
    values = [1 / 3, 2.0**-1074, 1.7976931348623157e308, 0.1]
    schema = TableSchema(name="t", columns=(column,))
    write_table(tmp_path / "t.arff", pd.DataFrame({"pay": values}), schema)
    assert read_arff(tmp_path / "t.arff")[0]["pay"].tolist() == values


def test_a_missing_value_in_a_table_of_one_column_is_a_row(tmp_path):
    schema = TableSchema(name="t", columns=(Column(name="age", kind="integer", missing=True),))
    write_table(tmp_path / "t.csv", pd.DataFrame({"age": [1, None, 3]}), schema)
    assert len(read_csv(tmp_path / "t.csv")[0]) == 3


def test_labels_that_look_missing_survive_a_csv(tmp_path):
    column = Column(name="land", kind="nominal", categories=("NA", "?", "DE"))
    schema = TableSchema(name="t", columns=(column,))
    write_table(tmp_path / "t.csv", pd.DataFrame({"land": ["NA", "?", "DE"]}), schema)
    assert read_csv(tmp_path / "t.csv")[0]["land"].tolist() == ["NA", "?", "DE"]


def test_arff_dates_are_java_dates_with_milliseconds(tmp_path):
    schema = TableSchema(name="t", columns=(Column(name="d", kind="date"),))
    table = pd.DataFrame({"d": ["2020-01-31T01:02:03.004"]})
    write_table(tmp_path / "t.arff", table, schema)
    text = (tmp_path / "t.arff").read_text()
    assert "@ATTRIBUTE d DATE \"yyyy-MM-dd'T'HH:mm:ss.SSS\"" in text
    assert text.endswith("2020-01-31T01:02:03.004\n")
    pd.testing.assert_frame_equal(read_arff(tmp_path / "t.arff")[0], schema.conform(table))


def test_parquet_holds_the_restored_dtypes(tmp_path):
    columns = (
        Column(name="n", kind="integer", dtype="int32"),
        Column(name="m", kind="integer", missing=True, dtype="int8"),
        Column(name="b", kind="boolean", categories=("False", "True"), dtype="bool"),
        Column(name="c", kind="nominal", categories=("x", "y")),
    )
    schema = TableSchema(name="t", columns=columns)
    table = pd.DataFrame({"n": [1, 2], "m": [None, 1], "b": [True, False], "c": ["y", "y"]})
    with open_writer(tmp_path / "t.parquet", schema) as writer:
        writer.write(table.iloc[:1])
        writer.write(table.iloc[1:])
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert [str(dtype) for dtype in found.dtypes] == ["int32", "Int8", "bool", "category"]
    assert found["b"].tolist() == [True, False]


def test_no_rows_make_a_file_with_a_header(tmp_path):
    with open_writer(tmp_path / "t.parquet", SCHEMA):
        pass
    assert read_parquet(tmp_path / "t.parquet")[1] == SCHEMA


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(TabganError, match=r"t.xlsx: expected a file ending in one of \['.arff'"):
        write_table(tmp_path / "t.xlsx", people(), SCHEMA)


def test_an_absent_folder_is_named(tmp_path):
    with pytest.raises(TabganError, match=f"folder not found: {tmp_path}/none"):
        write_table(tmp_path / "none" / "t.csv", people(), SCHEMA)


def test_milliseconds_and_an_offset_are_written_as_they_came(tmp_path):
    text = "d\n2024-12-07T17:50:00.120+01:00\n2024-12-08T00:00:00.000+01:00\n"
    (tmp_path / "t.csv").write_text(text)
    table, schema = read_table(tmp_path / "t.csv")
    assert schema["d"].kind == "date"
    write_table(tmp_path / "u.csv", table, schema)
    assert (tmp_path / "u.csv").read_text() == text
    write_table(tmp_path / "u.arff", table, schema)
    pd.testing.assert_frame_equal(read_table(tmp_path / "u.arff")[0], table)


def test_a_date_code_that_java_lacks_is_refused_and_nothing_left(tmp_path):
    column = Column(name="d", kind="date", date_format="%U")
    with pytest.raises(TabganError, match="date format '%U': expected codes of"):
        write_table(tmp_path / "t.arff", pd.DataFrame(), TableSchema(name="t", columns=(column,)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [("plain", "plain"), ("a b", "'a b'"), ("", "''"), ("?", "'?'"), ("it's", r"'it\'s'"),
     ("50%", "'50%'"), ("a\nb", r"'a\nb'"), (" a", r"'\040a'"), ("München", "München")],
)  # fmt: skip
def test_values_are_quoted_where_they_need_it(text, written):
    assert quote_value(text) == written


def test_names_avoid_escapes_where_they_can():
    assert quote_name("it's odd") == '"it\'s odd"'
    assert quote_name('say "hi" now') == "'say \"hi\" now'"


# any table comes back

TEXT = st.text(
    st.one_of(
        st.sampled_from("'\"\\,%{}? \t\n\r\x00\x0b\x1c\x85\xa0\u2028\ufeffé€😀"),
        st.sampled_from(string.ascii_letters + string.digits),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=8,
)
# liac-arff strips quotes from both ends of a name and knows no escapes in it
PLAIN_NAME = st.text(st.sampled_from("ab é€%,{} ü.-_1"), min_size=1, max_size=8).filter(str.strip)


@st.composite
def tables(draw, names):
    names = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    n_rows = draw(st.integers(1, 5))
    columns, values = [], {}
    for name in names:
        kind = draw(st.sampled_from(["numeric", "integer", "nominal", "string"]))
        labels = ()
        if kind == "nominal":
            labels = tuple(draw(st.lists(TEXT, min_size=1, max_size=4, unique=True)))
        one = {
            "numeric": st.floats(allow_nan=False, allow_infinity=False),
            "integer": st.integers(-(2**53), 2**53),
            "nominal": st.sampled_from(labels or [""]),
            "string": TEXT.filter(lambda text: not is_marker(text)),  # missing, among numbers
        }[kind]
        columns.append(Column(name=name, kind=kind, categories=labels, missing=True))
        cells = draw(st.lists(st.none() | one, min_size=n_rows, max_size=n_rows))
        values[name] = pd.Series(cells, dtype="object")
    schema = TableSchema(name=draw(TEXT), columns=tuple(columns))
    return schema.conform(pd.DataFrame(values)), schema


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(case=tables(TEXT.filter(bool)))
def test_any_table_survives_arff(tmp_path_factory, case):
    table, schema = case
    path = tmp_path_factory.getbasetemp() / "any.arff.gz"
    write_table(path, table, schema)
    found, found_schema = read_arff(path)
    assert (found_schema.name, found_schema.names) == (schema.name, schema.names)
    pd.testing.assert_frame_equal(schema.conform(found), table)


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(case=tables(PLAIN_NAME))
def test_any_table_is_read_alike_by_liac(tmp_path_factory, case):
    table, schema = case
    path = tmp_path_factory.getbasetemp() / "liac.arff"
    write_table(path, table, schema)
    with path.open(encoding="utf-8") as stream:
        expected = arff.load(stream)
    assert [name for name, _ in expected["attributes"]] == list(schema.names)
    found = pd.DataFrame(expected["data"], columns=list(schema.names), dtype="object")
    pd.testing.assert_frame_equal(schema.conform(found), table)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(case=tables(TEXT.filter(bool)))
def test_any_table_survives_parquet(tmp_path_factory, case):
    table, schema = case
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    write_table(path, table, schema)
    found, found_schema = read_parquet(path)
    assert found_schema == schema
    pd.testing.assert_frame_equal(found, table)


def test_the_header_of_a_packed_file_is_plain_arff(tmp_path):
    write_table(tmp_path / "t.arff.gz", people(), SCHEMA)
    text = gzip.decompress((tmp_path / "t.arff.gz").read_bytes()).decode()
    assert text.splitlines()[:4] == [
        "@RELATION people",
        "",
        "@ATTRIBUTE age INTEGER",
        '@ATTRIBUTE "hours worked" NUMERIC',
    ]
