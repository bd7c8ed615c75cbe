"""A run is judged on its own table, wherever the command is given and whatever lies there now."""

import json
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

from tabgan import TabganError, TableGAN
from tabgan.config.opening import open_run
from tabgan.config.overrides import words_of
from tabgan.report.standings import find_runs, read_runs

SMALL = (
    "data.path=people.csv", "data.target=label", "model=cgan_basic", "model.noise_dim=8",
    "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "data.batch_size=50",
    "trainer.max_epochs=1", "refiner=none", "logger=none", "~callbacks.panel",
)  # fmt: skip


def people(seed=0):
    """300 rows of three columns; of another seed, the same values beside others."""
    jobs = np.random.default_rng(seed).permutation(["cook", "clerk", "guard"] * 100)
    ages = [18 + row * 7 % 50 for row in range(300)]
    return pd.DataFrame({"age": ages, "job": jobs, "label": ["no", "yes"] * 150})


@pytest.fixture(scope="module")
def first_home(tmp_path_factory, command_in):
    folder = tmp_path_factory.mktemp("first")
    people().to_csv(folder / "people.csv", index=False)
    ended = command_in(folder, "train", *SMALL, "hydra.run.dir=run")
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture
def home(first_home, tmp_path):
    """The folder where somebody trained ``run`` on ``people.csv``, a relative path."""
    folder = tmp_path / "home"
    shutil.copytree(first_home, folder)
    hydra = folder / "run" / ".hydra" / "hydra.yaml"
    hydra.write_text(hydra.read_text("utf-8").replace(str(first_home), str(folder)), "utf-8")
    return folder


