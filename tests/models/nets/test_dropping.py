"""Dropout by random bytes."""

import pytest
import torch

from tabgan.models.nets.dropping import ByteDropout


def test_places_are_0_with_the_probability_and_else_divided_by_what_is_left():
    torch.manual_seed(0)
    dropped = ByteDropout(0.25).train()(torch.ones(100, 1_000))
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    share = (dropped == 0).float().mean().item()
    assert share == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 100_000) ** 0.5)


def test_a_probability_between_two_256ths_keeps_the_mean():
    torch.manual_seed(0)
    dropped = ByteDropout(0.3).train()(torch.ones(1_000_003))
    assert dropped.mean().item() == pytest.approx(1, abs=5 * (0.43 / 1e6) ** 0.5)
    assert (dropped == 0).float().mean().item() == pytest.approx(77 / 256, abs=0.003)


def test_neighbours_are_dropped_independently():
    torch.manual_seed(0)
    zeros = (ByteDropout(0.5).train()(torch.ones(50_000, 8)) == 0).float()
    correlations = torch.corrcoef(zeros.T) - torch.eye(8)
    assert correlations.abs().max() < 5 / 50_000**0.5


def test_nothing_is_dropped_in_eval_mode_or_at_0():
    ones = torch.ones(10, 10)
    assert torch.equal(ByteDropout(0.9).eval()(ones), ones)
    assert torch.equal(ByteDropout(0.0).train()(ones), ones)


def test_the_gradient_is_that_of_what_is_left():
    torch.manual_seed(0)
    inputs = torch.ones(1_000, requires_grad=True)
    dropped = ByteDropout(0.5).train()(inputs)
    dropped.sum().backward()
    assert torch.equal(inputs.grad, dropped.detach())
