"""Cutting rows off by seed, each class in its share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.seeding import rng_at
from tabgan.tables.schema import TableSchema


def split_rows(
    table: pd.DataFrame, schema: TableSchema, *, n_cut: int, seed: int, position: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``table`` without ``n_cut`` rows, and those rows; both keep the table's order.

    With a nominal target each class gives its share of the cut: rows are drawn so that class
    counts are off by less than one. ``position`` names the draw (seeding's address).
    """
    order = rng_at(seed, "split", position).permutation(len(table))
    if schema.target is not None and schema[schema.target].is_nominal:
        order = _interleaved(table[schema.target].cat.codes.to_numpy(), order)
    cut = np.zeros(len(table), dtype=bool)
    cut[order[:n_cut]] = True
    return table[~cut].reset_index(drop=True), table[cut].reset_index(drop=True)


def _interleaved(codes: NDArray[np.int8], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """``order`` rearranged so that every prefix holds each class in its share."""
    rank = pd.Series(codes[order]).groupby(codes[order]).cumcount().to_numpy()
    size = np.bincount(codes[order] + 1)[codes[order] + 1]  # + 1: a missing class has code -1
    return order[np.argsort((rank + 0.5) / size, kind="stable")]
