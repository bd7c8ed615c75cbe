"""The study of fooling rows: those that pass as real, what they share, and the variety left.

The experiments of the report's sections 7.2 and 7.3, with the real rows' pass rate beside.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabgan.config.opening import Run
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.metrics.collapse import (
    COLLAPSE_THRESHOLD,
    collapse_signals,
    describe_collapse,
    distinct_share,
    entropy_ratios,
    lost_categories,
    neighbour_ratio,
)
from tabgan.metrics.drawing import draw_rows
from tabgan.models.protocol import CriticModel
from tabgan.report.embedding import tsne
from tabgan.report.reading import compared
from tabgan.report.scatter import fooled_picture
from tabgan.sampling.judging import (
    Threshold,
    draw_judged,
    interval,
    logits_of_table,
    threshold_of,
)
from tabgan.seeding import rng_at
from tabgan.studies.printing import print_study
from tabgan.studies.sharing import shared_traits
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

PIECE = 1_000  # rows of a further draw
MOST_REAL = 10_000  # held-out rows that are judged
Facts = dict[str, float | str]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Rows with the critic's verdict.

    Attributes:
        table: generated rows, the requested ones first.
        passed: bool [n_rows].
    """

    table: pd.DataFrame
    passed: NDArray[np.bool_]


def fooled_study(
    run: Run, *, train: pd.DataFrame, validation: pd.DataFrame, test: pd.DataFrame,
    out: Path | None, seed: int, n: int, judged: int, real_rows: int,
    each: int, most: int,
) -> Facts:  # fmt: skip
    """Judge generated rows, show those that fooled the critic, and diagnose mode collapse.

    Writes ``generate_samples.csv`` (with a ``passed`` column), ``shown_rows.csv``, ``shared.csv``,
    ``collapse.csv``, ``fooled.png`` and ``fooled.json`` into ``out``.

    Args:
        run: the trained run.
        train: the rows of its training.
        validation: real rows that may settle the threshold.
        test: real rows to judge; without any, the validation rows are judged.
        out: the folder, made if need be; None is ``fooled`` in the run's.
        seed: fixes every draw.
        n: rows of ``generate_samples.csv``.
        judged: rows that the pass rate, the traits and the diagnosis rest on, at least.
        real_rows: training rows of the picture.
        each: fooling and failing rows of the picture, of each.
        most: rows to draw at most until there are so many.

    Returns:
        What was written to ``fooled.json``.

    Raises:
        TabganError: when a number of rows is none, or ``out`` cannot be written.
    """
    requested = {"n": n, "judged": judged, "real_rows": real_rows, "each": each, "most": most}
    for name, value in requested.items():
        if not isinstance(value, int) or value < 1:
            raise TabganError(f"study.{name}={value}: expected a whole number, at least 1")
    if not isinstance(run.module, CriticModel):
        raise TabganError(
            f"{run.folder}: expected a run whose model has a critic to fool, got "
            f"{type(run.module).__name__}"
        )
    module = run.module
    out = run.folder / "fooled" if out is None else out
    rows_of = (run.encoder.encode(validation, seed=seed), run.encoder.encode_condition(validation))
    threshold = threshold_of(module, *map(torch.from_numpy, rows_of))
    rows = _draw(
        module, run.encoder, threshold, n=n, judged=judged, each=each, most=most, seed=seed
    )
    fooling, failing = (np.flatnonzero(rows.passed == side)[:each] for side in (True, False))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TabganError(f"out={out}: cannot be written: {error.strerror}") from error
    notes = _shortage(rows, each, most)
    passed_as = _write_rows(out / "generate_samples.csv", rows, np.arange(n), run.encoder.schema_)
    _write_rows(
        out / "shown_rows.csv", rows, np.concatenate([fooling, failing]), run.encoder.schema_
    )
    facts: Facts = {"seed": seed, "checkpoint": run.checkpoint.name, "passed_column": passed_as}
    facts |= {"threshold": threshold.logit, "threshold_says": threshold.says}
    part, held_out = ("test", test) if len(test) else ("validation", validation)
    facts |= {"real_part": part}
    facts |= _rates(module, run.encoder, held_out, rows, threshold, n=n, seed=seed)
    facts |= {"fooling_shown": len(fooling), "failing_shown": len(failing)}
    names = list(compared(run.encoder.schema_))
    train, table = train[names], rows.table[names]
    notes += _picture(
        out / "fooled.png", train, table, fooling, failing, n_real=real_rows, seed=seed
    )
    traits, more = _traits(train, table, rows.passed, seed=seed)
    diagnosis, signals = _diagnosis(train, table, seed=seed)
    traits.to_csv(out / "shared.csv", index=False)
    diagnosis.to_csv(out / "collapse.csv", index=False)
    facts |= signals | {f"notes.{position}": note for position, note in enumerate([*notes, *more])}
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    (out / "fooled.json").write_text(text + "\n", "utf-8")
    print_study(facts, traits, diagnosis)
    log.info("the study: %s", out)
    return facts


def _draw(
    module: CriticModel, encoder: TableEncoder, threshold: Threshold, *,
    n: int, judged: int, each: int, most: int, seed: int,
) -> Judged:  # fmt: skip
    """``n`` rows, then more until ``judged`` rows and ``each`` of both verdicts, or ``most``."""
    tables: list[pd.DataFrame] = []
    passed = np.empty(0, dtype=bool)
    while len(passed) < max(n, min(judged, most)) or (
        len(passed) < most and min(passed.sum(), (~passed).sum()) < each
    ):
        size = n if not tables else min(PIECE, max(most, judged) - len(passed))
        table, found = draw_judged(module, encoder, n=size, seed=seed, piece=len(tables))
        tables.append(table)
        passed = np.concatenate([passed, found > threshold.logit])
    return Judged(table=pd.concat(tables, ignore_index=True), passed=passed)


