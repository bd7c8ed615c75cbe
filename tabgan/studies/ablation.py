"""The ablation study: a model, and the model with one part changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tabgan.report.dots import dots_picture
from tabgan.studies.contest import Line
from tabgan.studies.contestants import OURS, RAW, REFINED, Contestant
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import HEADINGS, markdown, write_tally
from tabgan.studies.variants import page, side_by_side

log = logging.getLogger(__name__)

FIGURES = {
    f"{kind}.{name}": f"{label} {kind}" if kind == RAW else kind
    for name, label in HEADINGS.items()
    for kind in (RAW, REFINED)
} | {"fit_wall": "training, s"}
JUDGED = "c2st_test_auc"  # what the picture shows


def ablation_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Contestant],
    seeds: Sequence[int], cache: Path, out: Path, base: Sequence[str],
    variants: Mapping[str, Sequence[str]],
) -> list[Line]:  # fmt: skip
    """Train every variant with every seed that is not done yet, and set them side by side.

    Writes ``ablation.md``, ``ablation.csv`` (a line per table, variant and seed) and
    ``<table>.png`` into ``out``, anew after each training.

    Args:
        tables: what is learned.
        make_contestant: a contestant from a name and overrides of ``tabgan.train``.
        seeds: one training of each variant per seed.
        cache: where everything is kept.
        out: a folder.
        base: the overrides of the whole recipe, with what shortens it.
        variants: name -> the overrides that change it; none for the recipe itself.
    """
    overrides = {name: [*base, *changed] for name, changed in variants.items()}
    contestants = [make_contestant(name, said) for name, said in overrides.items()]

    def report(lines: list[Line]) -> None:
        write_tally(out, "ablation", lines, page(lines, FIGURES, overrides))
        for title in {line["table"] for line in lines if line["side"] == OURS}:
            own = [line for line in lines if line["table"] == title]
            (out / f"{title}.png").write_bytes(_picture(title, own))

    trainings = (
        (table, changed, seed) for table in tables for seed in seeds for changed in contestants
    )
    lines = side_by_side(trainings, cache=cache, report=report)
    log.info("%s\nthe ablation: %s", markdown(lines, FIGURES), out / "ablation.md")
    return lines


def _picture(title: str, lines: Sequence[Line]) -> bytes:
    lines = [line for line in lines if line["side"] == OURS]  # the floor would squeeze the rest
    groups = {
        kind: {
            name: [
                line[f"{kind}.{JUDGED}"]
                for line in lines
                if line["contestant"] == name and f"{kind}.{JUDGED}" in line
            ]
            for name in dict.fromkeys(line["contestant"] for line in lines)
        }
        for kind in (RAW, REFINED)
    }
    return dots_picture(f"{title}: C2ST AUC, .5 is best", groups, ideal=0.5)
