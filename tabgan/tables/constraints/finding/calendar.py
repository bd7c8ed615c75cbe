"""Parts of dates in columns of their own: days that exist, and dates that are put together."""

from __future__ import annotations

from itertools import product

import numpy as np

from tabgan.tables.constraints.columns import Columns, Numbers
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.finding.evidence import SURPRISE, Found
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import quoted
from tabgan.tables.constraints.values import is_date

PARTS = ("year", "month", "day", "hour", "minute")
LEAP = 2_024  # where no column says the year


def find_dates(columns: Columns) -> list[Found]:
    """``is_date(year, month, day)``, and dates that are their parts: ``date(y, m, d) + h / 24``.

    A date is what is given by its parts. Where only some of the parts are there, each of them is
    given by the date instead.
    """
    whole = {
        column.name: columns[column.name]
        for column in columns.schema.columns
        if column.kind == "integer" and not column.key and not np.isnan(columns[column.name]).any()
    }
    return [*_stamps(columns, whole), *_days(columns, whole)]


def _days(columns: Columns, whole: dict[str, Numbers]) -> list[Found]:
    """Columns of month and day, with one of years or without, that are days which exist."""
    months = {n: of for n, of in whole.items() if of.min() == 1 and of.max() == 12}
    days = {n: of for n, of in whole.items() if of.min() == 1 and of.max() in (30, 31)}
    years = {n: of for n, of in whole.items() if of.min() >= 1_500 and of.max() <= 2_500}
    found = []
    for month, day in product(months, days):
        m, d = whole[month], whole[day]
        evidence = _broken_by_chance(m, d)
        if evidence <= SURPRISE:
            continue
        for year in [*years, str(LEAP)]:
            y = whole.get(year, np.full(columns.n, float(LEAP)))
            if (is_date(y, m, d) == 1).all():
                name = quoted(year) if year in whole else year
                text = f"is_date({name}, {quoted(month)}, {quoted(day)})"
                found.append(Found(Filter(text), evidence))
                break
    return found


def _broken_by_chance(month: Numbers, day: Numbers) -> float:
    """Rows that would be no day of a leap year if month and day were put together at random."""
    months = np.bincount(month.astype(np.int64), minlength=13)[1:13]
    days = np.bincount(day.astype(np.int64), minlength=32)[1:32]
    valid = is_date(float(LEAP), np.arange(1.0, 13)[:, None], np.arange(1.0, 32)[None, :])
    return float((np.outer(months, days) * (valid == 0)).sum() / len(month))


def _stamps(columns: Columns, whole: dict[str, Numbers]) -> list[Found]:
    found = []
    for column in columns.schema.columns:
        if column.kind != "date" or column.key or np.isnan(columns[column.name]).any():
            continue
        parts = {part: _column_of(columns, whole, column.name, part) for part in PARTS}
        rule = _put_together(columns, column.name, parts)
        if rule is not None:
            found.append(Found(rule, float(columns.n)))
            continue
        for part, name in parts.items():
            if name in whole and len(np.unique(whole[name])) > 1:
                given = Equation(name, f"{part}({quoted(column.name)})")
                found.append(Found(given, float(columns.n)))
    return found


def _column_of(columns: Columns, whole: dict[str, Numbers], date: str, part: str) -> str | None:
    """The column that is a part of a date on every row; a number where it is the same on all."""
    values = Formula(f"{part}({quoted(date)})").numbers(columns)
    if (values == values[0]).all():
        return f"{values[0]:.0f}"
    return next((name for name, of in whole.items() if np.array_equal(of, values)), None)


def _put_together(columns: Columns, date: str, parts: dict[str, str | None]) -> Equation | None:
    names = {part: name and (quoted(name) if name in columns else name)
             for part, name in parts.items()}  # fmt: skip
    if not all(names[part] for part in ("year", "month", "day")):
        return None
    formula = f"date({names['year']}, {names['month']}, {names['day']})"
    for part, a_day in (("hour", 24), ("minute", 1_440)):
        name = names[part]
        if name is None:
            return None
        formula += "" if name == "0" else f" + {name} / {a_day}"
    rule = Equation(date, formula)
    if not rule.parts:
        return None
    computed = Formula(formula).value(columns).data
    return rule if np.allclose(computed, columns[date], rtol=0, atol=1e-6) else None
