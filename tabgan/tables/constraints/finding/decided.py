"""Columns that two or three others decide together: the distance by origin and destination."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import combinations

import numpy as np

from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.finding.evidence import Codes, Found
from tabgan.tables.constraints.groups import Follows
from tabgan.tables.constraints.tuples import joined_codes

TRIED_ROWS = 5_000  # that all ways are screened on; all rows say whether one decides
REPEATED = 0.05  # share of these that have another's combination, at least
MOST_DECIDING = 30  # columns
PROMISING = 3  # pairs per column, of those that leave least open, that a third is added to
EVIDENCE = 50.0  # nats; as of columns that one other decides
SINGLES = 0.005  # share of rows that have a combination of their own, at most
MOST_TUPLES = 20_000

Deciders = tuple[str, ...]  # the columns that decide


def find_decided(columns: Columns, *, but: Iterable[str] = ()) -> list[Found]:
    """The columns that two or three others decide on every row, and fewer of them do not.

    Each combination of the others goes with one value only, and that is no accident: with p the
    share of a value among the rows that agree in all of the others but one, rows that add nothing
    to what their combination has already shown have the log-probability sum of log p, which must
    be under -50, whichever is left out. At most one row in 200 has a combination of its own, so
    that hardly one in 200 generated rows has one that was not seen (Good 1953).

    Of columns that give each other that of most values is given.

    Args:
        columns: of the rows.
        but: columns that are given by others already.
    """
    codes = _codes(columns, set(but))
    names = [*codes]
    deciding = [name for name in names if codes[name].max() < columns.n / 10][:MOST_DECIDING]
    rows = np.linspace(0, columns.n - 1, min(columns.n, TRIED_ROWS)).astype(np.int64)
    few = {name: of[rows] for name, of in codes.items()}
    found: list[Found] = []
    promising = _promising(names, deciding, few)
    for name in sorted(promising, key=lambda name: -int(codes[name].max())):
        taken = {other for one in found for other in one.rule.columns}
        given = {one.rule.columns[0] for one in found}
        fitting = (
            deciders
            for deciders in promising[name]
            if name not in taken and given.isdisjoint(deciders)
        )
        deciders = next(
            (deciders for deciders in fitting if _evidence(codes, name, deciders) > EVIDENCE), None
        )
        if deciders is not None:
            rule = Follows(name, deciders).fitted(columns)
            found.append(Found(rule, _evidence(codes, name, deciders)))
    return found


def _codes(columns: Columns, but: set[str]) -> dict[str, Codes]:
    """Per column that varies the position of each row's value among its values."""
    codes = {
        column.name: np.unique(columns[column.name], return_inverse=True)[1].reshape(-1)
        for column in columns.schema.columns
        if column.kind != "string" and not column.key and column.name not in but
    }
    return {name: of for name, of in codes.items() if of.any()}


def _promising(
    names: Sequence[str], deciding: Sequence[str], few: dict[str, Codes]
) -> dict[str, list[Deciders]]:
    """Per column the ways that decide it on some rows, pairs before triples."""
    if len(deciding) < 2:
        return {}
    table = np.column_stack([few[name] for name in names])
    alone = {one: _conflicts(few[one], table) for one in deciding}
    left: dict[str, list[tuple[int, Deciders]]] = {name: [] for name in names}
    pairs: list[Deciders] = [*combinations(deciding, 2)]
    for pair in pairs:
        conflicts = _conflicts(_keys([few[one] for one in pair]), table)
        for name, n_conflicts in zip(names, conflicts, strict=True):
            at = names.index(name)
            if name not in pair and all(alone[one][at] for one in pair):
                left[name].append((int(n_conflicts), pair))
    ways = {name: [pair for n, pair in left[name] if n == 0] for name in names}
    triples: dict[Deciders, list[str]] = {}
    for name in (name for name in names if not ways[name]):
        for _, pair in sorted(left[name])[:PROMISING]:
            for third in (one for one in deciding if one not in (*pair, name)):
                triple: Deciders = tuple(sorted((*pair, third), key=names.index))
                triples.setdefault(triple, []).append(name)
    for triple, wanted in triples.items():
        positions = [names.index(name) for name in wanted]
        conflicts = _conflicts(_keys([few[one] for one in triple]), table[:, positions])
        for name, n_conflicts in zip(wanted, conflicts, strict=True):
            if n_conflicts == 0 and triple not in ways[name]:
                ways[name].append(triple)
    return ways


def _keys(codes: Sequence[Codes]) -> Codes:
    """A number per combination of codes; three of 50,000 values each are 10^14."""
    return reduce(lambda keys, other: keys * (other.max() + 1) + other, codes)


def _conflicts(keys: Codes, table: Codes) -> Codes:
    """Neighbours with one key and two values, per column of ``table``; 0 where keys decide it.

    All rows, where hardly any two have one key: nothing is shown.
    """
    order = np.argsort(keys)
    same = keys[order][1:] == keys[order][:-1]
    if same.sum() < REPEATED * len(keys):
        return np.full(table.shape[1], len(keys))
    ordered = table[order]
    return np.asarray(((ordered[1:] != ordered[:-1]) & same[:, None]).sum(axis=0))


def _evidence(codes: dict[str, Codes], name: str, deciders: Deciders) -> float:
    """Nats that speak for a way; 0 where it does not decide, or mostly what was seen once."""
    keys, values = joined_codes([codes[one] for one in deciders]), codes[name]
    counts = np.bincount(keys)
    if len(counts) > MOST_TUPLES or (counts == 1).sum() > SINGLES * len(keys):
        return 0.0
    if _conflicts(keys, values[:, None])[0]:
        return 0.0
    _, first = np.unique(keys, return_index=True)
    return min(_surprise(values, fewer, first, counts) for fewer in _without_one(codes, deciders))


def _without_one(codes: dict[str, Codes], deciders: Deciders) -> Iterator[Codes]:
    for left_out in deciders:
        yield joined_codes([codes[one] for one in deciders if one != left_out])


def _surprise(values: Codes, given: Codes, first: Codes, counts: Codes) -> float:
    """Nats of rows that add nothing to their key, given what fewer columns say of the value."""
    pairs = joined_codes([given, values])
    shares = np.bincount(pairs)[pairs[first]] / np.bincount(given)[given[first]]
    return float(-((counts - 1) * np.log(shares)).sum())
