"""The command: help at once, one line for a mistake."""

import json
import subprocess
import sys


def test_help_answers_without_torch_or_pandas():
    program = (
        "import sys, contextlib\nfrom tabgan import compare\nsys.argv[1:] = ['--help']\n"
        "with contextlib.suppress(SystemExit):\n    compare.run()\n"
        "sys.stderr.write(str({'torch', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == "set()"
    assert done.stdout.startswith("python -m tabgan.compare FOLDERS")


def test_no_words_is_a_mistake(command):
    ended = command("compare")
    assert ended.status == 2
    assert "FOLDERS" in ended.out


def test_a_folder_that_is_not_there_is_one_line(command):
    ended = command("compare", "nowhere")
    assert (ended.status, ended.err) == (
        1,
        "error: nowhere: no such folder, and no folder that it matches\n",
    )


def test_a_folder_without_runs_is_one_line(command, tmp_path):
    (tmp_path / "empty").mkdir()
    ended = command("compare", "empty", "out=")
    assert ended.status == 1
    assert ended.err.startswith("error: no run in empty: a run folder has")


def test_a_file_is_no_folder(command, tmp_path):
    (tmp_path / "file").touch()
    assert command("compare", "file").err == "error: file: expected a folder, got a file\n"


def test_a_run_that_was_not_measured_says_the_command_that_makes_a_report(command, run_copy):
    (run_copy / "metrics.json").unlink()
    ended = command("compare", run_copy)
    assert ended.status == 1
    assert f"make one: python -m tabgan.evaluate run={run_copy}" in ended.out
    assert ended.err == "error: nothing to compare: none of 1 runs has a report yet\n"


def test_a_run_without_a_report_stands_by_its_validation_rows(command, run_copy):
    metrics = json.loads((run_copy / "metrics.json").read_text("utf-8"))
    ended = command("compare", run_copy, "mark=model.noise_dim=8.0")
    assert ended.status == 0, ended.err
    assert "people.arff: validation rows, no report" in ended.out
    assert "place 1 of 1: people" in ended.out
    header, line = (run_copy / "leaderboard.csv").read_text("utf-8").splitlines()[:2]
    assert "val/c2st_auc" in header
    assert str(metrics["val/c2st_auc"])[:6] in line
    ended = command("compare", run_copy, "mark=model.noise_dim=9")
    assert ended.err.startswith(
        "error: mark=model.noise_dim=9: no such contestant; the first: people"
    )


def test_a_trained_run_with_a_report_makes_a_leaderboard(command, run_copy, tmp_path):
    report = {"data": "people", "c2st_test_auc_worst": 0.9, "wnmis": 0.5}
    (run_copy / "report.json").write_text(json.dumps(report), "utf-8")
    ended = command("compare", "ru*", f"out={tmp_path / 'out'}")
    assert ended.status == 0, ended.err
    assert f"the leaderboard: {tmp_path / 'out' / 'leaderboard.html'}" in ended.out
    header, line = (tmp_path / "out" / "leaderboard.csv").read_text("utf-8").splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=True))["contestant"].startswith(
        "people"
    )
    assert float(dict(zip(header.split(","), line.split(","), strict=True))["seconds"]) > 0


def test_a_place_that_cannot_be_written_is_one_line(command, run_copy, tmp_path):
    (run_copy / "report.json").write_text('{"data": "people"}', "utf-8")
    (tmp_path / "file").touch()
    ended = command("compare", "run", "out=file/below")
    assert ended.status == 1
    assert ended.err.startswith("error: out=file/below: cannot be written")
