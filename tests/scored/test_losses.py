"""Laplace's likelihood and the error to be expected, in closed form."""

import math

import torch

from tabgan.scored.losses import expected_error, laplace_loss


def test_the_loss_of_a_sure_hit_is_the_logarithm_of_its_scale():
    median, scale = torch.tensor([0.5]), torch.tensor([0.1])
    torch.testing.assert_close(laplace_loss(median, scale, median).item(), math.log(0.1))


def test_a_scale_is_best_at_the_mean_absolute_error():
    median, scores = torch.zeros(2), torch.tensor([0.1, 0.3])  # mean absolute error .2
    losses = [laplace_loss(median, torch.full((2,), b), scores) for b in (0.15, 0.2, 0.25)]
    assert losses[1] < min(losses[0], losses[2])


def test_the_error_at_the_median_is_the_scale():
    half = torch.tensor([0.5])
    torch.testing.assert_close(expected_error(half, torch.tensor([0.07]), half).item(), 0.07)


def test_far_away_the_error_is_the_distance():
    error = expected_error(torch.tensor([0.9]), torch.tensor([0.01]), torch.tensor([0.1]))
    torch.testing.assert_close(error.item(), 0.8)


def test_the_expected_error_is_the_mean_over_laplace_draws():
    torch.manual_seed(0)
    draws = torch.distributions.Laplace(0.4, 0.1).sample((200_000,))
    expected = expected_error(torch.tensor([0.4]), torch.tensor([0.1]), torch.tensor([0.55]))
    torch.testing.assert_close((draws - 0.55).abs().mean(), expected[0], atol=2e-3, rtol=0)
