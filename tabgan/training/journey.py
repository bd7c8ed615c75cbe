"""One training from its configuration to its run folder: what the command and TableGAN share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule

from tabgan.blackboxes.evasion.evading import train_evasion
from tabgan.blackboxes.evasion.module import EvasionModule
from tabgan.blackboxes.scored.querying import attach_box
from tabgan.config.building import build_module, build_trainer, forecast, settle
from tabgan.config.checks import check_config, model_class
from tabgan.config.opening import Run, open_run, stored_plan
from tabgan.config.trainers import built, check_batches, check_trainer
from tabgan.data.datamodule import TableDataModule
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.protocol import RowBoundModel
from tabgan.runs.checkpoints import load_weights, newest_checkpoint, read_checkpoint
from tabgan.runs.curves import continue_curves, curves_until
from tabgan.runs.folder import BY_ESTIMATOR, check_unused, forget_report
from tabgan.runs.provenance import check_record, save_record
from tabgan.runs.session import begin, finish, fit_refiner, keep_best
from tabgan.system.locks import held
from tabgan.system.ranks import is_first, is_started_by_first
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

SCORED = "choose a model=scored_…, or give the box to sample and audit"


def train(
    cfg: DictConfig, folder: Path, *, callbacks: Sequence[Callback] = (), resume: bool = False
) -> float | None:
    """Read the table, build the model around its layout, train it, keep the run.

    Args:
        cfg: what ``conf/train.yaml`` composes to; with ``start``, a run whose encoder and weights
            go on.
        folder: the run folder, which is there.
        callbacks: Lightning callbacks beside those of ``cfg``.
        resume: whether ``folder`` holds a run that was interrupted; it goes on from its newest
            checkpoint, to the bit as if nothing had happened.

    Returns:
        The best value of what the checkpoint callback watches; None where it watches nothing, and
        in all processes of a training but the first (``trainer=ddp``), which keeps the run.

    Raises:
        TabganError: for an unknown key, or a group that the model does not read; for a table that
            cannot be learned, or does not fit the run it starts from or goes on with; for a
            folder that another process is at work in.
        FloatingPointError: when a loss is no longer a number.
        Interrupted: when a signal stopped it (``tabgan.system.signals``).
    """
    with held(folder):
        if not resume and is_first():
            check_unused(folder, besides=(".hydra", *BY_ESTIMATOR))
        check_config(cfg)
        check_groups(cfg)
        if issubclass(model_class(cfg), EvasionModule):  # it changes records, and draws no rows
            train_evasion(cfg, folder)
            return None
        return _train(cfg, folder, callbacks, resume=resume)


def check_groups(cfg: DictConfig) -> None:
    """Refuse a group of configurations that the chosen model does not read.

    Raises:
        TabganError: naming the group, and what reads it.
    """
    model = model_class(cfg)
    evades, scores = issubclass(model, EvasionModule), hasattr(model, "sample_scored")
    unread = {
        "traffic": "" if evades else "model=evasion and model=evasion_gan read it",
        "blackbox": "" if evades or scores else SCORED,
        "refiner": "a generator that changes records draws none to refine" if evades else "",
    }
    for group, why in unread.items():
        if why and cfg.get(group):
            raise TabganError(f"{group}: {model.__name__} reads none, so leave it out; {why}")


def _train(
    cfg: DictConfig, folder: Path, callbacks: Sequence[Callback], *, resume: bool
) -> float | None:
    checkpoint = newest_checkpoint(folder) if resume else None
    begin(seed=cfg.seed, threads=cfg.threads)
    check_trainer(cfg, folder)
    first = is_first()
    start = open_run(Path(cfg.start)) if cfg.get("start") else None
    if checkpoint is not None:
        log.info("going on from %s", checkpoint)
    datamodule = _open_table(cfg, folder, start)
    if resume:
        check_record(datamodule, folder)
        if first and forget_report(folder):
            log.info("the report on the unfinished run is removed: its weights will change")
    elif first:
        save_record(datamodule, folder)
    settle(cfg, datamodule, folder, kept=stored_plan(folder) if checkpoint else _kept_plan(start))
    check_batches(cfg, len(datamodule.coded("train")[0]))
    module = built("model", lambda: build_module(cfg, datamodule.encoder))
    built("model", module.configure_optimizers)
    forecast(cfg, datamodule, module)
    past = curves_until(checkpoint if first else None, cfg, folder)
    trainer = build_trainer(cfg, datamodule.encoder, folder, callbacks)
    continue_curves(trainer.loggers, past)
    attach_box(cfg, module, datamodule, folder)
    module.prepare(datamodule.coded("sample"), datamodule.coded("validation"), seed=cfg.seed)
    if start is not None:
        load_weights(module, start.checkpoint)
        if isinstance(module, RowBoundModel):
            module.take_up(datamodule.coded("sample"))
    if checkpoint is not None:
        read_checkpoint(checkpoint, of=module)
    trainer.fit(cast(LightningModule, module), datamodule=datamodule, ckpt_path=checkpoint)
    if not first:
        return None
    score = keep_best(trainer, module)
    device = trainer.strategy.root_device  # to which the module itself no longer belongs
    refiner = fit_refiner(module, datamodule, folder, seed=cfg.seed, device=device, **cfg.refiner)
    n_validation = len(datamodule.validation)
    finish(
        trainer, module, datamodule.encoder, refiner, folder,
        seed=cfg.seed, n_validation=n_validation,
    )  # fmt: skip
    return score


class KeptEncoder:
    """In a new encoder's place where a training goes on from a run: nothing is learned again.

    Args:
        encoder: the run's.
        datamodule: whose rows have to fit it.
    """

    def __init__(self, encoder: TableEncoder, datamodule: TableDataModule) -> None:
        self.encoder = encoder
        self.datamodule = datamodule

    def __call__(self, schema: TableSchema) -> KeptEncoder:
        """Check what the new table is called to predict.

        Raises:
            TabganError: when its target is another than the run's.
        """
        if schema.target != self.encoder.schema.target:
            raise TabganError(
                f"target {schema.target!r}: the run it starts from has "
                f"{self.encoder.schema.target!r}"
            )
        return self

    def fit(self, train: pd.DataFrame, *, n_rows: int = 0) -> TableEncoder:
        """The run's encoder, once training and validation rows are known to fit it.

        The rows' ids are not made again either.

        Raises:
            TabganError: when a value is missing in a column that missed none.
        """
        for column in self.encoder.schema_.columns:
            for rows in (train, self.datamodule.validation):
                if not column.missing and rows[column.name].isna().any():
                    raise TabganError(
                        f"column {column.name!r}: a value is missing, and the run it starts from "
                        "never saw a missing one there"
                    )
        self.encoder.add_keys(train)
        return self.encoder


def _open_table(cfg: DictConfig, folder: Path, start: Run | None) -> TableDataModule:
    """The table, read and encoded; with ``start``, in that run's schema and encoder."""
    if start is None:
        datamodule: TableDataModule = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
        if is_started_by_first() and not datamodule.is_out_of_core:
            _keep(datamodule, TableEncoder.load(folder / "encoder"))
    else:
        cfg.data.schema_path = str(folder / "schema.json")
        start.encoder.schema_.save(folder / "schema.json")
        datamodule = instantiate(cfg.data)(encoder=None)
        _keep(datamodule, start.encoder)
    datamodule.setup("fit")  # reads the table, so the nets can be given its layout
    return datamodule


def _keep(datamodule: TableDataModule, encoder: TableEncoder) -> None:
    kept = KeptEncoder(encoder, datamodule)
    datamodule.make_encoder = cast(Any, kept)  # it has what setup calls


def _kept_plan(start: Run | None) -> dict[str, float]:
    """What ``auto`` became in the run it starts from, where the weights depend on it."""
    plan = {} if start is None else stored_plan(start.folder)
    return {key: value for key, value in plan.items() if key.startswith("model.")}
