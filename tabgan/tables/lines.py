"""The lines of a text file that hold its table's rows."""

from __future__ import annotations

import gzip
from pathlib import Path

TEXT = (".csv", ".tsv", ".arff")


def first_line(path: Path, n_rows: int) -> int | None:
    """The line, from 1, in which a file's first row stands, where each row has a line of its own.

    None for files of other formats, and where lines are empty, comments, or part of a cell.
    """
    name = path.name.lower().removesuffix(".gz")
    if not name.endswith(TEXT):
        return None
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rb") as stream:
        lines = [line.strip().lower() for line in stream]
    while lines and not lines[-1]:
        lines.pop()
    before = len(lines) - n_rows
    if before < 1 or b"" in lines[before:]:
        return None
    head = lines[:before]
    if name.endswith(".arff"):
        is_all_head = head[-1] == b"@data" and not any(row[:1] == b"%" for row in lines[before:])
    else:
        is_all_head = before == 1 or (before == 2 and head[0].startswith(b"sep="))
    return before + 1 if is_all_head else None
