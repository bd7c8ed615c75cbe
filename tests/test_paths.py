"""Paths as people write them: homes, odd characters, several; and commands that can be copied."""

import os
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given
from hypothesis import strategies as st

from tabgan import TabganError, TableGAN
from tabgan.config.overrides import as_typed, hydra_words, quote
from tabgan.paths import conf_dir, path_of
from tabgan.runs.folder import not_a_run, what_next
from tabgan.system.shell import command as shell_command

SMALL = ("data.target=label", "data.batch_size=50", "model=cgan_basic", "+debug=smoke")
ODD = "mü ß (x) #1 a=b [c] {d}, it's $5 & ~"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Somebody's home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def table(mixed_arff, tmp_path):
    """The table as ``people.arff`` in the folder of the commands."""
    path = tmp_path / "people.arff"
    path.write_bytes(mixed_arff.read_bytes())
    return path


def read_by_hydra(config, *words):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(config, overrides=[word for word in words if word != "-m"])


def test_a_tilde_is_the_home(home):
    assert path_of("~/x.csv") == home / "x.csv"
    assert path_of("a~/x.csv") == Path("a~/x.csv")
    assert path_of("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
    words = hydra_words(["run=~/run", "out=~/x y.csv", "like='~/a.csv'"])
    cfg = read_by_hydra("sample", *words)
    assert [cfg.run, cfg.out, cfg.like] == [
        f"{home}/{name}" for name in ("run", "x y.csv", "a.csv")
    ]


@pytest.mark.slow
def test_commands_and_the_estimator_take_a_tilde(home, command, table):
    (home / "people.arff").write_bytes(table.read_bytes())
    words = ("data.path=~/people.arff", *SMALL, "hydra.run.dir=~/run")
    assert command("train", *words).status == 0
    assert command("sample", "run=~/run", "n=5", "out=~/rows.csv").status == 0
    assert len(pd.read_csv(home / "rows.csv")) == 5
    gan = TableGAN.load("~/run")
    gan.save("~/copy")
    assert (home / "copy" / "metrics.json").is_file()
    overrides = {"trainer.max_epochs": 1, "data.batch_size": 50, "refiner.rounds": 0}
    gan = TableGAN("cgan_basic", overrides=overrides, folder="~/own")
    assert len(gan.fit("~/people.arff").sample(3)) == 3
    assert (home / "own" / "metrics.json").is_file()


@pytest.mark.parametrize("key", ["hydra.run.dir", "hydra.sweep.dir", "run_name"])
def test_a_folder_may_have_any_name_and_expressions_in_it(key):
    (word,) = hydra_words([f"{key}={ODD}/${{now:%Y}}"])
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [word], return_hydra_config=True)
    found = cfg.run_name if key == "run_name" else cfg.hydra[key.split(".")[1]].dir
    name, _, year = found.rpartition("/")
    assert name == ODD
    assert year.isdigit()


def test_a_run_may_lie_in_a_folder_of_any_name(command, table, tmp_path, monkeypatch):
    ended = command("train", f"data.path={table}", *SMALL, f"hydra.run.dir={tmp_path}/{ODD}/run")
    assert ended.status == 0, ended.err
    (said,) = [line for line in ended.out.splitlines() if "more rows: " in line]
    program, flag, module, *words = shlex.split(said.partition("more rows: ")[2])
    assert (program, flag, module) == ("python", "-m", "tabgan.sample")
    ended = command("sample", *words, "out=rows.csv")  # as a shell would give it
    assert ended.status == 0, ended.err
    assert len(pd.read_csv(tmp_path / "rows.csv")) == 1_000
    told = {}
    monkeypatch.setattr(
        "tabgan.report.build.build_report", lambda *_, **requested: told.update(requested)
    )
    ended = command("evaluate", f"run={tmp_path}/{ODD}/run", "n=50", "threads=1", "out=my report")
    assert ended.status == 0, ended.err
    assert shlex.split(told["facts"]["command"])[3:] == [
        f"run={tmp_path}/{ODD}/run", "n=50", "threads=1", "out=my report",
    ]  # fmt: skip
    assert f"run={tmp_path}/{ODD}/run" in shlex.split(told["facts"]["rows_again"])


