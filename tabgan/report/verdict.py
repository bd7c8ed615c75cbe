"""Verdicts on the figures, in words, by thresholds that stand here and in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scipy.stats import norm

from tabgan.metrics.chance import (
    DEVIATIONS,
    auc_band,
    rate_band,
    share_interval,
    under_quantile,
)
from tabgan.metrics.collapse import COLLAPSE_THRESHOLD

Scores = Mapping[str, float]

TOLD_APART = (  # C2ST AUC up to -> answer, grade
    (0.52, "No", "good"),
    (0.60, "Hardly", "good"),
    (0.75, "In part", "fair"),
    (0.90, "Mostly", "poor"),
    (1.00, "Nearly always", "poor"),
)
REALISTIC = TOLD_APART[0][0] - 0.5
WIDE_BAND = 0.05  # of an AUC's chance, of 267 rows: with fewer, rows that are told may pass
LOST_AUC = ((0.01, "Yes", "good"), (0.03, "Nearly", "fair"), (1.0, "No", "poor"))
LOST_ERROR = ((0.05, "Yes", "good"), (0.15, "Nearly", "fair"), (math.inf, "No", "poor"))
COPIED = {"duplicate_rate": 0.01, "membership_auc": 0.05}  # beyond what real test rows get
CLOSE = {"dcr_q02": 2.0, "dcr_q05": 5.0}  # the ideals; twice as much is copying
BESIDE = {  # what stands beside the C2ST, which does not see memorising
    "dcr_share": "DCR share",
    "duplicate_rate": "copies",
    "membership_tpr01": "training rows found at 1 % false positives",
}
SIGNS = {  # of copying: what a headline calls the figures that a verdict may come from
    "duplicate_rate": "copies",
    "membership_auc": "AUC of a membership attack",
    "membership_tpr01": "training rows found at 1 % false positives",
    "dcr_q02": "% of rows nearer to training rows than the nearest 2 % of test rows",
    "dcr_q05": "% of rows nearer to training rows than the nearest 5 % of test rows",
    "dcr_share": "DCR share",
}
PLAIN: tuple[Mapping[str, str], ...] = (  # the answer to each question -> a sentence
    {
        "No": "The rows look real: classifiers cannot tell them from rows never seen.",
        "No, by few rows": "The rows look real as far as so few test rows can tell.",
        "Hardly": "The rows look nearly real: classifiers hardly tell them from rows never seen.",
        "In part": "Classifiers tell the rows from real ones in part.",
        "Mostly": "Classifiers mostly tell the rows from real ones.",
        "Nearly always": "Classifiers nearly always tell the rows from real ones.",
        "Too few rows": "There are too few test rows to say whether the rows look real: columns "
        "drawn independently do about as well.",
        "Not known": "There are too few test rows to say whether the rows look real.",
    },
    {
        "No sign": "There is no sign that they copy training rows.",
        "Too few rows": "There are too few test rows to say whether they copy training rows.",
        "Yes": "They copy training rows: do not give them away.",
        "Too near": "They lie nearer to training rows than they should: do not give them away.",
    },
    {
        "Yes": "A model learns from them as well as from real rows.",
        "Nearly": "A model learns from them nearly as well as from real rows.",
        "No": "A model learns clearly less from them than from real rows.",
        "Too few rows": "There are too few test rows to say whether a model learns from them.",
    },
    {"No": "Their variety has collapsed."},
)
SHARES = {  # of the collapse signals: what is missing
    "lost_categories": "categories",
    "entropy": "the entropy of a column",
    "distinct_rows": "distinct rows",
    "spacing": "the distance between rows",
}
SURE = 1 - 0.05 / len(SIGNS)  # of each, so that chance alone accuses one generator in forty
SURE_DEVIATIONS = float(norm.ppf((1 + SURE) / 2))
FEWEST_TESTS = 20  # rows: with fewer, as a C2ST needs, no sign of copying says nothing
NEARER = 0.05  # of the DCR share, above .5
FOUND = 0.01  # the ideal of membership_tpr01; twice as much is copying
NEAR_FLOOR = 0.01  # an AUC so near to that of independent columns has learned no dependence
LEARNABLE = {"mle_auc": 0.01, "mle_rmse": 0.05}  # what real rows gain on independent columns

THRESHOLDS = (
    "Told apart, by c2st_test_auc_worst: no up to .52 (or what chance allows with few rows, and "
    f"more than {WIDE_BAND} of chance is said beside the answer; not "
    "judged where independent columns are not above the rows, or .5, by as much), "
    "hardly up to .60, in part up to .75, mostly up to .90; "
    "where real training rows are told from test rows too, what lies above their figure counts.",
    "Copying: duplicate_rate more than twice that of real test rows and .01 above it, "
    "membership_auc .05 above that of real test rows, membership_tpr01 over twice theirs, dcr_q02 "
    "or dcr_q05 over twice its ideal, or dcr_share over .55; each only where chance with so few "
    "rows does not do as much (95 % for the six together). Without copies rows are said to lie too "
    f"near; with fewer than {FEWEST_TESTS} test rows nothing is said.",
    "Useful, by mle_auc beside a model trained on real rows: yes up to .01 lost, nearly up to "
    ".03; for a number, by mle_rmse: up to 5 % and 15 % more error. Not judged where chance takes "
    "as much with so few test rows (two standard errors), or half of what real rows gain on "
    "independent columns, or where real rows themselves gain no "
    "more than .01 (5 %) on independent columns.",
    f"Variety: the collapse alarm rings when more than {COLLAPSE_THRESHOLD:.0%} of the "
    "categories, of a column's entropy, of the distinct rows or of the spacing is gone, after what "
    "chance takes from samples of this size.",
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


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The figures that a verdict rests on, and of how many rows they are.

    Attributes:
        model: of the synthetic rows.
        real: of real rows in their place.
        floor: of independent columns.
        signals: ``collapse.collapse_signals``.
        collapse: which of them ring and why (``collapse.describe_collapse``).
        detector: the trees that judged, with their version.
        n_train: training rows.
        n_test: test rows.
        n_synthetic: synthetic rows.
    """

    model: Scores
    real: Scores
    floor: Scores
    signals: Scores
    collapse: str = ""
    detector: str = "trees"
    n_train: int
    n_test: int
    n_synthetic: int


