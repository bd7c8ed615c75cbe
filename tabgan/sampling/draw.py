"""Rows out of a trained generator, chunk by chunk, each chunk at its own address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError, nearest
from tabgan.modules.cgan import CGANModule
from tabgan.sampling.refiner import Refiner
from tabgan.seeding import Place, generator_at, rng_at
from tabgan.tables.conditions import MISSING, asked_labels

CHUNK_ROWS = 10_000  # memory is that of one chunk, whatever n
MOST_ATTEMPTS = 1_000  # chunks drawn for one chunk of accepted rows

Address = tuple[int, *tuple[Place, ...]]  # seed and place (tabgan.seeding)


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
    refiner: Refiner | None = None,
) -> Iterator[pd.DataFrame]:
    """``n`` decoded rows in tables of at most ``CHUNK_ROWS``; the same seed gives the same rows.

    Classes are drawn with the probabilities ``weights`` ([condition_width]). With a ``refiner``
    rows are drawn until enough are accepted.
    """
    for chunk, first_row in enumerate(range(0, n, CHUNK_ROWS)):
        wanted = min(CHUNK_ROWS, n - first_row)
        address = (seed, "sample", chunk)
        if refiner is None:
            numbers = draw_numbers(module, encoder, n=wanted, address=address, weights=weights)
        else:
            numbers = _draw_accepted(module, encoder, refiner, wanted, address, weights)
        yield encoder.to_table(numbers, first_row=first_row)


def draw_numbers(
    module: CGANModule,
    encoder: TableEncoder,
    *,
    n: int,
    address: Address,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """``n`` rows as ``TableEncoder.decode_numbers`` gives them, drawn at ``address``."""
    rng = generator_at(*address, device=module.device)
    condition = _draw_condition(weights, n, rng)
    rows = module.sample(condition, rng)
    return encoder.decode_numbers(rows.cpu().numpy(), condition.cpu().numpy())


def _draw_accepted(
    module: CGANModule,
    encoder: TableEncoder,
    refiner: Refiner,
    wanted: int,
    address: Address,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """``wanted`` rows that the refiner accepts; each attempt has its own address."""
    kept: list[NDArray[np.float64]] = []
    n_kept = 0
    for attempt in range(MOST_ATTEMPTS):
        n = int((wanted - n_kept) / refiner.total_acceptance * 1.1) + 100
        here = (*address, attempt)
        n = min(n, CHUNK_ROWS)
        rows = draw_numbers(module, encoder, n=n, address=here, weights=weights)
        rows = rows[refiner.accept(rows, rng_at(*here, "accept"))]
        kept.append(rows)
        n_kept += len(rows)
        if n_kept >= wanted:
            return np.concatenate(kept)[:wanted]
    raise TabganError(
        f"of {MOST_ATTEMPTS * CHUNK_ROWS:,} generated rows the refiner accepted {n_kept}, "
        f"{wanted} were wanted; try refine=false"
    )


def _draw_condition(weights: NDArray[np.float64], n: int, rng: torch.Generator) -> Tensor:
    """One-hot float32 [n, condition_width] on the device of ``rng``."""
    if len(weights) == 0:
        return torch.empty(n, 0, device=rng.device)
    probabilities = torch.tensor(weights, device=rng.device)
    classes = torch.multinomial(probabilities, n, replacement=True, generator=rng)
    return torch.eye(len(weights), device=rng.device)[classes]
