"""What an earlier run left is never taken for the next one's: refused, or put elsewhere."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from tabgan import TabganError
from tabgan.evaluation.gathering import beside
from tabgan.runs.folder import LEAVINGS, check_unused, folder_of, unused

SMALL = ("data.batch_size=50", "model=cgan_basic", "+debug=smoke")


@pytest.fixture
def train(command, mixed_arff):
    table = (f"data.path={mixed_arff}", "data.target=label")
    return lambda *words: command("train", *table, *SMALL, *words)


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_run_is_not_trained_over(train, run_copy):
    (run_copy / "report.json").write_text('{"data": "people", "c2st_test_auc": 0.6}', "utf-8")
    before = files(run_copy)
    ended = train(f"hydra.run.dir={run_copy}", "seed=7")
    assert ended.status == 1
    assert ended.err == (
        f"error: {run_copy}: holds a finished run already; to train anew give another folder, or "
        "remove this one first\n"
    )
    assert files(run_copy) == before


def test_an_unfinished_run_is_not_trained_over_and_the_way_on_is_said(train, run_copy):
    (run_copy / "metrics.json").unlink()
    ended = train(f"hydra.run.dir={run_copy}")
    assert ended.status == 1
    assert "holds a run that has not finished; go on with: python -m tabgan.train run=" in ended.err


def test_a_folder_that_an_expression_names_is_looked_into_as_well(train, run_copy):
    assert run_copy.name == "run"
    ended = train("run_name=run", "hydra.run.dir=${run_name}")
    assert "run: holds a finished run already" in ended.err


@pytest.mark.parametrize("name", LEAVINGS)
def test_whatever_a_run_leaves_is_noticed(tmp_path, name):
    check_unused(tmp_path)
    (tmp_path / name).mkdir()
    check_unused(tmp_path)  # an empty folder, as of a mount
    (tmp_path / name / "something").touch()
    with pytest.raises(TabganError, match=f"holds {name}, as a run leaves it; to train anew"):
        check_unused(tmp_path)


def test_everything_that_a_training_leaves_is_on_the_list(command, run_copy):
    assert command("evaluate", f"run={run_copy}", "threads=1").status == 0
    names = {path.name for path in run_copy.iterdir()}
    assert names - {"train.log"} <= set(LEAVINGS)


@pytest.mark.slow
def test_a_folder_of_ones_own_may_hold_other_things_and_keeps_them(train, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    assert train("hydra.run.dir=mine", "data.batch_size=5000").status == 1  # more than there are
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert train("hydra.run.dir=mine").status == 0
    assert (tmp_path / "mine" / "notes.txt").exists()


def test_a_file_is_no_folder_for_a_run(train, tmp_path):
    (tmp_path / "file").touch()
    ended = train("hydra.run.dir=file")
    assert ended.err == f"error: {tmp_path}/file: expected a folder for the run, got a file\n"


def test_a_sweep_goes_neither_into_a_run_nor_over_its_own_jobs(train, run_copy, tmp_path):
    ended = train("-m", "seed=0,1", f"hydra.sweep.dir={run_copy}")
    assert "holds a finished run already" in ended.err
    (tmp_path / "sweep").mkdir()
    shutil.copytree(run_copy, tmp_path / "sweep" / "0")
    ended = train("-m", "seed=0,1", "hydra.sweep.dir=sweep")
    assert "sweep/0: holds a finished run already" in ended.err


@pytest.mark.slow
def test_jobs_of_a_sweep_that_share_a_folder_are_refused_but_for_the_first(train, tmp_path):
    ended = train("-m", "seed=0,1", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=one")
    assert ended.status == 1
    assert "one: holds a finished run already" in ended.err
    assert (tmp_path / "sweep" / "one" / "metrics.json").is_file()


def test_a_run_that_goes_on_loses_the_report_on_what_it_was(command, run_copy):
    (run_copy / "metrics.json").unlink()
    (run_copy / "report.json").write_text('{"data": "people"}', "utf-8")
    (run_copy / "pictures").mkdir()
    ended = command("train", f"run={run_copy}", "resume=true")
    assert ended.status == 0, ended.err
    assert "the report on the unfinished run is removed" in ended.out
    assert not (run_copy / "report.json").exists()
    assert not (run_copy / "pictures").exists()


@pytest.mark.slow
def test_a_table_too_small_to_refine_says_that_refined_rows_are_raw_ones(
    command, tmp_path, monkeypatch
):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=60).round(2), "label": ["no", "yes"] * 30})
    table.to_csv(tmp_path / "small.csv", index=False)
    few = ("model=cgan_basic", "refiner=boosted", "+debug=smoke", "refiner.rounds=1")
    ended = command("train", "data.path=small.csv", "data.target=label", *few, "hydra.run.dir=run")
    assert ended.status == 0, ended.err
    assert "no refinement: 49 real rows are too few; it needs 200" in ended.out  # 60 - 6 - 5
    assert "sample gives rows as they are drawn" in ended.out
    assert "val/c2st_auc was never measured: the last weights are kept" in ended.out
    ended = command("sample", "run=run", "n=5")
    assert "found nothing to refine; the rows are as the generator draws them" in ended.out
    told = {}
    monkeypatch.setattr(
        "tabgan.report.build.build_report", lambda *_, **requested: told.update(requested)
    )
    assert command("evaluate", "run=run", "n=20").status == 0
    assert told["facts"]["notes.refiner"].startswith("the training found nothing to refine")


def test_samples_without_out_are_never_written_over(command, run_copy):
    for n in (3, 10, 3):
        ended = command("sample", f"run={run_copy}", f"n={n}")
        assert ended.status == 0, ended.err
    names = ("rows_seed0.csv", "rows_seed0-2.csv", "rows_seed0-3.csv")
    tables = [pd.read_csv(run_copy / "samples" / name) for name in names]
    assert list(map(len, tables)) == [3, 10, 3]
    assert json.loads((run_copy / "samples" / "rows_seed0-2.csv.json").read_text())["rows"] == 10
    assert "rows_seed0-3.csv" in ended.out


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows"])
def test_an_unused_name_keeps_its_suffixes(tmp_path, name):
    assert unused(tmp_path / name) == tmp_path / name
    (tmp_path / name).touch()
    assert unused(tmp_path / name).name == name.replace("rows", "rows-2")


@pytest.mark.slow
def test_two_tables_of_one_name_are_explored_in_two_folders_and_one_in_its_own(command, tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        table = pd.DataFrame({"x": range(20), "label": [place, "z"] * 10})
        table.to_csv(tmp_path / place / "pets.csv", index=False)
        assert command("explore", f"data.path={place}/pets.csv").status == 0
    assert command("explore", "data.path=a/pets.csv").status == 0
    assert command("explore", "data.path=a/pets.csv", "run_name=mine").status == 0
    folders = {path.name: path for path in (tmp_path / "outputs" / "explore").iterdir()}
    assert sorted(folders) == ["mine", "pets", "pets-2"]
    told = json.loads((folders["pets-2"] / "explore.json").read_text("utf-8"))
    assert told["table"] == str(tmp_path / "b" / "pets.csv")


def test_a_folder_of_which_nobody_knows_what_it_is_about_is_left_alone(tmp_path):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "explore.json").write_text("{", "utf-8")
    assert folder_of(tmp_path / "pets", "explore.json", "table", "t").name == "pets-2"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("evaluate", ("run={run}", "out={other}")),
        ("evaluate", ("real=a.csv", "test=a.csv", "synthetic=a.csv", "out={other}")),
        ("explore", ("data.path=a.csv", "out={other}")),
    ],
)
def test_a_report_on_something_else_does_not_go_into_a_runs_folder(
    command, trained, run_copy, tmp_path, name, words
):
    pd.DataFrame({"x": range(20), "y": range(20)}).to_csv(tmp_path / "a.csv", index=False)
    before = files(run_copy)
    ended = command(name, *(word.format(run=trained, other=run_copy) for word in words))
    assert ended.status == 1
    assert f"out={run_copy}: holds another run" in ended.err
    assert files(run_copy) == before


@pytest.mark.slow
def test_the_report_on_others_rows_lies_beside_them_and_not_in_the_run(command, trained, tmp_path):
    assert command("sample", f"run={trained}", "n=60", "out=rows.csv").status == 0
    ended = command("evaluate", f"run={trained}", "synthetic=rows.csv", "threads=1")
    assert ended.status == 0, ended.err
    assert not (trained / "report.json").exists()
    report = tmp_path / "rows_report" / "report.json"
    assert json.loads(report.read_text("utf-8"))["synthetic"] == str(tmp_path / "rows.csv")
    assert beside(tmp_path / "rows.csv").name == "rows_report"
    assert beside(tmp_path / "rows.parquet").name == "rows_report-2"
