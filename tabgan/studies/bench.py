"""Our recipes beside peers: what they cost, and how good their rows are."""

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
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import WORDS, markdown, spread, write_tally

log = logging.getLogger(__name__)

FIGURES = {
    "wall": "file to rows, s",
    "cpu": "CPU, s",
    "peak_mb": "peak, MB",
    "rows_per_second": "rows/s",
    "c2st_test_auc": "C2ST AUC",
    "c2st_train_score": "C2ST score",
    "wnmis": "wNMIS",
    "mle_auc": "MLE AUC",
    "mle_rmse": "MLE RMSE",
    "shape_error": "shape %",
    "trend_error": "trend %",
    "dcr_q05": "DCR 5 %",
    "duplicate_rate": "duplicates",
    "membership_auc": "membership",
}
LESS = {"wall": "time", "cpu": "CPU time", "peak_mb": "memory"}  # what one wants little of
HOW = (
    "Each recipe runs in processes of its own with one thread. Time, CPU time and memory are those "
    "from the file to as many rows on the disk as there are training rows, starts of processes "
    "included; for raw rows too they include the fitting of the refiner. Where other work shares "
    "the machine, the CPU time is the fairer of the two. Rows per second are those of drawing and "
    "writing alone. All rows are cut to the training rows' range and decimals, and "
    "judged alike. CTGAN takes no missing value: a missing category is one more, a missing number "
    "the median."
)


def bench(
    *, tables: Iterable[Prepared], contestants: Callable[[Prepared], Sequence[Contestant]],
    seeds: Sequence[int], peer_seeds: Sequence[int], cache: Path, out: Path, speed_rows: int,
) -> list[Line]:  # fmt: skip
    """Run what is not done yet, one after the other, and write ``bench.md`` and ``bench.csv``.

    Every step is kept, so a bench that was killed goes on where it was. The tables are written
    anew after each recipe.

    Args:
        tables: what is learned.
        contestants: who learns a table, ours and peers in turn.
        seeds: one training of each contestant per seed.
        peer_seeds: of these, those that peers are trained with too.
        cache: where everything is kept.
        out: the folder of the tables.
        speed_rows: rows to time when sampling.

    Returns:
        A line of figures per table, recipe, kind of rows and seed.
    """
    lines: list[Line] = []
    for table in tables:
        everyone = contestants(table)  # first, because it finds mistakes
        lines += anchors(table, cache=cache)
        for seed in seeds:
            for contestant in everyone:
                if contestant.side == PEER and seed not in peer_seeds:
                    continue
                lines += contest(contestant, table, seed=seed, cache=cache, speed_rows=speed_rows)
                write_tally(out, "bench", lines, page(lines))
    log.info("%s\nthe bench: %s", page(lines), out / "bench.md")
    return lines


def page(lines: Sequence[Line]) -> str:
    """The table, the ratios to each peer, and how it was measured, as Markdown."""
    ratios = "".join(f"- {ratio}\n" for ratio in ratios_to_peers(lines))
    return f"{markdown(lines, FIGURES)}\n{ratios}\n{HOW} {_machine()}\n"


def ratios_to_peers(lines: Sequence[Line]) -> list[str]:
    """What each of our kinds of rows costs beside each peer on the same table, in words."""
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
    told = [_less(peer[name] / ours[name], says) for name, says in LESS.items()]
    if "rows_per_second" in ours:
        told.append(f"{ours['rows_per_second'] / peer['rows_per_second']:.1f}x the rows per second")
    return told


def _less(ratio: float, says: str) -> str:
    return f"{ratio:.1f}x less {says}" if ratio >= 1 else f"{1 / ratio:.1f}x more {says}"


def _machine() -> str:
    return (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; judged by {detector_name()}."
    )
