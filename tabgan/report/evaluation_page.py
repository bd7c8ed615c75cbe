"""The page of an evaluation: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tabgan.metrics.collapse import COLLAPSE_THRESHOLD
from tabgan.metrics.registry import METRICS, Group, Metric
from tabgan.report.evaluation_pictures import MOST_COLUMNS, column_key
from tabgan.report.html import figure_text, page
from tabgan.report.measure import COLUMNS, Measured, worst_pairs
from tabgan.report.reading import Tables
from tabgan.report.rules import RuleShare
from tabgan.report.verdict import BESIDE, THRESHOLDS, Finding

FINDINGS = (
    "synthetic", "test", "rows", "size", "constant", "categories", "orders", "classes", "text",
)  # fmt: skip
SIGNALS = {
    "lost_categories": "categories of real rows that no synthetic row has (mean of columns)",
    "entropy": "entropy of the column that lost most",
    "distinct_rows": "distinct rows per row, beside real rows",
    "spacing": "distance to the nearest row of the same table, beside real rows",
}
FACTS = (
    "command", "data", "target", "seed", "detector_name", "mle_grid", "checkpoint", "run",
    "seconds", "real", "test", "synthetic", "rows_again",
)  # fmt: skip
SHOWN_COLUMNS, SHOWN_PAIRS = 12, 12
MOST_RULES = 100
WORST = 3  # columns whose pictures stand beside the table


def evaluation_page(
    tables: Tables,
    measured: Measured,
    found: Sequence[Finding],
    *,
    report: Mapping[str, float | str],
    pictures: Mapping[str, bytes],
    configuration: str,
    rules: Sequence[RuleShare] = (),
    next_steps: Sequence[str] = (),
) -> str:
    """``report.html``: one file, no script, nothing from the network."""
    order, notes = measured.coded[0].columns, measured.notes
    drawn = [
        (name, pictures.get(column_key(position, name))) for position, name in enumerate(order)
    ]
    headings = {"train.": "training rows", **COLUMNS}
    prefixes = [prefix for prefix in headings if rules and prefix in rules[0].shares]
    return page(
        "report/templates/evaluation.html",
        title=f"{tables.title}: synthetic rows against real ones",
        report=report,
        found=found,
        findings=[notes[name] for name in FINDINGS if name in notes],
        **metric_tables(measured),
        absent=[
            f"{n}: {notes[n]}" for n in METRICS if n in notes and n not in measured.scores[""]
        ],
        columns=_column_rows(measured),
        shown_columns=SHOWN_COLUMNS,
        pairs=_pair_rows(measured) if len(order) > 1 else [],
        pictures=pictures,
        drawn=[(name, png) for name, png in drawn if png is not None],
        worst=_worst(measured),
        next_steps=next_steps,
        most_columns=MOST_COLUMNS,
        rule_headings=[headings[prefix] for prefix in prefixes],
        rules=[_rule_row(one, prefixes) for one in rules[:MOST_RULES]],
        n_rules=len(rules),
        notes=notes,
        alarm=f"{COLLAPSE_THRESHOLD:.0%}",
        collapse=measured.collapse,
        signals=[
            [name.replace("_", " "), f"{lost:.1%}",
             "rings" if lost > COLLAPSE_THRESHOLD else "quiet", SIGNALS[name]]
            for name, lost in measured.signals.items()
        ],
        facts=[
            [name, value if isinstance(value, str) or name == "seed" else f"{value:,}"]
            for name, value in report.items()
            if name in FACTS or name.startswith("version.")
        ],
        configuration=configuration,
        thresholds=THRESHOLDS,
    )  # fmt: skip


def metric_tables(measured: Measured) -> dict[str, object]:
    """The contents of the tables of metrics: figures of each set of rows, metrics by group."""
    groups = (
        (
            "Told from unseen rows, and copying: a generator can buy the one with the other",
            [*_of("realism"), *(METRICS[name] for name in BESIDE)],
        ),
        ("Fidelity: other metrics that see dependence", _of("fidelity")),
        ("Fidelity, for comparison with published tables", _of("comparable")),
        ("Privacy and copying", [m for m in _of("privacy") if m.name not in BESIDE]),
    )
    return {
        "scores": [*measured.scores.values()],
        "headings": [COLUMNS[prefix] for prefix in measured.scores],
        "groups": [(heading, _known(measured, metrics)) for heading, metrics in groups],
        "privacy": _known(measured, _of("privacy")),
    }


def _of(group: Group) -> list[Metric]:
    return [metric for metric in METRICS.values() if metric.group == group]


def _known(measured: Measured, metrics: Iterable[Metric]) -> list[Metric]:
    """The metrics that some rows have a figure of; those beside the C2ST in any case."""
    figures = {name for scores in measured.scores.values() for name in scores}
    return [m for m in metrics if m.name in figures or m.name in BESIDE]


def _column_rows(measured: Measured) -> list[list[str]]:
    keys = ("error", "importance", "entropy_ratio", "lost_categories")
    return [
        [str(name), *(figure_text(row[key]) for key in keys)]
        for name, row in measured.columns.iterrows()
    ]


def _worst(measured: Measured) -> list[str]:
    """The columns that are most off, and the one that gives most rows away."""
    names = [*measured.columns.index[:WORST]]
    gains = measured.columns["importance"].dropna()
    if len(gains) and gains.idxmax() not in names:
        names.insert(0, gains.idxmax())
    return names


def _pair_rows(measured: Measured) -> list[list[str]]:
    real, synthetic = measured.associations
    return [
        [a, b, figure_text(error), figure_text(real.loc[a, b]), figure_text(synthetic.loc[a, b])]
        for a, b, error in worst_pairs(measured, SHOWN_PAIRS)
    ]


def _rule_row(one: RuleShare, prefixes: Sequence[str]) -> list[str]:
    evidence = f"{one.evidence:,.0f}" if one.evidence else ""
    return [one.text, one.kind, evidence, *(f"{one.shares[prefix]:.2%}" for prefix in prefixes)]
