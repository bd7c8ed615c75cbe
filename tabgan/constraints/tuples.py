"""Which values of some columns go together: the distinct rows, and where each row is among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.constraints.columns import Columns

Plain = str | float | None
Rows = tuple[tuple[Plain, ...], ...]

MISSING = "\0missing"


def distinct_rows(columns: Columns, names: Sequence[str]) -> Rows:
    """The distinct rows of some columns: labels, numbers (days since 1970), None for missing.

    The commonest come first.
    """
    frame = pd.DataFrame({i: _plain(columns, n) for i, n in enumerate(names)}, dtype=object)
    marked = pd.DataFrame({i: _marked(frame[i]) for i in frame})
    counts = marked.groupby([*marked], sort=False)[0].transform("size")
    first = frame[~marked.duplicated()]
    order = counts[first.index].sort_values(ascending=False, kind="stable").index
    return tuple(first.loc[order].itertuples(index=False, name=None))


def places_among(
    columns: Columns, names: Sequence[str], rows: Sequence[tuple[Plain, ...]]
) -> NDArray[np.int64]:
    """Which of ``rows`` each row is, the first such, by its place; -1 for none: int64 [n]."""
    own, known = np.zeros(columns.n, np.int64), np.zeros(len(rows), np.int64)
    for place, name in enumerate(names):
        codes, values = pd.factorize(_marked(row[place] for row in rows))
        found = pd.Index(values).get_indexer(_marked(_plain(columns, name)))
        width = len(values) + 1
        distinct, known = np.unique(known * width + codes, return_inverse=True)
        pair = own * width + found
        at = np.searchsorted(distinct, pair).clip(0, len(distinct) - 1)
        own = np.where((own >= 0) & (found >= 0) & (distinct[at] == pair), at, -1)
    first = np.zeros(len(rows), np.int64)
    first[known[::-1]] = np.arange(len(rows))[::-1]
    return np.where(own < 0, -1, first[own])


def _marked(values: Iterable[Any]) -> pd.Index:
    """Values in which what is missing is a value like any other, which pandas would not find."""
    index = pd.Index([*values], dtype=object)
    return index.where(index.notna(), MISSING)


def _plain(columns: Columns, name: str) -> NDArray[Any]:
    """A column's labels or numbers as objects, None where missing."""
    column = columns.column(name)
    if column.is_nominal or column.kind == "string":
        return columns.labels(name)
    numbers = columns[name].astype(object)
    numbers[~columns.is_known(name)] = None
    return numbers
