"""An interrupted training goes on as if nothing had happened: ``train run=FOLDER resume=true``."""

import csv
import json
import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest
import torch

from tabgan.runs.callbacks.reseed import Reseed
from tabgan.runs.provenance import rows_hash, values_hash
from tabgan.sampling.refiner import Refiner
from tests.conftest import tiny_words

SMALL = (
    "data.target=label", "data.batch_size=50", "model=cgan_basic", "model.noise_dim=8",
    "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "refiner.rounds=1",
    "trainer.max_epochs=3", "trainer.log_every_n_steps=1", "callbacks.panel.every_n_steps=3",
)  # fmt: skip
OF_THE_CLOCK = ("seconds", "val/panel_share")
STEPS = 12  # 3 epochs of 4: 300 rows, 30 for testing, 27 for validation, batches of 50


def signalling(patch, step, *signums):
    """Have the process get the signals when the step after ``step`` begins, once."""
    begun, left = Reseed.on_train_batch_start, list(signums)

    def wrapped(self, trainer, *rest):
        while trainer.global_step == step and left:
            os.kill(os.getpid(), left.pop(0))
        begun(self, trainer, *rest)

    patch.setattr(Reseed, "on_train_batch_start", wrapped)


@pytest.fixture
def signals_at(monkeypatch):
    """``signals_at(6, SIGTERM)``: the process gets it when its seventh step begins, once."""
    return lambda step, *signums: signalling(monkeypatch, step, *signums)


@pytest.fixture(scope="module")
def data(mixed_arff, tmp_path_factory):
    """A table that a test may change."""
    return Path(shutil.copy(mixed_arff, tmp_path_factory.mktemp("table") / "people.arff"))


@pytest.fixture
def train(command, data, tmp_path):
    """Train in ``<tmp_path>/run``; how the command ended."""
    return lambda *words, run="run": command(
        "train", f"data.path={data}", *SMALL, f"hydra.run.dir={tmp_path / run}", *words
    )


@pytest.fixture(scope="module")
def unbroken(command_in, data, refined_at_any_rate, tmp_path_factory):  # noqa: ARG001
    """The folder of the run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("unbroken")
    words = (f"data.path={data}", *SMALL, f"hydra.run.dir={folder / 'run'}")
    ended = command_in(folder, "train", *words)
    assert ended.status == 0, ended.err
    return folder / "run"


@pytest.fixture
def go_on(command, tmp_path):
    return lambda *words, run="run": command(
        "train", f"run={tmp_path / run}", "resume=true", *words
    )


def checkpoint(run, name="last"):
    return torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)


def plain(value):
    """Tensors as lists, so that ``==`` compares everything to the bit."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items() if key not in OF_THE_CLOCK}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value.tolist() if isinstance(value, torch.Tensor) else value


def points(run):
    with (run / "csv" / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{k: v for k, v in row.items() if v and k not in OF_THE_CLOCK} for row in rows]


