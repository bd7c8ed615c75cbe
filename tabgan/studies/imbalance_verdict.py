"""The imbalance study's verdict: tables, ranks, and whether oversampling helps, by a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from tabgan.studies.resamplers import OURS, WEIGHTED

FIGURES = {
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "f1": "F1 at .5",
    "f1_tuned": "F1, threshold moved",
    "g_mean": "G-mean at .5",
    "g_mean_tuned": "G-mean, threshold moved",
    "ece": "calibration error",
}
BASELINES = ("none", WEIGHTED)  # what does not oversample
JUDGED = ("pr_auc", "f1_tuned")  # what a resampler has to be better at, both
RIVAL = "SMOTENC"
CONFIDENCE = 0.95
EACH = ["table", "contestant", "classifier"]
RULE = (
    "The rule: a resampler helps a classifier on a table when its mean PR-AUC and its mean F1 with "
    "the threshold moved are both above those of `none` and of `class weights` by more than the "
    "half width of the 95 % interval of the paired difference over folds x seeds."
)


NEARNESS = (
    "The share of made rows that lie nearer to one of the rare training rows than to one of as "
    "many unseen rare rows: .5 is as near as to rows never seen, 1 is a copy. Where it is high, "
    "made rows say who the few were: they are not for giving away."
)


def half_width(values: Sequence[float]) -> float:
    """Half the 95 % interval of a mean, by Student's t; infinite for fewer than two values."""
    n = len(values)
    if n < 2:
        return float("inf")
    bound = t.ppf((1 + CONFIDENCE) / 2, n - 1)
    return float(bound * np.std(values, ddof=1) / np.sqrt(n))


def differences(
    lines: pd.DataFrame, figures: Sequence[str], *, against: str = BASELINES[0]
) -> pd.DataFrame:
    """Paired differences to a baseline, of the same fold, seed and classifier.

    Returns:
        A row per table, contestant (but ``against``), classifier and figure: ``figure``, ``mean``
        and ``half`` (of the 95 % interval).
    """
    keys = ["table", "classifier", "seed", "fold"]
    base = lines[lines["contestant"] == against].set_index(keys)
    found: list[dict[str, Any]] = []
    for (table, contestant, classifier), group in lines.groupby(EACH, sort=False):
        if contestant == against:
            continue
        for figure in figures:
            gap = (group.set_index(keys)[figure] - base[figure]).dropna().to_numpy()
            if len(gap):
                found.append(
                    {
                        "table": table,
                        "contestant": contestant,
                        "classifier": classifier,
                        "figure": figure,
                    }
                    | {"mean": float(gap.mean()), "half": half_width(gap)}
                )
    return pd.DataFrame(found)


