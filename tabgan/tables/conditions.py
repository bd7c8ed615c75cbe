"""Conditions on rows: per column a value, a set, a range or missing; a class mix; a file.

One grammar for the command line, a file of conditions and Python:

    =====================  =======================  =========================
    requested                  as text                  in Python
    =====================  =======================  =========================
    a value                ``Doctorate`` ``38``     ``"Doctorate"`` ``38``
    a set                  ``[Bachelors,Masters]``  a list, set, array, ...
    a range, both ends in  ``60..70`` ``60..``      ``(60, 70)`` ``(60, None)``
    missing                ``?``                    ``None``, NaN, ``pd.NA``
    =====================  =======================  =========================

Dates are ISO 8601; a year, a month or a day as text is all of it, at the end of a range too. The
members of a set may be ranges; a category that is itself written in brackets, or with dots, wins.
A value with more decimals than its column has is refused, and so is a range between two values.
Numbers and dates may also be in the form of the table: $5,000.00, 31.12.2024, 14:30. A label may be
spelled otherwise: 1 or 1.0, true or True.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from tabgan.errors import TabganError, nearest, one_line
from tabgan.tables.date_forms import is_iso
from tabgan.tables.dates import MICROS, format_dates, naive_objects, parse_dates, zone_of
from tabgan.tables.dtypes import TEXT
from tabgan.tables.numbers import NUMBER, round_numbers
from tabgan.tables.readers.csv import read_cells
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.spelling import spellings

MISSING = "?"
SHARES_MAY_MISS = 1e-6  # of 1, in sum
NARROW: dict[str, type[np.floating[Any]]] = {  # as pandas and Arrow spell them
    "float16": np.float16, "halffloat[pyarrow]": np.float16,
    "float32": np.float32, "float[pyarrow]": np.float32,
}  # fmt: skip

# what Python takes for a number and pandas for a date is more: 1_000, full-width digits, "now"
_NUMBER = re.compile(NUMBER, re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?)?)?", re.ASCII)
_PERIOD = re.compile(r"\d{4}(?:-\d\d){0,2}", re.ASCII)

Where = Mapping[str, Any]  # column -> what is requested of it, in either form above


@dataclass(frozen=True, kw_only=True)
class Requested:
    """The request for one column.

    Attributes:
        column: the column.
        spans: inclusive (low, high), ascending and apart; category codes, numbers, or dates in
            microseconds since 1970; a single value is a span of itself.
        missing: whether a missing value will do.
        text: as it was requested, for messages.
    """

    column: Column
    spans: tuple[tuple[float, float], ...]
    missing: bool
    text: str

    def __str__(self) -> str:
        return f"where.{self.column.name}={self.text}"

    def matches(self, values: pd.Series) -> NDArray[np.bool_]:
        """Values of a conforming column that are as requested, bool [n], by labels, not codes."""
        known = values.notna().to_numpy()
        if self.column.is_nominal:
            labels = [self.column.categories[int(low)] for low, _ in self.spans]
            return np.where(known, values.isin(labels).to_numpy(), self.missing)
        numbers = _plain_numbers(self.column, values)
        inside = np.zeros(len(values), bool)
        for low, high in self.spans:
            inside |= (numbers >= low) & (numbers <= high)
        return np.where(known, inside, self.missing)


def read_where(schema: TableSchema, where: Where) -> dict[str, Requested]:
    """The request for each column that ``where`` names.

    Raises:
        TabganError: for what is no mapping, an unknown column, or a value that the column cannot
            have.
    """
    if not isinstance(where, Mapping):
        example = "{'age': (30, 40), 'job': ['cook', 'clerk']}"
        raise TabganError(f"where: expected a dict of columns such as {example}, got {where!r}")
    for name in where:
        if name not in schema.names:
            raise TabganError(f"where.{name}: no such column; {nearest(str(name), schema.names)}")
    return {name: read_requested(schema[name], value) for name, value in where.items()}


def read_requested(column: Column, value: Any) -> Requested:
    """The request for a column that ``value`` stands for, in a form of the module's docstring.

    Raises:
        TabganError: when it is not a value that the column can have; the nearest is named.
    """
    value = members(value)
    text = _text_of(value)
    entries = _entries(column, value)
    if not entries:
        raise TabganError(f"where.{column.name}={text}: an empty set, which no row satisfies")
    if column.kind == "string":
        raise TabganError(f"where.{column.name}={text}: a text column cannot be requested")
    spans, missing = [], False
    for entry in entries:
        span = _span(column, entry)
        missing |= span is None
        spans += [] if span is None else [span]
    return Requested(column=column, spans=_apart(spans), missing=missing, text=text)


def members(value: Any) -> Any:
    """The members of any set (an array, a Series, a range) as a list; all else as it is."""
    if isinstance(value, np.ndarray):
        return list(np.atleast_1d(value))
    is_one = isinstance(value, str | bytes | tuple | Mapping) or not isinstance(value, Iterable)
    return value if is_one else list(value)


def read_mix(column: Column, mix: str | Mapping[Any, float]) -> dict[str, float]:
    """Shares of the target's classes, from ``label:share,label:share`` or a mapping.

    Raises:
        TabganError: for a target of no classes, for an unknown class, or for shares that do not
            sum to 1.
    """
    if not column.is_nominal:
        raise TabganError(f"mix: the target {column.name!r} is {column.kind} and has no classes")
    if not isinstance(mix, str | Mapping):
        example = {label: 1 / len(column.categories) for label in column.categories[:2]}
        raise TabganError(f"mix: expected a share per class such as {example}, got {mix!r}")
    shares = _mix_entries(mix) if isinstance(mix, str) else {str(k): v for k, v in mix.items()}
    for label, share in shares.items():
        _code(column, label, key="mix")
        if not isinstance(share, Real) or not 0 <= share <= 1:
            raise TabganError(f"mix: expected a share in [0, 1] of {label!r}, got {share!r}")
    total = math.fsum(shares.values())
    if abs(total - 1) > SHARES_MAY_MISS:
        raise TabganError(f"mix: expected shares that sum to 1, got {shares} with the sum {total}")
    return {label: share for label, share in shares.items() if share}


def read_conditions(path: Path) -> list[dict[str, Any]]:
    """A CSV file of conditions: per row what is requested, empty cells left out.

    The delimiter is the one that the header uses most, as of tables.

    Raises:
        TabganError: when the file is absent, damaged or has no rows.
    """
    try:
        cells = read_cells(path)
    except TabganError as error:
        raise TabganError(f"like={path}: {error}") from error
    if len(cells) == 0:
        raise TabganError(f"like={path}: no rows; expected one condition per row")
    cells = cells.apply(lambda column: column.str.strip())
    return conditions_of(cells.where(cells != ""))


def conditions_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The condition of each row of a table: the values of its cells that are not missing."""
    rows = table.itertuples(index=False, name=None)
    return [
        {name: cell for name, cell in zip(table.columns, row, strict=True) if not _is_none(cell)}
        for row in rows
    ]


