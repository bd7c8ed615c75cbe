"""Generated rows before a judge: the critic's verdict, and the threshold of passing as real."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.table import TableEncoder
from tabgan.models.protocol import CriticModel, RowModel
from tabgan.seeding import generator_at, rng_at

AT_ONCE = 10_000  # rows
Z = 1.96  # of a 95 % interval


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The threshold from which rows pass as real.

    Attributes:
        logit: a row whose logit is above it passes.
        says: how it came about.
    """

    logit: float
    says: str


def threshold_of(module: CriticModel, rows: Tensor, condition: Tensor) -> Threshold:
    """The logit of rows that are as likely real as generated, where the critic's loss has one.

    That is sigmoid .5 for cross-entropy and T = f'(1) for an f-divergence. For others it is the
    median logit of these real rows: a relativistic critic compares rows with each other, so its
    logits have no zero.

    Shape:
        rows: [n, row_width], encoded real rows that the critic was not trained on
        condition: [n, condition_width]
    """
    undecided = module.undecided
    if undecided is not None:
        says = (
            f"the critic's logit above {undecided:.4g}, that of rows as likely real as generated "
            "(of cross-entropy, sigmoid above .5)"
        )
        return Threshold(logit=undecided, says=says)
    median = float(np.median(logits(module, rows, condition)))
    says = (
        f"the critic's logit above {median:.4g}, the median of {len(rows):,} real validation rows: "
        "this critic's loss compares rows, so .5 means nothing to it, and half of the validation "
        "rows pass by definition"
    )
    return Threshold(logit=median, says=says)


def logits(module: CriticModel, rows: Tensor, condition: Tensor) -> NDArray[np.float64]:
    """The critic's logits, float64 [n], in eval mode; positive leans to real."""
    pieces = [
        module.judge(some.to(module.device), given.to(module.device))
        for some, given in zip(rows.split(AT_ONCE), condition.split(AT_ONCE), strict=True)
    ]
    return torch.cat(pieces).double().cpu().numpy()


def logits_of_table(
    module: CriticModel, encoder: TableEncoder, table: pd.DataFrame, *, seed: int
) -> NDArray[np.float64]:
    """The critic's logits of a table's rows, float64 [n]; ``seed`` is that of ``encode``."""
    rows = torch.from_numpy(encoder.encode(table, seed=seed))
    return logits(module, rows, torch.from_numpy(encoder.encode_condition(table)))


class Drawn(NamedTuple):
    """Generated rows.

    Attributes:
        table: the rows, decoded.
        rows: float32 [n, row_width], as they were generated.
        condition: float32 [n, condition_width], that they were drawn under.
    """

    table: pd.DataFrame
    rows: Tensor
    condition: Tensor


def draw_judged(
    module: CriticModel, encoder: TableEncoder, *, n: int, seed: int, piece: int
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """``n`` rows of ``draw_generated`` as a table, and the critic's logits of them as generated."""
    drawn = draw_generated(module, encoder, n=n, seed=seed, piece=piece)
    return drawn.table, logits(module, drawn.rows, drawn.condition)


def draw_generated(
    module: RowModel, encoder: TableEncoder, *, n: int, seed: int, piece: int
) -> Drawn:
    """``n`` generated rows, the classes with their training shares.

    ``(seed, piece)`` is the draw's address.
    """
    counts = encoder.class_counts_.astype(np.float64)
    condition = torch.empty(n, 0)
    if len(counts):
        rng = rng_at(seed, "fooled", "classes", piece)
        classes = rng.choice(len(counts), n, p=counts / counts.sum())
        condition = torch.eye(len(counts))[torch.from_numpy(classes)]
    noise = generator_at(seed, "fooled", "rows", piece, device=module.device)
    rows = module.draw(condition.to(module.device), noise)[:].cpu()
    return Drawn(encoder.decode(rows.numpy(), condition.numpy()), rows, condition)


def interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate, in [0, 1]; good for few rows and rates near 0."""
    rate, weight = hits / n, Z**2 / n
    centre = (rate + weight / 2) / (1 + weight)
    half = Z * math.sqrt(rate * (1 - rate) / n + weight / (4 * n)) / (1 + weight)
    return max(0.0, centre - half), min(1.0, centre + half)
