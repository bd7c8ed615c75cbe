"""Step k of a run draws the same numbers whether the run was resumed or not."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch

from tabgan.seeding import seed_at


class Reseed(pl.Callback):
    """Seed torch before each training step from the step's address (seed, step).

    Whatever was drawn in between (previews, metrics) then changes nothing, dropout included.
    """

    def __init__(self, *, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        seed = seed_at(self.seed, "step", trainer.global_step, trainer.global_rank)
        if module.device.type == "cpu":
            # manual_seed would also queue a call, with its stack, for a CUDA that never starts
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)
