"""ValidationPanel: it measures, and changes nothing."""

import logging

import pytest
import torch

from tabgan.callbacks.evaluation import ValidationPanel

MEASURED = {
    "val/c2st_auc", "val/trend_error", "val/shape_error", "val/wnmis", "val/duplicate_rate",
}  # fmt: skip


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

    def on_train_epoch_end(self, trainer, module):
        self.trainer = trainer
        super().on_train_epoch_end(trainer, module)

    def _measure(self, module, datamodule):
        self.steps.append(self.trainer.global_step)
        return {"val/c2st_auc": 1.0}


def test_it_measures_at_the_first_epochs_end_after_so_many_steps_and_at_the_end(training):
    panel = Counting(every_n_steps=6)  # 4 steps an epoch: due at 6, then at 8 + 6 = 14
    training().fit(panel, max_epochs=5)
    assert panel.steps == [8, 16, 20]


def test_its_state_survives_a_checkpoint():
    panel, other = ValidationPanel(every_n_steps=6), ValidationPanel(every_n_steps=6)
    panel.next_step = 14
    other.load_state_dict(panel.state_dict())
    assert other.next_step == 14


def test_a_measure_that_is_undefined_is_left_out_and_named_once(training, caplog):
    ran = training()
    ran.data.validation = ran.data.validation.head(19)  # C2ST needs 20
    with caplog.at_level(logging.INFO, "tabgan.callbacks.evaluation"):
        ran.fit(ValidationPanel(every_n_steps=1), max_epochs=2)
    assert "val/c2st_auc" not in ran.trainer.callback_metrics
    assert ran.trainer.callback_metrics.keys() >= MEASURED - {"val/c2st_auc"}
    told = [r.getMessage() for r in caplog.records if r.name == "tabgan.callbacks.evaluation"]
    assert told == ["val/c2st_auc is not measured: C2ST: expected at least 20 rows of each table, "
                    "got 19 real and 19 synthetic"]  # fmt: skip