def findings(judged: Judged) -> list[Finding]:
    """The four answers that open a report: told apart, copies, useful, variety."""
    return [_told_apart(judged), _copying(judged), _useful(judged), _variety(judged)]


def headline(found: list[Finding]) -> str:
    """The report's first sentences; copies and collapse go first, for they void the rest."""
    return " ".join(finding.headline for finding in _by_weight(found) if finding.headline)


def in_short(found: list[Finding]) -> str:
    """The four answers as plain sentences, without figures, in the headline's order."""
    said = {id(one): PLAIN[position].get(one.answer, "") for position, one in enumerate(found)}
    return (
        " ".join(filter(None, (said[id(finding)] for finding in _by_weight(found))))
        or "There are too few rows to judge them."
    )


def _by_weight(found: list[Finding]) -> list[Finding]:
    """The findings with copies and collapse, where there are any, before the others."""
    _, copying, _, variety = found
    void = [finding for finding in (copying, variety) if finding.grade == "poor"]
    return [*void, *(finding for finding in found if not any(finding is one for one in void))]


def _told_apart(judged: Judged) -> Finding:
    question = "Can they be told from real rows?"
    name = "c2st_test_auc_worst"
    model, n_rows = judged.model, min(judged.n_test, judged.n_synthetic)
    auc = model.get(name)
    if auc is None:
        return _unknown(question, f"{name} is undefined", "Too little to judge realism by.")
    band = max(REALISTIC, auc_band(n_rows, n_rows))
    by = f"trees {model['c2st_test_auc']:.3f}, a net {model['c2st_test_auc_net']:.3f}"
    says = (
        f"Of 100 pairs of a real and a synthetic row, the better of two classifiers ({by}) orders "
        f"{100 * auc:.0f} rightly (50 is chance; with {n_rows:,} rows, {50 - 100 * band:.0f} to "
        f"{50 + 100 * band:.0f})."
    )
    noise = f"; with {n_rows:,} rows .5 ± {band:.2f} is chance" if band > REALISTIC else ""
    lead = f" (C2ST AUC: {by}{noise})."
    shift = judged.real.get(name, 0.5) - 0.5
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
    if auc <= 0.5 + band and judged.floor.get(name, 1.0) <= max(0.5, auc) + band:
        says += f" Columns drawn independently get {100 * judged.floor[name]:.0f}."
        lead = f"With {n_rows:,} test rows columns drawn independently do about as well{lead}"
        return Finding(
            question=question, answer="Too few rows", says=says, grade="unknown", headline=lead
        )
    if auc <= 0.5 + band and band > WIDE_BAND:
        answer, grade = "No, by few rows", "unknown"
    elif auc <= 0.5 + band:
        answer, grade = TOLD_APART[0][1:]
    else:
        answer, grade = next(entry[1:] for entry in TOLD_APART if auc <= entry[0])
    ends = {
        "No": "Not told from unseen real rows",
        "No, by few rows": "Not told from unseen real rows, of which there are few",
        "Hardly": "Hardly told from unseen real rows",
        "In part": "Told from unseen real rows in part",
        "Mostly": "Mostly told from unseen real rows",
        "Nearly always": "Nearly always told from unseen real rows",
    }
    end = ends[answer]
    if auc > 0.5 + band and model[name] >= judged.floor.get(name, math.inf) - NEAR_FLOOR:
        says += " Columns drawn independently do no worse."
        end = "No better than columns drawn independently"
    return Finding(question=question, answer=answer, says=says, grade=grade, headline=end + lead)  # type: ignore[arg-type]


