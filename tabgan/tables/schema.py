"""What a table is: names, kinds, categories, decimals, missing values, target.

A schema is written as ``schema.json``, may be edited by hand, and is the one thing that readers,
encoders and writers agree on. A table that obeys its schema (``TableSchema.conform``) has

    =========  =================================================================
    kind       pandas dtype
    =========  =================================================================
    numeric    float64, missing is NaN
    integer    int64; Int64 where ``missing`` is true
    nominal    category of str, in the schema's order, missing is NaN
    boolean    category of str with two categories, missing is NaN
    date       datetime64[us], missing is NaT
    string     str, missing is NaN
    =========  =================================================================

Nobody below the readers asks a DataFrame what it might be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from tabgan.errors import TabganError

KINDS = ("numeric", "integer", "nominal", "boolean", "date", "string")
FORMAT = 1  # raised when an older reader would misread the file


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: the column's name, as in the file.
        kind: one of ``KINDS``.
        categories: the labels of a nominal or boolean column, in order; empty otherwise.
        decimals: digits after the point that a numeric column uses; None for full precision.
        missing: whether a value may be missing.
        date_format: a date column's ``strftime`` format; None writes ISO 8601.
        dtype: the pandas dtype the column came in, given back by ``TableSchema.restore``;
            None leaves the dtype of the table above.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    decimals: int | None = None
    missing: bool = False
    date_format: str | None = None
    dtype: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TabganError(
                f"column {self.name!r}: expected a kind of {list(KINDS)}, got {self.kind!r}"
            )
        if self.is_nominal and not self.categories:
            raise TabganError(f"column {self.name!r}: a {self.kind} column needs categories")
        if len(set(self.categories)) != len(self.categories):
            twice = sorted({c for c in self.categories if self.categories.count(c) > 1})
            raise TabganError(f"column {self.name!r}: categories declared twice: {twice}")

    @property
    def is_nominal(self) -> bool:
        """Whether the column holds categories."""
        return self.kind in ("nominal", "boolean")

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers."""
        return self.kind in ("numeric", "integer")


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """The columns of a table, in order, and its target.

    Attributes:
        name: what the table is called (an ARFF relation, a file's stem).
        columns: the columns in the table's order.
        target: the name of the column to predict, or None.
    """

    name: str
    columns: tuple[Column, ...]
    target: str | None = None

    def __post_init__(self) -> None:
        twice = sorted({n for n in self.names if self.names.count(n) > 1})
        if twice:
            raise TabganError(f"table {self.name!r}: duplicate column names: {twice}")
        if self.target is not None and self.target not in self.names:
            raise TabganError(
                f"table {self.name!r}: target {self.target!r} is not a column; "
                f"the columns are {list(self.names)}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise TabganError(f"no column {name!r}; the columns are {list(self.names)}")

    def with_target(self, target: str | None) -> TableSchema:
        """The same schema with another target.

        Raises:
            TabganError: when the table has no such column.
        """
        return replace(self, target=target)

    def without(self, names: Iterable[str]) -> TableSchema:
        """The same schema without some columns.

        Raises:
            TabganError: when the table has no such column.
        """
        dropped = {self[name].name for name in names}
        kept = tuple(column for column in self.columns if column.name not in dropped)
        return replace(self, columns=kept, target=None if self.target in dropped else self.target)

    def conform(self, table: pd.DataFrame) -> pd.DataFrame:
        """``table`` in the schema's columns, order and dtypes; the caller's table is unchanged.

        Raises:
            TabganError: when a column is absent, or a value does not fit its kind; the message
                names the column, the value and the first row (from 0) where it stands.
        """
        absent = [name for name in self.names if name not in table.columns]
        if absent:
            raise TabganError(
                f"table {self.name!r}: columns {absent} are absent; got {list(table.columns)}"
            )
        return pd.DataFrame(
            {column.name: _conform(column, table[column.name]) for column in self.columns},
            index=pd.RangeIndex(len(table)),
        )

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """A conforming table in the dtypes it came in (``Column.dtype``)."""
        restored = {c.name: _restore(c, table[c.name]) for c in self.columns}
        return pd.DataFrame(restored, index=table.index)

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON; fields that say nothing are left out."""
        columns = [
            {
                k: list(v) if isinstance(v, tuple) else v
                for k, v in asdict(c).items()
                if v not in (None, (), False)
            }
            for c in self.columns
        ]
        return {"format": FORMAT, "name": self.name, "target": self.target, "columns": columns}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The schema that ``to_plain`` wrote.

        Raises:
            TabganError: when a field is absent, unknown or of a newer format.
        """
        if not isinstance(plain, Mapping) or not isinstance(plain.get("columns"), list):
            raise TabganError("schema: expected an object with a list 'columns'")
        if plain.get("format", FORMAT) != FORMAT:
            raise TabganError(
                f"schema: expected format {FORMAT}, got {plain['format']!r}; "
                "it was written by another version of tabgan"
            )
        return cls(
            name=str(plain.get("name", "table")),
            columns=tuple(_column_from_plain(entry) for entry in plain["columns"]),
            target=plain.get("target"),
        )

    def save(self, path: Path) -> None:
        """Write the schema as JSON."""
        path.write_text(json.dumps(self.to_plain(), indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a schema written by ``save``.

        Raises:
            TabganError: when the file is absent, not JSON, or not a schema.
        """
        if not path.is_file():
            raise TabganError(f"schema file not found: {path}")
        try:
            return cls.from_plain(json.loads(path.read_text("utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise TabganError(f"{path}: not a JSON schema: {error}") from error


def _column_from_plain(entry: Any) -> Column:
    known = {field.name for field in fields(Column)}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise TabganError(f"schema: expected a column object with a 'name', got {entry!r}")
    unknown = sorted(set(entry) - known)
    if unknown:
        raise TabganError(
            f"schema: column {entry['name']!r} has unknown fields {unknown}; "
            f"known are {sorted(known)}"
        )
    if "kind" not in entry:
        raise TabganError(f"schema: column {entry['name']!r} has no 'kind'")
    categories = tuple(str(category) for category in entry.get("categories", ()))
    return Column(**{**entry, "categories": categories})


def _conform(column: Column, values: pd.Series) -> pd.Series:
    if column.is_nominal:
        return _conform_nominal(column, values)
    if column.is_number:
        return _conform_number(column, values)
    if column.kind == "date":
        return _conform_date(column, values)
    return values.astype("str").where(values.notna()).reset_index(drop=True)


def _conform_nominal(column: Column, values: pd.Series) -> pd.Series:
    labels = values.astype("str").where(values.notna())
    codes = pd.Index(column.categories).get_indexer(labels)
    unknown = (codes < 0) & labels.notna().to_numpy()
    _refuse(column, labels, f"one of {list(column.categories)}", unknown)
    return pd.Series(pd.Categorical.from_codes(codes, categories=list(column.categories)))


def _conform_number(column: Column, values: pd.Series) -> pd.Series:
    if column.kind == "integer" and pd.api.types.is_integer_dtype(values.dtype):
        whole = values.reset_index(drop=True)  # not through float64, which ends at 2**53
        return whole.astype("Int64" if column.missing or whole.isna().any() else "int64")
    numbers = pd.to_numeric(values, errors="coerce").astype("float64").reset_index(drop=True)
    _refuse(column, values, "a number", numbers.isna().to_numpy() & values.notna().to_numpy())
    _refuse(column, values, "a finite number", np.isinf(numbers.to_numpy()))
    if column.kind == "numeric":
        return numbers
    broken = numbers.notna() & (numbers != numbers.round())
    _refuse(column, values, "a whole number", broken.to_numpy())
    return numbers.astype("Int64" if column.missing or numbers.isna().any() else "int64")


def _conform_date(column: Column, values: pd.Series) -> pd.Series:
    dates = values
    if not pd.api.types.is_datetime64_any_dtype(values):
        dates = pd.to_datetime(values, format=column.date_format or "ISO8601", errors="coerce")
        expected = f"a date like {column.date_format or 'ISO 8601'}"
        _refuse(column, values, expected, dates.isna().to_numpy() & values.notna().to_numpy())
    return dates.astype("datetime64[us]").reset_index(drop=True)


def _refuse(column: Column, values: pd.Series, expected: str, wrong: np.ndarray) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise TabganError(
            f"column {column.name!r}: expected {expected}, got {values.iloc[row]!r} in row {row}"
        )


def _restore(column: Column, values: pd.Series) -> pd.Series:
    if column.dtype is None:
        return values
    if column.dtype in ("bool", "boolean"):
        truth = values.astype("str").str.lower().map({"true": True, "false": False})
        return truth.astype("boolean" if values.isna().any() else "bool")
    if column.is_nominal and column.dtype != "category":
        values = values.astype("object")
    if column.dtype.startswith(("int", "uint")):
        nullable = column.dtype.replace("uint", "UInt").replace("int", "Int")
        return pd.to_numeric(values).astype(nullable if values.isna().any() else column.dtype)  # type: ignore[call-overload]
    return values.astype(column.dtype)  # type: ignore[call-overload]
