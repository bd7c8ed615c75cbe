"""The schema of a table: names, kinds, categories, decimals, missing values, target.

A schema is written as ``schema.json``, may be edited by hand, and is the one thing that readers,
encoders and writers agree on. A table that obeys its schema (``TableSchema.conform``) has

    =========  =================================================================
    kind       pandas dtype
    =========  =================================================================
    numeric    float64, missing is NaN
    integer    int64; Int64 where ``missing`` is true
    nominal    category of str, in the schema's order, missing is NaN
    boolean    category of str with two categories, missing is NaN
    date       datetime64[us], missing is NaT; clock times on 1 January 1900
    string     str (``dtypes.TEXT``), missing is NaN
    =========  =================================================================

Nobody below the readers asks a DataFrame what it might be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from tabgan.errors import TabganError, nearest, one_line, shown
from tabgan.tables.amounts import NumberForm
from tabgan.tables.dates import (
    are_dates,
    check_date_format,
    format_dates,
    naive,
    naive_objects,
    parse_dates,
)
from tabgan.tables.dtypes import OWN_TEXT, TEXT, dense, sparse_parts
from tabgan.tables.markers import is_marker
from tabgan.tables.numbers import (
    decimal_type,
    format_numbers,
    is_decimal,
    number_series,
    parse_numbers,
    plain_numbers,
)
from tabgan.tables.spelling import spellings

KINDS = ("numeric", "integer", "nominal", "boolean", "date", "string")
MOST_DECIMALS = 20  # a float64 has 17 digits
PLAIN = {
    "name": str, "kind": str, "categories": list, "decimals": int, "missing": bool,
    "date_format": str, "number_format": str, "missing_values": list, "key": bool, "dtype": str,
}  # fmt: skip  # the fields of a column, as JSON has them
JSON_NAMES = {str: "text", int: "a whole number", bool: "true or false", list: "a list"}
DAYS, TIMES = "date", "time"  # the dtypes of columns of Python's, which are objects to pandas
ORDERED = " ordered"  # ends the dtype of a column of ordered categories
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
        date_format: a date column's form (``tables.dates``); an offset (``+01:00``) may end it,
            whose times the table then holds; None writes ISO 8601.
        number_format: how a column of numbers writes 1234567.5, such as "$1,234,567.50"
            (``tables.amounts``); None writes the fewest digits.
        missing_values: texts that mean a missing cell here; the first is what one is written as
            where the column is text.
        key: whether its values only number the rows; metrics leave such a column out.
        dtype: the pandas dtype the column came in, given back by ``TableSchema.restore``
            ("date" for Python's dates); None leaves the dtype of the table above.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    decimals: int | None = None
    missing: bool = False
    date_format: str | None = None
    number_format: str | None = None
    missing_values: tuple[str, ...] = ()
    key: bool = False
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
        if self.decimals is not None and not 0 <= self.decimals <= MOST_DECIMALS:
            raise TabganError(
                f"column {self.name!r}: expected 0 to {MOST_DECIMALS} decimals, got {self.decimals}"
            )
        if both := set(self.categories).intersection(self.missing_values):
            raise TabganError(f"column {self.name!r}: categories that mean missing: {sorted(both)}")

    @property
    def is_nominal(self) -> bool:
        """Whether the column holds categories."""
        return self.kind in ("nominal", "boolean")

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers."""
        return self.kind in ("numeric", "integer")

    @property
    def is_measured(self) -> bool:
        """Whether its values can be counted with: numbers and dates."""
        return self.is_number or self.kind == "date"

    @property
    def number_form(self) -> NumberForm:
        """The form of its numbers as text."""
        return _number_form(self.number_format)

    @property
    def missing_text(self) -> str:
        """The text of a missing cell; empty for nothing."""
        return self.missing_values[0] if self.missing_values else ""


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """The columns of a table, in order, and its target.

    Attributes:
        name: what the table is called (an ARFF relation, a file's stem).
        columns: the columns in the table's order.
        target: the name of the column to predict, or None.
        constraints: rules that every row keeps, as ``tables.constraints`` reads them: texts such as
            "start <= end", or plain objects.
    """

    name: str
    columns: tuple[Column, ...]
    target: str | None = None
    constraints: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        twice = sorted({n for n in self.names if self.names.count(n) > 1})
        if twice:
            raise TabganError(f"table {self.name!r}: duplicate column names: {twice}")
        if self.target is not None and self.target not in self.names:
            raise TabganError(
                f"table {self.name!r}: target {self.target!r} is not a column; "
                f"{nearest(self.target, self.names)}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise TabganError(f"no column {name!r}; {nearest(name, self.names)}")

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

    def widened(self, other: TableSchema) -> TableSchema:
        """This schema, made wide enough for another file of the same columns.

        Categories that only ``other`` knows go behind this one's; a column that is whole or
        complete here only is no longer declared so.

        Raises:
            TabganError: when ``other`` lacks a column, or a column is of another sort there.
        """
        columns = tuple(_widened(column, other[column.name]) for column in self.columns)
        return replace(self, columns=columns)

    def conform(self, table: pd.DataFrame) -> pd.DataFrame:
        """``table`` in the schema's columns, order and dtypes; the caller's table is unchanged.

        Raises:
            TabganError: when a column is absent, or a value does not fit its kind; the message
                names the column, the value and the first row (from 0) where it stands.
        """
        if tuple(table.columns) != self.names:
            table = self._chosen(table)
        rows = table.reset_index(drop=True)
        for column in self.columns:
            values = rows[column.name]
            if not _conforms(column, values):
                rows[column.name] = conform_column(column, values)
        return rows

    def _chosen(self, table: pd.DataFrame) -> pd.DataFrame:
        """The schema's columns of ``table``, in its order."""
        table = table.set_axis([str(name) for name in table.columns], axis="columns")
        if not table.columns.is_unique:
            twice = sorted(set(table.columns[table.columns.duplicated()]))
            raise TabganError(f"table {self.name!r}: duplicate column names: {twice}")
        absent = [name for name in self.names if name not in table.columns]
        if absent:
            raise TabganError(
                f"table {self.name!r}: columns {absent} are absent; got {list(table.columns)}"
            )
        return table[list(self.names)]

    def with_missing(self, names: Iterable[str]) -> Self:
        """The same schema, in which these columns may have missing values."""
        found = set(names)
        columns = (replace(c, missing=c.missing or c.name in found) for c in self.columns)
        return replace(self, columns=tuple(columns))

    def extended(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table that conforms but for some columns, with these, in which nothing is known."""
        absent = {name: None for name in self.names if name not in table}
        return self.conform(table.assign(**absent)) if absent else table

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """A conforming table in the dtypes it came in (``Column.dtype``).

        Of Python's objects texts, booleans and dates are such again; decimals are float64, times
        of day and date datetime64. Labels that are neither numbers, booleans nor dates are text.

        Raises:
            TabganError: when a column's values do not fit its dtype.
        """
        restored = {c.name: _restored(c, table[c.name]) for c in self.columns}
        return pd.DataFrame(restored, index=table.index)

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON; fields that say nothing are left out."""
        columns = [
            {
                k: list(v) if isinstance(v, tuple) else v
                for k, v in asdict(c).items()
                if v is not None and v is not False and v != ()  # 0 decimals stay
            }
            for c in self.columns
        ]
        rules = {"constraints": list(self.constraints)} if self.constraints else {}
        head = {"format": FORMAT, "name": self.name, "target": self.target}
        return {**head, "columns": columns, **rules}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The schema that ``to_plain`` wrote.

        Raises:
            TabganError: when a field is absent, unknown or of a newer format.
        """
        if not isinstance(plain, Mapping) or not isinstance(plain.get("columns"), list):
            raise TabganError(
                "schema: expected an object with a list 'columns' (SDV's metadata is read with a "
                "table that fits into memory: data.schema_path, explore)"
            )
        if plain.get("format", FORMAT) != FORMAT:
            raise TabganError(
                f"schema: expected format {FORMAT}, got {plain['format']!r}; "
                "it was written by another version of tabgan"
            )
        name, target = plain.get("name", "table"), plain.get("target")
        _check_type("schema: 'name'", name, str)
        if target is not None:
            _check_type("schema: 'target'", target, str)
        rules = plain.get("constraints", [])
        _check_type("schema: 'constraints'", rules, list)
        columns = tuple(_column_from_plain(entry) for entry in plain["columns"])
        return cls(name=name, columns=columns, target=target, constraints=tuple(rules))

    def save(self, path: Path) -> None:
        """Write the schema as JSON."""
        path.write_text(json.dumps(self.to_plain(), indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a schema written by ``save``.

        Raises:
            TabganError: when the file is absent, not JSON, or not a schema.
        """
        plain = read_plain(path)
        try:
            return cls.from_plain(plain)
        except TabganError as error:
            raise TabganError(f"{path}: {error}") from error


def read_plain(path: Path) -> Any:
    """The contents of a schema file, as JSON has them.

    Raises:
        TabganError: when the file is absent or not JSON.
    """
    if not path.is_file():
        raise TabganError(f"schema file not found: {path}")
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:  # no JSON, a number of 5,000 digits, ...
        raise TabganError(f"{path}: not a JSON schema: {error}") from error


def _widened(mine: Column, other: Column) -> Column:
    missing = mine.missing or other.missing
    if mine.is_nominal and other.is_nominal:
        meant = spellings(mine.categories, other.categories)
        extra = tuple(c for c in other.categories if meant[c] not in mine.categories)
        return replace(mine, categories=mine.categories + extra, missing=missing)
    if mine.kind == other.kind:
        exact = mine.decimals is None or other.decimals is None
        decimals = None if exact else max(mine.decimals or 0, other.decimals or 0)
        return replace(mine, decimals=decimals, missing=missing)
    if mine.is_number and other.is_number:
        numeric = mine if mine.kind == "numeric" else other
        return replace(numeric, dtype=mine.dtype, missing=missing)
    raise TabganError(
        f"column {mine.name!r}: {mine.kind} in one file, {other.kind} in the other; "
        "declare it in a schema file (data.schema_path)"
    )


def _column_from_plain(entry: Any) -> Column:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise TabganError(f"schema: expected a column object with a 'name', got {entry!r}")
    unknown = sorted(set(entry) - set(PLAIN))
    if unknown:
        raise TabganError(
            f"schema: column {entry['name']!r} has unknown fields {unknown}; "
            f"known are {sorted(PLAIN)}"
        )
    if entry.get("kind") is None:
        raise TabganError(f"schema: column {entry['name']!r} has no 'kind'")
    said = {key: value for key, value in entry.items() if value is not None}
    for key, value in said.items():
        _check_type(f"schema: column {entry['name']!r}: {key!r}", value, PLAIN[key])
    for key, what in (("categories", "a category"), ("missing_values", "a missing value")):
        said[key] = _labels(f"schema: column {entry['name']!r}: {what}", said.get(key, []))
    column = Column(**said)
    _check_formats(column)
    return column


def _labels(what: str, labels: list[Any]) -> tuple[str, ...]:
    """Labels as text; a person may have written numbers."""
    for label in labels:
        if isinstance(label, bool) or not isinstance(label, int | float):
            _check_type(what, label, str)
    return tuple(map(str, labels))


def _check_type(what: str, value: Any, kind: type) -> None:
    if type(value) is not kind:
        raise TabganError(f"{what}: expected {JSON_NAMES[kind]}, got {value!r}")
    if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        raise TabganError(f"{what}: half of a surrogate pair is no text: {value!r}")


def _check_formats(column: Column) -> None:
    """Refuse a date format or a dtype that nothing could be written or given back in."""
    examples: list[Any] = [*column.categories] or [None] * int(column.missing)
    alone = TableSchema(name="column", columns=(column,))
    try:
        if column.date_format is not None:
            check_date_format(column.date_format)
        _ = column.number_form
        alone.restore(alone.conform(pd.DataFrame({column.name: examples}, dtype="object")))
    except TabganError as error:
        raise TabganError(f"schema: column {column.name!r}: {error}") from error


@cache
def _number_form(example: str | None) -> NumberForm:
    return NumberForm() if example is None else NumberForm.of(example)


@cache
def category_dtype(labels: tuple[str, ...]) -> pd.CategoricalDtype:
    """The one dtype of a column of these categories: pandas compares two by identity first."""
    return pd.CategoricalDtype(pd.Index(labels, dtype=TEXT))


def _conforms(column: Column, values: pd.Series) -> bool:
    """Whether the dtype alone says that nothing is to be done; drawn rows are such."""
    if column.is_nominal:
        return values.dtype is category_dtype(column.categories)
    return column.kind == "integer" and not column.missing and values.dtype == np.int64


def conform_column(column: Column, values: pd.Series) -> pd.Series:
    """One column of ``TableSchema.conform``."""
    values = _without_missing(column, dense(values))
    if column.is_nominal:
        return _conform_nominal(column, values)
    if column.is_number:
        return _conform_number(column, values)
    if column.kind == "date":
        return _conform_date(column, values)
    return _labels_of(values)


def _without_missing(column: Column, values: pd.Series) -> pd.Series:
    """The values without those that the column declares to mean missing."""
    if not column.missing_values or isinstance(values.dtype, pd.CategoricalDtype):
        return values
    if _is_text(values.dtype):
        return values.mask(values.isin(column.missing_values))
    if column.is_number and pd.api.types.is_numeric_dtype(values.dtype):
        codes, _ = parse_numbers(pa.array(column.missing_values, pa.string()))
        return values.mask(values.isin(codes.drop_null().to_pylist()))
    return values


def _conform_nominal(column: Column, values: pd.Series) -> pd.Series:
    expected = pd.Index(column.categories, dtype=TEXT)
    if isinstance(values.dtype, pd.CategoricalDtype):
        known = values.cat.categories.astype(TEXT)
        if known.equals(expected) and known.dtype == values.cat.categories.dtype:
            return values.cat.as_unordered()
    labels = _labels_of(values)
    codes = expected.get_indexer(labels)
    unknown = (codes < 0) & labels.notna().to_numpy()
    if unknown.any():
        meant = spellings(column.categories, labels[unknown].unique())
        codes[unknown] = expected.get_indexer(labels[unknown].map(meant))
        unknown = (codes < 0) & labels.notna().to_numpy()
    _refuse(column, labels, f"one of {list(column.categories)}", unknown)
    return pd.Series(pd.Categorical.from_codes(codes, dtype=category_dtype(column.categories)))


def _labels_of(values: pd.Series) -> pd.Series:
    """Values as text; categories, as of dates, as their dtype spells them, not each value."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        known = values.cat.categories.astype(TEXT)
        return pd.Series(np.append(known, [None])[values.cat.codes], dtype=TEXT)
    return values.astype(TEXT).where(values.notna())


def _conform_number(column: Column, values: pd.Series) -> pd.Series:
    whole, numbers = column.kind == "integer", _numbers(column, values)
    if not whole or not pd.api.types.is_integer_dtype(numbers.dtype):
        numbers = numbers.astype("float64")
        _refuse(column, values, "a finite number", np.isinf(numbers.to_numpy()))
        if not whole:
            return numbers
        broken = numbers.notna() & ((numbers != numbers.round()) | (numbers.abs() >= 2.0**63))
        _refuse(column, values, "a whole number", broken.to_numpy())
    # whole numbers of an integer dtype do not go through float64, which ends at 2**53
    return numbers.astype("Int64" if column.missing or numbers.isna().any() else "int64")


def _numbers(column: Column, values: pd.Series) -> pd.Series:
    """The values in a number dtype; text is parsed exactly, and markers are missing."""
    if is_decimal(values.dtype):
        return plain_numbers(values)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values
    text = values.astype(TEXT).str.strip().where(values.notna())
    numbers, wrong = column.number_form.parse(pa.array(text, pa.string(), from_pandas=True))
    _refuse(column, values, "a number", _unmarked(text, wrong))
    return number_series(numbers)


def _conform_date(column: Column, values: pd.Series) -> pd.Series:
    if are_dates(values.dtype):
        return naive(values, column.date_format)
    if isinstance(values.dtype, pd.PeriodDtype):
        return naive(values.dt.to_timestamp())
    if is_objects_of(values, "date", "datetime", "datetime64", "time"):
        return naive_objects(values)
    if pd.api.types.is_float_dtype(values.dtype):  # of days such as 20141013
        values = values.astype("Int64")
    text = values.astype(TEXT).str.strip().where(values.notna())
    dates = parse_dates(text, column.date_format)
    wrong = dates.isna().to_numpy() & text.notna().to_numpy()
    expected = f"a date like {column.date_format or 'ISO 8601'}"
    _refuse(column, values, expected, _unmarked(text, wrong))
    return dates


def _unmarked(text: pd.Series, wrong: np.ndarray) -> np.ndarray:
    """Which of the wrong texts are no markers of a missing cell."""
    if wrong.any():
        markers = [label for label in text[wrong].unique() if is_marker(label)]
        wrong = wrong & ~text.isin(markers).to_numpy()
    return wrong


def is_objects_of(values: pd.Series, *kinds: str) -> bool:
    """Whether values are Python's objects of such kinds (``infer_dtype``), or missing."""
    is_object = pd.api.types.is_object_dtype(values.dtype)
    return is_object and pd.api.types.infer_dtype(values, skipna=True) in kinds


def _is_text(dtype: Any) -> bool:
    """Whether values of a dtype are, or may be, strings."""
    return bool(pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype))


def _refuse(column: Column, values: pd.Series, expected: str, wrong: np.ndarray) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        got = shown(values.iloc[row])
        raise TabganError(f"column {column.name!r}: expected {expected}, got {got} in row {row}")


def _restored(column: Column, values: pd.Series) -> pd.Series:
    what = f"column {column.name!r}: its values cannot be given back as {one_line(column.dtype)}"
    try:
        restored = _restore(column, values)
    except (ValueError, TypeError, OverflowError) as error:
        raise TabganError(f"{what}: {error}") from error
    # astype(int8) makes 44 of 300, astype(int64) 0 of 0.25
    if column.is_number and pd.api.types.is_integer_dtype(restored.dtype):
        other = (restored != values) & values.notna()
        if other.any():
            raise TabganError(f"{what}: one is {values[other.fillna(False)].iloc[0]}")
    return restored


def _restore(column: Column, values: pd.Series) -> pd.Series:
    dtype = column.dtype
    if dtype is None:
        as_others = column.is_nominal and OWN_TEXT is not TEXT  # pandas 2 reads them as objects
        return _restore_category("category", values) if as_others else values
    if (parts := sparse_parts(dtype)) is not None:
        return _restore(replace(column, dtype=parts[0]), values).astype(pd.SparseDtype(*parts))
    if dtype.startswith("category"):
        return _restore_category(dtype, values)
    if dtype.startswith("bool"):
        truth = _truth(values)
        return truth if dtype == "bool" else truth.astype(dtype)
    if column.kind == "date":
        return _restore_date(column, dtype, values)
    if (decimals := decimal_type(dtype)) is not None:
        return _restore_decimals(decimals, values)
    if column.is_number and names_text(dtype):
        text = column.number_form.write(values, column.decimals)
        return _restore_text(column, text, values.index)
    if column.is_nominal:
        values = values.astype("object")
        if pd.api.types.is_numeric_dtype(dtype):
            values = pd.to_numeric(values)
    if re.fullmatch(r"u?int\d+", dtype) and values.isna().any():
        dtype = dtype.replace("uint", "UInt").replace("int", "Int")
    return values.astype(TEXT if dtype == "str" else dtype)


def names_text(dtype: str) -> bool:
    """Whether a dtype's name is that of text."""
    return dtype in ("str", "object") or "string" in dtype


def _restore_text(column: Column, text: pa.Array, index: pd.Index) -> pd.Series:
    """Numbers or dates in the form and the dtype that they came in, missing ones too."""
    if column.missing_text:
        text = text.fill_null(column.missing_text)
    dtype: Any = TEXT if column.dtype == "str" else column.dtype
    return pd.Series(text.to_pandas(), index=index, dtype=object).astype(dtype)


def _restore_category(dtype: str, values: pd.Series) -> pd.Series:
    if dtype.endswith(ORDERED):
        return _restore_category(dtype.removesuffix(ORDERED), values).cat.as_ordered()
    inner = dtype.removeprefix("category")[1:-1]
    if not inner:
        return values.cat.rename_categories(values.cat.categories.astype(OWN_TEXT))
    labels = values.cat.categories.to_series()
    typed = _truth(labels) if inner.startswith("bool") else labels.astype(inner)
    return values.cat.rename_categories(pd.Index(typed.array, dtype=inner))


def _truth(values: pd.Series) -> pd.Series:
    truth = values.astype(TEXT).str.lower().map({"true": True, "false": False})
    if (truth.isna() & values.notna()).any():
        raise ValueError("expected true and false")
    return truth.astype("boolean" if values.isna().any() else "bool")


def _restore_decimals(kind: pa.DataType, values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):  # classes
        text = pa.array(values.astype(TEXT), pa.string(), from_pandas=True)
    else:
        text = format_numbers(values, kind.scale)
    return pd.Series(pd.array(text.cast(kind), dtype=pd.ArrowDtype(kind)), index=values.index)


def _restore_date(column: Column, dtype: str, values: pd.Series) -> pd.Series:
    if dtype in (DAYS, TIMES):
        objects = values.dt.date if dtype == DAYS else values.dt.time
        return objects.astype("object").where(values.notna(), None)
    if dtype.startswith("period["):
        return values.dt.to_period(dtype.removeprefix("period[")[:-1])
    if not dtype.startswith(("datetime64", "timestamp")):
        text = format_dates(values, column.date_format)
        if names_text(dtype):
            return _restore_text(column, text, values.index)
        return pd.Series(text.to_pandas(), index=values.index, dtype=TEXT).astype(dtype)
    if "," in dtype:  # such as datetime64[ns, Europe/Berlin]; the table holds UTC
        values = values.dt.tz_localize("UTC")
    return values.astype(dtype)