def _shortage(rows: Judged, each: int, most: int) -> list[str]:
    found = {"fooling": int(rows.passed.sum()), "failing": int((~rows.passed).sum())}
    return [
        f"only {count} {kind} rows among {len(rows.passed):,} drawn; {each} were wanted "
        f"(at most {most:,} are drawn)"
        for kind, count in found.items()
        if count < each
    ]


def _write_rows(path: Path, rows: Judged, positions: np.ndarray, schema: TableSchema) -> str:
    """Write some rows with their verdict; give back what the verdict's column is called."""
    name = "passed"
    while name in schema.names:
        name += "_critic"
    verdict = Column(name=name, kind="boolean", categories=("false", "true"))
    wider = TableSchema(name=schema.name, columns=(*schema.columns, verdict))
    labels = np.where(rows.passed[positions], "true", "false")
    table = rows.table.iloc[positions].reset_index(drop=True)
    write_table(path, wider.conform(table.assign(**{name: labels})), wider)
    return name


def _rates(
    module: CriticModel, encoder: TableEncoder, real: pd.DataFrame, rows: Judged,
    threshold: Threshold, *, n: int, seed: int,
) -> Facts:  # fmt: skip
    """Pass rates of generated rows, of the same rows once written, and of real rows."""
    held_out = draw_rows(real, MOST_REAL, seed, "fooled", "held out")
    sides = {
        "first": rows.passed[:n],
        "generated": rows.passed,
        "written": logits_of_table(module, encoder, rows.table, seed=seed) > threshold.logit,
        "real": logits_of_table(module, encoder, held_out, seed=seed) > threshold.logit,
    }
    facts: Facts = {}
    for side, passed in sides.items():
        low, high = interval(int(passed.sum()), len(passed))
        facts |= {f"{side}.rows": len(passed), f"{side}.passed": int(passed.sum())}
        facts |= {f"{side}.rate": float(passed.mean()), f"{side}.low": low, f"{side}.high": high}
    return facts


def _picture(
    path: Path, train: pd.DataFrame, table: pd.DataFrame, fooling: np.ndarray,
    failing: np.ndarray, *, n_real: int, seed: int,
) -> list[str]:  # fmt: skip
    """Draw the t-SNE; give back why not, where it cannot be drawn."""
    ground = draw_rows(train, n_real, seed, "fooled", "picture")
    shown = table.iloc[np.concatenate([fooling, failing])].reset_index(drop=True)
    try:
        ground_positions, positions = tsne(ground, shown, seed=seed)
    except TabganError as error:
        path.unlink(missing_ok=True)
        return [f"no picture: {error}"]
    groups = {"real": ground_positions}
    if len(fooling):
        groups["fooling"] = positions[: len(fooling)]
    if len(failing):
        groups["failing"] = positions[len(fooling) :]
    title = "Generated rows that fooled the critic, and that did not (t-SNE)"
    path.write_bytes(fooled_picture(title, groups))
    return []


def _traits(
    train: pd.DataFrame, table: pd.DataFrame, passed: NDArray[np.bool_], *, seed: int
) -> tuple[pd.DataFrame, list[str]]:
    fooling, failing = table[passed], table[~passed]
    if not len(fooling) or not len(failing):
        return pd.DataFrame(), ["every row has the same verdict: there is nothing to compare"]
    real = draw_rows(train, max(len(table), 2), seed, "fooled", "traits")
    return shared_traits(fooling, failing, real, seed=seed), []


def _diagnosis(
    train: pd.DataFrame, table: pd.DataFrame, *, seed: int
) -> tuple[pd.DataFrame, Facts]:
    """Per column what is lost, beside what other real rows of that number lose; whole signals."""
    n = min(len(table), len(train) // 2)
    both = draw_rows(train, 2 * n, seed, "fooled", "diagnosis")
    order = rng_at(seed, "fooled", "halves").permutation(len(both))
    reference, other = both.iloc[order[:n]], both.iloc[order[n : 2 * n]]
    sides = {"": table.iloc[:n], "real_": other}
    columns = {
        f"{side}{name}": measure(reference, rows)
        for side, rows in sides.items()
        for name, measure in (("lost", lost_categories), ("entropy_ratio", entropy_ratios))
    }
    frame = pd.DataFrame(columns, index=list(table.columns)).rename_axis("column").reset_index()
    frame = frame.sort_values("entropy_ratio", kind="stable", ignore_index=True)
    facts: Facts = {"collapse.rows": n, "collapse.threshold": COLLAPSE_THRESHOLD}
    for side, rows in (("collapse.", table.iloc[:n]), ("collapse.real_", other)):
        signals = collapse_signals(reference, rows, seed=seed)
        facts |= {f"{side}{name}": float(lost) for name, lost in signals.items()}
        facts[f"{side}distinct_share"] = distinct_share(rows)
        with suppress(TabganError):  # of a table of one row again and again; others signal that
            facts[f"{side}neighbour_ratio"] = neighbour_ratio(reference, rows, seed=seed)
        facts[f"{side}alarm"] = int(max(signals.values()) > COLLAPSE_THRESHOLD)
        if side == "collapse." and (why := describe_collapse(reference, rows, signals)):
            facts["collapse.says"] = why
    return frame, facts
