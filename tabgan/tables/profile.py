"""The rules that say what a column is, where no header says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.table import Table

from tabgan.errors import TabganError, shown
from tabgan.tables.dates import naive, parse_dates
from tabgan.tables.numbers import is_decimal, plain_numbers, round_numbers
from tabgan.tables.schema import DAYS, ORDERED, Column, TableSchema

MOST_DECIMALS = 10
MOST_CATEGORIES = 1_000  # text with more distinct values is a string
FEW_DISTINCT = 20  # and so many are categories however short the table is
MOST_CLASSES = 20  # an integer target with more distinct values is a quantity
INT64_END = 2.0**63
SHOWN_CATEGORIES = 4
SORTS: tuple[tuple[Any, str], ...] = (  # of Python objects; a bool is a number, too
    (bool, "booleans"),
    (str, "text"),
    (Number, "numbers"),
    (date, "dates"),
    (dict, "a struct"),
    ((list, tuple, set, np.ndarray), "a list"),
)

ISO_DATE = (
    r"\d{4}-\d{2}-\d{2}"
    r"(?:([T ])\d{2}:\d{2}(?:(:\d{2})(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)
ZONED = r":\d.*[Z+-]"
FRACTIONS = {0: "", 4: ".%3f", 7: ".%f"}  # by the length of .123
# text that a program or a schema could turn into what is learned, and what it is called
_AMOUNT = r"[+-]?\d+(?:[.,' ]\d{3})*(?:[.,]\d+)?"
_CURRENCY = r"(?:EUR|USD|GBP|CHF|JPY|CAD|AUD|INR|[$€£¥₹])"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
    rf"|\d{{1,2}}[- .]+{_MONTH}[- ,]+\d{{4}}|{_MONTH} \d{{1,2}},? \d{{4}})"
)
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
_CLOCK = rf"\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?{_ZONE}"
LOOKS = {
    "dates": rf"{_DAY}(?:,?[T ]{_CLOCK})?",
    "percentages": rf"{_AMOUNT} ?%",
    "amounts of money": rf"[+-]?{_CURRENCY} ?{_AMOUNT}|{_AMOUNT} ?{_CURRENCY}",
    "numbers with separators": _AMOUNT,
}
PLAIN = r"[+-]?\d*\.?\d*"  # numbers that are text because someone declared them so
LOOKED_AT = 1_000  # texts

CANONICAL = {"numeric": "float64", "date": "datetime64[us]", "string": "str"}


def decimals_of(values: np.ndarray | pd.Series) -> int | None:
    """The fewest digits after the point, 0 to 10, that write every value exactly.

    None when ten are not enough. Missing and infinite values are passed over; 0 for no values.
    """
    numbers = np.asarray(values)
    numbers = numbers[np.isfinite(numbers)]
    if not np.issubdtype(numbers.dtype, np.floating):
        return 0
    start = _fewest_decimals(numbers[:1_000], 0)  # spares the whole column the first rounds
    return None if start is None else _fewest_decimals(numbers, start)


def number_column(name: str, values: pd.Series) -> Column:
    """The column of some numbers: ``integer`` when every value is whole, else ``numeric``.

    Args:
        name: the column's name.
        values: numbers of any int or float dtype, also nullable ones.
    """
    missing = bool(values.isna().any())
    numbers = values.dropna().to_numpy()
    if _is_whole(numbers):
        return Column(name=name, kind="integer", missing=missing)
    return Column(name=name, kind="numeric", decimals=decimals_of(numbers), missing=missing)


def infer_schema(
    table: pd.DataFrame, *, name: str, target: str | None = None, keep_dtypes: bool = True
) -> TableSchema:
    """The schema of a table without a header that declares it.

    Numbers are ``integer`` or ``numeric``; but whole numbers (in floats: 0 and 1) in the target
    are classes if there are at most 20 of them. Text is ``boolean`` (true and false), ``date``
    (ISO 8601; with time zones only if all have one offset, which is kept), ``nominal`` (few
    distinct values) or ``string``.

    Args:
        table: the rows; its column names may be ints.
        name: what the table is called.
        target: the name of the column to predict, or None.
        keep_dtypes: whether ``TableSchema.restore`` gives the dtypes of ``table`` back. Files of
            text have none to keep.

    Raises:
        TabganError: for duplicate names, an absent target, or a column of neither numbers, text,
            booleans nor dates.
    """
    names = [str(column) for column in table.columns]
    found = [
        _infer(column, table.iloc[:, place].reset_index(drop=True), column == target, keep_dtypes)
        for place, column in enumerate(names)
    ]
    return TableSchema(name=name, columns=tuple(found), target=target)


def looks_like(texts: Sequence[str]) -> str | None:
    """What text about to be no more than labels looks like, and what would let it be learned.

    Args:
        texts: the distinct ones; the first thousand are looked at.

    Returns:
        The rest of a sentence, or None for ordinary text.
    """
    seen = texts[:LOOKED_AT]
    if all(re.fullmatch(PLAIN, text) for text in seen):
        return None
    for what, pattern in LOOKS.items():
        if all(re.fullmatch(pattern, text) for text in seen):
            as_dates = "dates (pd.to_datetime, or kind date with a date_format in a schema file)"
            learned = as_dates if what == "dates" else "plain numbers"
            return f"it looks like {what} such as {seen[0]!r}, which are learned only as {learned}"
    return None


def describe(schema: TableSchema, encodings: Mapping[str, str] | None = None) -> Table:
    """A schema as a table for people: one line per column, the target marked with ``*``.

    ``encodings`` says beside each column how it is encoded.
    """
    shown = Table(title=escape(schema.name), title_justify="left")
    for heading in ("", "column", "kind", "values", "missing"):
        shown.add_column(heading)
    if encodings is not None:
        shown.add_column("encoded as")
    for column in schema.columns:
        mark = "*" if column.name == schema.target else ""
        missing = "yes" if column.missing else ""
        cells = [mark, escape(column.name), column.kind, escape(_values(column)), missing]
        shown.add_row(*cells, *([encodings[column.name]] if encodings is not None else []))
    return shown


def _values(column: Column) -> str:
    if column.is_nominal:
        labels = ", ".join(column.categories[:SHOWN_CATEGORIES])
        more = len(column.categories) - SHOWN_CATEGORIES
        return f"{labels}, and {more} more" if more > 0 else labels
    if column.kind == "numeric":
        return "full precision" if column.decimals is None else f"{column.decimals} decimals"
    return column.date_format or ""


def _fewest_decimals(numbers: np.ndarray, start: int) -> int | None:
    wide = numbers.astype("float64")
    for decimals in range(start, MOST_DECIMALS + 1):
        # rounded in float64, compared in the dtype it came in: 0.1 in float32 has one digit
        if np.array_equal(round_numbers(wide, decimals).astype(numbers.dtype), numbers):
            return decimals
    return None


def _is_whole(numbers: np.ndarray) -> bool:
    if numbers.dtype.kind == "u":
        return bool((numbers <= np.iinfo("int64").max).all())
    if numbers.dtype.kind == "i":
        return True
    numbers = numbers.astype("float64")
    return bool(((numbers == np.floor(numbers)) & (np.abs(numbers) < INT64_END)).all())


def _infer(name: str, values: pd.Series, is_target: bool, keep_dtypes: bool) -> Column:
    came, values = values, _settle(name, values)
    fields = _fields(name, values, is_target)
    column = Column(name=name, missing=bool(values.isna().any()), **fields)
    if not keep_dtypes and "dtype" not in fields:
        return column
    dtype = column.dtype or (DAYS if _are_days(came) else str(values.dtype))
    canonical = CANONICAL.get(column.kind, "Int64" if column.missing else "int64")
    same = dtype == canonical and not column.is_nominal
    return Column(**{**column.__dict__, "dtype": None if same else dtype})


def _are_days(values: pd.Series) -> bool:
    return values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) == "date"


def _fields(name: str, values: pd.Series, is_target: bool) -> dict:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category_fields(name, dtype)
    if pd.api.types.is_bool_dtype(dtype):
        return {"kind": "boolean", "categories": ("False", "True")}
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return {"kind": "date", "date_format": _date_format(values.dropna())}
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return _number_fields(name, values, is_target)
    if pd.api.types.is_string_dtype(dtype):
        return _text_fields(values.dropna().astype("str"))
    hint = "; .dt.total_seconds() makes numbers of it" if dtype.kind == "m" else ""
    raise TabganError(
        f"column {name!r}: expected numbers, text, booleans, categories or dates, got {dtype}{hint}"
    )


def _settle(name: str, values: pd.Series) -> pd.Series:
    """Values of dtype object in the dtype of what they are; text stays object."""
    if values.dtype != object:
        return values
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred in ("string", "empty"):
        return values
    if inferred == "boolean":
        return values.astype("boolean")
    if inferred in ("integer", "floating", "mixed-integer-float", "decimal"):
        return pd.to_numeric(values)
    if inferred in ("date", "datetime", "datetime64"):
        return naive(pd.to_datetime(values, utc=True))
    got = _mixture(values.dropna()) if inferred.startswith("mixed") else f"{inferred} objects"
    raise TabganError(f"column {name!r}: expected numbers, text, booleans or dates, got {got}")


def _mixture(known: pd.Series) -> str:
    """The first value that is none of a column's kinds, or not of the most common one."""
    sorts = known.map(_sort_of)
    nested = sorts.index[sorts.isin(["a list", "a struct"])]
    if len(nested):
        return f"{sorts[nested[0]]} in row {nested[0]}: one value per cell can be learned"
    most = sorts.mode()[0] if len(sorts.unique()) > 1 else ""
    row = sorts.index[sorts != most][0]
    among = f" among {most}" if most else ""
    return f"{sorts[row]}{among}: {shown(known[row])} in row {row}, from 0"


