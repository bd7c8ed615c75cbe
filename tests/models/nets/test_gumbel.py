import math

import torch

from tabgan.models.nets.gumbel import gumbel_like, soft_choice


def test_noise_has_the_mean_and_variance_of_a_gumbel():
    noise = gumbel_like(torch.empty(400_000), torch.Generator().manual_seed(0))
    assert abs(noise.mean().item() - 0.5772) < 0.01  # 5 standard errors
    assert abs(noise.var().item() - math.pi**2 / 6) < 0.02


def test_hard_choices_follow_the_softmax_of_the_logits():
    logits = torch.tensor([0.0, math.log(2.0), math.log(5.0)]).expand(80_000, 3)  # 1/8, 2/8, 5/8
    noisy = logits + gumbel_like(logits, torch.Generator().manual_seed(0))
    shares = soft_choice(noisy, 0.5, hard=True).mean(dim=0)
    torch.testing.assert_close(shares, torch.tensor([1, 2, 5]) / 8, atol=0.006, rtol=0)


def test_soft_choices_sum_to_one():
    rows = soft_choice(torch.randn(7, 4), 0.5, hard=False)
    torch.testing.assert_close(rows.sum(dim=1), torch.ones(7))


def test_a_hard_choice_has_the_soft_gradient():
    noisy = torch.randn(7, 4)
    gradients = []
    for hard in (False, True):
        leaf = noisy.clone().requires_grad_()
        (soft_choice(leaf, 0.5, hard=hard) * torch.arange(4.0)).sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)
