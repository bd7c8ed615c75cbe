"""Dates and clock times as text: in which form they are written, read and written back.

A form is a ``strftime`` format with four codes of our own (the last three are glibc's)::

    %3f   milliseconds, three digits
    %-d   without a leading zero; of days, months, hours, minutes and seconds
    %^b   in capitals: OCT
    %P    am and pm

ARFF speaks Java's ``SimpleDateFormat`` instead. A clock time alone is one of 1 January 1900.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabgan.errors import TabganError
from tabgan.tables.dtypes import TEXT

MILLIS = "%3f"
ARFF_DATE = "yyyy-MM-dd'T'HH:mm:ss"  # Weka's default
CLOCK_DAY = date(1900, 1, 1)  # of a clock time alone, as strptime has it
MICROS_A_DAY = 86_400_000_000
MICROS = "datetime64[us]"  # of every date of a table: from 290,000 years ago to as many ahead

JAVA = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%f",
    "EEEE": "%A",
    "EEE": "%a",
    "DDD": "%j",
    "a": "%p",
}
STRFTIME = {"%P": "a", "%^b": "MMM", "%^B": "MMMM"} | {code: java for java, code in JAVA.items()}

ISO_DATE = (
    r"\d{4}-\d{2}-\d{2}"
    r"(?:([T ])\d{2}:\d{2}(?:(:\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)

_JAVA_TOKEN = re.compile(r"''|'(?P<literal>(?:[^']|'')+)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)")
_PYTHON_TOKEN = re.compile(r"%(?P<code>[-^]?.)|(?P<letters>[A-Za-z]+)|(?P<other>.)", re.DOTALL)
_OWN_CODE = re.compile(r"(%3f|%f|%P|%[-^][A-Za-z])")  # that Arrow does not write


def strftime_of(java: str) -> str:
    """The ``strftime`` format of a Java format, such as ``yyyy-MM-dd'T'HH:mm:ss``.

    Raises:
        TabganError: when a letter of the format is not supported (time zones are not), or the
            same part of a date stands in it twice.
    """
    strftime = "".join(_to_python(match, java) for match in _JAVA_TOKEN.finditer(java))
    check_date_format(strftime)
    return strftime


def check_date_format(strftime: str) -> None:
    """Refuse what pandas reads no date by.

    Raises:
        TabganError: for an unknown code, or one that stands twice.
    """
    try:
        parse_dates(pd.Series(["x"], dtype=TEXT), strftime)
    except (ValueError, re.error) as error:
        raise TabganError(f"date format {strftime!r}: {error}") from error


def parse_dates(text: pd.Series, date_format: str | None) -> pd.Series:
    """Dates from text as the clock shows them, datetime64[us]; NaT where the text is none.

    Args:
        text: missing is NaT.
        date_format: a format as above; None reads ISO 8601, times of a zone as UTC.
    """
    codes, distinct = pd.factorize(text)
    moments = _parse(pd.Series(distinct, dtype=TEXT), date_format)
    return pd.Series(np.append(moments, np.datetime64("NaT", "us"))[codes], text.index)


def moment_text(moment: np.datetime64) -> str:
    """A moment as a person reads it: a day, with its time if it has one; or a clock time alone."""
    day, _, clock = str(moment.astype("datetime64[s]")).partition("T")
    if day == str(CLOCK_DAY):
        return clock
    return day if clock == "00:00:00" else f"{day} {clock}"


def days_text(days: float) -> str:
    """The same of days since 1970."""
    return moment_text(np.datetime64(round(days * MICROS_A_DAY), "us"))


def zone_of(date_format: str | None) -> str:
    """The time zone of a format's dates: the offset that it ends in, as ``+01:00``, or UTC."""
    offset = re.search(r"%[MSf]([+-]\d{2}:?\d{2})$", date_format or "")
    return offset[1] if offset else "UTC"


def are_dates(dtype: Any) -> bool:
    """Whether a dtype is one of dates or datetimes, Arrow's too."""
    if isinstance(dtype, pd.ArrowDtype):
        kind = dtype.pyarrow_dtype
        return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
    return bool(pd.api.types.is_datetime64_any_dtype(dtype))


def naive(dates: pd.Series, date_format: str | None = None) -> pd.Series:
    """Datetimes of any dtype as ``datetime64[us]``, those of a time zone as of ``zone_of``."""
    if isinstance(dates.dtype, pd.ArrowDtype):
        moments = pa.chunked_array(pa.array(dates.array))
        zone = moments.type.tz if pa.types.is_timestamp(moments.type) else None
        plain = moments.cast(pa.timestamp("us", zone)).to_numpy().astype(MICROS)
        dates = pd.Series(plain, dates.index)
        dates = dates.dt.tz_localize("UTC") if zone else dates
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert(zone_of(date_format)).dt.tz_localize(None)
    return dates.astype(MICROS)


