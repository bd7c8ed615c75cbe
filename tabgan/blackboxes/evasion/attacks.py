"""The attack that each row of a traffic table is: a column of it, or a file beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from tabgan.errors import TabganError, nearest
from tabgan.tables.dtypes import TEXT
from tabgan.tables.readers import read_table
from tabgan.tables.schema import TableSchema
from tabgan.tables.sources import data_folder

BESIDE = {  # the attacks of a named set's rows, in the data folder: train and test
    "nsl_kdd": ("nsl-kdd-train20-attacks.csv.gz", "nsl-kdd-test-attacks.csv.gz")
}


def attack_labels(
    train: pd.DataFrame,
    test: pd.DataFrame,
    schema: TableSchema,
    *,
    title: str,
    column: str,
    path: str | None,
    test_path: str | None,
) -> tuple[pd.Series, pd.Series]:
    """The attack category of each train and each test row, text.

    Args:
        train: a conforming table.
        test: likewise.
        schema: theirs.
        title: what the table is called; beside some named sets lie their attacks.
        column: the name of the column that says it.
        path: a table with that column, row for row that of the training rows; None looks into
            the table itself, and then beside a named set.
        test_path: likewise of the test rows.

    Raises:
        TabganError: when there is no such column or file, or it has another number of rows.
    """
    if path is None and test_path is None and column in schema.names:
        return train[column].astype(TEXT), test[column].astype(TEXT)
    beside = attacks_beside(title)
    parts = []
    for key, given, file, rows in (
        ("attacks_path", path, beside[0], train),
        ("test_attacks_path", test_path, beside[1], test),
    ):
        file = file if given is None else Path(given)
        if file is None:
            raise TabganError(
                f"traffic.attack={column}: {nearest(column, schema.names)}; or give a "
                f"file that has it, row for row, as traffic.{key}=<file>"
            )
        parts.append(_read(file, column, len(rows), key))
    return parts[0], parts[1]


def attacks_beside(title: str) -> tuple[Path | None, Path | None]:
    """The files with the attacks of a named set's train and test rows; None of any other table."""
    if title not in BESIDE:
        return None, None
    train, test = (data_folder() / name for name in BESIDE[title])
    return train, test


def check_named(
    schema: TableSchema,
    features: Mapping[str, Sequence[str]],
    categories: Mapping[str, Mapping[str, Sequence[str]]],
) -> None:
    """Refuse kinds of features and columns that do not exist.

    Raises:
        TabganError: naming the nearest one that does.
    """
    for kind, columns in features.items():
        for column in columns:
            if column not in schema.names:
                raise TabganError(
                    f"traffic.features.{kind}: {column!r}: {nearest(column, schema.names)}"
                )
    for name, category in categories.items():
        for kind in category["held"]:
            if kind not in features:
                raise TabganError(f"traffic.categories.{name}: {kind!r}: {nearest(kind, features)}")


def _read(path: Path, column: str, n_rows: int, key: str) -> pd.Series:
    if not path.is_file():
        raise TabganError(
            f"no file {path.absolute()}: expected each row's attack category; give it as "
            f"traffic.{key}=<file>"
        )
    table, schema = read_table(path)
    if column not in schema.names:
        raise TabganError(f"{path}: no column {column!r}; {nearest(column, schema.names)}")
    if len(table) != n_rows:
        raise TabganError(f"{path}: {len(table)} rows for the {n_rows} of the table")
    return table[column].astype(TEXT)
