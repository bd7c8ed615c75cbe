"""A hundred broken files of each sort (``make fuzz``: thousands), and what they have found."""

import csv
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabgan.config.opening import open_run
from tabgan.encoding.state import load_state, save_state
from tabgan.errors import TabganError
from tabgan.tables.conditions import read_requested
from tabgan.tables.readers import read_arff, read_csv
from tabgan.tables.readers.pieces import read_pieces
from tabgan.tables.schema import Column, TableSchema

SCRIPT = Path(__file__).parents[1] / "scripts" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    sys.modules["fuzz"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True)
@given(number=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("kind", ["arff", "csv", "pieces", "schema", "where"])
def test_what_is_broken_is_read_as_the_reference_reads_it_or_refused(
    fuzz, tmp_path_factory, kind, number
):
    folder = tmp_path_factory.getbasetemp()
    assert fuzz.outcome(fuzz.CASES[kind], kind, 0, number, folder)


@pytest.mark.slow
def test_a_broken_run_folder_draws_the_same_rows_or_is_refused(fuzz, trained, tmp_path):
    case = fuzz.Runs(trained, trained)
    found = {fuzz.outcome(case, "run", 0, number, tmp_path) for number in range(12)}
    assert found == {fuzz.EQUAL, fuzz.REFUSED}


@pytest.mark.parametrize("kind", ["arff", "csv"])
def test_what_is_whole_is_equal(fuzz, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(fuzz, "mutated", lambda content, rng: content)
    for number in range(20):
        assert fuzz.outcome(fuzz.CASES[kind], kind, 0, number, tmp_path) == fuzz.EQUAL


def test_a_wrong_value_and_a_hang_are_found(fuzz, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 0.01)
    with pytest.raises(fuzz.Wrong):
        fuzz.check_csv_value(3, "4", is_exact=True)
    with pytest.raises(fuzz.Wrong):
        fuzz.check_arff_value(np.nan, "x", ["x"])

    def endless(*_):
        while True:
            pass

    with pytest.raises(fuzz.Hang):
        fuzz.outcome(endless, "csv", 0, 0, tmp_path)


# what the fuzz has found


def read(folder, text, name="t.csv"):
    (folder / name).write_bytes(text.encode())
    return (read_csv if name.endswith("csv") else read_arff)(folder / name)[0]


def test_a_quote_inside_a_value_opens_nothing(tmp_path):
    table = read(tmp_path, 'a,b\n20"0,1\n"x"" , y",2\n')
    assert table["a"].tolist() == ['20"0', 'x" , y']


def test_the_last_line_of_a_file_in_pieces_may_be_a_control_character(tmp_path):
    table = read(tmp_path, "a\nx\n\x0b\n")
    schema = read_csv(tmp_path / "t.csv")[1]
    assert table["a"].tolist() == ["x", "\x0b"]
    assert pd.concat(read_pieces(tmp_path / "t.csv", schema))["a"].tolist() == ["x", "\x0b"]


def test_whole_numbers_beyond_float_precision_are_exact_beside_ones_with_a_point(tmp_path):
    table = read(tmp_path, "a\n9007199254740993\n2.0\n1e3\n-9007199254740993.0\n")  # 2**53 + 1
    assert table["a"].tolist() == [9007199254740993, 2, 1000, -9007199254740993]


def test_a_whole_number_beyond_float64_stays_exact_beside_a_plus_sign(tmp_path):
    table = read(tmp_path, "a\n9007199254740993\n+1\n")  # 2**53 + 1; Arrow reads no plus
    assert table["a"].tolist() == [9007199254740993, 1]


def test_a_part_of_a_date_that_stands_twice_in_its_format_is_refused(tmp_path):
    text = "@relation r\n@attribute d date 'MM-MM'\n@data\n'01-01'\n"
    with pytest.raises(TabganError, match=r"column 'd': date format '%m-%m': redefinition"):
        read(tmp_path, text, "t.arff")


NUMBER = Column(name="x", kind="numeric")
DATE = Column(name="x", kind="date")


@pytest.mark.parametrize("text", ["1_000", "\uff11\uff12", "\u0663", "infinity", "0x1F", ""])
def test_a_condition_takes_no_number_that_python_alone_reads(text):
    with pytest.raises(TabganError, match="expected a number"):
        read_requested(NUMBER, text)


@pytest.mark.parametrize("value", ["now", "today", "1/2/2020", "T00:00", "", "2020-02-2", 5])
def test_a_condition_takes_no_date_that_is_not_iso_8601(value):
    with pytest.raises(TabganError, match="expected an ISO 8601 date"):
        read_requested(DATE, value)


def test_a_condition_takes_a_year_and_a_month():
    ((first, _),) = read_requested(DATE, "2020-01-01").spans
    assert [read_requested(DATE, text).spans[0][0] for text in ("2020", "2020-01")] == [
        first,
        first,
    ]


ODD = {
    "name": ({"name": 5}, "'name': expected text, got 5"),
    "target": ({"target": ["x"]}, "'target': expected text"),
    "categories": ({"categories": "ab"}, "'x': 'categories': expected a list, got 'ab'"),
    "a category": ({"categories": [["a"]]}, r"'x': a category: expected text, got \['a'\]"),
    "a truth": ({"categories": [True]}, "'x': a category: expected text, got True"),
    "decimals": ({"decimals": "two"}, "'decimals': expected a whole number, got 'two'"),
    "many": ({"decimals": 400}, "'x': expected 0 to 20 decimals, got 400"),
    "missing": ({"missing": "false"}, "'missing': expected true or false, got 'false'"),
    "dtype": ({"dtype": "int"}, "'x': its values cannot be given back as int"),
    "two lines": ({"dtype": "bo\nol"}, "'x': its values cannot be given back as bo ol: "),
    "no dtype": ({"dtype": "Int1>"}, "'x': its values cannot be given back as Int1>"),
    "format": ({"kind": "date", "date_format": "%Q"}, "'x': date format '%Q'"),
    "surrogate": ({"categories": ["\ud83d"]}, "half of a surrogate pair is no text"),
}


@pytest.mark.parametrize(("changed", "told"), ODD.values(), ids=ODD.keys())
def test_a_schema_with_a_field_of_another_type_is_refused(tmp_path, changed, told):
    column = {"name": "x", "kind": "nominal", "categories": ["a", "b"]}
    plain = {"name": "t", "columns": [column]}
    for key, value in changed.items():
        (plain if key in ("name", "target") else column)[key] = value
    (tmp_path / "s.json").write_text(json.dumps(plain))
    with pytest.raises(TabganError, match=told):
        TableSchema.load(tmp_path / "s.json")


@pytest.mark.parametrize("text", ["[" * 5_000, '{"columns": ' + "7" * 5_000 + "}"])
def test_json_that_goes_too_far_is_refused(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(TabganError, match=r"s.json: not a JSON schema"):
        TableSchema.load(tmp_path / "s.json")


def test_a_value_that_its_dtype_cannot_hold_is_not_wrapped_around():
    schema = TableSchema(name="t", columns=(Column(name="n", kind="integer", dtype="int8"),))
    rows = schema.conform(pd.DataFrame({"n": [1, 300]}))
    with pytest.raises(TabganError, match="cannot be given back as int8: one is 300"):
        schema.restore(rows)


def test_arrays_of_another_state_are_refused(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        save_state(tmp_path / name, {"edges": np.full(3, len(name))})
    assert load_state(tmp_path / "one")["edges"].tolist() == [3, 3, 3]
    shutil.copy(tmp_path / "other" / "arrays.npz", tmp_path / "one")
    with pytest.raises(TabganError, match=r"arrays.npz is not the one that state.json was written"):
        load_state(tmp_path / "one")


def test_an_empty_file_of_arrays_is_refused(tmp_path):
    save_state(tmp_path, {"edges": np.ones(3)})
    (tmp_path / "arrays.npz").write_bytes(b"")
    with pytest.raises(TabganError, match="not an encoder's state"):
        load_state(tmp_path)


def test_a_finished_run_whose_refiner_lost_its_state_is_refused(run_copy):
    if not (run_copy / "refiner" / "arrays.npz").is_file():
        (run_copy / "refiner").mkdir(exist_ok=True)
        (run_copy / "refiner" / "arrays.npz").write_bytes(b"")
    (run_copy / "refiner" / "state.json").unlink(missing_ok=True)
    with pytest.raises(TabganError, match=r"refiner: state\.json is missing"):
        open_run(run_copy)


@pytest.mark.parametrize("key", ["model", "penalty", "loss"])
def test_a_configuration_that_was_cut_off_is_refused(run_copy, key):
    config = run_copy / ".hydra" / "config.yaml"
    text = config.read_text("utf-8")
    config.write_text(text[: text.index(f"\n{key}:") + 1] + f"{key}:\n", "utf-8")
    with pytest.raises(TabganError, match=r"config.yaml: not a run's configuration"):
        open_run(run_copy)


def test_a_field_as_long_as_the_limit_of_the_csv_module_is_refused(tmp_path):
    long = "x" * (csv.field_size_limit() + 1)
    with pytest.raises(TabganError, match="not a CSV file: field larger than field limit"):
        read(tmp_path, f"{long},b\n1,2\n")
