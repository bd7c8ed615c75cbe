"""Rules that nearly every real row obeys, found over simple templates; rows are put right by them.

A run keeps as many of them as ``traffic.rules`` says: ``all``; ``ranges``, each number within the
range of the real ones and in steps of its column; ``none``, the range alone, as IDSGAN (Lin, Shi
and Xue 2022) clips what it generates, and leaves features that depend on others as they come.

Rows are ``TableEncoder.numbers``: float64 [n, n_columns], categories as codes. A rule holds when
at least ``SHARE`` of real rows obey it, and forbids something that does occur elsewhere: that
``a`` is at most ``b`` says nothing where all of ``a`` is below all of ``b``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.column import Numbers
from tabgan.errors import TabganError, nearest
from tabgan.tables.orders import Orders
from tabgan.tables.schema import Column, TableSchema

LEVELS = ("none", "ranges", "all")
SHARE = 0.999  # of the rows that a rule speaks of obey it
SUPPORT = 1_000  # rows that a rule speaks of; with fewer, .999 would be a guess
OCCURS = 0.01  # of the rows: what a rule forbids, or speaks of, is no rarity
ROUNDING = 0.0101  # two decimals, rounded or cut off
FINE = 9  # decimals of a number that has no steps
SCREENED = 500  # rows that a ratio is tried on first

Mask = NDArray[np.bool_]


class Rules(Protocol):
    """Some rules of one template."""

    @property
    def parties(self) -> Mask:
        """Bool [n_rules, n_columns]: the columns that each speaks of."""
        ...

    def broken(self, rows: Numbers) -> Mask:
        """Bool [n, n_rules]."""
        ...

    def repaired(self, rows: Numbers, free: Mask) -> Numbers:
        """The rows with broken rules put right where a column is ``free``, bool [n, n_columns]."""
        ...

    def texts(self, schema: TableSchema) -> list[str]:
        """Each rule in words."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Numbers lie between the least and the greatest real one, in steps of their resolution."""

    columns: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    decimals: NDArray[np.int64]
    parties: Mask

    @classmethod
    def found(cls, rows: Numbers, schema: TableSchema, *, in_steps: bool) -> Self:
        """The ranges; without steps, any number of a range but in columns of whole numbers."""
        positions = [
            p for p, c in enumerate(schema.columns) if c.is_measured and _known(rows[:, p])
        ]
        steps = [_decimals(schema.columns[position], in_steps) for position in positions]
        return cls(
            columns=np.array(positions, np.int64),
            low=rows[:, positions].min(axis=0),
            high=rows[:, positions].max(axis=0),
            decimals=np.array(steps, np.int64),
            parties=_parties([(position,) for position in positions], rows.shape[1]),
        )

    def broken(self, rows: Numbers) -> Mask:
        values = rows[:, self.columns]
        scaled = values * 10.0**self.decimals
        broken: Mask = (
            (values < self.low) | (values > self.high) | (np.abs(scaled - scaled.round()) > 1e-6)
        )
        return broken

    def repaired(self, rows: Numbers, free: Mask) -> Numbers:
        rows = rows.copy()
        inside = rows[:, self.columns].clip(self.low, self.high)
        steps = 10.0**self.decimals
        rows[:, self.columns] = (inside * steps).round() / steps
        return rows

    def texts(self, schema: TableSchema) -> list[str]:
        ends = zip(self.columns, self.low, self.high, self.decimals, strict=True)
        return [
            f"{low:g} <= {schema.names[position]} <= {high:g}"
            + (f", {decimals} decimals" if 0 < decimals < FINE else "" if decimals else ", whole")
            for position, low, high, decimals in ends
        ]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """``a + b <= 1``, of two shares, to the rounding of two decimals."""

    pairs: NDArray[np.int64]  # [n_rules, 2]
    parties: Mask

    @classmethod
    def found(cls, rows: Numbers, schema: TableSchema) -> Self:
        shares = _shares(rows, schema)
        pairs = [
            (a, b)
            for i, a in enumerate(shares)
            for b in shares[i + 1 :]
            if rows[:, a].max() + rows[:, b].max() > 1 + ROUNDING
            and (rows[:, a] + rows[:, b] <= 1 + ROUNDING).mean() >= SHARE
        ]
        return cls(
            pairs=np.array(pairs, np.int64).reshape(-1, 2), parties=_parties(pairs, rows.shape[1])
        )

    def broken(self, rows: Numbers) -> Mask:
        return rows[:, self.pairs[:, 0]] + rows[:, self.pairs[:, 1]] > 1 + ROUNDING

    def repaired(self, rows: Numbers, free: Mask) -> Numbers:
        rows = rows.copy()
        for a, b in self.pairs:
            for one, other in ((a, b), (b, a)):
                rest = np.minimum(rows[:, one], (1 - rows[:, other]).round(2).clip(0))
                rows[:, one] = np.where(free[:, one], rest, rows[:, one])
        return rows

    def texts(self, schema: TableSchema) -> list[str]:
        return [f"{schema.names[a]} + {schema.names[b]} <= 1" for a, b in self.pairs]


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """``share <= a / b``, of two counts, to the rounding of two decimals."""

    triples: NDArray[np.int64]  # [n_rules, 3]: share, a, b
    parties: Mask

    @classmethod
    def found(cls, rows: Numbers, schema: TableSchema) -> Self:
        counts, few = _varying(rows, schema, "integer"), rows[: min(SCREENED, len(rows))]
        triples = [
            (share, a, b)
            for share in _shares(rows, schema)
            for a in counts
            for b in counts
            if a != b and all(_is_bound(part, share, a, b) for part in (few, rows))
        ]
        return cls(
            triples=np.array(triples, np.int64).reshape(-1, 3),
            parties=_parties(triples, rows.shape[1]),
        )

    def broken(self, rows: Numbers) -> Mask:
        share, a, b = self.triples.T
        return rows[:, share] > _ratio(rows[:, a], rows[:, b]) + ROUNDING

    def repaired(self, rows: Numbers, free: Mask) -> Numbers:
        rows = rows.copy()
        for share, a, b in self.triples:
            most = _ratio(rows[:, a], rows[:, b]).round(2)
            wrong = free[:, share] & (rows[:, share] > most + ROUNDING)
            rows[:, share] = np.where(wrong, most, rows[:, share])
        return rows

    def texts(self, schema: TableSchema) -> list[str]:
        name = schema.names
        return [f"{name[share]} <= {name[a]} / {name[b]}" for share, a, b in self.triples]


