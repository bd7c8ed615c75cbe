"""Penalties on paper."""

import pytest
import torch
from torch import nn

from tabgan.errors import TabganError
from tabgan.models.losses.penalties import (
    between,
    differentiated,
    gradient_penalty,
    logits_and_slopes,
    one_centred,
    r1,
    r1r2,
    r2,
    zero_centred,
)

CONDITION = torch.eye(2)[torch.arange(8) % 2]


@pytest.fixture(params=[0, 1, 2])
def seed(request):
    return request.param


class Straight(nn.Module):
    """D(x) = 3 x_1 + 4 x_2, or the sum of that over a pack; its slope is 25 for each row of it."""

    def __init__(self, *, pack=1):
        super().__init__()
        self.pack = pack
        self.weight = nn.Parameter(torch.tensor([3.0, 4.0]))

    def forward(self, rows, condition):
        return (rows @ self.weight).reshape(-1, self.pack).sum(dim=1)


class Bowl(nn.Module):
    """D(x) = |x|^2 / 2: the slope of a row is its squared norm."""

    def forward(self, rows, condition):
        return rows.square().sum(dim=1) / 2


def test_a_straight_critics_slope_is_its_squared_weight_norm():
    _, slopes = differentiated(Straight(), torch.randn(8, 2), CONDITION)
    torch.testing.assert_close(slopes, torch.full((8,), 25.0))


def test_a_packs_slope_is_that_of_all_its_rows_together():
    logits, slopes = differentiated(Straight(pack=4), torch.randn(8, 2), CONDITION)
    assert len(logits) == 2
    torch.testing.assert_close(slopes, torch.full((2,), 4 * 25.0))


def test_the_penalty_can_be_differentiated():
    critic = Straight()
    *_, price = r1(gamma=2, every=1).judge(critic, torch.randn(8, 2), torch.randn(8, 2), CONDITION)
    price.backward()
    torch.testing.assert_close(critic.weight.grad, 2 * critic.weight.detach())  # d|w|^2/dw


REAL, FAKE = torch.ones(8, 2), torch.zeros(8, 2)  # slopes 2 and 0 in the bowl


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (r1(gamma=0.3, every=1), 0.15 * 2),
        (r2(gamma=0.3, every=1), 0.0),
        (r1r2(gamma=0.3, every=1), 0.15 * (2 + 0)),
        (r1r2(gamma=0.3, every=4), 4 * 0.15 * 2),  # lazy: what is skipped is made up for
    ],
)
def test_each_penalty_reads_its_rows(penalty, expected):
    real_logits, fake_logits, price = penalty.judge(Bowl(), REAL, FAKE, CONDITION)
    assert price.item() == pytest.approx(expected)
    assert real_logits.tolist() == [1.0] * 8
    assert fake_logits.tolist() == [0.0] * 8


def test_a_lazy_penalty_is_due_every_so_many_steps():
    assert [step for step in range(9) if r1(gamma=1, every=4).due(step)] == [0, 4, 8]


def test_zero_centred_slopes_are_wanted_at_0_and_one_centred_ones_at_1():
    slopes = torch.tensor([0.0, 1.0, 9.0])
    assert zero_centred(slopes).item() == pytest.approx(10 / 3)
    assert one_centred(slopes).item() == pytest.approx((1 + 0 + 4) / 3, rel=1e-5)


def test_a_flat_critics_gradient_penalty_has_a_finite_gradient():
    slopes = torch.zeros(3, requires_grad=True)
    one_centred(slopes).backward()
    assert slopes.grad.isfinite().all()


def test_the_gradient_penalty_of_a_straight_critic_is_on_paper():
    *_, price = gradient_penalty(weight=10, every=1).judge(Straight(), REAL, FAKE, CONDITION)
    assert price.item() == pytest.approx(10 * (5 - 1) ** 2)


def test_a_pack_is_interpolated_as_one(seed):
    torch.manual_seed(seed)
    rows = between(REAL, FAKE, pack=4)
    assert (rows >= 0).all()
    assert (rows <= 1).all()
    assert [len(part.unique()) for part in rows.split(4)] == [1, 1]
    assert rows[0, 0] != rows[4, 0]


def test_the_gradient_penalty_knows_packs_by_the_number_of_logits():
    critic = Straight(pack=4)
    real_logits, _, price = gradient_penalty(weight=10, every=1).judge(
        critic, REAL, FAKE, CONDITION
    )
    assert len(real_logits) == 2
    assert price.item() == pytest.approx(10 * (10 - 1) ** 2)  # |slope| = sqrt(4 * 25)


@pytest.mark.parametrize("wrong", [{"gamma": -1, "every": 1}, {"gamma": 1, "every": 0}])
def test_a_number_outside_its_range_is_refused(wrong):
    with pytest.raises(TabganError, match="penalty: expected a weight of at least 0 and every"):
        r1(**wrong)


def test_several_critics_have_a_slope_each():
    critics = nn.Module()
    critics.members = nn.ModuleList([Straight(), Bowl()])
    logits, slopes = logits_and_slopes(critics, REAL, CONDITION)
    assert logits.tolist() == [7.0, 1.0] * 8  # 3 + 4, and (1 + 1) / 2
    assert slopes.tolist() == [25.0, 2.0] * 8
