"""The pictures of an audit, its answers in words, and its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tabgan.blackboxes.scored.pairing import score_matched
from tabgan.blackboxes.scored.plots import ranges_picture, scatter_picture, spread_picture
from tabgan.metrics.coding import code_tables
from tabgan.report.evaluation_pictures import column_key, column_picture
from tabgan.report.html import figure_text, page

if TYPE_CHECKING:
    from tabgan.blackboxes.scored.audit import Audited

Figures = Mapping[str, float | str]
CONSTANT = 1e-3  # scores no further apart are one score
FEW = 0.005  # share of real rows: a range with fewer hardly occurs
GRADES = ((0.01, "good"), (0.05, "fair"))  # of a mean absolute error

OF_WAYS = (
    "mae", "rmse", "within_05", "within_10", "ks", "right_side", "c2st_matched_auc",
    "matched_rows", "duplicate_rate", "distinct", "gower", "queries_per_row", "seconds_to_make",
)  # fmt: skip
RANGES = (
    "asked", "real_rows", "mae", "within_05", "within_10", "reached", "one_shot_mae", "distinct",
    "gower",
)  # fmt: skip
OF_CLASSES = ("rows", "mae", "within_05", "within_10")
FACTS = (
    "command", "run", "model", "checkpoint", "blackbox", "tolerance", "ended", "k", "queries",
    "training_queries", "seconds",
)  # fmt: skip
METHODS = {
    "closed loop": "generated, queried, kept when near enough",
    "one shot": "generated for the score, queried once to know what came out",
    "retrieval": "the real training row with the nearest score; nothing is new",
    "best of k": "drawn without knowing the score, the nearest of as many queries as the loop took",
    "direct MAE": "a generator that learns from the MAE and from nothing else",
}


def audit_pictures(audited: Audited, ranges: pd.DataFrame) -> dict[str, bytes]:
    """Scatters, errors per range, histograms of scores, and the generated columns."""
    methods, requested = audited.methods, audited.requested
    pictures = {
        f"scatter_{name.replace(' ', '_')}": scatter_picture(name, requested, method.obtained)
        for name, method in methods.items()
    }
    lines = {"closed loop": ranges["mae"], "one shot": ranges["one_shot_mae"]}
    pictures["ranges"] = ranges_picture("Error per range of the score requested", lines, unit="MAE")
    gower = {"Gower distance": ranges["gower"], "distinct rows": ranges["distinct"]}
    pictures["diversity"] = ranges_picture("Diversity per range", gower, unit="0: all alike")
    pictures["spread"] = spread_picture(
        "Scores",
        {
            "asked": requested,
            "closed loop": methods["closed loop"].obtained,
            "one shot": methods["one shot"].obtained,
            "real test rows": audited.test_scores,
        },
    )
    loop = methods["closed loop"]
    matched = audited.test.iloc[score_matched(loop.obtained, audited.test_scores)]
    real, synthetic = code_tables(real=matched[audited.names], synthetic=loop.rows[audited.names])
    sides = {"real": real, "synthetic": synthetic}
    for position, name in enumerate(real.columns):
        pictures[column_key(position, name)] = column_picture(name, sides, matched[name])
    return pictures


def answers(audited: Audited, figures: Figures, ranges: pd.DataFrame) -> dict[str, str]:
    """The report's questions, answered: which class, which range, why; and what it means."""
    scores = audited.test_scores
    if np.ptp(scores) < CONSTANT:
        lead = f"The black box answers {scores[0]:.3f} to every real row: no other score exists."
        return {"range": lead}
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
    return page(
        "blackboxes/scored/templates/audit.html",
        title=f"{audited.title}: rows for scores",
        figures=figures,
        cards=_cards(figures),
        answers=[figures[name] for name in figures if name.startswith("answer.")],
        unreached=audited.unreached,
        methods={method: METHODS[method] for method in audited.methods},
        method_figures=_method_figures(audited, figures),
        range_header=["score requested", *(name.replace("_", " ") for name in RANGES)],
        ranges=_range_rows(ranges),
        classes=_class_rows(audited, figures),
        pictures=pictures,
        facts=[[name, _fact(figures[name])] for name in FACTS if name in figures],
    )


def _cards(figures: Figures) -> list[tuple[str, str, str, str]]:
    """Grade, question, answer and what it says, of each."""
    loop, once = float(figures["mae"]), float(figures["one_shot.mae"])
    auc = float(figures.get("c2st_matched_auc", np.nan))
    queries = float(figures["queries_per_kept_row"])
    kept = f"a kept row; {figures['kept']:,} of {figures['rows']:,} rows were kept"
    return [
        (_grade(loop), "Closed loop", f"MAE {loop:.4f}",
         "mean absolute error between requested and obtained score"),
        (_grade(once), "One shot", f"MAE {once:.4f}", "the same without a second query"),
        ("good" if auc < 0.6 else "fair" if auc < 0.7 else "poor", "Realism", f"C2ST {auc:.3f}",
         "against real test rows of the same scores; .5 cannot be told apart"),
        ("good" if queries <= 8 else "fair", "Price", f"{queries:.2f} queries", kept),
    ]  # fmt: skip


