"""Tables as arrays: the one place where a metric learns which column is what.

Kinds are read from the dtypes of a conforming table (``tabgan.tables.schema``): categories become
ordinal codes, numbers and dates float64, strings are left out of every metric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tabgan.errors import TabganError, other_columns
from tabgan.tables.dates import MICROS, MICROS_A_DAY

NOMINAL, NUMERIC, STRING = "nominal", "numeric", "string"


@dataclass(frozen=True, kw_only=True)
class CodedTable:
    """A table as arrays, coded together with the tables it is compared with.

    Attributes:
        columns: the coded columns in the table's order; string columns are not among them.
        numbers: per numeric, integer or date column, float64 [n_rows]; missing is NaN, dates are
            days.
        codes: per nominal column, int64 [n_rows]; the last code is "missing".
        sizes: per nominal column, the number of codes, "missing" included.
        n_rows: the number of rows.
    """

    columns: tuple[str, ...]
    numbers: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    sizes: dict[str, int]
    n_rows: int

    def matrix(self) -> np.ndarray:
        """Ordinal codes and numbers side by side, float64 [n_rows, n_columns], missing number NaN.

        A missing category stays a code of its own.
        """
        values = {**self.numbers, **self.codes}
        return np.column_stack([values[name].astype("float64") for name in self.columns])

    def number_matrix(self) -> np.ndarray:
        """The numbers alone, float64 [n_rows, n_numbers], missing NaN."""
        numbers = np.array([*self.numbers.values()], dtype="float64")
        return numbers.reshape(-1, self.n_rows).T

    def is_nominal(self) -> np.ndarray:
        """The columns of ``matrix`` that hold codes, bool [n_columns]."""
        return np.array([name in self.codes for name in self.columns])


def code_tables(**tables: pd.DataFrame) -> tuple[CodedTable, ...]:
    """The tables as arrays, in the order given; equal codes mean equal categories.

    Codes run over the union of all tables' categories, the first table's first, so a category
    that only the synthetic table has is a code like any other. Keyword names are the tables'
    names in error messages.

    Raises:
        TabganError: when the tables differ in columns or kinds, when one has no rows, or when a
            column is of a dtype that no conforming table has.
    """
    kinds = _common_kinds(tables)
    columns = tuple(name for name, kind in kinds.items() if kind != STRING)
    if not columns:
        raise TabganError("expected a numeric or nominal column, got string columns only")
    nominal = [name for name in columns if kinds[name] == NOMINAL]
    unions = {name: _union_of_categories(name, tables) for name in nominal}
    return tuple(
        CodedTable(
            columns=columns,
            numbers={n: _numbers(table[n], label) for n in columns if n not in unions},
            codes={n: _codes(table[n], union) for n, union in unions.items()},
            sizes={n: len(union) + 1 for n, union in unions.items()},
            n_rows=len(table),
        )
        for label, table in tables.items()
    )


def column_kinds(table: pd.DataFrame) -> dict[str, str]:
    """Per column ``nominal``, ``numeric`` (dates too) or ``string``, by dtype.

    Raises:
        TabganError: when a column is of a dtype that no conforming table has.
    """
    return {str(name): _kind(str(name), dtype) for name, dtype in table.dtypes.items()}


def _kind(name: str, dtype: object) -> str:
    if isinstance(dtype, pd.CategoricalDtype):
        return NOMINAL
    if isinstance(dtype, pd.StringDtype):
        return STRING
    number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    if number or pd.api.types.is_datetime64_any_dtype(dtype):
        return NUMERIC
    raise TabganError(
        f"column {name!r}: expected a category, number, date or str dtype, got {dtype}; "
        "TableSchema.conform gives a table these dtypes"
    )


def _common_kinds(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    (first, table), *others = tables.items()
    kinds = column_kinds(table)
    for label, other in others:
        _check_columns(first, kinds, label, column_kinds(other))
    empty = [label for label, each in tables.items() if len(each) == 0]
    if empty:
        raise TabganError(f"expected rows in every table, got none in {empty}")
    return kinds


def _check_columns(first: str, expected: dict[str, str], label: str, found: dict[str, str]) -> None:
    absent = [name for name in expected if name not in found]
    added = [name for name in found if name not in expected]
    if absent or added:
        raise TabganError(
            f"the {label} table and the {first} table differ in columns: "
            f"{label} {other_columns(absent, added)}"
        )
    for name, kind in expected.items():
        if found[name] != kind:
            raise TabganError(
                f"column {name!r}: {kind} in the {first} table, {found[name]} in the {label} table"
            )


def _union_of_categories(name: str, tables: dict[str, pd.DataFrame]) -> pd.Index:
    first, *others = (table[name].cat.categories for table in tables.values())
    if all(first.equals(categories) for categories in others):
        return first
    every = (label for categories in (first, *others) for label in categories)
    return pd.Index(list(dict.fromkeys(every)), dtype="object")


def _codes(values: pd.Series, union: pd.Index) -> np.ndarray:
    codes = values.cat.codes.to_numpy().astype("int64")
    if values.cat.categories is union or values.cat.categories.equals(union):
        return np.where(codes < 0, len(union), codes)
    position = union.get_indexer(values.cat.categories.astype("object"))
    last_is_missing = np.append(position, len(union)).astype("int64")  # code -1 is the last
    return np.asarray(last_is_missing[codes])


def _numbers(values: pd.Series, label: str) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        micros = values.to_numpy().astype(MICROS).astype("int64")  # no date is too far for these
        return np.where(values.isna(), np.nan, micros / MICROS_A_DAY)
    numbers: np.ndarray = values.to_numpy("float64", na_value=np.nan)
    if np.isinf(numbers).any():
        raise TabganError(f"column {values.name!r}: expected finite numbers, got inf in {label}")
    return numbers
