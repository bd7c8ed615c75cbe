"""Every rule of a report, declared or found, with the share of real and synthetic rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tabgan.report.reading import Tables
from tabgan.report.rules import RuleShare, print_rules, rule_figures, rule_shares, table_rules
from tabgan.tables.profile import infer_schema

N = 600


@pytest.fixture(scope="module")
def shop():
    rng = np.random.default_rng(0)
    net = rng.lognormal(3, 1, N).round(2)
    tax = rng.lognormal(1, 1, N).round(2)
    frame = pd.DataFrame({"net": net, "tax": tax, "total": (net + tax).round(2)})
    frame["city"] = rng.choice(["Bern", "Genf"], N)
    frame["code"] = frame["city"].map({"Bern": "BE", "Genf": "GE"})
    frame["start"] = rng.random(N)
    frame["end"] = frame["start"] + rng.random(N)
    frame["old"] = np.where(rng.random(N) < 0.3, net, rng.lognormal(3, 1, N).round(2))
    schema = infer_schema(frame, name="shop")
    return schema, schema.conform(frame)


@pytest.fixture(scope="module")
def tables(shop):
    """Synthetic rows of which 60 have a wrong total, 30 a wrong code, and none an old net."""
    schema, table = shop
    wrong = table.copy()
    wrong.loc[:59, "total"] += 5
    wrong.loc[:29, "code"] = wrong.loc[:29, "code"].map({"BE": "GE", "GE": "BE"}).astype(
        wrong["code"].dtype
    )  # fmt: skip
    wrong["old"] += 0.001
    schema = replace(schema, constraints=("start <= end", "net > 5"))
    return Tables(
        title="shop", train=table, test=table, synthetic=wrong, target=None, schema=schema
    )


def test_the_rules_of_a_table_are_ready_to_be_declared(shop):
    found = [one.rule.text for one in table_rules(*shop)]
    assert found[:2] == ["total = tax + net", "follows(code, city)"]
    assert "start <= end" in found


def test_declared_rules_come_first_then_those_that_are_broken_most(tables):
    rules = rule_shares(tables)
    assert [(one.text, one.kind) for one in rules][:4] == [
        ("start <= end", "declared"),
        ("net > 5", "declared"),
        ("net == old", "partly"),
        ("total = tax + net", "found"),
    ]
    by_text = {one.text: one for one in rules}
    share = (tables.train["net"] > 5).mean()
    assert by_text["net > 5"].shares == {"train.": share, "": share, "real_test.": share}
    assert by_text["total = tax + net"].shares[""] == 0.9
    assert by_text["total = tax + net"].shares["train."] == 1
    assert by_text["follows(code, city)"].shares[""] == 0.95
    assert by_text["net == old"].shares["train."] == pytest.approx(0.3, abs=0.05)
    assert by_text["net == old"].shares[""] == 0


def test_figures_are_named_by_their_rule(tables):
    figures = rule_figures(rule_shares(tables))
    assert figures["rules.total = tax + net"] == 0.9
    assert figures["real_test.rules.start <= end"] == 1
    assert all(np.isfinite(share) for share in figures.values())


def test_the_terminal_shows_declared_and_broken_rules(tables, capsys):
    print_rules(rule_shares(tables), {"": "model", "real_test.": "real rows"})
    told = capsys.readouterr().out
    assert "total = tax + net" in told
    assert "90.00%" in told
    same = replace(tables, synthetic=tables.train, schema=infer_schema(tables.train, name="t"))
    print_rules(rule_shares(same), {"": "model"})
    assert "keep all 6 rules" in capsys.readouterr().out
    kept, broken = ({"train.": 1.0, "": share} for share in (1.0, 0.5))
    print_rules([RuleShare("a <= b", "found", 9.0, kept)], {"": "model"})
    assert "Generated rows keep the one rule that training rows keep." in capsys.readouterr().out
    two = [RuleShare("a <= b", "found", 9.0, broken), RuleShare("c < d", "found", 9.0, kept)]
    print_rules(two, {})
    assert "and another rule, which all rows keep" in capsys.readouterr().out


def test_without_a_schema_no_rules_are_looked_at(tables):
    assert rule_shares(replace(tables, schema=None)) == []


def test_unknown_categories_break_what_they_break(tables):
    synthetic = tables.synthetic.copy()
    synthetic["city"] = pd.Categorical(
        ["Basel"] * N, categories=[*tables.train["city"].cat.categories, "Basel"]
    )
    rules = {one.text: one for one in rule_shares(replace(tables, synthetic=synthetic))}
    assert rules["follows(code, city)"].shares[""] == 1  # of Basel nothing is known
