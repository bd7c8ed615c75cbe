"""The study of tools against mode collapse and instability: with each, and without."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd

from tabgan.errors import TabganError, nearest
from tabgan.metrics.collapse import collapse_signals
from tabgan.metrics.comparison import Comparison
from tabgan.metrics.detection import c2st_test
from tabgan.metrics.drawing import draw_rows
from tabgan.metrics.fidelity import shape_error, trend_error
from tabgan.report.dots import dots_picture
from tabgan.studies.cells import Figures
from tabgan.studies.contest import JUDGE_SEED, Judge, Line
from tabgan.studies.contestants import OURS, RAW, Contestant
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import markdown, write_tally
from tabgan.studies.variants import page, side_by_side

log = logging.getLogger(__name__)

FIGURES = {
    "raw.distinct_rows": "distinct rows lost",
    "raw.lost_categories": "categories lost",
    "raw.entropy": "entropy lost",
    "raw.spacing": "crowded",
    "raw.c2st_test_auc": "C2ST AUC",
    "raw.shape_error": "shape %",
    "raw.trend_error": "trend %",
    "fit_wall": "training, s",
}
DRAWN = {"categories lost": "lost_categories", "crowded": "spacing"}  # in the picture


class Game(TypedDict):
    """A contestant that tools are tried on.

    Attributes:
        tables: titles of the tables that it is tried on.
        overrides: of ``tabgan.train``, with what shortens it.
        tools: name -> the overrides that change it; none for the game as it is.
    """

    tables: Sequence[str]
    overrides: Sequence[str]
    tools: Mapping[str, Sequence[str]]


def toolbox_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Contestant],
    seeds: Sequence[int], cache: Path, out: Path, games: Mapping[str, Game],
) -> list[Line]:  # fmt: skip
    """Train every game with every tool, on each of its tables, and set them side by side.

    All of the first seed come first, in the order of the games; started several times at once, the
    command shares the work among its processes. Writes ``toolbox.md``,
    ``toolbox.csv`` (a line per table, game, tool and seed) and ``<table>.png`` into ``out``, anew
    after each training. ``distinct rows lost`` to ``crowded`` are ``metrics.collapse``'s signals,
    0 is best.

    Args:
        tables: what is learned.
        make_contestant: a contestant from a name and overrides of ``tabgan.train``.
        seeds: one training of each per seed.
        cache: where everything is kept.
        out: a folder.
        games: by name.

    Raises:
        TabganError: when no game is to be tried on a table.
    """
    by_title = {table.title: table for table in tables}
    played = {title for game in games.values() for title in game["tables"]}
    for title in by_title.keys() - played:
        raise TabganError(f"study toolbox: no game is tried on {title!r}; {nearest(title, played)}")
    overrides = {
        f"{name}, {tool}": [*game["overrides"], *changed]
        for name, game in games.items()
        for tool, changed in game["tools"].items()
    }
    contestants = {name: make_contestant(name, said) for name, said in overrides.items()}

    def report(lines: list[Line]) -> None:
        write_tally(out, "toolbox", lines, page(lines, FIGURES, overrides))
        for title in {line["table"] for line in lines if line["side"] == OURS}:
            (out / f"{title}.png").write_bytes(_picture(title, lines))

    trainings = (
        (by_title[title], contestants[f"{name}, {tool}"], seed)
        for seed in seeds
        for name, game in games.items()
        for title in game["tables"]
        if title in by_title
        for tool in game["tools"]
    )
    lines = side_by_side(trainings, cache=cache, report=report, judge=VARIETY)
    log.info("%s\nthe toolbox: %s", markdown(lines, FIGURES), out / "toolbox.md")
    return lines


def variety(rows: Comparison) -> Figures:
    """Collapse signals beside the training rows, C2ST AUC against test rows, shape and trend."""
    c2st = c2st_test(rows.test, rows.synthetic, seed=JUDGE_SEED, marginal=False, threads=1)
    return c2st | _beside_train(rows.train, rows.synthetic)


def _of_real(rows: Comparison) -> Figures:
    c2st = c2st_test(rows.test, rows.train, seed=JUDGE_SEED, marginal=False, threads=1)
    return c2st | _beside_train(rows.train, rows.test)


VARIETY = Judge(name="variety", rows=variety, real=_of_real)


def _beside_train(train: pd.DataFrame, rows: pd.DataFrame) -> Figures:
    n = min(len(train), len(rows))  # few rows lose rare categories, so as many of each
    as_many = [draw_rows(each, n, JUDGE_SEED, "variety") for each in (train, rows)]
    signals = collapse_signals(*as_many, seed=JUDGE_SEED)
    return {
        **signals,
        "collapse": max(signals.values()),
        "shape_error": shape_error(train, rows),
        "trend_error": trend_error(train, rows),
    }


def _picture(title: str, lines: Sequence[Line]) -> bytes:
    own = [line for line in lines if line["table"] == title and line["side"] == OURS]
    names = list(dict.fromkeys(line["contestant"] for line in own))
    groups = {
        label: {
            name: [
                line[f"{RAW}.{figure}"]
                for line in own
                if line["contestant"] == name and f"{RAW}.{figure}" in line  # not of every table
            ]
            for name in names
        }
        for label, figure in DRAWN.items()
    }
    return dots_picture(f"{title}: signals of collapse, 0 is best", groups, ideal=0)
