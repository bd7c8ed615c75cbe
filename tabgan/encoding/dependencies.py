"""Columns that another column decides: left out of the row, put back exactly.

Adult's education-num is a numbering of education. A generator would have to learn such a rule
from examples, and one broken row in a hundred gives the table away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers, State

MISSING = -1
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
        position = np.searchsorted(self.keys_, deciding).clip(0, len(self.keys_) - 1)
        found = self.keys_[position]
        known = (found == deciding) | (np.isnan(found) & np.isnan(deciding))
        values: Numbers = np.where(known, self.values_[position], self.commonest_)
        return values

    def deciding(self, decided: Numbers) -> Numbers:
        """The key of each value, NaN where several keys, or none, have it."""
        values, first, counts = np.unique(self.values_, return_index=True, return_counts=True)
        position = np.searchsorted(values, decided).clip(0, len(values) - 1)
        is_decided = (values[position] == decided) & (counts[position] == 1)
        return np.where(is_decided, self.keys_[first[position]], np.nan)

    def state(self) -> State:
        values = np.append(self.values_, self.commonest_)
        return {"keys": self.keys_, "values": values}

    def restore(self, state: State) -> Self:
        self.keys_, self.values_ = state["keys"], state["values"][:-1]
        self.commonest_ = state["values"][-1]
        return self


def find_derived(
    columns: Mapping[str, Numbers], *, masked: bool = False, deciding: Collection[str] | None = None
) -> dict[str, str]:
    """The columns that one other column decides on every training row, each with that column.

    A column decides another if each of its values goes with one value only, and if that is no
    accident: with p the share of a value, rows that add nothing to what their key has already
    shown have the log-probability sum of (n_key - 1) log p(value), which must be under -50. Of
    two columns that decide each other the later one is derived; a derived column decides nothing.

    Args:
        columns: by name, NaN for missing.
        masked: whether a missing value is a missing cell, that says nothing, or a value like any
            other.
        deciding: names of those that may decide others; None for all.
    """
    codes = {name: np.unique(numbers, return_inverse=True)[1] for name, numbers in columns.items()}
    if masked:
        codes = {
            n: np.where(np.isnan(columns[n]), MISSING, of_rows) for n, of_rows in codes.items()
        }
    known = {name: _Values.of(of_rows) for name, of_rows in codes.items()}
    may = [name for name in codes if deciding is None or name in deciding]
    derived: dict[str, str] = {}
    for name in list(codes):
        others = (other for other in may if other != name and other not in derived)
        source = next((o for o in others if known[o].decide(known[name])), None)
        if source is not None and not (name in may and _is_first(name, source, known)):
            derived[name] = source
    return _rooted(derived, known)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Values:
    """A column's codes, and the first row of each.

    Attributes:
        codes: int64 [n], -1 for a missing cell.
        first: int64 [n_values], the first row that has each code.
        counts: int64 [n_values], rows that have it.
    """

    codes: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, codes: NDArray[np.int64]) -> _Values:
        distinct, first, counts = np.unique(codes, return_index=True, return_counts=True)
        there = distinct >= 0
        return cls(codes=codes, first=first[there], counts=counts[there])

    def decide(self, other: _Values) -> bool:
        """Whether each value here goes with one value there, and not by accident."""
        if len(self.first) < len(other.first) or len(other.first) <= 1:
            return False
        if (self.codes < 0).any() or (other.codes < 0).any():
            both = (self.codes >= 0) & (other.codes >= 0)
            mine, theirs = (np.unique(v.codes[both], return_inverse=True)[1] for v in (self, other))
            return _Values.of(mine).decide(_Values.of(theirs)) if both.any() else False
        of_key = other.codes[self.first]
        if not np.array_equal(of_key[self.codes], other.codes):
            return False
        log_shares = np.log(other.counts / len(other.codes))
        surprise = -(self.counts - 1) * log_shares[of_key]
        return bool(surprise.sum() > EVIDENCE)


def _is_first(name: str, source: str, known: Mapping[str, _Values]) -> bool:
    """Whether ``name`` stands before a ``source`` that it decides in turn."""
    order = list(known)
    return order.index(source) > order.index(name) and known[name].decide(known[source])


def _rooted(derived: Mapping[str, str], known: Mapping[str, _Values]) -> dict[str, str]:
    """Each derived column with the one in the row that decides it: of a chain, the first.

    Of city, country and continent the city decides both. Where missing cells hide that it does, the
    column is left in the row.
    """
    rooted = {}
    for name, source in derived.items():
        root = source
        while root in derived:
            root = derived[root]
        if root == source or known[root].decide(known[name]):
            rooted[name] = root
    return rooted
