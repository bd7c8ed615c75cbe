"""Which attack each row of a traffic table is: a column of it, or a file beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from tabgan.errors import TabganError, nearest
from tabgan.studies.prepared import Prepared
from tabgan.tables.readers import read_table
from tabgan.tables.schema import TableSchema
from tabgan.tables.sources import data_folder

BESIDE = {  # the attacks of a named set's rows, in the data folder: train and test
    "nsl_kdd": ("nsl-kdd-train20-attacks.csv.gz", "nsl-kdd-test-attacks.csv.gz")
}


def attack_labels(
    prepared: Prepared, column: str, path: str | None, test_path: str | None
) -> tuple[pd.Series, pd.Series]:
    """The attack category of each train and each test row, text.

    Args:
        prepared: the table.
        column: the name of the column that says it.
        path: a table with that column, row for row that of the training rows; None looks into
            the table itself, and then beside a named set.
        test_path: likewise of the test rows.

    Raises:
        TabganError: when there is no such column or file, or it has another number of rows.
    """
    if path is None and test_path is None and column in prepared.schema.names:
        return prepared.train[column].astype("str"), prepared.test[column].astype("str")
    beside = BESIDE.get(prepared.title, (None, None))
    parts = []
    for key, given, name, rows in (
        ("attacks_path", path, beside[0], prepared.train),
        ("test_attacks_path", test_path, beside[1], prepared.test),
    ):
        if given is None and name is None:
            raise TabganError(
                f"study.attack={column}: {nearest(column, prepared.schema.names)}; or give a "
                f"file that has it, row for row, as study.{key}=<file>"
            )
        file = Path(given) if given is not None else data_folder() / str(name)
        parts.append(_read(file, column, len(rows), key))
    return parts[0], parts[1]


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
                    f"study.features.{kind}: {column!r}: {nearest(column, schema.names)}"
                )
    for name, category in categories.items():
        for kind in category["held"]:
            if kind not in features:
                raise TabganError(f"study.categories.{name}: {kind!r}: {nearest(kind, features)}")


def _read(path: Path, column: str, n_rows: int, key: str) -> pd.Series:
    if not path.is_file():
        raise TabganError(
            f"no file {path.absolute()}: expected each row's attack category; give it as "
            f"study.{key}=<file>"
        )
    table, schema = read_table(path)
    if column not in schema.names:
        raise TabganError(f"{path}: no column {column!r}; {nearest(column, schema.names)}")
    if len(table) != n_rows:
        raise TabganError(f"{path}: {len(table)} rows for the {n_rows} of the table")
    return table[column].astype("str")