def shown(column: Column, number: float) -> str:
    """A value of a span (``Requested.spans``) as a person writes it; missing is ``?``."""
    if math.isnan(number):
        return MISSING
    if column.is_nominal:
        return repr(column.categories[int(number)])
    if column.kind == "date":
        moment = pd.Series(np.array([int(number)], "int64").astype(MICROS))
        is_clock = column.date_format is not None and "%Y" not in column.date_format
        text: str = format_dates(moment, column.date_format if is_clock else None)[0].as_py()
        return text.removesuffix("T00:00:00")
    return format(number, ".10g")


def _plain_numbers(column: Column, values: pd.Series) -> NDArray[np.float64]:
    if column.kind == "date":
        return np.asarray(values.astype("int64").to_numpy().astype(np.float64))
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    # of a file in float32 they are 20.100000381, and 20.1 is what a row has
    return numbers if column.decimals is None else round_numbers(numbers, column.decimals)


def _text_of(value: Any) -> str:
    if _is_none(value):
        return MISSING
    if isinstance(value, tuple):
        return "..".join("" if end is None else str(end) for end in value)
    if isinstance(value, list):
        return f"[{','.join(map(_text_of, value))}]"
    return one_line(value)


def _entries(column: Column, value: Any) -> list[Any]:
    """The members of a set, or the one thing that is requested."""
    if isinstance(value, list):
        return value
    is_text = isinstance(value, str) and value not in column.categories
    if is_text and value.startswith("[") and value.endswith("]"):
        return [member.strip() for member in value[1:-1].split(",") if member.strip()]
    return [value]


