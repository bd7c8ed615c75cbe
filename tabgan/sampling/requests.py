"""The distinct conditions of a sample's rows, and which row has which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.seeding import rng_at
from tabgan.tables.conditions import Requested, Where, members, read_mix, read_requested, read_where

Condition = dict[str, Requested]  # column -> what is requested of it; all at once
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The conditions of a sample's rows.

    Attributes:
        conditions: the distinct ones.
        order: of a file of conditions, the condition of each of its rows; None otherwise.
        shares: of a class mix, the share of each condition; None otherwise.
    """

    conditions: list[Condition]
    order: Rows | None = None
    shares: NDArray[np.float64] | None = None

    @classmethod
    def read(
        cls,
        encoder: TableEncoder,
        *,
        where: Where | None = None,
        mix: str | Mapping[Any, float] | None = None,
        like: Sequence[Where] | None = None,
    ) -> Request:
        """Read a user's words; the schema alone is requested whether they can be meant.

        Raises:
            TabganError: for an unknown column, a value that a column cannot have, or words that
                contradict each other.
        """
        everywhere = read_where(encoder.schema, {} if where is None else where)
        if mix is not None and like is not None:
            raise TabganError("mix and like: both say the rows' conditions; give one of them")
        if mix is not None:
            return cls._mixed(encoder, everywhere, mix)
        if like is not None:
            return cls._like(encoder, everywhere, like)
        return cls(conditions=[everywhere])

    @classmethod
    def _mixed(
        cls, encoder: TableEncoder, everywhere: Condition, mix: str | Mapping[Any, float]
    ) -> Request:
        schema = encoder.schema
        if schema.target is None:
            raise TabganError("mix: the table has no target whose classes could be mixed")
        target = schema[schema.target]
        shares = read_mix(target, mix)
        if target.name in everywhere:
            raise TabganError(f"mix and where.{target.name}: both ask for classes; give one")
        conditions = [everywhere | {target.name: read_requested(target, label)} for label in shares]
        return cls(conditions=conditions, shares=np.array([*shares.values()]))

    @classmethod
    def _like(cls, encoder: TableEncoder, everywhere: Condition, like: Sequence[Where]) -> Request:
        known: dict[tuple[tuple[str, str], ...], int] = {}
        conditions: list[Condition] = []
        order = np.empty(len(like), np.int64)
        for row, where in enumerate(like):
            if not isinstance(where, Mapping):
                raise TabganError(f"like, row {row + 1}: expected a dict of columns, got {where!r}")
            key = tuple((name, repr(members(value))) for name, value in where.items())
            if key not in known:
                known[key] = len(conditions)
                conditions.append(_row_condition(encoder, everywhere, where, row))
            order[row] = known[key]
        if not conditions:
            raise TabganError("like: no rows; expected one condition per row")
        return cls(conditions=conditions, order=order)

    def of_rows(self, first: int, n: int, seed: int) -> Rows:
        """The condition, by its position, of each of the rows first … first + n - 1.

        Rows beyond a file's last begin with its first again; the classes of a mix are as many as
        its shares say, to the row, in an order of chance.
        """
        if self.order is not None:
            return self.order[np.arange(first, first + n) % len(self.order)]
        if self.shares is None:
            return np.zeros(n, np.int64)
        counts = np.floor(self.shares * n).astype(np.int64)
        rest = self.shares * n - counts
        counts[np.argsort(-rest, kind="stable")[: n - counts.sum()]] += 1
        rows = np.repeat(np.arange(len(counts)), counts)
        return rng_at(seed, "mix", first).permutation(rows)

    def described(self, position: int) -> str:
        """A condition in the words of a message."""
        row = (
            ""
            if self.order is None
            else f"like, row {int((self.order == position).argmax()) + 1}: "
        )
        return row + (", ".join(map(str, self.conditions[position].values())) or "any row")


def _row_condition(
    encoder: TableEncoder, everywhere: Condition, where: Where, row: int
) -> Condition:
    try:
        own = read_where(encoder.schema, where)
    except TabganError as error:
        raise TabganError(f"like, row {row + 1}: {error}") from error
    twice = sorted(own.keys() & everywhere.keys())
    if twice:
        raise TabganError(f"like, row {row + 1}: where.{twice[0]} asks the same of every row")
    return everywhere | own
