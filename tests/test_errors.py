"""A mistake is told in one line."""

from tabgan.errors import MOST_LETTERS, TabganError, other_columns


def test_a_text_that_is_no_line_loses_its_middle():
    told = str(TabganError("where.age: got " + 1_000_000 * "x" + "; expected a number"))
    assert told.startswith("where.age: got xx")
    assert told.endswith("xx; expected a number")
    assert len(told) == MOST_LETTERS + len(" … ")


def test_columns_that_differ_are_named_and_empty_parts_left_out():
    assert other_columns(["job"], ["extra"]) == "lacks ['job'] and adds ['extra']"
    assert other_columns(["job"], []) == "lacks ['job']"
    assert other_columns([], ["extra"]) == "adds ['extra']"
