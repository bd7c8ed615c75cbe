"""A CTGAN is requested the rarest of the values that a condition names."""

import numpy as np
import pytest

from tabgan.sampling.requests import Request
from tabgan.sampling.vector_draws import VectorDraws


@pytest.fixture
def draws(training):
    """``draws(where)``, of a model on people whose label is yes in every third row."""
    ran = training(model="ctgan")
    encoder = ran.data.encoder

    def make(**where):
        request = Request.read(encoder, where=where)
        return VectorDraws(ran.module, encoder, request, np.ones((1, 0)))

    return make


def asked_places(draws):
    """(column, place in its block) of what may be requested."""
    vector = draws.module.vector
    return [
        (block.column, position)
        for block, start in zip(vector.blocks, vector.starts, strict=True)
        for position in range(block.width)
        if draws.allowed[0, start + position]
    ]


def test_the_rarer_of_two_values_is_asked_for(draws):
    assert asked_places(draws(label="yes", member="[false,true]")) == [("label", 1)]
    assert asked_places(draws(label="[no,yes]", member="true")) == [("member", 1)]


def test_missing_and_a_set_are_places_of_the_block(draws):
    assert asked_places(draws(job="[cook,?]")) == [("job", 1), ("job", 3)]  # clerk, cook, guard, ?


def test_a_condition_on_numbers_alone_leaves_the_vector_as_it_is(draws):
    assert draws(age="30..40").allowed.all()


def test_each_try_is_of_its_own_condition(draws):
    numbers, positions = draws(label="yes").draw(np.zeros(7, np.int64), (0, "test"))
    assert len(numbers) == 7
    assert positions.tolist() == [0] * 7


def test_the_same_address_gives_the_same_rows(draws):
    source = draws(label="yes")
    first, second = (source.draw(np.zeros(7, np.int64), (0, "test"))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
