"""Imputers that are not ours: scikit-learn's, and forests of its trees in turn.

All see one-hot categories and standardised numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from threadpoolctl import threadpool_limits

from tabgan.seeding import rng_at, seed32, seed_at
from tabgan.tables.schema import TableSchema

Floats = np.ndarray

SETTINGS: dict[str, dict[str, int]] = {  # where they are not the library's
    # With all positions a one-hot is regressed on its own others, and stays at its mean.
    "IterativeImputer": {"max_iter": 3, "n_nearest_features": 30},
}
FILLERS: dict[str, Callable[[int, list[slice]], Any]] = {  # from a seed and each column's part
    "mean-mode": lambda *_: SimpleImputer(),  # the largest mean of a one-hot is the mode
    "KNNImputer": lambda *_: KNNImputer(),
    "IterativeImputer": lambda seed, _: IterativeImputer(
        random_state=seed32(seed), **SETTINGS["IterativeImputer"]
    ),
    "forests in turn": lambda seed, parts: ForestsInTurn(parts, seed32(seed)),
}
FIT_ROWS = {
    "mean-mode": 10_000,
    "KNNImputer": 10_000,
    "IterativeImputer": 3_000,
    "forests in turn": 10_000,
}


class ForestsInTurn:
    """A random forest for each column of all others, applied in turn until ``ROUNDS`` are done.

    As missForest (Stekhoven and Bühlmann 2012), but the forests learn from whole training rows,
    once, where missForest grows them anew in each round on the table that is to be filled.
    """

    ROUNDS = 3
    TREES = 50

    def __init__(self, parts: list[slice], seed: int) -> None:
        self.parts = parts
        self.seed = seed

    def fit(self, wide: Floats) -> None:
        """Learn from float64 [n, width]; a row is left out of a forest whose column it misses."""
        self.start = SimpleImputer().fit(wide)
        whole = self.start.transform(wide)
        self.forests = []
        for part in self.parts:
            known = ~np.isnan(wide[:, part.start])
            one = part.stop - part.start == 1
            kind = RandomForestRegressor if one else RandomForestClassifier
            forest = kind(self.TREES, min_samples_leaf=3, max_features=0.33, random_state=self.seed)
            target = whole[known, part.start] if one else whole[known, part].argmax(axis=1)
            self.forests.append(forest.fit(np.delete(whole[known], part, axis=1), target))

    def transform(self, wide: Floats) -> Floats:
        """float64 [n, width] with its missing parts filled, a category as one-hot."""
        filled: Floats = self.start.transform(wide)
        for _ in range(self.ROUNDS):
            for part, forest in zip(self.parts, self.forests, strict=True):
                missing = np.isnan(wide[:, part.start])
                if not missing.any():
                    continue
                given = forest.predict(np.delete(filled[missing], part, axis=1))
                width = part.stop - part.start
                filled[missing, part] = given[:, None] if width == 1 else np.eye(width)[given]
        return filled


def fill(
    name: str, train: pd.DataFrame, incomplete: pd.DataFrame, schema: TableSchema, *, seed: int
) -> pd.DataFrame:
    """The table filled by one of ``FILLERS``, fitted on at most ``FIT_ROWS`` rows of ``train``.

    A category is that of the largest of its positions; whole numbers are rounded.

    Args:
        name: of the filler.
        train: rows to learn from.
        incomplete: numbers and categories, whose missing cells are filled.
        schema: of both.
        seed: chooses the training rows, and is the filler's.
    """
    n_rows = min(FIT_ROWS[name], len(train))
    chosen = rng_at(seed, "fillers", "rows").permutation(len(train))[:n_rows]
    wide = _Wide(train.iloc[chosen], [str(column) for column in incomplete], schema)
    filler = FILLERS[name](seed_at(seed, "fillers", name) % 2**31, wide.parts)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # three rounds are what is requested
        filler.fit(wide.encode(train.iloc[chosen]))
        return wide.decode(filler.transform(wide.encode(incomplete)), incomplete)


class _Wide:
    """Tables as float64 [n, width], missing cells NaN, one position per category or number."""

    def __init__(self, train: pd.DataFrame, names: list[str], schema: TableSchema) -> None:
        self.columns = [schema[name] for name in names]
        widths = [1 if c.is_number else len(c.categories) for c in self.columns]
        ends = np.cumsum(widths).tolist()
        self.parts = [slice(end - width, end) for width, end in zip(widths, ends, strict=True)]
        numbers = {c.name: _numbers(train[c.name]) for c in self.columns if c.is_number}
        self.means = {name: float(np.nanmean(values)) for name, values in numbers.items()}
        self.scales = {n: float(np.nanstd(values)) or 1.0 for n, values in numbers.items()}

    def encode(self, table: pd.DataFrame) -> Floats:
        return np.hstack([self._positions(column.name, table) for column in self.columns])

    def decode(self, wide: Floats, incomplete: pd.DataFrame) -> pd.DataFrame:
        """The known cells as they were, the others from ``wide``."""
        filled = {}
        for column, part in zip(self.columns, self.parts, strict=True):
            if column.is_number:
                numbers = wide[:, part.start] * self.scales[column.name] + self.means[column.name]
                values = pd.Series(numbers.round() if column.kind == "integer" else numbers)
                known = pd.Series(_numbers(incomplete[column.name]))
            else:
                codes = wide[:, part].argmax(axis=1)
                values = pd.Series(pd.Categorical.from_codes(codes, list(column.categories)))
                known = incomplete[column.name]
            filled[column.name] = known.where(known.notna(), values)
        return pd.DataFrame(filled)

    def _positions(self, name: str, table: pd.DataFrame) -> Floats:
        if name in self.means:
            return ((_numbers(table[name]) - self.means[name]) / self.scales[name])[:, None]
        codes = table[name].cat.codes.to_numpy()
        onehot: Floats = np.eye(len(table[name].cat.categories))[codes]
        onehot[codes < 0] = np.nan
        return onehot


def _numbers(values: pd.Series) -> Floats:
    return np.asarray(values.to_numpy("float64", na_value=np.nan))