def helpers(lines: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Per table, the (resampler, classifier) that help by ``RULE``."""
    judged: list[pd.DataFrame] = []
    for baseline in BASELINES:
        gaps = differences(lines, JUDGED, against=baseline)
        if len(gaps):
            judged.append(gaps[~gaps["contestant"].isin(BASELINES)])
    found: dict[str, list[tuple[str, str]]] = {str(name): [] for name in lines["table"].unique()}
    if not judged:
        return found
    every = pd.concat(judged)
    every = every.assign(better=every["mean"] > every["half"])
    for (table, contestant, classifier), group in every.groupby(EACH, sort=False):
        if len(group) == len(BASELINES) * len(JUDGED) and group["better"].all():
            found[str(table)].append((str(contestant), str(classifier)))
    return found


def verdict(lines: pd.DataFrame) -> list[str]:
    """Sentences: per table whether to oversample, then how ours stand beside SMOTENC."""
    sentences = [_advice(lines, table, pairs) for table, pairs in helpers(lines).items()]
    rivals = differences(lines, JUDGED, against=RIVAL)
    for contestant in OURS:
        if len(rivals) and (rivals["contestant"] == contestant).any():
            sentences.append(_beside(rivals[rivals["contestant"] == contestant], contestant))
    return sentences


def ranks(lines: pd.DataFrame) -> pd.DataFrame:
    """Mean rank over tables and classifiers, 1 is best; rows are resamplers, columns figures."""
    means = lines.groupby(EACH, sort=False)[list(FIGURES)].mean()
    means["ece"] = -means["ece"]
    each = means.groupby(["table", "classifier"], sort=False).rank(ascending=False)
    return each.groupby("contestant", sort=False).mean()


def page(lines: pd.DataFrame, folds: int, gan: Mapping[str, Any]) -> str:
    """The study as Markdown: verdict, ranks, a table per task and classifier."""
    parts = ["## Verdict", "", *(f"- {sentence}" for sentence in verdict(lines)), "", RULE, ""]
    parts += [
        f"Means over {folds} folds x {lines['seed'].nunique()} seeds on the same test rows, ± half "
        "of a 95 % interval (Student's t; training folds overlap, so it is rather narrow). The "
        "threshold is chosen on the fold held out of training, never on test rows. "
        f"GANs are trained briefly: `{dict(gan)}`.",
        "", "## Mean ranks (1 is best)", "", _markdown(ranks(lines).map("{:.1f}".format)),
    ]  # fmt: skip
    if "nearness" in lines:
        parts += ["", "## How near made rows lie to the rare rows they were made of", "", NEARNESS]
        parts += ["", _markdown(_nearness(lines))]
    for (table, classifier), group in lines.groupby(["table", "classifier"], sort=False):
        parts += ["", f"## {table}, {classifier}", "", _markdown(_figures(group))]
    return "\n".join(parts) + "\n"


def _nearness(lines: pd.DataFrame) -> pd.DataFrame:
    """A row per resampler that makes rows, a column per table."""
    means = lines.pivot_table("nearness", index="contestant", columns="table", sort=False)
    return means.map("{:.3f}".format)


def _figures(group: pd.DataFrame) -> pd.DataFrame:
    shown = {
        name: {
            figure: f"{values[figure].mean():.3f} ± {half_width(values[figure].to_numpy()):.3f}"
            for figure in FIGURES
        }
        for name, values in group.groupby("contestant", sort=False)
    }
    return pd.DataFrame.from_dict(shown, orient="index")


def _markdown(frame: pd.DataFrame) -> str:
    head = ["resampler", *(FIGURES.get(str(name), str(name)) for name in frame)]
    rows = [
        [str(name), *map(str, row)] for name, row in zip(frame.index, frame.to_numpy(), strict=True)
    ]
    rule = ["---", *["---:"] * len(frame.columns)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _advice(lines: pd.DataFrame, table: str, pairs: list[tuple[str, str]]) -> str:
    if pairs:
        named = "; ".join(f"{contestant} with {classifier}" for contestant, classifier in pairs)
        return f"{table}: oversampling helps: {named}."
    mine = lines[lines["table"] == table]
    means = mine.groupby(["classifier", "contestant"])[["f1", "f1_tuned"]].mean()
    best = str(means["f1_tuned"].groupby("classifier").max().idxmax())
    plain = means.loc[(best, BASELINES[0])]
    others = means.loc[best].drop(index=[n for n in BASELINES if n in means.loc[best].index])
    sentence = f"{table}: do not oversample."
    if len(others):
        name = str(others["f1"].idxmax())
        sentence += (
            f" With {best}, the rows as they are have an F1 of {plain['f1']:.3f} at .5 and of "
            f"{plain['f1_tuned']:.3f} with the threshold moved; the best oversampler at .5, "
            f"{name}, has {others.loc[name, 'f1']:.3f}, and {others.loc[name, 'f1_tuned']:.3f} "
            "with it moved."
        )
    return sentence


def _beside(gaps: pd.DataFrame, contestant: str) -> str:
    counts = {
        "above": int((gaps["mean"] > gaps["half"]).sum()),
        "level": int((gaps["mean"].abs() <= gaps["half"]).sum()),
        "below": int((gaps["mean"] < -gaps["half"]).sum()),
    }
    means = gaps.groupby("figure")["mean"].mean()
    changes = ", ".join(f"{FIGURES[name]} {means[name]:+.3f}" for name in JUDGED)
    return (
        f"{contestant} against {RIVAL}, in {len(gaps)} comparisons (table x classifier x PR-AUC, "
        f"moved F1): {counts['above']} above, {counts['level']} level, {counts['below']} below; "
        f"in the mean {changes}."
    )
