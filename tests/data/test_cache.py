import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.data import cache
from tabgan.data.datamodule import TableDataModule
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.tables.readers import pieces, read_table
from tabgan.tables.readers.pieces import read_pieces, survey
from tabgan.tables.writers import write_table

N_ROWS = 2_000

pytestmark = [pytest.mark.usefixtures("small_pieces"), pytest.mark.slow]


def people(n_rows=N_ROWS):
    """Row i: id i (all different), a grade of 3, a city that its letter follows from, some gaps.

    One row of all, the 1,234th, has the city Z and the largest height.
    """
    rng = np.random.default_rng(0)
    city = np.array(["Aix", "Bath", "Cork"], dtype=object)[rng.integers(3, size=n_rows)]
    height = rng.normal(170, 10, n_rows).round(1).clip(140, 200)
    city[1_234], height[1_234] = "Zug, old", 250.0
    grade = pd.Series(rng.integers(1, 4, n_rows)).astype("Int64").mask(rng.random(n_rows) < 0.1)
    label = np.where(rng.random(n_rows) < 0.3, "yes", "no")
    letter = [name[0] for name in city]
    return pd.DataFrame(
        {"city": city, "height": height, "grade": grade, "letter": letter, "label": label}
    )


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of some 100 rows."""
    monkeypatch.setattr(pieces, "BLOCK_BYTES", 2_500)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 100)
    monkeypatch.setattr("tabgan.tables.readers.arff.CHUNK_BYTES", 2_500)


@pytest.fixture
def file(tmp_path):
    people().to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


def datamodule(path, tmp_path, **changed):
    choices = {"nominal": "onehot", "numeric": "quantile_normal", "levels": 20, "derive": True}
    given = {
        "encoder": partial(TableEncoder, **choices, conditional=True, many="auto"),
        **{"seed": 0, "batch_size": 50, "name": None, "path": str(path), "target": "label"},
        **{"test_path": None, "test_fraction": 0.1, "schema_path": None, "drop": ()},
        **{"out_of_core": True, "cache": str(tmp_path / "cache")},
    }
    return TableDataModule(**given | changed)


@pytest.mark.parametrize("suffix", ["csv", "arff", "parquet", "csv.gz"])
def test_pieces_and_their_schema_are_the_whole_file(file, suffix):
    table, schema = read_table(file, target="label")
    file = file.with_suffix(f".{suffix}")
    if suffix != "csv":
        write_table(file, table, schema)
    table, schema = read_table(file, target="label")
    found, n_rows = survey(file, target="label")
    assert (found, n_rows) == (schema, N_ROWS)
    parts = list(read_pieces(file, schema))
    assert len(parts) > 10
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), table)


def test_a_named_index_is_a_column_of_each_piece(tmp_path):
    table = pd.DataFrame({"id": np.arange(9.0), "v": np.arange(9.0) ** 2})
    table.set_index("id").to_parquet(tmp_path / "t.parquet")
    found, schema = read_table(tmp_path / "t.parquet")
    assert survey(tmp_path / "t.parquet") == (schema, 9)
    pieces = pd.concat(read_pieces(tmp_path / "t.parquet", schema))
    pd.testing.assert_frame_equal(pieces, found)


def test_a_line_end_in_quotes_does_not_end_a_row(tmp_path):
    text = "".join(f'{row},"two\nlines, and {row}"\n' for row in range(500))
    (tmp_path / "t.csv").write_text("a,b\n" + text)
    schema, n_rows = survey(tmp_path / "t.csv")
    rows = pd.concat(read_pieces(tmp_path / "t.csv", schema), ignore_index=True)
    assert n_rows == 500
    assert rows["b"].iloc[321] == "two\nlines, and 321"


def test_words_in_one_piece_make_text_of_the_numbers_in_all(tmp_path):
    lines = ["a,b", *("1,2" for _ in range(2_000)), *("1,two" for _ in range(2_000))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    table, schema = read_table(tmp_path / "t.csv")
    assert survey(tmp_path / "t.csv") == (schema, 4_000)
    assert schema["b"].categories == ("2", "two")
    parts = read_pieces(tmp_path / "t.csv", schema)
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), table)


def test_leading_zeros_in_one_piece_make_text_of_all(tmp_path):
    lines = ["zip,b", *("10117,2" for _ in range(2_000)), "01067,3", "01067,3"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    table, schema = read_table(tmp_path / "t.csv")
    assert survey(tmp_path / "t.csv") == (schema, 2_002)
    assert schema["zip"].categories == ("01067", "10117")
    parts = list(read_pieces(tmp_path / "t.csv", schema))
    assert len(parts) > 1
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), table)


def test_decimal_commas_between_semicolons_are_numbers_in_every_piece(tmp_path):
    lines = ["a;b", *["1;2"] * 2_000, "1,25;3"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    table, schema = read_table(tmp_path / "t.csv")
    assert survey(tmp_path / "t.csv") == (schema, 2_001)
    rows = pd.concat(read_pieces(tmp_path / "t.csv", schema), ignore_index=True)
    assert rows["a"].iloc[-1] == 1.25
    pd.testing.assert_frame_equal(rows, table)


def test_dates_of_two_forms_in_two_pieces_are_dates_unless_an_offset_would_be_lost(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(pieces, "BLOCK_BYTES", len("at\n2024-01-31T12:00\n"))
    (tmp_path / "t.csv").write_text("at\n2024-01-31T12:00\n2024-01-31 12:00\n")
    assert [len(piece) for piece in pieces._raw(tmp_path / "t.csv")] == [1, 1]
    (column,) = survey(tmp_path / "t.csv")[0].columns
    assert (column.kind, column.date_format) == ("date", None)
    (tmp_path / "t.csv").write_text("a\n2024-01-31T12:00Z\n2024-01-31 12:00\n")
    with pytest.raises(TabganError, match=r"dates like %Y-%m-%dT%H:%MZ in some rows, like %Y"):
        survey(tmp_path / "t.csv")


def test_the_codes_of_all_training_rows_decode_to_them(file, tmp_path):
    data = datamodule(file, tmp_path)
    data.setup()
    rows, condition = data.coded("train")
    decoded = data.encoder.decode(rows[:].numpy(), condition[:].numpy())
    parts = [decoded, data.validation, data.test]
    assert sum(map(len, parts)) == N_ROWS
    columns = ["city", "grade", "letter", "label"]
    counts = pd.concat(parts)[columns].astype("str").value_counts()
    table, _ = read_table(file, target="label")
    pd.testing.assert_series_equal(
        counts.sort_index(), table[columns].astype("str").value_counts().sort_index()
    )


def test_the_encoder_knows_what_no_sample_has(file, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SAMPLE_ROWS", 50)
    data = datamodule(file, tmp_path, seed=1)
    data.setup()
    assert len(data.train) == 50
    assert "Zug, old" not in set(data.train["city"])
    assert data.encoder.ranges_["height"][1] == 250.0
    rows, condition = data.coded("train")
    decoded = data.encoder.decode(rows[:].numpy(), condition[:].numpy())
    assert (decoded["city"] == "Zug, old").sum() == 1
    assert data.encoder.class_counts_.tolist() == condition[:].sum(dim=0).tolist()


@pytest.mark.parametrize("broken", [False, True])
def test_a_total_is_left_out_where_it_is_one_in_every_row(tmp_path, monkeypatch, caplog, broken):
    caplog.set_level("INFO", "tabgan")
    monkeypatch.setattr(cache, "SAMPLE_ROWS", 200)
    rng = np.random.default_rng(0)
    bills = pd.DataFrame(
        {"net": rng.integers(900, size=N_ROWS), "tax": rng.integers(90, size=N_ROWS)}
    )
    bills["total"] = bills["net"] + bills["tax"]
    bills.loc[N_ROWS - 3 :, "total"] += int(broken)  # none of which is in the sample
    bills.to_csv(tmp_path / "bills.csv", index=False)
    data = datamodule(tmp_path / "bills.csv", tmp_path, target=None)
    data.setup()
    assert (data.encoder.relations_.sums == {}) == broken
    assert ("what followed in the sample does not in the table" in caplog.text) == broken
    rows, condition = data.coded("train")
    decoded = data.encoder.decode(rows[:].numpy(), condition[:].numpy())
    if not broken:
        assert (decoded["total"] == decoded["net"] + decoded["tax"]).all()


def test_a_second_start_reads_no_row(file, tmp_path, monkeypatch):
    first, again = datamodule(file, tmp_path), datamodule(file, tmp_path)
    first.setup()
    monkeypatch.setattr(cache, "read_pieces", None)  # whoever calls it fails
    again.setup()
    assert again.content == first.content
    for part in ("train", "validation", "sample"):
        for mine, before in zip(again.coded(part), first.coded(part), strict=True):
            assert torch.equal(mine[:], before[:])
    pd.testing.assert_frame_equal(again.test, first.test)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"drop": ["grade"]}, {"test_fraction": 0.2}])
def test_what_would_give_other_codes_has_another_key(file, tmp_path, changed):
    keys = set()
    for given in ({}, changed):
        data = datamodule(file, tmp_path, **given)
        data.setup()
        keys.add(data.content)
    file.write_text(file.read_text().replace("Bath", "Bari", 1))
    data = datamodule(file, tmp_path)
    data.setup()
    assert len(keys | {data.content}) == 3


def test_an_epoch_from_the_disk_holds_each_row_once(file, tmp_path):
    data = datamodule(file, tmp_path, batch_size=1)
    data.setup()
    seen = torch.cat([torch.cat(batch, dim=1) for batch in data.train_dataloader()])
    rows, condition = data.coded("train")
    assert len(seen) == len(rows)
    assert torch.allclose(seen.sum(dim=0), torch.cat([rows[:], condition[:]], dim=1).sum(dim=0))


def test_the_rows_of_a_test_file_are_the_test_rows(file, tmp_path):
    test = people().head(300).assign(city="Dover")  # a city that the file does not know
    test.to_csv(tmp_path / "test.csv", index=False)
    data = datamodule(file, tmp_path, test_path=str(tmp_path / "test.csv"))
    data.setup()
    assert len(data.coded("train")[0]) + len(data.validation) == N_ROWS
    assert sorted(data.test["height"]) == sorted(test["height"])
    assert set(data.test["city"]) == {"Dover"}
    before = data.content
    test.assign(grade=1).to_csv(tmp_path / "test.csv", index=False)
    data = datamodule(file, tmp_path, test_path=str(tmp_path / "test.csv"))
    data.setup()
    assert data.content != before


def test_a_damaged_cache_is_told(file, tmp_path):
    data = datamodule(file, tmp_path)
    data.setup()
    folder = tmp_path / "cache" / data.content
    (folder / "rows_codes.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(TabganError, match=r"a damaged cache: .*; remove the folder"):
        datamodule(file, tmp_path).setup()


def test_a_training_out_of_core_ends_like_any_other(command, mixed_arff, tmp_path):
    words = ["model=cgan", "model.generator.hidden_dim=16", "model.critic.hidden_dims=[16]"]
    words += [f"data.path={mixed_arff}", "data.target=label", "data.out_of_core=true"]
    words += [f"data.cache={tmp_path / 'cache'}", "trainer.max_epochs=2", "data.batch_size=50"]
    ended = command("train", *words, f"hydra.run.dir={tmp_path / 'run'}")
    assert ended.status == 0, ended.err
    n_train = int(re.search(r"(\d+) training rows, on the disk", ended.out + ended.err)[1])
    assert 200 < n_train < 300  # each row falls to a part by itself
    assert command("sample", f"run={tmp_path / 'run'}", "n=20").status == 0
