"""Gradient-boosted trees: XGBoost's, or scikit-learn's where it is missing; reports say which.

Settings carry XGBoost's names. scikit-learn's trees know most of them: ``subsample`` and ``gamma``
have no counterpart there and are dropped, so figures of the two are not comparable.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

HAS_XGBOOST = find_spec("xgboost") is not None
if HAS_XGBOOST:
    import xgboost

THREADS = 2
MOST_CATEGORIES = 255  # scikit-learn's limit for a categorical feature
HIST_NAMES = {
    "n_estimators": "max_iter",
    "learning_rate": "learning_rate",
    "max_depth": "max_depth",
    "colsample_bytree": "max_features",
    "min_child_weight": "min_samples_leaf",
}


def detector_name() -> str:
    """The library of the metrics' trees, with its version: print it beside every figure."""
    if HAS_XGBOOST:
        return f"xgboost {xgboost.__version__}"
    return f"HistGradientBoosting (scikit-learn {version('scikit-learn')})"


def boosted_classifier(
    *, seed: int, threads: int = THREADS, nominal: np.ndarray | None = None, **settings: Any
) -> Any:
    """An unfitted classifier of ordinal codes and numbers (missing is NaN).

    Args:
        seed: the trees' ``random_state``.
        threads: XGBoost's ``n_jobs``.
        nominal: bool [n_columns], the columns whose codes are split as categories and not as
            numbers; None for none.
        settings: by XGBoost's names; what is absent keeps the library's default.
    """
    if HAS_XGBOOST:
        return xgboost.XGBClassifier(
            random_state=seed,
            n_jobs=threads,
            tree_method="hist",
            eval_metric="logloss",
            **_native_categories(nominal),
            **settings,
        )
    return HistGradientBoostingClassifier(
        random_state=seed,
        early_stopping=False,
        categorical_features=nominal,
        **_as_hist(settings),
    )


def boosted_regressor(*, seed: int, threads: int = THREADS, **settings: Any) -> Any:
    """An unfitted least-squares regressor; the arguments are those of ``boosted_classifier``."""
    if HAS_XGBOOST:
        return xgboost.XGBRegressor(
            random_state=seed, n_jobs=threads, tree_method="hist", **settings
        )
    return HistGradientBoostingRegressor(
        random_state=seed, early_stopping=False, **_as_hist(settings)
    )


def _native_categories(nominal: np.ndarray | None) -> dict[str, Any]:
    if nominal is None:
        return {}
    return {"enable_categorical": True, "feature_types": ["c" if n else "q" for n in nominal]}


def _as_hist(settings: dict[str, Any]) -> dict[str, Any]:
    return {HIST_NAMES[k]: value for k, value in settings.items() if k in HIST_NAMES}
