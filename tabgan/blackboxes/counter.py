"""A black box under watch: every answer checked, every query counted, none sent twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.blackboxes.protocol import BlackBox, Labelling, Scores
from tabgan.errors import TabganError

EDGE = 0.5  # without class names, the decision is the score's side of the middle
MOST_KNOWN = 1_000_000  # answers kept, some 100 MB; beyond, memory begins anew
SLACK = 1e-6  # float32 probabilities may end a rounding error beyond 0 and 1


class QueryCounter:
    """A black box whose queries are counted, cached and checked.

    A row that was queried before is answered from memory and counts once. All new rows of a call go
    to the box in one call.

    Attributes:
        name: the box's.
        queries: rows that the box has scored.
        calls: how often it was called.
    """

    def __init__(self, box: BlackBox) -> None:
        self.box, self.name = box, box.name
        self.queries = self.calls = 0
        self._known: dict[int, float] = {}

    def __call__(self, rows: pd.DataFrame) -> Scores:
        """Scores, float64 [n] in [0, 1].

        Raises:
            TabganError: when the box raises, or its answer is of the wrong length, not finite or
                outside of [0, 1].
        """
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        keys = pd.util.hash_pandas_object(rows, index=False).to_numpy()
        positions = pd.Series(np.arange(len(keys)), index=keys).groupby(level=0, sort=False).first()
        new = [position for key, position in positions.items() if key not in self._known]
        if new:
            requested = rows.iloc[new].reset_index(drop=True)
            scores = self._ask(requested)
            self.calls += 1
            self.queries += len(new)
            self._known.update(zip(keys[new].tolist(), scores.tolist(), strict=True))
        return np.array([self._known[key] for key in keys.tolist()], dtype="float64")

    def cost(self, rows: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows that would cost a query, bool [n]: those never seen, each at its first position."""
        keys = pd.util.hash_pandas_object(rows, index=False)
        new: NDArray[np.bool_] = ~(keys.isin(self._known).to_numpy() | keys.duplicated().to_numpy())
        return new

    def labels(self, rows: pd.DataFrame) -> NDArray[np.str_]:
        """The class that the box decides for, text [n]; the score's side of .5 where it names none.

        Costs no query: the rows were scored before, and a decision comes with its score.
        """
        if isinstance(self.box, Labelling):
            return self.box.labels(rows)
        return np.where(self(rows) > EDGE, "score above .5", "score up to .5")

    def _ask(self, rows: pd.DataFrame) -> Scores:
        try:
            answer = self.box(rows)
        except TabganError:
            raise
        except Exception as error:  # whatever a model raises
            raise TabganError(
                f"the black box {self.name} failed on {len(rows)} rows: "
                f"{type(error).__name__}: {error}"
            ) from error
        return self._checked(answer, len(rows))

    def _checked(self, answer: object, n_rows: int) -> Scores:
        try:
            scores = np.asarray(answer, dtype="float64")
        except (TypeError, ValueError) as error:
            raise TabganError(f"{self.name}: expected one number per row: {error}") from error
        if scores.shape != (n_rows,):
            raise TabganError(
                f"{self.name}: expected {n_rows} scores for {n_rows} rows, got {scores.shape}"
            )
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise TabganError(
                f"{self.name}: expected finite scores, got {scores[row]} in row {row}"
            )
        outside = (scores < -SLACK) | (scores > 1 + SLACK)
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise TabganError(
                f"{self.name}: expected scores in [0, 1], got {scores[row]:g} in row {row}"
            )
        return scores.clip(0.0, 1.0)
