"""The closed loop, with a box whose score is the column x."""

import numpy as np
import pandas as pd
import pytest

from tabgan.blackboxes.counter import QueryCounter
from tabgan.blackboxes.scored.closed_loop import TRIES, closed_loop, requested_scores, scored_schema
from tabgan.errors import TabganError
from tabgan.seeding import rng_at
from tabgan.tables.schema import Column, TableSchema


class Box:
    """The column x, at most ``top``; fails from the ``fails_at``-th call on."""

    name = "box"

    def __init__(self, top=1.0, fails_at=None):
        self.top, self.fails_at, self.calls = top, fails_at, 0

    def __call__(self, rows):
        self.calls += 1
        if self.fails_at is not None and self.calls >= self.fails_at:
            raise ConnectionError("gone")
        return np.minimum(rows["x"].to_numpy(), self.top)


def around(width):
    """Proposals up to ``width`` beside the score requested."""

    def propose(scores, seed):
        error = rng_at(seed).uniform(-width, width, len(scores))
        return pd.DataFrame({"x": (scores + error).clip(0, 1)})

    return propose


def loop(propose, box, requested, **settings):
    words = {"tolerance": 0.02, "budget": None, "seed": 0} | settings
    return closed_loop(propose, QueryCounter(box), np.asarray(requested, dtype=float), **words)


def test_an_exact_generator_needs_one_query_a_row():
    found = loop(around(0), Box(), [0.1, 0.5, 0.9])
    assert (found.queries, found.kept.all(), found.ended) == (3, True, "every score was reached")
    assert found.table()["score_obtained"].tolist() == [0.1, 0.5, 0.9]


def test_kept_rows_are_within_the_tolerance_and_say_so():
    found = loop(around(0.2), Box(), np.linspace(0, 1, 50))
    table = found.table()
    assert len(table) == 50
    assert (table["score_asked"] - table["score_obtained"]).abs().max() <= 0.02 + 1e-9
    np.testing.assert_allclose(table["x"], table["score_obtained"])


def test_a_row_goes_to_whichever_score_it_came_near():
    def swapped(scores, _):
        return pd.DataFrame({"x": scores[::-1]})

    found = loop(swapped, Box(), [0.2, 0.8])
    assert found.queries == 2
    assert found.table()["x"].tolist() == [0.2, 0.8]


def test_the_same_seed_gives_the_same_rows():
    one, same, other = (loop(around(0.3), Box(), [0.5] * 9, seed=s).table() for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert not one["x"].equals(other["x"])


def test_a_budget_is_never_overspent():
    found = loop(around(0.2), Box(), [0.5] * 20, budget=35)
    assert found.queries == 35
    assert found.ended == "the budget of 35 queries is spent"
    assert 0 < found.kept.sum() < 20


def test_a_range_that_no_row_reaches_is_named_with_the_best_score():
    found = loop(around(0.05), Box(top=0.6), [0.1, 0.95])
    assert found.kept.tolist() == [True, False]
    assert found.best[9] == 0.6
    assert np.isnan(found.best[5])
    assert found.unreached() == [
        "0.9 to 1.0: 1 of 1 scores not reached; requested 0.950, the best was 0.600"
    ]
    assert found.tries <= 2 * TRIES


def test_a_constant_box_ends_the_loop():
    found = loop(around(0.5), Box(top=0.0), np.linspace(0, 1, 11))
    assert found.kept.tolist() == [True] + 10 * [False]
    assert "without coming near" in found.ended


def test_a_row_known_from_before_costs_nothing():
    box = QueryCounter(Box())
    requested = np.array([0.3])
    for _ in range(2):
        found = closed_loop(around(0), box, requested, tolerance=0.02, budget=None, seed=0)
    assert (found.queries, box.queries, found.kept.all()) == (0, 1, True)


def test_a_box_that_fails_on_the_way_leaves_what_was_kept():
    found = loop(around(0.2), Box(fails_at=3), [0.5] * 40)
    assert 0 < found.kept.sum() < 40
    assert found.failure.startswith("the black box box failed on")
    assert len(found.table()) == found.kept.sum()


def test_a_box_that_fails_at_once_is_an_error():
    with pytest.raises(TabganError, match="ConnectionError: gone"):
        loop(around(0.2), Box(fails_at=1), [0.5])


def test_limits_that_nothing_can_meet_are_refused():
    with pytest.raises(TabganError, match="budget=2: 3 rows take at least as many queries"):
        loop(around(0), Box(), [0.1, 0.2, 0.3], budget=2)
    with pytest.raises(TabganError, match="tolerance=0: expected a number above 0"):
        loop(around(0), Box(), [0.1], tolerance=0)


def test_scores_are_one_number_or_even():
    assert requested_scores("0.7", 3, 0).tolist() == [0.7] * 3
    even = requested_scores("uniform", 2_000, 0)
    assert abs(even.mean() - 0.5) < 0.03
    for wrong in ("1.2", "-0.1", "high", "nan"):
        with pytest.raises(TabganError, match=rf"score={wrong}: expected a score in \[0, 1\]"):
            requested_scores(wrong, 3, 0)


def test_the_scores_stand_behind_the_columns():
    schema = TableSchema(name="t", columns=(Column(name="x", kind="numeric"),))
    assert scored_schema(schema).names == ("x", "score_asked", "score_obtained")
    taken = TableSchema(name="t", columns=(Column(name="score_asked", kind="numeric"),))
    with pytest.raises(TabganError, match="duplicate column names"):
        scored_schema(taken)
