"""Rules out of text, what rows keep them, and rules that go to JSON and back."""

import json

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.comparisons import Inequality, Range, Step
from tabgan.tables.constraints.constraints import Constraints
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.groups import Combination, OneHot
from tabgan.tables.constraints.keys import Matches, Unique
from tabgan.tables.constraints.reading import read_constraint, to_plain
from tabgan.tables.profile import infer_schema

RULES = [
    ("net <= total", Inequality("net", "total"), [1, 1, 1, 1, 1, 1]),
    ("placed < sent", Inequality("placed", "sent", strict=True), [1, 0, 1, 0, 0, 0]),
    ("sent >= placed", Inequality("placed", "sent"), [1, 0, 1, 1, 1, 1]),
    ("items > 2", Range("items", low=2, strict=(True, False)), [0, 0, 1, 1, 1, 1]),
    ("2 >= items", Range("items", high=2), [1, 1, 0, 0, 0, 0]),
    ("1 < items <= 5", Range("items", 1, 5, (True, False)), [0, 1, 1, 1, 1, 0]),
    ("5 >= items > 1", Range("items", 1, 5, (True, False)), [0, 1, 1, 1, 1, 0]),
    ("range(items, 2, 4)", Range("items", 2, 4), [0, 1, 1, 1, 0, 0]),
    ("positive(small)", Range("small", low=0, strict=(True, False)), [1, 0, 0, 1, 0, 0]),
    ("net >= -0.5", Range("net", low=-0.5), [1] * 6),
    ("sent <= '2024-02-15'", Range("sent", high=19_768, dates=True), [1, 1, 0, 0, 0, 0]),
    ("step(`unit price`, 0.35)", Step("unit price", 0.35), [1, 1, 1, 1, 1, 0]),
    ("total = net + tax", Equation("total", "net + tax"), [1, 1, 0, 1, 1, 1]),
    ("net + tax == total", Equation("total", "net + tax"), [1, 1, 0, 1, 1, 1]),
    ("items = round(net / 10)", Equation("items", "round(net / 10)"), [1] * 6),
    ("canton = where(city == 'Bern', 'BE', 'BS')",
     Equation("canton", "where(city == 'Bern', 'BE', 'BS')"), [1, 1, 1, 0, 0, 1]),
    ("combination(city, canton)", Combination(("city", "canton")), [1] * 6),
    ("one_hot(small, large)", OneHot(("small", "large")), [1, 1, 0, 1, 1, 1]),
    ("unique(items)", Unique("items"), [1] * 6),
    ("matches(city, \"B.*\")", Matches("city", "B.*"), [1, 1, 1, 0, 0, 1]),
    ("known(net) if paid == 'no'", Filter("known(net) if paid == 'no'"), [1, 1, 1, 0, 1, 1]),
    ("total >= 2 * net or items = 1", Filter("total >= 2 * net or items = 1"), [1, 0, 0, 1, 0, 0]),
    ("small = 1", Filter("small = 1"), [1, 0, 0, 1, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rule", "kept"), RULES, ids=[text for text, _, _ in RULES])
def test_a_rule_is_read_kept_by_rows_and_written_again(text, rule, kept, columns):
    assert read_constraint(text) == rule
    assert rule.kept(columns).tolist() == [bool(one) for one in kept]
    assert read_constraint(json.loads(json.dumps(to_plain(rule)))) == rule
    assert all(name in rule.sentence for name in rule.columns[:1])


def test_a_sum_is_taken_apart():
    equation = read_constraint("total = 2 * (net - tax) / 4 + -3 - net * 0.5")
    assert equation.linear() == ({"tax": -0.5}, -3.0)
    assert read_constraint("total = net * tax").linear() is None
    assert read_constraint("total = net ** 2").linear() is None


def test_a_total_is_met_to_half_its_last_digit():
    frame = pd.DataFrame({"a": [1 / 3, 1 / 3], "b": [0.67, 0.68]})  # 2 / 3 = 0.6667
    schema = infer_schema(frame, name="t")
    rule = read_constraint("b = 2 * a")
    assert rule.kept(Columns.of_table(schema, schema.conform(frame))).tolist() == [True, False]


def test_no_finite_number_is_the_logarithm_of_zero():
    frame = pd.DataFrame({"a": [1.0, 0.0], "b": [0.0, 0.5]})
    schema = infer_schema(frame, name="t")
    rule = read_constraint("b = log(a)")
    assert rule.kept(Columns.of_table(schema, schema.conform(frame))).tolist() == [True, False]


def test_combinations_are_those_of_training(orders):
    schema, table = orders
    rule = Combination(("city", "canton", "small")).fitted(Columns.of_table(schema, table.head(3)))
    assert rule.rows == (("Bern", "BE", 1.0), ("Basel", "BS", 0.0), ("Bern", "BE", 0.0))
    assert rule.kept(Columns.of_table(schema, table)).tolist() == [1, 1, 1, 0, 0, 1]
    again = read_constraint(json.loads(json.dumps(to_plain(rule))))
    assert again.kept(Columns.of_table(schema, table)).tolist() == [1, 1, 1, 0, 0, 1]


def test_combinations_with_missing_values_are_combinations_too(orders):
    schema, table = orders
    rule = Combination(("paid", "city")).fitted(Columns.of_table(schema, table.iloc[[4]]))
    assert rule.rows == ((None, "Genf"),)
    assert rule.kept(Columns.of_table(schema, table)).tolist() == [0, 0, 0, 0, 1, 0]


def test_ids_are_compared_to_the_last_digit():
    frame = pd.DataFrame({"id": [2**60, 2**60 + 1, 2**60]})
    schema = infer_schema(frame, name="t")
    assert Unique("id").kept(Columns.of_table(schema, frame)).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["a <="], "'a <=': not a formula"),
        ([3], "expected a rule as text"),
        ("net <= total", "expected a list of rules"),
        (["nett > 0", "total = net + taxx"], "'nett > 0': no column 'nett'.*; 'total = net"),
        (["3 < 5"], "names no column"),
        (["net + tax"], "says nothing of a row"),
        (["combination(city)"], "expected two columns or more"),
        (["combination(city, 3)"], "expected a column, got 3"),
        (["step(net, 0)"], "expected a step above 0"),
        (["matches(city, net)"], "expected a pattern in quotes"),
        (["matches(city, '[')"], "not a regular expression"),
        (["unique(total)"], "'total' is numeric; ids that are made anew are text or whole numbers"),
        (["city <= paid"], "which are no numbers"),
        ([{"rule": "net > 1", "rows": []}], "expected a rule as text, or an object"),
        ([{"rule": "combination(city, paid)", "rows": [["a"]]}], "rows of 2 values each"),
        ([{"combination": 1}], "expected a rule as text"),
        ([{"rule": "follows(city, paid)", "rows": [["a", {}]]}], "text, numbers or null, got {}"),
        ([None], "expected a rule as text"),
        ([["net > 1"]], "expected a rule as text"),
        (["net < tax", "tax < net"], "no row can keep 'net < tax' and 'tax < net'$"),
        (["net > 5", "net < 5"], "no row can keep 'net > 5' and 'net < 5'"),
        (["net > 5", "items > 0", "tax < 5", "net <= tax"],
         "no row can keep 'net > 5' and 'tax < 5' and 'net <= tax'$"),
        (["total = net + tax", "net > total", "tax >= 0"], "no row can keep"),
        (["one_hot(small, large)", "small > 1"], "no row can keep"),
        (["net = tax + 1", "net = items"], "'net = tax \\+ 1' and 'net = items' give one column"),
        (["net = tax + 1", "tax = net - 1"], "given by one another"),
        (["matches(city, 'a')", "matches(city, 'b')"], "two patterns of one column"),
    ],
)  # fmt: skip
def test_what_cannot_be_declared_is_named(entries, message, orders):
    with pytest.raises(TabganError, match=f"constraints: .*{message}"):
        Constraints.read(entries, orders[0])


