"""Sweeps: through every launcher, with jobs that fail, and one at a time in a folder."""

import json
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir

from tabgan.config.launch import accept_launchers
from tabgan.paths import conf_dir
from tabgan.system.locks import held

SMALL = (
    "data.target=label", "data.batch_size=50", "model=cgan_basic", "model.noise_dim=8",
    "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "refiner=none",
    "trainer.max_epochs=1", "logger=none", "~callbacks.panel",
)  # fmt: skip
LAUNCHERS = sorted(path.stem for path in (conf_dir() / "hydra" / "launcher").glob("*.yaml"))


@pytest.fixture
def sweep(command, mixed_arff, tmp_path):
    """``sweep("seed=0,1")`` in ``<tmp_path>/sweep``; how the command ended."""
    return lambda *words: command(
        "train", "-m", f"data.path={mixed_arff}", *SMALL, f"hydra.sweep.dir={tmp_path / 'sweep'}",
        *words,
    )  # fmt: skip


@pytest.fixture(scope="module")
def swept_once(command_in, mixed_arff, tmp_path_factory):
    """A finished sweep of three seeds, and a copy of it; shared by ``swept``."""
    folder = tmp_path_factory.mktemp("swept")
    words = (f"data.path={mixed_arff}", *SMALL, f"hydra.sweep.dir={folder / 'sweep'}")
    ended = command_in(folder, "train", "-m", *words, "seed=0,1,2")
    assert ended.status == 0, ended.err
    shutil.copytree(folder / "sweep", folder / "as it was")
    return folder


@pytest.fixture
def swept(swept_once):
    """The folder of a finished sweep that a test may break: it is put back for the next one."""
    shutil.rmtree(swept_once / "sweep")
    return Path(shutil.copytree(swept_once / "as it was", swept_once / "sweep"))