@dataclass(frozen=True, kw_only=True)
class Implications:
    """Where ``a`` is ``v``, ``b`` is ``w``; ``v`` is a category, or a number's extreme."""

    premises: tuple[tuple[int, float], ...]  # (a, v), each once
    conclusions: tuple[tuple[NDArray[np.int64], NDArray[np.float64]], ...]  # of each: b and w
    parties: Mask

    @classmethod
    def found(cls, rows: Numbers, schema: TableSchema) -> Self:
        usual = [_commonest(column) for column in rows.T]
        shares = np.array([(column == w).mean() for column, w in zip(rows.T, usual, strict=True)])
        premises, conclusions, pairs = [], [], []
        for a, v in _premises(rows, schema):
            spoken_of = rows[rows[:, a] == v]
            values = np.array([_commonest(column) for column in spoken_of.T])
            certain = (spoken_of == values).mean(axis=0) >= SHARE
            # What all rows are anyway is no rule: a rare value is not a wrong one.
            certain &= (shares <= 1 - OCCURS) | (values != usual)
            certain[a] = False
            positions = np.flatnonzero(certain)
            if len(positions):
                premises.append((a, v))
                conclusions.append((positions, values[positions]))
                pairs += [(a, int(b)) for b in positions]
        return cls(
            premises=tuple(premises),
            conclusions=tuple(conclusions),
            parties=_parties(pairs, rows.shape[1]),
        )

    def broken(self, rows: Numbers) -> Mask:
        parts = [
            (rows[:, a] == v)[:, None] & (rows[:, positions] != values)
            for (a, v), (positions, values) in zip(self.premises, self.conclusions, strict=True)
        ]
        return np.column_stack(parts) if parts else np.zeros((len(rows), 0), bool)

    def repaired(self, rows: Numbers, free: Mask) -> Numbers:
        rows = rows.copy()
        for (a, v), (positions, values) in zip(self.premises, self.conclusions, strict=True):
            spoken_of = np.flatnonzero(rows[:, a] == v)
            cells = np.ix_(spoken_of, positions)
            rows[cells] = np.where(free[cells], values, rows[cells])
        return rows

    def texts(self, schema: TableSchema) -> list[str]:
        return [
            f"{_equation(schema.columns[a], v)} => {_equation(schema.columns[b], w)}"
            for (a, v), (positions, values) in zip(self.premises, self.conclusions, strict=True)
            for b, w in zip(positions, values, strict=True)
        ]


