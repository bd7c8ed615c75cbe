"""Batches from memory, in an order that is a function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError
from tabgan.seeding import generator_at

LEAST_BATCHES, MOST_BATCHES = 50, 500  # of an epoch of codes


def batches_of_epoch(n_rows: int, batch_size: int, *, codes: bool) -> int:
    """Batches of a training epoch; of codes 50 to 500, see ``BatchLoader``."""
    full = n_rows // batch_size
    return min(max(full, LEAST_BATCHES), MOST_BATCHES) if codes and full else full


class EpochOrder:
    """The row order of an epoch; Lightning calls ``set_epoch`` before each."""

    def __init__(self, n_rows: int, *, seed: int) -> None:
        self.n_rows = n_rows
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def permutation(self, number: int, device: torch.device) -> Tensor:
        """Int64 [n_rows], of pass ``number`` over the rows; drawn on the CPU, so devices agree."""
        rng = generator_at(self.seed, "order", number)
        return torch.randperm(self.n_rows, generator=rng).to(device)


class BatchLoader:
    """Whole batches indexed out of what stays where it is; no worker, no row loop.

    Args:
        rows: [n_rows, row_width], or coded rows, of which each batch is expanded.
        condition: [n_rows, condition_width]; or coded, likewise.
        batch_size: rows of a batch.
        order: shuffles the rows and leaves an incomplete last batch out; None for rows in
            order with the incomplete batch.
        rank, ranks: which of how many processes this one is; with an order, a batch is dealt out
            to them in equal parts, so that together they serve what one would.
        codes: whether batches are coded rows. With an order, an epoch then has 50 to 500 batches:
            several passes over a small table, a part of one over a large one, so that what is
            done at its end costs little, and comes in time.

    Its state is how many batches of the epoch were served; Lightning keeps it in checkpoints, so
    that a training interrupted within an epoch goes on with the batch after.
    """

    def __init__(
        self,
        rows: Tensor | CodedRows,
        condition: Tensor | CodedRows,
        *,
        batch_size: int,
        order: EpochOrder | None = None,
        rank: int = 0,
        ranks: int = 1,
        codes: bool = False,
    ) -> None:
        if batch_size % ranks:
            raise TabganError(
                f"data.batch_size={batch_size}: no multiple of the {ranks} processes that share "
                f"a batch (trainer.devices); choose {batch_size // ranks * ranks or ranks}"
            )
        self.rows = rows
        self.condition = condition
        self.batch_size = batch_size
        self.order = order
        self.rank, self.ranks = rank, ranks
        self.codes = codes
        self.served = {"epoch": 0, "batches": 0}
        self.resumed = self.served  # until the first batch after load_state_dict
        if order is not None:
            self.sampler = order  # where Lightning looks for set_epoch

    def __len__(self) -> int:
        if self.order is None:
            return -(-len(self.rows) // self.batch_size)
        return batches_of_epoch(len(self.rows), self.batch_size, codes=self.codes)

    def __iter__(self) -> Iterator[tuple[Any, Tensor]]:
        if self.order is None:
            yield from self._in_order()
            return
        epoch, full = self.order.epoch, len(self.rows) // self.batch_size
        begin = self.resumed["batches"] if self.resumed["epoch"] == epoch else 0
        self.resumed = {"epoch": 0, "batches": 0}
        known, order = -1, torch.empty(0)
        for batch in range(begin, len(self)):
            number, within = divmod(epoch * len(self) + batch, full)
            if number != known:
                known, order = number, self.order.permutation(number, self.rows.device)
            whole = order[within * self.batch_size : (within + 1) * self.batch_size]
            positions = whole[self.rank :: self.ranks]
            self.served = {"epoch": epoch, "batches": batch + 1}
            yield self._rows(positions), self.condition[positions]

    def _in_order(self) -> Iterator[tuple[Any, Tensor]]:
        for start in range(0, len(self.rows), self.batch_size):
            positions = torch.arange(start, min(start + self.batch_size, len(self.rows)))
            positions = positions.to(self.rows.device)
            yield self._rows(positions), self.condition[positions]

    def _rows(self, positions: Tensor) -> Tensor | CodedRows:
        if self.codes and isinstance(self.rows, CodedRows):
            return self.rows.at(positions)
        return self.rows[positions]

    def state_dict(self) -> dict[str, Any]:
        return dict(self.served)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.resumed = dict(state)
