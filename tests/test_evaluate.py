"""The command: a run folder, three files, and what it says of words that do not fit."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from tabgan.tables.readers import read_table
from tabgan.tables.writers import write_table


@pytest.fixture(scope="module")
def files(mixed_arff, tmp_path_factory):
    """Halves of ``mixed_arff`` as train and test, and as rows of a generator its bootstrap."""
    folder = tmp_path_factory.mktemp("files")
    table, schema = read_table(mixed_arff, target="label")
    halves = {"train": table.iloc[:150], "test": table.iloc[150:]}
    halves["rows"] = table.sample(150, replace=True, random_state=0)
    for name, rows in halves.items():
        write_table(folder / f"{name}.csv", rows.reset_index(drop=True), schema)
    return folder


def words(files, **changed):
    named = {"real": "train.csv", "test": "test.csv", "synthetic": "rows.csv"}
    given = {name: files / path for name, path in named.items()} | {"target": "label"} | changed
    return [f"{name}={value}" for name, value in given.items() if value is not None]


@pytest.mark.slow
def test_three_files_make_a_report(command, files, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    ended = command("evaluate", *words(files), "threads=1", f"out={tmp_path / 'here'}")
    assert ended.status == 0, ended.err
    report = json.loads((tmp_path / "here" / "report.json").read_text("utf-8"))
    assert {"c2st_test_auc", "real_test.c2st_test_auc", "independent.c2st_test_auc"} <= set(report)
    assert report["rows"] == 150
    assert report["command"].startswith("python -m tabgan.evaluate real=")
    assert (tmp_path / "here" / "report.html").is_file()
    told_apart = "told from real rows by the better of two classifiers (AUC)"
    lines = ended.out.splitlines()
    answer = next(i for i, line in enumerate(lines) if line.startswith(report["headline"]))
    assert answer < next(i for i, line in enumerate(lines) if told_apart in line)
    assert "near 0.5" in ended.out
    assert "alpha_precision" not in ended.out  # the report has it
    assert "here/report.html" in ended.out + ended.err


@pytest.mark.slow
def test_ids_of_three_files_are_not_compared(command, files, tmp_path):
    numbers = np.random.default_rng(0).permutation(10_000)[:450].reshape(3, 150)
    for name, ids in zip(("train", "test", "rows"), numbers, strict=True):
        table = pd.read_csv(files / f"{name}.csv")
        table.assign(customer_id=ids[: len(table)]).to_csv(tmp_path / f"{name}.csv", index=False)
    ended = command("evaluate", *words(tmp_path), "threads=1", f"out={tmp_path / 'here'}")
    assert ended.status == 0, ended.err
    assert "column 'customer_id' holds ids: it is not compared" in ended.out + ended.err
    report = json.loads((tmp_path / "here" / "report.json").read_text("utf-8"))
    assert report["identifying_overlap"] == 0  # the 450 ids all differ
    assert "customer_id" not in report["worst_columns"]


@pytest.mark.slow
def test_without_out_the_report_lies_beside_the_synthetic_table(command, files):
    copy = files / "copy.csv"
    shutil.copy(files / "test.csv", copy)
    ended = command("evaluate", *words(files, synthetic=copy, target=None), "threads=1")
    assert ended.status == 0, ended.err
    report = json.loads((files / "copy_report" / "report.json").read_text("utf-8"))
    assert "the synthetic table is the test table" in report["notes.synthetic"]
    assert report["c2st_test_auc"] == report["real_test.c2st_test_auc"]
    assert report["notes.mle_auc"] == "no target was given"


@pytest.mark.slow
def test_a_run_is_compared_with_its_own_table(command, trained, tmp_path):
    ended = command("evaluate", f"run={trained}", "threads=1", f"out={tmp_path}", "seed=3")
    assert ended.status == 0, ended.err
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    # 300 rows: 30 for testing, 27 of the others for validation
    assert (report["train_rows"], report["test_rows"], report["rows"]) == (243, 30, 243)
    assert (report["target"], report["data"], report["seed"]) == ("label", "people", 3)
    assert report["checkpoint"] in ("best.ckpt", "last.ckpt")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "batch_size: 50" in page  # the run's configuration


@pytest.mark.slow
def test_unseen_categories_are_a_finding(command, files, tmp_path):
    rows = pd.read_csv(files / "rows.csv")
    rows.loc[:4, "job"] = "<i>pilot</i>"
    rows.to_csv(tmp_path / "odd.csv", index=False)
    ended = command("evaluate", *words(files, synthetic=tmp_path / "odd.csv"), "threads=1")
    assert ended.status == 0, ended.err
    report = json.loads((tmp_path / "odd_report" / "report.json").read_text("utf-8"))
    assert report["notes.categories"].endswith("{'job': ['<i>pilot</i>']}")
    assert "<i>pilot</i>" in ended.out
    page = (tmp_path / "odd_report" / "report.html").read_text("utf-8")
    assert "&lt;i&gt;pilot&lt;/i&gt;" in page
    assert "<i>" not in page


def test_other_columns_end_in_one_line(command, files, tmp_path):
    rows = pd.read_csv(files / "rows.csv").drop(columns="job").assign(extra=1)
    rows.to_csv(tmp_path / "odd.csv", index=False)
    ended = command("evaluate", *words(files, synthetic=tmp_path / "odd.csv"))
    assert ended.status == 1
    assert "it lacks ['job'] and adds ['extra']" in ended.err
    assert ended.err.count("\n") == 1


def test_another_kind_ends_in_one_line(command, files, tmp_path):
    rows = pd.read_csv(files / "rows.csv").assign(age=np.array(["old"] * 150))
    rows.to_csv(tmp_path / "odd.csv", index=False)
    ended = command("evaluate", *words(files, synthetic=tmp_path / "odd.csv"))
    assert ended.status == 1
    assert "column 'age': expected a number, got 'old' in row 0" in ended.err


def test_a_target_that_is_no_column_ends_in_one_line(command, files):
    ended = command("evaluate", *words(files, target="labl"))
    assert ended.status == 1
    assert "target 'labl' is not a column" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "judged? Give run=<folder>, or real=<file> test=<file> synthetic=<file>"),
        (["real=a.csv"], "three files are compared: give test=<file> synthetic=<file> too"),
        (["run=nowhere"], "not a run folder"),
        (["real=a.csv", "test=b.csv", "synthetic=c.csv"], "a.csv"),
        (["resplit=true", "real=a.csv"], "give run=<folder>"),
        (["resplit=true", "run=folder", "synthetic=c.csv"], "without real= and synthetic="),
        (["resplit=true", "run=x.tabgan", "real=a.csv"], "and not a model file"),
    ],
)
def test_words_that_do_not_fit_end_in_one_line(command, given, said):
    ended = command("evaluate", *given)
    assert ended.status == 1
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.slow
def test_a_run_without_test_rows_asks_for_some(command, mixed_arff):
    table = (f"data.path={mixed_arff}", "data.target=label", "data.test_fraction=0")
    small = ("model=cgan_basic", "data.batch_size=50", "+debug=smoke", "hydra.run.dir=run")
    assert command("train", *table, *small).status == 0
    ended = command("evaluate", "run=run")
    assert ended.status == 1
    assert "kept no test rows (data.test_fraction=0); give test=<file>" in ended.err


def test_a_stored_configuration_may_name_tabgan_only(command, trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    config = run / ".hydra" / "config.yaml"
    text = config.read_text("utf-8")
    config.write_text(text.replace("tabgan.data.datamodule.TableDataModule", "os.system"), "utf-8")
    ended = command("evaluate", f"run={run}")
    assert ended.status == 1
    assert "data._target_" in ended.err


@pytest.mark.slow
def test_a_resplit_trains_on_half_of_the_rows(command, trained, tmp_path):
    ended = command("evaluate", f"run={trained}", "resplit=true", "threads=1", f"out={tmp_path}")
    assert ended.status == 0, ended.err
    assert ended.out.count("training once more on half of the rows (for the DCR share)") == 1
    assert "half.parquet" not in ended.out + ended.err  # the table and the run are gone by now
    assert "generated rows  " not in ended.out
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert 0.3 < report["dcr_share"] < 0.7  # 3 epochs cannot memorise
    assert "notes.dcr_share" not in report
