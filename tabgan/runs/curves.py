"""Curves of an interrupted run: what lies behind the step it goes on from is logged anew."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict
from pytorch_lightning.loggers import CSVLogger, Logger

from tabgan.runs.checkpoints import read_checkpoint

METRICS = "csv/metrics.csv"
BOARD = "TensorBoardLogger"

Points = list[dict[str, Any]]


def curves_until(checkpoint: Path | None, cfg: DictConfig, folder: Path) -> Points:
    """The points of ``csv/metrics.csv`` before the checkpoint's step.

    To be called before loggers are made, for Lightning's removes the file. TensorBoard is made to
    leave out what it has seen after that step.
    """
    if checkpoint is None:
        return []
    step = int(read_checkpoint(checkpoint)["global_step"])
    for logger in cfg.logger.values():
        if str(logger["_target_"]).endswith(BOARD):
            with open_dict(logger):
                logger.purge_step = step + 1
    path = folder / METRICS
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            point
            for point in csv.DictReader(stream)
            if str(point.get("step")).isdigit() and int(point["step"]) < step
        ]


def continue_curves(loggers: Sequence[Logger], past: Points) -> None:
    """Put the points back."""
    for logger in loggers:
        if isinstance(logger, CSVLogger) and past:
            logger.experiment.metrics = [
                {name: value for name, value in point.items() if name and value not in ("", None)}
                for point in past
            ]
            logger.experiment.save()
