"""EarlyStopOnBoth: patience of both nets, in steps and in epochs."""

from types import SimpleNamespace

import pytest
import torch

from tabgan.runs.callbacks.checkpoint import BestAndLast
from tabgan.runs.callbacks.stopping import EarlyStopOnBoth


def stops_at(critic, generator, *, patience, unit="epoch", steps_per_epoch=1, stopping=None):
    """The epoch (from 1) after which the stop is requested, or None."""
    stopping = stopping or EarlyStopOnBoth(patience=patience, patience_unit=unit)
    trainer = SimpleNamespace(should_stop=False, callback_metrics={}, global_step=0)
    for epoch, losses in enumerate(zip(critic, generator, strict=True)):
        trainer.current_epoch = epoch
        trainer.global_step += steps_per_epoch
        names = ("val/critic_loss", "val/generator_loss")
        trainer.callback_metrics = dict(zip(names, map(torch.tensor, losses), strict=True))
        stopping.on_validation_end(trainer, None)
        if trainer.should_stop:
            return epoch + 1
    return None


FALLS = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0]
STAYS = [9.0] * 6


def test_one_net_that_improves_is_enough_to_go_on():
    assert stops_at(FALLS, STAYS, patience=2) is None
    assert stops_at(STAYS, FALLS, patience=2) is None


def test_it_stops_when_both_have_waited():
    assert stops_at(STAYS, STAYS, patience=2) == 3  # the best was in epoch 1


def test_the_wait_begins_at_the_later_improvement():
    critic = [9.0, 8.0, 8.0, 8.0, 8.0, 8.0]  # best in epoch 2
    generator = [9.0, 9.0, 9.0, 8.0, 8.0, 8.0]  # best in epoch 4
    assert stops_at(critic, generator, patience=2) == 6


def test_equal_is_not_lower():
    assert stops_at([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], patience=2) == 3


def test_a_loss_that_is_higher_than_its_best_still_waits():
    critic = [5.0, 9.0, 8.0, 7.0, 6.0, 5.5]  # falls, and never below 5
    assert stops_at(critic, STAYS, patience=3) == 4


def test_patience_in_steps_counts_generator_steps():
    # 10 steps an epoch: best at step 10; at step 40, 30 have been waited
    assert stops_at(STAYS, STAYS, patience=30, unit="step", steps_per_epoch=10) == 4
    assert stops_at(STAYS, STAYS, patience=31, unit="step", steps_per_epoch=10) == 5


def test_a_loss_that_is_no_number_is_no_improvement():
    nan = float("nan")
    assert stops_at([1.0, nan, nan], [1.0, nan, nan], patience=2) == 3


def test_its_state_survives_a_checkpoint():
    first = EarlyStopOnBoth(patience=3, patience_unit="epoch")
    assert stops_at(STAYS[:2], STAYS[:2], patience=3, stopping=first) is None
    second = EarlyStopOnBoth(patience=3, patience_unit="epoch")
    second.load_state_dict(first.state_dict())
    assert (second.best, second.best_at) == (first.best, first.best_at)
    trainer = SimpleNamespace(
        should_stop=False,
        current_epoch=3,  # the fourth; the best of both was in the first
        callback_metrics={name: torch.tensor(9.0) for name in EarlyStopOnBoth.MONITORED},
    )
    second.on_validation_end(trainer, None)
    assert trainer.should_stop


@pytest.mark.parametrize(("unit", "patience", "epochs"), [("epoch", 2, 3), ("step", 8, 3)])
def test_a_training_whose_nets_stand_still_is_stopped(training, unit, patience, epochs):
    # learning rates of 0 and no batch norm: the losses at fixed noise are the same for ever; first
    # seen after epoch 1, so patience ends with epoch 3 (4 steps an epoch)
    still = training("model.lr=0", model="cgan_report")
    still.fit(EarlyStopOnBoth(patience=patience, patience_unit=unit), max_epochs=10)
    assert still.trainer.current_epoch == epochs
    assert still.trainer.global_step == 4 * epochs


def test_a_training_that_was_stopped_and_killed_before_its_end_does_not_go_on(training, tmp_path):
    def fit(ckpt_path=None):
        last = BestAndLast(
            dirpath=str(tmp_path), monitor="val/generator_loss", tolerance=0.0, last_every=0
        )
        stopping = EarlyStopOnBoth(patience=0, patience_unit="epoch")  # after the first epoch
        ran = training().fit(stopping, last, max_epochs=5, ckpt_path=ckpt_path)
        return stopping.stopped, ran.trainer.global_step

    assert fit() == (True, 4)
    assert fit(ckpt_path=tmp_path / "last.ckpt") == (True, 4)
