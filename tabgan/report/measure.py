"""The figures of a report: the panel for the synthetic rows and both anchors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.chance import auc_band, share_interval
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.metrics.collapse import (
    collapse_signals,
    describe_collapse,
    entropy_ratios,
    lost_categories,
)
from tabgan.metrics.detection import column_importance
from tabgan.metrics.drawing import draw_rows
from tabgan.metrics.fidelity import associations, column_errors, pair_errors
from tabgan.metrics.panel import evaluate_real_rows, evaluate_tables
from tabgan.metrics.privacy import duplicate_rate
from tabgan.report.progress import Advance
from tabgan.report.reading import Tables, same_rows

COLUMNS = {
    "": "model",
    "refined.": "refined",
    "real_test.": "real rows",
    "independent.": "independent",
}  # the prefix of a set of rows, and how tables head it
FEW_ROWS = 1_000  # of test or synthetic rows: fewer make every figure uncertain
SHARED = 0.2  # share of test rows that are training rows, for certain: copying goes unseen
LEAKED = 0.05  # share of synthetic rows that are test rows, for certain: the C2ST misleads


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything a report prints, by name.

    Attributes:
        scores: prefix ("", "refined." where there are such rows, "real_test.", "independent.")
            -> metric -> value.
        notes: metric or finding -> why it is absent, or what was found.
        signals: ``collapse.collapse_signals``.
        collapse: ``collapse.describe_collapse``.
        columns: per column what is wrong with it, worst first.
        pairs: the error of each pair in %, a square.
        associations: of each pair of columns, in real and in synthetic rows.
        coded: train, test and synthetic as arrays.
        is_test: whether the synthetic table is the test table.
    """

    scores: dict[str, dict[str, float]]
    notes: dict[str, str]
    signals: dict[str, float]
    collapse: str
    columns: pd.DataFrame
    pairs: pd.DataFrame
    associations: tuple[pd.DataFrame, pd.DataFrame]
    coded: tuple[CodedTable, CodedTable, CodedTable]
    is_test: bool = field(default=False)


def measure(
    tables: Tables, *, seed: int, threads: int, full_mle: bool, advance: Advance
) -> Measured:
    """The panel for each set of rows, and what a person asks next.

    Where the synthetic table is the test table itself it is scored as the anchor of real rows
    (``panel.evaluate_real_rows``): comparing rows with themselves says nothing.

    Raises:
        TabganError: when the tables differ in columns or kinds, or one has no rows.
    """
    train, test, synthetic = tables.train, tables.test, tables.synthetic
    of_train, of_test, of_synthetic = code_tables(train=train, test=test, synthetic=synthetic)
    options: dict[str, Any] = {"seed": seed, "threads": threads, "full_mle": full_mle}
    rows = tables.comparison(**options)
    advance("", stage="judging real rows, the best that can be had")
    ceiling, ceiling_notes = evaluate_real_rows(rows, progress=advance)
    advance("", stage="judging columns drawn independently, the worst")
    shuffled = rows.independent(tables.log_likelihoods.get("independent."))
    floor, _ = evaluate_tables(shuffled, progress=advance)
    is_test = same_rows(test, synthetic)
    advance("", stage="judging the generated rows")
    if is_test:
        model, notes = dict(ceiling), dict(ceiling_notes)
    else:
        model, notes = evaluate_tables(rows, progress=advance)
    scores = {"": _finite(model)}
    if tables.refined is not None:
        advance("", stage="judging the refined rows")
        refined, _ = evaluate_tables(tables.comparison("refined.", **options), progress=advance)
        scores["refined."] = _finite(refined)
    scores |= {"real_test.": _finite(ceiling), "independent.": _finite(floor)}
    advance("", stage="comparing columns, pairs and variety")
    like = draw_rows(train, len(synthetic), seed, "collapse")  # fewer rows have fewer categories
    signals = collapse_signals(like, synthetic, seed=seed)
    return Measured(
        scores=scores,
        notes={**row_notes(tables, is_test=is_test), **notes},
        signals=signals,
        collapse=describe_collapse(like, synthetic, signals),
        columns=_columns(tables, like, seed, threads, is_test),
        pairs=pair_errors(train, synthetic),
        associations=associations(train, synthetic),
        coded=(of_train, of_test, of_synthetic),
        is_test=is_test,
    )


def worst_pairs(measured: Measured, n: int) -> list[tuple[str, str, float]]:
    """The pairs of columns with the largest errors: their names, and the error in %."""
    square = measured.pairs
    above = np.triu(np.ones(square.shape, dtype=bool), k=1)
    positions = np.argwhere(above & square.notna().to_numpy())
    errors = square.to_numpy()[tuple(positions.T)]
    order = np.argsort(-errors, kind="stable")[:n]
    return [
        (square.index[positions[i][0]], square.columns[positions[i][1]], float(errors[i]))
        for i in order
    ]


def _columns(
    tables: Tables, like: pd.DataFrame, seed: int, threads: int, is_test: bool
) -> pd.DataFrame:
    frame = pd.DataFrame({"error": column_errors(tables.train, tables.synthetic)})
    frame["entropy_ratio"] = entropy_ratios(like, tables.synthetic)
    frame["lost_categories"] = lost_categories(like, tables.synthetic)
    frame["importance"] = np.nan
    if not is_test:
        try:
            gains = column_importance(tables.test, tables.synthetic, seed, threads=threads)
            frame["importance"] = gains
        except TabganError:  # too few rows, which the panel's notes say
            pass
    return frame.sort_values("error", ascending=False, kind="stable")


def row_notes(tables: Tables, *, is_test: bool) -> dict[str, str]:
    """Notes on the rows themselves: leaks, few rows, other sizes, columns of one value."""
    train, test, synthetic = tables.train, tables.test, tables.synthetic
    notes = {}
    if is_test:
        notes["synthetic"] = (
            "the synthetic table is the test table, so it is scored as the anchor of real rows: "
            "what compares with test rows uses the training rows in its place"
        )
    else:
        leaked = duplicate_rate(test, synthetic)
        sure = share_interval(leaked, len(synthetic))[0]
        if sure > max(LEAKED, 2 * duplicate_rate(test, train)):
            notes["synthetic"] = (
                f"{leaked:.1%} of the synthetic rows are rows of the test table; what compares "
                "with test rows is misled"
            )
    shared = duplicate_rate(train, test)
    if share_interval(shared, len(test))[0] > SHARED:
        notes["test"] = (
            f"{shared:.1%} of the test rows are training rows too: unless the table has few "
            "different rows, take test rows that the generator never saw"
        )
    fewest = min(len(test), len(synthetic))
    if fewest < FEW_ROWS:
        notes["rows"] = (
            f"{len(test):,} test and {len(synthetic):,} synthetic rows are few: with this many, a "
            f"C2ST AUC of .5 ± {auc_band(fewest, fewest):.2f} is chance, "
            "and the other figures waver too"
        )
    if len(synthetic) != len(train):
        notes["size"] = (
            f"{len(synthetic):,} synthetic rows for {len(train):,} training rows; published "
            "figures are of as many as those"
        )
    constant = [
        str(name)
        for name in train.columns
        if len(synthetic[name].unique()) == 1 < len(train[name].unique())
    ]
    if constant:
        notes["constant"] = f"one value only in the synthetic rows, more in train: {constant}"
    return notes


def _finite(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in scores.items() if math.isfinite(value)}
