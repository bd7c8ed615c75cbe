"""Steps of a training: how many there are, and whether they still lead anywhere."""

from __future__ import annotations

from collections.abc import Iterable

import pytorch_lightning as pl
from torch import Tensor, nn


def total_steps(trainer: pl.Trainer) -> int:
    """Generator steps of a training, by its epochs and by ``trainer.max_steps``; at least 1."""
    epochs = -1 if trainer.max_epochs is None else trainer.max_epochs
    steps = int(trainer.num_training_batches) * epochs
    requested = [most for most in (steps, trainer.max_steps) if most >= 0]
    return max(min(requested, default=1), 1)


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The Euclidean norm of all gradients together."""
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])


def diverged(what: str, step: int, **rates: float) -> FloatingPointError:
    """The error of a training in which ``what`` is no longer a number, with its learning rates."""
    given = ", ".join(f"model.{name}={rate:g}" for name, rate in rates.items())
    return FloatingPointError(
        f"{what} at step {step}: the training diverged ({given}); checkpoints written before that "
        "are whole"
    )
