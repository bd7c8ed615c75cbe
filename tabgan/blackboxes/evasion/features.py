"""A row's features for a net that learns a detector's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.column import Numbers
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.tables.schema import TableSchema


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Numbers by their value and by their rank, both in [0, 1]; categories as one-hots.

    Attributes:
        levels: of each column the sorted distinct training values of a number (float64), or the
            number of categories.
    """

    levels: tuple[NDArray[np.float64] | int, ...]

    @classmethod
    def found(cls, rows: Numbers, schema: TableSchema) -> Self:
        """Of training rows, float64 [n, n_columns]."""
        return cls(
            levels=tuple(
                len(column.categories)
                if column.is_nominal
                else np.unique(values[~np.isnan(values)])
                for column, values in zip(schema.columns, rows.T, strict=True)
            )
        )

    @property
    def width(self) -> int:
        """Features of a row."""
        return sum(self._width(levels) for levels in self.levels)

    def __call__(self, rows: Numbers) -> Tensor:
        """Float32 [n, width] of rows [n, n_columns]; missing values have zeros."""
        out = np.zeros((len(rows), self.width), np.float32)
        start = 0
        for levels, values in zip(self.levels, rows.T, strict=True):
            self._fill(out[:, start : start + self._width(levels)], levels, values)
            start += self._width(levels)
        return torch.from_numpy(out)

    def of_positions(self, encoder: TableEncoder) -> Tensor:
        """The features of each position of an encoded row, float32 [row_width, width].

        ``rows @ of_positions(encoder)`` are the features of encoded rows, with a slope.

        Raises:
            TabganError: for a column that is encoded as anything but one one-hot.
        """
        matrix = torch.zeros(encoder.layout_.width, self.width)
        names, widths = encoder.schema_.names, [self._width(levels) for levels in self.levels]
        for block in encoder.layout_.blocks:
            if block.kind != "discrete" or len(encoder.layout_.of(block.column)) > 1:
                raise TabganError(
                    f"column {block.column!r}: a generator of records needs encoder=records, "
                    "where each column is one one-hot"
                )
            position = names.index(block.column)
            values = encoder.encoders_[block.column].decode(np.eye(block.width, dtype=np.float32))
            start = sum(widths[:position])
            part = np.zeros((block.width, widths[position]), np.float32)
            self._fill(part, self.levels[position], values)
            matrix[block.span, start : start + widths[position]] = torch.from_numpy(part)
        return matrix

    def state(self) -> dict[str, Any]:
        """Plain data and arrays."""
        return {"levels": list(self.levels)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        return cls(levels=tuple(state["levels"]))

    def _width(self, levels: NDArray[np.float64] | int) -> int:
        return levels if isinstance(levels, int) else 2

    def _fill(
        self, out: NDArray[np.float32], levels: NDArray[np.float64] | int, values: Numbers
    ) -> None:
        known = np.flatnonzero(~np.isnan(values))
        if isinstance(levels, int):
            out[known, values[known].astype(np.int64)] = 1
        elif len(levels) > 1:
            low, high = levels[0], levels[-1]
            out[known, 0] = (values[known] - low) / (high - low)
            out[known, 1] = np.searchsorted(levels, values[known]) / (len(levels) - 1)
