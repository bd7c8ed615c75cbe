"""RowModel: a model of rows as commands, sampling and callbacks know it; what else it can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.chain import ChainGenerator
from tabgan.models.nets.conditional_vector import ConditionalVector
from tabgan.models.planning import Plan

Batch = tuple[Tensor, Tensor]  # rows [n, row_width], condition [n, condition_width]
Whole = tuple[Tensor | CodedRows, Tensor]  # the same of all rows, dense or coded


@runtime_checkable
class RowModel(Protocol):
    """A LightningModule that draws rows.

    Its class is the ``_target_`` of a file in ``conf/model``. It is made with the file's keys, the
    table's ``layout`` and ``condition_width``, and with ``loss``, ``penalty`` and ``tools`` where
    its constructor takes them. What it can do besides is a protocol of its own below: whoever
    wants it asks ``isinstance``.

    Attributes:
        learns_codes: whether its batches are coded rows (``encoding.coded``), not dense ones.
        learns_missing_cells: whether it learns from incomplete rows (encoder.missing=masked).
        takes_condition: whether the table's class may be its condition (encoder.conditional=true).
        layout: the map of a row.
    """

    learns_codes: bool
    learns_missing_cells: bool
    takes_condition: bool
    layout: RowLayout

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Learn from the whole table what one batch does not show.

        Args:
            train: all training rows, or a sample of them, and their conditions.
            validation: the same of the validation rows.
            seed: of what is drawn here.
        """
        ...

    def draw(self, condition: Tensor, rng: torch.Generator | None = None) -> CodedRows:
        """Rows for conditions [n, condition_width], on their device; changes nothing."""
        ...

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """A step on a batch of rows and their conditions."""
        ...

    # Of every LightningModule, as far as it is used outside of Lightning.
    @property
    def device(self) -> torch.device: ...
    def configure_optimizers(self) -> Any: ...
    def eval(self) -> Any: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...
    def named_children(self) -> Iterator[tuple[str, nn.Module]]: ...


OF_THE_CLASS = (  # what a class has of these members; ``layout`` is its objects'
    *("learns_codes", "learns_missing_cells", "takes_condition"),
    *("prepare", "draw", "training_step", "load_state_dict"),
)


def absent_members(model: type) -> list[str]:
    """The members of ``RowModel`` that a class lacks; none where its objects draw rows."""
    return [name for name in OF_THE_CLASS if name not in dir(model)]


@runtime_checkable
class PlannedModel(Protocol):
    """A class of models with rules for its sizes; others take ``planning.plan_steps``."""

    @staticmethod
    def plan(requested: Mapping[str, Any], n_rows: int, layout: RowLayout) -> Plan:
        """The values of ``auto`` in its configuration, given the training rows."""
        ...


@runtime_checkable
class PhasedModel(RowModel, Protocol):
    """A model whose weights are no candidates for the best from the first step on."""

    @property
    def may_be_kept(self) -> bool:
        """Whether the weights of now may be a training's best (``runs.callbacks.checkpoint``)."""
        ...


@runtime_checkable
class RowBoundModel(RowModel, Protocol):
    """A model that keeps beside its weights what is true of its training rows alone."""

    def take_up(self, train: Whole) -> None:
        """Learn that anew: weights learned on other rows have been loaded, and go on."""
        ...


@runtime_checkable
class CriticModel(RowModel, Protocol):
    """A model with a critic's verdict on rows."""

    @property
    def undecided(self) -> float | None:
        """The logit of rows as likely real as generated; None where logits have no zero."""
        ...

    def judge(self, rows: Tensor, condition: Tensor) -> Tensor:
        """Logits [n] of rows [n, row_width] and conditions [n, condition_width]; high is real."""
        ...


@runtime_checkable
class LikelihoodModel(RowModel, Protocol):
    """A model that knows how likely a row is."""

    def log_likelihood(self, rows: CodedRows) -> Tensor:
        """The logarithm of p(row), float32 [n], in nats."""
        ...


@runtime_checkable
class ChainedModel(RowModel, Protocol):
    """A model that draws column by column: given any cells it draws the others."""

    @property
    def sampling_chain(self) -> ChainGenerator:
        """The net that draws."""
        ...


@runtime_checkable
class VectorModel(RowModel, Protocol):
    """A model that is requested one value of one discrete column a row, before the class."""

    @property
    def conditional_vector(self) -> ConditionalVector:
        """The values that can be requested, and how often training rows have them."""
        ...
