"""Rules that were found hold in every drawn row, unless most generated rows break them."""

import logging

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.table import TableEncoder
from tabgan.sampling.enforced import Enforced
from tabgan.tables.profile import infer_schema

N = 400


@pytest.fixture
def encoder():
    """Of houses with ``built <= sold`` and ``low <= high``."""
    rng = np.random.default_rng(0)
    built, low = rng.integers(1900, 1990, N), rng.normal(size=N).round(3)
    frame = pd.DataFrame({"built": built, "sold": built + rng.integers(1, 30, N), "low": low})
    frame["high"] = (frame["low"] + rng.random(N) + 0.1).round(3)
    keys = {"nominal": "onehot", "numeric": "quantile_normal", "levels": 8}
    encoder = TableEncoder(
        infer_schema(frame, name="t"), **keys, derive=True, conditional=False
    ).fit(frame)
    assert {rule.text for rule in encoder.found_} == {"built <= sold", "low <= high"}
    return encoder


def rows(n, *, sold_before, high_below):
    """Of n rows: how many break each of the two rules, none of them both."""
    table = np.tile([1950.0, 1960.0, 0.0, 1.0], (n, 1))
    table[:sold_before, 1] = 1940
    table[n - high_below :, 3] = -1
    return table


def test_rows_that_break_a_rule_found_are_not_kept(encoder):
    rules = Enforced(encoder, lambda n: rows(n, sold_before=n // 4, high_below=n // 4))
    assert len(rules) == 2
    assert rules.kept(rows(8, sold_before=3, high_below=1)).tolist() == [False] * 3 + [True] * 4 + [
        False
    ]


def test_a_rule_that_most_generated_rows_break_is_left_out_and_named(encoder, caplog):
    caplog.set_level(logging.INFO)
    rules = Enforced(encoder, lambda n: rows(n, sold_before=n * 4 // 5, high_below=n // 10))
    assert [rule.text for rule in rules.found] == ["low <= high"]
    assert "since most of them break them: built <= sold" in caplog.text
    assert rules.kept(rows(4, sold_before=2, high_below=1)).tolist() == [True] * 3 + [False]


def test_rules_found_are_given_up_with_a_warning(encoder, caplog):
    rules = Enforced(encoder, lambda n: rows(n, sold_before=0, high_below=0))
    rules.without_found()
    assert "is given up for them: one of " in caplog.text
    assert rules.kept(rows(3, sold_before=3, high_below=3)).all()
    assert len(rules) == 0
