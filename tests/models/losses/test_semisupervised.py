"""The critic of n + 1 classes against its equations, on logits of 0."""

import math

import pytest
import torch

from tabgan.models.losses.semisupervised import moment_distance, real_logits, real_or_fake_loss


def test_two_classes_of_logit_0_make_a_row_real_with_two_thirds():
    logits = torch.zeros(5, 2)  # Z = 2, and fake's exp(0) = 1
    assert torch.sigmoid(real_logits(logits)) == pytest.approx(torch.full((5,), 2 / 3).numpy())
    expected = -math.log(2 / 3) - math.log(1 / 3)
    assert float(real_or_fake_loss(logits, logits)) == pytest.approx(expected)


def test_features_are_apart_by_the_mean_square_of_their_means():
    real, fake = torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert float(moment_distance(real, fake)) == (2**2 + 1**2) / 2
