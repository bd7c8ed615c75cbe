"""The rules of a table, together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tabgan.errors import TabganError
from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.comparisons import Step
from tabgan.tables.constraints.contradictions import check_together, in_order
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.groups import Combination, Follows, OneHot
from tabgan.tables.constraints.keys import Matches, Unique
from tabgan.tables.constraints.reading import Constraint, read_constraint, to_plain
from tabgan.tables.constraints.syntax import valued_in
from tabgan.tables.schema import TableSchema


@dataclass(frozen=True)
class Constraints:
    """Declared rules, each once.

    Attributes:
        rules: in the order in which they were declared.
    """

    rules: tuple[Constraint, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[Any], schema: TableSchema) -> Self:
        """The rules that a schema file, a command or a user declares of a table.

        Raises:
            TabganError: for whatever is no rule, names an unknown column or category, or compares
                what cannot be compared, all such at once; and for rules that no row can keep
                together.
        """
        rules: dict[str, Constraint] = {}
        wrong: list[str] = []
        for entry in listed(entries):
            try:
                rule = read_constraint(entry)
                rules.setdefault(rule.text, rule)
            except TabganError as error:
                wrong.append(str(error))
        wrong += [text for rule in rules.values() for text in _problems(rule, schema)]
        if wrong:
            raise TabganError(f"constraints: {'; '.join(wrong)}")
        try:
            check_together([*rules.values()])
        except TabganError as error:
            raise TabganError(f"constraints: {error}") from error
        return cls(tuple(rules.values()))

    @classmethod
    def of_plain(cls, plain: Iterable[Any]) -> Self:
        """The rules that ``plain`` gave."""
        return cls(tuple(map(read_constraint, plain)))

    def plain(self) -> list[Any]:
        """The rules for JSON, with what they have learned."""
        return [to_plain(rule) for rule in self.rules]

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Constraint]:
        return iter(self.rules)

    @property
    def given(self) -> list[Equation | Follows]:
        """The rules that give a column from others, each behind those that give its parts."""
        return in_order([rule for rule in self.rules if isinstance(rule, Equation | Follows)])

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Columns that go together: combinations and one-hot groups."""
        return [rule.names for rule in self.rules if isinstance(rule, Combination | OneHot)]

    @property
    def steps(self) -> dict[str, float]:
        """The step of each column that has one."""
        return {rule.column: rule.step for rule in self.rules if isinstance(rule, Step)}

    @property
    def patterns(self) -> dict[str, str]:
        """The regular expression of each column that has one."""
        return {rule.column: rule.pattern for rule in self.rules if isinstance(rule, Matches)}

    @property
    def keys(self) -> set[str]:
        """The columns that no two rows share."""
        return {rule.column for rule in self.rules if isinstance(rule, Unique)}

    def of(self, names: Iterable[str], keys: Iterable[str]) -> tuple[Constraints, list[str]]:
        """Those that can be kept, and why others cannot.

        Args:
            names: columns that there will be.
            keys: those of them whose values are made anew; only ``unique``, ``matches``, ``known``
                and ``missing`` speak of such.
        """
        known, made = set(names), set(keys)
        kept, notes = [], []
        for rule in self.rules:
            absent = [name for name in rule.columns if name not in known]
            anew = [name for name in _valued(rule) if name in made]
            if not absent and not anew:
                kept.append(rule)
                continue
            why = f"column {(absent or anew)[0]!r} is {'dropped' if absent else 'made anew'}"
            notes.append(f"rule {rule.text!r} cannot be kept: {why}")
        return Constraints(tuple(kept)), notes

    def fitted(self, columns: Columns) -> Constraints:
        """With the combinations that training rows have."""
        learns = (Combination, Follows)
        learned = (r.fitted(columns) if isinstance(r, learns) else r for r in self.rules)
        return Constraints(tuple(learned))

    def kept_each(self, columns: Columns) -> Mask:
        """The rows that keep each rule: bool [n, rules]; rules on absent text count as kept."""
        each = [rule.kept(columns) if _is_there(rule, columns) else None for rule in self.rules]
        all_kept = np.ones(columns.n, bool)
        return np.stack([all_kept, *(all_kept if k is None else k for k in each)], axis=1)[:, 1:]

    def shares(self, columns: Columns) -> dict[str, float]:
        """The share of rows that keep each rule, by its text."""
        means = self.kept_each(columns).mean(axis=0)
        return {rule.text: float(mean) for rule, mean in zip(self.rules, means, strict=True)}


def listed(entries: Any) -> Sequence[Any]:
    """Rules as a list of them.

    Raises:
        TabganError: for a single rule, and for what is no list.
    """
    if isinstance(entries, str | Mapping) or not isinstance(entries, Iterable):
        raise TabganError(
            f"constraints: expected a list of rules such as ['start <= end'], got {entries!r}"
        )
    return list(entries)


def _problems(rule: Constraint, schema: TableSchema) -> list[str]:
    """Why a rule cannot be one of this table."""
    columns = Columns.none(schema)
    try:
        for name in rule.columns:
            columns.column(name)
        rule.kept(columns)
        for name in rule.columns if isinstance(rule, Unique | Matches) else ():
            if isinstance(rule, Unique) and schema[name].kind not in ("string", "integer"):
                raise TabganError(
                    f"column {name!r} is {schema[name].kind}; ids that are made anew are text or "
                    "whole numbers (kind string or integer in a schema file)"
                )
    except TabganError as error:
        return [f"{rule.text!r}: {error}"]
    return []


def _valued(rule: Constraint) -> Iterable[str]:
    """The columns whose values a rule speaks of."""
    if isinstance(rule, Unique | Matches):
        return ()
    if isinstance(rule, Filter):
        formula = Formula(rule.text)
        valued = valued_in(formula.tree, formula.names)
        return [name for name in rule.columns if name in valued]
    return rule.columns


def _is_there(rule: Constraint, columns: Columns) -> bool:
    return all(name in columns for name in rule.columns)
