"""Numbers that are another column's on some rows: the lot of a house is its neighbours'."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.finding.evidence import MOST_VALUES, SURPRISE, measured

SHARE = 0.01  # of the rows
MOST_COLUMNS = 60


@dataclass(frozen=True)
class Equal:
    """Two columns of many values that are the same on some rows.

    Attributes:
        one, other: the columns.
        share: of the rows with both.
        by_chance: the share that independent columns would have.
    """

    one: str
    other: str
    share: float
    by_chance: float


def find_equalities(columns: Columns) -> list[Equal]:
    """The pairs that are equal on more rows than chance explains, and not on all.

    Only numbers of more than 128 values are looked at: counts meet by chance, and are learned.
    """
    many = {n: of for n, of in measured(columns).items() if len(np.unique(of)) > MOST_VALUES}
    found = []
    for one, other in combinations([*many][:MOST_COLUMNS], 2):
        if (columns.schema[one].kind == "date") is not (columns.schema[other].kind == "date"):
            continue
        both = ~np.isnan(many[one]) & ~np.isnan(many[other])
        a, b = many[one][both], many[other][both]
        equal = a == b
        n_equal = int(equal.sum())
        if n_equal < SHARE * len(a) or n_equal == len(a):
            continue
        chance = _by_chance(a, b)
        if n_equal - chance * len(a) > SURPRISE and n_equal > 2 * chance * len(a):
            found.append(Equal(one, other, n_equal / len(a), chance))
    return found


def _by_chance(one: np.ndarray, other: np.ndarray) -> float:
    values, first = np.unique(one, return_counts=True)
    others, second = np.unique(other, return_counts=True)
    _, at, at_other = np.intersect1d(values, others, return_indices=True)
    return float((first[at] * second[at_other]).sum() / len(one) ** 2)