def naive_objects(values: pd.Series) -> pd.Series:
    """Python's dates, datetimes (of a time zone as UTC) and clock times as datetime64[us]."""
    known = values.notna().to_numpy()
    moments = np.full(len(values), "NaT", MICROS)
    moments[known] = [_moment(value) for value in values[known]]
    return pd.Series(moments, values.index)


def java_of(strftime: str) -> str:
    """The Java format of a ``strftime`` format; microseconds become milliseconds.

    Raises:
        TabganError: when a code of the format is not supported.
    """
    tokens = _PYTHON_TOKEN.finditer(strftime.replace(MILLIS, "%f"))
    return "".join(_to_java(match, strftime) for match in tokens)


def format_dates(values: pd.Series, date_format: str | None, *, millis: bool = False) -> pa.Array:
    """Dates as text, missing is null.

    Args:
        values: datetime64[us].
        date_format: a format as above; None writes ISO 8601 with microseconds where a value has
            any.
        millis: whether ``%f`` is written with three digits too, as Java reads it.
    """
    moments = pa.array(values, pa.timestamp("us"), from_pandas=True)
    if date_format is None:
        iso = pc.strftime(moments, format="%Y-%m-%dT%H:%M:%S")
        return pc.replace_substring(iso, ".000000", "")
    if millis:
        date_format = date_format.replace("%f", MILLIS)
    codes = [code for code in _OWN_CODE.split(date_format) if code]
    parts = [_written(moments, code) for code in codes] or [_written(moments, "")]
    return pc.binary_join_element_wise(*parts, "")


def _parse(texts: pd.Series, date_format: str | None) -> np.ndarray:
    """datetime64[us] of different texts."""
    plain = "ISO8601" if date_format is None else plain_codes(date_format)
    texts = texts.where(texts.str.contains(r"\d", na=False))  # pandas reads "now" by any format
    read = pd.to_datetime(texts, format=plain, errors="coerce", utc=True)
    moments: np.ndarray = read.dt.tz_localize(None).to_numpy().astype(MICROS)
    for position in np.flatnonzero(np.isnat(moments) & texts.notna().to_numpy()):
        moments[position] = _far(
            texts.iloc[position], date_format
        )  # pandas 2 ends at the year 2262
    return moments


def _far(text: str, date_format: str | None) -> np.datetime64:
    """A date of any year, NaT for what is none."""
    try:
        if date_format is not None:
            return np.datetime64(datetime.strptime(text, plain_codes(date_format)), "us")
        if not re.fullmatch(ISO_DATE, text):
            return np.datetime64("NaT", "us")
        moment = datetime.fromisoformat(text)
        return np.datetime64(_moment(moment), "us")
    except (ValueError, OverflowError):
        return np.datetime64("NaT", "us")


def _moment(value: Any) -> Any:
    if isinstance(value, time):
        return np.datetime64(datetime.combine(CLOCK_DAY, value.replace(tzinfo=None)), "us")
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(value, "us")


def plain_codes(date_format: str) -> str:
    """The codes that a parser knows: it reads leading zeros and capitals where there are any."""
    plain = date_format.replace(MILLIS, "%f").replace("%P", "%p")
    return re.sub(r"%[-^]", "%", plain)


def _written(moments: pa.Array, code: str) -> pa.Array:
    """One code of our own, or a run of Arrow's."""
    if code in ("%f", MILLIS):
        micros = pc.add(pc.multiply(pc.millisecond(moments), 1000), pc.microsecond(moments))
        digits = pc.utf8_lpad(pc.cast(micros, pa.string()), 6, "0")
        return digits if code == "%f" else pc.utf8_slice_codeunits(digits, 0, 3)
    seconds = pc.cast(pc.floor_temporal(moments, unit="second"), pa.timestamp("s"), safe=False)
    if code == "%P":
        return pc.utf8_lower(pc.strftime(seconds, format="%p"))
    text = pc.strftime(seconds, format=code.replace("%-", "%").replace("%^", "%"))
    if code.startswith("%-"):
        return pc.replace_substring_regex(text, "^0", "")
    return pc.utf8_upper(text) if code.startswith("%^") else text


def _to_python(match: re.Match[str], java: str) -> str:
    letters = match["letters"]
    if letters is None:
        literal = match["other"] or (match["literal"] or "'").replace("''", "'")
        return literal.replace("%", "%%")
    if letters not in JAVA:
        raise TabganError(
            f"date format {java!r}: expected letters of {sorted(JAVA)}, got {letters!r}"
        )
    return JAVA[letters]


def _to_java(match: re.Match[str], strftime: str) -> str:
    if match["letters"] or match["other"]:
        text = match["letters"] or match["other"]
        return f"'{text}'" if match["letters"] else text.replace("'", "''")
    code = f"%{match['code']}"
    if code == "%%":
        return "%"
    if code not in STRFTIME:
        raise TabganError(
            f"date format {strftime!r}: expected codes of {sorted(STRFTIME)}, got {code!r}"
        )
    return STRFTIME[code]