@pytest.fixture
def elsewhere(tmp_path):
    """Another folder, with another table of the same name."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    people(seed=1).to_csv(folder / "people.csv", index=False)
    return folder


@pytest.mark.slow
def test_a_run_keeps_its_table_whatever_folder_the_command_is_given_in(home, elsewhere, command_in):
    ended = command_in(elsewhere, "evaluate", f"run={home / 'run'}", "threads=1")
    assert ended.status == 0, ended.err
    assert f"reading {home / 'people.csv'}" in ended.out
    assert f"reading {elsewhere / 'people.csv'}" not in ended.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("evaluate", ()),
        ("sample", ("n=50", "out=rows.csv", "check=true", "where.label=yes")),
    ],
)
def test_another_table_in_its_place_is_refused_before_rows_are_drawn(home, command_in, name, words):
    people(seed=1).to_csv(home / "people.csv", index=False)
    ended = command_in(home, name, "run=run", *words)
    assert ended.status == 1
    assert ended.err.startswith(
        f"error: {home / 'people.csv'}: not the table that run was trained on; what differs: "
    )
    assert not (home / "rows.csv").exists()
    assert not (home / "run" / "report.json").exists()


def test_one_changed_cell_is_another_table(home, command_in):
    people().replace({"age": {18: 19}}).to_csv(home / "people.csv", index=False)
    ended = command_in(home, "evaluate", "run=run")
    assert ended.err.endswith("what differs: column 'age'; or give real=<file> test=<file>\n")


def test_a_table_that_is_gone_is_not_replaced_by_one_of_its_name(home, elsewhere, command_in):
    (home / "people.csv").unlink()
    ended = command_in(elsewhere, "evaluate", f"run={home / 'run'}")
    assert ended.status == 1
    assert f"{elsewhere / 'people.csv'}: not the table that" in ended.err


@pytest.mark.slow
def test_a_project_that_was_moved_as_a_whole_finds_its_table(home, tmp_path, command_in):
    moved = tmp_path / "moved"
    shutil.move(home, moved)
    ended = command_in(moved, "evaluate", "run=run", "threads=1")
    assert ended.status == 0, ended.err
    assert f"reading {moved / 'people.csv'}" in ended.out


def test_a_loaded_model_is_evaluated_on_its_own_table(home, elsewhere, monkeypatch):
    monkeypatch.chdir(elsewhere)
    gan = TableGAN.load(home / "run")
    assert gan.run_.config.data.path == str(home / "people.csv")
    assert "c2st_test_auc" in gan.evaluate()
    people(seed=1).to_csv(home / "people.csv", index=False)
    with pytest.raises(TabganError, match="not the table that"):
        gan.evaluate()


@pytest.mark.slow
def test_a_run_beside_another_table_says_so_first(home, elsewhere, command_in):
    table = elsewhere / "people.csv"
    words = (f"real={table}", f"test={table}", "n=100", "threads=1", "out=report")
    ended = command_in(home, "evaluate", "run=run", *words)
    assert ended.status == 0, ended.err
    report = json.loads((home / "report" / "report.json").read_text("utf-8"))
    says = f"Judged on {table}, not on the table that the run was trained on. "
    assert report["headline"].startswith(says)


def test_a_run_that_does_not_say_what_it_learned_is_not_judged(home, command_in):
    (home / "run" / "run.json").unlink()
    ended = command_in(home, "evaluate", "run=run")
    assert ended.status == 1
    assert "run.json is missing, which says what table the run was trained on" in ended.err


@pytest.mark.slow
def test_the_jobs_that_a_sweep_has_left_learn_the_sweeps_table(home, elsewhere, command_in):
    ended = command_in(home, "train", "-m", "seed=0,1", *SMALL, "hydra.sweep.dir=sweep")
    assert ended.status == 0, ended.err
    shutil.rmtree(home / "sweep" / "1")
    ended = command_in(elsewhere, "train", f"run={home / 'sweep'}", "resume=true")
    assert ended.status == 0, ended.err
    records = [json.loads((home / f"sweep/{job}/run.json").read_text()) for job in (0, 1)]
    assert records[0]["columns"] == records[1]["columns"]


def test_words_that_a_run_hands_on_name_the_files_that_it_knew(home, elsewhere, monkeypatch):
    overrides = home / "run" / ".hydra" / "overrides.yaml"
    overrides.write_text("- blackbox=saved\n- blackbox.path=box\n- model=scored_surrogate\n")
    monkeypatch.chdir(elsewhere)
    assert words_of(home / "run") == [
        "blackbox=saved", f"blackbox.path='{home / 'box'}'", "model=scored_surrogate",
    ]  # fmt: skip


def test_absolute_paths_and_named_sets_stay_as_they_are(home):
    config = home / "run" / ".hydra" / "config.yaml"
    config.write_text(config.read_text().replace("path: people.csv", "path: /nowhere/people.csv"))
    assert open_run(home / "run").config.data.path == "/nowhere/people.csv"
    config.write_text(config.read_text().replace("path: /nowhere/people.csv", "path: null"))
    assert open_run(home / "run").config.data.path is None


def test_runs_on_two_tables_of_one_name_are_not_compared_with_each_other(
    home, elsewhere, command_in, tmp_path
):
    ended = command_in(elsewhere, "train", *SMALL, "hydra.run.dir=run")
    assert ended.status == 0, ended.err
    for folder in (home, elsewhere):
        report = {"data": "people", "c2st_test_auc": 0.9, "train_rows": 243}
        (folder / "run" / "report.json").write_text(json.dumps(report))
    entries, _ = read_runs(find_runs([str(tmp_path)]))
    assert len({entry.data for entry in entries}) == 2
    assert all(entry.data.startswith("people [") for entry in entries)
    assert len({entry.key for entry in entries}) == 2  # and no seeds of one contestant


@pytest.mark.slow
def test_a_study_does_not_go_on_with_another_table(home, command_in):
    words = [word for word in SMALL if word != "~callbacks.panel"]
    words = [*words, "tune=report", "out=study", "n_trials=1", "callbacks.panel.every_n_steps=1"]
    space = ["~tune.space", "+tune.space={model.lr: {low: 1e-4, high: 1e-2, log: true}}"]
    assert command_in(home, "tune", *words, *space).status == 0
    people(seed=1).to_csv(home / "people.csv", index=False)
    ended = command_in(home, "tune", *words, "n_trials=2", *space)
    assert ended.status == 1
    assert "holds a study of another table than people.csv" in ended.err


@pytest.fixture(scope="module")
def homes(tmp_path_factory, command_in):
    """A run on 300 homes: one in ten has no net, another one in ten security, and none both."""
    folder = tmp_path_factory.mktemp("homes")
    tenth = np.arange(300) % 10
    table = pd.DataFrame(
        {
            "net": np.where(tenth == 0, "no", "yes"),
            "secure": np.where(tenth == 1, "yes", "no"),
            "label": np.where(np.arange(300) % 3 == 0, "a", "b"),
        }
    )
    table.to_csv(folder / "people.csv", index=False)
    words = [word for word in SMALL if not word.startswith("model.")]
    ended = command_in(folder, "train", *words, "data.test_fraction=0", "hydra.run.dir=run")
    assert ended.status == 0, ended.err
    return folder


NOBODY = {"net": "no", "secure": "yes"}


@pytest.mark.parametrize(("net", "n"), [("no", 0), ("yes", 30)])
def test_what_no_training_row_is_is_drawn_with_a_warning(homes, command_in, net, n):
    words = (f"where.net={net}", "where.secure=yes", "n=2", f"out={net}.csv")
    ended = command_in(homes, "sample", "run=run", *words)
    assert ended.status == 0, ended.err
    warning = "where.net=no, where.secure=yes: none of the 300 training and validation rows is"
    assert (warning in ended.out) == (n == 0)
    assert ("30 of 300 training and validation rows are like that" in ended.out) == (n == 30)
    assert json.loads((homes / f"{net}.csv.json").read_text("utf-8"))["training_rows"] == [n]


def test_python_is_warned_as_well_while_the_table_is_at_hand(homes):
    gan = TableGAN.load(homes / "run")
    with pytest.warns(UserWarning, match="none of the 300 training and validation rows"):
        gan.sample(2, where=NOBODY)
    with pytest.warns(
        UserWarning, match=r"like, row 2: .* none of the 300 training and validation rows"
    ):
        gan.sample(2, like=[{"net": "no"}, NOBODY])  # of independent columns 3 rows would be so


def test_rows_that_are_like_nobody_by_accident_are_not_warned_of(homes):
    rare = NOBODY | {"label": "a"}  # one row
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TableGAN.load(homes / "run").sample(2, like=[rare])


@pytest.mark.parametrize("instead", [False, True])
def test_nothing_is_said_of_training_rows_that_are_not_at_hand(homes, tmp_path, instead, recwarn):
    shutil.copytree(homes, tmp_path / "homes")
    hydra = tmp_path / "homes" / "run" / ".hydra" / "hydra.yaml"
    hydra.write_text(hydra.read_text("utf-8").replace(str(homes), str(tmp_path / "homes")), "utf-8")
    path = tmp_path / "homes" / "people.csv"
    other = pd.read_csv(path).assign(secure="yes") if instead else None
    path.unlink()
    if other is not None:
        other.to_csv(path, index=False)
    assert len(TableGAN.load(tmp_path / "homes" / "run").sample(2, where=NOBODY)) == 2
    assert not [warned for warned in recwarn if "training rows" in str(warned.message)]
