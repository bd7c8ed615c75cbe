"""The ability to draw rows for scores, as commands and callbacks know it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from tabgan.blackboxes.scored.scorer import BlackBoxScorer
from tabgan.encoding.coded import CodedRows
from tabgan.models.protocol import RowModel


@runtime_checkable
class ScoredModel(RowModel, Protocol):
    """A model that draws rows for scores, and is trained against a black box.

    Attributes:
        scorer: the black box; None before it is given.
    """

    scorer: BlackBoxScorer | None

    @property
    def knows_scores(self) -> bool:
        """Whether its training has begun to show scores."""
        ...

    def sample_scored(self, scores: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """Rows for the scores [n] in [0, 1]; no query is made."""
        ...
