"""Checkpoints: the best weights by a measured value, and the last."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from tabgan.models.protocol import PhasedModel, RowModel
from tabgan.system import signals
from tabgan.system.signals import Interrupted

log = logging.getLogger(__name__)

LEAST_TOLERANCE = 0.01  # of an AUC


def tolerance(n_validation: int) -> float:
    """``callbacks.checkpoint.tolerance=auto``: two standard errors of an AUC of .5, at least .01.

    Between the validation rows and as many generated ones (Hanley & McNeil 1982): so few
    validation rows do not decide by chance which weights are kept.
    """
    return max(round(2 * math.sqrt(1 / (6 * max(n_validation, 1))), 3), LEAST_TOLERANCE)


class BestAndLast(Checkpoint):
    """``best.ckpt`` at each new low of ``monitor``; ``last.ckpt`` now and then and at the end.

    What is measured before the first step counts too, unless the model says that its weights are
    no candidates yet (``PhasedModel``). Lightning's ModelCheckpoint writes its last.ckpt only
    together with a new best, and refuses a value that is not measured every epoch. A training can
    go on from either file, to the bit. Saving draws no random number. Of a ``RowModel`` a file says
    which rows it is of (``layout``).

    A signal (``system.signals``) is answered between two steps: ``last.ckpt`` is written, and
    ``Interrupted`` raised once the loggers have the step; after the last step of an epoch, once
    validation and panel are done.

    Processes that train together save together: what the first has measured decides, and a signal
    to any of them, or a ``last.ckpt`` that is due, counts at the next of every
    ``trainer.log_every_n_steps`` steps.

    Args:
        dirpath: the folder of both files.
        monitor: the value to minimise; not measured yet is no value.
        tolerance: how far above the lowest value a later checkpoint still takes its place, at
            least 0: of measured values that differ by chance alone, the later is the better
            trained.
        last_every: seconds between two writes of ``last.ckpt``.
    """

    def __init__(self, *, dirpath: str, monitor: str, tolerance: float, last_every: float) -> None:
        self.folder = Path(dirpath)
        self.monitor = monitor
        self.tolerance = tolerance
        self.last_every = last_every
        self.best_score = self.last_score = float("inf")
        self.best_step: int | None = None
        self.best_metrics: dict[str, float] = {}
        self.metrics: dict[str, float] = {}
        self._stopping: Interrupted | None = None

    @property
    def best_path(self) -> Path | None:
        """The best checkpoint, once there is one."""
        return self.folder / "best.ckpt" if self.best_step is not None else None

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        signals.be_patient(True)
        self._stopping = None
        self._saved_last = time.monotonic()
        if trainer.global_step == 0:
            self._keep_best(trainer, module)

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._stop_if_requested()

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._stop_if_requested()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if batch_idx + 1 < trainer.num_training_batches and _is_requested_now(trainer):
            self._save_if_due(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._keep_best(trainer, module)
        self._save_if_due(trainer)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._save_if_due(trainer, due=True)
        signals.be_patient(False)
        self._stop_if_requested()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        signals.be_patient(False)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if isinstance(module, RowModel):
            checkpoint["layout"] = module.layout.to_plain()

    def state_dict(self) -> dict[str, Any]:
        return {
            "best_score": self.best_score,
            "last_score": self.last_score,
            "best_step": self.best_step,
            "best_metrics": self.best_metrics,
            "metrics": self.metrics,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_score, self.best_step = state_dict["best_score"], state_dict["best_step"]
        self.last_score = state_dict["last_score"]
        self.best_metrics = dict(state_dict.get("best_metrics", {}))
        self.metrics = dict(state_dict.get("metrics", {}))

    def last_metrics(self, trainer: pl.Trainer) -> dict[str, float]:
        """The last value of every curve, those before a resumption among them."""
        now = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return self.metrics | now

    def _keep_best(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write ``best.ckpt`` if the monitored value is a new one, and low enough."""
        if isinstance(module, PhasedModel) and not module.may_be_kept:
            return
        score = self.last_metrics(trainer).get(self.monitor, float("inf"))
        score = trainer.strategy.broadcast(score)
        is_new, self.last_score = score != self.last_score, score
        if is_new and score < self.best_score + self.tolerance:
            self.best_score = min(score, self.best_score)
            self.best_step, self.best_metrics = trainer.global_step, self.last_metrics(trainer)
            self._save(trainer, "best.ckpt")

    def _save_if_due(self, trainer: pl.Trainer, *, due: bool = False) -> None:
        """Between two steps: ``last.ckpt`` where it is old, or a signal came."""
        due = due or time.monotonic() - self._saved_last >= self.last_every
        due, signum = _agreed(trainer, due, signals.requested())
        if due or signum:
            self._save_last(trainer)
        if signum:
            kept = f"step {trainer.global_step} is in {self.folder / 'last.ckpt'}"
            self._stopping = Interrupted(signum, kept)

    def _save_last(self, trainer: pl.Trainer) -> None:
        self._save(trainer, "last.ckpt")
        self._saved_last = time.monotonic()
        for logger in trainer.loggers:  # so that a killed process has no gap in its curves
            logger.save()
            flush = getattr(getattr(logger, "experiment", None), "flush", None)
            if flush is not None:
                flush()

    def _save(self, trainer: pl.Trainer, name: str) -> None:
        self.metrics = self.last_metrics(trainer)
        trainer.save_checkpoint(self.folder / name)

    def _stop_if_requested(self) -> None:
        if self._stopping is not None:
            raise self._stopping


def _agreed(trainer: pl.Trainer, due: bool, signum: int | None) -> tuple[bool, int | None]:
    """Whether any of the processes requests it."""
    if trainer.world_size == 1:
        return due, signum
    mine = torch.tensor([int(due), signum or 0], device=trainer.strategy.root_device)
    found, requested = trainer.strategy.reduce(mine, reduce_op="max").tolist()
    return bool(found), requested or None


def _is_requested_now(trainer: pl.Trainer) -> bool:
    """After this step; of several processes each waits for the others, so now and then only."""
    every = 1 if trainer.world_size == 1 else int(trainer.log_every_n_steps)  # type: ignore[attr-defined]
    return trainer.global_step % max(every, 1) == 0
