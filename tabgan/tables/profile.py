"""The rules that say what a column is, where no header says so."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.table import Table

from tabgan.errors import TabganError, shown
from tabgan.tables.amounts import NumberForm
from tabgan.tables.date_forms import compact_date_format
from tabgan.tables.dates import are_dates, naive, naive_objects
from tabgan.tables.dtypes import TEXT, dense
from tabgan.tables.markers import is_marker
from tabgan.tables.measures import FEW_DISTINCT, Fields, looks_measured, measured_fields
from tabgan.tables.numbers import is_decimal, plain_numbers, round_numbers
from tabgan.tables.schema import DAYS, ORDERED, TIMES, Column, TableSchema, is_objects_of

log = logging.getLogger(__name__)

MOST_DECIMALS = 10
MOST_CATEGORIES = 1_000  # text with more distinct values is a string
MOSTLY = 0.8  # of different texts that are numbers, in a column of text that is worth a warning
ROWS_PER_LABEL = 10  # on average, of a few amounts that are labels
MOST_CLASSES = 20  # an integer target with more distinct values is a quantity
INT64_END = 2.0**63
SHOWN_CATEGORIES = 4
SORTS: tuple[tuple[Any, str], ...] = (  # of Python objects; a bool is a number, too
    (bool, "booleans"),
    (str, "text"),
    (Number, "numbers"),
    (date, "dates"),
    (time, "clock times"),
    (dict, "a struct"),
    ((list, tuple, set, np.ndarray), "a list"),
)

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


@dataclass(frozen=True, kw_only=True)
class Written:
    """The facts of a column in a file of text besides its values.

    Attributes:
        missing: the text of its missing cells, the most frequent one; "" for nothing.
        number_form: how its numbers are written, where they are plain.
        date_format: how its dates are, where other rows have shown it.
        is_text: whether other rows have shown that it is neither numbers nor dates.
        is_told: whether a warning for other rows was enough.
    """

    missing: str = ""
    number_form: NumberForm | None = None
    date_format: str | None = None
    is_text: bool = False
    is_told: bool = False


def infer_schema(
    table: pd.DataFrame,
    *,
    name: str,
    target: str | None = None,
    keep_dtypes: bool = True,
    written: Mapping[str, Written] | None = None,
) -> TableSchema:
    """The schema of a table without a header that declares it.

    Numbers are ``integer`` or ``numeric``, or days (20141013) where all of them can be; but whole
    numbers (in floats: 0 and 1) in the target are classes if there are at most 20 of them. Text is
    ``boolean`` (true and false), ``numeric``, ``integer`` or ``date`` in whatever form it is
    written (``tables.measures``; with time zones only if all have one offset, which is kept),
    ``nominal`` (few distinct values) or ``string``. Plain numbers in text are labels unless they
    are too many for that, or markers of missing cells stand among them.

    Args:
        table: the rows; its column names may be ints.
        name: what the table is called.
        target: the name of the column to predict, or None.
        keep_dtypes: whether ``TableSchema.restore`` gives the dtypes of ``table`` back. Files of
            text have none to keep.
        written: what such a file says of its columns.

    Raises:
        TabganError: for duplicate names, an absent target, or a column of neither numbers, text,
            booleans nor dates.
    """
    written = written or {}
    found = [
        _infer(
            column,
            table.iloc[:, position].reset_index(drop=True),
            is_target=column == target,
            keep_dtypes=keep_dtypes,
            written=written.get(column, Written()),
        )
        for position, column in enumerate(map(str, table.columns))
    ]
    return TableSchema(name=name, columns=tuple(found), target=target)


def measured_column(name: str, values: pd.Series, written: Written) -> Column | None:
    """The column of text that a file declares as such, and is numbers or dates; None for others."""
    if not looks_measured(values.dropna()):
        return None
    fields = _text_fields(name, values.dropna(), False, True, written)
    if fields["kind"] not in ("numeric", "integer", "date"):
        return None
    missing = bool(values.isna().any() or fields.get("missing_values"))
    return Column(name=name, missing=missing, dtype="str", **fields)


def numbers_in_text(name: str, values: pd.Series) -> Column | None:
    """The column of text that somebody declares to be numbers; None where it is not."""
    known = values.dropna()
    unique = pd.Series(known.unique(), dtype=TEXT)
    fields = _measured_fields(name, known, unique, False, Written()) if len(unique) else None
    if fields is None or fields["kind"] not in ("numeric", "integer"):
        return None
    missing = bool(len(known) < len(values) or fields.get("missing_values"))
    return Column(name=name, missing=missing, **fields)


def looks_like(texts: Sequence[str]) -> str | None:
    """Advice on text that would be learned as labels alone: what it looks like, and the remedy.

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
            learned = "dates where all have" if what == "dates" else "numbers where many have"
            return f"it looks like {what} such as {seen[0]!r}, learned as {learned} one form"
    return None