def _span(column: Column, entry: Any) -> tuple[float, float] | None:
    """The inclusive span of one value or range, or None for missing."""
    if _is_missing(column, entry):
        if not column.missing:
            what = f"; {nearest(MISSING, column.categories)}" if column.is_nominal else ""
            raise TabganError(f"where.{column.name}=?: no value of this column was missing{what}")
        return None
    if column.is_nominal:
        code = _code(column, entry, key=f"where.{column.name}")
        return code, code
    ends = _ends(entry)
    low, high = (_number(column, end) if end is not None else None for end in ends)
    high = high if high is None else _last(column, ends[1], high)
    if low is not None and high is not None and low > high:
        raise TabganError(
            f"where.{column.name}={_text_of(entry)}: a range runs from its low to its high end"
        )
    if low is not None and high is not None and (why := _between_values(column, low, high)):
        raise TabganError(f"where.{column.name}={_text_of(entry)}: {why}")
    return (-math.inf if low is None else low), (math.inf if high is None else high)


def _between_values(column: Column, low: float, high: float) -> str:
    """Why no value of the column lies in a span, which its decimals or its form rule out; or ""."""
    if column.kind == "date":
        return _between_moments(column, low, high)
    decimals = 0 if column.kind == "integer" else column.decimals
    if decimals is None:
        return ""
    near, step = round(low, decimals), 10.0**-decimals
    below = near if near <= low else round(low - step, decimals)
    above = round(below + step, decimals)
    if low <= near <= high or low <= above <= high:
        return ""
    one, other = f"{below:.{decimals}f}", f"{above:.{decimals}f}"
    has = f"numbers of {decimals} decimal{'s'[: decimals > 1]}" if decimals else "whole numbers"
    return f"{column.name} holds {has}; give {one}, {other} or {one}..{other}"


def _between_moments(column: Column, low: float, high: float) -> str:
    """The same of dates: the last one before the end that the column's form can write."""
    if column.date_format is None or zone_of(column.date_format) != "UTC":
        return ""
    end = pd.Series(np.array([int(high)], "int64").astype(MICROS))
    written = format_dates(end, column.date_format)[0].as_py()
    if not _micros(parse_dates(pd.Series([written], dtype=TEXT), column.date_format)) < low:
        return ""
    return f"{column.name} is written like {written}, which cannot say that"


def _is_missing(column: Column, entry: Any) -> bool:
    if isinstance(entry, str):
        is_mark = entry == MISSING and MISSING not in column.categories
        return is_mark or entry in column.missing_values
    return _is_none(entry)


def _is_none(entry: Any) -> bool:
    """None, NaN, NaT and pd.NA say alike that nothing is there."""
    return bool(pd.api.types.is_scalar(entry) and pd.isna(entry))


def _ends(entry: Any) -> tuple[Any, Any]:
    """Both ends of a range, None where it is open; of a single value that value twice."""
    if isinstance(entry, tuple):
        if len(entry) != 2:
            raise TabganError(f"where: a range is a pair (low, high), got {entry!r}")
        low, high = entry
        return _unless(low, -math.inf), _unless(high, math.inf)
    if isinstance(entry, str) and ".." in entry:
        low, _, high = entry.partition("..")
        return low.strip() or None, high.strip() or None
    return entry, entry


def _unless(end: Any, open_end: float) -> Any:
    """``end``, or None where it is the infinity that leaves a range open."""
    return None if isinstance(end, Real) and end == open_end else end


def _code(column: Column, entry: Any, *, key: str) -> float:
    if isinstance(entry, tuple):
        raise TabganError(
            f"{key}={_text_of(entry)}: a range needs numbers or dates, and the column is "
            f"{column.kind}; ask for a set of its categories"
        )
    label = _label(column, entry)
    if label not in column.categories:
        valid = [*column.categories, *([MISSING] if column.missing else [])]
        raise TabganError(f"{key}: no category {label!r}; {nearest(label, valid)}")
    return float(column.categories.index(label))


def _label(column: Column, entry: Any) -> str:
    """What is requested, as a category spells it: midnight may be a day, True may be true."""
    is_moment = isinstance(entry, date | np.datetime64)
    label = str(pd.Timestamp(entry) if is_moment else entry)
    if label not in column.categories and is_moment:
        label = label.removesuffix(" 00:00:00")
    elif label not in column.categories and isinstance(entry, bool | np.bool_):
        label = label.lower()
    return spellings(column.categories, [label])[label]


