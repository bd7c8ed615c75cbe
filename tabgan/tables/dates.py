"""Date formats: ARFF speaks Java's ``SimpleDateFormat``, Python speaks ``strftime``."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabgan.errors import TabganError

MILLIS = "%3f"  # three digits after the second's point, which pandas reads as %f and cannot write
ARFF_DATE = "yyyy-MM-dd'T'HH:mm:ss"  # Weka's default

JAVA = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "mm": "%M",
    "m": "%M",
    "ss": "%S",
    "s": "%S",
    "SSS": "%f",
    "EEEE": "%A",
    "EEE": "%a",
    "DDD": "%j",
    "a": "%p",
}
STRFTIME = {"%f": "SSS"} | {python: java for java, python in reversed(JAVA.items())}

_JAVA_TOKEN = re.compile(r"''|'(?P<literal>(?:[^']|'')+)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)")
_PYTHON_TOKEN = re.compile(r"%(?P<code>.)|(?P<letters>[A-Za-z]+)|(?P<other>.)", re.DOTALL)


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
        parse_dates(pd.Series(["x"]), strftime)
    except (ValueError, re.error) as error:
        raise TabganError(f"date format {strftime!r}: {error}") from error


def parse_dates(text: pd.Series, date_format: str | None) -> pd.Series:
    """Dates from text as the clock shows them, called UTC; NaT where the text is none.

    Args:
        text: of any dtype; missing is NaT.
        date_format: a ``strftime`` format, with ``%3f`` too; None reads ISO 8601.
    """
    read_as = "ISO8601" if date_format is None else date_format.replace(MILLIS, "%f")
    return pd.to_datetime(text, format=read_as, errors="coerce", utc=True)


def zone_of(date_format: str | None) -> str:
    """The time zone of a format's dates: the offset that it ends in, as ``+01:00``, or UTC."""
    offset = re.search(r"%[MSf]([+-]\d{2}:?\d{2})$", date_format or "")
    return offset[1] if offset else "UTC"


def naive(dates: pd.Series, date_format: str | None = None) -> pd.Series:
    """Datetimes of any dtype as ``datetime64[us]``, those of a time zone as of ``zone_of``."""
    if isinstance(dates.dtype, pd.ArrowDtype):
        dates = pd.Series(pd.DatetimeIndex(dates.array.to_numpy(dtype="object")), dates.index)
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert(zone_of(date_format)).dt.tz_localize(None)
    return dates.astype("datetime64[us]")


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
        date_format: a ``strftime`` format, with ``%3f`` too; None writes ISO 8601 with
            microseconds where a value has any.
        millis: whether ``%f`` is written with three digits too, as Java reads it.
    """
    if date_format is None:
        iso = pc.strftime(pa.array(values, from_pandas=True), format="%Y-%m-%dT%H:%M:%S")
        return pc.replace_substring(iso, ".000000", "")
    millis = millis or MILLIS in date_format
    date_format = date_format.replace(MILLIS, "%f")
    if not millis or "%f" not in date_format:
        return pa.array(values.dt.strftime(date_format), type=pa.string(), from_pandas=True)
    # strftime copies \1 unchanged, so that the milliseconds can be put in its place
    text = values.dt.strftime(date_format.replace("%f", "\1"))
    digits = (values.dt.microsecond // 1000).map("{:03.0f}".format)
    filled = [None if pd.isna(t) else t.replace("\1", d) for t, d in zip(text, digits, strict=True)]
    return pa.array(filled, type=pa.string())


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