def describe(schema: TableSchema, encodings: Mapping[str, str] | None = None) -> Table:
    """A schema as a table for people: one line per column, the target marked with ``*``.

    ``encodings`` says beside each column how it is modelled.
    """
    shown = Table(title=escape(schema.name), title_justify="left", box=None)
    for heading in ("", "column", "kind", "values", "missing"):
        shown.add_column(heading)
    if encodings is not None:
        shown.add_column("modelled as")
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
        if column.decimals is None:
            return "full precision"
        return f"{column.decimals} decimal{'' if column.decimals == 1 else 's'}"
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


def _infer(
    name: str, values: pd.Series, *, is_target: bool, keep_dtypes: bool, written: Written
) -> Column:
    came, values = values, dense(values)
    if (fields := _mixed_fields(name, values)) is None:
        settled = _settle(name, values)
        fields = _fields(name, settled, is_target, keep_dtypes, written)
        if is_objects_of(values, "time"):
            fields["date_format"] = _clock_format(settled.dropna())
    if fields["kind"] in ("numeric", "integer") and written.number_form is not None:
        fields["number_format"] = written.number_form.example
    labels = fields.get("categories", ())
    marks = _missing_values(fields, values, written)
    fields["missing_values"] = tuple(mark for mark in marks if mark not in labels)
    among = fields["missing_values"] and values.isin(fields["missing_values"]).any()
    missing = bool(values.isna().any() or among)
    column = Column(name=name, missing=missing, **fields)
    if not keep_dtypes or "dtype" in fields:
        return column
    dtype = _dtype_of(came, settled)
    canonical = CANONICAL.get(column.kind, "Int64" if column.missing else "int64")
    same = dtype == canonical and not column.is_nominal
    return replace(column, dtype=None if same else dtype)


def _missing_values(fields: Fields, values: pd.Series, written: Written) -> tuple[str, ...]:
    """The texts that mean missing: those of the cells that are, and exceptions, most first."""
    texts: tuple[str, ...] = fields.get("missing_values", ())
    n_missing = int(values.isna().sum())
    if not n_missing or (not texts and not written.missing):
        return texts
    among = int(values.isin(texts).sum()) if texts else 0
    first = n_missing >= among
    rest = tuple(text for text in texts if text != written.missing)
    if not first:  # an empty cell needs no mention behind others
        return (*rest, written.missing) if written.missing else rest
    return (written.missing, *rest)


def _dtype_of(came: pd.Series, settled: pd.Series) -> str:
    """The name of the dtype that a column is given back in."""
    if is_objects_of(came, "date") and (settled.dt.normalize() == settled)[settled.notna()].all():
        return DAYS
    if is_objects_of(came, "time"):
        return TIMES
    dtype = settled.dtype if pd.api.types.is_object_dtype(came.dtype) else came.dtype
    return "str" if dtype == TEXT else str(dtype)