@pytest.mark.slow
def test_a_sweep_over_tables_and_targets_is_as_many_jobs(command, table, tmp_path):
    (tmp_path / "other.arff").write_bytes(table.read_bytes())
    words = ("data.path=people.arff,other.arff", "data.target=label,job", *SMALL[1:], "-m")
    ended = command("train", *words, "logger=none")
    assert ended.status == 0, ended.err
    (sweep,) = (tmp_path / "outputs" / "people-other").glob("sweep_*")
    requested = []
    for job in range(4):
        text = (sweep / str(job) / ".hydra" / "overrides.yaml").read_text("utf-8")
        requested.append(tuple(line[2:] for line in text.splitlines()[:2]))
    assert requested == [
        (f"data.path='{path}'", f"data.target='{target}'")
        for path in ("people.arff", "other.arff")
        for target in ("label", "job")
    ]


def test_a_file_with_a_comma_is_one_and_several_without_m_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a,b.csv", "c.csv", "d.csv"):
        (tmp_path / name).touch()
    assert hydra_words(["data.path=a,b.csv", "-m"])[0] == "data.path='a,b.csv'"
    assert hydra_words(["data.path=c.csv,d.csv", "-m"])[0] == "data.path='c.csv','d.csv'"
    assert hydra_words(["data.path='c.csv','d,e.csv'", "-m"])[0] == "data.path='c.csv','d,e.csv'"
    assert hydra_words(["data.path=glob(*)", "-m"])[0] == "data.path=glob(*)"
    assert hydra_words(["data.target=x,y"]) == ["data.target='x,y'"]  # a column of this name
    assert hydra_words(["mix=a:.5,b:.5", "-m"])[0] == "mix='a:.5,b:.5'"
    with pytest.raises(TabganError, match=r"data.path=c.csv,d.csv: several are as many jobs; say"):
        hydra_words(["data.path=c.csv,d.csv"])


def test_null_is_no_path_and_nothing_is_no_path_either():
    assert hydra_words(["data.path=null", "start=null"]) == ["data.path=null", "start=null"]
    with pytest.raises(TabganError, match=r"^data\.path=: expected a path$"):
        hydra_words(["data.path="])


@given(st.text(alphabet="ab ='\"[]{}$\\,():?*~+@!#%&<>;|/.-", min_size=1, max_size=12))
def test_words_can_be_shown_as_they_were_typed(text):
    assert as_typed([f"run={quote(text)}", "seed=1"]) == [f"run={text}", "seed=1"]


def test_a_command_is_quoted_for_the_shell_and_named_as_it_was_given(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/x/tabgan/train.py"])
    assert shell_command("sample", "run=a b", "n=5") == "python -m tabgan.sample 'run=a b' n=5"
    monkeypatch.setattr(sys, "argv", ["/x/bin/tabgan-train"])
    assert shell_command("sample", "run=a") == "tabgan-sample run=a"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["callbacks=none"], "no rows can be drawn: no weights were kept (callbacks.checkpoint)"),
        (
            ["hydra.output_subdir=null"],
            "no rows can be drawn: the run's configuration was not kept",
        ),
    ],
)
def test_no_command_is_offered_where_no_rows_can_be_drawn(command, table, words, says):
    ended = command("train", f"data.path={table}", *SMALL, *words)
    assert ended.status == 0, ended.err
    assert says in ended.out
    assert "tabgan.sample" not in ended.out


def test_a_folder_above_runs_names_them_newest_first(trained, tmp_path, command):
    for number, name in enumerate(("old", "new", "sweep/0")):
        config = tmp_path / "outputs" / "people" / name / ".hydra" / "config.yaml"
        config.parent.mkdir(parents=True)
        config.touch()
        os.utime(config, (number, number))
    above = tmp_path / "outputs" / "people"
    says = f"runs in it, newest first: {above}/sweep/0, {above}/new, {above}/old"
    assert says in str(not_a_run(above, "x"))
    for name, words in (
        ("sample", ["run=outputs/people", "n=5"]),
        ("sample", ["run=outputs/people", "where.age=5"]),
        ("evaluate", ["run=outputs/people"]),
        ("train", ["run=outputs/people", "resume=true"]),
        ("train", ["start=outputs/people"]),
    ):
        ended = command(name, *words)
        assert ended.status == 1
        assert says in ended.err, (name, words)
    with pytest.raises(TabganError, match="runs in it, newest first: "):
        TableGAN.load(above)
    assert what_next(trained)[0].startswith("more rows: ")


def test_only_the_first_of_many_runs_are_named(tmp_path):
    for number in range(12):
        (tmp_path / str(number) / ".hydra").mkdir(parents=True)
        (tmp_path / str(number) / ".hydra" / "config.yaml").touch()
    assert str(not_a_run(tmp_path, "x")).endswith(" and 7 more")
