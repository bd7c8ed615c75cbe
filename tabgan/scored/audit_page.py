"""The pictures of an audit, its answers in words, and its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tabgan.metrics.coding import code_tables
from tabgan.report.evaluation_page import figure_text
from tabgan.report.evaluation_pictures import column_key, column_picture
from tabgan.report.html import Html, bullets, element, gallery, page, paragraph, picture, section
from tabgan.report.html import table as html_table
from tabgan.scored.pairing import score_matched
from tabgan.scored.plots import ranges_picture, scatter_picture, spread_picture

if TYPE_CHECKING:
    from tabgan.scored.audit import Audited

Figures = Mapping[str, float | str]
CONSTANT = 1e-3  # scores no further apart are one score
FEW = 0.005  # share of real rows: a range with fewer hardly occurs
GRADES = ((0.01, "good"), (0.05, "fair"))  # of a mean absolute error

WAYS = {
    "closed loop": "generated, queried, kept when near enough",
    "one shot": "generated for the score, queried once to know what came out",
    "retrieval": "the real training row with the nearest score; nothing is new",
    "best of k": "drawn without knowing the score, the nearest of as many queries as the loop took",
    "direct MAE": "the report's generator: the MAE and nothing else",
}


def audit_pictures(audited: Audited, ranges: pd.DataFrame) -> dict[str, bytes]:
    """Scatters, errors per range, histograms of scores, and the generated columns."""
    ways, asked = audited.ways, audited.asked
    pictures = {
        f"scatter_{name.replace(' ', '_')}": scatter_picture(name, asked, way.obtained)
        for name, way in ways.items()
    }
    lines = {"closed loop": ranges["mae"], "one shot": ranges["one_shot_mae"]}
    pictures["ranges"] = ranges_picture("Error per range of the score asked", lines, unit="MAE")
    gower = {"Gower distance": ranges["gower"], "distinct rows": ranges["distinct"]}
    pictures["diversity"] = ranges_picture("Diversity per range", gower, unit="0: all alike")
    pictures["spread"] = spread_picture(
        "Scores",
        {
            "asked": asked,
            "closed loop": ways["closed loop"].obtained,
            "one shot": ways["one shot"].obtained,
            "real test rows": audited.test_scores,
        },
    )
    loop = ways["closed loop"]
    matched = audited.test.iloc[score_matched(loop.obtained, audited.test_scores)]
    real, synthetic = code_tables(real=matched[audited.names], synthetic=loop.rows[audited.names])
    sides = {"real": real, "synthetic": synthetic}
    for place, name in enumerate(real.columns):
        pictures[column_key(place, name)] = column_picture(name, sides, matched[name])
    return pictures


def answers(audited: Audited, figures: Figures, ranges: pd.DataFrame) -> dict[str, str]:
    """The report's questions, answered: which class, which range, why; and what it means."""
    scores = audited.test_scores
    if np.ptp(scores) < CONSTANT:
        told = f"The black box answers {scores[0]:.3f} to every real row: no other score exists."
        return {"range": told}
    return {
        "class": _class_words(audited, figures),
        "range": _range_words(ranges),
        "why": _why_words(figures, ranges),
        "transfer": _transfer_words(figures),
        "report": _report_words(figures),
    }


def audit_page(
    audited: Audited, figures: Figures, ranges: pd.DataFrame, pictures: Mapping[str, bytes]
) -> str:
    """The whole page."""
    told = [figures[name] for name in figures if name.startswith("answer.")]
    sections = [
        section("Answers", bullets(told), *_unreached(audited)),
        section("Ways", *_ways(audited, figures)),
        section("Asked and obtained", *_scatters(audited, pictures)),
        section("Ranges", *_ranges(ranges, pictures)),
        section("Classes", *_classes(audited, figures)),
        section("Scores", _one(pictures, "spread", "Histograms of scores asked and obtained")),
        section("Columns", *_columns(pictures)),
        section("How this was made", *_making(figures)),
    ]
    return page(f"{audited.title}: rows for scores", _opening(figures), sections)


