"""Values of a formula's parts, and what can be done with them: count, compare, choose."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from tabgan.errors import TabganError, nearest
from tabgan.tables.constraints.columns import Numbers
from tabgan.tables.schema import Column
from tabgan.tables.spelling import spellings

EXACT = 1e-9  # of the larger of two numbers that were reckoned, what rounding leaves
DAY = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?"
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """The value of a part of a formula in every row.

    Attributes:
        kind: "number", "date" (days since 1970), "label" or "truth" (1, 0, NaN for unknown).
        data: [n], or one for all rows; labels are codes of ``column``, or objects, None where
            missing.
        column: the nominal column whose codes these are, NaN where missing.
        reckoned: whether a number may be off by rounding.
    """

    kind: str
    data: Any
    column: Column | None = None
    reckoned: bool = False


def truth_of(value: Value) -> Any:
    """1, 0 or NaN; of a column of true and false, too.

    Raises:
        TabganError: for anything else.
    """
    if value.kind == "truth":
        return value.data
    if value.column is not None and len(value.column.categories) == 2:
        meant = spellings(value.column.categories, ["true", "1"])
        words = [word for word in meant.values() if word in value.column.categories]
        if words:
            return _unless(np.isnan(value.data), value.data == code_of(value.column, words[0]))
    raise TabganError(f"expected something true or false, got a {value.kind}")


def joined(one: Any, other: Any, *, either: bool) -> Any:
    """``or``, else ``and``, of Kleene's logic."""
    decides = 1.0 if either else 0.0
    decided = (one == decides) | (other == decides)
    unknown = np.isnan(one) | np.isnan(other)
    return np.where(decided, decides, _unless(unknown, 1 - decides))


def numbers_of(value: Value) -> Any:
    """Numbers; of categories that are numbers, too.

    Raises:
        TabganError: for text and dates.
    """
    if value.kind in ("number", "truth"):
        return value.data
    if value.column is not None:
        return np.array([*_counted(value.column), np.nan])[_positions(value.data)]
    what = repr(value.data) if isinstance(value.data, str) else f"a {value.kind}"
    raise TabganError(f"expected a number, got {what}")


def days_of(value: Value) -> Any:
    """Days since 1970, of a date or of text that is one.

    Raises:
        TabganError: for anything else.
    """
    if value.kind == "date":
        return value.data
    if isinstance(value.data, str) and re.fullmatch(DAY, value.data):
        try:
            return (pd.Timestamp(value.data) - pd.Timestamp(0)) / pd.Timedelta(days=1)
        except ValueError:
            pass  # the 30th of February
    what = repr(value.data) if isinstance(value.data, str) else f"a {value.kind}"
    raise TabganError(f"expected a date such as '2024-01-31', got {what}")


def labels_of(value: Value) -> Any:
    """Labels as objects, None where missing.

    Raises:
        TabganError: for numbers and dates.
    """
    if value.column is not None:
        return np.array([*value.column.categories, None], dtype=object)[_positions(value.data)]
    if value.kind != "label":
        raise TabganError(f"expected text, got a {value.kind}")
    return value.data


def code_of(column: Column, label: str | float) -> float:
    """The code of a category, however it is spelled.

    Raises:
        TabganError: when there is none; the nearest is named.
    """
    text = label if isinstance(label, str) else f"{label:g}"
    meant = spellings(column.categories, [text])[text]
    if meant not in column.categories:
        raise TabganError(
            f"column {column.name!r} has no category {text!r}; {nearest(text, column.categories)}"
        )
    return float(column.categories.index(meant))


def compared(one: Value, op: ast.cmpop, other: Value) -> Any:
    """The truth of a comparison; numbers that were reckoned are the same but for rounding."""
    if "date" in (one.kind, other.kind):
        left, right = days_of(one), days_of(other)
    elif isinstance(op, ast.Eq | ast.NotEq) and "label" in (one.kind, other.kind):
        return _same(one, other) if isinstance(op, ast.Eq) else 1 - _same(one, other)
    else:
        left, right = numbers_of(one), numbers_of(other)
        if one.reckoned or other.reckoned:
            largest = np.maximum(np.abs(left), np.abs(right))
            near = (np.abs(left - right) <= EXACT * largest) & np.isfinite(largest)
            right = np.where(near, left, right)
    return _unless(np.isnan(left) | np.isnan(right), COMPARISONS[type(op)](left, right))


def shifted(node: ast.BinOp, one: Value, other: Value) -> Value:
    """Days between two dates, or a date some days from another.

    Raises:
        TabganError: for any other arithmetic with dates.
    """
    both = one.kind == other.kind == "date"
    if isinstance(node.op, ast.Sub) and both:
        return Value("number", one.data - other.data)
    if isinstance(node.op, ast.Add) and not both:
        date, days = (one, other) if one.kind == "date" else (other, one)
        return Value("date", date.data + numbers_of(days))
    if isinstance(node.op, ast.Sub) and one.kind == "date":
        return Value("date", one.data - numbers_of(other))
    raise TabganError(f"{ast.unparse(node)}: expected date - date, date + days or date - days")


