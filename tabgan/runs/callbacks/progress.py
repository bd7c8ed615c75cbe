"""Training, as a person watches it: a bar in a terminal, one line that changes in a notebook."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any

import pytorch_lightning as pl
from rich import progress as bars

from tabgan.system.terminal import error_console

log = logging.getLogger(__name__)

LOSS, C2ST = re.compile("train/[a-z_]+_loss"), "val/c2st_auc"  # curves that are shown
LINE = 100  # letters of a notebook's line, so that it leaves nothing of the one before
QUIET_SECONDS = 20.0  # between lines where there is neither terminal nor notebook
NOTEBOOK_SECONDS = 0.5  # between changes of a notebook's line


def is_watched() -> bool:
    """Whether somebody may look on: in a terminal, or in a notebook."""
    console = error_console()
    return console.is_terminal or console.is_jupyter


class Progress(pl.Callback):
    """Epochs done, losses, time left. Reads what was logged; never draws a number.

    A notebook gets text, for widgets need a package that few kernels have. Where nobody looks on,
    the log gets a line every 20 seconds.
    """

    def __init__(self) -> None:
        self.console = error_console()

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.spoke = self.begun = time.monotonic()
        self.first = trainer.current_epoch
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

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if self.console.is_jupyter and time.monotonic() - self.spoke >= NOTEBOOK_SECONDS:
            self._change_line(trainer, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        done, losses = trainer.current_epoch + 1, _losses(trainer.callback_metrics)
        self.bar.update(self.task, completed=done, losses=losses)
        if self.console.is_jupyter or self.console.is_terminal:
            return
        if time.monotonic() - self.spoke >= QUIET_SECONDS:
            self.spoke = time.monotonic()
            pace = (self.spoke - self.begun) / (done - self.first)
            left = pace * (int(trainer.max_epochs or done) - done)
            log.info(
                "epoch %s of %s, at most %s left; %s",
                done,
                trainer.max_epochs,
                minutes(left),
                losses,
            )

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.bar.stop()
        if self.console.is_jupyter and trainer.is_global_zero:
            self._change_line(trainer, trainer.current_epoch)
            sys.stderr.write("\n")

    def _change_line(self, trainer: pl.Trainer, epochs: int) -> None:
        """Write over the line that a notebook shows."""
        self.spoke = time.monotonic()
        facts = (
            f"training: {epochs} of {trainer.max_epochs} epochs, step {trainer.global_step}",
            _losses(trainer.callback_metrics),
            f"{self.spoke - self.begun:.0f} s",
        )
        sys.stderr.write("\r" + "  ".join(filter(None, facts)).ljust(LINE))
        sys.stderr.flush()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        if hasattr(self, "bar"):
            self.bar.stop()


def minutes(seconds: float) -> str:
    """A span of time as people read it: ``40 s``, ``12 min``."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _losses(metrics: dict[str, Any]) -> str:
    """The losses of the training, by name, and the C2ST."""
    losses = sorted(key for key in metrics if LOSS.fullmatch(key))
    shown = {key.removeprefix("train/").replace("_loss", " loss"): metrics[key] for key in losses}
    if C2ST in metrics:
        shown["AUC"] = metrics[C2ST]
    return ", ".join(f"{name} {value:.3f}" for name, value in shown.items())
