"""One net for each class: rows go to their own, and critics see how far they are apart."""

from functools import partial

import pytest
import torch

from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.critic import Critic
from tabgan.models.nets.generator import Generator
from tabgan.models.nets.per_class import PerClassCritic, PerClassGenerator, batch_distance

LAYOUT = RowLayout.from_widths([("flag", "discrete", 2), ("kind", "discrete", 3)])
CLASSES = torch.eye(2)[[0, 1, 1, 0, 1]]


def generator():
    make = partial(Generator, hidden_dims=[8], temperature=0.5, hard=False, scalar="linear")
    sizes = {"layout": LAYOUT, "condition_width": 2, "noise_dim": 4, "dropout": 0.0}
    return PerClassGenerator(generator=make, **sizes).eval()


def critic():
    make = partial(Critic, hidden_dims=[8], slope=0.2, pack=1)
    return PerClassCritic(
        critic=make, layout=LAYOUT, condition_width=2, dropout=0.0, neighbours=4
    ).eval()


def test_two_rows_at_distance_3_are_3_halves_apart_on_average_and_a_third_place_divides():
    # |1 - 0| + |2 - 0| + 0 = 3 over three places is 1; each row is at 0 from itself: (0 + 1) / 2
    rows = torch.tensor([[0.0, 0.0, 5.0], [1.0, 2.0, 5.0]])
    assert batch_distance(rows, 2).tolist() == [0.5, 0.5]


def test_rows_are_compared_within_their_group_and_the_last_is_filled_up_with_the_first():
    rows = torch.tensor([[0.0], [4.0], [10.0]])
    # groups (0, 4) and (10, 0): (0 + 4) / 2, (4 + 0) / 2, (0 + 10) / 2
    assert batch_distance(rows, 2).tolist() == [2.0, 2.0, 5.0]


def test_a_generator_that_makes_one_row_again_and_again_has_distance_0():
    assert batch_distance(torch.ones(50, 7), 25).tolist() == [0.0] * 50


@torch.no_grad()
def test_each_row_comes_from_the_generator_of_its_class():
    net, noise = generator(), torch.randn(5, 4)
    raw = net.raw(noise, CLASSES)
    for label in (0, 1):
        of = CLASSES[:, label].bool()
        torch.testing.assert_close(raw[of], net.of_class[label].raw(noise[of], CLASSES[of, :0]))


def test_the_loss_of_one_class_moves_its_own_nets_alone():
    net, judge = generator().train(), critic()
    rows = net(torch.randn(6, 4), torch.eye(2)[[0] * 6])
    judge(rows, torch.eye(2)[[0] * 6]).sum().backward()
    for nets in (net.of_class, judge.of_class):
        moved = [any(p.grad is not None for p in each.parameters()) for each in nets]
        assert moved == [True, False]


@torch.no_grad()
def test_a_critic_sees_the_rows_of_the_class_alone():
    judge, rows = critic(), torch.rand(5, LAYOUT.width)
    logits = judge(rows, CLASSES)
    moved = rows.clone()
    moved[0] = 1 - moved[0]  # of class 0, as row 3
    changed = judge(moved, CLASSES) != logits
    assert changed.tolist() == [True, False, False, True, False]


@torch.no_grad()
def test_a_logit_is_linear_in_the_features():
    judge, rows = critic(), torch.rand(5, LAYOUT.width)
    features = judge.features(rows, CLASSES)
    assert features.shape == (5, judge.feature_width)
    own = judge.of_class[1].verdict(features[[1, 2, 4]])
    torch.testing.assert_close(own, judge(rows, CLASSES)[[1, 2, 4]])


def test_codes_are_drawn_from_the_class_too():
    net = generator()
    with torch.no_grad():
        for label, position in ((0, 0), (1, 1)):  # flag is the class
            last = net.of_class[label].trunk[-1]
            last.weight.zero_()
            last.bias.zero_()
            last.bias[position] = 30.0
    rows = net.draw(torch.randn(5, 4), CLASSES)
    assert rows.codes[:, 0].tolist() == [0, 1, 1, 0, 1]


@pytest.mark.parametrize("n", [1, 3])
def test_a_class_of_one_row_is_judged(n):
    assert critic()(torch.rand(n, LAYOUT.width), torch.eye(2)[[1] * n]).isfinite().all()
