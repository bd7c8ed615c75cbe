"""Which weights are kept: the best by a measured value, and the last."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

log = logging.getLogger(__name__)


class BestAndLast(Checkpoint):
    """``best.ckpt`` at each new low of ``monitor``; ``last.ckpt`` now and then and at the end.

    Lightning's ModelCheckpoint writes its last.ckpt only together with a new best, and refuses a
    value that is not measured every epoch. Both files are replaced in one move, so a killed run
    never leaves half of one. Saving draws no random number.

    Args:
        dirpath: the folder of both files.
        monitor: the value to minimise; not measured yet is no value.
        last_every: seconds between two writes of ``last.ckpt``.
    """

    def __init__(self, *, dirpath: str, monitor: str, last_every: float) -> None:
        self.folder = Path(dirpath)
        self.monitor = monitor
        self.last_every = last_every
        self.best_score = float("inf")
        self.best_step = 0

    @property
    def best_path(self) -> Path | None:
        """The best checkpoint, once there is one."""
        return self.folder / "best.ckpt" if self.best_step else None

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._saved_last = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        score = trainer.callback_metrics.get(self.monitor, torch.inf)
        if score < self.best_score:
            self.best_score, self.best_step = float(score), trainer.global_step
            trainer.save_checkpoint(self.folder / "best.ckpt")
        if time.monotonic() - self._saved_last >= self.last_every:
            self._save_last(trainer)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._save_last(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"best_score": self.best_score, "best_step": self.best_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_score, self.best_step = state_dict["best_score"], state_dict["best_step"]

    def _save_last(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.folder / "last.ckpt")
        self._saved_last = time.monotonic()
