"""Reseed: the draws of a step are a function of (seed, step)."""

from types import SimpleNamespace

import pytest
import torch

from tabgan.runs.callbacks.reseed import Reseed
from tabgan.seeding import generator_at


def draw_at(step, seed=0, rank=0):
    trainer = SimpleNamespace(global_step=step, global_rank=rank)
    module = SimpleNamespace(device=torch.device("cpu"))
    Reseed(seed=seed).on_train_batch_start(trainer, module, None, 0)
    return torch.rand(4).tolist()


def test_a_step_draws_the_same_numbers_whatever_came_before():
    first = draw_at(step=5)
    torch.rand(1_000)
    assert draw_at(step=5) == first


def test_a_step_draws_what_torch_draws_from_its_address():
    expected = torch.rand(4, generator=generator_at(3, "step", 5, 0)).tolist()
    assert draw_at(step=5, seed=3) == expected


def test_seeding_queues_nothing_for_a_device_that_is_not_there():
    if torch.cuda.is_initialized():
        pytest.skip("CUDA has begun: nothing is queued")
    draw_at(step=0)
    before = len(torch.cuda._queued_calls)
    draw_at(step=1)
    assert len(torch.cuda._queued_calls) == before


def test_steps_seeds_and_ranks_draw_different_numbers():
    draws = [draw_at(0), draw_at(1), draw_at(0, seed=1), draw_at(0, rank=1)]
    assert len({tuple(draw) for draw in draws}) == 4


def test_draws_between_epochs_change_no_weight(training):
    from pytorch_lightning import Callback

    class Drawing(Callback):
        def on_train_epoch_end(self, trainer, module):
            torch.rand(17)

    plain = training().fit(max_epochs=2).weights
    disturbed = training().fit(Drawing(), max_epochs=2).weights
    assert all(torch.equal(plain[name], disturbed[name]) for name in plain)
