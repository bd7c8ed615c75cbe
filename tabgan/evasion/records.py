"""Real rows that a generator may change in part, and the way back to whole, consistent rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.column import Numbers
from tabgan.encoding.layout import RowLayout
from tabgan.encoding.table import TableEncoder
from tabgan.evasion.rules import RuleBook


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """Real rows, with what may change in each.

    Attributes:
        numbers: float64 [n, n_columns], as ``TableEncoder.numbers``.
        rows: the same encoded.
        group: int64 [n], which attack category each belongs to.
        free: bool [n, n_columns], the columns that may change.
        places: float32 [n, row_width], 1 at their places of an encoded row.
    """

    numbers: Numbers
    rows: CodedRows
    group: NDArray[np.int64]
    free: NDArray[np.bool_]
    places: Tensor

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        group: NDArray[np.int64],
        held: Sequence[Sequence[str]],
        encoder: TableEncoder,
    ) -> Self:
        """Records of a conforming table; ``held`` names the columns each group must not change."""
        names, columns = encoder.schema_.names, _column_of(encoder)
        varies = np.isin(np.arange(len(names)), columns)  # a constant has no place in a row
        may = np.array([[name not in kept for name in names] for kept in held]) & varies
        free = may[group]
        return cls(
            numbers=encoder.numbers(table),
            rows=encoder.encode_coded(table),
            group=group,
            free=free,
            places=torch.from_numpy(free[:, columns].astype(np.float32)),
        )

    def __len__(self) -> int:
        return len(self.group)

    def taken(self, chosen: NDArray[np.int64]) -> Records:
        """Some of the records, by their places."""
        at = torch.from_numpy(chosen)
        rows = CodedRows(
            layout=self.rows.layout, codes=self.rows.codes[at], scalars=self.rows.scalars[at]
        )
        return Records(
            numbers=self.numbers[chosen],
            rows=rows,
            group=self.group[chosen],
            free=self.free[chosen],
            places=self.places[at],
        )

    def mixed(self, rows: Tensor) -> Tensor:
        """``rows`` [n, row_width] where they may change, the records' own places elsewhere."""
        own = self.rows[:]
        return own + self.places * (rows - own)


@dataclass(frozen=True)
class Sender:
    """From encoded changed rows to rows that can be sent: whole, consistent, held columns as were.

    Attributes:
        encoder: knows what the rows are; it has neither target nor condition.
        rules: what they have to obey.
    """

    encoder: TableEncoder
    rules: RuleBook

    def numbers(self, rows: Tensor, records: Records) -> Numbers:
        """Float64 [n, n_columns] of encoded rows [n, row_width].

        A column whose encoded value is the record's keeps the record's very number.
        """
        dense = rows.detach()
        none = np.empty((len(dense), 0), np.float32)
        decoded = self.encoder.decode_numbers(dense.numpy(), none)
        places = (dense != records.rows[:]).numpy()
        columns = _column_of(self.encoder)
        changed = np.zeros(records.free.shape, bool)
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        changed[:, columns[starts]] = np.logical_or.reduceat(places, starts, axis=1)
        moved = np.where(changed & records.free, decoded, records.numbers)
        return self.rules.project(moved, records.numbers, records.free)

    def table(self, numbers: Numbers) -> pd.DataFrame:
        """The rows behind numbers, as a conforming table."""
        return self.encoder.to_table(numbers)

    def encoded(self, table: pd.DataFrame) -> Tensor:
        """A table's rows, float32 [n, row_width]."""
        return self.encoder.encode_coded(table)[:]


class Answers:
    """Encoded rows and what the detector answered, 1 for an attack.

    Args:
        layout: the map of a row.
    """

    def __init__(self, layout: RowLayout) -> None:
        self.rows = CodedRows.empty(0, layout)
        self.labels = torch.empty(0)

    def add(self, rows: CodedRows, labels: Tensor) -> None:
        """Remember more rows with their labels [n]."""
        self.rows = CodedRows(
            layout=rows.layout,
            codes=torch.cat([self.rows.codes, rows.codes]),
            scalars=torch.cat([self.rows.scalars, rows.scalars]),
        )
        self.labels = torch.cat([self.labels, labels])

    def drawn(
        self, n: int, rng: torch.Generator, *, newest: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """``n`` rows [n, row_width], drawn with replacement (from the newest), and labels [n]."""
        among = min(newest or len(self.labels), len(self.labels))
        places = len(self.labels) - 1 - torch.randint(among, (n,), generator=rng)
        return self.rows[places], self.labels[places]


def measures(encoder: TableEncoder) -> Tensor:
    """How far up its number's range, and its ranks, each place stands: [row_width, n_measures].

    Columns of one block of levels or bins have these two measures, each in [0, 1]; others none. A
    net that sees ``rows @ measures`` beside one-hots need not learn the order of every level.
    """
    columns = []
    for block in encoder.layout_.blocks:
        ordered = block.column in encoder.ranges_ and block.kind == "discrete" and block.width > 1
        if not ordered or len(encoder.layout_.of(block.column)) > 1:
            continue
        numbers = encoder.encoders_[block.column].decode(np.eye(block.width, dtype=np.float32))
        numbers = np.nan_to_num(numbers)  # missing is a place too
        rank = numbers.argsort().argsort() / (block.width - 1)
        span = max(float(np.ptp(numbers)), 1e-9)
        for measure in ((numbers - numbers.min()) / span, rank):
            column = torch.zeros(encoder.layout_.width)
            column[block.span] = torch.from_numpy(measure).float()
            columns.append(column)
    return torch.stack(columns, dim=1) if columns else torch.zeros(encoder.layout_.width, 0)


def held_columns(
    features: Mapping[str, Sequence[str]], groups: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Group -> the columns it must not change, from the kinds of features that it holds."""
    return {
        name: [column for kind in kinds for column in features[kind]]
        for name, kinds in groups.items()
    }


def _column_of(encoder: TableEncoder) -> NDArray[np.int64]:
    """Int64 [row_width]: the place among the columns that each place of a row belongs to."""
    place = {name: number for number, name in enumerate(encoder.schema_.names)}
    spans = [np.full(block.width, place[block.column]) for block in encoder.layout_.blocks]
    return np.concatenate(spans)
