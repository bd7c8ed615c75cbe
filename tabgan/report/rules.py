"""The rules of a table, declared and found, and the share of real and synthetic rows with each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.table import Table

from tabgan.encoding.found import find_relations
from tabgan.report.reading import Tables
from tabgan.system.terminal import say, show
from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.constraints import Constraints
from tabgan.tables.constraints.finding.equalities import find_equalities
from tabgan.tables.constraints.finding.evidence import Found
from tabgan.tables.constraints.finding.rules import find_rules
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import quoted
from tabgan.tables.schema import TableSchema

SHOWN = 20  # rules in a terminal


@dataclass(frozen=True)
class RuleShare:
    """A rule, and who keeps it.

    Attributes:
        text: as a schema file has it.
        kind: "declared"; "found", kept by every training row; or "partly", of some of them.
        evidence: of a found rule, the training rows that chance alone would break.
        shares: of the rows that keep it, by the rows' prefix in a report.
    """

    text: str
    kind: str
    evidence: float
    shares: dict[str, float]

    @property
    def worst(self) -> float:
        """The largest difference of a share of synthetic rows from that of training rows."""
        own = [share for prefix, share in self.shares.items() if prefix in ("", "refined.")]
        return max((abs(self.shares["train."] - share) for share in own), default=0.0)


def table_rules(schema: TableSchema, table: pd.DataFrame) -> list[Found]:
    """The rules that every row of a table keeps: relations of columns first, then by evidence."""
    columns = Columns.of_table(_of(schema, table), table)
    relations = find_relations(columns)
    given = {one.rule.columns[0] for one in relations}
    return [*relations, *find_rules(columns, but=given)]


def rule_shares(tables: Tables) -> list[RuleShare]:
    """Every rule, declared ones first, then those that synthetic rows break most.

    Args:
        tables: with a schema, or there are none.
    """
    if tables.schema is None:
        return []
    schema = _of(tables.schema, tables.train)
    train = Columns.of_table(schema, tables.train)
    declared = Constraints.read(schema.constraints, tables.schema)
    names = [column.name for column in schema.columns]
    declared = Constraints(
        tuple(rule for rule in declared if set(rule.columns) <= set(names))
    ).fitted(train)
    found = table_rules(schema, tables.train)
    known = {rule.text for rule in declared}
    of_tables = {
        prefix: Columns.of_table(_of(tables.schema, rows), rows)
        for prefix, rows in _tables(tables).items()
    }
    rules = [RuleShare(rule.text, "declared", 0.0, {}) for rule in declared]
    others = [one for one in found if one.rule.text not in known]
    rules += [RuleShare(one.rule.text, "found", one.evidence, {}) for one in others]
    every = Constraints((*declared.rules, *(one.rule for one in others)))
    shares = {prefix: every.shares(columns) for prefix, columns in of_tables.items()}
    rules = [replace(r, shares={p: own[r.text] for p, own in shares.items()}) for r in rules]
    rules += _partly(train, of_tables)
    rank = {"declared": 0}
    return sorted(rules, key=lambda one: (rank.get(one.kind, 1), -one.worst))


def rule_figures(rules: Sequence[RuleShare]) -> dict[str, float]:
    """The figures of ``report.json``: ``rules.<text>``, with the prefix of the rows before it."""
    return {
        f"{prefix}rules.{one.text}": share for one in rules for prefix, share in one.shares.items()
    }


def print_rules(rules: Sequence[RuleShare], headings: Mapping[str, str]) -> None:
    """The declared rules, and of the others those that synthetic rows break, in the terminal."""
    shown = [one for one in rules if one.kind == "declared" or one.worst > 0][:SHOWN]
    if not rules:
        return
    if not shown:
        every = f"all {len(rules)} rules" if len(rules) > 1 else "the one rule"
        say(f"Generated rows keep {every} that training rows keep.")
        return
    table = Table(title="share of rows that keep each rule", title_justify="left")
    prefixes = [prefix for prefix in ("train.", *headings) if prefix in shown[0].shares]
    table.add_column("rule")
    table.add_column("")
    for prefix in prefixes:
        table.add_column(headings.get(prefix, "training rows"), justify="right")
    for one in shown:
        figures = [f"{one.shares[prefix]:.2%}" for prefix in prefixes]
        table.add_row(escape(one.text), one.kind, *figures)
    show(table)
    if more := len(rules) - len(shown):
        others = f"{more} other rules" if more > 1 else "another rule"
        say(f"and {others}, which all rows keep or the report lists")


def _tables(tables: Tables) -> dict[str, pd.DataFrame]:
    rows = {"train.": tables.train, "": tables.synthetic, "real_test.": tables.test}
    return rows if tables.refined is None else {**rows, "refined.": tables.refined}


def _of(schema: TableSchema, table: pd.DataFrame) -> TableSchema:
    """The schema of the columns that a table has, with the categories that it has."""
    columns = []
    for column in schema.columns:
        if column.name not in table:
            continue
        if column.is_nominal:
            categories = tuple(map(str, table[column.name].cat.categories))
            column = replace(column, categories=categories)
        columns.append(column)
    target = schema.target if schema.target in table else None
    return replace(schema, columns=tuple(columns), target=target)


def _partly(train: Columns, of_tables: Mapping[str, Columns]) -> list[RuleShare]:
    """Numbers that are another column's on some rows."""
    rules = []
    for equal in find_equalities(train):
        text = f"{quoted(equal.one)} == {quoted(equal.other)}"
        shares = {}
        for prefix, columns in of_tables.items():
            truth = Formula(text).truth(columns)
            shares[prefix] = float(np.nanmean(truth)) if not np.isnan(truth).all() else np.nan
        rules.append(RuleShare(text, "partly", equal.share * train.n, shares))
    return rules
