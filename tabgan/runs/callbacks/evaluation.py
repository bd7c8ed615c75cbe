"""Quality beside the loss: a cheap panel on validation rows while the generator trains."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytorch_lightning as pl
from matplotlib.image import imread
from numpy.typing import NDArray
from pytorch_lightning.loggers import TensorBoardLogger

from tabgan.data.datamodule import TableDataModule
from tabgan.errors import TabganError
from tabgan.metrics.coding import code_tables
from tabgan.metrics.collapse import collapse_signals, describe_collapse
from tabgan.metrics.comparison import Comparison
from tabgan.metrics.fidelity import column_errors
from tabgan.metrics.registry import VALIDATION
from tabgan.models.protocol import CriticModel, RowModel
from tabgan.report.evaluation_pictures import column_picture
from tabgan.runs.callbacks.pace import Pace
from tabgan.sampling.judging import Drawn, draw_generated, logits, threshold_of
from tabgan.seeding import rng_at
from tabgan.tables.schema import TableSchema
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

MAX_ROWS = 5_000  # of the validation rows, and as many generated
MAX_CELLS = 2**19  # rows x columns of each: all 5,000 rows up to 104 columns
MAX_COLUMNS = 500
COLLAPSE_ROWS = 200  # fewer say nothing about variety
KEPT_ROWS = 20  # of those that fooled the critic
WORST_COLUMNS = 3

Logits = NDArray[np.float64]


class ValidationPanel(pl.Callback):
    """Before the first step and after every ``every_n_steps`` generator steps, log ``val/…``.

    After, that is at the first epoch's end. The look before the first step is at the weights that
    training begins with: where it does not improve on them, they are what the run keeps.

    As many rows as there are validation rows are drawn from the sampling generator, always with
    the same noise, and compared with them: the metrics of ``metrics.registry.VALIDATION``, the
    strongest sign of mode collapse (above .4 it is an alarm), the share that the critic takes for
    real where there is one. Every draw has its own address, so a run is the same with and without
    the panel. ``val/panel_share`` is the share of the training time that the panel has taken. A
    measure that is undefined on the table (C2ST below 20 validation rows, the attack below 99, the
    trend error of a single column) is left out and named once; collapse needs 200 rows. Where
    missing cells say nothing (encoder.missing=masked), the drawn rows get those of the validation
    rows. A class condition is always met: the class is put back from it.

    A look costs no more than so much, whatever the table's width: at most 5,000 rows and as many
    as make 2^19 cells, 500 columns, 5,000 pairs of columns, all drawn by address and the same at
    every look. Tables of up to 100 columns are looked at whole but for the rows.

    The 20 rows that fooled a critic most surely go to ``samples/fooling_step<step>.csv``, the
    columns that differ most into TensorBoard as pictures.
    """

    def __init__(self, *, every_n_steps: int) -> None:
        self.pace = Pace(every_n_steps)
        self.undefined: set[str] = set()

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._started, self._spent = time.perf_counter(), 0.0
        if trainer.global_step == 0:
            self._log(trainer, module)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self.pace.is_due(trainer):
            self._log(trainer, module)

    def _log(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        began = time.perf_counter()
        scores = self._look(trainer, cast(RowModel, module), cast(Any, trainer).datamodule)
        self._spent += time.perf_counter() - began
        scores["val/panel_share"] = self._spent / (time.perf_counter() - self._started)
        module.log_dict(scores, on_step=False, on_epoch=True)

    def state_dict(self) -> dict[str, Any]:
        return self.pace.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.pace.load_state_dict(state_dict)

    def _look(
        self, trainer: pl.Trainer, module: RowModel, datamodule: TableDataModule
    ) -> dict[str, float]:
        """Draw rows, measure them, and keep what a person would look at."""
        encoder = datamodule.encoder
        names = _some([column.name for column in encoder.schema_.columns if not column.key])
        real = datamodule.validation[names].head(min(MAX_ROWS, MAX_CELLS // len(names)))
        drawn = draw_generated(module, encoder, n=len(real), seed=0, piece=0)
        verdict = {}
        if isinstance(module, CriticModel):
            verdict = self._verdict(trainer, module, datamodule, drawn)
        fake = drawn.table[names]
        if encoder.is_masked:
            fake = fake.mask(real.isna().to_numpy())
        self._draw_worst(trainer, column_errors(real, fake), real, fake)
        train = datamodule.train[names] if datamodule.train is not None else real
        scores = self._measured(train, real, fake)
        return scores | verdict

    def _verdict(
        self, trainer: pl.Trainer, module: CriticModel, datamodule: TableDataModule, drawn: Drawn
    ) -> dict[str, float]:
        """The share of drawn rows that the critic takes for real; the surest are written."""
        found = logits(module, drawn.rows, drawn.condition)
        passed = found > threshold_of(module, *datamodule.encoded("validation")).logit
        schema = datamodule.encoder.schema_
        self._keep_fooling(trainer, drawn.table[passed], found[passed], schema)
        return {"val/pass_rate": float(passed.mean())}

    def _measured(
        self, train: pd.DataFrame, real: pd.DataFrame, fake: pd.DataFrame
    ) -> dict[str, float]:
        rows = Comparison(train=train, test=real, synthetic=fake)
        signals = collapse_signals(real, fake) if len(real) >= COLLAPSE_ROWS else {}
        scores = {}
        for name, metric in VALIDATION.items():
            if name in self.undefined:
                continue
            try:
                scores[name] = cast(float, metric.function(rows))
            except TabganError as error:  # no reason to stop a training
                self.undefined.add(name)
                log.info("not measured while training: %s (%s)", name, error)
        if why := describe_collapse(real, fake, signals):
            log.warning("mode collapse: %s", why)
        return scores | ({"val/collapse": max(signals.values())} if signals else {})

    def _keep_fooling(
        self, trainer: pl.Trainer, rows: pd.DataFrame, logits: Logits, schema: TableSchema
    ) -> None:
        """Write the rows that the critic took for real most surely, as the report kept them."""
        surest = rows.iloc[np.argsort(-logits, kind="stable")[:KEPT_ROWS]]
        if len(surest) and trainer.is_global_zero:
            folder = Path(trainer.default_root_dir) / "samples"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"fooling_step{trainer.global_step:06d}.csv"
            write_table(path, surest.reset_index(drop=True), schema)

    def _draw_worst(
        self, trainer: pl.Trainer, errors: pd.Series, real: pd.DataFrame, fake: pd.DataFrame
    ) -> None:
        """The columns with the largest errors as TensorBoard pictures, real beside generated."""
        boards = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        if not boards:
            return
        worst = list(errors.sort_values(ascending=False, kind="stable").index[:WORST_COLUMNS])
        coded = code_tables(real=real[worst], synthetic=fake[worst])
        sides = dict(zip(("real", "synthetic"), coded, strict=True))
        for position, name in enumerate(worst, start=1):
            picture = imread(io.BytesIO(column_picture(name, sides, real[name])))
            for board in boards:
                board.experiment.add_image(
                    f"worst_columns/{position}", picture, trainer.global_step, dataformats="HWC"
                )


def _some(names: Sequence[str]) -> list[str]:
    """The columns that are looked at, in the table's order."""
    if len(names) <= MAX_COLUMNS:
        return list(names)
    drawn = rng_at(0, "panel", "columns").choice(len(names), MAX_COLUMNS, replace=False)
    return [names[position] for position in np.sort(drawn)]
