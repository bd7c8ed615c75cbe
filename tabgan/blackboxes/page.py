"""A black box in figures, beside those of the report that the project starts from."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tabgan.blackboxes.estimator import EstimatorBox
from tabgan.blackboxes.forest import FOLDS, cross_validated, xy
from tabgan.system.terminal import say, show
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

# its section 8.1: cross-validated accuracy and its spread; mean, least and largest confidence
REPORT = {
    "adult": ("0.86 (+/- 0.01)", "0.869668", "0.5", "1"),
    "bank": ("0.75 (+/- 0.28)", "0.900944", "0.5", "1"),
}
SPREAD = 0.05  # of the folds: above, their order matters


def describe_forest(
    fit: Callable[..., EstimatorBox],
    rows: Mapping[str, pd.DataFrame],
    schema: TableSchema,
    *,
    title: str,
    source: str,
    out: Path,
    seed: int,
) -> dict[str, Any]:
    """Fit, save and print a forest.

    Args:
        fit: ``fit_forest`` with its own settings.
        rows: "train" to fit on, "held" and "test" to judge on (the latter may have no rows), and
            "whole", the table in its file's order, to cross-validate on.
        schema: its columns and target.
        title: what the table is called.
        source: its file, or the name of the set.
        out: the folder of the box.
        seed: of the forest and of the shuffled folds.

    Returns:
        What ``blackbox.json`` says beside the model's own words: accuracies and confidences.

    Raises:
        TabganError: when the table has no classes to learn, or ``out`` cannot be written.
    """
    log.info("fitting the forest on %s rows", f"{len(rows['train']):,}")
    box = fit(rows["train"], schema, seed=seed)
    trees = int(box.estimator.named_steps["forest"].n_estimators)
    facts: dict[str, Any] = {"table": title, "source": source, "seed": seed, "n_estimators": trees}
    facts |= {"train_rows": len(rows["train"])}
    for part in ("held", "test"):
        if len(rows[part]):
            facts |= _judged(box, rows[part], schema, part)
    for shuffle, name in ((False, "in_order"), (True, "shuffled")):
        log.info("cross-validation, %s", name.replace("_", " "))
        folds = cross_validated(
            rows["whole"], schema, seed=seed, n_estimators=trees, shuffle=shuffle
        )
        facts |= {f"cv_{name}": float(folds.mean()), f"cv_{name}_std": float(folds.std())}
    box.save(out, facts)
    _print(facts, title)
    log.info("the black box: %s (score: %s)", out, _score_words(box))
    log.info("use it: blackbox=saved %s", shlex.quote(f"blackbox.path={out}"))
    return facts


def _judged(
    box: EstimatorBox, table: pd.DataFrame, schema: TableSchema, part: str
) -> dict[str, float]:
    _, truth = xy(table, schema)
    shares = box.probabilities(table[table[schema.target].notna()])
    confidence = shares.max(axis=1)
    decided = np.array(box.classes, dtype="object")[shares.argmax(axis=1)]
    return {
        f"{part}.rows": len(truth),
        f"{part}.accuracy": float((decided == truth).mean()),
        f"{part}.mean_confidence": float(confidence.mean()),
        f"{part}.min_confidence": float(confidence.min()),
        f"{part}.max_confidence": float(confidence.max()),
    }


def _print(facts: dict[str, Any], title: str) -> None:
    name = f"black box: random forest on {title}"
    table = Table(title=name, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    header = ("rows", "accuracy", "mean confidence", "least", "largest")
    for position, name in enumerate(header):
        table.add_column(name, justify="right" if position else "left")
    row = REPORT.get(title)
    if row:
        table.add_row("the report, cross-validated", *row)
    for name in ("in_order", "shuffled"):
        spread = 2 * facts[f"cv_{name}_std"]
        table.add_row(
            f"{FOLDS} folds, {name.replace('_', ' ')}",
            f"{facts[f'cv_{name}']:.3f} (+/- {spread:.2f})", "", "", "",
        )  # fmt: skip
    labels = {"held": "held out, a tenth", "test": "test part"}
    for part, label in labels.items():
        if f"{part}.rows" in facts:
            confidences = (facts[f"{part}.{k}_confidence"] for k in ("mean", "min", "max"))
            cells = [f"{facts[f'{part}.accuracy']:.3f}", *(f"{c:.6g}" for c in confidences)]
            table.add_row(f"{label} ({facts[f'{part}.rows']:,})", *cells)
    show(table)
    if facts["cv_in_order_std"] > SPREAD:
        say(
            "The folds follow the order of the file, and its rows are not in random order (Bank "
            "Marketing's are sorted by date, May 2008 to November 2010): each fold is another "
            "time, which the other folds do not know. Shuffled folds hardly differ."
        )


def _score_words(box: EstimatorBox) -> str:
    if box.score == "confidence":
        return "the largest class probability"
    return f"the probability of {box.positive!r}"
