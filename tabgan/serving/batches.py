"""Batches from memory, in an order that is a function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError
from tabgan.seeding import generator_at


class EpochOrder:
    """The row order of an epoch; Lightning calls ``set_epoch`` before each."""

    def __init__(self, n_rows: int, *, seed: int) -> None:
        self.n_rows = n_rows
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def permutation(self, device: torch.device) -> Tensor:
        """Int64 [n_rows], on ``device``; drawn on the CPU so that devices agree."""
        rng = generator_at(self.seed, "order", self.epoch)
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
        self.served = {"epoch": 0, "batches": 0}
        self.resumed = self.served  # until the first batch after load_state_dict
        if order is not None:
            self.sampler = order  # where Lightning looks for set_epoch

    def __len__(self) -> int:
        full, rest = divmod(len(self.rows), self.batch_size)
        return full if self.order is not None else full + bool(rest)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.order is None:
            pairs = zip(
                self.rows.split(self.batch_size), self.condition.split(self.batch_size), strict=True
            )
            yield from pairs
            return
        epoch = self.order.epoch
        begin = self.resumed["batches"] if self.resumed["epoch"] == epoch else 0
        self.resumed = {"epoch": 0, "batches": 0}
        order = self.order.permutation(self.rows.device)
        for batch in range(begin, len(self)):
            whole = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            places = whole[self.rank :: self.ranks]
            self.served = {"epoch": epoch, "batches": batch + 1}
            yield self.rows[places], self.condition[places]

    def state_dict(self) -> dict[str, Any]:
        return dict(self.served)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.resumed = dict(state)
