"""One table over many runs: quality x privacy x time, with the spread over seeds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from tabgan.errors import TabganError
from tabgan.metrics.registry import EVERY
from tabgan.report.html import figure_text, page
from tabgan.report.scatter import standings_picture
from tabgan.report.standings import (
    COSTS,
    FIRST,
    Entry,
    Standing,
    anchors,
    best,
    find_runs,
    read_runs,
    standings,
)
from tabgan.system.shell import command
from tabgan.system.terminal import say, show

HEADINGS = {  # on two lines: ten figures and a name have to fit a terminal
    **{name: metric.heading for name, metric in EVERY.items() if metric.heading},
    "seconds": "training\nseconds",
    "generator_parameters": "generator\nparams",
}
PICTURES = ("c2st_test_auc_worst", "membership_tpr01")  # drawn beside the training time
SHOWN = 30  # contestants of a printed table; the files have all
ARROWS = {"higher": "↑", "lower": "↓", "nearer": "→"}


def build_leaderboard(
    words: Sequence[str], out: Path | None = None, mark: Sequence[str] = ()
) -> list[Standing]:
    """Print the leaderboard of the runs in ``words``; write ``leaderboard.csv`` and ``.html``.

    Args:
        words: folders, globs, folders of runs.
        out: the folder to write to; None takes the innermost folder that holds every run.
        mark: words of a contestant's name; the positions of those that have all are said.

    Returns:
        The leaderboard's rows, best first within each table.

    Raises:
        TabganError: when no run is found, none was measured, no name has the words of ``mark``,
            a file is damaged, or ``out`` cannot be written.
    """
    entries, without = read_runs(find_runs(words))
    for folder in without:
        say(f"no report in {folder}; make one: {_command(folder)}")
    if not entries:
        raise TabganError(f"nothing to compare: none of {len(without)} runs has a report yet")
    rows = standings(entries)
    requested = set(map(_setting, mark))
    marked = [
        row for row in rows if requested and requested <= set(map(_setting, row.contestant.split()))
    ]
    if mark and not marked:
        raise TabganError(
            f"mark={' '.join(mark)}: no such contestant; the first: {rows[0].contestant}"
        )
    for data, some in _by_data(rows):
        show(_terminal(data, some, anchors(entries, data)))
        say(_lead(some))
        for rank, row in enumerate(some, start=1):
            if row in marked:
                says = f"place {rank} of {len(some)}: {row.contestant}"
                say(says)
    folder = out or Path(os.path.commonpath([entry.folder.resolve() for entry in entries]))
    _write(folder, rows, leaderboard_page(rows, entries, without))
    say(f"the leaderboard: {folder / 'leaderboard.html'}")
    return rows


def leaderboard_frame(rows: Iterable[Standing]) -> pd.DataFrame:
    """One line per contestant: mean and spread [std, n - 1] of every figure, seeds and folders."""
    rows = list(rows)
    names = [n for n in (*EVERY, *COSTS) if any(n in row.figures for row in rows)]
    lines = []
    for row in rows:
        line: dict[str, object] = {
            "contestant": row.contestant,
            "data": row.data,
            "n": len(row.folders),
        }
        for name in names:
            line |= {name: row.mean(name), f"{name}_std": row.spread(name)}
        line |= {"seeds": " ".join(row.seeds), "runs": " ".join(map(str, row.folders))}
        lines.append(line)
    return pd.DataFrame(lines)


def leaderboard_page(
    rows: Sequence[Standing], entries: Sequence[Entry], without: Sequence[Path]
) -> str:
    """``leaderboard.html``: one file, no script, nothing from the network."""
    boards = {data: _board(some, anchors(entries, data)) for data, some in _by_data(rows)}
    named = [n for n in HEADINGS if n in EVERY and any(n in row.figures for row in rows)]
    return page(
        "report/templates/leaderboard.html",
        title="Leaderboard: quality, privacy, time",
        boards=boards,
        counts=f"{_counted(len(entries), 'run')}, {_counted(len(rows), 'contestant')}",
        meanings=[
            f"{name}: {EVERY[name].says}; ideal {EVERY[name].ideal:g}, {EVERY[name].better} is "
            "better."
            for name in named
        ],
        folders=[
            [row.contestant, row.data, ", ".join(row.seeds), ", ".join(map(str, row.folders))]
            for row in rows
        ],
        without=[f"{folder}: {_command(folder)}" for folder in without],
    )


def _by_data(rows: Iterable[Standing]) -> list[tuple[str, list[Standing]]]:
    return [(data, list(some)) for data, some in groupby(rows, key=lambda row: row.data)]


def _setting(word: str) -> tuple[str, str | float]:
    """A word's key and value; 2e-4 is 0.0002."""
    key, _, value = word.partition("=")
    try:
        return key, float(value)
    except ValueError:
        return key, value


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _command(folder: Path) -> str:
    return command("evaluate", f"run={folder}")


