"""Numbers and dates in text: found in whatever form they are written, a few exceptions beside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
MOST_STRANGE, STRANGE_SHARE = 10, 0.05  # different texts that are no numbers, and of all cells

Fields = dict[str, Any]  # of a Column


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Text most of which is numbers or dates.

    Attributes:
        fields: what its column is; None where too much of it is something else.
        right: the different numbers or dates.
        strange: some texts that are neither, and no markers of missing cells.
    """

    fields: Fields | None
    right: pd.Series
    strange: list[str]


def looks_measured(known: pd.Series) -> bool:
    """Whether most of some texts are numbers or dates, going by a thousand rows."""
    step = max(1, -(-len(known) // LOOKED_AT))
    texts = [text.strip(" \t") for text in known.iloc[::step].unique() if not is_marker(text)]
    if 2 * sum(any(map(str.isdigit, text)) for text in texts) <= len(texts):
        return False
    _, wrong = parse_numbers(pa.array(texts, pa.string()))
    if 2 * wrong.sum() < len(texts) or found_number_form(texts) is not None:
        return True
    n_iso = sum(re.fullmatch(ISO_DATE, text) is not None for text in texts)
    return 2 * n_iso > len(texts) or found_date_format(texts) is not None


def measured_fields(
    known: pd.Series, distinct: pd.Series, date_format: str | None = None
) -> Measured | None:
    """The fields of a text column of numbers or dates; None for labels.

    Markers of missing cells (``tables.markers``) may stand among them. So may other exceptions, if
    it is one word ("confidential") or up to five in a hundred cells, among more than 20 different
    values; they mean missing, too, and are named in ``missing_values``, the most frequent first.

    Args:
        known: text without missing values.
        distinct: its different texts.
        date_format: the form of its dates, where other rows have shown it.
    """
    step = max(1, -(-len(distinct) // LOOKED_AT))
    sample = [text for text in distinct.iloc[::step] if not is_marker(text)]
    for read in (_as_numbers, partial(_as_dates, date_format=date_format)):
        found = read(sample, distinct)
        if found is None:
            continue
        fields, values = found
        wrong = distinct[values.isna().to_numpy()]
        right, strange = values[values.notna()], [text for text in wrong if not is_marker(text)]
        counts = known[known.isin(wrong)].value_counts()
        if strange and not _are_few(counts[strange], len(known), right.nunique()):
            return Measured(fields=None, right=right, strange=strange)
        fields["missing_values"] = tuple(counts.index)
        return Measured(fields=fields, right=right, strange=strange)
    return None


def _as_numbers(sample: Sequence[str], distinct: pd.Series) -> tuple[Fields, pd.Series] | None:
    """The numbers of different texts, NaN for those that are none, and their form."""
    stripped = pa.array(distinct.str.strip(" \t"), pa.string())
    if has_leading_zeros(stripped):
        return None
    _, wrong = parse_numbers(pa.array([text.strip(" \t") for text in sample], pa.string()))
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
    stripped = distinct.str.strip(" \t")
    if date_format is not None:
        return {"kind": "date", "date_format": date_format}, parse_dates(stripped, date_format)
    is_iso = pd.Series(sample, dtype=TEXT).str.strip(" \t").str.fullmatch(ISO_DATE)
    if 2 * is_iso.sum() > len(sample):
        right = stripped[stripped.str.fullmatch(ISO_DATE)]
        date_format = iso_date_format(right)
        if date_format is None and right.str.contains(ZONED).any():
            return None  # of two offsets
    else:
        date_format = found_date_format([text.strip(" \t") for text in sample])
        if date_format is None:
            return None
    return {"kind": "date", "date_format": date_format}, parse_dates(stripped, date_format)


def _are_few(counts: pd.Series, n_known: int, n_values: int) -> bool:
    """Whether strange texts, by how many cells have each, may stand for missing ones."""
    one_word = len(counts) == 1 and 2 * counts.iloc[0] < n_known
    few = len(counts) <= MOST_STRANGE and counts.sum() <= STRANGE_SHARE * n_known
    return n_values > FEW_DISTINCT and bool(one_word or few)
