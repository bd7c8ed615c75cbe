"""Early stopping, once both nets have stopped improving or a signal came."""

from __future__ import annotations

import logging
from typing import Any, Literal

import pytorch_lightning as pl

from tabgan.system import signals
from tabgan.system.signals import Interrupted

log = logging.getLogger(__name__)


class EarlyStopOnBoth(pl.Callback):
    """Stop when neither net's validation loss has fallen for ``patience`` (the report's 6.3).

    Two of Lightning's own EarlyStopping callbacks would stop when either has; the report wants
    both. Equal is not lower.

    Args:
        patience: how long both may wait.
        patience_unit: "step" (generator steps) or "epoch".
    """

    MONITORED = ("val/critic_loss", "val/generator_loss")

    def __init__(self, *, patience: int, patience_unit: Literal["step", "epoch"]) -> None:
        self.patience = patience
        self.patience_unit = patience_unit
        self.best = dict.fromkeys(self.MONITORED, float("inf"))
        self.best_at = dict.fromkeys(self.MONITORED, 0)
        self.stopped = False

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self.stopped:  # and was killed before the training was over
            trainer.should_stop = True

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        now = trainer.global_step if self.patience_unit == "step" else trainer.current_epoch + 1
        for name in self.MONITORED:
            value = float(trainer.callback_metrics.get(name, float("inf")))  # of no critic, none
            if value < self.best[name]:
                self.best[name], self.best_at[name] = value, now
        waited = now - max(self.best_at.values())
        if waited >= self.patience:
            trainer.should_stop = self.stopped = True
            log.info(
                "stopped: no validation loss has fallen for %s %ss", waited, self.patience_unit
            )

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_at": self.best_at, "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.best_at = state_dict["best"], state_dict["best_at"]
        self.stopped = state_dict.get("stopped", False)


class StopTogether(pl.Callback):
    """A signal that ends a training at once ends the processes it has started, too.

    Where checkpoints are kept, ``BestAndLast`` has signals wait for the end of the step, at which
    the processes stop together by themselves.
    """

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        signals.be_patient(False)  # Lightning's handler would wait for the other processes

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        launcher: Any = trainer.strategy.launcher
        if isinstance(exception, Interrupted) and not exception.kept and launcher is not None:
            launcher.kill(exception.signum)
