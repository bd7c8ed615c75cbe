"""A model as one file: a run folder in a zip archive, without the rows it was trained on."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tabgan.runs.folder import BY_ESTIMATOR
from tabgan.system.archive import packed, unpack
from tabgan.system.files import write_whole

SUFFIX = ".tabgan"
BEST, LAST = "checkpoints/best.ckpt", "checkpoints/last.ckpt"
UNSHARED = (*BY_ESTIMATOR, "samples", "tensorboard")  # rows and logs of one machine


def is_model_file(path: Path) -> bool:
    """Whether a path is that of a model as one file, by its name or because it is a file."""
    return path.is_file() or (path.suffix == SUFFIX and not path.is_dir())


def save_model(folder: Path, path: Path) -> None:
    """Write a run folder as one file, in one move; equal folders give equal bytes.

    The table of a DataFrame that was fitted (``table.parquet``) stays behind: a file is to be given
    away, and only evaluation needs those rows. So do rows that were drawn, TensorBoard's logs and
    the weights that a training would go on from, where there are better ones.
    """
    last = (LAST,) if (folder / BEST).is_file() else ()
    write_whole(path, packed(folder, without=(*UNSHARED, *last)))


def unpacked_model(path: Path) -> Path:
    """A new temporary folder with the run of a model file; whoever requested removes it.

    Raises:
        TabganError: when it cannot be read, or holds what ``system.archive.unpack`` refuses.
    """
    folder = Path(tempfile.mkdtemp(prefix="tabgan-"))
    try:
        unpack(path, folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return folder


def output_path(run: Path, inside: str, beside: str) -> Path:
    """A command's output path: ``inside`` a run folder, or ``<model>_<beside>`` beside a file."""
    return run.with_name(f"{run.stem}_{beside}") if is_model_file(run) else run / inside
