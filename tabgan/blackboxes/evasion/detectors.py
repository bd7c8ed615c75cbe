"""Intrusion detectors from scikit-learn, as black boxes that answer with a decision alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from tabgan.blackboxes.protocol import Scores, plain_rows
from tabgan.errors import TabganError, nearest
from tabgan.seeding import seed32
from tabgan.tables.schema import TableSchema

# The seven that IDSGAN evades (Lin, Shi and Xue 2022), with scikit-learn's settings.
DETECTORS: dict[str, Callable[[int], Any]] = {
    "SVM": lambda seed: LinearSVC(random_state=seed),
    "NB": lambda seed: GaussianNB(var_smoothing=1e-3),
    "MLP": lambda seed: MLPClassifier((64,), max_iter=30, tol=0.0, random_state=seed),
    "LR": lambda seed: LogisticRegression(max_iter=1_000, random_state=seed),
    "DT": lambda seed: DecisionTreeClassifier(random_state=seed),
    "RF": lambda seed: RandomForestClassifier(100, n_jobs=1, random_state=seed),
    "KNN": lambda seed: KNeighborsClassifier(5),
}
# What a model can say of its certainty, the finest first; two columns are those of the classes.
MARGINS = ("decision_function", "predict_joint_log_proba", "predict_proba")


class Detector:
    """Whether a row is an attack: score 1 or 0, and nothing about how sure the model is.

    Args:
        name: of ``DETECTORS``.
        schema: the columns it reads; without the target.
        seed: of the model.

    Raises:
        TabganError: for an unknown name.
    """

    def __init__(self, name: str, schema: TableSchema, *, seed: int) -> None:
        if name not in DETECTORS:
            raise TabganError(f"detector {name!r}: {nearest(name, DETECTORS)}")
        self.name, self.schema = name, schema
        nominal = [column.name for column in schema.columns if column.is_nominal]
        numbers = [column.name for column in schema.columns if column.is_number]
        encode = ColumnTransformer(
            [
                ("categories", _one_hot(schema, nominal), nominal),
                ("numbers", MinMaxScaler(), numbers),
            ]
        )
        self.model = Pipeline([("encode", encode), ("model", DETECTORS[name](seed32(seed)))])

    def fit(self, rows: pd.DataFrame, attacks: NDArray[np.bool_]) -> Detector:
        """Learn from conforming rows which are attacks, bool [n].

        Raises:
            TabganError: when there are none, or only attacks.
        """
        if attacks.all() or not attacks.any():
            raise TabganError(
                f"detector {self.name}: expected attacks and normal rows to learn from, "
                f"got {int(attacks.sum())} attacks in {len(attacks)} rows"
            )
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the rounds are what was requested
            self.model.fit(plain_rows(rows, self.schema.names, name=self.name), attacks)
        return self

    def __call__(self, rows: pd.DataFrame) -> Scores:
        taken = plain_rows(rows, self.schema.names, name=self.name)
        with threadpool_limits(1):
            return np.asarray(self.model.predict(taken), dtype="float64")

    def margin(self, rows: pd.DataFrame) -> Scores:
        """The margin of each row on the attacks' side, float64 [n]; for the detector's owner.

        Of a tree it is a step: a row cannot see how near the other side is.
        """
        taken = plain_rows(rows, self.schema.names, name=self.name)
        encode, model = self.model[:-1], self.model[-1]
        say = next(getattr(model, name) for name in MARGINS if hasattr(model, name))
        with threadpool_limits(1):
            said = np.asarray(say(encode.transform(taken)), dtype="float64")
        return said if said.ndim == 1 else said[:, 1] - said[:, 0]


def _one_hot(schema: TableSchema, nominal: Sequence[str]) -> OneHotEncoder:
    """The declared categories, whichever of them the training rows have."""
    categories = [[*schema[name].categories] for name in nominal]
    return OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False)
