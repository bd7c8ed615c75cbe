"""The resamplers and classifiers that the imbalance study sets against each other, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, RandomOverSampler
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from tabgan.encoding.ordinal import Matrix, OrdinalCodes
from tabgan.imbalance import GANOversampler
from tabgan.seeding import seed32
from tabgan.tables.schema import TableSchema

WEIGHTED = "class weights"  # the classifier's own
GAN, GAN_SMOTE, FILTERED = "GAN conditional", "GAN-SMOTE", "filtered SMOTE"
OURS = (GAN, GAN_SMOTE, FILTERED)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Rows of a table without its target, and their labels, int64 [n], 1 for the rare class.

    Attributes:
        added: how many of them, the last ones, were made.
    """

    table: pd.DataFrame
    labels: NDArray[np.int64]
    added: int = 0

    def at(self, positions: NDArray[np.int64]) -> Rows:
        return Rows(
            table=self.table.iloc[positions].reset_index(drop=True), labels=self.labels[positions]
        )


Resampler = Callable[[TableSchema, Rows, int, Mapping[str, Any]], Rows]


def _as_they_are(schema: TableSchema, rows: Rows, seed: int, gan: Mapping[str, Any]) -> Rows:  # noqa: ARG001
    return rows


def _repeating(schema: TableSchema, rows: Rows, seed: int, gan: Mapping[str, Any]) -> Rows:  # noqa: ARG001
    return _resampled(RandomOverSampler(random_state=seed32(seed)), rows)


def _smotenc(schema: TableSchema, rows: Rows, seed: int, gan: Mapping[str, Any]) -> Rows:  # noqa: ARG001
    """SMOTENC in standardised numbers; SMOTE where there is no category to hold."""
    coder = OrdinalCodes.fit(schema, rows.table)
    nominal = np.flatnonzero(coder.nominal)
    sampler: Any = SMOTE(random_state=seed32(seed))
    if len(nominal):
        sampler = SMOTENC(nominal.tolist(), random_state=seed32(seed))
    codes, labels = sampler.fit_resample(coder.encode(rows.table), rows.labels)
    return _with_new(rows, coder, codes, labels)


def _in_numbers(sampler: Callable[..., Any]) -> Resampler:
    """A sampler of numbers, on standardised ones and one-hot categories; the largest wins."""

    def resample(schema: TableSchema, rows: Rows, seed: int, gan: Mapping[str, Any]) -> Rows:  # noqa: ARG001
        coder = OrdinalCodes.fit(schema, rows.table)
        codes, nominal = coder.encode(rows.table), coder.nominal
        onehot = OneHotEncoder(sparse_output=False)
        wide = np.hstack([onehot.fit_transform(codes[:, nominal]), codes[:, ~nominal]])
        wide, labels = sampler(random_state=seed32(seed)).fit_resample(wide, rows.labels)
        width = sum(map(len, onehot.categories_))
        narrow = np.empty((len(wide), len(nominal)))
        narrow[:, nominal] = onehot.inverse_transform(wide[:, :width])
        narrow[:, ~nominal] = wide[:, width:]
        return _with_new(rows, coder, narrow, labels)

    return resample


def _ours(mode: str) -> Resampler:
    def resample(schema: TableSchema, rows: Rows, seed: int, gan: Mapping[str, Any]) -> Rows:  # noqa: ARG001
        overrides = None if mode == "filtered_smote" else dict(gan)
        return _resampled(
            GANOversampler(mode, random_state=seed32(seed), overrides=overrides), rows
        )

    return resample


def _resampled(sampler: Any, rows: Rows) -> Rows:
    table, labels = sampler.fit_resample(rows.table, rows.labels)
    return Rows(table=table, labels=labels, added=len(table) - len(rows.table))


def _with_new(rows: Rows, coder: OrdinalCodes, codes: Matrix, labels: NDArray[np.int64]) -> Rows:
    """The rows as they were, and those that a sampler put behind them."""
    n = len(rows.table)
    table = pd.concat([rows.table, coder.decode(codes[n:])], ignore_index=True)
    return Rows(table=table, labels=labels, added=len(table) - n)


RESAMPLERS: dict[str, Resampler] = {
    "none": _as_they_are,
    WEIGHTED: _as_they_are,
    "random": _repeating,
    "SMOTE": _in_numbers(SMOTE),
    "SMOTENC": _smotenc,
    "ADASYN": _in_numbers(ADASYN),
    GAN: _ours("conditional"),
    GAN_SMOTE: _ours("gan_smote"),
    FILTERED: _ours("filtered_smote"),
}


def _logistic(coder: OrdinalCodes, weight: str | None, seed: int) -> Any:
    onehot = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("onehot", onehot, np.flatnonzero(coder.nominal))], remainder="passthrough"
    )
    model = LogisticRegression(max_iter=2_000, class_weight=weight, random_state=seed32(seed))
    return make_pipeline(columns, model)


def _forest(coder: OrdinalCodes, weight: str | None, seed: int) -> Any:  # noqa: ARG001
    return RandomForestClassifier(class_weight=weight, random_state=seed32(seed))


def _boosting(coder: OrdinalCodes, weight: str | None, seed: int) -> Any:
    few = [len(column.categories) < 255 for column in coder.schema.columns]  # its bins
    return HistGradientBoostingClassifier(
        early_stopping=False,  # the same number of trees for everyone
        categorical_features=coder.nominal & np.array(few),
        class_weight=weight,
        random_state=seed32(seed),
    )


CLASSIFIERS: dict[str, Callable[[OrdinalCodes, str | None, int], Any]] = {
    "logistic regression": _logistic,
    "random forest": _forest,
    "gradient boosting": _boosting,
}  # unfitted, of a matrix of OrdinalCodes