def _sort_of(value: object) -> str:
    for kinds, what in SORTS:
        if isinstance(value, kinds):
            return what
    return type(value).__name__


def _category_fields(name: str, dtype: pd.CategoricalDtype) -> dict:
    """A category dtype declares its labels and their order, as an ARFF header does."""
    labels = dtype.categories.astype("str")
    if not len(labels):
        raise TabganError(f"column {name!r}: its category dtype has no categories")
    if not labels.is_unique:
        alike = dtype.categories[labels == labels[labels.duplicated()][0]]
        raise TabganError(
            f"column {name!r}: expected categories that differ as text, got "
            f"{' and '.join(map(shown, alike))}, which read alike"
        )
    inner = dtype.categories.dtype
    # labels of other dtypes, such as intervals, come back as text
    typed = pd.api.types.is_numeric_dtype(inner) or pd.api.types.is_datetime64_any_dtype(inner)
    kept = f"category[{inner}]" if typed else "category"
    kept += ORDERED if dtype.ordered else ""
    return {"kind": "nominal", "categories": tuple(labels), "dtype": kept}


def _number_fields(name: str, values: pd.Series, is_target: bool) -> dict:
    known = values.dropna()
    if is_decimal(values.dtype):
        known = plain_numbers(known)
    infinite = np.isinf(known.to_numpy(dtype="float64"))
    if infinite.any():
        row = int(known.index[infinite][0])
        raise TabganError(
            f"column {name!r}: expected finite numbers, got {known[row]} in row {row}, from 0"
        )
    if is_target and _are_classes(known):
        labels = known.drop_duplicates().sort_values().astype("str")
        return {"kind": "nominal", "categories": tuple(labels), "dtype": str(values.dtype)}
    column = number_column(name, known)
    return {"kind": column.kind, "decimals": column.decimals}


