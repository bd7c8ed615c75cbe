"""Answers are checked, queries are counted, and no row is asked twice."""

import numpy as np
import pandas as pd
import pytest

from tabgan.blackboxes.counter import QueryCounter
from tabgan.errors import TabganError

ROWS = pd.DataFrame({"x": [0.1, 0.2, 0.1], "kind": pd.Categorical(["a", "b", "a"])})


class Box:
    """Answers with the column x, and remembers how many rows each call had."""

    name = "box"

    def __init__(self, answer=None):
        self.sizes = []
        self.answer = answer

    def __call__(self, rows):
        self.sizes.append(len(rows))
        return rows["x"].to_numpy() if self.answer is None else self.answer


def test_a_row_that_stands_twice_is_asked_once():
    box = Box()
    counted = QueryCounter(box)
    assert counted(ROWS).tolist() == [0.1, 0.2, 0.1]
    assert box.sizes == [2]
    assert (counted.queries, counted.calls) == (2, 1)


def test_a_row_that_was_asked_before_is_answered_from_memory():
    box = Box()
    counted = QueryCounter(box)
    counted(ROWS.iloc[:2])
    assert counted(ROWS).tolist() == [0.1, 0.2, 0.1]
    assert (box.sizes, counted.queries) == ([2], 2)


def test_only_new_rows_cost_each_at_its_first_place():
    counted = QueryCounter(Box())
    counted(ROWS.iloc[[1]])
    assert counted.cost(ROWS).tolist() == [True, False, False]


def test_no_rows_are_no_call():
    box = Box()
    assert QueryCounter(box)(ROWS.iloc[:0]).shape == (0,)
    assert box.sizes == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([0.5, np.nan], r"box: expected finite scores, got nan in row 1"),
        ([0.5], r"box: expected 2 scores for 2 rows, got \(1,\)"),
        ([0.5, 1.5], r"box: expected scores in \[0, 1\], got 1\.5 in row 1"),
        ([-0.1, 0.5], r"box: expected scores in \[0, 1\], got -0\.1 in row 0"),
        (["high", "low"], r"box: expected one number per row"),
    ],
)
def test_an_answer_that_is_no_score_is_refused(answer, says):
    with pytest.raises(TabganError, match=says):
        QueryCounter(Box(answer))(ROWS)


def test_a_box_that_raises_ends_in_one_line():
    class Broken(Box):
        def __call__(self, rows):
            raise ZeroDivisionError("no rows today")

    with pytest.raises(TabganError, match="box failed on 2 rows: ZeroDivisionError: no rows today"):
        QueryCounter(Broken())(ROWS)


def test_a_rounding_error_beyond_one_is_one():
    assert QueryCounter(Box([1 + 1e-7, -1e-7]))(ROWS).tolist() == [1.0, 0.0, 1.0]


def test_a_box_without_classes_decides_by_the_side_of_the_middle():
    labels = QueryCounter(Box([0.5, 0.51]))
    assert labels.labels(ROWS.iloc[:2]).tolist() == ["score up to .5", "score above .5"]
