"""From a checked configuration to objects: the model, the trainer, and what ``auto`` becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, Trainer

from tabgan.config.checks import model_class
from tabgan.config.trust import PARTS
from tabgan.data.batches import batches_of_epoch
from tabgan.data.datamodule import TableDataModule
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.planning import AUTO, plan_steps
from tabgan.models.protocol import PlannedModel, RowModel, absent_members
from tabgan.runs.callbacks.checkpoint import tolerance
from tabgan.runs.callbacks.stopping import StopTogether
from tabgan.runs.checkpoints import PlainCheckpoints
from tabgan.runs.memory import Sizes, learning_nets
from tabgan.runs.session import check_size, describe, record_configuration, save_map, save_plan
from tabgan.system.ranks import is_first


def build_module(cfg: DictConfig, encoder: TableEncoder) -> RowModel:
    """The model that ``cfg`` describes, with the sizes of the table.

    Raises:
        TabganError: for a model that does not learn from rows with missing cells, where there are
            any; for one that takes no class for its condition, where there is one.
    """
    model = row_model(cfg)
    if encoder.condition_width and not model.takes_condition:
        raise TabganError(
            f"{model.__name__} draws the class as a column of the row, and takes no other "
            "condition of the table: give encoder.conditional=false"
        )
    if encoder.is_masked and not model.learns_missing_cells:
        raise TabganError(
            f"encoder.missing=masked: {model.__name__} learns from whole rows alone; "
            "choose another model, or encoder.missing=category"
        )
    module: RowModel = instantiate(cfg.model)(
        layout=encoder.layout_, condition_width=encoder.condition_width, **_built_parts(cfg)
    )
    return module


def _built_parts(cfg: DictConfig) -> dict[str, Any]:
    """The loss, the penalty and the tools that ``cfg`` names, as a model's constructor takes them.

    What it takes and ``cfg`` does not name is left to its defaults.
    """
    parts = {key: instantiate(cfg[key]) for key in ("loss", "penalty") if cfg.get(key)}
    tools = [instantiate(tool) for tool in (cfg.get("tool") or {}).values()]
    return parts | ({"tools": tools} if tools else {})


def row_model(cfg: DictConfig) -> type[RowModel]:
    """The same, of a model that draws rows.

    Raises:
        TabganError: when it does not (``models.protocol.RowModel``).
    """
    model = model_class(cfg)
    if absent := absent_members(model):
        raise TabganError(
            f"model._target_={cfg.model['_target_']}: expected a model that draws rows "
            f"(tabgan.models.protocol.RowModel), got one without {', '.join(absent)}"
        )
    return model


def build_trainer(
    cfg: DictConfig,
    encoder: TableEncoder,
    folder: Path,
    callbacks: Sequence[Callback] = (),
) -> Trainer:
    """The Trainer, with callbacks and loggers of the configuration, and the callbacks given."""
    loggers = [instantiate(logger) for logger in cfg.logger.values()]
    own = [instantiate(callback) for callback in cfg.callbacks.values()]
    trainer: Trainer = instantiate(cfg.trainer)(
        callbacks=[StopTogether(), *own, *callbacks],
        logger=loggers,
        default_root_dir=str(folder),
        plugins=[PlainCheckpoints()],
    )
    parts = {key: cfg[key] for key in ("data", "encoder", *PARTS, "seed") if key in cfg}
    requested = _plain(OmegaConf.create(parts), resolve=True)
    if is_first():
        given = folder / ".hydra" / "overrides.yaml"
        words: Any = OmegaConf.load(given) if given.is_file() else []
        first = [str(word).lstrip("+").partition("=")[0] for word in words]
        record_configuration(loggers, requested, OmegaConf.to_yaml(cfg), first=first)
        save_map(encoder, folder)
    describe(encoder)
    return trainer


def settle(
    cfg: DictConfig,
    datamodule: TableDataModule,
    folder: Path,
    *,
    kept: Mapping[str, float] | None = None,
) -> None:
    """Resolve every ``auto`` once the table is read; say what it became and keep it.

    What is ``kept`` of an earlier run's plan goes before what this table would give.
    """
    n_rows = len(datamodule.coded("train")[0])
    model = row_model(cfg)
    plan = model.plan if issubclass(model, PlannedModel) else plan_steps
    planned = plan(_plain(cfg.model), n_rows, datamodule.layout)
    values = {f"model.{key}": value for key, value in planned.values.items()}
    values["data.batch_size"] = planned.batch_size
    values["callbacks.checkpoint.tolerance"] = tolerance(len(datamodule.validation))
    used = resolve_auto(cfg, values | dict(kept or {}))
    batches = batches_of_epoch(n_rows, int(cfg.data.batch_size), codes=model.learns_codes)
    used |= resolve_auto(cfg, {"trainer.max_epochs": math.ceil(planned.steps / max(batches, 1))})
    datamodule.batch_size, datamodule.serves_codes = cfg.data.batch_size, model.learns_codes
    if is_first():
        save_plan(used, folder)


def resolve_auto(cfg: DictConfig, planned: Mapping[str, float]) -> dict[str, float]:
    """Put planned values where ``cfg`` says ``auto``, and give back those that were put."""
    used = {key: n for key, n in planned.items() if OmegaConf.select(cfg, key) == AUTO}
    for key, value in used.items():
        OmegaConf.update(cfg, key, value)
    return used


def forecast(cfg: DictConfig, datamodule: TableDataModule, module: RowModel) -> None:
    """Say what the training will take; refuse one that would not fit into memory.

    Raises:
        TabganError: for a ``memory_limit`` that is none, or that is too low.
    """
    limit = cfg.get("memory_limit", AUTO)
    is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if limit != AUTO and (not is_number or limit <= 0):
        raise TabganError(f"memory_limit={limit}: expected GiB, above 0, or auto")
    rows, _ = datamodule.coded("sample")
    sizes = Sizes(
        rows=rows,
        n_columns=len(datamodule.schema.columns),
        condition_width=datamodule.condition_width,
        nets=learning_nets(module.named_children()),
        batch_size=cfg.data.batch_size,
        steps=_steps(cfg, len(datamodule.coded("train")[0])),
        pool_factor=cfg.refiner.pool_factor if cfg.refiner.rounds else 0.0,
    )
    check_size(sizes, None if limit == AUTO else float(limit))


def _steps(cfg: DictConfig, n_rows: int) -> int:
    """Generator steps, as far as the configuration says."""
    codes = row_model(cfg).learns_codes
    batches = batches_of_epoch(n_rows, int(cfg.data.batch_size), codes=codes)
    for key in ("limit_train_batches", "overfit_batches"):
        requested = cfg.trainer.get(key)
        if requested:
            batches = (
                min(batches, requested) if isinstance(requested, int) else int(batches * requested)
            )
    steps = batches * max(int(cfg.trainer.get("max_epochs") or 0), 0)
    most = cfg.trainer.get("max_steps") or -1
    return steps if most < 0 else min(steps, most)


def _plain(cfg: DictConfig, *, resolve: bool = False) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=resolve))
