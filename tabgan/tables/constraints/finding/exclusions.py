"""Pairs of values that no row has together: died and readmitted."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.finding.evidence import (
    SURPRISE,
    Codes,
    Discrete,
    Found,
    discrete,
    sign_text,
)

MOST_VALUES = 20
FEW = 2  # such pairs of two columns, at most; of more a block of the pairs there are is the rule
MOST_COLUMNS = 60


def find_exclusions(columns: Columns) -> list[Found]:
    """The pairs of values that independent columns would have in 20 rows or more, and none has.

    Two columns with more than two such pairs have a structure that ``combination`` says better.
    """
    few = dict([*discrete(columns, MOST_VALUES).items()][:MOST_COLUMNS])
    leaders = _leaders(few)
    found = []
    for one, other in combinations(few, 2):
        (a, values), (b, others) = few[one], few[other]
        cells = _cells(a, b, len(values), len(others))
        expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / columns.n
        empty = np.argwhere((cells == 0) & (expected > SURPRISE))
        if not 0 < len(empty) <= FEW or (cells > 0).sum() <= max(len(values), len(others)):
            continue
        for i, j in empty:
            if (one, int(i)) not in leaders or (other, int(j)) not in leaders:
                continue
            signs = ((one, values[i]), (other, others[j]))
            words = " and ".join(sign_text(columns.schema[name], value) for name, value in signs)
            found.append(Found(Filter(f"not ({words})"), float(expected[i, j])))
    return found


def _leaders(few: Discrete) -> set[tuple[str, int]]:
    """Of values that stand on the same rows, whichever the columns, the first."""
    first: dict[bytes, tuple[str, int]] = {}
    for name, (codes, values) in few.items():
        for position in range(len(values)):
            first.setdefault(np.packbits(codes == position).tobytes(), (name, position))
    return {*first.values()}


def _cells(one: Codes, other: Codes, n_one: int, n_other: int) -> Codes:
    """Rows per pair of values, int64 [n_one, n_other]."""
    counts = np.bincount(one * n_other + other, minlength=n_one * n_other)
    return counts.reshape(n_one, n_other)
