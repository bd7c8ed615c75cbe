"""In which form the dates or clock times of a column are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import pandas as pd

from tabgan.tables.dates import ISO_DATE, MILLIS, format_dates, parse_dates
from tabgan.tables.dtypes import TEXT

ZONED = r":\d.*[Z+-]"
FRACTIONS = {0: "", 4: ".%3f", 7: ".%f"}  # by the length of .123

_WORDS = r"\d+|[A-Za-z]+|[^\dA-Za-z]+"
_ZONE = r"(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?$"
_CLOCK = re.compile(
    r"(?P<middle>T|,? |:|)(?P<H>\d{1,2}):(?P<M>\d\d)"
    r"(?::(?P<S>\d\d)(?:(?P<mark>[.,])(?P<f>\d{1,6}))?)?"
    rf"(?:(?P<blank> ?)(?P<half>[AaPp][Mm]))?{_ZONE}"
)
_COMPACT_CLOCK = re.compile(rf"(?P<middle>T|,? )\d{{4}}(?P<S>\d\d)?{_ZONE}")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_BETWEEN = re.compile(r"[-/. ]|\. |\.?, |\.-")  # numbers and words of a day
_SAMPLE = 20  # texts whose forms are tried on all
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # whole numbers, by their digits
COMPACT_FORMATS = frozenset(_COMPACT.values())
_COMPACT_YEARS = (1800, 2200, 9999)  # from, to, and until further notice
FEWEST_COMPACT = 3  # different ones: of a thousand numbers of 8 digits one is such a date


def found_date_format(texts: Sequence[str]) -> str | None:
    """The form in which most of some texts are dates or clock times, or None.

    Of 3/4/2024 and 3.4.2024, which may be either, the first is of March and the second of April.

    Args:
        texts: different ones, of which a few may be anything.
    """
    sample = pd.Series(list(texts), dtype=TEXT)
    formats = dict.fromkeys(f for text in texts[:_SAMPLE] for f in _formats_of(text))
    shares = {f: float(parse_dates(sample, f).notna().mean()) for f in formats}
    best = max(shares, key=lambda f: shares[f], default=None)  # the first of equals
    if best is None or shares[best] <= 0.5:
        return None
    dates = parse_dates(sample, best)

    def same(date_format: str) -> float:
        written = format_dates(dates, date_format).to_pandas()
        return float((pd.Series(written, dtype=TEXT) == sample).mean())

    return max(_spelled(best), key=same)


def iso_date_format(known: pd.Series) -> str | None:
    """The format that writes every ISO 8601 date as it came, where all have one form."""
    first = known.iloc[0]
    ((middle, seconds, fraction, zone),) = re.findall(ISO_DATE, first)
    same = re.sub(r"\d", r"\\d", re.escape(first.removesuffix(zone))) + re.escape(zone)
    if len(fraction) not in FRACTIONS or not known.str.fullmatch(same).all():
        return None
    time = f"{middle}%H:%M{seconds and ':%S'}{FRACTIONS[len(fraction)]}{zone}"
    return f"%Y-%m-%d{time if middle else ''}"


def is_iso(date_format: str) -> bool:
    """Whether a form is one of ISO 8601."""
    return re.match(r"%Y-%m-%d($|[T ]%H:%M($|:%S|Z|[+-]))", date_format) is not None


def compact_date_format(numbers: np.ndarray) -> str | None:
    """The form of whole numbers all of which are days or times, as 20141013 is; else None."""
    if not len(numbers):
        return None
    digits = {len(str(end)) for end in (numbers.min(), numbers.max())}
    date_format = _COMPACT.get(digits.pop()) if len(digits) == 1 else None
    if date_format is None or numbers.min() < 0:
        return None
    distinct = np.unique(numbers)
    if len(distinct) < FEWEST_COMPACT:
        return None
    years = distinct // 10 ** (len(str(distinct[0])) - 4)
    first, last, never = _COMPACT_YEARS
    if not (((years >= first) & (years <= last)) | (years == never)).all():
        return None
    dates = parse_dates(pd.Series(distinct).astype(TEXT), date_format)
    return date_format if dates.notna().all() else None


def _formats_of(text: str) -> Iterator[str]:
    """The forms that a text may be in, the usual one first, with leading zeros everywhere."""
    for end in _ends_of_day(text):
        clock = _clock_format(text[end:], alone=end == 0)
        if clock is not None:
            yield from (day + clock for day in _day_formats(text[:end]))


def _ends_of_day(text: str) -> Iterator[int]:
    """Where a day may end and a clock time begin."""
    yield len(text)
    clock = re.search(r"(?:T|,? |(?<=\d{4}):|^)\d{1,2}:\d\d|(?<=\d{8})[T ]\d{4}", text)
    if clock is not None:
        yield clock.start()


def _day_formats(day: str) -> list[str]:
    if not day:
        return [""]
    words = re.findall(_WORDS, day)
    numbers = [len(word) for word in words if word.isdigit()]
    between = [word for word in words if not word.isalnum()]
    named = [word.lower()[:3] for word in words if word.isalpha()]
    with_month = bool(named) and named[-1] in _MONTHS
    if not all(map(_BETWEEN.fullmatch, between)) or len(named) > 2:
        return []
    if any(name not in (_MONTHS if i else _MONTHS + _WEEKDAYS) for i, name in enumerate(named)):
        return []
    return [_filled(words, codes) for codes in _codes(numbers, between, with_month)]


def _codes(numbers: Sequence[int], between: Sequence[str], with_month: bool) -> list[str]:
    """What the numbers of a day may be, by how many digits each has: "dmY", "mdY", ..."""
    match tuple(numbers), with_month:
        case (8,), False:
            return ["c"]
        case (4, 1 | 2, 1 | 2), False:
            return ["Ymd"]
        case (1 | 2, 1 | 2, 4), False:
            return _both_orders(between[0], "Y")
        case (1 | 2, 1 | 2, 2), False if between[0] == "/" or numbers == [2, 2, 2]:
            return [*_both_orders(between[0], "y"), "ymd"]
        case (4, 2), False:
            return ["Ym"]
        case (1 | 2, 4), False:
            return ["mY"]
        case (1 | 2, 4), True:
            return ["dY"]
        case (4, 1 | 2), True:
            return ["Yd"]
        case (1 | 2, 2), True:
            return ["dy"]
        case (4,), True:
            return ["Y"]
        case (2,), True:
            return ["y"]
    return []


def _both_orders(separator: str, year: str) -> list[str]:
    return [f"md{year}", f"dm{year}"] if separator == "/" else [f"dm{year}", f"md{year}"]


def _filled(words: Sequence[str], codes: str) -> str:
    """The words of a day with a code for each number and name."""
    left, written = iter(codes), ""
    for word in words:
        if word.isdigit():
            code = next(left)
            written += "%Y%m%d" if code == "c" else f"%{code}"
        elif word.isalpha():
            short, long = ("%b", "%B") if word.lower()[:3] in _MONTHS else ("%a", "%A")
            written += short if len(word) == 3 else long
        else:
            written += word
    return written


def _clock_format(clock: str, *, alone: bool) -> str | None:
    """The form of what follows a day: nothing, or a clock time; None for anything else."""
    if not clock:
        return None if alone else ""
    if match := _CLOCK.match(clock):
        half = match["half"] or ""
        form = f"{match['middle']}%{'I' if half else 'H'}:%M"
        form += ":%S" if match["S"] else ""
        form += f"{match['mark']}{MILLIS if len(match['f']) == 3 else '%f'}" if match["f"] else ""
        form += f"{match['blank']}%p" if half else ""
    elif match := _COMPACT_CLOCK.match(clock):
        form = f"{match['middle']}%H%M{'%S' if match['S'] else ''}"
    else:
        return None
    return form + (match["zone"] or "") if bool(match["middle"]) != alone else None


def _spelled(date_format: str) -> Iterator[str]:
    """A form with or without leading zeros, months and halves of the day spelled in each way."""
    by_code = {
        code: codes
        for codes in (("%b", "%^b"), ("%B", "%^B"), ("%a", "%^a"), ("%A", "%^A"), ("%p", "%P"))
        if (code := codes[0]) in date_format
    }
    for days, hours, *others in product(("", "-"), ("", "-"), *by_code.values()):
        spelled = re.sub("%([dm])", rf"%{days}\1", date_format)
        spelled = re.sub("%([HI])", rf"%{hours}\1", spelled)
        for code, other in zip(by_code, others, strict=True):
            spelled = spelled.replace(code, other)
        yield spelled