def extreme(values: Sequence[Value], choose: Callable[[Any, Any], Any]) -> Value:
    """The least or the greatest of each row; missing where any is."""
    kind = "date" if any(value.kind == "date" for value in values) else "number"
    of = days_of if kind == "date" else numbers_of
    return Value(kind, reduce(choose, map(of, values)), reckoned=any(v.reckoned for v in values))


def chosen(condition: Value, one: Value, other: Value) -> Value:
    """One where the condition is true, the other where it is false, missing where unknown."""
    truth = truth_of(condition)
    if "label" in (one.kind, other.kind):
        labels = np.where(truth == 1, labels_of(one), labels_of(other)).astype(object)
        return Value("label", np.where(np.isnan(truth), None, labels))
    kind = "date" if "date" in (one.kind, other.kind) else "number"
    of = days_of if kind == "date" else numbers_of
    data = _unless(np.isnan(truth), np.where(truth == 1, of(one), of(other)))
    return Value(kind, data, reckoned=one.reckoned or other.reckoned)


def calendar(name: str, value: Value) -> Numbers:
    """A date's year, month, day of the month, weekday (Monday is 0), hour or minute."""
    days = np.asarray(days_of(value), np.float64)
    minutes = np.floor(np.nan_to_num(days % 1) * 1440 + EXACT * 1440)
    dates = np.nan_to_num(np.floor(days)).astype("datetime64[D]")
    months, years = dates.astype("datetime64[M]"), dates.astype("datetime64[Y]")
    found = {
        "year": years.astype(np.int64) + 1970,
        "month": (months - years).astype(np.int64) + 1,
        "day": (dates - months).astype(np.int64) + 1,
        "weekday": (dates.astype(np.int64) + 3) % 7,  # the first of 1970 was a Thursday
        "hour": minutes // 60,
        "minute": minutes % 60,
    }
    return _unless(np.isnan(days), found[name])


def is_date(year: Any, month: Any, day: Any) -> Numbers:
    """Whether there is such a day in the Gregorian calendar; NaN where a part is missing."""
    there = (np.abs(year) < 10_000) & (month >= 1) & (month <= 12) & (month % 1 == 0)
    first, following = _month(np.where(there, year, 1970), np.where(there, month, 1))
    exists = there & (day >= 1) & (day <= (following - first).astype(np.int64)) & (day % 1 == 0)
    return _unless(np.isnan(year) | np.isnan(month) | np.isnan(day), exists)


def date_of(year: Any, month: Any, day: Any) -> Numbers:
    """The day since 1970; of a day that a month has not, the month's last; NaN for no month."""
    year, month, day = np.broadcast_arrays(*np.atleast_1d(year, month, day))
    first, following = _month(year, month)
    last = (following - first).astype(np.int64)
    there = is_date(year, month, np.ones_like(day)) == 1
    days = first.astype(np.int64) + np.minimum(np.nan_to_num(day), last) - 1
    return _unless(~there | np.isnan(day) | (day < 1), days)


def clock_of(minutes: Any, midnight: float = 0) -> Numbers:
    """The time of day, written hhmm, so many minutes after (or before) midnight."""
    minutes = np.asarray(minutes) % 1440
    clock = minutes // 60 * 100 + minutes % 60
    return np.where(clock == 0, midnight, clock)


def clock_minutes(clock: Any) -> Numbers:
    """Minutes since midnight of times of day written hhmm, 0 to 2400; of others NaN."""
    is_time = (clock >= 0) & (clock <= 2400) & (clock % 100 < 60)
    return _unless(~is_time, clock // 100 * 60 + clock % 100)


def _month(year: Any, month: Any) -> tuple[Any, Any]:
    """The first day of a month and of the following one, datetime64[D]."""
    sane = (np.abs(year) < 10_000) & (month >= 1) & (month <= 12)
    months = np.where(sane, (np.nan_to_num(year) - 1970) * 12 + np.nan_to_num(month) - 1, 0)
    return tuple(
        (months.astype(np.int64) + more).astype("datetime64[M]").astype("datetime64[D]")
        for more in (0, 1)
    )  # type: ignore[return-value]


def _same(one: Value, other: Value) -> Any:
    """Whether labels are the same; a constant is one of the column's categories."""
    if one.column is None:
        one, other = other, one
    if one.column is not None and isinstance(other.data, str | float):
        return _unless(np.isnan(one.data), one.data == code_of(one.column, other.data))
    left, right = labels_of(one), labels_of(other)
    return _unless(pd.isna(left) | pd.isna(right), np.asarray(left == right))


def _counted(column: Column) -> list[float]:
    try:
        return [float(category) for category in column.categories]
    except ValueError:
        some = column.categories[0]
        raise TabganError(
            f"column {column.name!r} has categories such as {some!r}, which are no numbers"
        ) from None


def _positions(codes: Any) -> Any:
    """Codes as positions of a list that ends with what is missing."""
    return np.where(np.isnan(codes), -1, codes).astype(np.int64)


def _unless(unknown: Any, data: Any) -> Numbers:
    """The data as float64, NaN where unknown."""
    return np.where(unknown, np.nan, data)
