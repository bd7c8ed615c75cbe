"""ARFF in, a trained run, rows out: what a user does, and what lies where afterwards."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.runs.session import show_rows
from tabgan.tables.readers import read_arff
from tabgan.tables.schema import Column, TableSchema

RUN_FOLDER = (
    ".hydra/config.yaml", ".hydra/overrides.yaml", "train.log", "schema.json",
    "encoder/state.json", "encoder/arrays.npz", "checkpoints/last.ckpt", "checkpoints/best.ckpt",
    "csv/metrics.csv", "metrics.json", "samples/preview.csv",
)  # fmt: skip


@pytest.fixture(scope="module")
def journey(mixed_arff, tmp_path_factory):
    """The folder in which someone trained on a table of theirs, in a process of its own."""
    folder = tmp_path_factory.mktemp("someone")
    words = [f"data.path={mixed_arff}", "data.target=label", "+debug=smoke"]
    done = subprocess.run(
        [sys.executable, "-m", "tabgan.train", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, done.stdout


@pytest.fixture(scope="module")
def made(journey):
    (run,) = (journey[0] / "outputs" / "people").iterdir()
    return run


def test_dates_without_a_time_of_day_are_shown_as_days(caplog, capsys):
    caplog.set_level("INFO")
    days = pd.to_datetime(["2024-07-06", None])
    show_rows(pd.DataFrame({"day": days, "at": days + pd.Timedelta("1h")}), "two rows")
    assert capsys.readouterr().out.split("\n")[2].split() == [
        "2024-07-06",
        "2024-07-06",
        "01:00:00",
    ]


def test_dates_are_shown_in_the_form_of_the_table(caplog, capsys):
    caplog.set_level("INFO")
    schema = TableSchema(
        name="t", columns=(Column(name="day", kind="date", date_format="%d.%m.%Y"),)
    )
    show_rows(pd.DataFrame({"day": pd.to_datetime(["2024-07-06", None])}), "two rows", schema)
    assert capsys.readouterr().out.split() == ["two", "rows", "day", "06.07.2024", "?"]


@pytest.mark.slow
@pytest.mark.parametrize("path", RUN_FOLDER)
def test_the_run_folder_holds(made, path):
    assert (made / path).stat().st_size > 0


@pytest.mark.slow
def test_the_run_folder_holds_an_event_file(made):
    assert len(list((made / "tensorboard").glob("events.out.tfevents.*"))) == 1


@pytest.mark.slow
def test_training_says_where_everything_is_and_shows_rows(journey, made):
    assert f"the run folder: {made}" in journey[1]
    assert f"more rows: python -m tabgan.sample run={made} n=1000" in journey[1]
    assert f"a report on them: python -m tabgan.evaluate run={made}" in journey[1]
    assert "300 rows of 8 columns" in journey[1]
    assert "generated rows" in journey[1]


@pytest.mark.slow
def test_nothing_else_is_left_behind(journey):
    assert [path.name for path in journey[0].iterdir()] == ["outputs"]


def plain(value):
    """Whether nothing but tensors and plain data is in there."""
    if isinstance(value, dict):
        return all(plain(key) and plain(entry) for key, entry in value.items())
    if isinstance(value, list | tuple):
        return all(map(plain, value))
    return type(value) in (torch.Tensor, str, int, float, bool, type(None))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["best", "last"])
def test_a_checkpoint_holds_tensors_and_plain_data_alone(made, name):
    checkpoint = torch.load(made / "checkpoints" / f"{name}.ckpt", weights_only=True)
    checkpoint["state_dict"] = dict(checkpoint["state_dict"])
    assert [key for key, value in checkpoint.items() if not plain(value)] == []


@pytest.mark.slow
def test_the_preview_has_the_tables_columns_and_a_hundred_rows(made):
    preview = pd.read_csv(made / "samples" / "preview.csv")
    assert list(preview.columns) == [
        "age", "daily pay", "job", "member", "joined", "planet", "legs", "label",
    ]  # fmt: skip
    assert len(preview) == 100


@pytest.fixture
def sample(command, tmp_path):
    """Rows of a run as the bytes of a file in ``tmp_path``."""

    def drawn(run, *words, out="rows.csv", n=200):
        ended = command("sample", f"run={run}", f"n={n}", f"out={out}", *words)
        assert ended.status == 0, ended.err
        return (tmp_path / out).read_bytes()

    return drawn


@pytest.fixture
def rows(sample, tmp_path):
    """Rows of a run as a table, with its own dtypes."""

    def drawn(run, *words, n=200):
        sample(run, *words, out="rows.parquet", n=n)
        return pd.read_parquet(tmp_path / "rows.parquet")

    return drawn


@pytest.mark.slow
def test_the_run_of_a_process_samples(made, rows):
    assert len(rows(made, n=30)) == 30


def test_rows_without_out_go_into_the_run_folder(command, run_copy):
    assert command("sample", f"run={run_copy}", "n=5", "seed=3").status == 0
    assert len(pd.read_csv(run_copy / "samples" / "rows_seed3.csv")) == 5


def test_the_sidecar_says_what_was_asked(trained, sample, tmp_path):
    sample(trained, "where.label=yes", "seed=4", n=7)
    sidecar = pd.read_json(tmp_path / "rows.csv.json", typ="series")
    assert sidecar[["rows", "seed", "where"]].to_dict() == {
        "rows": 7, "seed": 4, "where": {"label": "yes"},
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("out", ["rows.csv", "rows.csv.gz", "rows.parquet", "rows.arff"])
def test_the_same_seed_gives_the_same_bytes(trained, sample, out):
    first = sample(trained, "seed=7", out=out)
    assert sample(trained, "seed=7", out=out) == first
    assert sample(trained, "seed=8", out=out) != first


@pytest.mark.slow
def test_every_format_holds_the_same_rows(trained, sample, rows, tmp_path):
    table = rows(trained)
    sample(trained, out="rows.arff")
    sample(trained, out="rows.csv")
    pd.testing.assert_frame_equal(read_arff(tmp_path / "rows.arff")[0], table, check_dtype=False)
    written = pd.read_csv(tmp_path / "rows.csv", parse_dates=["joined"])
    assert written["daily pay"].equals(table["daily pay"])
    assert written["joined"].astype("datetime64[us]").equals(table["joined"])
    assert written["job"].isna().equals(table["job"].isna())


def test_a_moved_run_samples_the_same_bytes_without_its_data(command, sample, mixed_arff, tmp_path):
    data = tmp_path / "mine.arff"
    data.write_bytes(mixed_arff.read_bytes())
    words = (f"data.path={data}", "data.target=label", "data.batch_size=50", "+debug=smoke")
    assert command("train", *words, "model=cgan_basic").status == 0
    (run,) = (tmp_path / "outputs" / "mine").iterdir()
    first = sample(run)
    data.unlink()
    moved = run.rename(tmp_path / "moved here")
    assert sample(moved) == first


@pytest.mark.parametrize("label", ["no", "yes"])
def test_a_condition_gives_that_class_alone(trained, rows, label):
    assert set(rows(trained, f"where.label={label}").label) == {label}


def test_without_a_condition_classes_come_at_their_training_rates(trained, rows):
    # a third of the labels is yes; 5 standard deviations of a share of 2,000 draws are .053
    share = (rows(trained, n=2_000).label == "yes").mean()
    assert abs(share - 1 / 3) < 5 * np.sqrt(1 / 3 * 2 / 3 / 2_000)


def test_a_condition_may_be_a_set(trained, rows):
    assert set(rows(trained, "where.label=[no,yes]").label) == {"no", "yes"}


def test_columns_come_back_in_the_schemas_kinds(trained, rows, mixed_arff):
    table, schema = rows(trained), read_arff(mixed_arff)[1]
    assert schema.conform(table).dtypes.to_dict() == read_arff(mixed_arff)[0].dtypes.to_dict()
    assert table.dtypes["age"] == "int64"
    assert list(table["job"].cat.categories) == ["clerk", "cook", "night guard"]


def test_numbers_and_dates_stay_within_the_training_range(trained, rows, mixed_arff):
    table, real = rows(trained), read_arff(mixed_arff)[0]
    for name in ("age", "daily pay", "joined"):
        assert real[name].min() <= table[name].min() <= table[name].max() <= real[name].max()


def test_pay_has_two_decimals_and_dates_are_whole_days(trained, rows):
    table = rows(trained)
    pay = table["daily pay"].dropna()
    assert pay.round(2).equals(pay)
    assert table["joined"].dt.normalize().equals(table["joined"])


def test_missing_values_are_in_the_columns_that_had_them_and_in_no_other(trained, rows):
    missing = rows(trained, n=1_000).isna().any()
    assert set(missing[missing].index) == {"daily pay", "job"}


@pytest.mark.slow
def test_a_constant_and_a_boolean_come_back(trained, rows):
    table = rows(trained)
    assert set(table["planet"]) == {"earth"}
    assert set(table["legs"]) == {2}
    assert set(table["member"]) == {"false", "true"}


def test_many_rows_begin_with_the_rows_of_one_chunk(trained, rows):
    # chunks of 10,000: 25,000 rows take three, and each chunk has an address of its own
    many = rows(trained, n=25_000)
    assert len(many) == 25_000
    assert many.head(10_000).equals(rows(trained, n=10_000))
    second, third = many.iloc[10_000:15_000], many.iloc[20_000:]
    assert not second.reset_index(drop=True).equals(third.reset_index(drop=True))


@pytest.mark.slow
def test_a_sweep_leaves_a_run_folder_for_each_seed(command, mixed_arff, tmp_path):
    words = (f"data.path={mixed_arff}", "data.target=label", "data.batch_size=50", "+debug=smoke")
    assert command("train", *words, "model=cgan_basic", "-m", "seed=1,2").status == 0
    (sweep,) = (tmp_path / "outputs" / "people").glob("sweep_*")
    made = [path.parent.name for path in sorted(sweep.glob("*/metrics.json"))]
    assert made == ["0", "1"]
    weights = [(sweep / name / "checkpoints" / "last.ckpt").read_bytes() for name in made]
    assert weights[0] != weights[1]


@pytest.mark.slow
def test_the_same_words_train_the_same_weights(command, mixed_arff, tmp_path):
    words = (f"data.path={mixed_arff}", "data.target=label", "data.batch_size=50", "+debug=smoke")
    for name in ("one", "two"):
        assert command("train", *words, "model=cgan_basic", f"hydra.run.dir={name}").status == 0
    one, two = (weights_of(tmp_path / name) for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def weights_of(run: Path):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.slow
def test_a_table_of_a_single_column_without_a_target_trains(command, tmp_path):
    lines = [f"{row % 7}.5" for row in range(300)]
    (tmp_path / "one.arff").write_text(
        "\n".join(["@relation r", "@attribute x real", "@data", *lines])
    )
    ended = command(
        "train", "data.path=one.arff", "model=gan", "data.batch_size=50", "+debug=smoke"
    )
    assert ended.status == 0, ended.err


@pytest.mark.slow
def test_conditions_on_several_columns_hold_for_every_row(trained, rows, tmp_path):
    table = rows(
        trained, "where.age=30..50", "where.job=[cook,?]", "where.joined=2020-02-01..2020-11-30"
    )
    assert len(table) == 200
    assert table["age"].between(30, 50).all()
    assert set(table["job"].dropna()) <= {"cook"}
    assert table["joined"].between("2020-02-01", "2020-11-30").all()
    sidecar = json.loads((tmp_path / "rows.parquet.json").read_text("utf-8"))
    assert sidecar["hit_rate"] * sidecar["oversampling"] >= 1  # rows as requested per row written
    assert sidecar["tried"] == round(sidecar["oversampling"] * 200)


def test_a_class_mix_on_the_command_line(trained, rows):
    assert rows(trained, "mix=no:0.25,yes:0.75").label.value_counts().to_dict() == {
        "yes": 150, "no": 50,
    }  # fmt: skip


def test_a_file_of_conditions_says_how_many_rows_there_are(command, trained, tmp_path):
    (tmp_path / "conditions.csv").write_text("label,age\nyes,\nno,20..60\n,40..\n", "utf-8")
    ended = command("sample", f"run={trained}", "like=conditions.csv", "out=rows.csv")
    assert ended.status == 0, ended.err
    table = pd.read_csv(tmp_path / "rows.csv")
    assert list(table.label[:2]) == ["yes", "no"]
    assert 20 <= table.age[1] <= 60
    assert table.age[2] >= 40
    assert len(table) == 3


@pytest.mark.slow
def test_rows_under_a_condition_are_compared_with_the_real_ones(command, trained, tmp_path):
    words = (f"run={trained}", "n=300", "out=rows.csv", "check=true")
    ended = command("sample", *words, "where.label=yes")
    assert ended.status == 0, ended.err
    (check,) = json.loads((tmp_path / "rows.csv.json").read_text("utf-8"))["check"]
    assert check["real_rows"] == 100  # every third of 300 labels is yes
    assert 0.5 <= check["c2st_auc"] <= 1
    assert "100" in ended.out


@pytest.mark.slow
def test_too_few_real_rows_are_said_and_wider_conditions_compared(command, trained, tmp_path):
    words = (f"run={trained}", "n=50", "out=rows.csv", "check=true", "where.age=38..42")
    ended = command("sample", *words, "where.label=yes")
    assert ended.status == 0, ended.err
    sidecar = json.loads((tmp_path / "rows.csv.json").read_text("utf-8"))
    assert sidecar["real_rows"] < 20
    assert {"label": "yes"} in [check["where"] for check in sidecar["check"]]
    assert "too few for a C2ST" in ended.out
