"""Advice on what to try next: causes behind a report's figures, and the setting for each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tabgan.report.measure import Measured, worst_pairs
from tabgan.report.rules import RuleShare
from tabgan.report.verdict import Finding

MOST = 0.25  # of the classifier's gain: a column with more gives rows away more than others
BY_ITSELF = 0.5  # of what is told apart: as much by single columns, and they are the cause
FEW_TESTS = 300  # rows: fewer say little
NAMED = 3  # rules


def advice(
    measured: Measured,
    found: Sequence[Finding],
    rules: Sequence[RuleShare],
    *,
    scores: Mapping[str, float],
    n_test: int,
    resplit_command: str = "",
) -> list[str]:
    """Sentences, the most important first; empty where nothing stands out.

    Args:
        measured: columns and pairs by their errors.
        found: the report's four answers (``verdict.findings``).
        rules: the share of rows that keep each.
        scores: of the rows that were judged.
        n_test: test rows.
        resplit_command: what measures the DCR share; empty where nothing can.
    """
    told_apart, copying, _, variety = found
    said = []
    if copying.grade == "poor":
        said.append(
            "The rows copy. Train with more rows, more dropout (model.dropout) or fewer steps "
            "(model.likelihood_steps); compare how they are told from real rows before and after."
        )
    if variety.grade == "poor":
        said.append("Variety is gone: train longer, or with another seed; see the section Variety.")
    if told_apart.grade in ("fair", "poor"):
        said += _what_gives_away(measured, scores)
    broken = [rule.text for rule in rules if rule.kind == "found" and rule.worst > 0][:NAMED]
    if broken:
        listed = json.dumps(broken, ensure_ascii=False)
        said.append(
            f"Rules that every training row keeps are broken: declare them (data.constraints="
            f"'{listed}'), and every generated row keeps them."
        )
    if n_test < FEW_TESTS:
        said.append(
            f"{n_test:,} test rows decide little: keep more of them aside (data.test_fraction)."
        )
    if resplit_command and "dcr_share" not in scores:
        said.append(
            "The DCR share, the fairest figure of copying, needs a training on half of the rows: "
            f"{resplit_command}"
        )
    return said


def _what_gives_away(measured: Measured, scores: Mapping[str, float]) -> list[str]:
    """The column or the pair that a classifier sees first."""
    gains = measured.columns["importance"].dropna().sort_values(ascending=False)
    said = []
    if len(gains) and gains.iloc[0] > MOST:
        said.append(
            f"Most of what gives rows away is column {gains.index[0]!r} ({gains.iloc[0]:.0%} of "
            "what the classifier used): see its picture, and whether its kind is right (a schema "
            "file corrects it)."
        )
    excess = scores.get("c2st_test_auc", 0.5) - 0.5
    alone = scores.get("c2st_test_auc_marginal", 0.5) - 0.5
    if excess <= 0:
        return said
    if alone > BY_ITSELF * excess:
        worst = measured.columns["error"].dropna()
        if len(worst):
            said.append(
                f"Columns are off by themselves, {worst.index[0]!r} most ({worst.iloc[0]:.1f} %): "
                "train longer (model.likelihood_steps), or draw refined rows."
            )
    elif pairs := worst_pairs(measured, 1):
        (a, b, error) = pairs[0]
        said.append(
            f"Single columns are right; how they go together is not, {a!r} with {b!r} most "
            f"({error:.1f} %): give the generator more to learn with (model.generator.hidden_dim, "
            "model.rounds), or declare the rule if there is one."
        )
    return said
