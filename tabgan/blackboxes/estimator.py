"""A scikit-learn classifier as a black box; saved with skops, never unpickled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tabgan.blackboxes.protocol import Scores, plain_rows
from tabgan.errors import TabganError, nearest
from tabgan.tables.schema import TableSchema

SCORES = ("probability", "confidence")
MODEL, FACTS = "model.skops", "blackbox.json"
FORMAT = 1
# What a forest is made of beyond skops' own list: arrays whose layout scikit-learn checks itself.
OF_A_FOREST = ("numpy.dtype", "sklearn.tree._tree.Tree")


class EstimatorBox:
    """The probability of one class, or the largest of all, as ``predict_proba`` gives them.

    Args:
        estimator: a fitted classifier that takes a table of text and floats (``plain_rows``).
        schema: the columns it takes.
        score: "probability" of ``positive``, or "confidence" as in the report.
        positive: a class.
        name: what messages call it.

    Raises:
        TabganError: for an unknown score or class.
    """

    def __init__(
        self, estimator: Any, *, schema: TableSchema, score: str, positive: str, name: str
    ) -> None:
        if score not in SCORES:
            raise TabganError(f"blackbox.score={score}: expected one of {list(SCORES)}")
        self.classes = [str(label) for label in estimator.classes_]
        if positive not in self.classes:
            raise TabganError(f"blackbox.positive={positive}: {nearest(positive, self.classes)}")
        self.estimator, self.schema = estimator, schema
        self.score, self.positive, self.name = score, positive, name

    def __call__(self, rows: pd.DataFrame) -> Scores:
        shares = self.probabilities(rows)
        if self.score == "confidence":
            certainty: Scores = shares.max(axis=1)
            return certainty
        return shares[:, self.classes.index(self.positive)]

    def labels(self, rows: pd.DataFrame) -> NDArray[np.str_]:
        """The most probable class of each row, text [n]; the first of equals."""
        labels: NDArray[np.str_] = np.array(self.classes)[self.probabilities(rows).argmax(axis=1)]
        return labels

    def probabilities(self, rows: pd.DataFrame) -> Scores:
        """Class probabilities, float64 [n, n_classes], in the order of ``classes``."""
        taken = plain_rows(rows, self.schema.names, name=self.name)
        with threadpool_limits(1):
            return np.asarray(self.estimator.predict_proba(taken), dtype="float64")

    def save(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write the model (skops) and what it is (JSON) into ``folder``.

        Raises:
            TabganError: when the folder cannot be written.
        """
        from skops.io import dump  # an extra: only saved boxes need it

        plain = {
            "format": FORMAT,
            "score": self.score,
            "positive": self.positive,
            "classes": self.classes,
            "columns": self.schema.to_plain(),
            **facts,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            dump(self.estimator, folder / MODEL)
            (folder / FACTS).write_text(json.dumps(plain, indent=2) + "\n", "utf-8")
        except OSError as error:
            raise TabganError(f"{folder}: cannot be written: {error.strerror}") from error


def open_estimator(
    path: str,
    *,
    score: str | None = None,
    positive: str | None = None,
    trusted: Sequence[str] = (),
) -> EstimatorBox:
    """The black box that ``python -m tabgan.blackbox`` or ``EstimatorBox.save`` wrote.

    Args:
        path: its folder.
        score: as ``EstimatorBox``; None takes what was saved.
        positive: likewise.
        trusted: types that the model may be made of, beyond skops' own and a forest's.

    Raises:
        TabganError: when the folder is no such box, or the model is made of types that nobody
            declared trusted; nothing of it is executed before that is known.
    """
    from skops.io import get_untrusted_types, load

    folder, allowed = Path(path), {*OF_A_FOREST, *trusted}
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        schema = TableSchema.from_plain(facts["columns"])
        unknown = sorted(set(get_untrusted_types(file=folder / MODEL)) - allowed)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise TabganError(f"not a saved black box: {folder.absolute()}: {error}") from error
    if unknown:
        raise TabganError(
            f"{folder / MODEL}: made of types that are not trusted: {unknown}; look at them, then "
            f"allow them with blackbox.trusted={json.dumps(unknown)}"
        )
    return EstimatorBox(
        load(folder / MODEL, trusted=sorted(allowed)),
        schema=schema,
        score=score or facts["score"],
        positive=positive or facts["positive"],
        name=str(folder),
    )
