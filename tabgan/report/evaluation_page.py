"""The page of an evaluation: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tabgan.metrics.collapse import COLLAPSE_THRESHOLD
from tabgan.metrics.registry import METRICS, Group
from tabgan.report.evaluation_pictures import MOST_COLUMNS, column_key
from tabgan.report.html import (
    Html,
    bullets,
    details,
    element,
    gallery,
    page,
    paragraph,
    picture,
    section,
    table,
)
from tabgan.report.measure import COLUMNS, Measured, worst_pairs
from tabgan.report.reading import Tables
from tabgan.report.rules import RuleShare
from tabgan.report.verdict import BESIDE, THRESHOLDS, Finding

ARROWS = {"higher": "higher ↑", "lower": "lower ↓", "nearer": "nearer →"}
FINDINGS = (
    "synthetic",
    "test",
    "rows",
    "size",
    "constant",
    "categories",
    "orders",
    "classes",
    "text",
)
SHOWN_COLUMNS, SHOWN_PAIRS = 12, 12
MOST_RULES = 100


def evaluation_page(
    tables: Tables,
    measured: Measured,
    found: Sequence[Finding],
    *,
    report: Mapping[str, float | str],
    pictures: Mapping[str, bytes],
    configuration: str,
    rules: Sequence[RuleShare] = (),
) -> str:
    """``report.html``: one file, no script, nothing from the network."""
    title = f"{tables.title}: synthetic rows against real ones"
    sections = [
        section("Metrics", *_metrics(measured)),
        section("Where they differ", *_differences(measured, pictures)),
        section("Columns", *_columns(measured, pictures)),
        section("Pairs of columns", *_pairs(pictures)),
        section("Rules", *_rules(rules)),
        section("Rows", *_rows(measured, pictures)),
        section("Privacy and copying", *_privacy(measured, pictures)),
        section("Variety", *_variety(measured)),
        section("How this was made", *_making(report, configuration)),
    ]
    return page(title, _opening(measured, found, report), sections)


def figure_text(value: float | None) -> str:
    """A figure as a person reads it."""
    if value is None or pd.isna(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 1.5 else f"{value:,.2f}"


def _opening(
    measured: Measured, found: Sequence[Finding], report: Mapping[str, float | str]
) -> Html:
    cards = (
        element(
            "div",
            paragraph(finding.question, class_="soft"),
            paragraph(finding.answer, class_="answer"),
            paragraph(finding.says),
            class_=f"card {finding.grade}",
        )
        for finding in found
    )
    facts = (
        f"{report['rows']:,} synthetic rows, {report['train_rows']:,} training rows, "
        f"{report['test_rows']:,} test rows; seed {report['seed']}; {report['detector_name']}."
    )
    told = [measured.notes[name] for name in FINDINGS if name in measured.notes]
    return Html(
        paragraph(report["headline"], class_="headline")
        + paragraph(facts, class_="soft")
        + element("div", *cards, class_="cards")
        + (bullets(told) if told else "")
    )


def _rules(rules: Sequence[RuleShare]) -> list[Html]:
    if not rules:
        return [paragraph("No rule was declared, and none was found in the training rows.")]
    words = (
        "Rules that were declared, rules that every training row keeps, and numbers that are the "
        "same in some of them, with the share of rows that keep each. A missing value breaks no "
        "rule. The evidence is the number of training rows that would break a rule by chance."
    )
    headings = {"train.": "training rows", **COLUMNS}
    prefixes = [prefix for prefix in headings if prefix in rules[0].shares]
    lines = [
        [one.text, one.kind, f"{one.evidence:,.0f}" if one.evidence else "",
         *(f"{one.shares[prefix]:.2%}" for prefix in prefixes)]
        for one in rules[:MOST_RULES]
    ]  # fmt: skip
    more = [] if len(rules) <= MOST_RULES else [paragraph(f"The first of {len(rules)} rules.")]
    header = ["rule", "", "evidence", *(headings[prefix] for prefix in prefixes)]
    numbers = tuple(range(2, len(header)))
    return [paragraph(words), table(header, lines, numbers=numbers), *more]


def _metrics(measured: Measured) -> list[Html]:
    groups = (
        (
            "Told from unseen rows, and copying: a generator can buy the one with the other",
            [*_names("realism"), *BESIDE],
        ),
        ("Fidelity: other metrics that see dependence", _names("fidelity")),
        ("Fidelity, for comparison with published tables", _names("comparable")),
        ("Privacy and copying", [name for name in _names("privacy") if name not in BESIDE]),
    )
    rows: list[Sequence[object]] = []
    for heading, names in groups:
        rows += [[heading], *_metric_rows(measured, names)]
    absent = [n for n in METRICS if n in measured.notes and n not in measured.scores[""]]
    parts = [
        paragraph(
            "Read each figure between its anchors: real rows in the generator's place (the best "
            "there is) and columns drawn independently (all dependence lost)."
        ),
        _metric_table(measured, rows),
    ]
    if absent:
        lines = [f"{name}: {measured.notes[name]}" for name in absent]
        parts.append(details(f"Not computed ({len(absent)})", bullets(lines)))
    return parts


def _names(group: Group) -> list[str]:
    return [name for name, metric in METRICS.items() if metric.group == group]


def _metric_table(measured: Measured, rows: Sequence[Sequence[object]]) -> Html:
    shown = [COLUMNS[prefix] for prefix in measured.scores]
    header = ["metric", *shown, "ideal", "better", "what it says"]
    return table(header, rows, numbers=tuple(range(1, len(shown) + 2)))


def _metric_rows(measured: Measured, names: Sequence[str]) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for name in names:
        values = [scores.get(name) for scores in measured.scores.values()]
        if name not in BESIDE and all(value is None for value in values):
            continue
        metric = METRICS[name]
        says = [f"{metric.ideal:g}", ARROWS[metric.better], metric.says]
        model = element("strong", figure_text(values[0]))
        rows.append([name, model, *map(figure_text, values[1:]), *says])
    return rows


def _differences(measured: Measured, pictures: Mapping[str, bytes]) -> list[Html]:
    columns = measured.columns
    parts = [
        paragraph(
            "Columns by their distance from real: the larger their error, the more a single "
            "column is off. The share of gain says how much a classifier used the column, alone "
            "or with others."
        ),
        _column_table(columns.head(SHOWN_COLUMNS)),
    ]
    if len(columns) > SHOWN_COLUMNS:
        rest = _column_table(columns.iloc[SHOWN_COLUMNS:])
        parts.append(details(f"The other {len(columns) - SHOWN_COLUMNS} columns", rest))
    if "telltale" in pictures:
        parts.append(
            picture(
                pictures["telltale"],
                alt="Bars: each column's share of what tells synthetic rows from real ones",
                caption="Where the C2ST AUC is near .5 these shares are noise.",
                class_="single",
            )
        )
    if len(columns) > 1:
        parts += _pair_table(measured)
    return parts


def _column_table(columns: pd.DataFrame) -> Html:
    rows = [
        [name, *(figure_text(row[key]) for key in ("error", "telltale", "entropy_ratio")),
         figure_text(row["lost_categories"])]
        for name, row in columns.iterrows()
    ]  # fmt: skip
    header = ["column", "error in %", "share of gain", "entropy ratio", "categories lost"]
    return table(header, rows, numbers=(1, 2, 3, 4))


def _pair_table(measured: Measured) -> list[Html]:
    real, synthetic = measured.associations
    rows = [
        [a, b, figure_text(error), figure_text(real.loc[a, b]), figure_text(synthetic.loc[a, b])]
        for a, b, error in worst_pairs(measured, SHOWN_PAIRS)
    ]
    return [
        paragraph("Pairs by their distance from real (the parts of trend_error)."),
        table(
            ["column", "and column", "error in %", "association, real", "synthetic"],
            rows,
            numbers=(2, 3, 4),
        ),
    ]


def _columns(measured: Measured, pictures: Mapping[str, bytes]) -> list[Html]:
    order = measured.coded[0].columns
    shown = [
        picture(png, alt=f"Distribution of {name}, real and synthetic")
        for place, name in enumerate(order)
        if (png := pictures.get(column_key(place, name))) is not None
    ]
    parts = [
        paragraph(
            "Bins and bars come from the real rows; a value that holds many rows stands beside "
            "the histogram of the others; long tails are drawn on a logarithmic axis."
        )
    ]
    if len(order) > len(shown):
        parts.append(paragraph(f"The {MOST_COLUMNS} columns with the largest errors."))
    missing = _optional(
        pictures, "missing", alt="Bars: share of missing values per column, real and synthetic"
    )
    return [*parts, gallery(shown), *missing]


def _pairs(pictures: Mapping[str, bytes]) -> list[Html]:
    names = {
        "pairs_real": "Heatmap of the association of each pair of columns in real rows",
        "pairs_synthetic": "Heatmap of the association of each pair of columns in synthetic rows",
        "pairs_difference": "Heatmap of synthetic minus real association of each pair of columns",
    }
    shown = [picture(pictures[name], alt=alt) for name, alt in names.items() if name in pictures]
    if not shown:
        return [paragraph("There is one column only.")]
    says = (
        "Normalised mutual information: 0 is independent, 1 is one column given by the other. In "
        "the difference, orange is dependence that was made up and purple dependence that was lost."
    )
    return [paragraph(says), gallery(shown, wide=True)]


def _rows(measured: Measured, pictures: Mapping[str, bytes]) -> list[Html]:
    if "tsne" not in pictures:
        return [paragraph(measured.notes.get("tsne", "No picture."))]
    return [
        picture(
            pictures["tsne"],
            alt="Scatter plot of real test rows and synthetic rows on one plane",
            caption="t-SNE of real test rows and synthetic rows, at most 1,000 of each. Islands "
            "of one colour are rows that the other table does not have.",
            class_="single",
        )
    ]


def _privacy(measured: Measured, pictures: Mapping[str, bytes]) -> list[Html]:
    rows = _metric_rows(measured, _names("privacy"))
    parts = []
    if rows:
        parts.append(_metric_table(measured, rows))
    parts += _optional(
        pictures,
        "distances",
        alt="Histograms of the distance to the closest training row",
        caption="Synthetic rows should lie as far from training rows as test rows do. A pile at "
        "0 that test rows do not have is copying. L1 over the training range, 2 for each category "
        "that differs.",
    )
    if "distances" in measured.notes:
        parts.append(paragraph(measured.notes["distances"]))
    return parts


def _variety(measured: Measured) -> list[Html]:
    meaning = {
        "lost_categories": "categories of real rows that no synthetic row has (mean of columns)",
        "entropy": "entropy of the column that lost most",
        "distinct_rows": "distinct rows per row, beside real rows",
        "spacing": "distance to the nearest row of the same table, beside real rows",
    }
    rows = [
        [name.replace("_", " "), f"{lost:.1%}", "rings" if lost > COLLAPSE_THRESHOLD else "quiet",
         meaning[name]]
        for name, lost in measured.signals.items()
    ]  # fmt: skip
    return [
        paragraph(
            "How much of real's variety is gone for certain: real rows are cut to the number of "
            "synthetic ones, and what chance takes from samples of that size is taken off. The "
            f"collapse alarm rings above {COLLAPSE_THRESHOLD:.0%}. {measured.collapse}"
        ),
        table(["signal", "gone", "alarm", "what it says"], rows, numbers=(1,)),
    ]


def _making(report: Mapping[str, float | str], configuration: str) -> list[Html]:
    facts = [
        [name, value if isinstance(value, str) else f"{value:,}" if name != "seed" else value]
        for name, value in report.items()
        if name in ("command", "data", "target", "seed", "detector_name", "mle_grid", "checkpoint",
                    "run", "seconds", "real", "test", "synthetic", "rows_again")
        or name.startswith("version.")
    ]  # fmt: skip
    parts = [table(["what", "value"], facts)]
    if configuration:
        parts.append(details("The run's configuration", element("pre", configuration)))
    return [*parts, details("How the verdict is reached", bullets(THRESHOLDS))]


def _optional(
    pictures: Mapping[str, bytes], name: str, *, alt: str, caption: str = ""
) -> list[Html]:
    if name not in pictures:
        return []
    return [picture(pictures[name], alt=alt, caption=caption, class_="single")]
