"""The study of fooling rows, printed in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from tabgan.metrics.collapse import COLLAPSE_THRESHOLD
from tabgan.report.html import figure_text
from tabgan.system.terminal import say, show

SHOWN = 12  # columns of a printed table; the files have all
SIGNALS = {
    "lost_categories": "categories lost",
    "entropy": "entropy lost by the worst column",
    "distinct_rows": "distinct rows lost",
    "spacing": "rows that crowd",
}
Facts = Mapping[str, float | str]


def print_study(facts: Facts, traits: pd.DataFrame, diagnosis: pd.DataFrame) -> None:
    """Print who passes, what fooling rows share, and whether variety is left, with every note."""
    shown = _table("Who passes as real", ("rows", "passed", "of", "rate", "95 % interval"))
    labels = {
        "first": "generated (generate_samples.csv)",
        "generated": "generated, all that were judged",
        "written": "the same as written to a file",
        "real": f"real, held out ({facts['real_part']})",
    }
    for side, label in labels.items():
        low, high = float(facts[f"{side}.low"]), float(facts[f"{side}.high"])
        shown.add_row(
            label, f"{facts[f'{side}.passed']:,}", f"{facts[f'{side}.rows']:,}",
            f"{float(facts[f'{side}.rate']):.1%}", f"{low:.1%} to {high:.1%}",
        )  # fmt: skip
    show(shown)
    say(f"passing: {facts['threshold_says']}")
    if len(traits):
        show(_traits_table(traits))
    show(_diagnosis_table(diagnosis))
    say(_collapse_line(facts))
    for name, note in facts.items():
        if name.startswith("notes."):
            say(str(note))


def _traits_table(traits: pd.DataFrame) -> Table:
    heading = ("column", "trait", "fooling", "failing", "real", "effect", "p")
    shown = _table("What fooling rows share, against failing rows", heading, words=2)
    for line in traits.head(SHOWN).to_dict("records"):
        sides = [_value(line[side], str(line["trait"])) for side in ("fooling", "failing", "real")]
        words = (escape(line["column"]), escape(line["trait"]))
        shown.add_row(*words, *sides, f"{line['effect']:+.2f}", f"{line['p']:.3f}")
    return shown


def _diagnosis_table(diagnosis: pd.DataFrame) -> Table:
    heading = ("column", "categories lost", "real rows lose", "entropy ratio", "real rows'")
    shown = _table("Variety, the columns that lost most", heading)
    for line in diagnosis.head(SHOWN).to_dict("records"):
        lost = [_share(line[name]) for name in ("lost", "real_lost")]
        ratios = [figure_text(line[name]) for name in ("entropy_ratio", "real_entropy_ratio")]
        shown.add_row(escape(line["column"]), *lost, *ratios)
    return shown


def _collapse_line(facts: Facts) -> str:
    gone = {
        name: (float(facts[f"collapse.{name}"]), float(facts.get(f"collapse.real_{name}", 0.0)))
        for name in SIGNALS
        if f"collapse.{name}" in facts
    }
    shares = "; ".join(
        f"{SIGNALS[name]} {model:.0%} (real rows {real:.0%})"
        for name, (model, real) in gone.items()
    )
    ratio = figure_text(facts.get("collapse.neighbour_ratio"))  # type: ignore[arg-type]
    alarm = f"Mode collapse: {facts['collapse.says']}" if facts["collapse.alarm"] else "No alarm"
    return (
        f"{alarm}. Beside {facts['collapse.rows']:,} real rows, beyond chance: {shares}; "
        f"mean distance to the nearest row {ratio} of real's. The alarm rings above "
        f"{COLLAPSE_THRESHOLD:.0%} (docs/research/collapse.md)."
    )


def _table(title: str, heading: tuple[str, ...], *, words: int = 1) -> Table:
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for position, name in enumerate(heading):
        shown.add_column(name, justify="left" if position < words else "right")
    return shown


def _value(value: Any, trait: str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.10g}" if trait == "median" else _share(value)


def _share(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.1%}"
