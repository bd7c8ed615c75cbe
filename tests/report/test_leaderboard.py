import json
from html.parser import HTMLParser

import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.report.leaderboard import build_leaderboard
from tabgan.report.standings import anchors, best, find_runs, read_runs, standings

CONFIG = "run_name: {name}\nseed: {seed}\nthreads: {threads}\nmodel:\n  lr: {lr}\n"


@pytest.fixture
def make_run(tmp_path):
    """Write the files of a run that ``compare`` reads, under a folder's name."""

    def make(folder, *, name="small", seed=0, threads=1, lr=1, metrics=None, **report):
        run = tmp_path / folder
        (run / ".hydra").mkdir(parents=True)
        config = CONFIG.format(name=name, seed=seed, threads=threads, lr=lr)
        (run / ".hydra" / "config.yaml").write_text(config, "utf-8")
        overrides = f"- +experiment={name}\n- seed={seed}\n" + (
            f"- model.lr={lr}\n" if lr != 1 else ""
        )
        (run / ".hydra" / "overrides.yaml").write_text(overrides, "utf-8")
        (run / "metrics.json").write_text(json.dumps(metrics or {}), "utf-8")
        if report:
            (run / "report.json").write_text(json.dumps({"data": "pets"} | report), "utf-8")
        return run

    return make


def ranked(folder):
    entries, _ = read_runs(find_runs([str(folder)]))
    return standings(entries)


def test_runs_that_differ_only_in_the_seed_are_one_row_with_mean_and_spread(make_run, tmp_path):
    for seed, auc in enumerate((0.6, 0.7, 0.8)):
        metrics = {"seconds": 10 * seed, "generator_parameters": 5}
        make_run(
            f"sweep/{seed}", seed=seed, threads=seed + 1, c2st_test_auc_worst=auc, metrics=metrics
        )
    (row,) = ranked(tmp_path)
    assert row.contestant == "small"
    assert row.seeds == ("0", "1", "2")
    assert row.mean("c2st_test_auc_worst") == pytest.approx(0.7)
    assert row.spread("c2st_test_auc_worst") == pytest.approx(0.1)  # sqrt((.01 + 0 + .01) / 2)
    assert row.mean("seconds") == 10
    assert row.mean("wnmis") is None
    assert row.spread("wnmis") is None


def test_a_contestant_is_named_by_its_overrides(make_run, tmp_path):
    make_run("a", c2st_test_auc_worst=0.6)
    make_run("b", lr=2, c2st_test_auc_worst=0.7)
    assert [row.contestant for row in ranked(tmp_path)] == ["small", "small model.lr=2"]


def test_refined_rows_are_a_line_of_their_own(make_run, tmp_path):
    make_run(
        "a",
        **{"c2st_test_auc_worst": 0.6, "refined.c2st_test_auc_worst": 0.55, "real_test.wnmis": 1.0},
    )
    assert [row.contestant for row in ranked(tmp_path)] == ["small, refined", "small"]
    entries, _ = read_runs(find_runs([str(tmp_path)]))
    (real, _) = anchors(entries, "pets")
    assert real.figures["wnmis"] == [1.0]  # one run, counted once


def test_the_first_is_nearest_to_chance_even_from_below(make_run, tmp_path):
    make_run("a", name="far", c2st_test_auc_worst=0.6)
    make_run("b", name="below", c2st_test_auc_worst=0.45)
    make_run("c", name="none", wnmis=1.0)
    rows = ranked(tmp_path)
    assert [row.contestant for row in rows] == ["below", "far", "none"]
    assert best(rows, "c2st_test_auc_worst") == rows[:1]
    assert best(rows, "seconds") == []


def test_runs_measured_unlike_are_not_averaged(make_run, tmp_path):
    make_run("a", seed=1, c2st_test_auc_worst=0.6, detector_name="xgboost")
    make_run("b", seed=2, c2st_test_auc_worst=0.7, detector_name="histogram")
    assert [row.contestant for row in ranked(tmp_path)] == ["small (a)", "small (b)"]


def test_job_ten_stands_behind_job_nine(make_run, tmp_path):
    for job in (9, 10, 2):
        make_run(f"sweep/{job}", seed=job, c2st_test_auc_worst=0.6)
    assert [run.name for run in find_runs([str(tmp_path / "sweep")])] == ["2", "9", "10"]


