"""Columns as numbers and back: float64 with NaN for missing, whatever the column's kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers
from tabgan.tables.numbers import round_numbers
from tabgan.tables.schema import Column, category_dtype

DATE_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1)  # day … microsecond
FINER = 2  # times as many values as another number: then a number is finer than that
MAX_POINTS = 100_000  # order statistics kept of a larger column; a quantile is then off by 1e-5
# of the years 1 to 9999, which float64 rounds to the years beside
FIRST_MICRO, LAST_MICRO = -62_135_596_800_000_000, 253_402_300_799_999_999


def order_statistics(numbers: Numbers) -> Numbers:
    """Known numbers, ascending; of more than 100,000 as many quantiles, each one of the numbers."""
    ordered = np.sort(numbers)
    if len(ordered) <= MAX_POINTS:
        return ordered
    ranks = np.ceil(np.linspace(0, 1, MAX_POINTS) * len(ordered)) - 1  # the inverse of F
    return ordered[ranks.clip(0).astype(np.int64)]


def is_finer(numbers: Numbers, other: Numbers) -> bool:
    """Whether numbers have far more values than others: cents, beside amounts in hundreds."""
    return len(np.unique(numbers)) > FINER * len(np.unique(other))


def date_unit(values: pd.Series) -> int:
    """The largest unit, in microseconds, of which every known date is a multiple."""
    micros = values.dropna().astype("int64").to_numpy()
    return next(unit for unit in DATE_UNITS if not (micros % unit).any())


def to_numbers(column: Column, values: pd.Series, *, unit: int = 1) -> Numbers:
    """A conforming column as float64 [n]: category codes, dates in ``unit``s, or the numbers."""
    if column.is_nominal:
        codes = values.cat.codes.to_numpy().astype(np.float64)
        return np.where(codes < 0, np.nan, codes)
    if column.kind == "date":
        micros = values.astype("int64").to_numpy().astype(np.float64)
        return np.where(values.isna(), np.nan, micros / unit)
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def rounded(column: Column, numbers: Numbers) -> Numbers:
    """``numbers`` at the column's resolution: whole codes, units and integers, or its decimals."""
    if column.kind != "numeric":
        return numbers.round()
    return numbers if column.decimals is None else round_numbers(numbers, column.decimals)


def resolution(column: Column) -> float:
    """The step between two numbers of a column; 0 for full precision."""
    if column.kind != "numeric":
        return 1.0
    return 0.0 if column.decimals is None else 10.0**-column.decimals


def from_numbers(column: Column, numbers: Numbers, *, unit: int = 1) -> pd.Series:
    """The inverse of ``to_numbers``, for numbers that are ``rounded``."""
    missing = np.isnan(numbers)
    if column.is_nominal:
        codes = np.where(missing, -1, numbers).astype(np.int64)
        dtype = category_dtype(column.categories)
        return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), copy=False)
    if column.kind == "date":
        micros = np.where(missing, 0, numbers).astype(np.int64) * unit
        micros = micros.clip(FIRST_MICRO, LAST_MICRO)
        return pd.Series(micros.astype("datetime64[us]")).mask(missing)
    if column.kind == "integer":
        whole = pd.Series(_whole(np.where(missing, 0, numbers)))
        nullable = column.missing or missing.any()
        return whole.astype("Int64").mask(missing) if nullable else whole
    return pd.Series(numbers)


def _whole(numbers: Numbers) -> NDArray[np.int64]:
    """Whole numbers as int64; float64 has 2**63 for the largest, which int64 has not."""
    large = numbers >= 2.0**63
    whole: NDArray[np.int64] = np.where(large, 0, numbers).astype(np.int64)
    whole[large] = np.iinfo(np.int64).max
    return whole
