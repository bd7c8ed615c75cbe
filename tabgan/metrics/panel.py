"""Every metric of one synthetic table, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.coding import code_tables
from tabgan.metrics.collapse import unseen_categories
from tabgan.metrics.comparison import Comparison, Need
from tabgan.metrics.orders import broken_orders
from tabgan.metrics.registry import ABSENT, METRICS, Function, Metric
from tabgan.metrics.utility import absent_classes

Scores = dict[str, float]
Notes = dict[str, str]
Progress = Callable[[str], None]  # called with the name of each step before it begins


def evaluate_tables(rows: Comparison, *, progress: Progress | None = None) -> tuple[Scores, Notes]:
    """The metrics of ``METRICS`` by name, and notes on what could not be computed.

    What needs test rows compares with those; all others compare with the training rows, as
    published. A metric that is undefined on these tables, or needs what the comparison lacks, is
    absent, and the notes say why under its name; a note under ``categories``, ``orders`` or
    ``classes`` is a finding about the synthetic rows.

    Raises:
        TabganError: when the tables differ in columns or kinds, or one has no rows.
    """
    code_tables(train=rows.train, test=rows.test, synthetic=rows.synthetic)
    scores, notes = _measured(lambda needs: rows, progress)
    return scores, {**_findings(rows), **notes}


def evaluate_real_rows(
    rows: Comparison, *, progress: Progress | None = None
) -> tuple[Scores, Notes]:
    """The ceiling: real rows in the generator's place, each used once (``Comparison.real``).

    The synthetic rows of the comparison are not looked at.

    Raises:
        TabganError: when the tables differ in columns or kinds, or one has no rows.
    """
    code_tables(train=rows.train, test=rows.test)
    return _measured(rows.real, progress)


def steps(metrics: Iterable[Metric] = METRICS.values()) -> dict[Function, list[Metric]]:
    """The functions to call, and the metrics that each gives."""
    found: dict[Function, list[Metric]] = {}
    for metric in metrics:
        found.setdefault(metric.function, []).append(metric)
    return found


def _measured(
    rows_for: Callable[[tuple[Need, ...]], Comparison], progress: Progress | None
) -> tuple[Scores, Notes]:
    scores: Scores = {}
    notes: Notes = {}
    for function, metrics in steps(METRICS.values()).items():
        if progress is not None:
            progress(", ".join(metric.name for metric in metrics))
        found, missing = _called(function, metrics[0], rows_for(metrics[0].needs))
        scores |= found
        for metric in metrics:
            if metric.name not in found:
                notes[metric.name] = missing or metric.unless
    return {name: scores[name] for name in METRICS if name in scores}, notes


def _called(function: Function, first: Metric, rows: Comparison) -> tuple[Mapping[str, float], str]:
    """The figures that a function gives, or why it gives none."""
    for need in first.needs:
        if need not in rows.has:
            return {}, ABSENT[need]
    try:
        found = function(rows)
    except TabganError as error:
        return {}, str(error)
    return (found, "") if isinstance(found, Mapping) else ({first.name: found}, "")


def _findings(rows: Comparison) -> Notes:
    train, test, synthetic, target = rows.train, rows.test, rows.synthetic, rows.target
    findings = {}
    unseen = unseen_categories(train, synthetic)
    if unseen:
        findings["categories"] = f"synthetic rows hold categories that train never has: {unseen}"
    if orders := broken_orders(train, synthetic):
        findings["orders"] = orders
    if target in test and isinstance(test[target].dtype, pd.CategoricalDtype):
        absent = absent_classes(synthetic, test, str(target))
        if absent:
            findings["classes"] = f"no synthetic row has {target} in {absent}; scored as AUC .5"
    return findings