def _lead(rows: Sequence[Standing]) -> str:
    """Who leads, and whether by more than the seeds' spread."""
    first, *others = rows
    name = first.has(FIRST)
    mean, spread = first.mean(name), first.spread(name)
    if mean is None:
        return f"No run has {name}."
    says = f"{first.contestant}: C2ST AUC {mean:.3f}"
    says += f" ± {spread:.3f} over {len(first.folders)} seeds." if spread is not None else "."
    second = others[0].mean(name) if others else None
    if second is None:
        return says
    lead = abs(second - 0.5) - abs(mean - 0.5)  # which is the order, on either side of .5
    spreads = [row.spread(name) for row in rows[:2]]
    known = [spread for spread in spreads if spread is not None]
    says = f"First is {says} The next, {others[0].contestant}, is {lead:.3f} behind, "
    if not known:
        return says + "one seed each: the spread is not known."
    says += ("within" if lead <= sum(known) else "more than") + " the spread over seeds"
    return says + ("." if len(known) == 2 else " (known of one of them).")


def _shown(rows: Sequence[Standing]) -> list[str]:
    return [name for name in HEADINGS if any(name in row.figures for row in rows)]


def _heading(name: str) -> str:
    arrow = ARROWS[EVERY[name].better] if name in EVERY else ""
    return f"{HEADINGS[name]} {arrow}".rstrip(" ")


def _text(name: str, value: float | None) -> str:
    if value is not None and name == "generator_parameters":
        return f"{value / 1e3:,.0f}k"
    if value is not None and name in COSTS:
        return f"{value:,.0f}"
    return figure_text(value)


def _ideal(name: str) -> str:
    return f"{EVERY[name].ideal:g}" if name in EVERY else ""


def _terminal(data: str, rows: Sequence[Standing], floor: Sequence[Standing]) -> Table:
    """The spread stands under the mean, so that ten figures fit a terminal."""
    names = [name for name in _shown(rows) if name in COSTS or EVERY[name].leads]
    shown = Table(title=data, title_justify="left", padding=(0, 1, 0, 0), box=SIMPLE_HEAD)
    shown.add_column("#", justify="right")
    shown.add_column("contestant", overflow="fold", min_width=16, max_width=44)
    shown.add_column("n", justify="right")
    for name in names:
        shown.add_column(_heading(name), justify="right")
    leaders = {name: best(rows, name) for name in names}
    for rank, row in enumerate(rows[:SHOWN], start=1):
        cells = []
        for name in names:
            text, spread = _text(name, row.mean(name)), row.spread(name)
            text = f"[bold green]{text}[/]" if row in leaders[name] else text
            cells.append(text if not spread else f"{text}\n[dim]±{_text(name, spread)}[/]")
        shown.add_row(str(rank), escape(row.contestant), str(len(row.folders)), *cells)
    if len(rows) > SHOWN:
        shown.add_row("", f"... {len(rows) - SHOWN} more: leaderboard.html")
    shown.add_section()
    for row in floor:
        cells = ["" if n in COSTS else _text(n, row.mean(n)) for n in names]
        shown.add_row("", row.contestant, "", *cells, style="dim")
    shown.add_row("", "ideal", "", *map(_ideal, names), style="dim")
    return shown


def _board(rows: Sequence[Standing], floor: Sequence[Standing]) -> dict[str, Any]:
    """What the page says of one table: who leads, all contestants, the anchors, pictures."""
    names = _shown(rows)
    leaders = {name: best(rows, name) for name in names}
    cells = [
        [(_text(n, row.mean(n)), _spread_text(n, row), row in leaders[n]) for n in names]
        for row in rows
    ]
    below = [[row.contestant, *("" if n in COSTS else _text(n, row.mean(n)) for n in names)]
             for row in floor]  # fmt: skip
    return {
        "lead": _lead(rows),
        "headings": [_heading(name).split("\n") for name in names],
        "rows": [(r.contestant, len(r.folders), own) for r, own in zip(rows, cells, strict=True)],
        "below": [*below, ["ideal", *map(_ideal, names)]],
        "pictures": _pictures(rows),
    }


def _spread_text(name: str, row: Standing) -> str:
    spread = row.spread(name)
    return _text(name, spread) if spread else ""


def _pictures(rows: Sequence[Standing]) -> dict[str, bytes]:
    """Quality and privacy against time, by what they show, for what has both."""
    drawn = {}
    for name in PICTURES:
        label = f"{EVERY[name].label} (ideal {EVERY[name].ideal:g})"
        points = [(row.figures.get("seconds", []), row.figures.get(name, [])) for row in rows]
        png = standings_picture(f"{label} against training time", label, points)
        if png is not None:
            drawn[f"{EVERY[name].says}; numbers are the table's, dots are runs"] = png
    return drawn


def _write(folder: Path, rows: Sequence[Standing], text: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        leaderboard_frame(rows).to_csv(folder / "leaderboard.csv", index=False)
        (folder / "leaderboard.html").write_text(text, "utf-8")
    except OSError as error:
        raise TabganError(
            f"out={folder}: cannot be written: {error.strerror}; give out=<folder>"
        ) from error
