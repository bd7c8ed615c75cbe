"""Checkpoint files of a run folder: tensors and plain data, never a pickle."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from tabgan.errors import TabganError
from tabgan.modules.cgan import CGANModule


def find_checkpoint(folder: Path) -> Path:
    """The best checkpoint of a run folder, or the last where no best was kept.

    Raises:
        TabganError: when there is neither.
    """
    for name in ("best.ckpt", "last.ckpt"):
        if (path := folder / "checkpoints" / name).is_file():
            return path
    raise TabganError(
        f"no checkpoint in {(folder / 'checkpoints').absolute()}: expected best.ckpt or last.ckpt; "
        "the training has not saved yet"
    )


def load_weights(module: CGANModule, path: Path) -> None:
    """Put a checkpoint's weights and buffers into ``module``; nothing is unpickled.

    Raises:
        TabganError: when the file is damaged, holds a pickle, or is of another schema.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.get("layout") != module.layout.to_plain():
        raise TabganError(
            f"{path}: the checkpoint belongs to a table of another schema than the run's encoder"
        )
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise TabganError(f"{path}: the weights do not fit the run's model: {error}") from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Tensors and plain data of a checkpoint, on the CPU.

    Raises:
        TabganError: when it cannot be read, or holds anything else.
    """
    try:
        with warnings.catch_warnings():  # of a foreign pickle's protocol, before it is refused
            warnings.simplefilter("ignore")
            checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{path}: not tensors and plain data: {reason}") from error
    return checkpoint
