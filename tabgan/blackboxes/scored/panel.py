"""Does the generator meet the scores it is requested? Looked at while it trains."""

from __future__ import annotations

import io
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from matplotlib.image import imread
from pytorch_lightning.loggers import TensorBoardLogger

from tabgan.blackboxes.scored.model import ScoredModel
from tabgan.blackboxes.scored.pairing import score_matched
from tabgan.blackboxes.scored.plots import scatter_picture
from tabgan.blackboxes.scored.scorer import BlackBoxScorer
from tabgan.data.datamodule import TableDataModule
from tabgan.metrics.detection import MIN_ROWS, cheap_c2st_auc
from tabgan.runs.callbacks.pace import Pace
from tabgan.seeding import generator_at, rng_at

MOST_ROWS = 1_000  # as many as there are validation rows, or these


class ScorePanel(pl.Callback):
    """At the first epoch's end after every ``every_n_steps`` generator steps, log ``val/…``.

    Rows are drawn for scores spread evenly over [0, 1], always the same, and scored by the black
    box: ``val/score_mae`` in [0, 1], 0 is best; ``val/c2st_auc`` against validation rows of the
    same scores, .5 is best; ``val/score_loss``, the MAE plus what the C2ST is above .5, since
    neither hitting scores with unreal rows nor real rows of any score will do; and the scatter of
    requested against obtained scores as a TensorBoard picture. Costs as many queries as rows; those
    of the validation rows are made once.
    """

    def __init__(self, *, every_n_steps: int) -> None:
        self.pace = Pace(every_n_steps)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not cast(ScoredModel, module).knows_scores or not self.pace.is_due(trainer):
            return
        datamodule = cast(Any, trainer).datamodule
        scores = self._look(trainer, cast(ScoredModel, module), datamodule)
        module.log_dict(scores, on_step=False, on_epoch=True)

    def state_dict(self) -> dict[str, Any]:
        return self.pace.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.pace.load_state_dict(state_dict)

    def _look(
        self, trainer: pl.Trainer, module: ScoredModel, datamodule: TableDataModule
    ) -> dict[str, float]:
        columns = datamodule.encoder.schema_.columns
        names = [column.name for column in columns if not column.key]
        real = datamodule.validation[list(datamodule.encoder.schema_.names)]
        n = min(MOST_ROWS, len(real))
        requested = rng_at(0, "score panel").random(n)
        scorer = cast(BlackBoxScorer, module.scorer)
        wanted = torch.as_tensor(requested, dtype=torch.float32, device=module.device)
        rng = generator_at(0, "score panel", device=module.device)
        rows = scorer.table(module.sample_scored(wanted, rng))
        obtained = scorer.box(rows)
        self._draw(trainer, requested, obtained)
        matched = real.iloc[score_matched(obtained, scorer.box(real))]
        figures = {"val/score_mae": float(np.abs(obtained - requested).mean())}
        figures["val/score_loss"] = figures["val/score_mae"]
        if n >= MIN_ROWS:  # with fewer the error alone says which weights are kept
            figures["val/c2st_auc"] = cheap_c2st_auc(matched[names], rows[names])
            figures["val/score_loss"] += figures["val/c2st_auc"] - 0.5
        return figures

    def _draw(self, trainer: pl.Trainer, requested: np.ndarray, obtained: np.ndarray) -> None:
        boards = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        if not boards:
            return
        picture = imread(io.BytesIO(scatter_picture("Asked and obtained", requested, obtained)))
        for board in boards:
            board.experiment.add_image(
                "asked_and_obtained", picture, trainer.global_step, dataformats="HWC"
            )