def test_globs_and_folders_find_a_run_once(make_run, tmp_path):
    run = make_run("deep/er/run", c2st_test_auc_worst=0.6)
    words = [str(tmp_path), f"{tmp_path}/deep/*", f"{tmp_path}/**/run", str(run)]
    assert len(find_runs(words)) == 1


def test_a_report_elsewhere_counts_for_the_run_that_it_names(make_run, tmp_path):
    run = make_run("run", seed=3, metrics={"seconds": 7})
    (tmp_path / "elsewhere").mkdir()
    report = {"data": "pets", "run": str(run), "c2st_test_auc_worst": 0.6}
    (tmp_path / "elsewhere" / "report.json").write_text(json.dumps(report), "utf-8")
    (row,) = ranked(tmp_path / "elsewhere")
    assert (row.contestant, row.seeds, row.mean("seconds")) == ("small", ("3",), 7)


def test_a_report_of_files_is_named_by_its_folder(tmp_path):
    (tmp_path / "rows_report").mkdir()
    report = {"data": "pets", "c2st_test_auc_worst": 0.6}
    (tmp_path / "rows_report" / "report.json").write_text(json.dumps(report), "utf-8")
    assert [row.contestant for row in ranked(tmp_path)] == ["rows_report"]


@pytest.mark.parametrize("content", ["{", "[]", '{"data": '])
def test_a_damaged_report_is_named(make_run, tmp_path, content):
    make_run("a", c2st_test_auc_worst=0.6)
    (tmp_path / "a" / "report.json").write_text(content, "utf-8")
    with pytest.raises(TabganError, match=r"a/report\.json: (damaged|expected names and values)"):
        ranked(tmp_path)


def test_a_report_that_cannot_be_read_is_named(make_run, tmp_path):
    run = make_run("a")
    (run / "report.json").mkdir()
    with pytest.raises(TabganError, match=r"report\.json: cannot be read: Is a directory"):
        ranked(tmp_path)


class Pictures(HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources, self.tags, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_the_files_hold_every_contestant_and_nothing_from_the_network(make_run, tmp_path, capsys):
    anchors = {"real_test.c2st_test_auc_worst": 0.5, "independent.c2st_test_auc_worst": 0.99}
    for seed in (1, 2):
        make_run(f"s/{seed}", seed=seed, c2st_test_auc_worst=0.6 + seed / 100, **anchors,
                 metrics={"seconds": 10 + seed, "generator_parameters": 3000})  # fmt: skip
    make_run("b", name="<b>", lr=2, c2st_test_auc_worst=0.9, **anchors)
    make_run("none", seed=3)
    build_leaderboard([str(tmp_path)], tmp_path / "out")
    frame = pd.read_csv(tmp_path / "out" / "leaderboard.csv")
    assert frame["contestant"].tolist() == ["small", "<b> model.lr=2"]
    assert frame["n"].tolist() == [2, 1]
    assert frame.loc[0, "c2st_test_auc_worst"] == pytest.approx(0.615)
    page = Pictures()
    page.feed((tmp_path / "out" / "leaderboard.html").read_text("utf-8"))
    assert {"b", "script"}.isdisjoint(page.tags)  # names are text
    assert page.tags.count("img") == 1  # no rate, so no second picture
    assert all(source.startswith(("data:", "#")) for source in page.sources)
    assert "independent columns" in page.text
    said = " ".join(capsys.readouterr().out.split())
    assert f"make one: python -m tabgan.evaluate run={tmp_path / 'none'}" in said
    assert "real rows" in said
    assert "more than the spread over seeds" in said


def test_a_lead_within_the_spread_is_no_lead(make_run, tmp_path, capsys):
    for seed, auc in enumerate((0.55, 0.65)):
        make_run(f"a{seed}", seed=seed, c2st_test_auc_worst=auc)  # .60 ± .07
    make_run("b", lr=2, c2st_test_auc_worst=0.62)
    build_leaderboard([str(tmp_path)])
    assert "0.020 behind, within the spread over seeds" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "leaderboard.html").is_file()  # the innermost folder that holds the runs


def test_on_the_other_side_of_a_half_a_run_is_behind_by_its_distance_from_it(
    make_run, tmp_path, capsys
):
    make_run("a", c2st_test_auc_worst=0.48)  # .02 from .5
    make_run("b", lr=2, c2st_test_auc_worst=0.521)
    build_leaderboard([str(tmp_path)])
    assert "0.001 behind" in " ".join(capsys.readouterr().out.split())
