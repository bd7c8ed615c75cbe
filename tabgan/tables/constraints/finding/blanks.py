"""Values that several columns take together: no internet, and so no security, backup, support.

A column is missing, or has one certain value, on just the rows on which another has: six columns
that share a parent are one rule, not fifteen pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.finding.evidence import (
    MOST_VALUES,
    SURPRISE,
    Discrete,
    Found,
    discrete,
    sign_text,
)

MOST_SIGNS = 2_000

Sign = tuple[str, float]  # a column and the value that it has; NaN for missing


def find_blanks(columns: Columns) -> list[Found]:
    """The rules that some columns have certain values on the same rows.

    Columns that decide each other altogether have them for every value; of these nothing is said.
    """
    groups: dict[bytes, list[Sign]] = {}
    masks: dict[bytes, Mask] = {}
    for sign, mask in _signs(columns):
        key = np.packbits(mask).tobytes()
        groups.setdefault(key, []).append(sign)
        masks[key] = mask
    found, codes = [], discrete(columns)
    for key, signs in groups.items():
        share = float(masks[key].mean())
        evidence = 2 * share * (1 - share) * columns.n
        if len(signs) == 1 or evidence <= SURPRISE:
            continue
        signs = _independent(columns, codes, masks[key], signs)
        if len(signs) > 1:
            found.append(Found(Filter(_text(columns, signs)), evidence))
    return found


def _signs(columns: Columns) -> Iterator[tuple[Sign, Mask]]:
    """What a column may be on some rows: missing, a category, a number that many rows have."""
    n_signs = 0
    for column in columns.schema.columns:
        if column.key or n_signs > MOST_SIGNS:
            continue
        known = columns.is_known(column.name)
        if not known.all() and known.any():
            yield (column.name, np.nan), ~known
            n_signs += 1
        if column.kind in ("string", "date"):
            continue
        numbers = columns[column.name]
        values, counts = np.unique(numbers[known], return_counts=True)
        heavy = (counts >= SURPRISE / 2) & (counts < len(numbers))
        for value in values[heavy][:MOST_VALUES]:
            yield (column.name, float(value)), numbers == value
            n_signs += 1


def _independent(columns: Columns, codes: Discrete, mask: Mask, signs: list[Sign]) -> list[Sign]:
    """Those of columns that do not decide each other altogether."""
    kept: list[Sign] = []
    for sign in signs:
        if not any(_decide_each_other(columns, codes, mask, sign[0], other) for other, _ in kept):
            kept.append(sign)
    return kept


def _number_each_other(columns: Columns, rest: Mask, one: str, other: str) -> bool:
    """Whether numbers that come again go with one of the other column each.

    ``rest`` are the rows on which the columns have other values than those in question.
    """
    if any(columns.schema[name].kind == "string" for name in (one, other)):
        return False
    a, b = (np.unique(columns[name][rest], return_inverse=True)[1] for name in (one, other))
    if not len(a) or a.max() != b.max() or 2 * (n_values := int(a.max()) + 1) > len(a):
        return False
    return len(np.unique(a * n_values + b)) == n_values


def _decide_each_other(columns: Columns, codes: Discrete, mask: Mask, one: str, other: str) -> bool:
    """Whether a column decides the other for more than the one value, of the rows of ``mask``."""
    if one == other:
        return True
    if one not in codes or other not in codes:
        return _number_each_other(columns, ~mask, one, other)
    (a, values), (b, others) = codes[one], codes[other]
    n_pairs = len(np.unique(a * len(others) + b))
    return (n_pairs == max(len(values), len(others)) and min(len(values), len(others)) > 2) or (
        n_pairs == len(values) == len(others)
    )


def _text(columns: Columns, signs: list[Sign]) -> str:
    first, *others = (sign_text(columns.schema[name], value) for name, value in signs)
    return " and ".join(f"({other}) = ({first})" for other in others)
