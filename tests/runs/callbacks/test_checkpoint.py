"""BestAndLast: the lowest is kept, the last is written, and the best really comes back."""

import copy

import pytest
import torch
from pytorch_lightning import Callback

from tabgan.runs.callbacks.checkpoint import BestAndLast, tolerance
from tabgan.runs.checkpoints import load_weights
from tabgan.runs.session import keep_best
from tabgan.seeding import generator_at


class Scores(Callback):
    """Logs made-up scores, one an epoch (None: not measured), and keeps copies of the module."""

    def __init__(self, *scores):
        self.scores = scores
        self.copies = []

    def on_train_epoch_end(self, trainer, module):
        score = self.scores[trainer.current_epoch]
        if score is not None:
            module.log("val/score", score)
        self.copies.append(
            {name: copy.deepcopy(value) for name, value in module.state_dict().items()}
        )


def best_and_last(folder, *, tolerance=0.0, last_every=1e9):
    return BestAndLast(
        dirpath=str(folder), monitor="val/score", tolerance=tolerance, last_every=last_every
    )


@pytest.fixture
def kept(training, tmp_path):
    """Train with made-up scores; the module afterwards, the callback, the copies of each epoch."""

    def fit(*scores):
        checkpoint, said = best_and_last(tmp_path), Scores(*scores)
        ran = training().fit(said, checkpoint, max_epochs=len(scores))
        return ran, checkpoint, said.copies

    return fit


def stored(path):
    return torch.load(path, weights_only=True)["state_dict"]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_within_the_tolerance_the_later_is_the_best(training, tmp_path):
    checkpoint, said = best_and_last(tmp_path, tolerance=0.1), Scores(0.6, 0.65, None, 0.75)
    training().fit(said, checkpoint, max_epochs=4)
    assert same(stored(tmp_path / "best.ckpt"), said.copies[1])
    assert checkpoint.best_score == pytest.approx(0.6)  # .75 is no longer near it


def test_best_is_the_lowest_score(kept, tmp_path):
    _, checkpoint, copies = kept(0.9, 0.6, 0.8)
    assert (checkpoint.best_score, checkpoint.best_step) == (pytest.approx(0.6), 8)
    assert same(stored(tmp_path / "best.ckpt"), copies[1])


def test_equal_is_not_better(kept):
    _, checkpoint, _ = kept(0.6, 0.6)
    assert checkpoint.best_step == 4


def test_last_is_written_at_the_end(kept, tmp_path):
    ran, _, copies = kept(0.6, 0.9)
    assert same(stored(tmp_path / "last.ckpt"), copies[1])
    assert same(stored(tmp_path / "last.ckpt"), ran.weights)


def test_last_is_written_now_and_then(training, tmp_path):
    written = []

    class Looking(Callback):
        def on_train_epoch_start(self, trainer, module):
            written.append((tmp_path / "last.ckpt").exists())

    scores = Scores(1.0, 1.0)
    training().fit(scores, best_and_last(tmp_path, last_every=0), Looking(), max_epochs=2)
    assert written == [False, True]


def test_a_score_that_is_never_measured_keeps_no_best(kept, tmp_path):
    _, checkpoint, _ = kept(None, None)
    assert checkpoint.best_path is None
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == ["last.ckpt"]


def test_a_score_that_is_no_number_is_no_best(kept):
    _, checkpoint, _ = kept(float("nan"), 0.7)
    assert checkpoint.best_step == 8


def test_its_state_survives_a_checkpoint(kept, tmp_path):
    _, checkpoint, _ = kept(0.9, 0.6)
    other = best_and_last(tmp_path)
    other.load_state_dict(checkpoint.state_dict())
    assert (other.best_score, other.best_step) == (checkpoint.best_score, checkpoint.best_step)


def test_no_half_written_file_is_left(kept, tmp_path):
    kept(0.9, 0.6)
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".json") == [
        "best.ckpt", "last.ckpt",
    ]  # fmt: skip


def rows_of(module):
    condition = torch.eye(2)[torch.arange(40) % 2]
    return module.sample(condition, generator_at(0, "test"))


@pytest.fixture
def restored(training, tmp_path):
    """A module after ``keep_best``, and the rows drawn from it when it was at its best."""

    class Drawing(Scores):
        def on_train_epoch_end(self, trainer, module):
            super().on_train_epoch_end(trainer, module)
            self.drawn = [*getattr(self, "drawn", []), rows_of(module)]

    said, checkpoint = Drawing(0.9, 0.6, 0.8, 0.7), best_and_last(tmp_path)
    ran = training("model.lr=1e-2").fit(said, checkpoint, max_epochs=4)
    assert keep_best(ran.trainer, ran.module) == pytest.approx(0.6)
    return ran, said


def test_the_best_weights_are_put_back_buffers_and_moving_average_included(restored):
    ran, said = restored
    best, last = said.copies[1], said.copies[3]
    differing = {name for name in best if not torch.equal(best[name], last[name])}
    parts = ("generator.trunk.1.running_mean", "generator.trunk.1.num_batches_tracked",
             "averaged.net.trunk.0.weight", "averaged.net.trunk.1.running_var",
             "critic.trunk.0.weight")  # fmt: skip
    assert differing >= set(parts)  # so the next line says something
    assert same(ran.weights, best)


def test_the_restored_module_samples_as_it_did_at_its_best(restored):
    ran, said = restored
    assert torch.equal(rows_of(ran.module), said.drawn[1])
    assert not torch.equal(rows_of(ran.module), said.drawn[3])


def test_the_moving_average_does_not_alias_the_generator(restored):
    ran, _ = restored
    before = rows_of(ran.module)
    for value in ran.module.generator.state_dict().values():
        value.zero_()
    assert torch.equal(rows_of(ran.module), before)


def test_loaded_weights_do_not_alias_the_module_they_came_from(restored, training, tmp_path):
    other = training().module
    assert not same(other.state_dict(), restored[0].weights)
    load_weights(other, tmp_path / "best.ckpt")
    assert same(other.state_dict(), restored[0].weights)
    other.generator.trunk[0].weight.data.zero_()
    assert not same(other.state_dict(), restored[0].weights)


def test_a_training_that_improved_nothing_says_so(training, tmp_path, caplog):
    checkpoint = best_and_last(tmp_path)
    checkpoint.metrics["val/score"] = 0.5  # measured before the first step
    ran = training().fit(Scores(0.9, 0.8), checkpoint, max_epochs=2)
    assert keep_best(ran.trainer, ran.module) == 0.5
    assert (
        "none of the 8 training steps lowered val/score: the weights kept are those" in caplog.text
    )


def test_weights_that_nothing_measured_are_the_last_and_it_is_said(training, tmp_path, caplog):
    caplog.set_level("INFO")
    checkpoint = best_and_last(tmp_path)
    ran = training().fit(Scores(None), checkpoint, max_epochs=1)
    keep_best(ran.trainer, ran.module)
    assert "val/score was never measured: the last weights are kept" in caplog.text


def test_weights_are_kept_within_two_standard_errors_of_an_auc():
    assert tolerance(15) == 0.211  # twice the root of 1 / (6 * 15)
    assert tolerance(1) == 0.816


def test_many_validation_rows_leave_a_tolerance_of_a_hundredth():
    assert tolerance(30_000) == 0.01
