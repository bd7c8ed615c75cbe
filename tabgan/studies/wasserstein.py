"""Does a critic's curve say how good the rows are? Rank correlation with C2ST over a training."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd
from scipy.stats import spearmanr

from tabgan.errors import TabganError
from tabgan.report.courses import courses_picture
from tabgan.runs.curves import METRICS
from tabgan.studies.cells import open_cell
from tabgan.studies.contest import CELLS, Line
from tabgan.studies.contestants import Contestant
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import markdown, write_tally

log = logging.getLogger(__name__)

QUALITY = "val/c2st_auc"
FEWEST_LOOKS = 5  # fewer have no order to speak of
FIGURES = {
    "rank_correlation": "rank correlation",
    "p_value": "p",
    "late_rank_correlation": "in the second half",
    "looks": "looks",
    "first": "C2ST AUC at first",
    "last": "C2ST AUC at last",
    "fit_wall": "training, s",
}


class Curve(TypedDict):
    """A training, and the curve that is requested.

    Attributes:
        overrides: of ``tabgan.train``; its panel has to look often.
        curve: as it is logged on validation rows, ``val/em_distance``.
    """

    overrides: Sequence[str]
    curve: str


def wasserstein_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Contestant],
    seeds: Sequence[int], cache: Path, out: Path, games: Mapping[str, Curve],
) -> list[Line]:  # fmt: skip
    """Train every game, and correlate its curve with ``val/c2st_auc`` wherever the panel looked.

    The estimate of the Wasserstein distance is said to follow quality (Arjovsky et al. 2017,
    figure 3), other losses not: +1 is a curve that ranks the looks as C2ST does, 0 one that says
    nothing. Writes ``wasserstein.md``, ``.csv`` and ``<table>.png`` into ``out`` after each.

    Args:
        tables: what is learned.
        make_contestant: a contestant from a name and overrides of ``tabgan.train``.
        seeds: one training of each per seed.
        cache: where everything is kept.
        out: a folder.
        games: by name.

    Raises:
        TabganError: when a training logged too few looks, or not that curve.
    """
    lines: list[Line] = []
    for table in tables:
        courses: dict[str, pd.DataFrame] = {}
        for seed in seeds:
            for name, game in games.items():
                contestant = make_contestant(name, game["overrides"])
                looks, fit_wall = _looks(contestant, table, game["curve"], seed=seed, cache=cache)
                curve = f"{name}, {game['curve']}"
                facts = {"table": table.title, "contestant": curve, "seed": seed, "side": "ours"}
                lines.append(facts | correlations(looks) | {"fit_wall": fit_wall})
                courses.setdefault(curve, looks)
                overrides = "".join(
                    f"- {n}: `{' '.join(g['overrides'])}`\n" for n, g in games.items()
                )
                text = f"{markdown(lines, FIGURES)}\nThe overrides of each training:\n\n{overrides}"
                write_tally(out, "wasserstein", lines, text)
                title = f"{table.title}: the critic's curve and C2ST AUC, seed {seeds[0]}"
                (out / f"{table.title}.png").write_bytes(courses_picture(title, courses))
    log.info("%s\nthe curves: %s", markdown(lines, FIGURES), out / "wasserstein.md")
    return lines


def correlations(looks: pd.DataFrame) -> dict[str, float]:
    """Spearman's rank correlation of the two columns: over all looks, and over the later half.

    Args:
        looks: curve and C2ST AUC, float64, one row per look in order.
    """
    late = looks.iloc[len(looks) // 2 :]
    whole = spearmanr(looks.iloc[:, 0], looks.iloc[:, 1])
    return {
        "rank_correlation": float(whole.statistic),
        "p_value": float(whole.pvalue),
        "late_rank_correlation": float(spearmanr(late.iloc[:, 0], late.iloc[:, 1]).statistic),
        "looks": len(looks),
        "first": float(looks.iloc[0, 1]),
        "last": float(looks.iloc[-1, 1]),
    }


def _looks(
    contestant: Contestant, table: Prepared, curve: str, *, seed: int, cache: Path
) -> tuple[pd.DataFrame, float]:
    """Curve and C2ST AUC at every look, and the seconds of the training."""
    cell = open_cell(
        cache / CELLS, contestant=contestant.name, table=table.name, seed=seed,
        configuration=contestant.configuration,
    )  # fmt: skip
    fit = cell.once("fit", lambda: contestant.fit(cell.folder, table, seed))
    logged = pd.read_csv(cell.folder / "run" / METRICS)
    if curve not in logged or QUALITY not in logged:
        raise TabganError(f"{contestant.title}: logged no {curve!r} beside {QUALITY!r}")
    looks = logged.groupby("step")[[curve, QUALITY]].last().dropna()
    if len(looks) < FEWEST_LOOKS:
        raise TabganError(
            f"{contestant.title}: {len(looks)} looks at {curve!r} and {QUALITY!r} together, at "
            f"least {FEWEST_LOOKS} are needed; have the panel look more often"
        )
    return looks, fit["wall"]
