"""Codes of two columns that rules keep apart, on columns whose codes one can count by hand."""

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.cells import CellsEncoder
from tabgan.encoding.layout import Exclusion, RowLayout
from tabgan.encoding.levels import LevelsEncoder
from tabgan.encoding.onehot import OneHotEncoder
from tabgan.encoding.ruled_out import ruled_out
from tabgan.encoding.table import TableEncoder
from tabgan.tables.constraints.comparisons import Inequality
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.profile import infer_schema

NAN = np.nan


@pytest.fixture
def schema():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3], "c": [1, 2, 3], "sex": ["f", "m", "f"]})
    return infer_schema(frame, name="t")


def singles(*numbers):
    return np.repeat(np.array(numbers, float)[:, None], 2, axis=1)


def excluded(rules, spans, schema):
    return ruled_out(rules, spans, schema=schema, units={})


def test_an_order_rules_out_what_lies_below(schema):
    spans = {"a": singles(1, 2, 3), "b": singles(1, 2, 3, NAN)}
    below = Exclusion(
        "a", "b", ((1, 0, 1), (2, 0, 2))
    )  # 2 > 1, 3 > 1 and 2; missing breaks nothing
    assert excluded([Inequality("a", "b")], spans, schema) == [below]
    strictly = Exclusion("a", "b", ((0, 0, 1), (1, 0, 2), (2, 0, 3)))
    assert excluded([Inequality("a", "b", strict=True)], spans, schema) == [strictly]


def test_bins_are_ruled_out_only_where_no_number_of_both_fits(schema):
    spans = {"a": np.array([[0.0, 5.0], [6.0, 9.0]]), "b": np.array([[0.0, 5.9], [6.0, 7.0]])}
    assert excluded([Inequality("a", "b")], spans, schema) == [Exclusion("a", "b", ((1, 0, 1),))]


def test_orders_that_follow_from_two_others_count(schema):
    spans = {"a": singles(1, 2), "c": singles(1, 2)}  # b is not drawn by a code
    rules = [Inequality("a", "b"), Inequality("b", "c", strict=True)]
    assert excluded(rules, spans, schema) == [Exclusion("a", "c", ((0, 0, 1), (1, 0, 2)))]


def test_a_filter_of_two_columns_rules_out_codes_of_a_single_number(schema):
    spans = {"a": np.array([[1.0, 1.0], [2.0, 3.0], [NAN, NAN]]), "sex": singles(0, 1)}
    rules = [Filter("not (a == 1 and sex == 'm')"), Filter("a + b + c > 0")]
    assert excluded(rules, spans, schema) == [Exclusion("a", "sex", ((0, 1, 2),))]
    known = [Filter("known(a) if sex == 'f'")]
    assert excluded(known, spans, schema) == [Exclusion("a", "sex", ((2, 0, 1),))]


def test_codes_say_what_numbers_they_stand_for():
    few = np.array([3.0, 1.0, NAN, 1.0])
    assert np.array_equal(LevelsEncoder().fit(few).spans_, singles(1, 3, NAN), equal_nan=True)
    assert np.array_equal(OneHotEncoder(n_codes=2).fit(np.array([0.0, 1.0])).spans_, singles(0, 1))
    numbers = np.append(np.arange(100.0), [0.0] * 20)  # 0 is heavy; 99 others in 99 // 12 bins
    encoder = CellsEncoder().fit(numbers)
    spans = encoder.spans_
    assert spans.shape == (9, 2)
    assert spans[0].tolist() == [0, 0]
    assert spans[1, 0] == 1
    assert spans[-1, 1] == 99
    assert (spans[1:, 0] > spans[:-1, 1]).all()
    bins, cells, _ = encoder.codes(numbers)
    for position in (0.0, 0.5, 0.999):
        made = encoder.numbers(bins, cells, np.full(len(bins), position))
        assert ((made >= spans[bins, 0]) & (made <= spans[bins, 1])).all()


def test_a_table_whose_rows_keep_orders_has_them_in_its_layout():
    rng = np.random.default_rng(0)
    total = rng.integers(0, 9, 600)
    frame = pd.DataFrame({"total": total, "here": rng.integers(0, total + 1)})
    keys = {"nominal": "onehot", "numeric": "cells", "levels": 40}
    made = TableEncoder(infer_schema(frame, name="t"), **keys, derive=True, conditional=False)
    (found,) = made.fit(frame).layout_.exclusions
    assert found[:2] == ("here", "total")
    assert found.spans == tuple((code, 0, code) for code in range(1, 9))
    assert RowLayout.from_plain(made.layout_.to_plain()) == made.layout_


def test_rules_on_single_values_of_a_computed_logarithm_are_left_out():
    rng = np.random.default_rng(0)
    flag = rng.random(600) < 0.2
    wage = np.where(flag, 10.0, rng.lognormal(2, 1, 600).round(2))
    frame = pd.DataFrame({"wage": wage, "lwage": np.log(wage), "flag": flag.astype(int)})
    keys = {"nominal": "onehot", "numeric": "cells", "levels": 40}
    made = TableEncoder(infer_schema(frame, name="t"), **keys, derive=True, conditional=False)
    found = {rule.text for rule in made.fit(frame).found_}
    assert "lwage = log(wage)" in found
    assert not any("lwage ==" in text for text in found)
