"""f-divergences: conjugates against a grid, bounds against the divergences themselves."""

import math

import pytest
import torch

from tabgan.errors import TabganError
from tabgan.models.losses.adversarial import minimax, nonsaturating
from tabgan.models.losses.divergences import (
    DIVERGENCES,
    alpha_divergence,
    f_alpha,
    f_gan,
    f_weighted_jensen_shannon,
    weighted_jensen_shannon,
)

P = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
Q = torch.tensor([0.25, 0.25, 0.4, 0.1], dtype=torch.float64)
TABLE = DIVERGENCES | {
    "alpha 2.5": alpha_divergence(2.5),
    "alpha 0.3": alpha_divergence(0.3),
    "alpha -1.5": alpha_divergence(-1.5),
    "weighted 0.3": weighted_jensen_shannon(0.3),
}
SMOOTH = [name for name in TABLE if name != "total_variation"]
every = pytest.mark.parametrize("name", TABLE)


def logits_of(divergence, values):
    """The v with g(v) = values, by bisection: g increases."""
    low, high = torch.full_like(values, -60), torch.full_like(values, 60)
    for _ in range(100):
        middle = (low + high) / 2
        below = divergence.activation(middle) < values
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


@every
def test_the_conjugate_is_the_supremum_over_a_grid(name):
    divergence = TABLE[name]
    logits = torch.linspace(-2.5, 2.5, 41, dtype=torch.float64)
    u = torch.logspace(-9, 9, 100_001, base=math.e, dtype=torch.float64)
    of_u = divergence.f(u)
    for v in logits:
        t = divergence.activation(v)
        supremum = (u * t - of_u).max()
        assert divergence.conjugate(v).item() == pytest.approx(supremum.item(), abs=2e-3)


@every
def test_at_the_optimal_critic_the_bound_is_the_divergence_and_elsewhere_it_is_less(name):
    divergence = TABLE[name]
    exact = (Q * divergence.f(P / Q)).sum().item()
    best = logits_of(divergence, divergence.optimal(P / Q))

    def bound(v):
        return ((P * divergence.activation(v)).sum() - (Q * divergence.conjugate(v)).sum()).item()

    assert bound(best) == pytest.approx(exact, abs=1e-9)
    for shift in torch.tensor([[0.3, 0, 0, 0], [0, -0.4, 0, 0], [0, 0, 0.5, -0.2]]):
        assert bound(best + shift.double()) < exact + 1e-12


# sum over the four places, worked out from p and q alone
def kl(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p.tolist(), q.tolist(), strict=True))


def test_what_each_of_them_is_of_two_dice_with_four_sides():
    def of(name):
        return (Q * TABLE[name].f(P / Q)).sum().item()

    middle = (P + Q) / 2
    twice_js = kl(P, middle) + kl(Q, middle)
    assert of("total_variation") == pytest.approx((0.25 + 0 + 0.275 + 0.025) / 2)
    assert of("kl") == pytest.approx(kl(P, Q))
    assert of("reverse_kl") == pytest.approx(kl(Q, P))
    assert of("jeffrey") == pytest.approx(kl(P, Q) + kl(Q, P))
    assert of("jensen_shannon") == pytest.approx(twice_js)
    assert of("gan") == pytest.approx(twice_js - 2 * math.log(2))
    assert of("pearson") == pytest.approx(((P - Q) ** 2 / Q).sum().item())
    assert of("neyman") == pytest.approx(((P - Q) ** 2 / P).sum().item())
    assert of("squared_hellinger") == pytest.approx(((P.sqrt() - Q.sqrt()) ** 2).sum().item())
    mixture = 0.3 * P + 0.7 * Q
    assert of("weighted 0.3") == pytest.approx(0.3 * kl(P, mixture) + 0.7 * kl(Q, mixture))


@pytest.mark.parametrize(
    ("alpha", "factor", "other"),
    [(2, 0.5, "pearson"), (-1, 0.5, "neyman"), (0.5, 2, "squared_hellinger")],
)
def test_alpha_divergences_are_multiples_of_others(alpha, factor, other):
    ratios = P / Q
    torch.testing.assert_close(
        alpha_divergence(alpha).f(ratios), factor * DIVERGENCES[other].f(ratios)
    )


@pytest.mark.parametrize("name", SMOOTH)
def test_an_optimal_critics_logits_tell_the_log_ratio(name):
    divergence = TABLE[name]
    ratios = torch.tensor([0.05, 0.7, 1, 3, 20], dtype=torch.float64)
    logits = logits_of(divergence, divergence.optimal(ratios))
    torch.testing.assert_close(divergence.log_ratio(logits), ratios.log(), rtol=1e-6, atol=1e-9)


@every
def test_the_slope_of_f_is_what_the_optimal_critic_says(name):
    divergence = TABLE[name]
    u = torch.tensor([0.2, 0.9, 1.7, 6], dtype=torch.float64, requires_grad=True)
    divergence.f(u).sum().backward()
    torch.testing.assert_close(u.grad, divergence.optimal(u.detach()))


@every
def test_the_undecided_logit_is_f_prime_of_1(name):
    divergence = TABLE[name]
    one = torch.ones((), dtype=torch.float64)
    undecided = torch.tensor(divergence.undecided, dtype=torch.float64)
    torch.testing.assert_close(divergence.activation(undecided), divergence.optimal(one))


