"""From a configuration to a black box that can be queried: fitted, opened, or reached."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from tabgan.blackboxes.counter import QueryCounter
from tabgan.blackboxes.estimator import open_estimator
from tabgan.blackboxes.scored.model import ScoredModel
from tabgan.blackboxes.scored.scorer import BlackBoxScorer
from tabgan.config.trust import check_stored_targets
from tabgan.data.datamodule import TableDataModule
from tabgan.errors import TabganError
from tabgan.models.protocol import RowModel
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

FOLDER = "blackbox"  # inside a run: the box that its training fitted
FITTED = "tabgan.blackboxes.forest.fit_forest"
TAUGHT = "tabgan.blackboxes.evasion.detectors.Detector"
FILES = (  # whose boxes a run folder's configuration may open: data, and no code
    "tabgan.blackboxes.estimator",
    "tabgan.blackboxes.onnx",
)


def attach_box(
    cfg: DictConfig, module: RowModel, datamodule: TableDataModule, folder: Path
) -> None:
    """Give a scored module its black box; a forest is fitted on the training rows, and kept.

    Raises:
        TabganError: when a scored model has no box.
    """
    if not isinstance(module, ScoredModel):
        return
    if datamodule.train is None or not cfg.get(FOLDER):
        raise TabganError("a scored model is trained against a black box: give blackbox=<name>")
    given = {"seed": cfg.seed, "train": datamodule.train, "keep_in": folder / FOLDER}
    box = given_box(cfg[FOLDER], datamodule.schema, **given)
    module.scorer = BlackBoxScorer(box, datamodule.encoder)


def given_box(
    choice: DictConfig,
    schema: TableSchema,
    *,
    seed: int,
    train: pd.DataFrame | None = None,
    keep_in: Path | None = None,
) -> QueryCounter:
    """The box that a configuration names.

    Args:
        choice: a file of ``conf/blackbox``.
        schema: of the table that a forest is fitted on.
        seed: of that forest.
        train: its rows.
        keep_in: a folder that a forest is saved in.

    Raises:
        TabganError: as the box does.
    """
    if choice["_target_"] == TAUGHT:
        raise TabganError(
            "blackbox=detector answers for attacks alone (experiment=evade_nslkdd); a scored model "
            "takes forest, saved, function, http or onnx"
        )
    made = instantiate(choice)
    if train is None or choice["_target_"] != FITTED:
        return QueryCounter(made)
    log.info("fitting the forest on %s rows", f"{len(train):,}")
    box = made(train, schema, seed=seed)
    if keep_in is not None:
        box.save(keep_in, {"seed": seed, "n_estimators": choice["n_estimators"]})
    return QueryCounter(box)


def own_box(config: DictConfig, folder: Path) -> QueryCounter:
    """The box that a run was trained against, as its folder has it.

    A run folder may come from anywhere, so code and addresses in it are not followed.

    Raises:
        TabganError: when the run has no box, or its box has to be given again.
    """
    if (folder / FOLDER).is_dir():
        return QueryCounter(open_estimator(str(folder / FOLDER)))
    choice = config.get(FOLDER)
    if not choice:
        raise TabganError(f"{folder}: the run has no black box; give blackbox=<name>")
    try:
        check_stored_targets(config, (FOLDER,), FILES)
    except TabganError as error:
        raise TabganError(
            f"{folder}: its black box was {choice['_target_']}, which a run folder may not start "
            "by itself; give it again, as for the training: blackbox=<name> blackbox.<key>=<value>"
        ) from error
    return QueryCounter(instantiate(choice))