def finished(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("*/metrics.json"))


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_every_launcher_composes_in_every_application(launcher):
    with warnings.catch_warnings(), initialize_config_dir(str(conf_dir()), version_base="1.3"):
        accept_launchers()
        for config in ("train", "sample"):
            cfg = compose(config, [f"hydra/launcher={launcher}"], return_hydra_config=True)
            assert cfg.hydra.launcher["_target_"].startswith("hydra_plugins.hydra_")


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "ray"])  # basic: all below
def test_a_launcher_really_launches_two_runs(launcher, mixed_arff, tmp_path):
    plugin = {"submitit_local": "submitit"}.get(launcher, launcher)
    pytest.importorskip(f"hydra_plugins.hydra_{plugin}_launcher", reason="not installed")
    words = ["-m", "seed=0,1", f"data.path={mixed_arff}", *SMALL, f"hydra/launcher={launcher}"]
    done = subprocess.run(
        [sys.executable, "-m", "tabgan.train", *words, "hydra.sweep.dir=sweep"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert finished(tmp_path / "sweep") == ["0", "1"]
    for seed in (0, 1):
        requested = yaml.safe_load((tmp_path / "sweep" / f"{seed}/.hydra/config.yaml").read_text())
        hydra = yaml.safe_load((tmp_path / "sweep" / f"{seed}/.hydra/hydra.yaml").read_text())
        assert (requested["seed"], requested["threads"]) == (seed, 1)
        assert hydra["hydra"]["job"]["env_set"] == {"OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_a_job_that_fails_is_recorded_and_the_others_go_on(sweep, command, tmp_path):
    ended = sweep("data.batch_size=50,9999,25")
    folder = tmp_path / "sweep"
    assert ended.status == 1
    (told,) = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert told.startswith("error: 1 of 3 jobs failed; 1: data.batch_size=9999 is larger than")
    assert told.endswith(f"go on with: python -m tabgan.train run={folder} resume=true")
    assert finished(folder) == ["0", "2"]
    record = json.loads((folder / "1" / "failed.json").read_text("utf-8"))
    assert record["type"] == "TabganError"
    assert "data.batch_size=9999" in record["error"]
    assert "Traceback" in record["traceback"]
    ended = command("train", f"run={folder}", "resume=true")
    assert ended.status == 1
    assert ended.err.startswith("error: 1 of 3 jobs failed; 1: data.batch_size=9999")


def test_a_job_that_failed_for_a_while_is_finished_and_its_record_goes(swept, command):
    (swept / "1" / "metrics.json").unlink()
    (swept / "1" / "failed.json").write_text('{"error": "the disk was full"}', "utf-8")
    ended = command("train", f"run={swept}", "resume=true")
    assert ended.status == 0, ended.err
    assert finished(swept) == ["0", "1", "2"]
    assert not (swept / "1" / "failed.json").exists()
    assert f"every job is finished; side by side: python -m tabgan.compare {swept}" in ended.out


@pytest.mark.slow
def test_what_is_left_of_a_sweep_goes_on_through_a_launcher(swept, command, tmp_path):
    before = (swept / "0" / "metrics.json").read_bytes()
    for number in (1, 2):
        (swept / str(number) / "metrics.json").unlink()
    ended = command("train", f"run={swept}", "resume=true", "hydra/launcher=basic")
    assert ended.status == 0, ended.err
    assert finished(swept) == ["0", "1", "2"]
    assert (swept / "0" / "metrics.json").read_bytes() == before
    assert not (tmp_path / "multirun.yaml").exists()


def test_a_job_killed_while_its_configuration_was_written_begins_anew(swept, command):
    for path in sorted((swept / "1").rglob("*"), reverse=True):
        if path.is_file() and path.name != "config.yaml":
            path.unlink()
    ended = command("train", f"run={swept}", "resume=true")
    assert ended.status == 0, ended.err
    assert finished(swept) == ["0", "1", "2"]
    assert (swept / "1" / ".hydra" / "overrides.yaml").is_file()


def test_a_second_sweep_in_a_folder_is_refused(swept, sweep):
    before = (swept / "multirun.yaml").read_bytes()
    ended = sweep("seed=2,3", f"hydra.sweep.dir={swept}")
    assert ended.status == 1
    assert ended.err.startswith(f"error: {swept}: holds a sweep already; go on with:")
    assert (swept / "multirun.yaml").read_bytes() == before


def test_two_processes_in_the_folder_of_a_sweep_are_refused(sweep, swept, command, tmp_path):
    folder = tmp_path / "sweep"
    folder.mkdir()
    with held(folder):
        ended = sweep("seed=0,1")
    assert ended.status == 1
    assert "has been at work here since" in ended.err
    assert not list(folder.glob("*"))
    (swept / "1" / "metrics.json").unlink()
    with held(swept):
        ended = command("train", f"run={swept}", "resume=true")
    assert (ended.status, finished(swept)) == (1, ["0", "2"])
    assert "has been at work here since" in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["hydra/launcher=jobllib"], "no hydra/launcher 'jobllib'; did you mean 'joblib'?"),
        (["model.lrr=1,2"], "model.lrr: no such key; did you mean 'lr'?"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(sweep, tmp_path, words, told):
    ended = sweep(*words)
    assert ended.status == 1
    assert told in ended.err.splitlines()[-1]
    assert not (tmp_path / "sweep").exists()


def test_a_launcher_that_is_not_installed_is_named_with_its_extra(sweep, monkeypatch, tmp_path):
    from hydra.core.plugins import Plugins

    names = Plugins.instance().class_name_to_class
    monkeypatch.delitem(
        names, "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher", raising=False
    )
    ended = sweep("seed=0,1", "hydra/launcher=joblib")
    assert ended.err.endswith("a package is missing: pip install 'tabgan-lightning[joblib]'\n")
    assert not (tmp_path / "sweep").exists()


@pytest.mark.slow
def test_a_killed_worker_ends_the_launch_and_the_rest_can_be_finished(mixed_arff, tmp_path):
    psutil = pytest.importorskip("psutil")
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="not installed")
    words = ["-m", "seed=0,1", f"data.path={mixed_arff}", *SMALL, "trainer.max_epochs=100000"]
    launcher = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=sweep"]
    with subprocess.Popen(
        [sys.executable, "-m", "tabgan.train", *words, *launcher],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as main:  # fmt: skip
        begun = tmp_path / "sweep" / "0" / "plan.json"
        while not begun.is_file() and main.poll() is None:
            time.sleep(0.1)
        assert main.poll() is None, main.stderr.read()
        lock = json.loads((tmp_path / "sweep" / "0" / "run.lock").read_text())
        psutil.Process(lock["pid"]).kill()  # the worker: it holds the job's folder
        told = main.stderr.read().splitlines()[-1]
    assert main.returncode == 1
    assert told.startswith("error: TerminatedWorkerError: ")
    assert "0 of 2 jobs are finished; go on with: python -m tabgan.train run=" in told
