"""Rows out of a trained generator, chunk by chunk, each chunk at its own address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.modules.cgan import CGANModule
from tabgan.seeding import generator_at
from tabgan.tables.conditions import MISSING, asked_labels, nearest

CHUNK_ROWS = 10_000  # memory is that of one chunk, whatever n


def class_weights(encoder: TableEncoder, where: Mapping[str, str]) -> NDArray[np.float64]:
    """The share of each class to draw: the training shares, restricted to what ``where`` asks.

    Args:
        encoder: knows the classes and their training counts.
        where: column -> text (``tables.conditions``); only the condition's column is allowed.

    Returns:
        float64 [condition_width], summing to 1 (empty without a condition).

    Raises:
        TabganError: for an unknown column or category, another column than the class, or a
            class that training never saw.
    """
    column = encoder.condition_column
    weights = encoder.class_counts_.astype(np.float64)
    for name, text in where.items():
        if name not in encoder.schema.names:
            raise TabganError(
                f"where.{name}: no such column; {nearest(name, encoder.schema.names)}"
            )
        if column is None or name != column.name:
            can = (
                f"this model can be asked for {column.name!r}" if column else "this model has none"
            )
            raise TabganError(f"where.{name}: not the column of the model's condition; {can}")
        labels = [*column.categories, MISSING][: len(weights)]
        asked = asked_labels(column, text)
        weights = np.where([label in asked for label in labels], weights, 0.0)
        if not weights.any():
            raise TabganError(f"where.{name}={text}: training saw no such row")
    return weights / weights.sum() if len(weights) else weights


def draw_chunks(
    module: CGANModule,
    encoder: TableEncoder,
    *,
    n: int,
    seed: int,
    weights: NDArray[np.float64],
) -> Iterator[pd.DataFrame]:
    """``n`` decoded rows in tables of at most ``CHUNK_ROWS``; the same seed gives the same rows.

    Classes are drawn with the probabilities ``weights`` ([condition_width]).
    """
    for chunk, first_row in enumerate(range(0, n, CHUNK_ROWS)):
        rng = generator_at(seed, "sample", chunk, device=module.device)
        condition = _draw_condition(weights, min(CHUNK_ROWS, n - first_row), rng)
        rows = module.sample(condition, rng)
        yield encoder.decode(rows.cpu().numpy(), condition.cpu().numpy(), first_row=first_row)


def _draw_condition(weights: NDArray[np.float64], n: int, rng: torch.Generator) -> Tensor:
    """One-hot float32 [n, condition_width] on the device of ``rng``."""
    if len(weights) == 0:
        return torch.empty(n, 0, device=rng.device)
    probabilities = torch.tensor(weights, device=rng.device)
    classes = torch.multinomial(probabilities, n, replacement=True, generator=rng)
    return torch.eye(len(weights), device=rng.device)[classes]