def _are_classes(known: pd.Series) -> bool:
    distinct = known.unique()
    if not 0 < len(distinct) <= MOST_CLASSES:
        return False
    return pd.api.types.is_integer_dtype(known.dtype) or set(distinct) <= {0, 1}


def _text_fields(known: pd.Series) -> dict:
    distinct = known.unique().tolist()
    if not distinct:
        return {"kind": "string"}
    if _is_truth(distinct):
        return {"kind": "boolean", "categories": tuple(sorted(distinct))}
    if known.str.fullmatch(ISO_DATE).all() and parse_dates(known, None).notna().all():
        date_format = _text_date_format(known)
        if date_format is not None or not known.str.contains(ZONED).any():
            return {"kind": "date", "date_format": date_format}
    if len(distinct) > MOST_CATEGORIES or len(distinct) > max(FEW_DISTINCT, len(known) / 2):
        return {"kind": "string"}
    return {"kind": "nominal", "categories": tuple(_in_order(distinct))}


def _is_truth(labels: list[str]) -> bool:
    """Whether the labels are true and false in one spelling: lower, upper or title case."""
    spellings = ({"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"})
    return set(labels) in spellings


def _in_order(labels: list[str]) -> list[str]:
    try:
        return sorted(labels, key=lambda label: (float(label), label))
    except ValueError:
        return sorted(labels)


def _text_date_format(known: pd.Series) -> str | None:
    """What writes every ISO 8601 date as it came, where all have one form."""
    first = known.iloc[0]
    ((middle, seconds, fraction, zone),) = re.findall(ISO_DATE, first)
    same = re.sub(r"\d", r"\\d", re.escape(first.removesuffix(zone))) + re.escape(zone)
    if len(fraction) not in FRACTIONS or not known.str.fullmatch(same).all():
        return None
    time = f"{middle}%H:%M{seconds and ':%S'}{FRACTIONS[len(fraction)]}{zone}"
    return f"%Y-%m-%d{time if middle else ''}"


def _date_format(known: pd.Series) -> str | None:
    """Whole days are written without a time of day, whole seconds without a fraction; as UTC."""
    if not len(known):
        return None
    known = naive(known)
    for unit, date_format in (("D", "%Y-%m-%d"), ("s", "%Y-%m-%dT%H:%M:%S")):
        if (known == known.dt.floor(unit)).all():
            return date_format
    return None
