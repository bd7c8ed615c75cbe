"""Files opened for reading, with every failure reported in one line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from tabgan.errors import TabganError


def check_file(path: Path) -> None:
    """Refuse a path that is no file.

    Raises:
        TabganError: naming the absolute path that was looked for.
    """
    if path.is_dir():
        raise TabganError(f"expected a file, got a folder: {path.absolute()}")
    if not path.is_file():
        raise TabganError(f"file not found: {path.absolute()}")


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked when its name ends in ``.gz``.

    Raises:
        TabganError: when the file is absent, unreadable, or a damaged gzip file; the last also
            while it is being read inside the ``with`` block.
    """
    check_file(path)
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            yield cast(BinaryIO, stream)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TabganError(f"{path}: truncated or damaged gzip file: {error}") from error
    except PermissionError as error:
        raise TabganError(f"{path}: no permission to read it") from error