def _opening(figures: Figures) -> Html:
    cards = (
        ("Closed loop", "mae", "mean absolute error between asked and obtained score"),
        ("One shot", "one_shot.mae", "the same without a second query"),
    )
    shown = [
        element(
            "div",
            paragraph(title, class_="soft"),
            paragraph(f"MAE {float(figures[name]):.4f}", class_="answer"),
            paragraph(says),
            class_=f"card {_grade(float(figures[name]))}",
        )
        for title, name, says in cards
    ]
    auc, queries = (
        float(figures.get("c2st_matched_auc", np.nan)),
        float(figures["queries_per_kept_row"]),
    )
    shown.append(
        element(
            "div",
            paragraph("Realism", class_="soft"),
            paragraph(f"C2ST {auc:.3f}", class_="answer"),
            paragraph("against real test rows of the same scores; .5 cannot be told apart"),
            class_=f"card {'good' if auc < 0.6 else 'fair' if auc < 0.7 else 'poor'}",
        )
    )
    shown.append(
        element(
            "div",
            paragraph("Price", class_="soft"),
            paragraph(f"{queries:.2f} queries", class_="answer"),
            paragraph(f"a kept row; {figures['kept']:,} of {figures['rows']:,} rows were kept"),
            class_=f"card {'good' if queries <= 8 else 'fair'}",
        )
    )
    says = f"{figures['rows']:,} rows, their scores asked evenly from [0, 1]."
    return Html(paragraph(says, class_="headline") + element("div", *shown, class_="cards"))


def _grade(mae: float) -> str:
    return next((grade for least, grade in GRADES if mae <= least), "poor")


def class_names(audited: Audited) -> list[str]:
    """The classes that the box decides for, in order."""
    return sorted({str(label) for label in audited.labels})


def _class_words(audited: Audited, figures: Figures) -> str:
    one_shot = audited.ways["one shot"]
    error = np.abs(one_shot.obtained - audited.asked)
    lines = []
    for label in class_names(audited):
        told = f"{label!r}: {figures[f'class.{label}.rows']:,} rows"
        share = float(figures[f"class.{label}.within_05"])
        lines.append(f"{told}, {share:.1%} within .05")
    high = audited.asked > 0.5
    sides = ""
    if high.any() and not high.all():
        sides = (
            f" In one shot the error is {error[high].mean():.3f} where a score above .5 was asked "
            f"and {error[~high].mean():.3f} below."
        )
    told = "Which class: the closed loop, by the class the box decides for"
    return f"{told}: {'; '.join(lines)}.{sides}"


def _range_words(ranges: pd.DataFrame) -> str:
    known = ranges.dropna(subset=["mae"])
    hardest, easiest = known["one_shot_mae"].idxmax(), known["one_shot_mae"].idxmin()
    kept = known[known["reached"] < 1]
    told = (
        f"Which range: in one shot {easiest} is easiest (MAE "
        f"{known['one_shot_mae'][easiest]:.3f}) and {hardest} hardest "
        f"({known['one_shot_mae'][hardest]:.3f})."
    )
    if len(kept):
        return f"{told} The closed loop left scores unreached in {', '.join(kept.index)}."
    return f"{told} The closed loop reached every score that was asked."


def _why_words(figures: Figures, ranges: pd.DataFrame) -> str:
    share = ranges["real_rows"] / ranges["real_rows"].sum()
    rare = [str(name) for name in ranges.index[share < FEW]]
    told = (
        f"Why: real rows get scores from {figures['attainable.min']:.3f} to "
        f"{figures['attainable.max']:.3f}; {share.iloc[0]:.0%} of them lie below .1 and "
        f"{share.iloc[-1]:.0%} above .9. Near 0 and 1 the box is sure and its neighbourhood is "
        "flat, so one shot lands; in the middle a small change of a row moves the score far."
    )
    return f"{told} Hardly any real row has a score in {', '.join(rare)}." if rare else told


def _transfer_words(figures: Figures) -> str:
    if "transfer.mae" not in figures:
        return "Transfer: the box is no forest that could be fitted again with another seed."
    other, own = float(figures["transfer.mae"]), float(figures["mae"])
    return (
        f"Transfer: a forest of another seed gives the same rows scores {other:.3f} away from "
        f"those asked ({float(figures['transfer.within_10']):.0%} within .1), against {own:.3f} by "
        "the box itself: the difference is what the loop found in this one forest, not in the "
        "table."
    )


def _report_words(figures: Figures) -> str:
    if "constant.mae" not in figures:
        return "The report: no score that was asked is one that real rows get."
    return (
        "The report: its generator came to .10 to .15 for confidences in [.5, 1], with scores "
        "piled up around .7 and one class. Its loss has no gradient through a forest, and one and "
        "the same score for every row, .75, already gives .125 there. Here one score for every row "
        "would give "
        f"{float(figures['constant.mae']):.3f}."
    )


