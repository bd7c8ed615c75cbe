"""Files that are there whole or not at all, and the version of what they say."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabgan.errors import TabganError

FORMAT = 1  # of a run folder; raised when an older tabgan would misread what this one writes


def write_whole(path: Path, data: bytes | str) -> None:
    """Write beside ``path``, flush to the disk, rename: a killed process leaves the file before.

    Raises:
        OSError: when it cannot be written; the file before is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as stream:
            stream.write(data.encode() if isinstance(data, str) else data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    _flush_folder(path.parent)


def packed(folder: Path) -> bytes:
    """All files of a folder as a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return stream.getvalue()


def unpack(files: bytes, folder: Path) -> None:
    """Write what ``packed`` gave into ``folder``."""
    with zipfile.ZipFile(io.BytesIO(files)) as archive:
        archive.extractall(folder)


def account_of(rows: Path) -> Path:
    """Where what is known of a file of rows is written."""
    return rows.with_name(rows.name + ".json")


def write_account(rows: Path, account: Mapping[str, Any]) -> None:
    """Write what is known of a file of rows beside it, as JSON."""
    write_whole(account_of(rows), json.dumps(account, indent=2) + "\n")


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
