"""One table for all: the files, and the rows that come back."""

from dataclasses import replace

import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tabgan.errors import TabganError
from tabgan.studies.prepared import halved, prepare
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="pets",
    target="kind",
    columns=(
        Column(name="age", kind="integer", missing=True),
        Column(name="weight", kind="numeric", decimals=1),
        Column(name="name", kind="string"),
        Column(name="kind", kind="nominal", categories=("cat", "dog"), missing=True),
    ),
)
PETS = replace(SCHEMA.columns[3], name="pet's")
ROWS = pd.DataFrame(
    {
        "age": [1, None, 7],
        "weight": [0.5, 2.5, 3.1],
        "name": ["Ann", "Bo", "Cy"],
        "kind": ["cat", "dog", None],
    }
)


@pytest.fixture
def pets(tmp_path):
    rows = SCHEMA.conform(ROWS)
    return prepare("pets", rows, rows.head(2), SCHEMA, cache=tmp_path)


def test_a_peer_gets_the_training_rows_without_text(pets):
    assert (pets.folder / "train.csv").read_text().splitlines() == [
        "age,weight,kind",
        "1,0.5,cat",
        ",2.5,dog",
        "7,3.1,",
    ]


def test_the_rows_on_the_disk_are_those_that_were_given(pets):
    assert pets.train["age"].tolist()[::2] == [1, 7]
    assert pets.train["weight"].tolist() == [0.5, 2.5, 3.1]
    assert pets.train["kind"].tolist()[:2] == ["cat", "dog"]
    assert len(pets.test) == 2


def test_ids_are_not_compared_and_no_peer_gets_them(tmp_path):
    columns = (Column(name="pet_id", kind="integer"), Column(name="age", kind="integer"))
    schema = TableSchema(name="pets", columns=columns)
    rows = pd.DataFrame({"pet_id": range(1_000, 1_040), "age": [1, 2, 3, 4] * 10})
    table = prepare("pets", rows, rows.head(20), schema, cache=tmp_path)
    assert (table.folder / "train.csv").read_text().splitlines()[:2] == ["age", "1"]
    assert list(table.train) == ["age"]
    made = tmp_path / "rows.csv"  # as our generator makes them: ids go on behind those of training
    rows.assign(pet_id=range(2_000, 2_040)).to_csv(made, index=False)
    assert list(table.decoded(made)) == ["age"]
    assert list(table.comparison(made).synthetic) == ["age", "pet_id"]
    assert table.comparison(made).synthetic["pet_id"].iloc[0] == "2000"  # a text, as ids are


def test_numbers_are_cut_to_the_training_rows_range_and_decimals(pets, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("age,weight,kind\n-3,0.44,cat\n9,9,dog\n2.6,1.26,\n")
    decoded = pets.decoded(rows)
    assert decoded["age"].tolist() == [1, 7, 3]
    assert decoded["weight"].tolist() == [0.5, 3.1, 1.3]
    assert decoded["kind"].isna().tolist() == [False, False, True]


def test_equal_tables_share_a_folder_and_others_do_not(pets, tmp_path):
    rows = SCHEMA.conform(ROWS)
    again = prepare("pets", rows, rows.head(2), SCHEMA, cache=tmp_path)
    other = prepare("pets", rows, rows.tail(2), SCHEMA, cache=tmp_path)
    assert again.folder == pets.folder != other.folder
    assert other.title == pets.title == "pets"


def test_a_table_without_test_rows_is_refused(tmp_path):
    rows = SCHEMA.conform(ROWS)
    with pytest.raises(TabganError, match=r"table 'pets': no test rows"):
        prepare("pets", rows, rows.head(0), SCHEMA, cache=tmp_path)


def test_a_date_stays_a_date(tmp_path):
    schema = TableSchema(name="born", columns=(Column(name="day", kind="date"),))
    rows = schema.conform(pd.DataFrame({"day": ["2020-01-01", "2020-01-02"]}))
    born = prepare("born", rows, rows, schema, cache=tmp_path)
    assert born.train["day"].tolist() == rows["day"].tolist()


def test_halves_are_the_training_rows_cut_in_two(tmp_path):
    rows = SCHEMA.conform(pd.concat([ROWS] * 3, ignore_index=True))
    whole = prepare("pets", rows, rows.head(1), SCHEMA, cache=tmp_path)
    half = halved(whole, cache=tmp_path)
    assert (half.title, len(half.train), len(half.test)) == ("pets-half", 5, 4)
    both = pd.concat([half.train, half.test])["age"]
    assert sorted(both.fillna(0)) == sorted(whole.train["age"].fillna(0))
    assert halved(whole, cache=tmp_path).folder == half.folder


def test_an_apostrophe_in_a_name_or_a_path_stays_one(tmp_path):
    schema = replace(SCHEMA, target="pet's", columns=(*SCHEMA.columns[:3], PETS))
    rows = schema.conform(ROWS.rename(columns={"kind": "pet's"}))
    words = prepare("pets", rows, rows.head(2), schema, cache=tmp_path / "Ann's").overrides(seed=0)
    read = {o.key_or_group: o.value() for o in OverridesParser.create().parse_overrides(words)}
    assert read["data.target"] == "pet's"
    assert "Ann's" in read["data.path"]
