"""Columns that another column decides: left out of the row, put back exactly.

Adult's education-num is a numbering of education. A generator would have to learn such a rule
from examples, and one broken row in a hundred gives the table away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers, State

HOLE = -1
EVIDENCE = 50.0  # nats; e^-50 is the chance of so pure a table if the columns had no relation


class Lookup:
    """values[i] wherever the deciding column is keys[i]; NaN is a key and a value like any other.

    A key that training never had takes the commonest value.
    """

    def fit(self, deciding: Numbers, decided: Numbers) -> Self:
        self.keys_, first, counts = np.unique(deciding, return_index=True, return_counts=True)
        self.values_ = decided[first]
        self.commonest_ = self.values_[counts.argmax()]
        return self

    def __call__(self, deciding: Numbers) -> Numbers:
        place = np.searchsorted(self.keys_, deciding).clip(0, len(self.keys_) - 1)
        found = self.keys_[place]
        known = (found == deciding) | (np.isnan(found) & np.isnan(deciding))
        return np.where(known, self.values_[place], self.commonest_)

    def deciding(self, decided: Numbers) -> Numbers:
        """The key of each value, NaN where several keys, or none, have it."""
        values, first, counts = np.unique(self.values_, return_index=True, return_counts=True)
        place = np.searchsorted(values, decided).clip(0, len(values) - 1)
        told = (values[place] == decided) & (counts[place] == 1)
        return np.where(told, self.keys_[first[place]], np.nan)

    def state(self) -> State:
        values = np.append(self.values_, self.commonest_)
        return {"keys": self.keys_, "values": values}

    def restore(self, state: State) -> Self:
        self.keys_, self.values_ = state["keys"], state["values"][:-1]
        self.commonest_ = state["values"][-1]
        return self


def find_derived(columns: Mapping[str, Numbers], *, masked: bool = False) -> dict[str, str]:
    """The columns that one other column decides on every training row, each with that column.

    A column decides another if each of its values goes with one value only, and if that is no
    accident: with p the share of a value, rows that add nothing to what their key has already
    shown have the log-probability sum of (n_key - 1) log p(value), which must be under -50. Of
    two columns that decide each other the later one is derived; a derived column decides nothing.

    Args:
        columns: by name, NaN for missing.
        masked: whether a missing value is a hole, that says nothing, or a value like any other.
    """
    codes = {name: np.unique(numbers, return_inverse=True)[1] for name, numbers in columns.items()}
    if masked:
        codes = {n: np.where(np.isnan(columns[n]), HOLE, of_rows) for n, of_rows in codes.items()}
    derived: dict[str, str] = {}
    for name in list(codes):
        others = (other for other in codes if other != name and other not in derived)
        source = next((o for o in others if _decides(codes[o], codes[name])), None)
        if source is not None and not _later_twin(name, source, codes):
            derived[name] = source
    return _rooted(derived, codes)


def _rooted(derived: Mapping[str, str], codes: Mapping[str, NDArray[np.int64]]) -> dict[str, str]:
    """Each derived column with the one in the row that decides it: of a chain, the first.

    Of city, country and continent the city decides both. Where holes hide that it does, the
    column is left in the row.
    """
    rooted = {}
    for name, source in derived.items():
        root = source
        while root in derived:
            root = derived[root]
        if root == source or _decides(codes[root], codes[name]):
            rooted[name] = root
    return rooted


def _decides(deciding: NDArray[np.int64], decided: NDArray[np.int64]) -> bool:
    known = (deciding != HOLE) & (decided != HOLE)
    deciding, decided = deciding[known], decided[known]
    n_keys, n_values = int(deciding.max(initial=0)) + 1, int(decided.max(initial=0)) + 1
    if n_keys < n_values or n_values == 1:
        return False
    counts = np.bincount(deciding * n_values + decided, minlength=n_keys * n_values)
    pairs = counts.reshape(n_keys, n_values)
    if (np.count_nonzero(pairs, axis=1) > 1).any():
        return False
    log_shares = np.log(np.bincount(decided, minlength=n_values) / len(decided))
    surprise = -(pairs.sum(axis=1) - 1) * log_shares[pairs.argmax(axis=1)]
    return bool(surprise.sum() > EVIDENCE)


def _later_twin(name: str, source: str, codes: Mapping[str, NDArray[np.int64]]) -> bool:
    """Whether ``name`` stands before a ``source`` that it decides in turn."""
    order = list(codes)
    return order.index(source) > order.index(name) and _decides(codes[name], codes[source])
