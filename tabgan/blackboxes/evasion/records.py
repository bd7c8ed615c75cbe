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

from tabgan.blackboxes.evasion.rules import RuleBook
from tabgan.encoding.column import Numbers
from tabgan.encoding.table import TableEncoder


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """Real rows, with what may change in each.

    Attributes:
        numbers: float64 [n, n_columns], as ``TableEncoder.numbers``.
        group: int64 [n], which attack category each belongs to.
        free: bool [n, n_columns], the columns that may change.
    """

    numbers: Numbers
    group: NDArray[np.int64]
    free: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        group: NDArray[np.int64],
        held: Sequence[Sequence[str]],
        encoder: TableEncoder,
    ) -> Self:
        """Records of a conforming table; ``held`` names the columns each group must not change."""
        names = encoder.schema_.names
        varies = np.isin(np.arange(len(names)), column_of_position(encoder))  # a constant stays
        may = np.array([[name not in kept for name in names] for kept in held]) & varies
        return cls(numbers=encoder.numbers(table), group=group, free=may[group])

    def __len__(self) -> int:
        return len(self.group)

    def taken(self, chosen: NDArray[np.int64]) -> Records:
        """Some of the records, by their positions."""
        return Records(
            numbers=self.numbers[chosen], group=self.group[chosen], free=self.free[chosen]
        )


@dataclass(frozen=True)
class RecordDecoder:
    """From changed numbers or encoded rows to rows that can be sent to a detector.

    Attributes:
        encoder: knows what the rows are; it has neither target nor condition.
        rules: what they have to obey.
    """

    encoder: TableEncoder
    rules: RuleBook

    def put_right(self, numbers: Numbers, records: Records) -> Numbers:
        """Rows that keep the rules, with the records' own values in held columns."""
        return self.rules.project(numbers, records.numbers, records.free)

    def numbers(self, rows: Tensor, own: Tensor, records: Records) -> Numbers:
        """Float64 [n, n_columns] of encoded changed rows [n, row_width], put right.

        A column whose encoded value is the record's keeps the record's very number.

        Args:
            rows: hard one-hots.
            own: the records' encoded rows.
            records: the records.
        """
        dense = rows.detach()
        none = np.empty((len(dense), 0), np.float32)
        decoded = self.encoder.decode_numbers(dense.numpy(), none)
        columns = column_of_position(self.encoder)
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        changed = np.zeros(records.free.shape, bool)
        differs = (dense != own).numpy()
        changed[:, columns[starts]] = np.logical_or.reduceat(differs, starts, axis=1)
        return self.put_right(np.where(changed, decoded, records.numbers), records)

    def table(self, numbers: Numbers) -> pd.DataFrame:
        """The rows behind numbers, as a conforming table."""
        return self.encoder.to_table(numbers)

    def encoded(self, numbers: Numbers) -> Tensor:
        """The rows behind numbers, encoded: float32 [n, row_width]."""
        return self.encoder.encode_coded(self.table(numbers))[:]

    def free_positions(self, records: Records) -> Tensor:
        """Float32 [n, row_width], 1 at the positions of an encoded row that may change."""
        return torch.from_numpy(
            records.free[:, column_of_position(self.encoder)].astype(np.float32)
        )


def held_columns(
    features: Mapping[str, Sequence[str]], groups: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Group -> the columns it must not change, from the kinds of features that it holds."""
    return {
        name: [column for kind in kinds for column in features[kind]]
        for name, kinds in groups.items()
    }


def held_kept(numbers: Numbers, records: Records) -> NDArray[np.bool_]:
    """Bool [n]: whether every held column is the record's, bit for bit."""
    same = numbers.view(np.int64) == records.numbers.view(np.int64)
    return np.asarray((same | records.free).all(axis=1), bool)


def column_of_position(encoder: TableEncoder) -> NDArray[np.int64]:
    """Int64 [row_width]: the column that each position of an encoded row belongs to."""
    position = {name: number for number, name in enumerate(encoder.schema_.names)}
    spans = [np.full(block.width, position[block.column]) for block in encoder.layout_.blocks]
    return np.concatenate(spans)
