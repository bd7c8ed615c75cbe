"""Variants of a training side by side: trained once per seed, judged, reported after each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tabgan.studies.contest import ANCHOR, PANEL, Judge, Line, anchors, contest
from tabgan.studies.contestants import Contestant
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import markdown
from tabgan.system.locks import HeldError

log = logging.getLogger(__name__)

SHARED = ("table", "contestant", "seed", "side", "fit_wall")  # by both kinds of rows
Training = tuple[Prepared, Contestant, int]  # and its seed
Work = Callable[[], list[Line]]


def side_by_side(
    trainings: Iterable[Training],
    *,
    cache: Path,
    report: Callable[[list[Line]], None],
    judge: Judge = PANEL,
) -> list[Line]:
    """Do every training that is not done yet, in order; ``report`` gets all lines after each.

    A line has the figures of raw and of refined rows, under ``raw.`` and ``refined.``; before the
    first line of a table stand its ceiling and its floor.

    Several processes may share the work: what another has begun is put off, and left out if it is
    still at work there when all else is done. So the process that ends last has every line.
    """
    done: dict[int, list[Line]] = {}
    lines: list[Line] = []
    waiting: Iterable[tuple[int, Work]] = enumerate(_works(trainings, cache=cache, judge=judge))
    while True:
        put_off: list[tuple[int, Work]] = []
        before = len(done)
        for position, work in waiting:
            try:
                done[position] = work()
            except HeldError as error:
                log.info("put off: %s", error)
                put_off.append((position, work))
                continue
            lines = [line for each in sorted(done) for line in done[each]]
            if any(line["side"] != ANCHOR for line in lines):
                report(lines)
        if not put_off or len(done) == before:
            return lines
        waiting = put_off


def _works(trainings: Iterable[Training], *, cache: Path, judge: Judge) -> Iterator[Work]:
    """Anchors of each table, then its trainings, as calls that give lines."""

    def real(table: Prepared) -> list[Line]:
        return [merged([line]) for line in anchors(table, cache=cache, judge=judge)]

    def trained(table: Prepared, contestant: Contestant, seed: int) -> list[Line]:
        own = contest(contestant, table, seed=seed, cache=cache, speed_rows=0, judge=judge)
        return [merged(own)]

    known: set[str] = set()
    for table, contestant, seed in trainings:
        if table.name not in known:
            known.add(table.name)
            yield partial(real, table)
        yield partial(trained, table, contestant, seed)


def merged(lines: Sequence[Line]) -> Line:
    """The lines of raw and of refined rows as one: figures under ``raw.`` and ``refined.``."""
    one: dict[str, Any] = {name: lines[0][name] for name in SHARED if name in lines[0]}
    for line in lines:
        figures = {k: v for k, v in line.items() if k not in (*SHARED, "rows")}
        one |= {f"{line['rows']}.{name}": value for name, value in figures.items()}
    return one


def page(
    lines: Sequence[Line], figures: Mapping[str, str], overrides: Mapping[str, Sequence[str]]
) -> str:
    """A Markdown table of some figures, and below it the overrides of each training, by name."""
    listed = "".join(f"- {name}: `{' '.join(said)}`\n" for name, said in overrides.items())
    return f"{markdown(lines, figures)}\nThe overrides of each training:\n\n{listed}"
