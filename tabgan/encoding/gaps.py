"""Numbers that never lie below another and often equal it: learned as their distance to it.

A follow-up that ends with the death or with the study, an amount granted that is the amount
requested: codes of both numbers would meet the order nearly, and never the equality. The distance
has its own heavy value, 0, and both hold by construction. A number of round values (a loan, in
multiples of 25) above a finer one (what is paid of it) stays itself: no distance would give it
round values again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tabgan.encoding.column import Numbers
from tabgan.encoding.numbers import is_finer
from tabgan.tables.orders import Orders

EQUAL_SHARE, EQUAL_ROWS = 0.02, 30  # of the rows whose value is no heavy one: as many are equal
HEAVY = 0.01  # of the rows: a value that so many have is equal by chance


def find_gaps(
    columns: Mapping[str, Numbers], alike: Sequence[Sequence[str]], upper: Collection[str]
) -> dict[str, str]:
    """Per number that is learned as a distance the one below it; those below come first.

    Args:
        columns: by name, float64 [n], NaN for missing.
        alike: the names that can be compared with one another.
        upper: those that may be left to their distance.
    """
    names = [*columns]
    if len(names) < 2 or not upper:
        return {}
    rows = np.column_stack([*columns.values()])
    positions = {name: position for position, name in enumerate(names)}
    orders = Orders.found(rows, [[positions[name] for name in group] for group in alike])
    shares: dict[str, dict[str, float]] = {}
    for a, b in orders.pairs.tolist():
        share = _equal_share(rows[:, a], rows[:, b])
        if names[b] in upper and share is not None and not _is_finer(rows[:, a], rows[:, b]):
            shares.setdefault(names[b], {})[names[a]] = share
    chosen = {name: max(of, key=of.__getitem__) for name, of in shares.items()}
    ordered: dict[str, str] = {}
    while left := chosen.keys() - ordered.keys():
        free = [name for name in chosen if name in left and chosen[name] not in left]
        if not free:  # each is one below another: equal throughout, of which nothing is to learn
            break
        ordered |= {name: chosen[name] for name in free}
    return ordered


def _equal_share(below: Numbers, above: Numbers) -> float | None:
    """The share of equal numbers among those that are rare; None for too few, or a gap in below."""
    known = ~np.isnan(above)
    if np.isnan(below[known]).any():
        return None
    below, above = below[known], above[known]
    _, which, counts = np.unique(above, return_inverse=True, return_counts=True)
    rare = counts[which] <= max(HEAVY * len(above), 1)
    equal = int((below[rare] == above[rare]).sum())
    if equal < max(EQUAL_ROWS, EQUAL_SHARE * rare.sum()):
        return None
    return equal / int(rare.sum())


def _is_finer(below: Numbers, above: Numbers) -> bool:
    """Whether the distance has far more values than the number above has."""
    known = ~np.isnan(above)
    below, above = below[known], above[known]
    right = 9 - int(np.log10(max(np.abs(above).max(), 1.0)))  # digits that subtraction leaves
    return is_finer(np.round(above - below, right), above)


def gap_name(below: str, above: str, taken: Collection[str]) -> str:
    """A name for the distance that no column has."""
    name = f"{above} - {below}"
    while name in taken:
        name += "'"
    return name
