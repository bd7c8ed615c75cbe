"""Runs that are done once: a folder per contestant, table, seed and configuration."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabgan.system.files import write_whole

log = logging.getLogger(__name__)

Figures = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The folder of one contestant, table, seed and configuration; a file per step.

    A step that is done has a file, so a study that was killed goes on where it was, and one that
    is requested again answers at once. Remove the folder to have it done anew.
    """

    title: str
    folder: Path

    def once(self, step: str, work: Callable[[], Mapping[str, Any]]) -> Figures:
        """The result that ``work`` gave the first time; it is kept in ``<step>.json``."""
        path = self.folder / f"{step}.json"
        if not path.is_file():
            log.info("%s: %s", self.title, step)
            keep(path, dict(work()))
        figures: Figures = json.loads(path.read_text("utf-8"))
        return figures


def open_cell(cache: Path, *, contestant: str, table: str, seed: int, configuration: Any) -> Cell:
    """The cell of a contestant on a table; two configurations never share one.

    Args:
        cache: where all cells lie.
        contestant: what the contestant is called.
        table: what the table is called.
        seed: of the training.
        configuration: plain data; everything that decides what comes out.
    """
    key = {"contestant": contestant, "table": table, "seed": seed, "configuration": configuration}
    folder = cache / table / f"{contestant}-seed{seed}-{digest(key)}"
    folder.mkdir(parents=True, exist_ok=True)
    keep(folder / "cell.json", key)
    return Cell(title=f"{table}, {contestant}, seed {seed}", folder=folder)


def digest(plain: Any) -> str:
    """Twelve hexadecimal digits that are the same for equal data, whatever its keys' order."""
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def keep(path: Path, plain: Any) -> None:
    """Write JSON that is there whole or not at all."""
    write_whole(path, json.dumps(plain, indent=2, default=str) + "\n", shared=True)
