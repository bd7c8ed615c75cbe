"""Files that are there whole or not at all, and the version of what they say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabgan.errors import TabganError

FORMAT = 1  # of a run folder; raised when an older tabgan would misread what this one writes


@contextmanager
def whole(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """A name beside ``path`` to write to; the file gets its own once the block has ended well.

    It is flushed to the disk first: a killed process leaves the file that was there before.

    Args:
        path: of the file; its folder exists.
        shared: whether several processes may write it at once: each then has a name of its own.

    Raises:
        OSError: when it cannot be written; the file before is then as it was.
    """
    own = f".{os.getpid()}" if shared else ""
    part = path.with_name(f"{own}.{path.name}.part")
    try:
        yield part
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(path.parent)


def write_whole(path: Path, data: bytes | str, *, shared: bool = False) -> None:
    """Write a file that is there whole or not at all (``whole``), and its folder if need be.

    Raises:
        OSError: naming ``path``, when it cannot be written; the file before is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole(path, shared=shared) as part:
            part.write_bytes(data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def sidecar_of(rows: Path) -> Path:
    """The path of the sidecar of a file of rows: ``<rows>.json``."""
    return rows.with_name(rows.name + ".json")


def write_sidecar(rows: Path, sidecar: Mapping[str, Any]) -> None:
    """Write what is known of a file of rows beside it, as JSON."""
    write_whole(sidecar_of(rows), json.dumps(sidecar, indent=2) + "\n")


def check_format(found: Any, path: Path) -> None:
    """Refuse a file that a newer tabgan wrote.

    Raises:
        TabganError: naming both formats.
    """
    if not isinstance(found, int) or found > FORMAT:
        raise TabganError(
            f"{path}: written in format {found!r}, this tabgan reads up to {FORMAT}; update tabgan"
        )


def _flush_folder(folder: Path) -> None:
    """The renaming itself to the disk, where folders can be opened (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
