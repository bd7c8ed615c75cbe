"""What the figures say, in words, by thresholds that stand here and in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tabgan.metrics.collapse import COLLAPSE_THRESHOLD

Scores = Mapping[str, float]

TOLD_APART = (  # C2ST AUC up to -> answer, grade
    (0.52, "No", "good"),
    (0.60, "Hardly", "good"),
    (0.75, "In part", "fair"),
    (0.90, "Mostly", "poor"),
    (1.00, "Nearly always", "poor"),
)
LOST_AUC = ((0.01, "Yes", "good"), (0.03, "Nearly", "fair"), (1.0, "No", "poor"))
LOST_ERROR = ((0.05, "Yes", "good"), (0.15, "Nearly", "fair"), (math.inf, "No", "poor"))
COPIED = {"duplicate_rate": 0.01, "membership_auc": 0.05}  # beyond what real test rows get
CLOSE = {"dcr_q02": 2.0, "dcr_q05": 2.0}  # times the ideal
NEAR_FLOOR = 0.01  # an AUC so near to that of independent columns has learned no dependence

THRESHOLDS = (
    "Told apart, by c2st_test_auc: no up to .52 (or what chance allows with so few rows), hardly "
    "up to .60, in part up to .75, mostly up to .90; "
    "where real training rows are told from test rows too, what lies above their figure counts.",
    "Useful, by mle_auc beside a model trained on real rows: yes up to .01 lost, nearly up to "
    ".03; for a number, by mle_rmse: up to 5 % and 15 % more error.",
    "Copying: duplicate_rate more than twice that of real test rows and .01 above it, "
    "membership_auc .05 above that of real test rows, or dcr_q02 or dcr_q05 over twice its ideal.",
    f"Variety: the collapse alarm rings when more than {COLLAPSE_THRESHOLD:.0%} of the "
    "categories, of a column's entropy, of the distinct rows or of the spacing is gone.",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One question about the synthetic rows.

    Attributes:
        question: what a reader wants to know.
        answer: a word or two.
        says: the figures behind it.
        grade: how good that is; unknown where a figure is undefined.
        headline: its part of the report's first sentence.
    """

    question: str
    answer: str
    says: str
    grade: Literal["good", "fair", "poor", "unknown"]
    headline: str


def findings(
    model: Scores, real: Scores, floor: Scores, signals: Scores, *, n_test: int, n_synthetic: int
) -> list[Finding]:
    """The four answers that open a report, the most important first.

    Args:
        model: the figures of the synthetic rows.
        real: those of real rows in their place.
        floor: those of independent columns.
        signals: ``collapse.collapse_signals``.
        n_test: test rows.
        n_synthetic: synthetic rows.
    """
    return [
        _told_apart(model, real, floor, min(n_test, n_synthetic)),
        _useful(model, real, floor),
        _copying(model, real),
        _variety(signals),
    ]


def headline(found: list[Finding]) -> str:
    """The report's first sentences; copies and collapse go first, for they void the rest."""
    told_apart, useful, copying, variety = found
    void = [finding for finding in (copying, variety) if finding.grade == "poor"]
    rest = [finding for finding in (told_apart, useful, copying, variety) if finding not in void]
    return " ".join(finding.headline for finding in (*void, *rest) if finding.headline)


def chance_band(n_rows: int) -> float:
    """How far from .5 an AUC of chance strays with ``n_rows`` rows on each side: two deviations."""
    return 2 * math.sqrt((2 * n_rows + 1) / (12 * n_rows**2))


def _told_apart(model: Scores, real: Scores, floor: Scores, n_rows: int) -> Finding:
    question = "Can they be told from real rows?"
    auc = model.get("c2st_test_auc")
    if auc is None:
        return _unknown(question, "c2st_test_auc is undefined", "Too little to judge realism by.")
    band = max(TOLD_APART[0][0] - 0.5, chance_band(n_rows))
    says = (
        f"Of 100 pairs of a real and a synthetic row, a classifier orders {100 * auc:.0f} rightly "
        f"(50 is chance; with {n_rows:,} rows, {50 - 100 * band:.0f} to {50 + 100 * band:.0f})."
    )
    shift = real.get("c2st_test_auc", 0.5) - 0.5
    if shift > band:
        says += (
            f" Real training rows get {50 + 100 * shift:.0f}: the test table is not drawn like the "
            "training table, so the rows are judged by what they lie above that."
        )
        auc -= shift
    if auc < 0.5 - 2 * band:
        says += " So far under 50, the synthetic rows hold rows of the test table."
        return Finding(
            question=question, answer="Not judged", says=says, grade="unknown",
            headline="The test rows are among the synthetic rows, so realism is not judged.",
        )  # fmt: skip
    if auc <= 0.5 + band:
        answer, grade = TOLD_APART[0][1:]
    else:
        answer, grade = next(entry[1:] for entry in TOLD_APART if auc <= entry[0])
    ends = {
        "No": "Not told from unseen real rows.",
        "Hardly": "Hardly told from unseen real rows.",
        "In part": "Told from unseen real rows in part.",
        "Mostly": "Mostly told from unseen real rows.",
        "Nearly always": "Nearly always told from unseen real rows.",
    }
    lead = ends[answer]
    if (
        auc > 0.5 + band
        and model["c2st_test_auc"] >= floor.get("c2st_test_auc", math.inf) - NEAR_FLOOR
    ):
        says += " Columns drawn independently do no worse."
        lead = "No better than columns drawn independently."
    return Finding(question=question, answer=answer, says=says, grade=grade, headline=lead)  # type: ignore[arg-type]


