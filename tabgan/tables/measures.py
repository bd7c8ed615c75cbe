"""Numbers and dates in text: found in whatever form they are written, a few exceptions beside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from tabgan.tables.amounts import found_number_form, plain_number_form
from tabgan.tables.date_forms import ZONED, found_date_format, iso_date_format
from tabgan.tables.dates import ISO_DATE, parse_dates
from tabgan.tables.dtypes import TEXT
from tabgan.tables.markers import is_marker
from tabgan.tables.numbers import has_leading_zeros, number_series, parse_numbers

LOOKED_AT = 1_000  # different texts
FEW_DISTINCT = 20  # numbers: with a word among them they may be labels (2, 3, 4, more)
MOST_STRANGE, STRANGE_SHARE = 10, 0.01  # different texts that are no numbers, and of all cells

Fields = dict[str, Any]  # of a Column


def measured_fields(
    known: pd.Series, distinct: pd.Series, date_format: str | None = None
) -> tuple[Fields, pd.Series] | None:
    """What a text column of numbers or dates is, and its different values; None for labels.

    Markers of missing cells (``tables.markers``) may stand among them. So may other exceptions, if
    it is one word ("confidential") or a few in a hundred cells, among more than 20 different
    values; they mean missing, too, and are named in ``missing_values``, the most frequent first.

    Args:
        known: text without missing values.
        distinct: its different texts.
        date_format: the form of its dates, where other rows have told it.
    """
    step = max(1, -(-len(distinct) // LOOKED_AT))
    sample = [text for text in distinct.iloc[::step] if not is_marker(text)]
    if 2 * sum(any(map(str.isdigit, text)) for text in sample) <= len(sample):
        return None
    for read in (_as_numbers, partial(_as_dates, date_format=date_format)):
        found = read(sample, distinct)
        if found is None:
            continue
        fields, values = found
        wrong = distinct[values.isna().to_numpy()]
        if len(wrong) == 0:
            return fields, values
        missing = _tolerated(wrong, known, values.nunique())
        if missing is not None:
            return {**fields, "missing_values": missing}, values[values.notna()]
    return None


def _as_numbers(sample: Sequence[str], distinct: pd.Series) -> tuple[Fields, pd.Series] | None:
    """The numbers of different texts, NaN for those that are none, and their form."""
    stripped = pa.array(distinct.str.strip(" "), pa.string())
    if has_leading_zeros(stripped):
        return None
    _, wrong = parse_numbers(pa.array([text.strip(" ") for text in sample], pa.string()))
    if 2 * wrong.sum() < len(sample):
        numbers, _ = parse_numbers(stripped)
        form = plain_number_form(stripped.filter(numbers.is_valid()))
    else:
        form = found_number_form(sample)
        if form is None:
            return None
        numbers, _ = form.parse(stripped)
    values = number_series(numbers)
    return {"number_format": form and form.example}, values


def _as_dates(
    sample: Sequence[str], distinct: pd.Series, date_format: str | None
) -> tuple[Fields, pd.Series] | None:
    """The dates of different texts, NaT for those that are none, and their form."""
    stripped = distinct.str.strip(" ")
    if date_format is not None:
        return {"kind": "date", "date_format": date_format}, parse_dates(stripped, date_format)
    is_iso = pd.Series(sample, dtype=TEXT).str.strip(" ").str.fullmatch(ISO_DATE)
    if 2 * is_iso.sum() > len(sample):
        right = stripped[stripped.str.fullmatch(ISO_DATE)]
        date_format = iso_date_format(right)
        if date_format is None and right.str.contains(ZONED).any():
            return None  # of two offsets
    else:
        date_format = found_date_format([text.strip(" ") for text in sample])
        if date_format is None:
            return None
    return {"kind": "date", "date_format": date_format}, parse_dates(stripped, date_format)


def _tolerated(wrong: pd.Series, known: pd.Series, n_values: int) -> tuple[str, ...] | None:
    """The texts that mean missing, most frequent first; None where they are too many for that."""
    counts = known[known.isin(wrong)].value_counts()
    strange = [text for text in wrong if not is_marker(text)]
    if strange:
        cells = int(counts[strange].sum())
        one_word = len(strange) == 1 and 2 * cells < len(known)
        few = len(strange) <= MOST_STRANGE and cells <= STRANGE_SHARE * len(known)
        if n_values <= FEW_DISTINCT or not (one_word or few):
            return None
    return tuple(counts.index)