def _unreached(audited: Audited) -> list[Html]:
    if not audited.unreached:
        return []
    return [paragraph("Scores that were not reached:"), bullets(audited.unreached)]


def _ways(audited: Audited, figures: Figures) -> list[Html]:
    names = (
        "mae", "rmse", "within_05", "within_10", "ks", "right_side", "c2st_matched_auc",
        "matched_rows",
        "duplicate_rate", "distinct", "gower", "queries_per_row", "seconds_to_make",
    )  # fmt: skip
    prefixes = ["" if way == "closed loop" else f"{way.lower().replace(' ', '_')}."
                for way in audited.ways]  # fmt: skip
    rows: list[Sequence[object]] = [
        [name, *(figure_text(float(figures.get(prefix + name, np.nan))) for prefix in prefixes)]
        for name in names
    ]
    meaning = [f"{way}: {WAYS[way]}" for way in audited.ways]
    gower, copies = figures["real_test.gower"], float(figures["real_test.duplicate_rate"])
    near = [float(figures[name]) for name in ("dcr_q02", "dcr_q05")]
    anchors = (
        f"Real test rows of the same scores have a mean Gower distance of {gower:.3f}, and "
        f"{copies:.1%} of them stand in the training table too. {near[0]:.1f} % and "
        f"{near[1]:.1f} % of the loop's rows are nearer to training rows than the nearest 2 % and "
        "5 % of those."
    )
    header = ["figure", *audited.ways]
    numbers = tuple(range(1, len(header)))
    return [html_table(header, rows, numbers=numbers), paragraph(anchors), bullets(meaning)]


def _scatters(audited: Audited, pictures: Mapping[str, bytes]) -> list[Html]:
    shown = [
        picture(
            pictures[f"scatter_{way.replace(' ', '_')}"],
            alt=f"Scatter of asked against obtained scores: {way}",
        )
        for way in audited.ways
    ]
    return [gallery(shown, wide=True)]


def _ranges(ranges: pd.DataFrame, pictures: Mapping[str, bytes]) -> list[Html]:
    names = ("asked", "real_rows", "mae", "within_05", "within_10", "reached", "one_shot_mae",
             "distinct", "gower")  # fmt: skip
    rows: list[Sequence[object]] = []
    for name, line in ranges.iterrows():
        counts = [f"{int(line[column]):,}" for column in names[:2]]
        figures = [figure_text(line.get(column)) for column in names[2:]]
        rows.append([name, *counts, *figures])
    header = ["score asked", *(name.replace("_", " ") for name in names)]
    return [
        paragraph("Real rows are test rows that get such a score: where there are none, none may."),
        html_table(header, rows, numbers=tuple(range(1, len(header)))),
        gallery(
            [
                picture(pictures["ranges"], alt="Lines: mean absolute error per range"),
                picture(pictures["diversity"], alt="Lines: diversity of rows per range"),
            ]
        ),
    ]


def _classes(audited: Audited, figures: Figures) -> list[Html]:
    names = ("rows", "mae", "within_05", "within_10")
    rows: list[Sequence[object]] = []
    for label in class_names(audited):
        values = [float(figures[f"class.{label}.{name}"]) for name in names]
        rows.append([label, f"{int(values[0]):,}", *map(figure_text, values[1:])])
    return [html_table(["the box decides for", *names], rows, numbers=(1, 2, 3, 4))]


def _columns(pictures: Mapping[str, bytes]) -> list[Html]:
    shown = [
        picture(png, alt=f"Distribution of {name.split('_', 2)[2]}")
        for name, png in pictures.items()
        if name.startswith("column_")
    ]
    says = "Generated rows (closed loop) beside real test rows of the same scores."
    return [paragraph(says), gallery(shown)]


def _making(figures: Figures) -> list[Html]:
    names = ("command", "run", "model", "checkpoint", "blackbox", "tolerance", "ended", "k",
             "queries", "training_queries", "seconds")  # fmt: skip
    return [html_table(["what", "value"], [[n, _fact(figures[n])] for n in names if n in figures])]


def _fact(value: float | str) -> str:
    """A number of queries as a whole one; text as it is."""
    whole = not isinstance(value, str) and float(value).is_integer()
    return f"{int(value):,}" if whole else str(value)


def _one(pictures: Mapping[str, bytes], name: str, alt: str) -> Html:
    return picture(pictures[name], alt=alt, class_="single")
