"""From a composed configuration to objects; every key is checked before anything is built."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Trainer

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError, check_keys, nearest
from tabgan.modules.cgan import CGANModule
from tabgan.serving.datamodule import TableDataModule
from tabgan.serving.planning import plan
from tabgan.training import describe, record_configuration, save_map, save_plan

TOP_LEVEL = (
    "data", "model", "encoder", "loss", "refiner", "trainer", "callbacks", "logger",
    "run_name", "seed", "threads",
)  # fmt: skip
ADDED = ("experiment", "sweep", "debug")  # groups whose files leave no key of their own
AUTO = "auto"
HYDRA_KEYS = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}
FROM_A_RUN_FOLDER = ("tabgan.", "torch.optim.")  # what a stored configuration may call


def check_config(cfg: DictConfig) -> None:
    """Refuse keys that nothing would read.

    Raises:
        TabganError: naming each unknown key and the nearest valid one.
    """
    check_keys(cfg, TOP_LEVEL, also=ADDED)
    wrong = [line for path, node in _targets(_plain(cfg)) for line in _unknown_keys(path, node)]
    if wrong:
        raise TabganError("unknown configuration keys: " + "; ".join(wrong))


def resolve_auto(cfg: DictConfig, planned: Mapping[str, int]) -> dict[str, int]:
    """Put planned values where ``cfg`` says ``auto``, and give back those that were put."""
    used = {key: n for key, n in planned.items() if OmegaConf.select(cfg, key) == AUTO}
    for key, value in used.items():
        OmegaConf.update(cfg, key, value)
    return used


def settle(cfg: DictConfig, datamodule: TableDataModule, folder: Path) -> None:
    """Resolve every ``auto`` once the table is read; say what it became and keep it."""
    used = resolve_auto(cfg, plan(len(datamodule.encoded("train")[0])))
    datamodule.batch_size = cfg.data.batch_size
    save_plan(used, folder)


def build_module(cfg: DictConfig, encoder: TableEncoder) -> CGANModule:
    """The LightningModule that ``cfg`` describes, with the sizes of the table."""
    module: CGANModule = instantiate(cfg.model)(
        layout=encoder.layout_,
        condition_width=encoder.condition_width,
        loss=instantiate(cfg.loss),
    )
    return module


def build_trainer(
    cfg: DictConfig, module: CGANModule, encoder: TableEncoder, folder: Path
) -> Trainer:
    """The Trainer with callbacks and loggers, told what the run is."""
    loggers = [instantiate(logger) for logger in cfg.logger.values()]
    callbacks = [instantiate(callback) for callback in cfg.callbacks.values()]
    trainer: Trainer = instantiate(cfg.trainer)(
        callbacks=callbacks, logger=loggers, default_root_dir=str(folder)
    )
    parts = {key: cfg[key] for key in ("data", "encoder", "model", "loss", "seed")}
    asked = _plain(OmegaConf.create(parts), resolve=True)
    record_configuration(loggers, asked, OmegaConf.to_yaml(cfg))
    save_map(encoder, folder)
    describe(encoder, module)
    return trainer


def check_stored_targets(cfg: DictConfig) -> None:
    """Refuse a run folder's configuration that would call anything but nets, losses, optimizers.

    Raises:
        TabganError: naming the place and the target.
    """
    for part in ("model", "loss"):
        for path, node in _targets(_plain(cfg[part]), part):
            if not str(node["_target_"]).startswith(FROM_A_RUN_FOLDER):
                raise TabganError(
                    f"{path}._target_: a run folder may name targets of "
                    f"{list(FROM_A_RUN_FOLDER)}, got {node['_target_']!r}"
                )


def _plain(cfg: DictConfig, *, resolve: bool = False) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=resolve))


def _targets(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield path, node
        for key, entry in node.items():
            yield from _targets(entry, f"{path}.{key}" if path else str(key))


def _unknown_keys(path: str, node: dict[str, Any]) -> list[str]:
    try:
        parameters = inspect.signature(get_object(node["_target_"])).parameters
    except Exception as error:  # a wrong path raises whatever the import raises
        raise TabganError(f"{path}._target_={node['_target_']}: {error}") from error
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return []
    unknown = node.keys() - parameters.keys() - HYDRA_KEYS
    return [f"{path}.{key}: {nearest(key, parameters)}" for key in sorted(unknown)]
