"""The heads' first layers: each sees columns before its own, as they matter, by its own weights."""

import numpy as np
import pytest
import torch

from tabgan.models.nets.entrances import Entrance, Head

ENDS = [2, 5, 6, 10]  # inputs of noise, and of the first three columns behind it
HEADS = [
    Head(column=0, code=0, width=3, is_cell=False),
    Head(column=1, code=1, width=4, is_cell=False),
    Head(column=1, code=2, width=2, is_cell=True),
    Head(column=2, code=3, width=3, is_cell=False),
    Head(column=3, code=4, width=2, is_cell=False),
]
RELEVANCE = [np.ones(0), np.array([0.5]), np.array([1.0, 0.1]), np.array([0.2, 1.0, 0.6])]
SEEN = {  # the inputs of each head, where it sees so many columns
    3: [[0, 1], [*range(5)], [*range(5)], [*range(6)], [*range(10)]],
    2: [[0, 1], [*range(5)], [*range(5)], [*range(6)], [0, 1, *range(5, 10)]],
    1: [[0, 1], [*range(5)], [*range(5)], [*range(5)], [0, 1, 5]],
}


@pytest.fixture(params=SEEN)
def entrance(request):
    torch.manual_seed(0)
    made = Entrance(HEADS, ENDS, 7, parents=request.param)
    made.learn(RELEVANCE)
    return made


def test_all_heads_at_once_are_each_head_by_itself(entrance):
    inputs = torch.randn(6, 12)
    hidden = entrance(inputs)
    heads = [
        (torch.arange(len(weight)) if at is None else at, weight)
        for at, weight in entrance.per_head()
    ]
    assert [at.tolist() for at, _ in heads] == SEEN[entrance.parents]
    for own, (at, weight) in zip(hidden, heads, strict=True):
        torch.testing.assert_close(own, inputs[:, at] @ weight)


@pytest.mark.parametrize("head", range(len(HEADS)))
def test_a_head_sees_the_columns_before_its_own_that_matter_most_and_no_other(entrance, head):
    inputs = torch.randn(6, 12, requires_grad=True)
    entrance(inputs)[head].square().sum().backward()
    seen = inputs.grad.abs().sum(dim=0) > 0
    assert seen.nonzero().flatten().tolist() == SEEN[entrance.parents][head]


def test_a_columns_inputs_are_scaled_by_how_much_it_matters():
    torch.manual_seed(0)
    entrance = Entrance(HEADS, ENDS, 7, parents=3)
    _, alike = entrance.per_head()[-1]
    entrance.learn(RELEVANCE)
    _, scaled = entrance.per_head()[-1]
    # the squares of (1, 1, 1) and of (.2, 1, .6), beside that of the noise: 4 and 2.4
    factors = scaled / alike * (2.4 / 4) ** 0.5
    for span, scale in [
        (slice(0, 2), 1),
        (slice(2, 5), 0.2),
        (slice(5, 6), 1),
        (slice(6, 10), 0.6),
    ]:
        torch.testing.assert_close(factors[span], torch.full_like(factors[span], scale))


def test_learning_again_leaves_weights_as_large_as_learning_once():
    torch.manual_seed(0)
    entrance = Entrance(HEADS, ENDS, 7, parents=2)
    entrance.learn(RELEVANCE)
    once = entrance.per_head()
    entrance.learn(RELEVANCE)
    for (_, first), (_, again) in zip(once, entrance.per_head(), strict=True):
        torch.testing.assert_close(first, again)


def test_a_loaded_entrance_sees_what_the_stored_one_saw(entrance):
    torch.manual_seed(1)
    other = Entrance(HEADS, ENDS, 7, parents=entrance.parents)
    other.load_state_dict(entrance.state_dict())
    for (at, weight), (loaded_at, loaded) in zip(
        entrance.per_head(), other.per_head(), strict=True
    ):
        assert (at is None) == (loaded_at is None)
        assert at is None or torch.equal(at, loaded_at)
        assert torch.equal(weight, loaded)


def test_weights_grow_with_the_columns_and_not_with_their_square():
    def parameters(n, parents):
        heads = [Head(column=j, code=j, width=2, is_cell=False) for j in range(n)]
        made = Entrance(heads, list(range(0, 4 * n, 4)), 8, parents)
        return sum(p.numel() for p in made.parameters())

    assert parameters(200, 5) / parameters(100, 5) == pytest.approx(2, abs=0.02)
    assert parameters(200, 200) / parameters(100, 100) == pytest.approx(4, abs=0.1)
