"""The whole journey on a GPU: chosen with ``-m gpu``, where there is one.

Without one, tests of the configurations say so in one line (``test_overrides``), and where trees
would grow is known without any device.
"""

import json
import os
import signal

import pytest
import torch
import xgboost

from tabgan.models.nets.boosted import grown_on
from tabgan.runs.callbacks.reseed import Reseed

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.mark.parametrize(
    ("device", "has_cuda", "expected"),
    [
        ("cpu", True, "cpu"),
        (torch.device("mps"), True, "cpu"),
        (torch.device("cuda", 1), True, "cuda:1"),
        ("cuda", False, "cpu"),
    ],
)
def test_trees_grow_beside_the_nets_where_xgboost_can(monkeypatch, device, has_cuda, expected):
    monkeypatch.setattr(xgboost, "build_info", lambda: {"USE_CUDA": has_cuda})
    assert grown_on(device) == expected


def test_a_cpu_build_of_xgboost_says_what_to_install(monkeypatch, caplog):
    monkeypatch.setattr(xgboost, "build_info", lambda: {"USE_CUDA": False})
    caplog.set_level("INFO")
    grown_on("cuda:0")
    assert "install xgboost in place of xgboost-cpu" in caplog.text


@pytest.mark.gpu
@on_a_gpu
def test_a_training_on_a_gpu_is_looked_at_and_sampled(command, mixed_arff, tmp_path):
    table = (f"data.path={mixed_arff}", "data.target=label")
    run = tmp_path / "run"
    words = (*table, "trainer=gpu", "trainer.max_epochs=40", f"hydra.run.dir={run}")
    assert command("train", *words).status == 0
    assert command("sample", f"run={run}", "n=50", f"out={tmp_path / 'rows.csv'}").status == 0
    assert len((tmp_path / "rows.csv").read_text("utf-8").splitlines()) == 51


@pytest.mark.gpu
@on_a_gpu
def test_a_training_with_rounds_that_was_stopped_on_a_gpu_goes_on_there(
    command, mixed_arff, tmp_path, monkeypatch
):
    begun, stops = Reseed.on_train_batch_start, [20, 70]  # in the likelihood phase, and in a round

    def stopped(self, trainer, *rest):
        if stops and trainer.global_step == stops[0]:
            del stops[0]
            os.kill(os.getpid(), signal.SIGTERM)
        begun(self, trainer, *rest)

    words = (f"data.path={mixed_arff}", "data.target=label", "trainer=gpu", "model.rounds=2")
    words += ("model.likelihood_steps=60", "refiner.rounds=1")
    assert command("train", *words, f"hydra.run.dir={tmp_path / 'whole'}").status == 0
    monkeypatch.setattr(Reseed, "on_train_batch_start", stopped)
    run = tmp_path / "run"
    assert command("train", *words, f"hydra.run.dir={run}").status == 143
    assert command("train", f"run={run}", "resume=true").status == 143
    assert command("train", f"run={run}", "resume=true").status == 0
    metrics = [
        json.loads((each / "metrics.json").read_text()) for each in (tmp_path / "whole", run)
    ]
    assert metrics[0]["steps"] == metrics[1]["steps"] > 70
    drawn = command("sample", f"run={run}", "n=20", f"out={tmp_path / 'rows.csv'}")
    assert drawn.status == 0, drawn.err
    assert len((tmp_path / "rows.csv").read_text("utf-8").splitlines()) == 21
