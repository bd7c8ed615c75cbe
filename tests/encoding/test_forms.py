"""Forms of ids: learned from texts, read from a pattern, every text once."""

import re

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.forms import Form, Shape, shuffled
from tabgan.encoding.patterns import form_of_pattern
from tabgan.errors import TabganError


def texts_of(form):
    """Every text of a small form, in the shapes' order."""
    return [
        text
        for shape in form.shapes
        for text in shape.texts(np.arange(shape.size, dtype=np.uint64), 0).tolist()
    ]


def test_a_shape_counts_its_texts_like_an_odometer():
    shape = Shape(("A", "01", "xyz"))
    assert shape.size == 6
    assert shape.texts(np.array([0, 1, 3, 5], np.uint64), 0).tolist() == [
        "A0x",
        "A0y",
        "A1x",
        "A1z",
    ]


@pytest.mark.parametrize("size", [1, 2, 5, 1_000, 4_097])
def test_a_shuffle_sends_every_place_to_another(size):
    positions = np.arange(size, dtype=np.uint64)
    one, other = shuffled(positions, size, 7), shuffled(positions, size, 8)
    assert sorted(one.tolist()) == list(range(size))
    if size > 10:
        assert (one != positions).mean() > 0.9
        assert (one != other).mean() > 0.9


def test_a_shuffle_of_very_many_places_repeats_none():
    positions = shuffled(np.arange(10_000, dtype=np.uint64), 2**61 + 1, 3)
    assert len(np.unique(positions)) == 10_000
    assert positions.max() <= 2**61
    assert positions.astype(float).mean() == pytest.approx(2.0**60, rel=0.05)  # about uniform


def test_texts_beyond_what_has_a_number_differ_all_the_same():
    shape = Shape(("0123456789abcdef",) * 32)  # 2^128 texts
    assert shape.numbered == (15, 2**60)
    texts = shape.texts(np.arange(1_000, dtype=np.uint64), 5)
    assert len(np.unique(texts)) == 1_000
    assert len({text[15:] for text in texts.tolist()}) > 990


def test_fixed_parts_and_classes_are_learned_per_position(rng):
    numbers = rng.integers(0, 10**7, 500)
    texts = pd.Series([f"CH-{n:07d}-{'AB'[n % 2]}" for n in numbers])
    assert str(Form.of_texts(texts)) == r"CH-[0-9]{7}-[AB]"


def test_few_rows_do_not_narrow_a_class():
    texts = pd.Series([f"{n:04d}" for n in (1234, 2345, 3456, 4567, 5678, 6789, 7890, 8901)] * 2)
    assert str(Form.of_texts(texts)) == "[0-9]{4}"


def test_a_form_has_a_shape_per_layout_with_its_share():
    texts = pd.Series(["A-1", "B-2", "C-3"] * 20 + ["+1 555", "+2 666"] * 10)
    form = Form.of_texts(texts)
    assert form.shares == (0.75, 0.25)
    assert [len(shape.alphabets) for shape in form.shapes] == [3, 6]


def test_names_and_other_free_text_have_no_form(rng):
    letters = np.array([*"abcdefghijklmnop"])
    words = ["".join(rng.choice(letters, rng.integers(2, 12))) for _ in range(900)]
    names = pd.Series([f"{a} {b}" for a, b in zip(words[::2], words[1::2], strict=True)])
    assert Form.of_texts(names) is None


def test_whole_numbers_have_a_shape_per_length():
    form = Form.of_numbers(pd.Series([*range(100, 1_000, 7), *range(1_000, 9_000, 50)], name="id"))
    assert [str(shape) for shape in form.shapes] == ["[1-8][0-9][05]0", "[1-9][0-9]{2}"]


@pytest.mark.parametrize(
    "pattern",
    ["AB[0-3]", "(x|yz)[01]", "a{1,3}", "[^ -y]?[01]", "^c\\d$", "(ab){2}", "a?b?c", "(?:p|q)\\.r"],
)
def test_a_pattern_makes_every_text_that_matches_once(pattern):
    texts = texts_of(form_of_pattern(pattern))
    assert len(set(texts)) == len(texts) >= 1
    assert all(re.fullmatch(pattern, text) for text in texts)


def test_a_pattern_of_two_branches_counts_both():
    assert texts_of(form_of_pattern("(x|yz)[01]")) == ["x0", "x1", "yz0", "yz1"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[0-9", "not a regular expression"),
        ("x*", "it matches the empty text"),
        (r"(a)\1", "groupref is not understood"),
        (r"(?=a)b", "assert is not understood"),
        ("[a-z]{1,2}[a-f0-9]", None),
        ("(abx|a[ab]x)", "two ways to read one text"),
        ("(a|bc){1,12}", "more than 1,000 shapes"),
        ("a{1,5000}", "5,000 repeats"),
    ],
)
def test_a_pattern_that_is_not_understood_says_why(pattern, message):
    if message is None:
        assert form_of_pattern(pattern).shapes
        return
    with pytest.raises(TabganError, match=re.escape(f"pattern {pattern!r}") + f".*{message}"):
        form_of_pattern(pattern)
