"""Functions by their import path, and what happens to slow ones."""

import sys
import time
import types

import pandas as pd
import pytest

from tabgan.blackboxes.counter import QueryCounter
from tabgan.blackboxes.function import FunctionBox
from tabgan.errors import TabganError

ROWS = pd.DataFrame({"x": [0.25, 0.75]})


@pytest.fixture
def module():
    """An importable module ``models`` that a test fills."""
    made = types.ModuleType("models")
    sys.modules["models"] = made
    yield made
    del sys.modules["models"]


def test_a_function_is_found_by_its_path(module):
    module.half = lambda rows: rows["x"] / 2
    box = FunctionBox("models:half", timeout=None, retries=0)
    assert QueryCounter(box)(ROWS).tolist() == [0.125, 0.375]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("models", "expected package.module:function"),
        ("no_such_module:f", "cannot be imported"),
        ("models:nothing", "cannot be imported"),
        ("models:number", "expected a function, got 3"),
    ],
)
def test_a_path_to_nothing_is_refused(module, path, says):
    module.number = 3
    with pytest.raises(TabganError, match=says):
        FunctionBox(path, timeout=None, retries=0)


def test_a_slow_call_is_tried_again(module):
    calls = []

    def slow_once(rows):
        calls.append(len(rows))
        if len(calls) == 1:
            time.sleep(1)
        return rows["x"]

    module.slow_once = slow_once
    box = FunctionBox("models:slow_once", timeout=0.3, retries=1)
    assert box(ROWS).tolist() == [0.25, 0.75]
    assert calls == [2, 2]


def test_a_function_that_never_answers_ends_in_one_line(module):
    module.never = lambda rows: time.sleep(2)
    box = FunctionBox("models:never", timeout=0.05, retries=1)
    with pytest.raises(TabganError, match=r"no answer for 2 rows within 0\.05 s, 2 times"):
        box(ROWS)


def test_what_a_timed_function_raises_reaches_the_caller(module):
    def broken(_):
        raise KeyError("x")

    module.broken = broken
    with pytest.raises(KeyError):
        FunctionBox("models:broken", timeout=5.0, retries=0)(ROWS)
