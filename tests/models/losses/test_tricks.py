"""Labels that are not quite true, features matched, critics unheard: on paper."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tabgan.errors import TabganError
from tabgan.models.losses import adversarial
from tabgan.models.losses.features import feature_distance
from tabgan.models.losses.feedback import dropping, heard_critics
from tabgan.models.losses.labels import flipped, relabelled, smoothed

REAL, FAKE = torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.5])


def test_one_sided_smoothing_is_cross_entropy_with_nine_tenths_for_real():
    loss = relabelled(adversarial.nonsaturating(), partial(smoothed, real=0.9), tool="x")
    expected = binary_cross_entropy_with_logits(REAL, torch.full((2,), 0.9))
    expected = expected + binary_cross_entropy_with_logits(FAKE, torch.zeros(2))
    torch.testing.assert_close(loss.critic(REAL, FAKE), expected)
    assert loss.generator is adversarial.nonsaturating_generator


def test_smoothed_least_squares_aim_at_nine_tenths():
    loss = relabelled(adversarial.least_squares(), partial(smoothed, real=0.9), tool="x")
    expected = (0.1**2 + 1.1**2) / 4 + (1 + 0.25) / 4
    torch.testing.assert_close(loss.critic(REAL, FAKE), torch.tensor(expected))


@pytest.mark.parametrize("make", ["minimax", "nonsaturating", "least_squares"])
def test_true_labels_change_nothing(make):
    loss = getattr(adversarial, make)()
    same = relabelled(loss, partial(smoothed, real=1.0), tool="x")
    torch.testing.assert_close(same.critic(REAL, FAKE), loss.critic(REAL, FAKE))


@pytest.mark.parametrize("make", ["relativistic", "hinge", "wasserstein"])
def test_a_loss_without_labels_says_so(make):
    with pytest.raises(TabganError, match=r"^tool=noisy_labels: this loss has no labels"):
        relabelled(getattr(adversarial, make)(), torch.ones_like, tool="noisy_labels")


def test_a_share_of_the_labels_is_flipped_on_both_sides():
    labels = torch.arange(10_000) % 2.0
    changed = flipped(labels, share=0.2)
    for label in (0, 1):
        wrong = (changed != labels)[labels == label].float().mean().item()
        assert wrong == pytest.approx(0.2, abs=0.025)  # six standard deviations
    assert set(changed.unique().tolist()) == {0, 1}


def test_flipped_and_smoothed_labels_go_together():
    loss = adversarial.least_squares()
    both = relabelled(loss, lambda labels: 1 - labels, tool="x")
    both = relabelled(both, partial(smoothed, real=0.5), tool="y")
    # real: 1 -> .5 -> .5; fake: 0 -> 0 -> 1
    expected = ((REAL - 0.5).square().mean() + (FAKE - 1).square().mean()) / 2
    torch.testing.assert_close(both.critic(REAL, FAKE), expected)


class Doubling(nn.Module):
    """Its features are twice the row."""

    def features(self, rows, condition):
        return 2 * rows


def test_matching_is_the_squared_distance_of_mean_features():
    real, fake = torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.tensor([[1.0, 1.0], [1.0, 3.0]])
    fake.requires_grad_()
    distance = feature_distance(Doubling(), real, fake, torch.empty(2, 0))
    assert distance.item() == 4 * ((2 - 1) ** 2 + (0 - 2) ** 2)
    distance.backward()
    assert fake.grad.tolist() == [[-4.0, 8.0]] * 2  # 2 * 2 * 2 * (mean difference) / 2 rows


def logits_of(*critics):
    """Logits of critics [n] each, as an ensemble lays them: those of one row side by side."""
    return torch.stack(critics, dim=1).flatten()


def test_with_all_critics_heard_the_loss_is_their_mean():
    loss = dropping(adversarial.relativistic(), n_critics=2, dropout=0.0)
    told = loss.generator(logits_of(REAL, 3 * REAL), logits_of(FAKE, 2 * FAKE))
    each = [
        adversarial.relativistic_generator(*pair) for pair in ((REAL, FAKE), (3 * REAL, 2 * FAKE))
    ]
    torch.testing.assert_close(told, sum(each) / 2)


def test_an_unheard_critic_teaches_the_generator_nothing():
    torch.manual_seed(0)
    loss = dropping(adversarial.nonsaturating(), n_critics=3, dropout=0.5)
    heard = []
    for _ in range(20):
        fake = torch.zeros(2 * 3, requires_grad=True)
        loss.generator(torch.zeros(6), fake).backward()
        gradients = fake.grad.reshape(2, 3)
        kept = gradients[0] != 0
        torch.testing.assert_close(gradients.sum(), torch.tensor(-0.5))  # their mean, not sum
        heard.append(kept.tolist())
    assert len({tuple(kept) for kept in heard}) > 3
    assert all(any(kept) for kept in heard)


def test_critics_are_heard_as_often_as_asked_and_never_none():
    torch.manual_seed(0)
    heard = torch.stack([heard_critics(2, 0.5) for _ in range(4_000)]).float()
    # both, the first alone, the second alone or none (one kept): P(heard) = 1/4 + 1/4 + 1/8
    assert heard.mean().item() == pytest.approx(0.625, abs=0.03)
    assert heard.sum(dim=1).min() == 1


def test_critics_learn_whether_they_are_heard_or_not():
    loss = adversarial.nonsaturating()
    assert dropping(loss, n_critics=2, dropout=0.7).critic is loss.critic
