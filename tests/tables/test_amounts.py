"""Numbers in the forms that people write, and back."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tabgan.errors import TabganError
from tabgan.tables.amounts import NumberForm, found_number_form
from tabgan.tables.conditions import read_requested
from tabgan.tables.profile import infer_schema
from tabgan.tables.readers import read_arff, read_csv
from tabgan.tables.readers.pieces import read_pieces, survey
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import write_table

NARROW = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK = "\N{NO-BREAK SPACE}"
# texts, the form that is found, the numbers
FORMS = {
    "dollars": (["$71,964.00", "$5.00", "-$12.50"], "$1,234,567.50", [71964, 5, -12.5]),
    "pounds": (["£5", "£1,250", "£1,000,000"], "£1,234,567.#", [5, 1250, 1_000_000]),
    "euros behind": (["1.234,56 €", "12,00 €"], "1.234.567,50 €", [1234.56, 12]),
    "whole euros": (["1.234 €", "12.500 €", "999 €"], "1.234.567,# €", [1234, 12500, 999]),
    "kroner": (["1 234,5 kr", "12 kr", "7,25 kr"], "1 234 567,# kr", [1234.5, 12, 7.25]),
    "francs": (["1'234.50 CHF", "12.00 CHF"], "1'234'567.50 CHF", [1234.5, 12]),
    "reais": (["R$ 1.234,00", "R$ 5,00"], "R$ 1.234.567,50", [1234, 5]),
    "codes": (["USD 5", "USD 1,000"], "USD 1,234,567.#", [5, 1000]),
    "lakh": (["₹12,34,567", "₹5,000", "₹999"], "₹12,34,567.#", [1234567, 5000, 999]),
    "percent": (["12.5 %", "3 %", "100 %"], "1234567.# %", [12.5, 3, 100]),
    "per cent": (["12.5%", "3.0%", "-1.25%"], "1234567.5%", [12.5, 3, -1.25]),
    "signed": (["+5.2%", "-3.1%"], "+1234567.5%;-1234567.5%", [5.2, -3.1]),
    "parentheses": (["(5.00)", "12.30"], "1234567.50;(1234567.50)", [-5, 12.3]),
    "dollars below": (["($5.00)", "$1,012.30"], "$1,234,567.50;($1,234,567.50)", [-5, 1012.3]),
    "minus inside": (["$-5.00", "$3.00"], "$1234567.50;$-1234567.50", [-5, 3]),
    "minus behind": (["5.00-", "12.30"], "1234567.50;1234567.50-", [-5, 12.3]),
    "spaces": (["1 234 567", "89 000", "12"], "1 234 567.#", [1234567, 89000, 12]),
    "no-break": ([f"1{NO_BREAK}234,5", "7"], f"1{NO_BREAK}234{NO_BREAK}567,#", [1234.5, 7]),
    "narrow": ([f"1{NARROW}234 €", "7 €"], f"1{NARROW}234{NARROW}567.# €", [1234, 7]),
    "commas": (["1,234", "999", "1,000,000"], "1,234,567.#", [1234, 999, 1_000_000]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_found_read_and_written_back(name):
    texts, example, expected = FORMS[name]
    form = found_number_form(texts)
    assert form.example == example
    assert NumberForm.of(example) == form
    numbers, wrong = form.parse(pa.array(texts))
    assert (numbers.to_pylist(), wrong.any()) == (expected, False)
    assert form.write(pd.Series(expected, dtype="float64"), None).to_pylist() == texts


def test_units_are_numbers_where_they_are_many():
    texts = [f"{i / 2} km" for i in range(30)]
    assert found_number_form(texts).example == "1234567.5 km"
    assert found_number_form(["3 rooms", "4 rooms"]) is None


@pytest.mark.parametrize(
    "texts",
    [
        ["C-0042", "C-0043"], ["18-24", "25-30"], ["10.0.0.1"], ["01067", "99999"], ["1.2.2020"],
        ["1,2", "1,2,3"], ["3/4"], ["(1", "2)"], ["$5", "€5"], ["1,23,4"], ["12:30"], ["v1.2"],
        ["#5", "#6"],
    ],
)  # fmt: skip
def test_labels_ids_and_dates_are_no_amounts(texts):
    assert found_number_form(texts) is None


def test_plain_numbers_are_read_in_any_form():
    numbers, wrong = NumberForm.of("1.234.567,50 €").parse(
        pa.array(["5000", "1.234,50 €", None, "x"])
    )
    assert numbers.to_pylist() == [5000, 1234.5, None, None]
    assert wrong.tolist() == [False, False, False, True]


def test_digits_are_grouped_to_the_end_and_zeros_filled_in():
    form = NumberForm.of("1,234,567.50")
    values = pd.Series([1234567890123.5, 999.0, 1000.125, np.nan, -1e6, 1e300])
    assert form.write(values, None).to_pylist() == [
        "1,234,567,890,123.50", "999.00", "1,000.125", None, "-1,000,000.00", "1e+300",
    ]  # fmt: skip
    assert NumberForm.of("12,34,567.#").write(values[:1], None).to_pylist() == [
        "12,34,56,78,90,123.5"
    ]


@pytest.mark.parametrize("wrong", ["", "5", "$1,234.50", "1234567", "x1234567.50x5"])
def test_what_writes_no_number_is_refused(wrong):
    with pytest.raises(TabganError, match=r"expected how 1234567.5 is written"):
        NumberForm.of(wrong)


N = 60


def amounts(step=1_234.5):
    return [f"${step * i:,.2f}" for i in range(N)]


def test_amounts_in_a_csv_are_numbers_and_come_back(tmp_path):
    path = tmp_path / "t.csv"
    quoted = [f'"{pay}"' if "," in pay else pay for pay in amounts()]
    rows = [f"{pay},{i / 5:.1f} %,{i}.0,{i / 4:.2f}" for i, pay in enumerate(quoted)]
    path.write_text("\n".join(["pay,rate,whole,fixed", *rows]) + "\n")
    table, schema = read_csv(path)
    assert table["pay"].tolist() == [1_234.5 * i for i in range(N)]
    assert [c.kind for c in schema.columns] == ["numeric", "numeric", "integer", "numeric"]
    assert [c.number_format for c in schema.columns] == [
        "$1,234,567.50", "1234567.5 %", "1234567.5", "1234567.50",
    ]  # fmt: skip
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == path.read_text()


def test_amounts_in_pieces_are_those_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tabgan.tables.readers.pieces.BLOCK_BYTES", 400)
    path = tmp_path / "t.csv"
    path.write_text(
        "\n".join(["a\tb", *(f"{pay}\t{i}.0" for i, pay in enumerate(amounts(7)))]) + "\n"
    )
    path = path.rename(tmp_path / "t.tsv")
    table, schema = read_csv(path)
    assert schema["a"].number_format == "$1234567.50"
    found, _ = survey(path)
    assert found == schema
    pieces = list(read_pieces(path, schema))
    assert len(pieces) > 1
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), table)


def test_amounts_that_repeat_are_labels(tmp_path):
    (tmp_path / "t.csv").write_text("price,b\n" + "5 €,1\n10 €,2\n" * 20)
    assert read_csv(tmp_path / "t.csv")[1]["price"].categories == ("10 €", "5 €")


def test_amounts_in_a_dataframe_come_back_as_text():
    table = pd.DataFrame({"pay": amounts()})
    schema = infer_schema(table, name="t")
    assert (schema["pay"].kind, schema["pay"].decimals) == ("numeric", 1)
    pd.testing.assert_frame_equal(schema.restore(schema.conform(table)), table)


def test_digits_in_a_dataframe_are_numbers_where_they_are_too_many_for_labels():
    table = pd.DataFrame(
        {"pay": [f"{i}.50" for i in range(N)], "grade": ["1", "2", "3"] * (N // 3)}
    )
    schema = infer_schema(table, name="t")
    assert [c.kind for c in schema.columns] == ["numeric", "nominal"]
    pd.testing.assert_frame_equal(schema.restore(schema.conform(table)), table)


def test_amounts_in_a_string_attribute_are_numbers_and_stay_strings(tmp_path):
    rows = "".join(f"'{pay}'\n" for pay in amounts())
    (tmp_path / "t.arff").write_text(f"@relation r\n@attribute pay string\n@data\n{rows}")
    table, schema = read_arff(tmp_path / "t.arff")
    assert (schema["pay"].kind, table["pay"].sum()) == ("numeric", 1_234.5 * N * (N - 1) / 2)
    write_table(tmp_path / "back.arff", table, schema)
    lines = (tmp_path / "back.arff").read_text().splitlines()
    assert lines[2] == "@ATTRIBUTE pay STRING"
    assert lines[-1] == "'$72,835.50'"


def test_numbers_of_an_arff_file_keep_their_last_zeros(tmp_path):
    text = "@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n63.0,5.10\n64.0,7.00\n"
    (tmp_path / "t.arff").write_text(text)
    table, schema = read_arff(tmp_path / "t.arff")
    assert (schema["a"].kind, schema["b"].kind) == ("integer", "numeric")
    write_table(tmp_path / "back.arff", table, schema)
    assert (tmp_path / "back.arff").read_text().endswith("63.0,5.10\n64.0,7.00\n")


def test_amounts_are_plain_numbers_in_an_arff_file(tmp_path):
    schema = infer_schema(pd.DataFrame({"pay": amounts()}), name="t", keep_dtypes=False)
    write_table(tmp_path / "t.arff", pd.DataFrame({"pay": [1234.5]}), schema)
    assert (tmp_path / "t.arff").read_text().endswith("@ATTRIBUTE pay NUMERIC\n\n@DATA\n1234.50\n")


@pytest.mark.parametrize(
    ("requested", "spans"),
    [("$5,000.00", (5000, 5000)), ("5000", (5000, 5000)), ("$1,000..$2,000", (1000, 2000))],
)
def test_amounts_can_be_asked_for_in_their_form(requested, spans):
    column = Column(name="pay", kind="numeric", number_format="$1,234,567.50")
    assert read_requested(column, requested).spans == (spans,)


def test_a_marker_of_the_column_asks_for_missing():
    column = Column(name="pay", kind="numeric", missing=True, missing_values=("N/A",))
    assert read_requested(column, "N/A").missing


def test_forms_survive_a_schema_file(tmp_path):
    columns = (
        Column(name="a", kind="numeric", number_format="$1,234,567.50", missing_values=("-", "?")),
        Column(name="b", kind="date", date_format="%-d.%-m.%Y"),
    )
    schema = TableSchema(name="t", columns=columns)
    schema.save(tmp_path / "schema.json")
    assert TableSchema.load(tmp_path / "schema.json") == schema
    (tmp_path / "wrong.json").write_text(
        (tmp_path / "schema.json").read_text().replace("$1,234,567.50", "$1")
    )
    with pytest.raises(TabganError, match=r"column 'a': number_format '\$1': expected how"):
        TableSchema.load(tmp_path / "wrong.json")
