"""Boosted trees that tell real rows from generated ones; their log-odds are a density ratio.

Log-odds of a good classifier between two sides of equal weight are the logarithm of the ratio of
their densities (Sugiyama, Suzuki & Kanamori 2012, section 4).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tabgan.metrics.chance import auc_band

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

MIN_REAL_ROWS = 200  # fewer: the trees would learn these very rows
HELD_SHARE, MIN_HELD_ROWS = 0.15, 60  # of either side: when to stop
MAX_TREES, PATIENCE = 300, 15
SETTINGS: dict[str, Any] = {  # not those of any evaluator
    "objective": "binary:logistic",
    "base_score": 0.5,
    "max_depth": 5,
    "eta": 0.15,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 5,
    "reg_lambda": 2,
    "tree_method": "hist",
    "eval_metric": "logloss",
    "nthread": 1,  # the same trees whatever else the machine does
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """Rows of one kind: those that trees are grown on, and those that say when to stop.

    Attributes:
        kept, held: float64 [n, n_columns], [m, n_columns]; NaN for missing.
        kept_margin, held_margin: log-odds that trees go on from, [n] and [m]; None for 0.
    """

    kept: Floats
    held: Floats
    kept_margin: Floats | None = None
    held_margin: Floats | None = None

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


class BoostedRatio:
    """Gradient-boosted trees (Chen & Guestrin 2016) between real and generated rows.

    Both sides weigh the same. Trees stop by the held-out rows, which neither they nor a generator
    should have seen: rows that a generator has followed look well covered.

    Attributes:
        auc_: ROC AUC on the held-out rows, margins included.
        n_trees_: trees that are used.
    """

    def fit(self, real: Side, fake: Side, *, seed: int, device: object = "cpu") -> Self:
        """Grow trees on the kept rows of both sides, as many as the held-out rows want.

        Args:
            real: rows of one side.
            fake: rows of the other.
            seed: of the trees.
            device: where the nets compute; trees grow there too where XGBoost can (``grown_on``).
                Afterwards they are on the CPU.
        """
        kept = _matrix(real.kept, fake.kept, real.kept_margin, fake.kept_margin)
        held = _matrix(real.held, fake.held, real.held_margin, fake.held_margin)
        booster = xgboost.train(
            SETTINGS | {"seed": seed % 2**31, "device": grown_on(device)},
            kept,
            MAX_TREES,
            evals=[(held, "held")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        self.n_trees_ = booster.best_iteration + 1
        self._booster = booster[: self.n_trees_]
        scores = self._booster.predict(held, output_margin=True)
        self.auc_ = float(roc_auc_score(held.get_label(), scores))
        self._booster.set_param({"device": "cpu"})  # rows to judge are numpy's
        return self

    def log_odds(self, rows: Floats) -> Floats:
        """Log-odds of being real, without any margin, float64 [n]."""
        found = self._booster.inplace_predict(rows, predict_type="margin")
        return np.asarray(found, np.float64)

    def state(self) -> dict[str, Any]:
        """Plain data: the trees in XGBoost's JSON."""
        model = np.frombuffer(bytes(self._booster.save_raw("json")), np.uint8)
        return {"model": model, "n_trees": self.n_trees_, "auc": self.auc_}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """The trees that ``state`` described.

        Raises:
            ValueError: for a state that describes none.
        """
        found = cls()
        found._booster = xgboost.Booster({"nthread": 1})
        try:
            found._booster.load_model(bytearray(state["model"].tobytes()))
        except xgboost.core.XGBoostError as error:
            raise ValueError(f"not trees in XGBoost's JSON: {error}") from error
        found.n_trees_, found.auc_ = int(state["n_trees"]), float(state["auc"])
        return found


def grown_on(device: object) -> str:
    """XGBoost's device for trees beside nets on ``device``: "cuda", or "cpu" where it has no CUDA.

    The package ``xgboost-cpu`` has none; ``xgboost`` in its place does.
    """
    if not str(device).startswith("cuda"):
        return "cpu"
    if not xgboost.build_info().get("USE_CUDA"):
        log.info(
            "trees grow on the CPU, for this XGBoost knows no CUDA: install xgboost in place of "
            "xgboost-cpu"
        )
        return "cpu"
    return str(device)


def chance(real: Side, fake: Side) -> float:
    """Two standard deviations of an AUC of .5 on the held-out rows (``metrics.chance``)."""
    return auc_band(len(real.held), len(fake.held))


def _matrix(
    real: Floats, fake: Floats, real_margin: Floats | None, fake_margin: Floats | None
) -> xgboost.DMatrix:
    """Both sides, of equal weight."""
    labels = np.repeat([1.0, 0.0], [len(real), len(fake)])
    mean = (len(real) + len(fake)) / 2
    weights = np.repeat([mean / len(real), mean / len(fake)], [len(real), len(fake)])
    matrix = xgboost.DMatrix(np.concatenate([real, fake]), label=labels, weight=weights)
    if real_margin is not None and fake_margin is not None:
        matrix.set_base_margin(np.concatenate([real_margin, fake_margin]))
    return matrix
