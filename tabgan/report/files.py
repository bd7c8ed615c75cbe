"""A report's files: pictures, and TensorBoard's copy of them."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from tabgan.errors import TabganError

RGBA = 4  # TensorBoard's name for the colours of a picture


def prepare(out: Path) -> None:
    """Make ``out`` and its ``pictures/``.

    Raises:
        TabganError: when it cannot be written.
    """
    try:
        (out / "pictures").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TabganError(f"out={out}: cannot be written: {error.strerror}") from error


def write_pictures(out: Path, pictures: Mapping[str, bytes]) -> None:
    """One PNG file per picture, named after it."""
    for name, png in pictures.items():
        (out / "pictures" / f"{file_name(name)}.png").write_bytes(png)


def write_events(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """An event file with the pictures, for TensorBoard's images tab."""
    writer = EventFileWriter(str(folder))
    for name, png in pictures.items():
        width, height = png_size(png)
        image = Summary.Image(height=height, width=width, colorspace=RGBA, encoded_image_string=png)
        summary = Summary(value=[Summary.Value(tag=f"explore/{file_name(name)}", image=image)])
        writer.add_event(Event(wall_time=time.time(), step=0, summary=summary))
    writer.close()


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def file_name(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:80]
