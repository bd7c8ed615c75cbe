"""Boundary seeking: a mixture's shares and rows follow what trees tell apart."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tabgan.callbacks import boundary
from tabgan.callbacks.boundary import PSEUDO_ROWS, BoundarySeeking, reweighed, row_weights
from tabgan.errors import TabganError
from tabgan.seeding import generator_at


class Counting(BoundarySeeking):
    """Notes the steps before which a round comes, and does nothing."""

    steps = ()

    def _round(self, data, module, rounds):
        self.steps = (*self.steps, module.global_step)


def seeking(*, rounds, lr=1e-3):
    return BoundarySeeking(seed=0, rounds=rounds, after=0.0, lr=lr)


def seen_steps(training, callback):
    """Of 24 steps, with a round for every two of them at most."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boundary, "STEPS_PER_ROUND", 2)
        training(model="cgan").fit(callback, max_epochs=6)
    return callback.steps


def job_share(data, module):
    """Of 5,000 rows, those of the first job."""
    condition = data.coded("sample")[1]
    condition = condition[torch.arange(5_000) % len(condition)]
    rows = module.sample(condition, generator_at(1, "job"))
    (block,) = module.layout.of("job")
    return float(rows[:, block.start].mean())


def test_a_share_is_multiplied_by_the_mean_weight_of_its_rows():
    shares = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    places = torch.tensor([0] * 30 + [1] * 30)
    weights = torch.tensor([1.5] * 30 + [0.5] * 30, dtype=torch.float64)
    # (45 + 10) / (30 + 10) = 1.375 and (15 + 10) / 40 = .625, which add up to 2
    assert PSEUDO_ROWS == 10
    moved, means = reweighed(shares, places, weights)
    assert means.tolist() == [1.375, 0.625]
    assert moved.tolist() == [[pytest.approx(1.375 / 2), pytest.approx(0.625 / 2)]]


def test_a_component_without_rows_and_the_balance_of_classes_stay():
    shares = torch.tensor([[0.2, 0.8], [0.6, 0.4]], dtype=torch.float64)
    places = torch.tensor([2] * 20)  # class 1, component 0
    moved, _ = reweighed(shares, places, torch.full((20,), 1.0, dtype=torch.float64))
    assert torch.equal(moved, shares)
    doubled, _ = reweighed(shares, places, torch.full((20,), 2.5, dtype=torch.float64))
    assert doubled[0].tolist() == [0.2, 0.8]
    assert doubled[1].tolist() == [pytest.approx(1.2 / 1.6), pytest.approx(0.4 / 1.6)]


def test_shares_that_are_far_off_come_back(training):
    """One of 12 components gets too many rows; the trees see it, and it gets fewer."""
    ran = training("model.generator.n_components=12", model="cgan")
    data, module = ran.data, ran.module
    learned = module.generator.component_shares()
    skewed = learned * torch.tensor([20.0] + [1.0] * 11)
    module.sampling_generator.take_shares(skewed / skewed.sum(dim=1, keepdim=True))
    before = module.sampling_generator.component_shares()
    seeking(rounds=1)._round(data, module, 1)
    after = module.sampling_generator.component_shares()
    assert (after - learned).abs().sum() < 0.8 * (before - learned).abs().sum()
    assert torch.equal(after, module.generator.component_shares())


def test_a_column_that_the_components_have_wrong_comes_back(training):
    """All components have sixteen times the odds of one job; rounds take that back."""
    ran = training("model.generator.n_components=12", model="cgan")
    data, module = ran.data, ran.module
    (block,) = module.layout.of("job")
    learned = job_share(data, module)
    with torch.no_grad():
        module.sampling_generator.table.weight[:, block.start] += math.log(16)
    wrong = job_share(data, module)
    callback = seeking(rounds=4, lr=2e-2)
    for callback.done in range(4):
        callback._round(data, module, 4)
    assert abs(job_share(data, module) - learned) < 0.4 * (wrong - learned)


def test_rounds_are_spread_over_the_rest_of_the_training(training):
    """Three rounds from half of 24 steps on: before steps 12, 16 and 20."""
    assert seen_steps(training, Counting(seed=0, rounds=3, after=0.5, lr=1e-3)) == (12, 16, 20)


def test_a_run_that_goes_on_does_the_rounds_that_are_left(training):
    callback = Counting(seed=0, rounds=3, after=0.5, lr=1e-3)
    callback.load_state_dict({"done": 2})
    assert seen_steps(training, callback) == (20,)


def test_a_short_training_has_a_round_per_hundred_steps():
    callback = Counting(seed=0, rounds=10, after=0.0, lr=1e-3)
    trainer = SimpleNamespace(
        num_training_batches=10, max_epochs=25, max_steps=-1, global_step=249, datamodule=0
    )
    for _ in range(5):
        callback.on_train_batch_start(trainer, SimpleNamespace(global_step=249), None, 0)
    assert callback.done == 2


def test_a_generator_without_components_is_left_alone(training, monkeypatch):
    monkeypatch.setattr(boundary, "STEPS_PER_ROUND", 2)
    plain = training(model="cgan_basic").fit(max_epochs=2).weights
    watched = training(model="cgan_basic").fit(seeking(rounds=2), max_epochs=2).weights
    assert all(torch.equal(plain[name], watched[name]) for name in plain)


def test_a_share_or_rate_that_is_none_is_refused():
    with pytest.raises(TabganError, match=r"boundary: rounds=3, after=1.0, lr=0.1: expected"):
        BoundarySeeking(seed=0, rounds=3, after=1.0, lr=0.1)
    with pytest.raises(TabganError, match=r"rounds=-1"):
        BoundarySeeking(seed=0, rounds=-1, after=0.0, lr=0.1)


def test_weights_bring_the_columns_back_to_the_real_marginals():
    """A coin that comes up in 1 of 4 generated rows and in half of the real ones."""
    real, pool = np.repeat([0.0, 1.0], 4_000)[:, None], np.repeat([0.0, 0, 0, 1], 2_000)[:, None]
    odds = np.where(pool[:, 0] == 1, 1.0, 0.5)  # a classifier that saw half of it
    weights = row_weights(np.log(odds), real, pool)
    assert weights.mean() == pytest.approx(1)
    assert weights[pool[:, 0] == 1].sum() / weights.sum() == pytest.approx(0.5, abs=0.01)