def _mixed_fields(name: str, values: pd.Series) -> Fields | None:
    """Those of objects of several kinds: numbers or dates, and texts that mean missing.

    None for a column of one kind.
    """
    is_object = pd.api.types.is_object_dtype(values.dtype)
    if not is_object or not (inferred := _objects_of(values)).startswith("mixed"):
        return None
    if inferred == "mixed-integer-float":
        return None
    known = values.dropna()
    fields, sorts = None, {*known.map(_sort_of)}
    if sorts <= {"text", "numbers", "dates"}:
        texts = known.map(str).astype(TEXT)
        unique = pd.Series(texts.unique(), dtype=TEXT)
        fields = _measured_fields(name, texts, unique, False, Written())
    if sorts == {"text", "booleans"}:
        texts = tuple({text: None for text in known if isinstance(text, str)})
        truth = {"kind": "boolean", "categories": ("False", "True"), "dtype": "boolean"}
        fields = {**truth, "missing_values": texts} if all(map(is_marker, texts)) else None
    if fields is None:
        got = _mixture(known)
        raise TabganError(f"column {name!r}: expected numbers, text, booleans or dates, got {got}")
    return {"dtype": None, **fields, "number_format": None}


def _objects_of(values: pd.Series) -> str:
    return str(pd.api.types.infer_dtype(values, skipna=True))


def _fields(
    name: str, values: pd.Series, is_target: bool, keep_dtypes: bool, written: Written
) -> Fields:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category_fields(name, dtype)
    if pd.api.types.is_bool_dtype(dtype):
        return {"kind": "boolean", "categories": ("False", "True")}
    if are_dates(dtype):
        return {"kind": "date", "date_format": _date_format(values.dropna())}
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return _number_fields(name, values, is_target)
    if pd.api.types.is_string_dtype(dtype):
        return _text_fields(name, values.dropna().astype(TEXT), is_target, keep_dtypes, written)
    hint = "; .dt.total_seconds() makes numbers of it" if dtype.kind == "m" else ""
    raise TabganError(
        f"column {name!r}: expected numbers, text, booleans, categories or dates, got {dtype}{hint}"
    )


def _settle(name: str, values: pd.Series) -> pd.Series:
    """Values of dtype object in the dtype of what they are; text stays object."""
    if isinstance(values.dtype, pd.PeriodDtype):
        return naive(values.dt.to_timestamp())
    if not pd.api.types.is_object_dtype(values.dtype):
        return values
    inferred = _objects_of(values)
    if inferred in ("string", "empty"):
        return values
    if inferred == "boolean":
        return values.astype("boolean")
    if inferred in ("integer", "floating", "mixed-integer-float", "decimal"):
        return pd.to_numeric(values)
    if inferred in ("date", "datetime", "datetime64", "time"):
        return naive_objects(values)
    raise TabganError(
        f"column {name!r}: expected numbers, text, booleans or dates, got {inferred} objects"
    )


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


def _category_fields(name: str, dtype: pd.CategoricalDtype) -> Fields:
    """A category dtype declares its labels and their order, as an ARFF header does."""
    labels = dtype.categories.astype(TEXT)
    if not len(labels):
        return {"kind": "string"}
    if not labels.is_unique:
        alike = dtype.categories[labels == labels[labels.duplicated()][0]]
        raise TabganError(
            f"column {name!r}: expected categories that differ as text, got "
            f"{' and '.join(map(shown, alike))}, which read alike"
        )
    inner = dtype.categories.dtype
    # labels of other dtypes, such as intervals, come back as text
    typed = pd.api.types.is_numeric_dtype(inner) or are_dates(inner)
    kept = f"category[{inner}]" if typed else "category"
    kept += ORDERED if dtype.ordered else ""
    return {"kind": "nominal", "categories": tuple(labels), "dtype": kept}


def _number_fields(name: str, values: pd.Series, is_target: bool) -> Fields:
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
        labels = known.drop_duplicates().sort_values().astype(TEXT)
        return {"kind": "nominal", "categories": tuple(labels), "dtype": str(values.dtype)}
    column = number_column(name, known)
    if column.kind == "integer" and not is_target:
        date_format = compact_date_format(known.to_numpy().astype("int64"))
        if date_format is not None:
            return {"kind": "date", "date_format": date_format}
    return {"kind": column.kind, "decimals": column.decimals}