def _number(column: Column, entry: Any) -> float:
    number = _plain_number(column, entry)
    if not math.isfinite(number):
        expected = "an ISO 8601 date" if column.kind == "date" else "a number"
        if column.kind == "date" and column.date_format and not is_iso(column.date_format):
            example = pd.Series(np.array(["2024-12-31T14:30"], MICROS))
            expected += f" or one like {format_dates(example, column.date_format)[0].as_py()}"
        raise TabganError(
            f"where.{column.name}: expected {expected}, low..high, a set [a,b] or {MISSING}, "
            f"got {_text_of(entry)!r}"
        )
    return number


def _last(column: Column, entry: Any, number: float) -> float:
    """The last moment of a year, a month or a day that is given as text, or else ``number``."""
    if column.kind != "date" or not isinstance(entry, str) or not _PERIOD.fullmatch(entry.strip()):
        return number
    following = np.datetime64(entry.strip()) + 1  # in its own unit
    return math.nextafter(float(following.astype("datetime64[us]").astype(np.int64)), -math.inf)


def _plain_number(column: Column, entry: Any) -> float:
    """A number, or a date in microseconds since 1970; NaN for anything else."""
    is_date = column.kind == "date"
    if isinstance(entry, str):
        entry = entry.strip()
        if not (_DATE if is_date else _NUMBER).fullmatch(entry):
            return _in_form(column, entry)
    elif is_date and isinstance(entry, int | float | np.number):
        return math.nan
    try:
        if not is_date:
            return _in_decimals(column, entry)
        if isinstance(entry, time):
            return _micros(naive_objects(pd.Series([entry], dtype=object)))
        moment = pd.Timestamp(entry)
        if moment is pd.NaT:
            return math.nan
        if moment.tz:
            moment = moment.tz_convert(zone_of(column.date_format)).tz_localize(None)
        return float(moment.to_datetime64().astype(MICROS).astype(np.int64))
    except (ValueError, TypeError, OverflowError):
        return math.nan


def _in_form(column: Column, entry: str) -> float:
    """A number or a date as the column writes it: $5,000.00, 31.12.2024, 14:30; NaN for others."""
    if column.kind == "date":
        if column.date_format is None or is_iso(column.date_format):
            return math.nan
        return _micros(parse_dates(pd.Series([entry], dtype=TEXT), column.date_format))
    if column.number_format is None:
        return math.nan
    numbers, _ = column.number_form.parse(pa.array([entry], pa.string()))
    return math.nan if numbers[0].as_py() is None else float(numbers[0].as_py())


def _micros(dates: pd.Series) -> float:
    return math.nan if dates.isna()[0] else float(dates.astype("int64")[0])


def _in_decimals(column: Column, entry: Any) -> float:
    """A number in the column's decimals, where its dtype cannot tell it from the one given.

    In float32 16.37112 is 16.3711205, if it is so that the column's seven decimals write it.
    """
    number = float(entry)
    dtypes = (str(dtype).lower() for dtype in (getattr(entry, "dtype", None), column.dtype))
    narrow = next((NARROW[dtype] for dtype in dtypes if dtype in NARROW), None)
    if column.kind != "numeric" or narrow is None or abs(number) > float(np.finfo(narrow).max):
        return number
    held = narrow(number)
    if column.decimals is None:
        return float(held)
    written = float(round_numbers(np.array(float(held)), column.decimals))
    return written if narrow(written) == held else number


def _apart(spans: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Ascending, and joined where they overlap."""
    joined: list[tuple[float, float]] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        else:
            joined.append((low, high))
    return tuple(joined)


def _mix_entries(text: str) -> dict[str, float]:
    entry = re.compile(r"\s*(?P<label>.+?)\s*:\s*(?P<share>\d*\.?\d+(?:e-?\d+)?)\s*(?:,|$)", re.I)
    shares: dict[str, float] = {}
    position = 0
    while position < len(text):
        match = entry.match(text, position)
        if match is None or match["label"] in shares:
            raise TabganError(f"mix={text}: expected label:share,label:share, each label once")
        shares[match["label"]], position = float(match["share"]), match.end()
    return shares


def all_match(requested: Sequence[Requested], table: pd.DataFrame) -> NDArray[np.bool_]:
    """The rows of a conforming table that are as requested in every column, bool [n]."""
    masks = [one.matches(table[one.column.name]) for one in requested]
    return np.logical_and.reduce(masks) if masks else np.ones(len(table), bool)