def _useful(model: Scores, real: Scores, floor: Scores) -> Finding:
    question = "Do they train a model as real rows do?"
    if "mle_auc" in model and "mle_auc" in real:
        lost = real["mle_auc"] - model["mle_auc"]
        answer, grade = next(entry[1:] for entry in LOST_AUC if lost <= entry[0])
        says = (
            f"AUC on real test rows {model['mle_auc']:.3f}, trained on real {real['mle_auc']:.3f}"
        )
        if "mle_auc" in floor:
            says += f", on independent columns {floor['mle_auc']:.3f}"
    elif "mle_rmse" in model and "mle_rmse" in real:
        lost = model["mle_rmse"] / real["mle_rmse"] - 1 if real["mle_rmse"] > 0 else 0.0
        answer, grade = next(entry[1:] for entry in LOST_ERROR if lost <= entry[0])
        says = (
            f"Error on real test rows {model['mle_rmse']:.4g}, "
            f"trained on real {real['mle_rmse']:.4g}"
        )
    else:
        return _unknown(question, "no target to learn, or it is undefined (see the notes)", "")
    told = {
        "Yes": "As useful as real rows for training.",
        "Nearly": "Nearly as useful for training.",
    }
    lead = told.get(answer, "Clearly less useful for training.")
    return Finding(question=question, answer=answer, says=says + ".", grade=grade, headline=lead)  # type: ignore[arg-type]


def _copying(model: Scores, real: Scores) -> Finding:
    question = "Do they copy training rows?"
    known = [name for name in (*COPIED, *CLOSE) if name in model]
    if not known:
        return _unknown(question, "the copying metrics are undefined", "")
    signs = []
    for name, margin in COPIED.items():
        base = real.get(name, 0.5 if name == "membership_auc" else 0.0)
        limit = base + margin if name == "membership_auc" else max(2 * base, base + margin)
        if model.get(name, 0.0) > limit:
            signs.append(f"{name} {model[name]:.3f} (real test rows: {base:.3f})")
    for name, times in CLOSE.items():
        ideal = {"dcr_q02": 2.0, "dcr_q05": 5.0}[name]
        if model.get(name, 0.0) > times * ideal:
            signs.append(f"{name} {model[name]:.1f} (ideal {ideal:.0f})")
    if signs:
        return Finding(
            question=question, answer="Yes", says="; ".join(signs) + ".", grade="poor",
            headline="They copy training rows.",
        )  # fmt: skip
    says = ", ".join(f"{name} {model[name]:.3g}" for name in known)
    return Finding(
        question=question, answer="No sign", says=says + ".", grade="good",
        headline="No sign of copying.",
    )  # fmt: skip


def _variety(signals: Scores) -> Finding:
    question = "Is the variety kept?"
    if not signals:
        return _unknown(question, "undefined on these tables", "")
    worst = max(signals, key=lambda name: signals[name])
    gone = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in signals.items())
    if signals[worst] > COLLAPSE_THRESHOLD:
        return Finding(
            question=question, answer="No", says=f"Gone: {gone}.", grade="poor",
            headline="Variety has collapsed.",
        )  # fmt: skip
    grade: Literal["good", "fair"] = "good" if signals[worst] <= COLLAPSE_THRESHOLD / 2 else "fair"
    answer = "Yes" if grade == "good" else "Mostly"
    return Finding(
        question=question, answer=answer, says=f"Gone: {gone}.", grade=grade, headline=""
    )


def _unknown(question: str, says: str, lead: str) -> Finding:
    return Finding(
        question=question, answer="Not known", says=says + ".", grade="unknown", headline=lead
    )
