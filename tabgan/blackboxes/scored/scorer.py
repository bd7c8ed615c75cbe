"""A black box's scores of encoded rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tabgan.blackboxes.counter import QueryCounter
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.table import TableEncoder


class BlackBoxScorer:
    """The way from encoded rows to scores: decode, query, back to the rows' device.

    Attributes:
        box: the counted black box.
        encoder: knows what the rows are; without a condition.
    """

    def __init__(self, box: QueryCounter, encoder: TableEncoder) -> None:
        self.box, self.encoder = box, encoder

    def table(self, rows: CodedRows) -> pd.DataFrame:
        """Encoded rows as a table."""
        return table_of(rows, self.encoder)

    def __call__(self, rows: CodedRows) -> Tensor:
        """The scores, float32 [n], of encoded rows."""
        scores = self.box(self.table(rows))
        return torch.as_tensor(scores, dtype=torch.float32, device=rows.device)


def table_of(rows: CodedRows, encoder: TableEncoder) -> pd.DataFrame:
    """Encoded rows as a table, by an encoder without a condition."""
    none = np.empty((len(rows), 0), np.float32)
    return encoder.to_table(encoder.decode_numbers(rows.to(torch.device("cpu")), none))