def _are_classes(known: pd.Series) -> bool:
    distinct = known.unique()
    if not 0 < len(distinct) <= MOST_CLASSES:
        return False
    return pd.api.types.is_integer_dtype(known.dtype) or set(distinct) <= {0, 1}


def _text_fields(
    name: str, known: pd.Series, is_target: bool, keep_dtypes: bool, written: Written
) -> Fields:
    unique = pd.Series(known.unique(), dtype=TEXT)
    distinct = unique.tolist()
    if all(map(str.isspace, distinct)):  # or there are none
        return {"kind": "string", "missing_values": tuple(distinct)}
    if _is_truth(distinct):
        return {"kind": "boolean", "categories": tuple(sorted(distinct))}
    too_many = len(distinct) > MOST_CATEGORIES or len(distinct) > max(FEW_DISTINCT, len(known) / 2)
    fields = None
    if not written.is_text and looks_measured(known):
        fields = _measured_fields(name, known, unique, is_target, written)
    repeats = len(distinct) * ROWS_PER_LABEL <= len(known) and len(distinct) <= FEW_DISTINCT
    if fields is not None and not _may_be_labels(fields, too_many, repeats, not keep_dtypes):
        return fields
    if too_many:
        return {"kind": "string"}
    return {"kind": "nominal", "categories": tuple(in_order(distinct))}


def _measured_fields(
    name: str, known: pd.Series, distinct: pd.Series, is_target: bool, written: Written
) -> Fields | None:
    """Those of text that is numbers or dates; None for other text."""
    found = measured_fields(known, distinct, written.date_format)
    if found is None:
        return None
    fields = found.fields
    if fields is None:
        if len(found.right) >= MOSTLY * len(distinct) and not written.is_told:
            what = "dates" if are_dates(found.right.dtype) else "numbers"
            log.warning(
                "column %r is text: most of it is %s, but for %s and %d more; a schema file can "
                'declare its kind, and these as "missing_values"',
                name, what, ", ".join(map(shown, found.strange[:3])), len(found.strange[3:]),
            )  # fmt: skip
        return None
    return fields if "kind" in fields else fields | _number_fields(name, found.right, is_target)


def _may_be_labels(fields: Fields, too_many: bool, repeats: bool, of_file: bool) -> bool:
    """Whether numbers in text may be meant as text: "5 €" in each third row, digits of a program.

    Args:
        fields: of the column as numbers or dates.
        too_many: whether the texts would be too many for categories.
        repeats: whether they are few and each of them stands in many rows.
        of_file: whether a file of text says nothing of dtypes.
    """
    form = fields.get("number_format")
    if fields["kind"] == "date" or too_many:
        return False
    if form is None or NumberForm.of(form).is_plain:
        return not (of_file or (fields.get("missing_values") and not repeats))
    return repeats


def _is_truth(labels: list[str]) -> bool:
    """Whether the labels are true and false in one spelling: lower, upper or title case."""
    spellings = ({"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"})
    return len(labels) == 2 and set(labels) in spellings


def in_order(labels: list[str]) -> list[str]:
    """Labels sorted, as numbers where all are."""
    try:
        return sorted(labels, key=lambda label: (float(label), label))
    except ValueError:
        return sorted(labels)


def _clock_format(known: pd.Series) -> str:
    return "%H:%M:%S" if (known == known.dt.floor("s")).all() else "%H:%M:%S.%f"


def _date_format(known: pd.Series) -> str | None:
    """Whole days are written without a time of day, whole seconds without a fraction; as UTC."""
    if not len(known):
        return None
    known = naive(known)
    for unit, date_format in (("D", "%Y-%m-%d"), ("s", "%Y-%m-%dT%H:%M:%S")):
        if (known == known.dt.floor(unit)).all():
            return date_format
    return None
