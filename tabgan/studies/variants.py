"""Variants of a training side by side: trained once per seed, judged, told after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tabgan.studies.contest import PANEL, Judge, Line, anchors, contest
from tabgan.studies.contestants import Contestant
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import markdown

SHARED = ("table", "recipe", "seed", "side", "fit_wall")  # by both kinds of rows
Training = tuple[Prepared, Contestant, int]  # and its seed


def side_by_side(
    trainings: Iterable[Training],
    *,
    cache: Path,
    tell: Callable[[list[Line]], None],
    judge: Judge = PANEL,
) -> list[Line]:
    """Do every training that is not done yet, in order; ``tell`` hears of all lines after each.

    A line has the figures of raw and of refined rows, under ``raw.`` and ``refined.``; before the
    first line of a table stand its ceiling and its floor.
    """
    lines: list[Line] = []
    known: set[str] = set()
    for table, contestant, seed in trainings:
        if table.name not in known:
            known.add(table.name)
            lines += [merged([line]) for line in anchors(table, cache=cache, judge=judge)]
        lines.append(
            merged(contest(contestant, table, seed=seed, cache=cache, speed_rows=0, judge=judge))
        )
        tell(lines)
    return lines


def merged(lines: Sequence[Line]) -> Line:
    """The lines of raw and of refined rows as one: figures under ``raw.`` and ``refined.``."""
    one: dict[str, Any] = {name: lines[0][name] for name in SHARED if name in lines[0]}
    for line in lines:
        figures = {k: v for k, v in line.items() if k not in (*SHARED, "rows")}
        one |= {f"{line['rows']}.{name}": value for name, value in figures.items()}
    return one


def page(
    lines: Sequence[Line], figures: Mapping[str, str], words: Mapping[str, Sequence[str]]
) -> str:
    """A Markdown table of some figures, and below it the words of each training, by its name."""
    told = "".join(f"- {name}: `{' '.join(said)}`\n" for name, said in words.items())
    return f"{markdown(lines, figures)}\nThe words of each training:\n\n{told}"
