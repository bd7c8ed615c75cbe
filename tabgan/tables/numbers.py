"""Numbers as text: parsed exactly, written with the fewest digits.

``pandas.to_numeric`` may be off by the last bit; these give what Python's ``float`` gives, at
Arrow's speed.
"""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$"
INFINITE = r"^[+-]?inf(inity)?$"
PADDED = r"^0\d+$"


def parse_numbers(text: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Numbers from text, and where the text is no number.

    Args:
        text: strings without spaces around them; null is missing.

    Returns:
        int64 when every value is a whole number without a point, or whole and one of them beyond
        what float64 holds, else float64 (an infinite value stays infinite); and a mask of the
        values that are neither numbers nor missing.
    """
    nothing_wrong = np.zeros(len(text), dtype=bool)
    whole = _cast(text, pa.int64())
    # Arrow reads 0x1F as 31; ARFF and CSV do not know hexadecimal numbers
    if whole is not None and not _any(pc.match_substring(text, "x", ignore_case=True)):
        return whole, nothing_wrong
    real = _cast(text, pa.float64())
    if real is not None and not _any(pc.is_nan(real)):
        return _exact(text, real), nothing_wrong
    return _parse_slowly(text)


def has_leading_zeros(text: pa.Array) -> bool:
    """Whether any value is digits after a zero, as postal codes and ids are: 01067, 007."""
    suspects = text.filter(pc.starts_with(text, "0"))  # fewer for the slow expression
    return _any(pc.match_substring_regex(suspects, PADDED))


def number_series(numbers: pa.Array | pa.ChunkedArray) -> pd.Series:
    """int64, Int64 (missing values) or float64 from Arrow's int64 or float64."""
    if isinstance(numbers, pa.ChunkedArray):
        numbers = numbers.combine_chunks()
    if pa.types.is_floating(numbers.type):
        return pd.Series(numbers.to_numpy(zero_copy_only=False))
    missing = numbers.is_null().to_numpy(zero_copy_only=False)
    values = numbers.fill_null(0).to_numpy()
    if not missing.any():
        return pd.Series(values)
    return pd.Series(pd.arrays.IntegerArray(values.copy(), missing.copy()))


def is_decimal(dtype: object) -> bool:
    """Whether a pandas dtype is one of Arrow's decimals."""
    return isinstance(dtype, pd.ArrowDtype) and pa.types.is_decimal(dtype.pyarrow_dtype)


def decimal_type(dtype: str) -> pa.DataType | None:
    """Arrow's type for the name of such a dtype, which pandas does not read; None for another."""
    named = re.fullmatch(r"(decimal(?:32|64|128|256))\((\d+), (-?\d+)\)\[pyarrow\]", dtype)
    return getattr(pa, named[1])(int(named[2]), int(named[3])) if named else None


def plain_numbers(decimals: pd.Series) -> pd.Series:
    """Arrow's decimals in int64, Int64 or float64, exactly where they are whole."""
    text = pa.array(decimals.array).cast(pa.string())
    return number_series(parse_numbers(text)[0]).set_axis(decimals.index)


def round_numbers(numbers: np.ndarray, decimals: int) -> np.ndarray:
    """float64 rounded to so many digits after the point; missing and infinite values are kept.

    ``numpy.round`` alone overflows for huge values, and moves large ones by a bit.
    """
    # beyond this, neighbouring floats are further apart than two roundings
    small = np.abs(numbers) < 2.0**53 / 10.0**decimals
    return np.where(small, np.round(np.where(small, numbers, 0.0), decimals), numbers)


def format_numbers(values: pd.Series, decimals: int | None) -> pa.Array:
    """Numbers as the shortest text that reads back equal; missing is null.

    Args:
        values: float64, int64 or Int64.
        decimals: digits to round to; None for no rounding.
    """
    if pd.api.types.is_integer_dtype(values.dtype):
        return pa.array(values, type=pa.int64(), from_pandas=True).cast(pa.string())
    numbers = values.to_numpy(dtype="float64")
    if decimals is not None:
        numbers = round_numbers(numbers, decimals)
    numbers = numbers + 0.0  # minus zero becomes zero
    return pa.array(numbers, from_pandas=True).cast(pa.string())


def _cast(text: pa.Array, kind: pa.DataType) -> pa.Array | None:
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        return None


def _exact(text: pa.Array, real: pa.Array) -> pa.Array:
    """Whole numbers that float64 would round, as 2**53 + 1 in a column with 2.0, in int64."""
    numbers = real.drop_null().to_numpy()
    largest = np.abs(numbers).max(initial=0.0)
    if not 2.0**53 <= largest < 2.0**63 or (numbers != np.floor(numbers)).any():
        return real
    exact = [None if value is None else Decimal(value) for value in text.to_pylist()]
    if any(value is not None and value != value.to_integral_value() for value in exact):
        return real
    return pa.array([None if value is None else int(value) for value in exact], pa.int64())


def _any(mask: pa.Array) -> bool:
    return bool(pc.any(mask).as_py())


def _parse_slowly(text: pa.Array) -> tuple[pa.Array, np.ndarray]:
    fits = pc.or_(
        pc.match_substring_regex(text, NUMBER, ignore_case=True),
        pc.match_substring_regex(text, INFINITE, ignore_case=True),
    )
    wrong = pc.invert(fits).fill_null(False).to_numpy(zero_copy_only=False)
    kept = pc.if_else(fits, text, None)
    numbers = [None if value is None else float(value) for value in kept.to_pylist()]
    return _exact(kept, pa.array(numbers, type=pa.float64())), wrong