# f*(g(v)) at v = 50 and at v = -50, to the first order: what float32 has to give
FAR = {
    "total_variation": (0.5, -0.5),
    "kl": (math.exp(49), 0),
    "reverse_kl": (49, -51),
    "pearson": (50 + 625, -1),
    "neyman": (2, -2 * math.exp(25)),
    "squared_hellinger": (math.exp(50), -1),
    "jeffrey": (math.exp(50), -51),
    "jensen_shannon": (50 - math.log(2), -math.log(2)),
    "gan": (50, 0),
    "weighted 0.3": (0.7 * (50 + math.log(0.7)), 0.7 * math.log(0.7)),
    "alpha 2.5": (76 ** (5 / 3) / 2.5 - 0.4, -0.4),
    "alpha 0.3": (math.exp(150 / 7) / 0.3, -1 / 0.3),
    "alpha -1.5": (1 / 1.5, -math.exp(30) / 1.5),
}


@every
def test_large_logits_keep_float32s_digits_and_a_slope(name):
    divergence = TABLE[name]
    v = torch.tensor([50.0, -50.0], requires_grad=True)
    values = divergence.conjugate(v)
    assert values.tolist() == pytest.approx(FAR[name], rel=1e-5, abs=1e-20)
    values.sum().backward()
    assert v.grad.isfinite().all()
    assert (v.grad >= 0).all()  # f* and g increase


@pytest.mark.parametrize(
    "name", ["total_variation", "reverse_kl", "pearson", "jensen_shannon", "gan", "weighted 0.3"]
)
def test_a_conjugate_that_grows_no_faster_than_a_square_is_finite_however_sure_the_critic(name):
    v = torch.tensor([1e4, -1e4], requires_grad=True)
    values = TABLE[name].conjugate(v)
    values.sum().backward()
    assert values.isfinite().all()
    assert v.grad.isfinite().all()


def test_without_composition_float32_loses_a_sure_critic():
    v = torch.tensor(20.0)
    t = DIVERGENCES["gan"].activation(v)
    assert (-torch.log(1 - torch.exp(t))).isinf()  # f*(t) = -log(1 - e^t)
    assert DIVERGENCES["gan"].conjugate(v).item() == pytest.approx(20)


@every
def test_the_bound_of_equal_rows_is_at_most_f_of_1(name):
    divergence = TABLE[name]
    logits = torch.randn(1000, dtype=torch.float64)
    at_one = divergence.f(torch.ones((), dtype=torch.float64)).item()  # D_f(P || P)
    assert divergence.bound(logits, logits).item() <= at_one
    undecided = torch.full((3,), divergence.undecided, dtype=torch.float64)
    assert divergence.bound(undecided, undecided).item() == pytest.approx(at_one, abs=1e-12)


def test_the_original_game_is_the_minimax_loss_and_with_the_trick_the_non_saturating_one():
    real, fake = torch.randn(2, 64)
    for trick, other in [(False, minimax()), (True, nonsaturating())]:
        loss = f_gan(divergence="gan", trick=trick)
        torch.testing.assert_close(loss.critic(real, fake), other.critic(real, fake))
        torch.testing.assert_close(loss.generator(real, fake), other.generator(real, fake))


@every
@pytest.mark.parametrize("trick", [True, False])
def test_each_player_pushes_the_fake_logits_its_own_way(name, trick):
    loss = TABLE[name].loss(trick=trick)
    for player, sign in [(loss.critic, 1), (loss.generator, -1)]:
        fake = torch.full((4,), 0.5, requires_grad=True)
        player(torch.full((4,), 0.5), fake).backward()
        assert (sign * fake.grad > 0).all()


def test_the_trick_keeps_a_kl_generators_gradient_where_the_critic_is_sure():
    slopes = []
    for trick in (False, True):
        fake = torch.tensor([-50.0], requires_grad=True)
        f_gan(divergence="kl", trick=trick).generator(fake, fake).backward()
        slopes.append(fake.grad.item())
    assert abs(slopes[0]) < 1e-20  # exp(-51)
    assert slopes[1] == -1


def test_a_loss_carries_the_log_ratio_and_the_undecided_logit():
    loss = f_gan(divergence="kl", trick=True)
    assert loss.undecided == 1
    torch.testing.assert_close(loss.log_ratio(torch.tensor([1.0, 2.0])), torch.tensor([0.0, 1.0]))
    assert f_gan(divergence="total_variation", trick=True).log_ratio is None
    assert nonsaturating().log_ratio(torch.tensor([0.7])).item() == pytest.approx(0.7)
    weighted = f_weighted_jensen_shannon(weight=0.25, trick=True)
    assert weighted.log_ratio(torch.tensor(weighted.undecided)).item() == pytest.approx(0, abs=1e-6)


def test_an_unknown_divergence_is_refused_with_the_nearest_name():
    with pytest.raises(TabganError, match=r"loss\.divergence=neymann: did you mean 'neyman'\?"):
        f_gan(divergence="neymann", trick=True)


@pytest.mark.parametrize("alpha", [0, 1, float("inf"), "much"])
def test_the_limits_of_alpha_are_called_by_their_names(alpha):
    with pytest.raises(TabganError, match=r"at 0 choose loss=f_reverse_kl, at 1 loss=f_kl"):
        f_alpha(alpha=alpha, trick=True)


def test_a_trick_is_true_or_false():
    with pytest.raises(TabganError, match=r"loss\.trick=perhaps: expected true or false"):
        f_gan(divergence="kl", trick="perhaps")


@pytest.mark.parametrize("weight", [0, 1, 1.5, "half"])
def test_a_weight_outside_0_to_1_is_refused(weight):
    with pytest.raises(TabganError, match=r"loss\.weight=.*: expected the weight of real rows"):
        f_weighted_jensen_shannon(weight=weight, trick=True)
