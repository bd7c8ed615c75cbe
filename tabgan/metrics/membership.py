"""Membership inference: what an attacker learns of the training table from synthetic rows.

An attack gives every real row a score. Its ROC AUC is an average, which hides the few rows that
leak; its true-positive rate at few false positives shows them (Carlini et al. 2022, "Membership
Inference Attacks From First Principles"): of training rows that it accuses, the share, when 1 % or
.1 % of rows that were not trained on are accused too.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tabgan.errors import TabganError
from tabgan.metrics.drawing import draw_rows
from tabgan.metrics.nearest import MixedRows, mixed_rows, nearest_rows
from tabgan.seeding import rng_at

FALSE_POSITIVES = {"tpr01": 0.01, "tpr001": 0.001}
MAX_QUERIES = 50_000  # of each table whose rows look for their nearest row, drawn by seed
CHEAP_ROWS = 2_000
CHEAP_CELLS = 2 * 10**8  # pairs of rows x columns: all 2,000 rows up to 50 columns

Floats = NDArray[np.float64]


def membership(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    seed: int = 0,
    ratio: bool = True,
    max_rows: int = MAX_QUERIES,
) -> dict[str, float]:
    """Two membership attacks: how well they tell training rows from others.

    By distance: a row is the likelier a member the nearer a synthetic row is. ``membership_auc`` in
    [0, 1], .5 is best: above, the synthetic table gives training rows away, a little under .5 is
    chance. ``membership_tpr01`` and ``membership_tpr001``, the true-positive rates at 1 % and .1 %
    false positives, in [0, 1], .01 and .001 are best.

    By density ratio, as DOMIAS does (van Breugel et al. 2023): a row is the likelier a member the
    likelier it is among synthetic rows than among real ones. ``membership_ratio_auc``,
    ``membership_ratio_tpr01``, ``membership_ratio_tpr001`` alike. The ratio is estimated from
    nearest neighbours (Wang, Kulkarni & Verdú 2009): the distance to the nearest reference row over
    that to the nearest synthetic row. One half of the holdout, drawn by seed, are the references,
    and the other half is attacked.

    A rate is absent where fewer than ``fewest_rows`` others are attacked. All assume that the
    holdout is drawn like the training table; on a test file from elsewhere (NSL-KDD) real rows do
    not score the ideal either.

    Args:
        train: the rows that the generator was trained on.
        holdout: real rows that it never saw.
        synthetic: its rows.
        seed: of the draws of rows.
        ratio: whether to attack by density ratio too.
        max_rows: attacked rows of each kind, at most.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    members, others, made = mixed_rows(
        train=draw_rows(train, max_rows, seed, "membership"),
        holdout=draw_rows(holdout, max_rows, seed, "membership"),
        synthetic=synthetic,
    )
    of_members, of_others = (_to_nearest(rows, made) for rows in (members, others))
    figures = _figures("membership", -of_members, -of_others)
    if not ratio or len(of_others) < 2:
        return figures
    order = rng_at(seed, "metrics", "membership", "halves").permutation(len(of_others))
    known, attacked = np.split(order, [len(order) // 2])
    references = _taken(others, known)
    of_members = _ratio(_to_nearest(members, references), of_members)
    of_others = _ratio(_to_nearest(_taken(others, attacked), references), of_others[attacked])
    return figures | _figures("membership_ratio", of_members, of_others)


def cheap_membership_tpr(
    train: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0
) -> float:
    """``membership_tpr01`` of few rows, for watching a training; in [0, 1], .01 is best.

    At most ``CHEAP_ROWS`` rows of each kind are attacked, and fewer of wide tables. With 2,000 of
    each, .01 ± .006 is chance (two standard errors).

    Raises:
        TabganError: when the tables differ in columns, or the holdout is too small.
    """
    bound = min(CHEAP_ROWS, math.isqrt(CHEAP_CELLS // train.shape[1]))
    n_rows = max(bound, fewest_rows(FALSE_POSITIVES["tpr01"]))
    found = membership(train, holdout, synthetic, seed=seed, ratio=False, max_rows=n_rows)
    if "membership_tpr01" not in found:
        needed = fewest_rows(FALSE_POSITIVES["tpr01"])
        raise TabganError(f"membership: expected {needed} unseen rows, got {len(holdout)}")
    return found["membership_tpr01"]


def true_positive_rate(members: Floats, others: Floats, level: float) -> float:
    """Share of members that are accused when others are with probability ``level``; in [0, 1].

    Chance gives ``level``, whatever the number of rows: the threshold is a score of the others, an
    accused one counted in (a smoothed conformal p-value; Vovk, Gammerman & Shafer 2005), and scores
    that tie with it are accused by the fraction that makes the level exact.

    Args:
        members: float64 [n_members], scores, a larger one is a likelier member.
        others: float64 [n_others], scores of rows that are not members.
        level: of false positives, in (0, 1); at least ``1 / (n_others + 1)``.
    """
    ordered = np.sort(others)
    above = len(ordered) - np.searchsorted(ordered, members, side="right")
    tied = len(ordered) - np.searchsorted(ordered, members, side="left") - above
    return float(np.clip((level * (len(ordered) + 1) - above) / (1 + tied), 0.0, 1.0).mean())


def fewest_rows(level: float) -> int:
    """The others that a rate at ``level`` needs: of fewer, none could be accused for certain."""
    return round(1 / level) - 1


def _taken(rows: MixedRows, positions: NDArray[np.int64]) -> MixedRows:
    return MixedRows(rows.numbers[positions], rows.codes[positions])


def _to_nearest(rows: MixedRows, references: MixedRows) -> Floats:
    return nearest_rows(rows, references)[0][:, 0]


def _ratio(to_real: Floats, to_made: Floats) -> Floats:
    """Real / (real + made), in [0, 1], which rises with real / made; .5 where both are 0."""
    both = to_real + to_made
    odds: Floats = np.divide(to_real, both, out=np.full(len(both), 0.5), where=both > 0)
    return odds


def _figures(name: str, members: Floats, others: Floats) -> dict[str, float]:
    is_member = np.repeat([1, 0], [len(members), len(others)])
    auc = float(roc_auc_score(is_member, np.concatenate([members, others])))
    rates = {
        f"{name}_{suffix}": true_positive_rate(members, others, level)
        for suffix, level in FALSE_POSITIVES.items()
        if len(others) >= fewest_rows(level)
    }
    return {f"{name}_auc": auc} | rates
