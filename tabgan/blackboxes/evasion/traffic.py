"""A table of network traffic, cut for a detector, a generator that evades it, and their judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.blackboxes.evasion.attacks import attack_labels, check_named
from tabgan.blackboxes.evasion.features import Features
from tabgan.blackboxes.evasion.records import RecordDecoder, Records, held_columns
from tabgan.blackboxes.evasion.rules import RuleBook
from tabgan.blackboxes.forest import features as readable
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.seeding import rng_at
from tabgan.tables.schema import TableSchema

Categories = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Traffic:
    """The detector's rows, the generator's, and the test records.

    Attributes:
        schema: the columns that a detector reads.
        encoder: fitted to the training rows.
        features: what a substitute sees of a row.
        rules: that changed records have to obey.
        every_rule: that real rows obey.
        categories: names of the attack categories; a record's group is a position among them.
        taught: the detectors' rows, and which of them are attacks.
        attacks, normal: the generator's.
        tested: attacks that neither has seen.
        quiet: normal rows likewise.
    """

    schema: TableSchema
    encoder: TableEncoder
    features: Features
    rules: RuleBook
    every_rule: RuleBook
    categories: list[str]
    taught: tuple[pd.DataFrame, NDArray[np.bool_]]
    attacks: Records
    normal: Records
    tested: Records
    quiet: pd.DataFrame

    @property
    def decoder(self) -> RecordDecoder:
        return RecordDecoder(self.encoder, self.rules)


def cut_traffic(
    train: pd.DataFrame, test: pd.DataFrame, table: TableSchema, *,
    title: str, encoder: Callable[[TableSchema], TableEncoder], seed: int,
    attack: str, attacks_path: str | None, test_attacks_path: str | None, normal: str,
    features: Mapping[str, Sequence[str]], categories: Categories, rules: str,
    normal_rows: int, tested_rows: int, validation: float,
) -> Traffic:  # fmt: skip
    """Half of the training rows are for the detectors, the other half for the generator.

    Args:
        train: a conforming table.
        test: likewise.
        table: their schema.
        title: what the table is called.
        encoder: makes an encoder.
        seed: of the halves and of all draws.
        attack: the column that names each row's attack category.
        attacks_path: a table that has it, row for row; None looks into the table itself, and
            beside a named set.
        test_attacks_path: likewise of the test rows.
        normal: the category of normal traffic.
        features: kind of features -> its columns.
        categories: name -> ``attacks`` (values of ``attack``) and ``held`` (kinds of features
            that must not change, because the attack works through them).
        rules: which of the rules that real rows obey the changed records have to, one of
            ``rules.LEVELS``.
        normal_rows: normal rows that the substitutes learn from, at most.
        tested_rows: test records of each category, and normal ones, at most, drawn by the seed.
        validation: share of the training rows that stand in for the test rows, which are then not
            looked at: to choose settings by; 0 for the test rows.

    Raises:
        TabganError: when a column, file or category does not exist.
    """
    check_named(table, features, categories)
    labels = attack_labels(
        train, test, table, title=title,
        column=attack, path=attacks_path, test_path=test_attacks_path,
    )  # fmt: skip
    of_train, of_test = (groups_of(part, categories, normal) for part in labels)
    schema = readable(table).without({attack} & set(table.names))
    train, test = train[list(schema.names)], test[list(schema.names)]
    if validation:
        order = rng_at(seed, "evasion", "validation").permutation(len(train))
        away, stay = np.split(order, [round(validation * len(train))])
        test, of_test = train.iloc[away], of_train[away]
        train, of_train = train.iloc[stay], of_train[stay]
    order = rng_at(seed, "evasion", "half").permutation(len(of_train))
    taught, left = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    fitted = encoder(schema).fit(train)
    numbers = fitted.numbers(train)
    held = list(held_columns(features, {k: v["held"] for k, v in categories.items()}).values())

    def records(
        rows: pd.DataFrame, groups: NDArray[np.int64], chosen: NDArray[np.int64]
    ) -> Records:
        return Records.of(
            rows.iloc[chosen].reset_index(drop=True), groups[chosen].clip(0), held, fitted
        )

    tested = [
        drawn(np.flatnonzero(of_test == group), tested_rows, seed, "tested", group)
        for group in range(len(categories))
    ]
    quiet = drawn(np.flatnonzero(of_test == -1), tested_rows, seed, "quiet")
    plain = drawn(left[of_train[left] == -1], normal_rows, seed, "normal")
    return Traffic(
        schema=schema,
        encoder=fitted,
        features=Features.found(numbers, fitted.schema_),
        rules=RuleBook.found(numbers, fitted.schema_, level=rules),
        every_rule=RuleBook.found(numbers, fitted.schema_),
        categories=list(categories),
        taught=(train.iloc[taught].reset_index(drop=True), of_train[taught] >= 0),
        attacks=records(train, of_train, left[of_train[left] >= 0]),
        normal=records(train, of_train, plain),
        tested=records(test, of_test, np.concatenate(tested)),
        quiet=test.iloc[quiet].reset_index(drop=True),
    )


def drawn(
    positions: NDArray[np.int64], most: int, seed: int, *position: int | str
) -> NDArray[np.int64]:
    """At most ``most`` of the positions, drawn by the seed, in order."""
    rng = rng_at(seed, "evasion", *position)
    return np.sort(rng.permutation(positions)[:most])


def groups_of(labels: pd.Series, categories: Categories, normal: str) -> NDArray[np.int64]:
    """Int64 [n]: the position of each row's category, -1 for normal traffic.

    Raises:
        TabganError: for a label of no category.
    """
    position = {normal: -1} | {
        label: group
        for group, category in enumerate(categories.values())
        for label in category["attacks"]
    }
    unknown = sorted(set(labels) - set(position))
    if unknown:
        raise TabganError(
            f"attack categories {unknown[:5]}: expected one of {list(position)}; "
            "say in traffic.categories which may change what"
        )
    groups: NDArray[np.int64] = labels.map(position).to_numpy(np.int64)
    return groups
