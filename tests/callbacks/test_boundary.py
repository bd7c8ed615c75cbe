"""Reweighing: the shares of a mixture's components follow what trees tell apart."""

import numpy as np
import pytest
import torch

from tabgan.callbacks.reweighing import PSEUDO_ROWS, Reweighing, reweighed, row_weights
from tabgan.errors import TabganError


def test_a_share_is_multiplied_by_the_mean_weight_of_its_rows():
    shares = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    places = torch.tensor([0] * 30 + [1] * 30)
    weights = torch.tensor([1.5] * 30 + [0.5] * 30, dtype=torch.float64)
    # (45 + 10) / (30 + 10) = 1.375 and (15 + 10) / 40 = .625, which add up to 2
    assert PSEUDO_ROWS == 10
    moved = reweighed(shares, places, weights)
    assert moved.tolist() == [[pytest.approx(1.375 / 2), pytest.approx(0.625 / 2)]]


def test_a_component_without_rows_and_the_balance_of_classes_stay():
    shares = torch.tensor([[0.2, 0.8], [0.6, 0.4]], dtype=torch.float64)
    places = torch.tensor([2] * 20)  # class 1, component 0
    moved = reweighed(shares, places, torch.full((20,), 1.0, dtype=torch.float64))
    assert torch.equal(moved, shares)
    doubled = reweighed(shares, places, torch.full((20,), 2.5, dtype=torch.float64))
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
    Reweighing(seed=0, at=[0])._reweigh(data, module)
    after = module.sampling_generator.component_shares()
    assert (after - learned).abs().sum() < 0.8 * (before - learned).abs().sum()
    assert torch.equal(after, module.generator.component_shares())


def test_it_looks_once_at_each_moment_also_when_a_run_goes_on(training):
    class Counting(Reweighing):
        moments = ()

        def _reweigh(self, data, module):
            self.moments = (*self.moments, self.done)

    callback = Counting(seed=0, at=[0.75, 0.5])
    training(model="cgan").fit(callback, max_epochs=4)
    assert callback.moments == (1, 2)
    again = Counting(seed=0, at=[0.75, 0.5])
    again.load_state_dict({"done": 2})
    training(model="cgan").fit(again, max_epochs=4)
    assert again.moments == ()


def test_a_generator_without_shares_is_left_alone(training):
    plain = training(model="cgan_basic").fit(max_epochs=2).weights
    watched = training(model="cgan_basic").fit(Reweighing(seed=0, at=[0.5]), max_epochs=2).weights
    assert all(torch.equal(plain[name], watched[name]) for name in plain)


def test_moments_outside_the_training_are_refused():
    with pytest.raises(TabganError, match=r"reweighing.at=\[0.5, 1.0\]: expected shares"):
        Reweighing(seed=0, at=[0.5, 1.0])


def test_weights_bring_the_columns_back_to_the_real_marginals():
    """A coin that comes up in 1 of 4 generated rows and in half of the real ones."""
    real, pool = np.repeat([0.0, 1.0], 4_000)[:, None], np.repeat([0.0, 0, 0, 1], 2_000)[:, None]
    odds = np.where(pool[:, 0] == 1, 1.0, 0.5)  # a classifier that saw half of it
    weights = row_weights(np.log(odds), real, pool)
    assert weights.mean() == pytest.approx(1)
    assert weights[pool[:, 0] == 1].sum() / weights.sum() == pytest.approx(0.5, abs=0.01)
