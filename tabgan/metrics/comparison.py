"""The arguments of metrics: three tables, and what else is known of the generator."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.metrics.boosting import THREADS
from tabgan.metrics.drawing import independent_columns, random_state

Need = Literal["train", "test", "target", "likelihood", "resplit"]


class Resplit(NamedTuple):
    """The tables of a generator that was trained again on one half of the rows.

    Attributes:
        learned: the half that it was trained on.
        other: as many rows of the other half.
        synthetic: its rows.
    """

    learned: pd.DataFrame
    other: pd.DataFrame
    synthetic: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Synthetic rows beside real ones; every metric is a function of this (``metrics.registry``).

    Columns of texts and ids are text (dtype str); only the overlap of identifying values looks
    at them.

    Attributes:
        train: the rows that the generator was trained on.
        test: real rows that it never saw, which must not be among the synthetic rows.
        synthetic: its rows; as many as ``train`` to compare with published figures.
        target: the column that MLE predicts; None leaves MLE out.
        log_likelihoods: of the test rows under the generator, float64 [n_test], in nats; None
            where it has no likelihood.
        resplit: tables of a generator trained on half of the rows; None where there is none.
        seed: fixes every draw and every fold.
        full_mle: the published grid of 36 settings instead of 4.
        threads: for XGBoost.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    synthetic: pd.DataFrame
    target: str | None = None
    log_likelihoods: NDArray[np.float64] | None = None
    resplit: Resplit | None = None
    seed: int = 0
    full_mle: bool = False
    threads: int = THREADS

    @property
    def has(self) -> set[Need]:
        """The needs of metrics that are met here."""
        known = {
            "target": self.target,
            "likelihood": self.log_likelihoods,
            "resplit": self.resplit,
        }
        return {"train", "test", *(need for need, value in known.items() if value is not None)}  # type: ignore[arg-type]

    def real(self, needs: Collection[Need]) -> Comparison:
        """Real rows in the generator's place, each used once: the ceiling.

        A metric that looks at test rows alone gets the training rows, one that looks at training
        rows alone gets the test rows. Where both are needed, one half of the test rows stands in
        the generator's place, and the other half is the test table.
        """
        plain = replace(self, log_likelihoods=None, resplit=None)
        if {"train", "test"} <= set(needs):
            holdout, stand_in = self._halves
            return replace(plain, test=holdout, synthetic=stand_in)
        return replace(plain, synthetic=self.train if "test" in needs else self.test)

    def independent(self, log_likelihoods: NDArray[np.float64] | None = None) -> Comparison:
        """Independent columns in the generator's place: the floor.

        Args:
            log_likelihoods: of the test rows under independent columns.
        """
        rows = independent_columns(self.train, len(self.train), self.seed)
        return replace(self, synthetic=rows, log_likelihoods=log_likelihoods, resplit=None)

    @cached_property
    def _halves(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        shuffled = self.test.sample(frac=1, random_state=random_state(self.seed, "halves"))
        return shuffled.iloc[: len(self.test) // 2], shuffled.iloc[len(self.test) // 2 :]
