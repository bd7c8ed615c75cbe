"""Formulas over columns: what they are of each row, and what is no formula."""

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import MOST_LETTERS, quoted
from tabgan.tables.profile import infer_schema

NAN = float("nan")


def truth(columns, text):
    return Formula(text).truth(columns).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net > 20", [0, 0, 1, NAN, 1, 1]),
        ("20 < net <= 50", [0, 0, 1, NAN, 1, 0]),
        ("net > 20 and items < 5", [0, 0, 1, NAN, 0, 0]),  # false wins over unknown ...
        ("net > 20 and items < 4", [0, 0, 1, 0, 0, 0]),
        ("net > 20 or items == 4", [0, 0, 1, 1, 1, 1]),  # ... and true, in an or
        ("not net > 20", [1, 1, 0, NAN, 0, 0]),
        ("net > 20 & ~(items > 3) | paid == 'no'", [0, 1, 1, 1, NAN, 0]),
        ("paid in ['yes', 'no']", [1, 1, 1, 1, NAN, 1]),
        ("city != 'Bern'", [0, 1, 0, 1, 1, 1]),
        ("known(net) if paid == 'no'", [1, 1, 1, 0, 1, 1]),
        ("missing(net, tax)", [0, 0, 0, 0, 0, 0]),
        ("items % 2 = 1", [1, 0, 1, 0, 1, 0]),
        ("max(net, 2 * tax) >= 50", [0, 0, 0, NAN, 1, NAN]),
        ("sent - placed == 3", [1, 0, NAN, 0, 0, 0]),
        ("placed + 3 >= sent", [1, 1, NAN, 1, 1, 1]),
        ("sent >= '2024-03-01'", [0, 0, 1, 1, 1, 1]),
        ("month(placed) = 3 and day(placed) = 1 and year(placed) = 2024", [0, 0, NAN, 1, 1, 1]),
        ("`unit price` * items <= 3", [1, 0, 1, 1, 0, 1]),
        ("1.1 * 3 == 3.3", [1] * 6),  # 3.3000000000000003
        ("round(items / 7, 1) == round(items / 7, 3)", [0] * 6),
        ("round(items / 8, 3) == items / 8", [1] * 6),
        ("where(paid == 'yes', net, 0) > 5", [1, 0, 1, 0, NAN, 1]),
        ("sqrt(items) ** 2 == items", [1] * 6),
        ("net / 0 > 1", [1, 1, 1, NAN, 1, 1]),
        ("log(small) > -1", [1, 0, 0, 1, 0, 0]),  # log(0) is -inf
    ],
)
def test_a_formula_is_true_false_or_unknown_of_each_row(columns, text, expected):
    np.testing.assert_array_equal(truth(columns, text), expected)


def test_dates_that_exist():
    frame = pd.DataFrame({"y": [2024, 2023, 2000, 1900], "m": [2, 2, 2, 13], "d": [29, 29, 29, 1]})
    columns = Columns.of_table(infer_schema(frame, name="t"), frame)
    assert truth(columns, "is_date(y, m, d)") == [1, 0, 1, 0]


def test_times_of_day_are_minutes():
    frame = pd.DataFrame({"dep": [5, 830, 1275, 2400], "arr": [105, 1015, 1300, 30]})
    columns = Columns.of_table(infer_schema(frame, name="t"), frame)
    assert truth(columns, "minutes(arr) - minutes(dep) == 60 or minutes(dep) == 510") == [
        1, 1, NAN, 0
    ] or np.isnan(truth(columns, "minutes(dep) > 0")[2])  # fmt: skip
    assert Formula("minutes(dep)").numbers(columns)[[0, 1, 3]].tolist() == [5, 510, 1440]


def test_flags_and_numbered_categories_count():
    frame = pd.DataFrame({"flag": ["true", "false"] * 15, "grade": ["1", "2"] * 15})
    columns = Columns.of_table(schema := infer_schema(frame, name="t"), schema.conform(frame))
    assert truth(columns, "not flag or grade + 1 = 2")[:2] == [1, 1]
    assert truth(columns, "flag == True")[:2] == [1, 0]
    assert truth(columns, "grade >= 2")[:2] == [0, 1]


def test_an_encoders_numbers_are_looked_at_like_the_table(orders):
    schema, table = orders
    columns = Columns.of_table(schema, table)
    numbers = {n: a for n, a in columns.arrays.items() if schema[n].kind != "date"}
    numbers |= {"placed": columns["placed"] * 24, "sent": columns["sent"]}  # hours and days
    hour, day = 3_600_000_000, 86_400_000_000
    other = Columns.of_numbers(schema, numbers, {"placed": hour, "sent": day})
    for text in ("placed <= sent", "city == 'Bern' or net > tax"):
        np.testing.assert_array_equal(truth(other, text), truth(columns, text))


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "net.sum() > 0", "(lambda: 1)()", "[x for x in net]",
        "net := 3", "net[0] > 1", "f'{net}' == 'a'", "net > 1 if tax else exec('1')",
        "eval('1') > 0", "known(net.real)", "max(*net)", "round(net, ndigits=2)", "net @ tax",
        "{1: 2} == net", "net is None", "await net", "{net} == 1", "print(net)", "open('f')",
        "net > 1j", "b'a' == city", "... == net",
    ],
)  # fmt: skip
def test_what_could_call_code_is_refused(text, columns):
    with pytest.raises(TabganError):
        Formula(text).truth(columns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a rule as text"),
        ("net >", "not a formula"),
        ("round(net, tax) > 1", "round: expected decimals from 0 to 15, got tax"),
        ("round(net, 1.5) > 1", "round: expected decimals from 0 to 15, got 1.5"),
        ("round(net, 1, 2) > 1", "round: expected 1 arguments, got 3"),
        ("net > tax; tax > 0", "not a formula"),
        ("(" * 300 + "net" + ")" * 300, "not a formula"),
        ("-" * 150 + "net > 0", "more than 100 levels"),
        ("net" + "+1" * MOST_LETTERS, "at most 2,000 letters"),
        ("1e999999 > net", None),  # infinite
        ("9" * 400 + " > net", "beyond 1e300"),
        ("nett > 0", "no column 'nett'; did you mean 'net'"),
        ("unit > 0", "a name such as unit price is written `unit price`"),
        ("city == 'Bren'", "column 'city' has no category 'Bren'; did you mean 'Bern'"),
        ("city > 3", "categories such as 'Bern', which are no numbers|'Basel', which are no"),
        ("placed > 3", "expected a date such as '2024-01-31', got a number"),
        ("placed > '2024-02-30'", "expected a date"),
        ("placed * 2 > sent", "expected date - date, date"),
        ("net if tax > 1 else 3", "'else' is not understood"),
        ("unique(net) and tax > 1", "a rule by itself"),
        ("median(net) > 1", "no function 'median'"),
        ("abs(net, tax) > 1", "abs: expected 1 arguments, got 2"),
        ("net + tax", "expected something true or false, got a number"),
        ("net in tax", "expected a list"),
    ],
)
def test_what_is_no_rule_says_why(text, message, columns):
    if message is None:
        Formula(text).truth(columns)
        return
    with pytest.raises(TabganError, match=message):
        Formula(text).truth(columns)


def test_names_that_are_no_words_are_quoted():
    assert [*map(quoted, ("age", "hours per week", "if", "a-b", "größe"))] == [
        "age", "`hours per week`", "`if`", "`a-b`", "größe",
    ]  # fmt: skip
