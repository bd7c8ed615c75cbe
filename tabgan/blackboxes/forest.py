"""The report's black box: a random forest on label-encoded, standardised columns (its 8.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from tabgan.blackboxes.estimator import EstimatorBox
from tabgan.blackboxes.protocol import plain_rows
from tabgan.errors import TabganError
from tabgan.seeding import seed32
from tabgan.tables.dtypes import TEXT
from tabgan.tables.schema import TableSchema

FOLDS = 5


def fit_forest(
    train: pd.DataFrame,
    schema: TableSchema,
    *,
    seed: int,
    n_estimators: int,
    score: str,
    positive: str | None,
) -> EstimatorBox:
    """A forest that predicts the schema's target, as a black box.

    Args:
        train: its training rows.
        schema: names the target, which must be nominal.
        seed: of the forest.
        n_estimators: trees, each fully grown.
        score: "probability" of ``positive``, or "confidence": the largest class probability.
        positive: a class of the target; None takes the rarest of the training rows.

    Raises:
        TabganError: without a nominal target, for an unknown class, or an unknown ``score``.
    """
    target = schema.target
    if target is None or not schema[target].is_nominal:
        raise TabganError(
            f"table {schema.name!r}: a black box learns a column of classes; "
            f"give data.target=<nominal column>, got {target!r}"
        )
    rows, labels = xy(train, schema)
    forest = pipeline(schema, seed=seed, n_estimators=n_estimators).fit(rows, labels)
    classes = [str(label) for label in forest.classes_]
    counts = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    rarest = min(classes, key=lambda label: counts[label])
    return EstimatorBox(
        forest, schema=features(schema), score=score, positive=positive or rarest, name="forest"
    )


def xy(table: pd.DataFrame, schema: TableSchema) -> tuple[pd.DataFrame, NDArray[Any]]:
    """The features of rows for a forest, and the class of each row that has one, text [n]."""
    known = table[table[schema.target].notna()]
    names = [column.name for column in features(schema).columns]
    return plain_rows(known, names), known[schema.target].astype(TEXT).to_numpy("object")


def features(schema: TableSchema) -> TableSchema:
    """The columns that a model may read: neither the target nor text."""
    text = [column.name for column in schema.columns if column.kind == "string"]
    return schema.without({*text, *([schema.target] if schema.target else [])})


def pipeline(schema: TableSchema, *, seed: int, n_estimators: int) -> Pipeline:
    """The unfitted forest behind the report's preprocessing (part 1: labels as codes, standard)."""
    columns = features(schema).columns
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encode = ColumnTransformer(
        [
            ("categories", codes, [c.name for c in columns if c.is_nominal]),
            ("numbers", numbers, [c.name for c in columns if c.is_number]),
        ]
    )
    forest = RandomForestClassifier(n_estimators, random_state=seed32(seed), n_jobs=1)
    return Pipeline([("encode", encode), ("forest", forest)])


def cross_validated(
    table: pd.DataFrame, schema: TableSchema, *, seed: int, n_estimators: int, shuffle: bool
) -> NDArray[np.float64]:
    """The accuracy on each of 5 stratified folds; without ``shuffle`` they follow the file."""
    rows, labels = xy(table, schema)
    folds = StratifiedKFold(FOLDS, shuffle=shuffle, random_state=seed32(seed) if shuffle else None)
    model = pipeline(schema, seed=seed, n_estimators=n_estimators)
    return np.asarray(cross_val_score(model, rows, labels, cv=folds))