def _copying(judged: Judged) -> Finding:
    question = "Do they copy training rows?"
    model = judged.model
    known = [name for name in SIGNS if name in model]
    if not known:
        return _unknown(question, "the copying metrics are undefined", "")
    bounds = _bounds(judged)
    signs = [name for name in known if model[name] > bounds[name].limit]
    beside = ", ".join(
        f"{heading} {_figure(name, judged)}" if name in model else f"{heading} not measured"
        for name, heading in BESIDE.items()
        if name not in signs
    )
    if signs:
        figures = [f"{_figure(name, judged, bounds[name])}" for name in signs]
        lead = "; ".join(f"{SIGNS[name]} {one}" for name, one in zip(signs, figures, strict=True))
        copies = "duplicate_rate" in signs
        says = f"{lead[0].upper()}{lead[1:]}. {_copies_in_words(judged)}"
        lead += f". Beside: {beside}" if beside else ""
        return Finding(
            question=question, answer="Yes" if copies else "Too near", says=says, grade="poor",
            headline=f"They {'copy' if copies else 'lie too near to'} training rows: {lead}.",
        )  # fmt: skip
    if judged.n_test < FEWEST_TESTS:
        lead = f"{judged.n_test:,} test rows are too few to say whether they copy: {beside}."
        return Finding(
            question=question, answer="Too few rows", says=_no_sign_in_words(judged),
            grade="unknown", headline=lead,
        )  # fmt: skip
    return Finding(
        question=question, answer="No sign", says=_no_sign_in_words(judged), grade="good",
        headline=f"No sign of copying: {beside}.",
    )  # fmt: skip


def _copies_in_words(judged: Judged) -> str:
    """How many of the rows are training rows, as a sentence; empty where that is unknown."""
    share, real = judged.model.get("duplicate_rate"), judged.real.get("duplicate_rate", 0.0)
    if share is None:
        return ""
    if share == 0:
        return "No row is a training row."
    return f"{share:.2%} of the rows are training rows (of real test rows {real:.2%})."


