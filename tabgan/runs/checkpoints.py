"""Checkpoint files of a run folder: tensors and plain data, never a pickle."""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import CheckpointIO

from tabgan.errors import TabganError
from tabgan.models.protocol import RowModel
from tabgan.system.files import FORMAT, check_format, write_whole

REFUSED = (
    pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError, KeyError, IndexError,
    TypeError, AttributeError,
)  # fmt: skip  # what a damaged file or a foreign one makes torch raise


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


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of a run folder that is furthest in the training; None where none has begun.

    Raises:
        TabganError: when a checkpoint cannot be read.
    """
    steps = {
        int(read_checkpoint(path)["global_step"]): path
        for name in ("best.ckpt", "last.ckpt")
        if (path := folder / "checkpoints" / name).is_file()
    }
    return steps[max(steps)] if steps and max(steps) > 0 else None


def load_weights(module: RowModel, path: Path) -> None:
    """Put a checkpoint's weights and buffers into ``module``; nothing is unpickled.

    Raises:
        TabganError: when the file is damaged, holds a pickle, or is of another schema.
    """
    checkpoint = read_checkpoint(path, of=module)
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise TabganError(f"{path}: the weights do not fit the run's model: {error}") from error


def read_checkpoint(path: Path, *, of: RowModel | None = None) -> dict[str, Any]:
    """Tensors and plain data of a checkpoint, on the CPU.

    Raises:
        TabganError: when it cannot be read, holds anything else, or is not of the rows of ``of``.
    """
    try:
        with warnings.catch_warnings():  # of a foreign pickle's protocol, before it is refused
            warnings.simplefilter("ignore")
            checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except REFUSED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TabganError(f"{path}: not tensors and plain data: {reason}") from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise TabganError(f"{path}: not a checkpoint: it has no state_dict")
    check_format(checkpoint.get("format", FORMAT), path)
    if of is not None and checkpoint.get("layout") != of.layout.to_plain():
        raise TabganError(
            f"{path}: the checkpoint belongs to a table of another schema than the run's encoder"
        )
    return checkpoint


class PlainCheckpoints(CheckpointIO):
    """Lightning's writer and reader of checkpoints: whole or not at all, and no pickle."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write beside, flush, rename; until then the checkpoint before is in its place."""
        stream = io.BytesIO()
        torch.save({"format": FORMAT, **checkpoint}, stream)
        write_whole(Path(path), stream.getvalue())

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Tensors and plain data alone, whatever ``weights_only`` says."""
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)
