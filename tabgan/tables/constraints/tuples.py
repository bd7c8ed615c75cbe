"""Combinations of some columns: the distinct rows, and the position of each row among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.tables.constraints.columns import Columns

Plain = str | float | None
Rows = tuple[tuple[Plain, ...], ...]
Codes = NDArray[np.int64]

MISSING = "\0missing"


def distinct_rows(columns: Columns, names: Sequence[str]) -> Rows:
    """The distinct rows of some columns: labels, numbers (days since 1970), None for missing.

    The commonest come first.
    """
    coded = [_coded(columns, name) for name in names]
    joined = joined_codes([codes for codes, _ in coded])
    _, first, counts = np.unique(joined, return_index=True, return_counts=True)
    rows = first[np.lexsort((first, -counts))]
    of_columns = [[values[code] for code in codes[rows]] for codes, values in coded]
    return tuple(zip(*of_columns, strict=True))


def positions_among(
    columns: Columns, names: Sequence[str], rows: Sequence[tuple[Plain, ...]]
) -> Codes:
    """The position of each row among ``rows``, the first such; -1 for none: int64 [n]."""
    own, known = np.zeros(columns.n, np.int64), np.zeros(len(rows), np.int64)
    for position, name in enumerate(names):
        own_codes, own_values = _coded(columns, name)
        codes, values = pd.factorize(_marked(row[position] for row in rows))
        found = pd.Index(values).get_indexer(_marked(own_values))[own_codes]
        width = len(values) + 1
        distinct, known = np.unique(known * width + codes, return_inverse=True)
        pair = own * width + found
        at = np.searchsorted(distinct, pair).clip(0, len(distinct) - 1)
        own = np.where((own >= 0) & (found >= 0) & (distinct[at] == pair), at, -1)
    first = np.zeros(len(rows), np.int64)
    first[known[::-1]] = np.arange(len(rows))[::-1]
    return np.where(own < 0, -1, first[own])


def joined_codes(codes: Sequence[Codes]) -> Codes:
    """A code per combination of codes that some row has."""
    joined = codes[0]
    for other in codes[1:]:
        joined = np.unique(joined * (other.max() + 1) + other, return_inverse=True)[1].reshape(-1)
    return joined


def _coded(columns: Columns, name: str) -> tuple[Codes, list[Plain]]:
    """The position of each row's value among the distinct ones, and these, None for missing."""
    column, values = columns.column(name), columns[name]
    if column.kind == "string":
        codes, distinct = pd.factorize(_marked(values))
        return codes, [None if value == MISSING else value for value in distinct]
    numbers, codes = np.unique(values, return_inverse=True)
    labels = column.categories if column.is_nominal else None
    plain = [None if np.isnan(n) else labels[int(n)] if labels else float(n) for n in numbers]
    return codes.reshape(-1), plain


def _marked(values: Iterable[Any]) -> pd.Index:
    """Values in which what is missing is a value like any other, which pandas would not find."""
    index = pd.Index([*values], dtype=object)
    return index.where(index.notna(), MISSING)
