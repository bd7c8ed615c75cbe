import math

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from tabgan.losses.adversarial import (
    cross_entropy_critic,
    nonsaturating_generator,
    relativistic_critic,
    relativistic_generator,
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
