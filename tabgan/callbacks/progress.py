"""Training, as a person watches it: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytorch_lightning as pl
from rich import progress as bars
from rich.console import Console

log = logging.getLogger(__name__)

QUIET_SECONDS = 20.0  # between lines where there is no terminal to draw in


class Progress(pl.Callback):
    """Epochs done, losses, time left. Reads what was logged; never draws a number."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.spoke = time.monotonic()
        self.bar = bars.Progress(
            bars.TextColumn("training"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn("epochs"),
            bars.TextColumn("{task.fields[losses]}"),
            bars.TimeElapsedColumn(),
            bars.TimeRemainingColumn(),
            console=self.console,
            disable=not (self.console.is_terminal and trainer.is_global_zero),
        )
        self.task = self.bar.add_task(
            "training", total=trainer.max_epochs, completed=trainer.current_epoch, losses=""
        )
        self.bar.start()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        done, losses = trainer.current_epoch + 1, _losses(trainer.callback_metrics)
        self.bar.update(self.task, completed=done, losses=losses)
        if not self.console.is_terminal and time.monotonic() - self.spoke >= QUIET_SECONDS:
            log.info("epoch %s of %s, %s", done, trainer.max_epochs, losses)
            self.spoke = time.monotonic()

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.bar.stop()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        if hasattr(self, "bar"):
            self.bar.stop()


def _losses(metrics: dict[str, Any]) -> str:
    shown = {
        "critic": "train/critic_loss",
        "generator": "train/generator_loss",
        "c2st": "val/c2st_auc",
    }
    return "  ".join(f"{name} {metrics[key]:.3f}" for name, key in shown.items() if key in metrics)
