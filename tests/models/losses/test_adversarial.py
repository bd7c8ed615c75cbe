import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from tabgan.models.losses.adversarial import (
    cross_entropy_critic,
    em_distance,
    hinge,
    hinge_critic,
    least_squares,
    least_squares_critic,
    least_squares_generator,
    minimax,
    nonsaturating,
    nonsaturating_generator,
    raising_generator,
    relativistic,
    relativistic_critic,
    relativistic_generator,
    saturating_generator,
    wasserstein,
    wasserstein_critic,
)


def test_an_undecided_critic_loses_two_log_two():
    zeros = torch.zeros(5)
    torch.testing.assert_close(cross_entropy_critic(zeros, zeros), torch.tensor(2 * math.log(2)))


def test_the_critics_loss_is_binary_cross_entropy():
    real, fake = torch.randn(2, 64)
    expected = cross_entropy(real, torch.ones(64)) + cross_entropy(fake, torch.zeros(64))
    torch.testing.assert_close(cross_entropy_critic(real, fake), expected)


def test_the_generators_loss_is_cross_entropy_with_real_labels():
    fake = torch.randn(64)
    torch.testing.assert_close(
        nonsaturating_generator(fake, fake), cross_entropy(fake, torch.ones(64))
    )


def test_the_relativistic_losses_read_differences_alone():
    real, fake = torch.tensor([3.0, 0.0]), torch.tensor([1.0, 0.0])
    expected = (math.log1p(math.exp(-2)) + math.log(2)) / 2  # softplus(-2), softplus(0)
    assert math.isclose(relativistic_critic(real, fake).item(), expected, rel_tol=1e-6)
    torch.testing.assert_close(relativistic_critic(real + 7, fake + 7), torch.tensor(expected))
    torch.testing.assert_close(relativistic_generator(fake, real), torch.tensor(expected))


def test_the_saturating_generator_loses_what_the_critic_gains():
    fake = torch.randn(64)
    torch.testing.assert_close(
        saturating_generator(fake, fake), -cross_entropy(fake, torch.zeros(64))
    )


def test_a_sure_critic_leaves_the_saturating_generator_no_gradient_and_the_other_all_of_it():
    slopes = []
    for loss in (saturating_generator, nonsaturating_generator):
        fake = torch.tensor([-50.0], requires_grad=True)
        loss(fake, fake).backward()
        slopes.append(fake.grad.item())
    assert abs(slopes[0]) < 1e-20
    assert slopes[1] == -1


def test_least_squares_are_half_the_squared_distances_from_the_labels():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    assert least_squares_critic(real, fake) == (0 + 4 + 0 + 4) / 2 / 2
    assert least_squares_generator(real, fake) == (1 + 1) / 2 / 2


def test_the_hinge_counts_only_rows_inside_the_margin():
    real, fake = torch.tensor([5.0, 0.5]), torch.tensor([-5.0, 0.0])
    assert hinge_critic(real, fake) == 0.5 / 2 + 1 / 2


def test_a_wasserstein_critics_loss_is_the_distance_it_sees_turned_round():
    real, fake = torch.tensor([3.0, 1.0]), torch.tensor([0.0, 1.0])
    assert em_distance(real, fake) == 2 - 0.5
    assert wasserstein_critic(real, fake) == -1.5
    assert raising_generator(real, fake) == -0.5


def test_only_wasserstein_losses_say_a_distance():
    others = (minimax, nonsaturating, least_squares, hinge, relativistic)
    assert wasserstein().distance is em_distance
    assert all(loss().distance is None for loss in others)


@pytest.mark.parametrize(
    "loss", [minimax, nonsaturating, least_squares, hinge, wasserstein, relativistic]
)
def test_each_player_pushes_the_fake_logits_its_own_way(loss):
    def slope(player):
        fake = torch.full((4,), 0.5, requires_grad=True)  # least squares' undecided logit
        player(torch.full((4,), 0.5), fake).backward()
        return fake.grad.sum()

    assert slope(loss().critic) > 0
    assert slope(loss().generator) < 0
