"""Quality beside the loss: a cheap panel on validation rows while the generator trains."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import pytorch_lightning as pl

from tabgan.errors import TabganError
from tabgan.metrics.detection import cheap_c2st_auc
from tabgan.metrics.fidelity import shape_error, trend_error, wnmis
from tabgan.metrics.privacy import duplicate_rate
from tabgan.modules.cgan import CGANModule
from tabgan.sampling.draw import draw_chunks

if TYPE_CHECKING:
    from tabgan.encoding.table import TableEncoder

log = logging.getLogger(__name__)

MAX_ROWS = 5_000  # of the validation rows, and as many generated


class ValidationPanel(pl.Callback):
    """At the first epoch's end after every ``every_n_steps`` generator steps, log ``val/…``.

    As many rows as there are validation rows are drawn from the sampling generator, always with
    the same noise, and compared with them: C2ST (max(.5, AUC), .5 is best), trend and shape error
    in % (0 is best), wNMIS (1 is best), share of duplicates of training rows. Every draw has its
    own address, so a run is the same with and without the panel. ``val/panel_share`` is the share
    of the training time that the panel has taken. A measure that is undefined on the table
    (C2ST below 20 validation rows, the trend error of a single column) is left out and named once.
    """

    def __init__(self, *, every_n_steps: int) -> None:
        self.every_n_steps = every_n_steps
        self.next_step = every_n_steps
        self.undefined: set[str] = set()

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._started, self._spent = time.perf_counter(), 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        final = trainer.current_epoch + 1 == trainer.max_epochs
        if trainer.global_step < self.next_step and not final:
            return
        self.next_step = trainer.global_step + self.every_n_steps
        began = time.perf_counter()
        scores = self._measure(cast(CGANModule, module), cast(Any, trainer).datamodule)
        self._spent += time.perf_counter() - began
        scores["val/panel_share"] = self._spent / (time.perf_counter() - self._started)
        module.log_dict(scores, on_step=False, on_epoch=True)

    def state_dict(self) -> dict[str, Any]:
        return {"next_step": self.next_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.next_step = state_dict["next_step"]

    def _measure(self, module: CGANModule, datamodule: Any) -> dict[str, float]:
        encoder: TableEncoder = datamodule.encoder
        names = list(encoder.schema_.names)
        real = datamodule.validation[names].head(MAX_ROWS)
        fake = self._draw(module, encoder, len(real))
        measures: dict[str, Callable[[], float]] = {
            "val/c2st_auc": lambda: cheap_c2st_auc(real, fake),
            "val/trend_error": lambda: trend_error(real, fake),
            "val/shape_error": lambda: shape_error(real, fake),
            "val/wnmis": lambda: wnmis(real, fake),
            "val/duplicate_rate": lambda: duplicate_rate(datamodule.train[names], fake),
        }
        scores = {}
        for name, measure in measures.items():
            try:
                scores[name] = measure()
            except TabganError as error:  # no reason to stop a training
                if name not in self.undefined:
                    log.info("%s is not measured: %s", name, error)
                self.undefined.add(name)
        return scores

    def _draw(self, module: CGANModule, encoder: TableEncoder, n: int) -> pd.DataFrame:
        shares = encoder.class_counts_ / max(encoder.class_counts_.sum(), 1)
        return pd.concat(draw_chunks(module, encoder, n=n, seed=0, weights=shares))
