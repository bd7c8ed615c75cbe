"""The audit of a generator for scores: figures, pictures, a page, the rows themselves."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tabgan.blackboxes.scored.audit_page import answers, audit_page, audit_pictures, class_names
from tabgan.blackboxes.scored.metrics import right_side, score_errors, score_ks
from tabgan.blackboxes.scored.pairing import nearest_pairs, score_matched
from tabgan.metrics.detection import MIN_ROWS, c2st_test
from tabgan.metrics.diversity import distinct_row_share, gower_diversity
from tabgan.metrics.privacy import duplicate_rate, quantile_dcr
from tabgan.report.files import prepare, write_pictures
from tabgan.report.progress import Advance, progress
from tabgan.system.terminal import say, show

log = logging.getLogger(__name__)

Scores = NDArray[np.float64]
Figures = dict[str, float | str]
PARTS = 10  # ranges of scores
MAIN = "closed loop"
PARTNERS = (0.001, 0.005, 0.01, 0.02, 0.05)  # how far a real row's score may be off, near first


@dataclass(frozen=True)
class Method:
    """One row per score requested, made by one method.

    Attributes:
        rows: a conforming table.
        obtained: their scores by the black box, float64 [n].
        queries: what they cost.
        seconds: likewise.
    """

    rows: pd.DataFrame
    obtained: Scores
    queries: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Audited:
    """The rows and scores that an audit compares.

    Attributes:
        title: what the table is called.
        names: the columns that metrics compare.
        train, test: real rows; the generator saw the first.
        test_scores: the box's scores of the test rows: what is attainable.
        requested: float64 [n], spread evenly over [0, 1].
        methods: closed loop, one shot, and the baselines.
        labels: the class that the box decides for, of each row of the closed loop.
        kept: bool [n], the scores that the closed loop reached within its tolerance.
        unreached: a line per range in which it did not.
        transfer: the closed loop's rows scored by a forest of another seed, or None.
        facts: for ``audit.json``.
    """

    title: str
    names: list[str]
    train: pd.DataFrame
    test: pd.DataFrame
    test_scores: Scores
    requested: Scores
    methods: Mapping[str, Method]
    labels: NDArray[np.str_]
    kept: NDArray[np.bool_]
    unreached: list[str]
    transfer: Scores | None
    facts: Mapping[str, float | str]


def build_audit(audited: Audited, *, out: Path, seed: int, threads: int) -> Figures:
    """Measure, draw and write ``audit.json``, ``audit.html`` and ``pictures/`` into ``out``.

    ``audit.json`` is flat: the closed loop's figures by name, those of the other methods under
    ``one_shot.``, ``retrieval.``, ``best_of_k.``, ``direct_mae.``; ``range.<from>.<figure>``;
    ``class.<label>.<figure>``; ``transfer.<figure>``; ``answer.<question>`` in words.

    Args:
        audited: what was made.
        out: the folder, made if need be.
        seed: fixes every draw and fold.
        threads: for XGBoost.

    Returns:
        What was written to ``audit.json``.

    Raises:
        TabganError: when ``out`` cannot be written.
    """
    started = time.perf_counter()
    prepare(out)
    with progress(2 * len(audited.methods) + 5) as advance:
        figures = measure_audit(audited, seed=seed, threads=threads, advance=advance)
        advance("", stage="pictures")
        ranges = range_table(audited)
        pictures = audit_pictures(audited, ranges)
    figures |= {
        f"answer.{name}": answered for name, answered in answers(audited, figures, ranges).items()
    }
    figures |= dict(audited.facts) | {"seconds": round(time.perf_counter() - started, 1)}
    write_pictures(out, pictures)
    (out / "audit.json").write_text(
        json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
    )
    (out / "audit.html").write_text(audit_page(audited, figures, ranges, pictures), "utf-8")
    _print(audited, figures, ranges)
    log.info("the rows: %s", out / f"generated_{len(audited.requested)}_samples.csv")
    log.info("the audit: %s", out / "audit.html")
    return figures


def measure_audit(audited: Audited, *, seed: int, threads: int, advance: Advance) -> Figures:
    """Every figure of every method; one that is undefined is left out."""
    figures: Figures = {"rows": len(audited.requested), "data": audited.title}
    figures |= _attainable(audited)
    for name, method in audited.methods.items():
        advance(name, stage=name)
        prefix = "" if name == MAIN else name.lower().replace(" ", "_") + "."
        figures |= {f"{prefix}{k}": v for k, v in _of_method(audited, method).items()}
        advance("realism")
        figures |= {f"{prefix}{k}": v for k, v in _realism(audited, method, seed, threads).items()}
    advance("", stage="distances to training rows")
    loop = audited.methods[MAIN]
    real, rows = audited.train[audited.names], loop.rows[audited.names]
    matched = audited.test.iloc[score_matched(loop.obtained, audited.test_scores)]
    figures |= quantile_dcr(real, matched[audited.names], rows, seed=seed)
    figures["real_test.duplicate_rate"] = duplicate_rate(real, matched[audited.names])
    figures["real_test.gower"] = gower_diversity(real, matched[audited.names])
    figures["kept"] = int(audited.kept.sum())
    figures["queries_per_kept_row"] = loop.queries / max(int(audited.kept.sum()), 1)
    for line in range_table(audited).reset_index().to_dict("records"):
        start = str(line.pop("range")).split(" ")[0]
        figures |= {f"range.{start}.{k}": v for k, v in line.items() if np.isfinite(v)}
    for label in class_names(audited):
        figures |= _of_class(audited, label)
    if audited.transfer is not None:
        errors = score_errors(audited.requested, audited.transfer)
        figures |= {f"transfer.{name}": value for name, value in errors.items()}
        moved = np.abs(audited.transfer - loop.obtained).mean()
        figures["transfer.from_obtained"] = float(moved)
    return figures


def range_table(audited: Audited) -> pd.DataFrame:
    """One row per tenth of [0, 1]: errors of closed loop and one shot, diversity, real rows.

    ``real_rows`` counts the test rows with such a score; ``reached`` is the share kept.
    """
    part = np.minimum((audited.requested * PARTS).astype(int), PARTS - 1)
    real_part = np.minimum((audited.test_scores * PARTS).astype(int), PARTS - 1)
    loop, one_shot = audited.methods[MAIN], audited.methods["one shot"]
    lines = []
    for position in range(PARTS):
        inside = part == position
        line: dict[str, float | str] = {
            "range": f"{position / PARTS:.1f} to {(position + 1) / PARTS:.1f}"
        }
        line |= {"asked": int(inside.sum()), "real_rows": int((real_part == position).sum())}
        if inside.any():
            requested, rows = audited.requested[inside], loop.rows.loc[inside, audited.names]
            line |= score_errors(requested, loop.obtained[inside])
            line["one_shot_mae"] = float(np.abs(one_shot.obtained[inside] - requested).mean())
            line |= {"reached": float(audited.kept[inside].mean())}
            line |= {"distinct": distinct_row_share(rows)}
            line["gower"] = gower_diversity(audited.train[audited.names], rows)
        lines.append(line)
    return pd.DataFrame(lines).set_index("range")


def _of_method(audited: Audited, method: Method) -> Figures:
    rows = method.rows[audited.names]
    return {
        **score_errors(audited.requested, method.obtained),
        "ks": score_ks(audited.requested, method.obtained),
        "right_side": right_side(audited.requested, method.obtained),
        "min_score": float(method.obtained.min()),
        "max_score": float(method.obtained.max()),
        "distinct": distinct_row_share(rows),
        "gower": gower_diversity(audited.train[audited.names], rows),
        "duplicate_rate": duplicate_rate(audited.train[audited.names], rows),
        "queries": method.queries,
        "queries_per_row": method.queries / len(method.rows),
        "seconds_to_make": round(method.seconds, 2),
    }


def _realism(audited: Audited, method: Method, seed: int, threads: int) -> Figures:
    """C2ST against test rows of the same scores; rows that have no such partner are left out."""
    mine, theirs = nearest_pairs(method.obtained, audited.test_scores, PARTNERS)
    figures: Figures = {"matched_rows": len(mine)}
    if len(mine) >= MIN_ROWS:
        real, rows = audited.test.iloc[theirs], method.rows.iloc[mine]
        test = c2st_test(real[audited.names], rows[audited.names], seed=seed, threads=threads)
        figures["c2st_matched_auc"] = test["c2st_test_auc"]
    return figures


def _of_class(audited: Audited, label: str) -> Figures:
    """Errors where the box decides for ``label``: one shot says how hard, the loop what is left."""
    mine = audited.labels == label
    obtained = audited.methods[MAIN].obtained
    errors = score_errors(audited.requested[mine], obtained[mine])
    figures = {f"class.{label}.{name}": value for name, value in errors.items()}
    return {f"class.{label}.rows": int(mine.sum()), **figures}


def _attainable(audited: Audited) -> Figures:
    """What real rows get; errors where that is requested; and those of one score for every row."""
    scores = audited.test_scores
    figures: Figures = {
        "attainable.min": float(scores.min()),
        "attainable.max": float(scores.max()),
        "attainable.zero": float((scores == 0).mean()),
        "attainable.one": float((scores == 1).mean()),
    }
    inside = (audited.requested >= scores.min()) & (audited.requested <= scores.max())
    if inside.any():
        requested, obtained = audited.requested[inside], audited.methods[MAIN].obtained[inside]
        errors = score_errors(requested, obtained)
        figures |= {f"attainable.{name}": value for name, value in errors.items()}
        figures["constant.mae"] = float(np.abs(requested - np.median(requested)).mean())
    return figures


def _print(audited: Audited, figures: Figures, ranges: pd.DataFrame) -> None:
    header = ("method", "MAE", "within .05", "within .1", "C2ST", "copies", "queries")
    shown = ("mae", "within_05", "within_10", "c2st_matched_auc", "duplicate_rate",
             "queries_per_row")  # fmt: skip
    table = _table("scores requested and obtained (queries: a row)", header)
    for method in audited.methods:
        prefix = "" if method == MAIN else method.lower().replace(" ", "_") + "."
        table.add_row(
            method, *(f"{float(figures.get(prefix + name, np.nan)):.3f}" for name in shown)
        )
    show(table)
    columns = ("score", "rows", "real", "MAE", "within .05", "one shot", "distinct", "Gower")
    names = ("asked", "real_rows", "mae", "within_05", "one_shot_mae", "distinct", "gower")
    table = _table("per range of the score requested", columns)
    for name, line in ranges.iterrows():
        table.add_row(str(name), *(f"{line.get(column, np.nan):.4g}" for column in names))
    show(table)
    answered = [figures[name] for name in figures if name.startswith("answer.")]
    for line in (*answered, *audited.unreached):
        say(str(line))


def _table(title: str, header: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for position, name in enumerate(header):
        table.add_column(name, justify="right" if position else "left")
    return table
