"""A run folder explains itself: configuration, encoder and weights, with no other argument."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from tabgan.checkpoints import find_checkpoint, load_weights
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.modules.cgan import CGANModule
from tabgan.recipes import build_module, check_stored_targets, resolve_auto


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished (or still unfinished) training, ready to sample.

    Attributes:
        folder: where it lies.
        config: what was asked.
        encoder: how the table is encoded.
        module: the nets with the checkpoint's weights, on the CPU, in eval mode.
        checkpoint: the file the weights came from.
    """

    folder: Path
    config: DictConfig
    encoder: TableEncoder
    module: CGANModule
    checkpoint: Path


def _stored_plan(path: Path) -> dict[str, int]:
    try:
        plan: dict[str, int] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TabganError(f"not a run folder: {path.absolute()} cannot be read") from error
    return plan


def open_run(folder: Path) -> Run:
    """Rebuild a run from its folder, with the weights of ``best.ckpt`` (or else ``last.ckpt``).

    Raises:
        TabganError: when the folder is not a run's, has no checkpoint, or its parts do not
            belong together.
    """
    config_path = folder / ".hydra" / "config.yaml"
    if not config_path.is_file():
        raise TabganError(f"not a run folder: {folder.absolute()} has no .hydra/config.yaml")
    config = OmegaConf.load(config_path)
    if not isinstance(config, DictConfig):
        raise TabganError(f"{config_path}: expected a configuration, got {type(config).__name__}")
    check_stored_targets(config)
    resolve_auto(config, _stored_plan(folder / "plan.json"))
    encoder = TableEncoder.load(folder / "encoder")
    module = build_module(config, encoder)
    checkpoint = find_checkpoint(folder)
    load_weights(module, checkpoint)
    return Run(
        folder=folder, config=config, encoder=encoder, module=module.eval(), checkpoint=checkpoint
    )
