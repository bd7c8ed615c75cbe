"""ValidationPanel: it measures, and changes nothing."""

import logging
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tabgan.models.steps import total_steps
from tabgan.runs.callbacks.evaluation import ValidationPanel
from tabgan.runs.callbacks.pace import Pace

MEASURED = {
    "val/c2st_auc", "val/trend_error", "val/shape_error", "val/wnmis", "val/duplicate_rate",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model", ["cgan_basic", "cgan"])
def test_a_run_ends_in_the_same_weights_with_and_without_it(training, model):
    plain = training(model=model).fit(max_epochs=2).weights
    panel = ValidationPanel(every_n_steps=1)
    watched = training(model=model).fit(panel, max_epochs=2).weights
    assert plain.keys() == watched.keys()
    assert all(torch.equal(plain[name], watched[name]) for name in plain)


def test_it_leaves_the_module_in_training_mode(training):
    ran = training()
    modes = []
    ran.module.on_train_batch_start = lambda *_: modes.append(ran.module.generator.training)
    ran.fit(ValidationPanel(every_n_steps=1), max_epochs=2)
    assert modes == [True] * 8


def test_it_logs_every_measure(training):
    metrics = (
        training().fit(ValidationPanel(every_n_steps=1), max_epochs=1).trainer.callback_metrics
    )
    assert metrics.keys() >= MEASURED
    assert 0.5 <= metrics["val/c2st_auc"] <= 1
    assert 0 <= metrics["val/panel_share"] < 1


class Counting(ValidationPanel):
    """Which steps it measured at."""

    def __init__(self, **words):
        super().__init__(**words)
        self.steps = []

    def _look(self, trainer, module, datamodule):
        self.steps.append(trainer.global_step)
        return {"val/c2st_auc": 1.0}


def test_it_measures_the_start_epochs_ends_after_so_many_steps_and_the_end(training):
    panel = Counting(every_n_steps=6)  # 4 steps an epoch: due at 6, then at 8 + 6 = 14
    training().fit(panel, max_epochs=5)
    assert panel.steps == [0, 8, 16, 20]


def test_its_state_survives_a_checkpoint():
    panel, other = ValidationPanel(every_n_steps=6), ValidationPanel(every_n_steps=6)
    panel.pace.next_step = 14
    other.load_state_dict(panel.state_dict())
    assert other.pace.next_step == 14


def test_a_measure_that_is_undefined_is_left_out_and_named_once(training, caplog):
    ran = training()
    ran.data.validation = ran.data.validation.head(19)  # C2ST needs 20
    with caplog.at_level(logging.INFO, "tabgan.runs.callbacks.evaluation"):
        ran.fit(ValidationPanel(every_n_steps=1), max_epochs=2)
    assert "val/c2st_auc" not in ran.trainer.callback_metrics
    assert ran.trainer.callback_metrics.keys() >= MEASURED - {"val/c2st_auc"}
    told = [r.getMessage() for r in caplog.records if r.name == "tabgan.runs.callbacks.evaluation"]
    assert told == [
        "not measured while training: val/c2st_auc (C2ST: expected at least 20 rows of each "
        "table, got 19 real and 19 synthetic)",
        "not measured while training: val/membership_tpr01 (membership: expected 99 unseen rows, "
        "got 19)",
    ]


def test_a_look_at_a_wide_table_is_bounded(training, monkeypatch):
    monkeypatch.setattr("tabgan.runs.callbacks.evaluation.MAX_COLUMNS", 3)
    monkeypatch.setattr("tabgan.runs.callbacks.evaluation.MAX_CELLS", 3 * 25)
    seen = []

    def look(train, real, fake):
        seen.append((train.shape[1], real.shape, fake.shape, list(real)))
        return {}

    panel = ValidationPanel(every_n_steps=1)
    panel._measured = look
    training().fit(panel, max_epochs=1)
    assert [each[:3] for each in seen] == [(3, (25, 3), (25, 3))] * 2  # of 27 rows, 6 columns
    assert seen[0][3] == seen[1][3]


def test_a_collapse_is_told_with_its_column(training, caplog):
    ran = training()
    fixed = ran.data.validation.iloc[[0] * 200]
    with caplog.at_level(logging.WARNING, "tabgan.runs.callbacks.evaluation"):
        ValidationPanel(every_n_steps=1)._measured(ran.data.train, ran.data.train, fixed)
    (told,) = [r.getMessage() for r in caplog.records]
    assert told.startswith("mode collapse: column ")
    assert "of its entropy; see its picture" in told


def test_the_rows_that_fooled_the_critic_are_kept(training, tmp_path):
    ran = training()
    ran.fit(ValidationPanel(every_n_steps=4), max_epochs=2)
    share = ran.trainer.callback_metrics["val/pass_rate"]
    kept = sorted(tmp_path.rglob("samples/fooling_step*.csv"))
    steps = ("000000", "000004", "000008")
    assert [path.name for path in kept] == [f"fooling_step{step}.csv" for step in steps]
    rows = len(kept[-1].read_text("utf-8").splitlines()) - 1
    assert rows == min(20, round(float(share) * 27))  # of as many as there are validation rows


@pytest.mark.slow
def test_the_worst_columns_are_drawn_beside_the_curves(training, tmp_path):
    ran = training()
    logger = TensorBoardLogger(tmp_path, name="", version="board")
    ran.fit(ValidationPanel(every_n_steps=4), max_epochs=1, logger=logger)
    events = EventAccumulator(str(tmp_path / "board"), size_guidance={"images": 0}).Reload()
    assert events.Tags()["images"] == [f"worst_columns/{position}" for position in (1, 2, 3)]


def looks(*, max_epochs, max_steps):
    """After which of six epochs of 4 steps a callback that looks every 100 steps does."""
    pace = Pace(100)
    for epoch in range(6):
        step = min(4 * (epoch + 1), max_steps if max_steps >= 0 else 24)
        trainer = SimpleNamespace(
            current_epoch=epoch, global_step=step, num_training_batches=4,
            max_epochs=max_epochs, max_steps=max_steps, should_stop=False,
        )  # fmt: skip
        if pace.is_due(trainer):
            yield epoch


@pytest.mark.parametrize(
    ("max_epochs", "max_steps", "last", "steps"),
    [(6, -1, 5, 24), (1_000, 22, 5, 22), (-1, 10, 2, 10), (3, 500, 2, 12)],
)
def test_the_last_look_comes_with_the_last_step(max_epochs, max_steps, last, steps):
    trainer = SimpleNamespace(num_training_batches=4, max_epochs=max_epochs, max_steps=max_steps)
    assert total_steps(trainer) == steps
    assert next(looks(max_epochs=max_epochs, max_steps=max_steps)) == last
