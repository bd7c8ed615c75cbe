"""The tables of a report: files read against the real table's schema, leniently.

Nothing is learned from these tables, so a constant column or a category that real never has is
a finding of the report and no reason to stop.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.errors import TabganError, other_columns
from tabgan.metrics.comparison import Comparison, Resplit
from tabgan.tables.dtypes import TEXT
from tabgan.tables.notes import tell_codes
from tabgan.tables.readers import column_names, read_as_declared, reader_of, schema_beside
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.sources import resolve
from tabgan.tables.spelling import spellings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables that a report compares, of the same columns, and their names.

    Attributes:
        title: what the real table is called.
        train: the rows that the generator was trained on.
        test: real rows that it never saw.
        synthetic: its rows.
        target: the column to predict, or None.
        refined: rows of the same generator after boosted rejection, or None.
        schema: of the real table, with its declared rules; None where no rules are looked at.
        identifying: the texts and ids of these tables by their names above, as text; only their
            overlap is looked at.
        log_likelihoods: of the test rows, float64 [n_test], by the prefix of a set of rows: "" of
            the generator, "independent." of independent columns; empty without a likelihood.
        resplits: the same generator trained on half of the rows, by the prefix of its rows.
    """

    title: str
    train: pd.DataFrame
    test: pd.DataFrame
    synthetic: pd.DataFrame
    target: str | None
    refined: pd.DataFrame | None = None
    schema: TableSchema | None = None
    identifying: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    log_likelihoods: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    resplits: Mapping[str, Resplit] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        title: str,
        schema: TableSchema,
        *,
        train: pd.DataFrame,
        test: pd.DataFrame,
        synthetic: pd.DataFrame,
        refined: pd.DataFrame | None = None,
        log_likelihoods: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> Self:
        """Tables of a schema, each cut into what is compared and what identifies its rows.

        The arguments are the attributes; tables have their texts and ids with them.

        Raises:
            TabganError: when every column is text or an id.
        """
        names = compared(schema)
        whole = {"train": train, "test": test, "synthetic": synthetic}
        if refined is not None:
            whole["refined"] = refined
        return cls(
            title=title,
            target=schema.target,
            schema=schema,
            identifying={part: _identifying(table, schema) for part, table in whole.items()},
            log_likelihoods=log_likelihoods or {},
            **{part: table[names] for part, table in whole.items()},
        )

    def comparison(self, prefix: str = "", **options: Any) -> Comparison:
        """The rows of one prefix, "" or "refined.", beside the real ones, texts and ids with them.

        Args:
            prefix: of a report's figures.
            options: seed, full_mle and threads.
        """
        parts = {
            "train": "train",
            "test": "test",
            "synthetic": "refined" if prefix else "synthetic",
        }
        ids = [self.identifying.get(part, pd.DataFrame()) for part in parts.values()]
        shared = [name for name in ids[0] if all(name in others for others in ids)]
        tables = {
            name: pd.concat([getattr(self, part), own[shared]], axis=1)
            for (name, part), own in zip(parts.items(), ids, strict=True)
        }
        return Comparison(
            **tables,
            target=self.target,
            log_likelihoods=self.log_likelihoods.get(prefix),
            resplit=self.resplits.get(prefix),
            **options,
        )


def read_real(
    path: Path,
    *,
    target: str | None = None,
    schema_path: str | None = None,
    drop: Iterable[str] = (),
    index: str = "drop",
) -> tuple[pd.DataFrame, TableSchema]:
    """The real table and its schema, as its file or the schema beside it declares them.

    Raises:
        TabganError: when the file cannot be read, has no rows, or lacks the target.
    """
    found = schema_beside(path) if schema_path is None else Path(schema_path)
    table, schema = read_as_declared(path, found, target=target, index=index)
    _check_rows(table, path)
    schema = schema.without(map(str, drop))
    tell_codes(table, schema, path)
    return table[list(schema.names)], schema


def read_whole(
    *,
    name: str | None,
    path: str | None,
    target: str | None,
    test_path: str | None,
    schema_path: str | None,
    drop: Sequence[str],
    index: str = "drop",
) -> tuple[str, pd.DataFrame, TableSchema]:
    """Every row of a named set or of a file, its test part included: title, table, schema.

    The arguments are the keys of ``conf/data``; ``path`` voids ``name``.

    Raises:
        TabganError: when there is neither, or a file cannot be read.
    """
    if path is None and name is None:
        raise TabganError("no table: give data=<named set> or data.path=<file>")
    if path is None:
        source = resolve(str(name))
        title, file, target = source.name, source.path, target or source.target
        test_path = test_path or (None if source.test_path is None else str(source.test_path))
    else:
        file = Path(path)
        title = file.name.split(".")[0]
    log.info("reading %s", file)
    read = partial(read_real, schema_path=schema_path, drop=drop, index=index)
    table, schema = read(file, target=target)
    if test_path is not None:
        test, other = read(Path(test_path), target=schema.target)
        schema = schema.widened(other)
        parts = [schema.conform(part) for part in (table, test)]
        table = pd.concat(parts, ignore_index=True)
    return title, table, schema


