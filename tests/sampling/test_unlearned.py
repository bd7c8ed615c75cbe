"""Rows of a schema alone: kinds, bounds, categories, forms of ids and rules are kept."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.sampling import unlearned
from tabgan.sampling.unlearned import RowMaker
from tabgan.tables.readers import read_table
from tabgan.tables.schema import TableSchema

COLUMNS = [
    {"name": "id", "kind": "integer", "key": True},
    {"name": "code", "kind": "string"},
    {"name": "remark", "kind": "string"},
    {"name": "age", "kind": "integer"},
    {"name": "pay", "kind": "numeric", "decimals": 2, "missing": True},
    {"name": "exact", "kind": "numeric"},
    {"name": "job", "kind": "nominal", "categories": ["cook", "clerk", "smith"]},
    {"name": "member", "kind": "boolean", "categories": ["no", "yes"]},
    {"name": "start", "kind": "date", "date_format": "%d.%m.%Y"},
    {"name": "end", "kind": "date", "date_format": "%d.%m.%Y"},
    {"name": "clock", "kind": "date", "date_format": "%H:%M"},
]
RULES = [r'matches(code, "[A-C]\d{3}")', "18 <= age <= 65", "0 < pay < 1", "start <= end",
         'start >= "2024-01-01"', 'end < "2024-03-01"']  # fmt: skip


def drawn(columns=COLUMNS, rules=(), *, n=2_000, seed=0):
    schema = TableSchema.from_plain({"columns": columns, "constraints": list(rules)})
    maker = RowMaker(schema, seed=seed, n=n)
    return pd.concat(maker.pieces(), ignore_index=True), maker


@pytest.fixture(scope="module")
def rows():
    return drawn(rules=RULES)[0]


def test_every_column_has_its_kind_its_bounds_and_its_categories(rows):
    assert len(rows) == 2_000
    assert set(rows["age"]) == set(range(18, 66))  # each of 48 is left out once in e^42 draws
    assert rows["pay"].dropna().between(0.01, 0.99).all()
    assert (rows["pay"].dropna() * 100).round(6).mod(1).eq(0).all()
    assert rows["exact"].between(0, 100).all()
    assert rows["exact"].nunique() == 2_000
    assert rows["clock"].dt.normalize().unique() == pd.Timestamp("1900-01-01")


def test_categories_are_equally_frequent_and_a_tenth_of_the_cells_is_missing(rows):
    counts = rows["job"].value_counts()
    assert (counts - 2_000 / 3).abs().max() < 5 * (2_000 * 2 / 9) ** 0.5  # five deviations
    assert abs(rows["pay"].isna().sum() - 200) < 5 * 180**0.5
    assert rows.drop(columns="pay").notna().all(axis=None)


def test_ids_number_the_rows_or_are_of_their_form_and_come_once(rows):
    assert (rows["id"] == np.arange(1, 2_001)).all()
    assert rows["code"].map(lambda text: re.fullmatch(r"[A-C]\d{3}", text) is not None).all()
    assert rows["code"].is_unique
    assert rows["remark"].iloc[0] == "remark-000000001"


def test_declared_rules_are_kept(rows):
    assert (rows["start"] <= rows["end"]).all()
    assert rows["start"].min() >= pd.Timestamp("2024-01-01")
    assert rows["end"].max() < pd.Timestamp("2024-03-01")


def test_sums_combinations_and_flags_are_made_so():
    columns = [
        *({"name": name, "kind": "integer"} for name in ("net", "tax", "total", "a", "b", "km")),
        {"name": "city", "kind": "nominal", "categories": ["Bern", "Basel"]},
        {"name": "canton", "kind": "nominal", "categories": ["BE", "BS"]},
    ]
    pairs = [["Bern", "BE"], ["Basel", "BS"]]
    rules = [
        "total = net + tax",
        "one_hot(a, b)",
        "step(net, 5)",
        {"rule": "combination(city, canton)", "rows": pairs},
        {"rule": "follows(km, city)", "rows": [[7, "Bern"], [9, "Basel"]]},
    ]
    table, maker = drawn(columns, rules, n=500)
    assert (table["total"] == table["net"] + table["tax"]).all()
    assert (table["a"] + table["b"] == 1).all()
    assert (table["net"] % 5 == 0).all()
    assert {*zip(table["city"], table["canton"], table["km"], strict=True)} == {
        ("Bern", "BE", 7),
        ("Basel", "BS", 9),
    }
    assert maker.drawn.share == 1


def test_other_rules_are_kept_by_drawing_again_and_the_rate_is_known():
    columns = [{"name": "x", "kind": "integer"}]
    table, maker = drawn(columns, ["x % 2 == 0", "0 <= x <= 9"], n=3_000)
    assert set(table["x"]) == {0, 2, 4, 6, 8}
    assert abs(maker.drawn.share - 0.5) < 0.05


def test_the_same_seed_is_the_same_rows():
    one, other = (drawn(rules=RULES, n=300)[0] for _ in range(2))
    assert one.equals(other)
    assert not one.equals(drawn(rules=RULES, n=300, seed=1)[0])


def test_rules_that_hardly_a_row_keeps_are_given_up_by_name(monkeypatch):
    monkeypatch.setattr(unlearned, "LEAST_KEPT", 0.01)
    columns = [{"name": "x", "kind": "numeric"}]
    with pytest.raises(TabganError, match=r"0 keep all rules; fewest keep 'x == 3.5' \(0.0%\)"):
        drawn(columns, ["x == 3.5"], n=10)


@pytest.mark.parametrize(
    ("rules", "n", "says"),
    [
        (["combination(job, member)"], 10, "what goes together is learned from a table"),
        ([r'matches(code, "[A-C]\d")'], 31, "has 30 ids"),
        (["agee <= 3"], 10, "no column 'agee'; did you mean 'age'"),
        (["age < 3", "age > 4"], 10, "age"),
    ],
)
def test_what_cannot_be_kept_is_refused(rules, n, says):
    with pytest.raises(TabganError, match=says):
        drawn(rules=rules, n=n)


@pytest.fixture
def schema_file(tmp_path):
    plain = {"name": "people", "columns": COLUMNS, "constraints": RULES}
    (tmp_path / "people.schema.json").write_text(json.dumps(plain))
    return tmp_path / "people.schema.json"


def test_the_command_writes_rows_that_are_read_in_the_schema(schema_file, command, tmp_path):
    ended = command("sample", f"schema={schema_file}", "n=100", "seed=3")
    assert ended.status == 0, ended.err
    assert "not learned from any data" in ended.out
    path = tmp_path / "people_rows_seed3.csv"
    table, _ = read_table(path, schema_path=schema_file)
    assert len(table) == 100
    sidecar = json.loads(path.with_name(f"{path.name}.json").read_text("utf-8"))
    assert (sidecar["learned"], sidecar["rows"]) == (False, 100)
    assert command("sample", f"schema={schema_file}", "n=100", "seed=3", "out=2.csv").status == 0
    assert (tmp_path / "2.csv").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("run=there", "schema= and run"),
        ("refine=true", "schema= and refine"),
        ("check=true", "schema= and check"),
        ("mix=yes:1", "schema= and mix"),
    ],
)
def test_what_needs_a_run_is_refused(schema_file, command, word, says):
    ended = command("sample", f"schema={schema_file}", word)
    assert (ended.status, says in ended.err) == (1, True)


def test_a_file_that_is_no_schema_is_named(command, tmp_path):
    (tmp_path / "s.json").write_text("{}")
    ended = command("sample", "schema=s.json")
    assert (ended.status, "s.json: schema: expected an object" in ended.err) == (1, True)
