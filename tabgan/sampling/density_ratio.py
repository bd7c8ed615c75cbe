"""What tells real rows from generated ones: boosted trees, whose log-odds are a density ratio.

Log-odds of a good classifier between two sides of equal weight are the logarithm of the ratio of
their densities (Sugiyama, Suzuki & Kanamori 2012, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from tabgan.sampling.trees import BoostedTrees, Floats
from tabgan.seeding import seed_at

MIN_REAL_ROWS = 200  # fewer: the trees would learn these very rows

# Not the settings of any evaluator: half the columns at every split, leaves and not depth, l2.
LEARNING_RATE, MAX_TREES, PATIENCE = 0.2, 400, 10
MOST_LEAVES, ROWS_PER_LEAF, MIN_LEAF_ROWS, L2, SPLIT_COLUMNS = 31, 100, 60, 10.0, 0.5
MODELS = 2  # averaged
HELD_SHARE, MIN_HELD_ROWS = 0.15, 60  # of either side: when to stop


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Rows that trees are grown on, and rows that say when to stop."""

    kept: Floats
    held: Floats

    @classmethod
    def of(cls, rows: Floats, held: Floats | None = None) -> Self:
        """All ``rows`` beside rows that nothing was ever fitted on, where there are such.

        Otherwise, or where these are under ``MIN_HELD_ROWS``, the first ``HELD_SHARE`` of the rows
        are held out, and at least so many.
        """
        if held is not None and len(held) >= MIN_HELD_ROWS:
            return cls(kept=rows, held=held)
        n_held = max(int(HELD_SHARE * len(rows)), MIN_HELD_ROWS)
        return cls(kept=rows[n_held:], held=rows[:n_held])


def fit_ratio(real: Split, pool: Split, seed: int) -> tuple[BoostedTrees, float]:
    """The mean of ``MODELS`` classifiers, and its ROC AUC on the held-out rows.

    Args:
        real: real rows, ordinal.
        pool: generated rows; both sides weigh the same.
        seed: of the classifiers.
    """
    rows, labels, weights = _stacked(real.kept, pool.kept)
    rows[:, np.isnan(rows).all(axis=0)] = 0.0  # scikit-learn cannot bin a column of no value
    held, held_labels, held_weights = _stacked(real.held, pool.held)
    models = []
    for index in range(MODELS):
        model = HistGradientBoostingClassifier(
            learning_rate=LEARNING_RATE,
            max_iter=MAX_TREES,
            max_leaf_nodes=int(np.clip(len(real.kept) // ROWS_PER_LEAF, 4, MOST_LEAVES)),
            min_samples_leaf=MIN_LEAF_ROWS,
            l2_regularization=L2,
            max_features=SPLIT_COLUMNS,
            early_stopping=True,
            n_iter_no_change=PATIENCE,
            tol=0.0,
            random_state=seed_at(seed, "trees", index) % 2**31,
        )
        with threadpool_limits(1):  # more threads than free cores are some 30 times slower
            model.fit(
                rows,
                labels,
                sample_weight=weights,
                X_val=held,
                y_val=held_labels,
                sample_weight_val=held_weights,
            )
        best = max(1, int(np.argmax(model.validation_score_)))  # 0 is before any tree
        models.append(BoostedTrees.from_classifier(model, best))
    trees = BoostedTrees.mean_of(models)
    return trees, float(roc_auc_score(held_labels, trees.decision(held)))


def chance(real: Split, pool: Split) -> float:
    """Two standard errors of an AUC of .5 on the held-out rows."""
    return 2 * float(np.sqrt((1 / len(real.held) + 1 / len(pool.held)) / 12))


def _stacked(real: Floats, pool: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Rows, labels and weights; both sides weigh the same."""
    labels = np.repeat([1, 0], [len(real), len(pool)])
    weights = np.where(labels == 1, 1.0, len(real) / len(pool))
    return np.concatenate([real, pool]), labels, weights
