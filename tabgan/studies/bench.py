"""Our models beside baselines and peers: what they cost, and how good their rows are."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from tabgan.metrics.boosting import detector_name
from tabgan.studies.contest import Line, anchors, contest
from tabgan.studies.contestants import OURS, PEER, Contestant
from tabgan.studies.prepared import Prepared, halved
from tabgan.studies.tallies import HEADINGS, WORDS, markdown, meanings, spread, write_tally

log = logging.getLogger(__name__)

FIGURES = HEADINGS | {"cpu": "CPU, s", "rows_per_second": "rows/s"}
LESS = {"wall": "time", "cpu": "CPU time", "peak_mb": "memory"}  # what one wants little of
HOW = (
    "Each contestant runs in processes of its own with one thread. Time, CPU time and memory "
    "are those from the file to as many rows on the disk as there are training rows, starts of "
    "processes included; for raw rows too they include the fitting of the refiner. Baselines run "
    "in our own process: no start, no reading, no memory of their own. Where other work shares "
    "the machine, the CPU time is the fairer of the two. Rows per second are those of drawing and "
    "writing alone. All rows are cut to the training rows' range and decimals, and judged alike. "
    "The half that DCR share compares with holds the rows that a training held out for itself. "
    "CTGAN takes no missing value: a missing category is one more, a missing number the median."
)


def bench(
    *, tables: Iterable[Prepared], contestants: Callable[[Prepared], Sequence[Contestant]],
    seeds: Sequence[int], peer_seeds: Sequence[int], cache: Path, out: Path, speed_rows: int,
    resplit: bool = False,
) -> list[Line]:  # fmt: skip
    """Run what is not done yet, one after the other, and write ``bench.md`` and ``bench.csv``.

    Every step is kept, so a bench that was killed goes on where it was. The tables are written
    anew after each contestant.

    Args:
        tables: what is learned.
        contestants: who learns a table, ours, baselines and peers in turn.
        seeds: one training of each contestant per seed.
        peer_seeds: of these, those that peers are trained with too.
        cache: where everything is kept.
        out: the folder of the tables.
        speed_rows: rows to time when sampling.
        resplit: whether each is fitted again on half of the training rows, for its DCR share.

    Returns:
        A line of figures per table, contestant, kind of rows and seed.
    """
    lines: list[Line] = []
    for table in tables:
        everyone = contestants(table)  # first, because it finds mistakes
        half = halved(table, cache=cache / "tables") if resplit else None
        lines += anchors(table, cache=cache)
        for seed in seeds:
            for contestant in everyone:
                if contestant.side == PEER and seed not in peer_seeds:
                    continue
                lines += contest(
                    contestant, table, seed=seed, cache=cache, speed_rows=speed_rows, half=half
                )
                write_tally(out, "bench", lines, page(lines))
    log.info("%s\nthe bench: %s", page(lines), out / "bench.md")
    return lines


def page(lines: Sequence[Line]) -> str:
    """The table, the ratios to each peer, and how it was measured, as Markdown."""
    ratios = "".join(f"- {ratio}\n" for ratio in ratios_to_peers(lines))
    notes = f"{ratios}\n{meanings(lines)}\n{HOW} {_machine()}"
    return f"{markdown(lines, FIGURES)}\n{notes}\n"


def ratios_to_peers(lines: Sequence[Line]) -> list[str]:
    """The cost of our rows beside each peer's on the same table, in words."""
    side = pd.DataFrame(list(lines)).groupby(list(WORDS), sort=False)["side"].first()
    means = spread(lines).xs("mean", axis=1, level=1)
    return [
        f"{ours[0]}: {ours[1]}, {ours[2]}, against {peer[1]}: "
        + ", ".join(_ratios(means.loc[ours], means.loc[peer]))
        for ours in side.index[side == OURS]
        for peer in side.index[side == PEER]
        if ours[0] == peer[0]
    ]


def _ratios(ours: pd.Series, peer: pd.Series) -> list[str]:
    ratios = [_less(peer[name] / ours[name], says) for name, says in LESS.items()]
    if "rows_per_second" in ours:
        ratios.append(
            f"{ours['rows_per_second'] / peer['rows_per_second']:.1f}x the rows per second"
        )
    return ratios


def _less(ratio: float, says: str) -> str:
    return f"{ratio:.1f}x less {says}" if ratio >= 1 else f"{1 / ratio:.1f}x more {says}"


def _machine() -> str:
    return (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; judged by {detector_name()}."
    )