def same_run(one, other):
    """Asserts that two run folders hold the same training, to the bit."""
    for name in ("best", "last"):
        left, right = (checkpoint(run, name) for run in (one, other))
        for key in ("state_dict", "optimizer_states", "global_step", "epoch"):
            assert plain(left[key]) == plain(right[key]), (name, key)
        of_left, of_right = (
            {key.split("{")[0]: plain(state) for key, state in found["callbacks"].items()}
            for found in (left, right)
        )
        assert of_left == of_right
    metrics = [json.loads((run / "metrics.json").read_text()) for run in (one, other)]
    assert plain(metrics[0]) == plain(metrics[1])
    for name in ("samples/preview.csv", "encoder/state.json", "refiner/state.json", "run.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert sorted(map(str, points(one))) == sorted(map(str, points(other)))
    return True


@pytest.mark.slow
@pytest.mark.parametrize("step", [5, 7, 11], ids=lambda step: f"step{step}")
def test_a_training_stopped_anywhere_goes_on_to_the_bit(
    train, go_on, unbroken, signals_at, tmp_path, step
):
    # the signal comes when step + 1 begins: 5 + 1 lies within an epoch, the others end one
    signals_at(step, signal.SIGTERM)
    assert train().status == 143
    assert checkpoint(tmp_path / "run")["global_step"] == step + 1
    assert not (tmp_path / "run" / "metrics.json").exists()
    requested = (tmp_path / "run" / ".hydra" / "config.yaml").read_bytes()
    ended = go_on()
    assert ended.status == 0, ended.err
    assert (tmp_path / "run" / ".hydra" / "config.yaml").read_bytes() == requested
    assert same_run(tmp_path / "run", unbroken)


@pytest.mark.slow
def test_a_training_stopped_twice_and_moved_goes_on_to_the_bit(
    train, go_on, unbroken, signals_at, tmp_path
):
    signals_at(1, signal.SIGINT)  # within the first epoch, before anything was measured
    assert train().status == 130
    signals_at(6, signal.SIGTERM)
    (tmp_path / "run").rename(tmp_path / "moved here")
    assert go_on(run="moved here").status == 143
    assert go_on(run="moved here").status == 0
    assert not (tmp_path / "run").exists()
    assert same_run(tmp_path / "moved here", unbroken)


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_says_what_was_kept_and_how_to_go_on(train, signals_at, tmp_path, signum, status):
    signals_at(2, signum)
    ended = train()
    run = tmp_path / "run"
    assert ended.status == status
    assert ended.err == (
        f"stopped by {signal.Signals(signum).name}; step 3 is in {run}/checkpoints/last.ckpt; "
        f"go on with: python -m tabgan.train run={run} resume=true\n"
    )
    assert not (run / "run.lock").exists()


@pytest.mark.slow
def test_a_second_signal_stops_at_once(train, signals_at, tmp_path):
    signals_at(2, signal.SIGINT, signal.SIGINT)
    ended = train()
    assert (ended.status, ended.err.count("\n")) == (130, 1)
    assert ended.err.startswith("stopped by SIGINT; at once; go on with: ")
    assert not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()


SCORED = (
    "data.target=label", *tiny_words("scored_surrogate"), "callbacks=scored",
    "callbacks.panel.every_n_steps=10",
)  # fmt: skip


@pytest.fixture(scope="module")
def scored(command_in, data, tmp_path_factory):
    """The folder of the scored run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("scored")
    words = (f"data.path={data}", *SCORED, f"hydra.run.dir={folder / 'run'}")
    assert command_in(folder, "train", *words).status == 0
    return folder / "run"


@pytest.mark.slow
@pytest.mark.parametrize("step", [5, 25, 50], ids=["rows", "labels", "even labels"])
def test_a_scored_training_goes_on_to_the_bit(step, command, data, scored, signals_at, tmp_path):
    signals_at(step, signal.SIGTERM)
    words = (f"data.path={data}", *SCORED, f"hydra.run.dir={tmp_path / 'run'}")
    assert command("train", *words).status == 143
    ended = command("train", f"run={tmp_path / 'run'}", "resume=true")
    assert ended.status == 0, ended.err
    one, other = checkpoint(tmp_path / "run"), checkpoint(scored)
    for key in ("state_dict", "optimizer_states", "global_step"):
        assert plain(one[key]) == plain(other[key])


@pytest.mark.slow
def test_a_training_that_started_from_a_run_goes_on_to_the_bit(
    command, data, unbroken, signals_at, tmp_path
):
    words = ("train", f"start={unbroken}", f"data.path={data}", "data.target=label")
    assert command(*words, f"hydra.run.dir={tmp_path / 'other'}").status == 0
    signals_at(5, signal.SIGTERM)
    assert command(*words, f"hydra.run.dir={tmp_path / 'run'}").status == 143
    ended = command("train", f"run={tmp_path / 'run'}", "resume=true")
    assert ended.status == 0, ended.err
    assert same_run(tmp_path / "run", tmp_path / "other")


def test_a_signal_before_anything_has_begun_leaves_nothing(train, tmp_path, monkeypatch):
    from tabgan.data.datamodule import TableDataModule

    monkeypatch.setattr(TableDataModule, "setup", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    ended = train()
    assert (ended.status, ended.err) == (143, "stopped by SIGTERM; at once\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_whose_refiner_was_being_fitted_fits_it_again(
    train, go_on, unbroken, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(Refiner, "fit", lambda *_, **__: os.kill(os.getpid(), signal.SIGINT))
        ended = train()
    assert ended.status == 130
    assert "go on with" in ended.err
    assert checkpoint(tmp_path / "run")["global_step"] == STEPS
    assert go_on().status == 0
    assert same_run(tmp_path / "run", unbroken)


@pytest.mark.slow
def test_a_run_that_kept_nothing_yet_begins_again(go_on, unbroken, tmp_path):
    shutil.copytree(unbroken, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    (tmp_path / "run" / "metrics.json").unlink()
    assert go_on().status == 0
    assert same_run(tmp_path / "run", unbroken)


@pytest.mark.slow
def test_a_finished_run_says_so_and_stays_as_it_is(go_on, unbroken, tmp_path):
    shutil.copytree(unbroken, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.[jcnp]*")}
    ended = go_on()
    assert ended.status == 0
    assert f"finished already, after {STEPS} steps; nothing to do" in ended.out
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
def test_the_jobs_of_a_multirun_that_are_left_are_finished(
    command, data, signals_at, tmp_path, unbroken
):
    signals_at(5, signal.SIGTERM)
    ended = command("train", "-m", "seed=0,1", f"data.path={data}", *SMALL)
    assert ended.status == 143
    (sweep,) = tmp_path.glob("outputs/people/sweep_*")
    assert f"go on with: python -m tabgan.train run={sweep} resume=true" in ended.err
    assert not (sweep / "1").exists()  # job 0 was stopped, 1 never begun
    ended = command("train", f"run={sweep}", "resume=true")
    assert ended.status == 0, ended.err
    assert same_run(sweep / "0", unbroken)
    assert json.loads((sweep / "1" / "metrics.json").read_text())["steps"] == STEPS
    assert (sweep / "1" / ".hydra" / "overrides.yaml").is_file()
    ended = command("train", f"run={sweep}", "resume=true")
    assert ended.status == 0, ended.err
    assert "every job is finished" in ended.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["resume=true"], "to go on with a run, say both: run=<folder> resume=true"),
        (["run=x"], "to go on with a run, say both: run=<folder> resume=true"),
        (["run=x", "resume=yes"], "to go on with a run, say both: run=<folder> resume=true"),
        (
            ["run=x", "resume=true", "seed=1"],
            "seed=1: a run goes on as it was requested; leave this",
        ),
        (["run=x", "resume=true"], "not a run folder: "),
    ],
)
def test_words_that_resume_nothing(command, words, told):
    ended = command("train", *words)
    assert ended.status == 1
    assert ended.err.startswith(f"error: {told}")


@pytest.fixture(scope="module")
def stopped_once(command_in, data, tmp_path_factory):
    """The folder of a run stopped after its sixth step; shared, so a test takes a copy."""
    folder = tmp_path_factory.mktemp("stopped")
    words = (f"data.path={data}", *SMALL, f"hydra.run.dir={folder / 'run'}")
    with pytest.MonkeyPatch.context() as patch:
        signalling(patch, 5, signal.SIGTERM)
        assert command_in(folder, "train", *words).status == 143
    return folder / "run"


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A copy of the stopped run that a test may break."""
    return Path(shutil.copytree(stopped_once, tmp_path / "run"))


def refused(ended):
    assert ended.status == 1
    (told,) = ended.err.splitlines()
    return told


def test_a_changed_table_is_refused_by_the_name_of_the_column(stopped, go_on, data):
    text = data.read_text("utf-8")
    data.write_text(text.replace(",2,no\n", ",2,yes\n", 1), "utf-8")
    told = refused(go_on())
    data.write_text(text, "utf-8")
    assert told.endswith(f"{stopped}: the table has changed since the run began: column 'label'")


@pytest.mark.usefixtures("stopped")
def test_a_shorter_table_is_refused(go_on, data):
    text = data.read_text("utf-8")
    data.write_text(text.rstrip("\n").rpartition("\n")[0] + "\n", "utf-8")
    told = refused(go_on())
    data.write_text(text, "utf-8")
    assert "'validation': 27, 'test': 30} became" in told  # a tenth of 300, and now of 299


def changed(path, **facts):
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_a_run_of_another_version_is_refused(stopped, go_on):
    changed(stopped / "run.json", tabgan="0.0.9")
    assert "begun by tabgan 0.0.9, this is " in refused(go_on())


def test_a_run_of_a_newer_format_is_refused(stopped, go_on, command):
    changed(stopped / "run.json", format=2)
    told = f"{stopped}/run.json: written in format 2, this tabgan reads up to 1; update tabgan"
    assert refused(go_on()) == f"error: {told}"
    assert refused(command("sample", f"run={stopped}", "n=5")) == f"error: {told}"


def test_code_that_a_folder_names_is_not_called(stopped, go_on, tmp_path):
    config = stopped / ".hydra" / "config.yaml"
    text = config.read_text("utf-8")
    victim = tmp_path / "victim"
    nasty = (
        f"callbacks:\n  nasty:\n    _target_: tabgan.config.launch.os.mkdir\n    path: {victim}\n"
    )
    config.write_text(text.replace("callbacks:\n", nasty, 1), "utf-8")
    told = refused(go_on())
    assert "callbacks.nasty._target_: a run folder may name targets of" in told
    assert told.endswith("if the run is your own, add trust=true")
    assert not victim.exists()
    assert "callbacks.nasty" in refused(go_on("trust=true"))  # a folder's making is no callback
    assert victim.is_dir()


@pytest.mark.usefixtures("stopped")
def test_rows_in_another_order_are_refused(go_on, data):
    head, _, rows = (text := data.read_text("utf-8")).partition("@data\n")
    data.write_text(f"{head}@data\n" + "".join(reversed(rows.splitlines(True))), "utf-8")
    told = refused(go_on())
    data.write_text(text, "utf-8")
    assert told.endswith("the table has changed since the run began: the order of its rows")


def test_values_hash_to_the_same_in_any_order_and_rows_do_not():
    one, other = pd.Series([1.5, None, 2.0]), pd.Series([2.0, 1.5, None])
    assert values_hash(one) == values_hash(other)
    assert values_hash(one) != values_hash(pd.Series([1.5, None, 2.5]))
    assert rows_hash(one.to_frame()) != rows_hash(other.to_frame())
