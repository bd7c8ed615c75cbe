"""Cells that stand for a missing one, in every way that programs and people write them."""

import io

import numpy as np
import pandas as pd
import pytest

from tabgan.tables.markers import MARKERS
from tabgan.tables.profile import infer_schema
from tabgan.tables.readers import read_arff, read_csv, read_table
from tabgan.tables.readers.pieces import read_pieces, survey
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import write_table

# what pandas.read_csv takes for missing (its documentation), and a spreadsheet's errors
OF_PANDAS = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
OF_SPREADSHEETS = ["#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"]
N = 60


def numbers(n=N):
    """Row i: i and a half."""
    return [f"{i}.5" for i in range(n)]


def dates(n=N):
    return [f"2020-01-{1 + i % 28:02}" for i in range(n)]


def write(folder, text, name="t.csv"):
    (folder / name).write_text(text, "utf-8")
    return folder / name


def csv_of(folder, **columns):
    lines = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    return write(folder, "\n".join(lines) + "\n")


def with_some(values, *texts):
    """``texts`` in rows 3, 10, 17, ..."""
    values = list(values)
    for position, text in enumerate(texts):
        values[3 + 7 * position] = text
    return values


@pytest.mark.parametrize("marker", [*OF_PANDAS, *OF_SPREADSHEETS, "NaT", "?", "\\N"])
def test_a_marker_in_a_csv_is_missing_among_numbers_dates_and_labels(tmp_path, marker):
    labels = ["yes", "no"] * (N // 2)
    columns = {"pay": numbers(), "day": dates(), "label": labels}
    path = csv_of(tmp_path, **{n: with_some(v, marker, marker) for n, v in columns.items()})
    table, schema = read_csv(path)
    assert [c.kind for c in schema.columns] == ["numeric", "date", "nominal"]
    assert table.isna().sum().tolist() == [2, 2, 2]
    assert schema["label"].categories == ("no", "yes")


@pytest.mark.parametrize(
    "marker", ["-", "--", ".", "..", "none", "NONE", "missing", "n.a.", "k.A."]
)
def test_further_markers_are_missing_among_numbers_and_dates_but_labels_elsewhere(tmp_path, marker):
    labels = with_some(["yes", "no"] * (N // 2), marker)
    path = csv_of(
        tmp_path, pay=with_some(numbers(), marker), day=with_some(dates(), marker), l=labels
    )
    table, schema = read_csv(path)
    assert [c.kind for c in schema.columns] == ["numeric", "date", "nominal"]
    assert table.isna().sum().tolist() == [1, 1, 0]
    assert marker in schema["l"].categories


def test_markers_come_back_as_they_were_written(tmp_path):
    path = csv_of(
        tmp_path,
        pay=with_some(numbers(), "N/A", "N/A"),
        job=with_some(["cook", "clerk"] * (N // 2), "?"),
        day=with_some(dates(), "-"),
        age=with_some(map(str, range(N)), ""),
    )
    table, schema = read_csv(path)
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == path.read_text()


def test_of_two_markers_the_more_frequent_comes_back(tmp_path):
    path = csv_of(tmp_path, pay=with_some(numbers(), "-", "N/A", "-", "-", "N/A"), b=numbers())
    table, schema = read_csv(path)
    assert schema["pay"].missing_values == ("-", "N/A")
    write_table(tmp_path / "back.csv", table, schema)
    assert read_csv(tmp_path / "back.csv")[0].equals(table)
    assert (tmp_path / "back.csv").read_text().count("-,") == 5


def test_markers_are_told_once_a_table(tmp_path, caplog):
    caplog.set_level("INFO")
    read_csv(csv_of(tmp_path, a=with_some(numbers(), "N/A"), b=with_some(numbers(), "N/A", "-")))
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]
    assert "'N/A' is read as missing in a, b" in caplog.text
    assert "'-' is read as missing in b" in caplog.text


def test_a_word_among_numbers_means_missing_with_a_warning_and_comes_back(tmp_path, caplog):
    path = csv_of(tmp_path, pay=with_some(numbers(), "confidential", "confidential"), b=numbers())
    table, schema = read_csv(path)
    assert (schema["pay"].kind, table["pay"].isna().sum()) == ("numeric", 2)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "column 'pay' holds numbers but for 'confidential', read as missing" in record.message
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == path.read_text()


def test_a_slip_among_many_dates_means_missing_with_a_warning(tmp_path, caplog):
    days = [str(day.date()) for day in pd.date_range("2001-01-01", periods=300)]
    table, schema = read_csv(csv_of(tmp_path, day=with_some(days, "2001-02-30", "soon"), b=days))
    assert (schema["day"].kind, table["day"].isna().sum()) == ("date", 2)
    assert "column 'day' holds dates but for '2001-02-30', 'soon'" in caplog.text


def test_words_among_few_numbers_are_labels(tmp_path):
    doors = ["2", "3", "4", "5more"] * 15
    _, schema = read_csv(csv_of(tmp_path, doors=doors, b=numbers()))
    assert schema["doors"].categories == ("2", "3", "4", "5more")


def test_many_words_among_numbers_are_labels(tmp_path):
    codes = [f"V{i % 12}" if i % 3 == 0 else str(200 + i) for i in range(N)]
    assert read_csv(csv_of(tmp_path, code=codes, b=numbers()))[1]["code"].kind == "string"


def test_a_schema_file_may_declare_a_number_missing(tmp_path):
    path = csv_of(tmp_path, pay=with_some(numbers(), "-999", "-999"), b=numbers())
    table, schema = read_csv(path)
    column = Column(name="pay", kind="numeric", missing_values=("-999",), decimals=1)
    TableSchema(name="t", columns=(column, schema["b"])).save(tmp_path / "t.csv.schema.json")
    table, schema = read_table(path)
    assert (table["pay"].isna().sum(), table["pay"].min()) == (2, 0.5)
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == path.read_text()


@pytest.mark.parametrize("code", ["-9", "-999", "99999"])
def test_a_number_like_a_code_for_missing_is_named(tmp_path, caplog, code):
    caplog.set_level("INFO")
    read_table(csv_of(tmp_path, pay=with_some(numbers(), code, code), b=numbers()))
    assert f"column 'pay': {code} in 2 rows is far from all other values" in caplog.text


def test_ordinary_numbers_are_no_codes(tmp_path, caplog):
    caplog.set_level("INFO")
    read_table(csv_of(tmp_path, a=map(str, range(40, 100)), b=[str(i - 30) for i in range(N)]))
    assert "far from" not in caplog.text


def test_na_among_country_codes_is_a_country(tmp_path, caplog):
    caplog.set_level("INFO")
    codes = with_some(["DE", "FR", "US"] * (N // 3), "NA", "NA")
    path = csv_of(tmp_path, country=codes, pay=with_some(numbers(), "NA"))
    table, schema = read_csv(path)
    assert schema["country"].categories == ("DE", "FR", "NA", "US")
    assert (table["country"].isna().sum(), table["pay"].isna().sum()) == (0, 1)
    assert "column 'country' holds codes of two letters: NA is one of them" in caplog.text
    assert read_csv(path, schema=schema)[0].equals(table)
    write_table(tmp_path / "back.csv", table, schema)
    assert read_csv(tmp_path / "back.csv")[0].equals(table)


def test_na_among_words_is_missing(tmp_path):
    table, schema = read_csv(csv_of(tmp_path, size=with_some(["Small", "Tall"] * 30, "NA")))
    assert (schema["size"].categories, table["size"].isna().sum()) == (("Small", "Tall"), 1)


def test_an_empty_cell_among_country_codes_stays_missing(tmp_path):
    codes = with_some(["DE", "FR", "US"] * (N // 3), "NA", "NA", "")
    table, schema = read_csv(csv_of(tmp_path, country=codes, b=numbers()))
    assert (table["country"].isna().sum(), "NA" in schema["country"].categories) == (1, True)


def test_a_quoted_na_is_a_label_beside_an_unquoted_one_that_is_missing(tmp_path):
    path = write(tmp_path, 'a,b\n"NA",1\nx,2\nNA,3\n')
    table, schema = read_csv(path)
    assert table["a"].tolist()[:2] == ["NA", "x"]
    assert table["a"].isna().tolist() == [False, False, True]
    assert read_csv(path, schema=schema)[0].equals(table)
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == 'a,b\n"NA",1\nx,2\n,3\n'


def test_pieces_of_a_file_know_the_same_missing_cells(tmp_path, monkeypatch):
    monkeypatch.setattr("tabgan.tables.readers.pieces.BLOCK_BYTES", 2_048)
    n = 10 * N
    path = csv_of(
        tmp_path,
        pay=with_some(numbers(n), "N/A", "-", "confidential"),
        country=with_some(["DE", "FR", "US"] * (n // 3), "NA"),
        day=with_some(dates(n), "n/a"),
    )
    table, schema = read_csv(path)
    found, n_rows = survey(path)
    assert n_rows == n
    assert [(c.kind, c.missing, c.categories) for c in found.columns] == [
        (c.kind, c.missing, c.categories) for c in schema.columns
    ]
    assert set(found["pay"].missing_values) == {"N/A", "-", "confidential"}
    pieces = list(read_pieces(path, found))
    assert len(pieces) > 3
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), table)


ARFF = """@relation r
@attribute a numeric
@attribute b {x, y}
@attribute c date yyyy-MM-dd
@data
1.5,x,2020-01-31
NA,NA,n/a
?,?,?
"""


def test_markers_in_an_arff_file_are_missing_where_they_are_no_value(tmp_path, caplog):
    caplog.set_level("INFO")
    table, schema = read_arff(write(tmp_path, ARFF, "t.arff"))
    assert table.isna().sum().tolist() == [2, 2, 2]
    assert "'NA' is read as missing in a, b" in caplog.text
    write_table(tmp_path / "back.arff", table, schema)
    assert (tmp_path / "back.arff").read_text().endswith("1.5,x,2020-01-31\n?,?,?\n?,?,?\n")


def test_a_declared_label_na_of_an_arff_file_is_a_label(tmp_path):
    text = "@relation r\n@attribute b {NA, y}\n@data\nNA\ny\n?\n"
    assert read_arff(write(tmp_path, text, "t.arff"))[0]["b"].isna().tolist() == [
        False,
        False,
        True,
    ]


FRAMES = {
    "text": pd.Series(with_some(numbers(), " ", " ", " ")),
    "objects": pd.Series(with_some([i + 0.5 for i in range(N)], " ", " "), dtype=object),
    "words": pd.Series(with_some(numbers(), "N/A", "-", "unknown")),
    "one word": pd.Series(with_some([i + 0.5 for i in range(N)], "<5"), dtype=object),
    "nullable": pd.Series(with_some(numbers(), " ", None), dtype="string"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_numeric_column_of_a_dataframe_with_a_few_texts_is_numeric(name):
    table = pd.DataFrame({"pay": FRAMES[name]})
    schema = infer_schema(table, name="t")
    rows = schema.conform(table)
    assert (schema["pay"].kind, schema["pay"].missing) == ("numeric", True)
    expected = pd.to_numeric(FRAMES[name], errors="coerce").to_numpy("float64", na_value=np.nan)
    np.testing.assert_array_equal(rows["pay"], expected)


def test_blanks_in_text_come_back():
    table = pd.DataFrame({"pay": FRAMES["text"]})
    schema = infer_schema(table, name="t")
    pd.testing.assert_frame_equal(schema.restore(schema.conform(table)), table)


def test_digits_and_a_marker_in_a_dataframe_are_labels_where_they_are_few():
    answers = with_some(["1", "2", "3", "4", "5"] * 12, "N/A")
    assert "N/A" in infer_schema(pd.DataFrame({"a": answers}), name="t")["a"].categories


def test_dates_of_a_dataframe_with_a_few_texts_are_dates():
    days = with_some(pd.date_range("2020-01-01", periods=N).date, "", "unknown")
    table = pd.DataFrame({"day": pd.Series(days, dtype=object)})
    schema = infer_schema(table, name="t")
    assert schema["day"].kind == "date"
    assert schema.conform(table)["day"].isna().sum() == 2


def test_booleans_of_a_dataframe_with_a_marker_are_booleans():
    table = pd.DataFrame({"ok": pd.Series([True, False, "N/A"], dtype=object)})
    schema = infer_schema(table, name="t")
    assert schema.restore(schema.conform(table))["ok"].tolist() == [True, False, pd.NA]


def test_rows_to_evaluate_may_hold_markers_that_the_training_table_has_not():
    schema = infer_schema(pd.DataFrame({"pay": [1.5, 2.5], "day": ["2020-01-31"] * 2}), name="t")
    other = pd.DataFrame({"pay": ["1.5", " "], "day": ["N/A", "2020-01-31"]})
    assert schema.with_missing(["pay", "day"]).conform(other).isna().sum().tolist() == [1, 1]


def test_all_of_pandas_markers_are_known():
    table = pd.read_csv(io.StringIO("a\n" + "\n".join(f"{text},x" for text in OF_PANDAS)))
    assert table.index.isna().all()  # that these are all of them is what its documentation says
    assert set(OF_PANDAS) <= set(MARKERS)


def test_text_that_is_mostly_numbers_is_named_in_a_warning(tmp_path, caplog, monkeypatch):
    codes = [f"V{i}" if i % 6 == 0 else str(200 + i) for i in range(N)]
    path = csv_of(tmp_path, code=codes, b=numbers())
    _, schema = read_csv(path)
    assert schema["code"].kind == "string"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "column 'code' is text: most of it is numbers, but for 'V0', 'V6', 'V12' and 7 more" in (
        record.message
    )
    caplog.clear()
    monkeypatch.setattr("tabgan.tables.readers.pieces.BLOCK_BYTES", 300)
    assert survey(path)[0] == schema
    assert len(caplog.records) == 1  # of two pieces