def _no_sign_in_words(judged: Judged) -> str:
    """Of rows that copy nothing: copies, an attack, the DCR share, and what they leave open."""
    model, said = judged.model, [_copies_in_words(judged)]
    if "membership_auc" in model:
        said.append(
            "An attacker tells training rows from others with an AUC of "
            f"{model['membership_auc']:.3f} (.5 is guessing)."
        )
    if "dcr_share" in model:
        said.append(
            f"Of a training on half of the rows {model['dcr_share']:.1%} lie nearer to that half "
            "than to the other (50% is no copying)."
        )
    else:
        said.append("The DCR share was not measured.")
    return " ".join(filter(None, [*said, "This measures, and proves nothing."]))


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The bounds of a figure of copying when nothing is copied.

    Attributes:
        chance: the interval of what rows that copy nothing get (95 % for all figures together).
        limit: above it rows copy: the threshold, or the end of ``chance`` where that is higher.
        n: test rows, or synthetic ones, which are why ``chance`` is as wide as it is.
        rows: which of the two.
    """

    chance: tuple[float, float]
    limit: float
    n: int
    rows: str = "test"


def _figure(name: str, judged: Judged, bounds: Bounds | None = None) -> str:
    """A figure of copying beside that of real rows, and of a sign why it is one."""
    beside = f"real rows {judged.real[name]:.3f}" if name in judged.real else ""
    if bounds is not None:
        low, high = bounds.chance
        beside += f"{', ' if beside else ''}copying above {bounds.limit:.3f}; "
        beside += f"with {bounds.n:,} {bounds.rows} rows {low:.3f} to {high:.3f} is chance"
    return f"{judged.model[name]:.3f}" + (f" ({beside})" if beside else "")


def _bounds(judged: Judged) -> dict[str, Bounds]:
    """What each sign of copying may be by chance, and from where on it is one."""
    real, train, test, made = judged.real, judged.n_train, judged.n_test, judged.n_synthetic
    half = max(1, test // 2)  # of the test rows: the holdout of real rows in the generator's place
    found = {}

    def bound(name: str, chance: tuple[float, float], threshold: float, **of: Any) -> None:
        found[name] = Bounds(chance=chance, limit=max(threshold, chance[1]), **({"n": test} | of))

    base = real.get("duplicate_rate", 0.0)
    chance = share_interval(base, min(test, made), SURE)
    bound("duplicate_rate", chance, max(2 * base, base + COPIED["duplicate_rate"]))
    base = real.get("membership_auc", 0.5)
    bands = (auc_band(train, n, SURE_DEVIATIONS) for n in (test, half))
    bound("membership_auc", _around(base, math.hypot(*bands)), base + COPIED["membership_auc"])
    base = max(FOUND, real.get("membership_tpr01", FOUND))
    bands = (rate_band(FOUND, train, n, SURE_DEVIATIONS) for n in (test, half))
    bound("membership_tpr01", _around(base, math.hypot(*bands)), 2 * base)
    for name, ideal in CLOSE.items():
        low, high = under_quantile(ideal / 100, test, made, SURE)
        bound(name, (100 * low, 100 * high), 2 * ideal)
    chance = _around(0.5, rate_band(0.5, made, made, SURE_DEVIATIONS))
    bound("dcr_share", chance, 0.5 + NEARER, n=made, rows="synthetic")
    return found


def _around(middle: float, band: float) -> tuple[float, float]:
    """The part of [0, 1] that is no farther than ``band`` from ``middle``."""
    return max(0.0, middle - band), min(1.0, middle + band)


def _useful(judged: Judged) -> Finding:
    question = "Do they train a model as real rows do?"
    model, real, floor = judged.model, judged.real, judged.floor
    name = next((n for n in LEARNABLE if n in model and n in real), None)
    if name is None:
        return _unknown(question, "no target to learn, or it is undefined (see the notes)", "")
    lost, band = _lost(name, model, real)
    gained, gain_band = _lost(name, floor, real) if name in floor else (math.inf, 0.0)
    what = "AUC" if name == "mle_auc" else "Error"
    digits = ".3f" if name == "mle_auc" else ".4g"
    says = (
        f"{what} on real test rows {model[name]:{digits}}, trained on real {real[name]:{digits}}"
        + (f", on independent columns {floor[name]:{digits}}" if name in floor else "")
        + f" (with {judged.n_test:,} test rows a difference of {band:{digits}}"
        + (" is chance)." if name == "mle_auc" else " of the error is chance).")
    )
    if gained <= LEARNABLE[name]:
        says += " Real rows themselves do no better than independent columns."
        lead = "The target is hardly learned from real rows either, so usefulness is not judged."
        return Finding(
            question=question, answer="Not judged", says=says, grade="unknown", headline=lead
        )
    limits = LOST_AUC if name == "mle_auc" else LOST_ERROR
    if limits[0][0] < lost <= band or band > gained / 2 or gained <= gain_band:
        lead = f"{judged.n_test:,} test rows are too few to say how useful they are for training."
        return Finding(
            question=question, answer="Too few rows", says=says, grade="unknown", headline=lead
        )
    answer, grade = next(entry[1:] for entry in limits if lost <= entry[0])
    answers = {
        "Yes": "As useful as real rows for training",
        "Nearly": "Nearly as useful for training",
    }
    noise = f"{band:.3f}" if name == "mle_auc" else f"{band:.1%}"
    lead = (
        f"{answers.get(answer, 'Clearly less useful for training')} ({what} {model[name]:{digits}} "
        f"instead of {real[name]:{digits}}; {noise} less or more is chance)."
    )
    return Finding(question=question, answer=answer, says=says, grade=grade, headline=lead)  # type: ignore[arg-type]


def _lost(name: str, rows: Scores, real: Scores) -> tuple[float, float]:
    """What is lost beside training on real rows, and how much of it may be chance: AUC, or shares.

    Chance is two standard errors of the difference, as if the two erred apart; on the same test
    rows they err together, so it is less.
    """
    noise = DEVIATIONS * math.hypot(rows.get(f"{name}_se", 0.0), real.get(f"{name}_se", 0.0))
    if name == "mle_auc":
        return real[name] - rows[name], noise
    if real[name] == 0:
        return 0.0, 0.0
    return rows[name] / real[name] - 1, noise / real[name]


def _variety(judged: Judged) -> Finding:
    question = "Is the variety kept?"
    signals = judged.signals
    if not signals:
        return _unknown(question, "undefined on these tables", "")
    worst = max(signals.values())
    gone = ", ".join(f"{share:.0%} of {SHARES[name]}" for name, share in signals.items())
    says = f"Missing beside real rows, beyond chance: {gone}."
    if worst > COLLAPSE_THRESHOLD:
        return Finding(
            question=question, answer="No", says=f"{says} {judged.collapse}.", grade="poor",
            headline=f"Variety has collapsed: {judged.collapse}.",
        )  # fmt: skip
    grade: Literal["good", "fair"] = "good" if worst <= COLLAPSE_THRESHOLD / 2 else "fair"
    answer = "Yes" if grade == "good" else "Mostly"
    return Finding(question=question, answer=answer, says=says, grade=grade, headline="")


def _unknown(question: str, says: str, lead: str) -> Finding:
    return Finding(
        question=question, answer="Not known", says=says + ".", grade="unknown", headline=lead
    )
