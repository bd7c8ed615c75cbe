"""The past of a net, and how its weights start."""

import pytest
import torch
from torch import nn

from tabgan.errors import TabganError
from tabgan.models.nets.history import History
from tabgan.models.nets.initialisation import initialise


def test_the_distance_is_that_from_the_mean_of_all_weights_so_far():
    net = nn.Linear(1, 1, bias=False)
    history = History(net)
    distances = []
    for weight in (1.0, 3.0, 8.0):  # means 1, 2, 4
        net.weight.data.fill_(weight)
        distances.append(history(net).item())
    assert distances == [0, 1, 16]


def test_its_gradient_pulls_towards_the_mean():
    net = nn.Linear(1, 1, bias=False)
    history = History(net)
    for weight in (1.0, 3.0):
        net.weight.data.fill_(weight)
        net.zero_grad()
        history(net).backward()
    assert net.weight.grad.item() == 2 * (3 - 2)


def test_orthogonal_weights_have_rows_of_length_one_that_stand_upright_on_each_other():
    net = nn.Sequential(nn.Linear(6, 3), nn.ReLU())
    initialise(net, scheme="orthogonal")
    torch.testing.assert_close(net[0].weight @ net[0].weight.T, torch.eye(3))
    assert not net[0].bias.any()


def test_normal_weights_spread_by_two_hundredths():
    layer = nn.Linear(200, 200)
    initialise(layer, scheme="normal")
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_a_layer_that_starts_at_zero_stays_there():
    layer = nn.Linear(3, 3)
    nn.init.zeros_(layer.weight)
    initialise(layer, scheme="xavier")
    assert not layer.weight.any()


def test_an_unknown_scheme_is_refused_with_the_nearest():
    with pytest.raises(TabganError, match=r"scheme='ortogonal'.*did you mean 'orthogonal'\?"):
        initialise(nn.Linear(1, 1), scheme="ortogonal")
