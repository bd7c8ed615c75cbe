"""One report: figures, pictures, a page, a table in the terminal."""

from __future__ import annotations

import json
import logging
import math
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from tabgan.metrics.collapse import COLLAPSE_THRESHOLD
from tabgan.metrics.detection import detector_name
from tabgan.metrics.panel import steps
from tabgan.metrics.registry import METRICS
from tabgan.report.advice import advice
from tabgan.report.evaluation_page import evaluation_page
from tabgan.report.evaluation_pictures import draw_pictures
from tabgan.report.files import prepare, write_pictures
from tabgan.report.html import figure_text
from tabgan.report.measure import COLUMNS, Measured, measure, worst_pairs
from tabgan.report.progress import progress
from tabgan.report.reading import Tables
from tabgan.report.rules import print_rules, rule_figures, rule_shares
from tabgan.report.verdict import Judged, findings, headline, in_short
from tabgan.system.terminal import say, show

log = logging.getLogger(__name__)

Report = dict[str, float | str]
PACKAGES = ("tabgan-lightning", "torch", "numpy", "pandas", "scikit-learn", "xgboost-cpu")
STEPS = 3 * (len(steps()) + 1) + 3  # of the panels and behind them; each picture is one more


def build_report(
    tables: Tables,
    *,
    out: Path,
    seed: int,
    threads: int,
    full_mle: bool = False,
    facts: Mapping[str, float | str] | None = None,
    configuration: str = "",
    resplit_command: str = "",
) -> Report:
    """Measure, draw and write ``report.json``, ``report.html`` and ``pictures/`` into ``out``.

    ``report.json`` is flat: the metrics by name, the anchors under ``real_test.`` and
    ``independent.``, ``collapse.<signal>``, ``rules.<rule>`` for the share of rows that keep a
    rule, facts, and ``notes.<name>`` for what is undefined or was found. Values are finite numbers
    or strings.

    Args:
        tables: what is compared.
        out: the folder, made if need be.
        seed: fixes every draw and fold.
        threads: for XGBoost.
        full_mle: the published grid for MLE.
        facts: what else a reader should know: the command, the checkpoint.
        configuration: the run's configuration as text.
        resplit_command: what measures the DCR share; empty where nothing can.

    Returns:
        What was written to ``report.json``.

    Raises:
        TabganError: when the tables differ in columns or kinds, one has no rows, or ``out``
            cannot be written.
    """
    started = time.perf_counter()
    prepare(out)
    with progress(STEPS + len(tables.train.columns) + 8) as advance:
        measured = measure(tables, seed=seed, threads=threads, full_mle=full_mle, advance=advance)
        advance("rules")
        rules = rule_shares(tables)
        pictures = draw_pictures(tables, measured, seed=seed, advance=advance)
    write_pictures(out, pictures)
    judged = Judged(
        model=measured.scores.get("refined.", measured.scores[""]),  # what sample gives by default
        real=measured.scores["real_test."],
        floor=measured.scores["independent."],
        signals=measured.signals,
        collapse=measured.collapse,
        detector=detector_name(),
        n_train=len(tables.train),
        n_test=len(tables.test),
        n_synthetic=len(tables.synthetic),
    )
    facts = dict(facts or {})
    found = findings(judged)
    lead = f"{_judged_on(facts)}{headline(found)}"
    report: Report = {"in_short": in_short(found), "headline": lead, **_figures(measured)}
    report |= {"seconds": round(time.perf_counter() - started, 1)}
    report |= _facts(tables, seed=seed, full_mle=full_mle) | facts
    report |= {f"notes.{name}": note for name, note in measured.notes.items()}
    report |= {name: share for name, share in rule_figures(rules).items() if math.isfinite(share)}
    steps = advice(
        measured,
        found,
        rules,
        scores=judged.model,
        n_test=len(tables.test),
        resplit_command=resplit_command,
    )
    report |= {f"next.{position}": step for position, step in enumerate(steps, start=1)}
    page = evaluation_page(
        tables,
        measured,
        found,
        report=report,
        pictures=pictures,
        configuration=configuration,
        rules=rules,
        next_steps=steps,
    )
    (out / "report.json").write_text(
        json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
    )
    (out / "report.html").write_text(page, "utf-8")
    _print(measured, report)
    print_rules(rules, COLUMNS)
    log.info("the report, with all figures: %s", out / "report.html")
    return report


def _judged_on(facts: Mapping[str, float | str]) -> str:
    """A run's rows beside another table than its own are said to be so, first of all."""
    if "run" not in facts or "real" not in facts:
        return ""
    return f"Judged on {facts['real']}, not on the table that the run was trained on. "


def _figures(measured: Measured) -> Report:
    figures: Report = {
        prefix + name: scores[name]
        for prefix, scores in measured.scores.items()
        for name in METRICS
        if name in scores
    }
    figures |= {f"collapse.{name}": float(lost) for name, lost in measured.signals.items()}
    rings = max(measured.signals.values(), default=0.0) > COLLAPSE_THRESHOLD
    figures["collapse.alarm"] = int(rings)
    if measured.collapse:
        figures["collapse.says"] = measured.collapse
    figures["worst_columns"] = ", ".join(map(str, measured.columns.index[:5]))
    figures["worst_pairs"] = ", ".join(f"{a} x {b}" for a, b, _ in worst_pairs(measured, 5))
    return figures


def _facts(tables: Tables, *, seed: int, full_mle: bool) -> Report:
    facts: Report = {
        "data": tables.title,
        "seed": seed,
        "rows": len(tables.synthetic),
        "train_rows": len(tables.train),
        "test_rows": len(tables.test),
        "target": tables.target or "",
        "detector_name": detector_name(),
        "mle_grid": "full" if full_mle else "small",
        "version.python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            facts[f"version.{package}"] = version(package)
        except PackageNotFoundError:
            facts[f"version.{package}"] = "absent"
    return facts


def _print(measured: Measured, report: Report) -> None:
    say(str(report["in_short"]))
    say(str(report["headline"]))
    shown = Table(title=str(report["data"]), title_justify="left")
    shown.add_column("figure")
    for heading in (*(COLUMNS[prefix] for prefix in measured.scores), "better"):
        shown.add_column(heading, justify="right")
    for name, metric in METRICS.items():
        values = [scores.get(name) for scores in measured.scores.values()]
        if metric.plain and any(value is not None for value in values):
            better = f"near {metric.ideal:g}" if metric.better == "nearer" else metric.better
            shown.add_row(metric.plain, *map(figure_text, values), better)
    show(shown)
    for name, step in report.items():
        if name.startswith("next."):
            say(f"next: {step}")
    for name, note in measured.notes.items():
        if name not in METRICS:
            say(f"[bold]{name}[/bold]: {escape(note)}", markup=True)