def _grade(mae: float) -> str:
    return next((grade for least, grade in GRADES if mae <= least), "poor")


def class_names(audited: Audited) -> list[str]:
    """The classes that the box decides for, in order."""
    return sorted({str(label) for label in audited.labels})


def _class_words(audited: Audited, figures: Figures) -> str:
    one_shot = audited.methods["one shot"]
    error = np.abs(one_shot.obtained - audited.requested)
    lines = []
    for label in class_names(audited):
        lead = f"{label!r}: {figures[f'class.{label}.rows']:,} rows"
        share = float(figures[f"class.{label}.within_05"])
        lines.append(f"{lead}, {share:.1%} within .05")
    high = audited.requested > 0.5
    sides = ""
    if high.any() and not high.all():
        sides = (
            f" In one shot the error is {error[high].mean():.3f} where a score above .5 was "
            "requested "
            f"and {error[~high].mean():.3f} below."
        )
    lead = "Which class: the closed loop, by the class the box decides for"
    return f"{lead}: {'; '.join(lines)}.{sides}"


def _range_words(ranges: pd.DataFrame) -> str:
    known = ranges.dropna(subset=["mae"])
    hardest, easiest = known["one_shot_mae"].idxmax(), known["one_shot_mae"].idxmin()
    kept = known[known["reached"] < 1]
    lead = (
        f"Which range: in one shot {easiest} is easiest (MAE "
        f"{known['one_shot_mae'][easiest]:.3f}) and {hardest} hardest "
        f"({known['one_shot_mae'][hardest]:.3f})."
    )
    if len(kept):
        return f"{lead} The closed loop left scores unreached in {', '.join(kept.index)}."
    return f"{lead} The closed loop reached every requested score."


def _why_words(figures: Figures, ranges: pd.DataFrame) -> str:
    share = ranges["real_rows"] / ranges["real_rows"].sum()
    rare = [str(name) for name in ranges.index[share < FEW]]
    lead = (
        f"Why: real rows get scores from {figures['attainable.min']:.3f} to "
        f"{figures['attainable.max']:.3f}; {share.iloc[0]:.0%} of them lie below .1 and "
        f"{share.iloc[-1]:.0%} above .9. Near 0 and 1 the box is sure and its neighbourhood is "
        "flat, so one shot lands; in the middle a small change of a row moves the score far."
    )
    return f"{lead} Hardly any real row has a score in {', '.join(rare)}." if rare else lead


def _transfer_words(figures: Figures) -> str:
    if "transfer.mae" not in figures:
        return "Transfer: the box is no forest that could be fitted again with another seed."
    other, own = float(figures["transfer.mae"]), float(figures["mae"])
    return (
        f"Transfer: a forest of another seed gives the same rows scores {other:.3f} away from "
        f"those requested ({float(figures['transfer.within_10']):.0%} within .1), against "
        f"{own:.3f} by "
        "the box itself: the difference is what the loop found in this one forest, not in the "
        "table."
    )


def _report_words(figures: Figures) -> str:
    if "constant.mae" not in figures:
        return "By one score alone: no score that was requested is one that real rows get."
    return (
        "By one score alone: rows that all get one and the same score, the best there is, would "
        f"have an MAE of {float(figures['constant.mae']):.3f} here."
    )


def _method_figures(audited: Audited, figures: Figures) -> list[list[str]]:
    prefixes = ["" if method == "closed loop" else f"{method.lower().replace(' ', '_')}."
                for method in audited.methods]  # fmt: skip
    return [
        [name, *(figure_text(float(figures.get(prefix + name, np.nan))) for prefix in prefixes)]
        for name in OF_WAYS
    ]


def _range_rows(ranges: pd.DataFrame) -> list[list[str]]:
    return [
        [str(name), *(f"{int(line[column]):,}" for column in RANGES[:2]),
         *(figure_text(line.get(column)) for column in RANGES[2:])]
        for name, line in ranges.iterrows()
    ]  # fmt: skip


def _class_rows(audited: Audited, figures: Figures) -> list[list[str]]:
    rows = []
    for label in class_names(audited):
        n, *others = (float(figures[f"class.{label}.{name}"]) for name in OF_CLASSES)
        rows.append([label, f"{int(n):,}", *map(figure_text, others)])
    return rows


def _fact(value: float | str) -> str:
    """A number of queries as a whole one; text as it is."""
    whole = not isinstance(value, str) and float(value).is_integer()
    return f"{int(value):,}" if whole else str(value)