@dataclass(frozen=True)
class RuleBook:
    """All rules of a table.

    Attributes:
        schema: its columns, in the order of the rows' numbers.
        groups: the rules by template.
    """

    schema: TableSchema
    groups: tuple[Rules, ...]

    @classmethod
    def found(cls, rows: Numbers, schema: TableSchema, *, level: str = "all") -> Self:
        """The rules of real rows, float64 [n, n_columns], of one of ``LEVELS``.

        Raises:
            TabganError: for another level.
        """
        if level not in LEVELS:
            raise TabganError(f"traffic.rules={level}: {nearest(level, LEVELS)}")
        if level != "all":
            return cls(schema, (Ranges.found(rows, schema, in_steps=level == "ranges"),))
        alike = [_varying(rows, schema, kind) for kind in ("integer", "numeric")]
        groups = (
            Ranges.found(rows, schema, in_steps=True),
            Orders.found(rows, alike, share=SHARE, surprise=0),
            Sums.found(rows, schema),
            Ratios.found(rows, schema),
            Implications.found(rows, schema),
        )
        return cls(schema, groups)

    def broken(self, rows: Numbers) -> Mask:
        """Bool [n, n_rules]: which rules each row breaks."""
        return np.concatenate([group.broken(rows) for group in self.groups], axis=1)

    def consistent(self, rows: Numbers, records: Numbers) -> Mask:
        """Bool [n]: whether a row breaks no rule that the record it was made from obeys."""
        newly_broken = self.broken(rows) & ~self.broken(records)
        return np.asarray(~newly_broken.any(axis=1), bool)

    def project(self, rows: Numbers, records: Numbers, free: Mask) -> Numbers:
        """Consistent rows near ``rows``, equal to ``records`` wherever they are not ``free``.

        Broken rules are put right where they can be; what still breaks one goes back to the
        record's value. Each such pass takes at least one cell back, and a record is consistent
        with itself, so this ends.

        Args:
            rows: changed rows, float64 [n, n_columns].
            records: the real rows they were made from.
            free: bool [n, n_columns], what may change.
        """
        rows = np.where(free, rows, records)
        for group in self.groups:
            rows = np.where(free, group.repaired(rows, free), records)
        obeyed = ~self.broken(records)
        parties = np.concatenate([group.parties for group in self.groups]).astype(np.float32)
        left = np.arange(len(rows))
        while len(left):
            bad = self.broken(rows[left]) & obeyed[left]
            still = bad.any(axis=1)
            left, bad = left[still], bad[still]
            back = (bad.astype(np.float32) @ parties > 0) & free[left]
            rows[left] = np.where(back, records[left], rows[left])
        return rows

    def texts(self) -> list[str]:
        """Each rule in words, in the order of ``broken``."""
        return [text for group in self.groups for text in group.texts(self.schema)]

    def state(self) -> dict[str, Any]:
        """Plain data and arrays."""
        return {
            "groups": [
                {"template": type(group).__name__}
                | {f.name: _as_lists(getattr(group, f.name)) for f in fields(group)}  # type: ignore[arg-type]
                for group in self.groups
            ]
        }

    @classmethod
    def restore(cls, state: dict[str, Any], schema: TableSchema) -> Self:
        groups = [dict(group) for group in state["groups"]]
        return cls(schema, tuple(TEMPLATES[group.pop("template")](**group) for group in groups))


TEMPLATES: dict[str, Any] = {
    template.__name__: template for template in (Ranges, Orders, Sums, Ratios, Implications)
}


def _as_lists(value: Any) -> Any:
    return [_as_lists(entry) for entry in value] if isinstance(value, tuple) else value


def _known(values: NDArray[np.float64]) -> bool:
    return not np.isnan(values).any()


def _decimals(column: Column, in_steps: bool) -> int:
    if column.kind != "numeric":  # whole numbers, and dates in whole units
        return 0
    return FINE if column.decimals is None or not in_steps else column.decimals


def _parties(positions: Sequence[tuple[int, ...]], n_columns: int) -> Mask:
    parties = np.zeros((len(positions), n_columns), bool)
    for rule, columns in enumerate(positions):
        parties[rule, list(columns)] = True
    return parties


def _varying(rows: Numbers, schema: TableSchema, kind: str) -> list[int]:
    """The columns of a kind that are not nearly always 0."""
    return [
        position
        for position, column in enumerate(schema.columns)
        if column.kind == kind
        and _known(rows[:, position])
        and (rows[:, position] != 0).mean() >= OCCURS
    ]


def _shares(rows: Numbers, schema: TableSchema) -> list[int]:
    return [
        position
        for position in _varying(rows, schema, "numeric")
        if rows[:, position].min() >= 0 and rows[:, position].max() <= 1
    ]


def _ratio(a: Numbers, b: Numbers) -> Numbers:
    return np.minimum(1.0, a / np.maximum(b, 1e-9))


def _is_bound(rows: Numbers, share: int, a: int, b: int) -> bool:
    """Whether the ratio bounds the share, and would not bound any other row's."""
    values, most = rows[:, share], _ratio(rows[:, a], rows[:, b]) + ROUNDING
    obeyed, by_chance = (values <= most).mean(), (np.roll(values, 1) <= most).mean()
    return bool(obeyed >= SHARE - 1 / len(rows) and by_chance <= 1 - 10 * OCCURS)


def _commonest(values: NDArray[np.float64]) -> float:
    """The commonest value; NaN (which equals nothing) where none is known."""
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(found[counts.argmax()]) if len(found) else float("nan")


def _premises(rows: Numbers, schema: TableSchema) -> list[tuple[int, float]]:
    """The (column, value) pairs that enough rows have."""
    pairs = []
    for position, column in enumerate(schema.columns):
        known = rows[~np.isnan(rows[:, position]), position]
        values, counts = np.unique(known, return_counts=True)
        if column.is_number and len(values):
            values, counts = values[[0, -1]], counts[[0, -1]]
        pairs += [
            (position, float(value))
            for value, count in zip(values, counts, strict=True)
            if min(SUPPORT, len(rows) / 10) <= count < len(rows)
        ]
    return pairs


def _equation(column: Column, value: float) -> str:
    shown = column.categories[int(value)] if column.is_nominal else f"{value:g}"
    return f"{column.name} = {shown}"
