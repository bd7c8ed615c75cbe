"""``python -m tabgan.tune``: trials that are pruned, fail, are killed; a study that goes on."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from tabgan.errors import TabganError

SMALL = (
    "data.target=label", "data.batch_size=50", "model=cgan_report", "model.noise_dim=8",
    "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "trainer.max_epochs=2",
    "logger=none", "callbacks.panel.every_n_steps=4", "tune=report", "out=study",
    "~tune.space", "+tune.space={model.lr: {low: 1e-4, high: 1e-2, log: true}}",
)  # fmt: skip


@pytest.fixture
def tune(command, mixed_arff):
    return lambda *words: command("tune", f"data.path={mixed_arff}", *SMALL, *words)


def trials(folder):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.load_study(study_name="tune", storage=f"sqlite:///{folder}/study.db").trials


@pytest.mark.slow
def test_a_study_killed_after_three_trials_ends_with_exactly_n(tune, mixed_arff, tmp_path):
    words = [f"data.path={mixed_arff}", *SMALL, "n_trials=5"]
    command = [sys.executable, "-m", "tabgan.tune", *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=tmp_path, **quiet) as process:
        while not (tmp_path / "study" / "3").is_dir() and process.poll() is None:
            time.sleep(0.02)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    before = trials(tmp_path / "study")
    assert [trial.number for trial in before] == [0, 1, 2, 3]
    assert before[3].state is TrialState.RUNNING
    assert tune("n_trials=5").status == 0
    after = trials(tmp_path / "study")
    assert [trial.number for trial in after] == [0, 1, 2, 3, 4]
    assert [trial.state for trial in after[3:]] == [TrialState.FAIL, TrialState.COMPLETE]
    assert [trial.params for trial in after[:3]] == [trial.params for trial in before[:3]]
    assert len(pd.read_csv(tmp_path / "study" / "trials.csv")) == 5


@pytest.mark.slow
def test_a_study_proposes_the_same_whether_or_not_it_was_interrupted(tune, tmp_path):
    assert tune("n_trials=2", "out=whole").status == 0
    assert tune("n_trials=1", "out=parts").status == 0
    assert tune("n_trials=2", "out=parts").status == 0
    whole, parts = (
        [(trial.number, trial.params, trial.value) for trial in trials(tmp_path / name)]
        for name in ("whole", "parts")
    )
    assert whole == parts
    assert whole[0][1] != whole[1][1]


@pytest.mark.slow
def test_a_diverged_trial_and_one_that_cannot_be_trained_have_failed(tune, tmp_path, monkeypatch):
    from tabgan.training import tuning

    real, begun = tuning.train, []

    def train(cfg, folder, *, callbacks):
        begun.append(folder.name)
        if folder.name == "0":
            raise FloatingPointError("train/critic_loss is nan at step 3")
        if folder.name == "1":
            raise TabganError("data.batch_size=256 is larger than the 243 training rows")
        return real(cfg, folder, callbacks=callbacks)

    monkeypatch.setattr(tuning, "train", train)
    ended = tune("n_trials=3")
    assert ended.status == 0, ended.err
    assert begun == ["0", "1", "2"]
    states = [trial.state for trial in trials(tmp_path / "study")]
    assert states == [TrialState.FAIL, TrialState.FAIL, TrialState.COMPLETE]
    record = json.loads((tmp_path / "study" / "0" / "failed.json").read_text("utf-8"))
    assert record["error"] == "train/critic_loss is nan at step 3"
    assert "2 fail, 1 complete" in ended.out


class Looked:
    """A trainer as far as ``Pruning`` looks at one."""

    def __init__(self, value):
        self.callback_metrics = {} if value is None else {"val/c2st_auc": value}


def test_a_trial_worse_than_the_median_of_those_before_is_pruned():
    from tabgan.training.tuning import Pruning

    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(2, n_warmup_steps=1))

    def run(*values):
        callback = Pruning(study.ask(), "val/c2st_auc")
        callback.on_train_start(Looked(0.9), None)
        for value in values:
            callback.on_train_epoch_end(Looked(value), None)
        return callback

    for values in ((0.8, 0.7), (0.6, 0.5)):
        callback = run(*values)
        assert callback.looks == [0.9, *values]
        study.tell(callback.trial, min(callback.looks))
    assert run(None, math.nan, 0.65, 0.65).looks == [0.9, 0.65]  # .7 is the median of .8 and .6
    with pytest.raises(optuna.TrialPruned):
        run(0.75)


@pytest.mark.slow
def test_a_signal_says_that_the_same_command_goes_on(tune, tmp_path, monkeypatch):
    from tabgan.runs.callbacks.reseed import Reseed

    begun, left = Reseed.on_train_batch_start, [signal.SIGTERM]

    def wrapped(self, trainer, *rest):
        while trainer.global_step == 2 and left:
            os.kill(os.getpid(), left.pop())
        begun(self, trainer, *rest)

    monkeypatch.setattr(Reseed, "on_train_batch_start", wrapped)
    ended = tune("n_trials=1")
    assert ended.status == 143
    assert "the same command goes on with the study" in ended.err
    ended = tune("n_trials=2")
    assert ended.status == 0, ended.err
    states = [trial.state for trial in trials(tmp_path / "study")]
    assert states == [TrialState.FAIL, TrialState.COMPLETE]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["+tune.space={mode: {low: 0, high: 1}}"],
            "tune.space: mode: no such key; did you mean 'model'?",
        ),
        (
            ["+tune.space={model.lrr: {low: 0, high: 1}}"],
            "model.lrr: no such key; did you mean 'lr'",
        ),
        (["+tune.space={model.lr: {low: 1, high: 0}}"], "model.lr: expected low < high, above 0"),
        (["+tune.space={model.lr: {low: 0, high: 1, log: true}}"], "model.lr: expected low < high"),
        (["+tune.space={model.lr: {choices: []}}"], "model.lr: expected low < high"),
        (["tune=reprot"], "no tune 'reprot'; did you mean 'report'?"),
        (["n_trials=0"], "n_trials=0: expected a whole number, at least 1"),
        (["+tune.pruner=x"], "pruner: expected one of ['monitor', 'startup', 'space']"),
    ],
)
def test_a_mistake_is_one_line_and_begins_no_study(tune, tmp_path, words, told):
    ended = tune(*words)
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert told in ended.err
    assert not (tmp_path / "study").exists()


@pytest.mark.slow
def test_batches_larger_than_the_training_rows_are_no_proposal(tune, tmp_path):
    space = "+tune.space={data.batch_size: {choices: [50, 243, 244]}}"
    ended = tune("n_trials=2", space)
    assert ended.status == 0, ended.err
    assert "data.batch_size: [244] left out, more than the 243 training rows" in ended.out
    assert re.search(r"trial 0 of 2: complete, lowest \.?[\d.]+, last [\d.]+", ended.out)
    assert "lowest val/c2st_auc" in ended.out
    space = json.loads((tmp_path / "study" / "tune.json").read_text("utf-8"))["space"]
    assert space["data.batch_size"] == {"choices": [50, 243]}
    ended = tune("n_trials=2", "out=none", "+tune.space={data.batch_size: {choices: [500]}}")
    assert ended.err == "error: tune.space: data.batch_size: [500] are all more than the 243 rows\n"


@pytest.mark.slow
def test_a_folder_keeps_one_study(tune):
    assert tune("n_trials=1").status == 0
    ended = tune("n_trials=1", "model.noise_dim=4")
    assert ended.status == 1
    assert "/study: holds a study of other overrides: " in ended.err
    assert ended.err.endswith("; give out=<another folder>\n")


@pytest.mark.slow
def test_a_study_of_which_no_trial_was_completed_says_so(tune):
    ended = tune("n_trials=1", "data.batch_size=9999")
    assert ended.status == 1
    assert "none of 1 trials of" in ended.err