def read_like(path: Path, schema: TableSchema, *, ignored: Iterable[str] = ()) -> pd.DataFrame:
    """The rows of a file as a table of ``schema``'s columns and kinds.

    Texts and ids, which come last, may be absent. Categories that the schema does not know go
    behind those it knows; whole and broken numbers are both numbers. Columns that are ``ignored``
    may be there too.

    Raises:
        TabganError: when the file cannot be read, its columns differ from the schema's, a value
            is not of its column's kind, or no value of a nominal column is among its categories.
    """
    lenient = _lenient_schema(schema, column_names(path, schema), path, ignored)
    table, _ = reader_of(path)(path, schema=lenient)
    _check_rows(table, path)
    return _with_categories(table, schema, path)


def table_like(
    table: pd.DataFrame, schema: TableSchema, title: str, *, ignored: Iterable[str] = ()
) -> pd.DataFrame:
    """The result of ``read_like`` for a table in memory; ``title`` is its name in errors.

    Raises:
        TabganError: as ``read_like``.
    """
    lenient = _lenient_schema(schema, [str(name) for name in table.columns], title, ignored)
    if len(table) == 0:
        raise TabganError(f"{title}: no rows")
    return _with_categories(lenient.conform(table), schema, title)


def compared(schema: TableSchema) -> list[str]:
    """The columns that metrics look at: all but text and ids.

    Raises:
        TabganError: when every column is text or an id.
    """
    names = [c.name for c in schema.columns if not _identifies(c)]
    if not names:
        raise TabganError(
            f"table {schema.name!r}: every column is text or an id; there is nothing to compare"
        )
    return names


def same_rows(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables of the same columns hold the same rows, in whatever order."""
    if len(one) != len(other):
        return False
    hashes = [np.sort(pd.util.hash_pandas_object(_plain(t), index=False)) for t in (one, other)]
    return bool(np.array_equal(hashes[0], hashes[1]))


def _identifies(column: Column) -> bool:
    return column.kind == "string" or column.key


def _identifying(table: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """A table's columns of texts and ids, as text."""
    columns = [c for c in schema.columns if c.name in table and _identifies(c)]
    whole = {c.name: table[c.name].astype("Int64") for c in columns if c.kind == "integer"}
    return table[[c.name for c in columns]].assign(**whole).astype(TEXT)


def _check_rows(table: pd.DataFrame, path: Path) -> None:
    if len(table) == 0:
        raise TabganError(f"{path}: no rows")


def _lenient_schema(
    schema: TableSchema, names: Sequence[str], title: Path | str, ignored: Iterable[str]
) -> TableSchema:
    """The compared columns in kinds that any such values fit, and texts and ids."""
    absent = [name for name in compared(schema) if name not in names]
    added = [name for name in names if name not in {*schema.names, *ignored}]
    if absent or added:
        raise TabganError(
            f"{title}: other columns than the real table {schema.name!r}: "
            f"it {other_columns(absent, added)}"
        )
    ids = [c for c in schema.columns if _identifies(c) and c.name in names]
    columns = [_lenient(schema[name]) for name in compared(schema)]
    columns += [replace(column, missing=True, dtype=None) for column in ids]
    return replace(schema, target=None, columns=tuple(columns))


def _with_categories(table: pd.DataFrame, schema: TableSchema, title: Path | str) -> pd.DataFrame:
    """A lenient table with its text as the schema's categories."""
    columns = [schema[name] for name in table.columns]
    nominal = {c.name: _categories(c, table[c.name], title) for c in columns if c.is_nominal}
    return table.assign(**nominal)


def _lenient(column: Column) -> Column:
    if column.is_nominal:
        return Column(name=column.name, kind="string", missing=True)
    kind = "numeric" if column.is_number else column.kind
    return replace(column, kind=kind, decimals=None, missing=True, dtype=None)


def _categories(column: Column, values: pd.Series, title: Path | str) -> pd.Categorical:
    labels = values.map(spellings(column.categories, values.dropna().unique()), na_action="ignore")
    known = pd.Index(column.categories, dtype=TEXT)
    extra = sorted(set(labels.dropna()) - set(known))
    if extra and not labels.isin(known).any():
        raise TabganError(
            f"{title}: column {column.name!r}: no value is a category of the real table: expected "
            f"some of {list(known[:10])}, got {extra[:10]}"
        )
    categories = known.append(pd.Index(extra, dtype=TEXT))
    codes = categories.get_indexer(labels.astype(TEXT).where(labels.notna()))
    return pd.Categorical.from_codes(codes, categories=categories)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Values that hash alike whatever the categories' order and the numbers' dtype."""
    return pd.DataFrame(
        {
            name: values.astype("object").astype(TEXT)
            if isinstance(values.dtype, pd.CategoricalDtype)
            else values.astype("int64")
            if pd.api.types.is_datetime64_any_dtype(values.dtype)
            else values.to_numpy("float64", na_value=np.nan)
            for name, values in sorted(table.items())
        }
    )
