"""Mode-specific normalisation (CTGAN, Xu et al. 2019, section 4.2)."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture
from threadpoolctl import threadpool_limits

from tabgan.encoding.column import Encoded, Numbers, State
from tabgan.encoding.layout import BlockShape
from tabgan.encoding.onehot import OneHotEncoder

MODES = 10  # at most
CONCENTRATION = 1e-3  # prior of the weights: few modes rather than many
LEAST_WEIGHT = 0.005  # of a mode that counts
FIT_VALUES = 2_000  # evenly among the sorted training values; a second of fitting a column
REACH = 4  # deviations that alpha = 1 stands for


class ModeSpecificEncoder:
    """A number as a Gaussian of a mixture (beta, one-hot[, missing]) and a position in it (alpha).

    alpha = (x - mu) / (4 sigma), in [-1, 1]; the mode is drawn from its posterior. The mixture is
    variational, with at most 10 modes, of which those lighter than .005 are left out. Missing is
    one more position of beta, and alpha then noise as wide as a mode: a fixed value would give
    every generated row away that does not repeat it.

    Decoding cannot restore a number further than 4 deviations from its mode: it comes back at 4.
    """

    def fit(self, numbers: Numbers) -> Self:
        known = np.sort(numbers[~np.isnan(numbers)])
        chosen = np.linspace(0, len(known) - 1, min(FIT_VALUES, len(known))).round().astype(int)
        mean, deviation = known.mean(), known.std() or 1.0  # one value, and missing ones
        self.weights_, self.means_, self.deviations_ = _fit_modes(
            (known[chosen] - mean) / deviation
        )
        self.means_ = mean + deviation * self.means_
        self.deviations_ = deviation * self.deviations_
        self._onehot = OneHotEncoder(n_codes=len(self.means_)).fit(numbers)
        return self

    @property
    def widths_(self) -> tuple[BlockShape, ...]:
        return (BlockShape("continuous", 1), *self._onehot.widths_)

    def encode(self, numbers: Numbers, rng: np.random.Generator) -> Encoded:
        missing = np.isnan(numbers)
        known = np.where(missing, self.means_[0], numbers)
        mode = self._draw_modes(known, rng)
        alpha = (known - self.means_[mode]) / (REACH * self.deviations_[mode])
        alpha[missing] = rng.normal(0.0, 1 / REACH, missing.sum())
        beta = self._onehot.encode(np.where(missing, np.nan, mode), rng)
        return np.column_stack([alpha.clip(-1, 1), beta]).astype(np.float32)

    def decode(self, encoded: Encoded) -> Numbers:
        mode = self._onehot.decode(encoded[:, 1:])
        missing = np.isnan(mode)
        position = np.where(missing, 0, mode).astype(np.int64)
        alpha = encoded[:, 0].astype(np.float64).clip(-1, 1)
        return np.where(
            missing, np.nan, self.means_[position] + REACH * self.deviations_[position] * alpha
        )

    def _draw_modes(self, numbers: Numbers, rng: np.random.Generator) -> NDArray[np.int64]:
        """One mode per number, by its posterior: the largest of log p + Gumbel noise."""
        scaled = (numbers[:, None] - self.means_) / self.deviations_  # [n, modes]
        log_joint = np.log(self.weights_ / self.deviations_) - scaled**2 / 2
        modes: NDArray[np.int64] = np.argmax(log_joint + rng.gumbel(size=log_joint.shape), axis=1)
        return modes

    def state(self) -> State:
        learned = {"weights": self.weights_, "means": self.means_, "deviations": self.deviations_}
        return {**learned, **self._onehot.state()}

    def restore(self, state: State) -> Self:
        self.weights_, self.means_ = state["weights"], state["means"]
        self.deviations_ = state["deviations"]
        self._onehot = OneHotEncoder(n_codes=len(self.means_)).restore(state)
        return self


def _fit_modes(values: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Weights, means and deviations of the modes that count, by mean; one value is one mode."""
    if len(values) == 1:
        return np.ones(1), values.copy(), np.ones(1)
    mixture = BayesianGaussianMixture(
        n_components=min(MODES, len(np.unique(values))),
        weight_concentration_prior=CONCENTRATION,
        random_state=0,
    )
    with threadpool_limits(1), warnings.catch_warnings():  # more threads are many times slower
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough is enough
        mixture.fit(values[:, None])
    order = np.argsort(mixture.means_[:, 0])
    order = order[mixture.weights_[order] > LEAST_WEIGHT]
    variances = mixture.covariances_[order, 0, 0]
    return mixture.weights_[order], mixture.means_[order, 0], np.sqrt(variances)
