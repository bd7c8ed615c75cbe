"""Two processes that train together, as ``trainer=ddp`` starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tabgan.config.overrides import folder_to_resume
from tabgan.errors import TabganError
from tests.conftest import tiny_words

ASSETS = Path(__file__).parent / "assets"
OF_A_LAUNCHER = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def started(folder, data_path, *requested):
    """The first process of a run of two in ``folder / "run"``, each with a witness."""
    words = [f"data.path={data_path}", "data.target=label", "trainer=ddp"]
    words += ["trainer.max_epochs=5", f"hydra.run.dir={folder / 'run'}", *requested]
    words += ["+callbacks.witness._target_=witness.Witness", f"+callbacks.witness.folder={folder}"]
    environ = {k: v for k, v in os.environ.items() if k not in OF_A_LAUNCHER}
    return subprocess.Popen(
        [sys.executable, "-m", "tabgan.train", *words],
        env=environ | {"PYTHONPATH": os.pathsep.join([str(ASSETS), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def seen_by_both(folder, process):
    """What each process saw, and what both said."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)], out + err


@pytest.fixture(scope="module")
def pair(mixed_arff, tmp_path_factory):
    """The folder of a run of two processes, what each of them saw, and what they said."""
    folder = tmp_path_factory.mktemp("pair")
    words = (*tiny_words("cgan"), "model.rounds=1", "refiner=boosted")
    words += ("+callbacks.witness.rounds_always=true",)
    process = started(folder, mixed_arff, *words)
    return folder / "run", *seen_by_both(folder, process)


@pytest.mark.slow
def test_after_both_phases_both_processes_hold_the_same_weights(pair):
    _, (first, other), _ = pair
    assert len(first["batches"]) == 80  # likelihood_steps=60, and 2,000 drawn rows by 100
    for name, weights in first["weights"].items():
        assert torch.equal(weights, other["weights"][name]), name


@pytest.mark.slow
def test_together_they_have_seen_the_batches_of_one_process(pair):
    _, (first, other), _ = pair
    assert first["batches"].shape == other["batches"].shape
    assert first["batches"].shape[1] == 25  # half of data.batch_size=50
    both = torch.cat([seen["batches"][:4] for seen in (first, other)]).flatten(0, 1)
    assert len(both.unique(dim=0)) == 200  # 4 whole batches of the first pass over 243 rows


@pytest.mark.slow
def test_the_run_is_kept_once(pair):
    run, _, _ = pair
    assert json.loads((run / "metrics.json").read_text())["steps"] == 80
    assert sorted(path.name for path in run.parent.iterdir()) == ["rank0.pt", "rank1.pt", "run"]
    assert sorted(path.name for path in run.glob("*.log")) == ["train.log"]
    assert len(list(run.rglob("events.out.tfevents.*"))) == 1


@pytest.mark.slow
def test_what_is_said_is_said_once(pair):
    _, _, said = pair
    assert said.count("maximum likelihood ends after 60 steps") == said.count("round 1 of 1: ") == 1


@pytest.mark.slow
@pytest.mark.parametrize("adversarial", ["boundary", "slopes"])
def test_both_processes_take_the_same_rounds(tmp_path, adversarial):
    """Right is left in nine of ten rows, and the likelihood learns nothing: critics see that."""
    path = tmp_path / "data" / "pairs.csv"
    path.parent.mkdir()
    sides = ((row % 2, (row + (row % 10 == 0)) % 2) for row in range(500))
    rows = "".join(
        f"{'ab'[left]},{'ab'[right]},{row % 3}\n" for row, (left, right) in enumerate(sides)
    )
    path.write_text("left,right,label\n" + rows, "utf-8")
    words = (*tiny_words("cgan"), "encoder.derive=false", "refiner=none", "logger=none",
             "model.likelihood_steps=1", "model.lr=0", "model.round_lr=1e-3",
             f"model.adversarial={adversarial}")  # fmt: skip
    (first, other), said = seen_by_both(tmp_path, started(tmp_path, path, *words))
    assert adversarial == "slopes" or said.count("adversarial round 2 of 2: critics tell") == 1
    assert len(first["batches"]) == len(other["batches"])
    for name, weights in first["weights"].items():
        assert torch.equal(weights, other["weights"][name]), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "steps"),
    [
        # 5 epochs of 4: 243 rows
        ((*tiny_words("ctgan"), "tool=[dropout_gan,feature_matching]", "logger=none"), 20),
        # likelihood_steps=20, scored_steps=40, and 2,000 drawn rows by 100
        ((*tiny_words("scored_surrogate"), "callbacks=scored", "logger=none"), 80),
    ],
    ids=["ctgan and tools", "scored"],
)
def test_other_models_and_tools_train_alike_in_both_processes(mixed_arff, tmp_path, words, steps):
    (first, other), _ = seen_by_both(tmp_path, started(tmp_path, mixed_arff, *words))
    assert len(first["batches"]) == len(other["batches"]) == steps
    for name, weights in first["weights"].items():
        if "running_" not in name:  # each process's batch norms know its own rows
            assert torch.equal(weights, other["weights"][name]), name


@pytest.mark.slow
def test_a_signal_to_the_first_ends_both_where_nothing_is_kept(mixed_arff, tmp_path):
    words = (*tiny_words("cgan_basic"), "callbacks=none", "trainer.max_epochs=100000")
    process = started(tmp_path, mixed_arff, *words)
    while len(list(tmp_path.glob("pid*"))) < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)  # which waits for both: they say it in one place
    assert process.returncode == 128 + signal.SIGTERM
    assert "stopped by SIGTERM; at once" in err
    assert "Traceback" not in err


def test_a_sweep_of_runs_of_several_processes_is_refused(command):
    ended = command("train", "-m", "data=adult", "trainer=ddp", "seed=0,1")
    assert ended.status == 1
    assert "a run of several processes starts them anew, and each would sweep" in ended.err


def test_a_process_that_another_has_started_passes_over_lightnings_words(monkeypatch):
    words = ["run=here", "resume=true", 'hydra.run.dir="here"', "hydra.output_subdir=null"]
    with pytest.raises(TabganError, match=r"hydra.run.dir=.*: a run goes on as it was requested"):
        folder_to_resume(words)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert folder_to_resume(words) == Path("here")
