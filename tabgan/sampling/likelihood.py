"""Log-likelihoods of real rows under a generator that has them, and under independent columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabgan.encoding.table import TableEncoder
from tabgan.models.nets.inputs import chain_columns
from tabgan.models.protocol import LikelihoodModel, RowModel

Logs = NDArray[np.float64]

AT_ONCE = 5_000  # rows
PSEUDO_ROWS = 0.5  # of every code of a column, as a chain's heads start from


def log_likelihood(module: RowModel, encoder: TableEncoder, rows: pd.DataFrame) -> Logs | None:
    """The logarithm of p(row) of each row, in nats, float64 [n]; None of a module without one.

    A row's codes are meant: its categories, and the bins and cells of its numbers. A number that
    training never had has the codes of the nearest that it had.

    Args:
        module: a model, which may be a ``LikelihoodModel``.
        encoder: of its table.
        rows: a table of the encoder's schema.
    """
    if not isinstance(module, LikelihoodModel):
        return None
    with torch.inference_mode():
        pieces = encoder.encode_coded(rows).pieces(AT_ONCE)
        logs = [module.log_likelihood(piece).cpu() for piece in pieces]
    return np.concatenate([np.empty(0), *logs]).astype(np.float64)


def independent_log_likelihood(
    encoder: TableEncoder, train: pd.DataFrame, rows: pd.DataFrame
) -> Logs:
    """The logarithm of p(row) if columns were independent, in nats, float64 [n].

    A code has its share of the training rows. None is 0: each bin, and the cells of each bin
    together, count for half a row more. An unknown cell adds nothing.

    Args:
        encoder: of codes (``encoder=chain``).
        train: the rows that shares come from.
        rows: the rows to judge, of the same columns.
    """
    known, requested = (encoder.encode_coded(table).codes for table in (train, rows))
    logs = torch.zeros(len(rows), dtype=torch.float64)
    for column in chain_columns(encoder.layout_):
        learned, codes = column.joint(known), column.joint(requested)
        counts = torch.bincount(learned[learned >= 0], minlength=column.n_codes).double()
        counts = counts.reshape(column.bins.width, column.n_cells)
        of_bins = counts.sum(dim=1, keepdim=True)
        of_bin = (of_bins + PSEUDO_ROWS) / (of_bins + PSEUDO_ROWS).sum()
        of_cell = (counts + PSEUDO_ROWS / column.n_cells) / (of_bins + PSEUDO_ROWS)
        each = (of_bin * of_cell).log().flatten()[codes.clamp(min=0)]
        logs += torch.where(codes >= 0, each, 0.0)
    return logs.numpy()
