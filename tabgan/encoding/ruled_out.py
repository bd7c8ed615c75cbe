"""Codes of two columns that a rule never lets stand together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers
from tabgan.encoding.layout import Exclusion
from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.comparisons import Inequality
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.reading import Constraint
from tabgan.tables.schema import TableSchema

MOST_ORDERS = 300  # pairs of columns, with those that follow from two others

Spans = dict[str, Numbers]  # per column the least and the greatest number of each code, [codes, 2]


def ruled_out(
    rules: Iterable[Constraint], spans: Spans, *, schema: TableSchema, units: Mapping[str, int]
) -> list[Exclusion]:
    """What rules of two columns rule out: orders, and filters between codes of a single number.

    Args:
        rules: found or declared; those of other kinds rule nothing out.
        spans: of the columns that are drawn by a code; NaN for missing.
        schema: of all columns.
        units: per date column, the microseconds that its numbers count.
    """
    rules = list(rules)
    found = []
    for lower, upper, strict in _with_what_follows(rules):
        if lower in spans and upper in spans:
            least = spans[lower][:, :1] * units.get(lower, 1)
            greatest = spans[upper][:, 1] * units.get(upper, 1)
            never = least >= greatest if strict else least > greatest
            found.append((lower, upper, never))
    for rule in rules:
        if isinstance(rule, Filter) and len(names := [*dict.fromkeys(rule.columns)]) == 2:
            one, other = names
            if one in spans and other in spans:
                found.append((one, other, _never(rule, one, other, spans, schema, units)))
    return [Exclusion(a, b, tuple(_runs(never))) for a, b, never in found if never.any()]


def _with_what_follows(rules: Iterable[Constraint]) -> Iterator[tuple[str, str, bool]]:
    """Orders (lower, upper, strict), and a <= c for every a <= b and b <= c."""
    orders = [rule for rule in rules if isinstance(rule, Inequality)]
    names = [*dict.fromkeys(name for rule in orders for name in rule.columns)]
    at = {name: position for position, name in enumerate(names)}
    below = np.zeros((2, len(names), len(names)), bool)  # at all, strictly
    for rule in orders:
        below[: 1 + rule.strict, at[rule.lower], at[rule.upper]] = True
    for middle in range(len(names)):  # Warshall's closure
        through, from_there = below[:, :, middle, None], below[:, None, middle, :]
        below[1] |= (through[1] & from_there[0]) | (through[0] & from_there[1])
        below[0] |= through[0] & from_there[0]
    for lower, upper in np.argwhere(below[0] & ~np.eye(len(names), dtype=bool))[:MOST_ORDERS]:
        yield names[lower], names[upper], bool(below[1, lower, upper])


def _never(
    rule: Filter, one: str, other: str, spans: Spans, schema: TableSchema, units: Mapping[str, int]
) -> NDArray[np.bool_]:
    """The codes of a single number, or of missing, that break a rule together: [codes, codes]."""
    single = [_is_single(spans[name]) for name in (one, other)]
    pairs = np.argwhere(np.outer(*single))
    numbers = {
        name: spans[name][codes, 0] for name, codes in zip((one, other), pairs.T, strict=True)
    }
    never = np.zeros((len(spans[one]), len(spans[other])), bool)
    never[pairs[:, 0], pairs[:, 1]] = ~rule.kept(Columns.of_numbers(schema, numbers, units))
    return never


def _is_single(span: Numbers) -> NDArray[np.bool_]:
    return np.asarray((span[:, 0] == span[:, 1]) | np.isnan(span[:, 0]), bool)


def _runs(never: NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """Where each row of a table is True: (row, first position, last position + 1)."""
    edges = np.diff(np.pad(never.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(edges > 0), np.argwhere(edges < 0)
    for (code, first), (_, last) in zip(starts.tolist(), ends.tolist(), strict=True):
        yield code, first, last
