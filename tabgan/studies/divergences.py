"""The study of f-divergences: each as a loss, with the generator's trick and without."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tabgan.report.dots import dots_picture
from tabgan.studies.contest import Line
from tabgan.studies.contestants import OURS, RAW, Contestant
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import markdown, write_tally
from tabgan.studies.toolbox import FIGURES, VARIETY
from tabgan.studies.variants import page, side_by_side

log = logging.getLogger(__name__)

JUDGED = "c2st_test_auc"  # what the picture shows
TRICKS = {"with the trick": ("", []), "without": (", no trick", ["loss.trick=false"])}


def divergences_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Contestant],
    seeds: Sequence[int], cache: Path, out: Path, base: Sequence[str], losses: Sequence[str],
    others: Sequence[str],
) -> list[Line]:  # fmt: skip
    """Train the same model with every loss, and set them side by side.

    Writes ``divergences.md``, ``divergences.csv`` (a line per table, loss and seed) and
    ``<table>.png`` into ``out``, anew after each training. The figures are the toolbox study's:
    C2ST AUC against test rows, signals of collapse, shape and trend.

    Args:
        tables: what is learned.
        make_contestant: a contestant from a name and overrides of ``tabgan.train``.
        seeds: one training of each per seed.
        cache: where everything is kept.
        out: a folder.
        base: the overrides of every training.
        losses: names of ``conf/loss`` that have a trick; each is trained both ways.
        others: further names of ``conf/loss``, to compare with.
    """
    overrides = {
        f"{loss}{suffix}": [*base, f"loss={loss}", *changed]
        for loss in losses
        for suffix, changed in TRICKS.values()
    }
    overrides |= {loss: [*base, f"loss={loss}"] for loss in others}
    contestants = [make_contestant(name, said) for name, said in overrides.items()]

    def report(lines: list[Line]) -> None:
        write_tally(out, "divergences", lines, page(lines, FIGURES, overrides))
        for title in {line["table"] for line in lines if line["side"] == OURS}:
            own = [line for line in lines if line["table"] == title and line["side"] == OURS]
            (out / f"{title}.png").write_bytes(_picture(title, own, [*losses, *others]))

    trainings = ((table, loss, seed) for table in tables for seed in seeds for loss in contestants)
    lines = side_by_side(trainings, cache=cache, report=report, judge=VARIETY)
    log.info("%s\nthe divergences: %s", markdown(lines, FIGURES), out / "divergences.md")
    return lines


def _picture(title: str, lines: Sequence[Line], losses: Sequence[str]) -> bytes:
    groups = {
        label: {
            loss: [
                line[f"{RAW}.{JUDGED}"] for line in lines if line["contestant"] == f"{loss}{suffix}"
            ]
            for loss in losses
        }
        for label, (suffix, _) in TRICKS.items()
    }
    return dots_picture(f"{title}: C2ST AUC by loss, .5 is best", groups, ideal=0.5)
