"""Two processes that train together, as ``trainer=ddp`` starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tabgan.commands import folder_to_resume
from tabgan.errors import TabganError
from tests.conftest import tiny_words

ASSETS = Path(__file__).parent / "assets"
OF_A_LAUNCHER = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture(scope="module")
def pair(mixed_arff, tmp_path_factory):
    """The folder of a run of two processes, and what each of them saw."""
    folder = tmp_path_factory.mktemp("pair")
    words = [f"data.path={mixed_arff}", "data.target=label", *tiny_words("cgan"), "trainer=ddp"]
    words += ["trainer.max_epochs=5", f"hydra.run.dir={folder / 'run'}", "refiner=boosted"]
    witness = ["+callbacks.witness._target_=witness.Witness", f"+callbacks.witness.folder={folder}"]
    environ = {k: v for k, v in os.environ.items() if k not in OF_A_LAUNCHER}
    ended = subprocess.run(
        [sys.executable, "-m", "tabgan.train", *words, *witness],
        env=environ | {"PYTHONPATH": str(ASSETS)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seen = [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    return folder / "run", seen, ended


def test_after_twenty_steps_both_processes_hold_the_same_weights(pair):
    _, (first, other), _ = pair
    assert len(first["batches"]) == 20  # 5 epochs of 4 batches: 243 rows
    for name, weights in first["weights"].items():
        assert torch.equal(weights, other["weights"][name]), name


def test_together_they_have_seen_the_batches_of_one_process(pair):
    _, (first, other), _ = pair
    assert first["batches"].shape == other["batches"].shape
    assert first["batches"].shape[1] == 25  # half of data.batch_size=50
    assert not torch.equal(first["batches"], other["batches"])


def test_the_run_is_kept_once(pair):
    run, _, _ = pair
    assert json.loads((run / "metrics.json").read_text())["steps"] == 20
    assert sorted(path.name for path in run.parent.iterdir()) == ["rank0.pt", "rank1.pt", "run"]
    assert sorted(path.name for path in run.glob("*.log")) == ["train.log"]
    assert len(list(run.rglob("events.out.tfevents.*"))) == 1


def test_what_is_said_is_said_once(pair):
    _, _, ended = pair
    assert (ended.stdout + ended.stderr).count("warm start: a mixture, by EM") == 1


def test_a_sweep_of_runs_of_several_processes_is_refused(command):
    ended = command("train", "-m", "data=adult", "trainer=ddp", "seed=0,1")
    assert ended.status == 1
    assert "a run of several processes starts them anew, and each would sweep" in ended.err


def test_a_process_that_another_has_started_passes_over_lightnings_words(monkeypatch):
    words = ["run=here", "resume=true", 'hydra.run.dir="here"', "hydra.output_subdir=null"]
    with pytest.raises(TabganError, match=r"hydra.run.dir=.*: a run goes on as it was asked"):
        folder_to_resume(words)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert folder_to_resume(words) == Path("here")
