"""Boosted trees that learn a black box's score, and how far off they are."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
import xgboost
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.nets.inputs import chain_columns
from tabgan.models.rounds import matrix

HELD_SHARE = 0.1  # of the labels, which say how far off the trees are
PARTS = 10  # of [0, 1], with an error each
LEAST_ERROR = 0.005
LEVEL = 1  # of compression: the least, for it is the trees' own repetitions that count
SETTINGS: dict[str, Any] = {
    "objective": "reg:squarederror",
    "eta": 0.15,
    "subsample": 0.8,
    "colsample_bynode": 0.6,
    "min_child_weight": 3,
    "tree_method": "hist",
    "nthread": 1,  # the same trees whatever else the machine does
}


class Surrogate(nn.Module):
    """Gradient-boosted trees (Chen & Guestrin 2016) on a row's codes; the score that they expect.

    Trees because a score is often that of trees: of 400,000 scored rows of Adult, deep ones learn
    a forest's to .049, a net of two residual layers of 512 to .053 in four times the time.

    Args:
        layout: of codes.
        n_trees: so many.
        max_depth: of each.

    Raises:
        TabganError: for less than one tree, or one level.
    """

    def __init__(self, *, layout: RowLayout, n_trees: int, max_depth: int) -> None:
        super().__init__()
        if n_trees < 1 or max_depth < 1:
            raise TabganError(
                f"model.surrogate: n_trees={n_trees}, max_depth={max_depth}: expected at least 1"
            )
        self.columns = chain_columns(layout)
        self.n_trees, self.max_depth = n_trees, max_depth
        self.booster: xgboost.Booster | None = None
        self.register_buffer("errors", torch.full((PARTS,), LEAST_ERROR))

    errors: Tensor

    def fit(self, rows: CodedRows, scores: Tensor, *, seed: int) -> None:
        """Learn the scores [n] of ``rows``; the last tenth of them says how far off the trees are.

        Nothing goes on from what was learned before.
        """
        n_held = int(HELD_SHARE * len(rows))
        inputs, labels = matrix(self.columns, rows), scores.cpu().numpy()
        kept = slice(0, len(rows) - n_held)
        settings = SETTINGS | {"max_depth": self.max_depth, "seed": seed % 2**31}
        learned = xgboost.DMatrix(inputs[kept], label=labels[kept])
        self.booster = xgboost.train(settings, learned, self.n_trees)
        held = rows.at(torch.arange(len(rows) - n_held, len(rows), device=rows.device))
        if n_held:
            self._learn_errors(self(held), scores[len(rows) - n_held :])

    def forward(self, rows: CodedRows) -> Tensor:
        """The scores that are expected of rows, float32 [n] in [0, 1].

        Raises:
            RuntimeError: before ``fit``.
        """
        if self.booster is None:
            raise RuntimeError("the surrogate has learned no score yet")
        found = self.booster.inplace_predict(matrix(self.columns, rows))
        return torch.as_tensor(np.clip(found, 0, 1), dtype=torch.float32, device=rows.device)

    def error_of(self, scores: Tensor) -> Tensor:
        """The mean absolute error [n] where scores [n] are expected."""
        return self.errors[(scores * PARTS).long().clamp_max(PARTS - 1)]

    def _learn_errors(self, expected: Tensor, scores: Tensor) -> None:
        """Where no score was expected, the mean of all."""
        errors = (expected - scores).abs()
        part = (expected * PARTS).long().clamp_max(PARTS - 1)
        counts = torch.bincount(part, minlength=PARTS)
        sums = torch.bincount(part, weights=errors, minlength=PARTS)
        means = torch.where(counts > 0, sums / counts.clamp_min(1), errors.mean())
        self.errors.copy_(means.clamp_min(LEAST_ERROR))

    def get_extra_state(self) -> Tensor:
        """The trees in XGBoost's UBJSON, compressed, uint8; nothing before ``fit``."""
        raw = b"" if self.booster is None else zlib.compress(bytes(self.booster.save_raw()), LEVEL)
        return torch.from_numpy(np.frombuffer(raw, np.uint8).copy())

    def set_extra_state(self, state: Tensor) -> None:
        """Take the trees that ``state`` describes.

        Raises:
            TabganError: for a state that describes none.
        """
        if not len(state):
            self.booster = None
            return
        booster = xgboost.Booster({"nthread": 1})
        try:
            booster.load_model(bytearray(zlib.decompress(state.cpu().numpy().tobytes())))
        except (zlib.error, xgboost.core.XGBoostError) as error:
            raise TabganError(
                f"the checkpoint's surrogate: no trees of XGBoost: {error}"
            ) from error
        self.booster = booster