@pytest.mark.parametrize(
    "entries",
    [
        ["net <= tax", "tax <= net"],
        ["net >= 5", "net <= 5"],
        ["total = net + tax", "net = 2 * items"],
        ["net <= tax", "tax <= total", "net <= total", "0 <= net <= 9", "total < 100"],
    ],
)
def test_what_can_be_kept_together_is_no_contradiction(entries, orders):
    assert len(Constraints.read(entries, orders[0])) == len(entries)


def test_a_rule_twice_is_one(orders):
    assert len(Constraints.read(["net <= total", "total >= net"], orders[0])) == 1


def test_the_shares_of_rows_that_keep_rules(orders, columns):
    rules = Constraints.read(["placed < sent", "total = net + tax"], orders[0])
    assert rules.shares(columns) == {"placed < sent": 1 / 3, "total = net + tax": 5 / 6}
    assert rules.kept_each(columns).all(axis=1).sum() == 1


def test_given_columns_come_in_an_order_in_which_they_can_be_reckoned(orders):
    rules = Constraints.read(["total = net + tax", "net = 10 * items", "tax = net / 10"], orders[0])
    assert [rule.column for rule in rules.given] == ["net", "tax", "total"]


def test_what_speaks_of_dropped_or_regenerated_columns_is_named(orders):
    rules = Constraints.read(["net > 0", "items > 0", "unique(items)", "known(items)"], orders[0])
    kept, notes = rules.of(["tax", "items"], ["items"])
    assert [rule.text for rule in kept] == ["unique(items)", "known(items)"]
    assert notes == [
        "rule 'net > 0' cannot be kept: column 'net' is dropped",
        "rule 'items > 0' cannot be kept: column 'items' is made anew",
    ]


def test_an_empty_set_of_rules_keeps_every_row(columns):
    assert Constraints().kept_each(columns).shape == (6, 0)
    assert np.all(Constraints().kept_each(columns).all(axis=1))
