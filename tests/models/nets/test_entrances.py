"""The heads' first layers: each sees the columns before its own, through weights of its own."""

import pytest
import torch

from tabgan.models.nets.entrances import DirectEntrance, Head, StateEntrance

ENDS = [2, 5, 6, 10]  # inputs of noise, and of the first three columns behind it
HEADS = [
    Head(column=0, code=0, width=3, is_cell=False),
    Head(column=1, code=1, width=4, is_cell=False),
    Head(column=1, code=2, width=2, is_cell=True),
    Head(column=2, code=3, width=3, is_cell=False),
    Head(column=3, code=4, width=2, is_cell=False),
]
SEEN = [2, 5, 5, 6, 10]
ENTRANCES = {
    "direct": lambda: DirectEntrance(HEADS, ENDS, 7),
    "state": lambda: StateEntrance(HEADS, ENDS, 7, rank=3),
}


@pytest.fixture(params=ENTRANCES)
def entrance(request):
    torch.manual_seed(0)
    return ENTRANCES[request.param]()


def test_all_heads_at_once_are_each_head_by_itself(entrance):
    inputs = torch.randn(6, 12)
    hidden = entrance(inputs)
    weights = entrance.per_head()
    assert [tuple(weight.shape) for weight in weights] == [(seen, 7) for seen in SEEN]
    for own, weight in zip(hidden, weights, strict=True):
        torch.testing.assert_close(own, inputs[:, : len(weight)] @ weight)


@pytest.mark.parametrize("head", range(len(HEADS)))
def test_a_head_sees_the_columns_before_its_own_and_no_other(entrance, head):
    inputs = torch.randn(6, 12, requires_grad=True)
    entrance(inputs)[head].square().sum().backward()
    seen = inputs.grad.abs().sum(dim=0) > 0
    assert seen.tolist() == [True] * SEEN[head] + [False] * (12 - SEEN[head])


def test_weights_of_what_a_head_does_not_see_stay_as_they_are():
    torch.manual_seed(0)
    entrance = DirectEntrance(HEADS, ENDS, 7)
    entrance(torch.randn(6, 12)).square().sum().backward()
    for group, (first, end) in enumerate(entrance.groups):
        for at in range(first, end):
            gradient = entrance.weights[group].grad[:, at - first]
            assert gradient[: SEEN[at]].all()
            assert not gradient[SEEN[at] :].any()


def test_a_running_sum_has_weights_that_grow_with_the_columns_and_not_with_their_square():
    def parameters(kind, n):
        heads = [Head(column=j, code=j, width=2, is_cell=False) for j in range(n)]
        made = kind(heads, list(range(0, 4 * n, 4)), 8)
        return sum(p.numel() for p in made.parameters())

    state = [parameters(lambda *sizes: StateEntrance(*sizes, rank=3), n) for n in (100, 200)]
    direct = [parameters(DirectEntrance, n) for n in (100, 200)]
    assert state[1] / state[0] == pytest.approx(2, abs=0.02)
    assert direct[1] / direct[0] == pytest.approx(4, abs=0.1)
