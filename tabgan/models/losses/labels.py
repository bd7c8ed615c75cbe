"""Labels that are not quite true, so that the critic is never quite sure (Salimans et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tabgan.errors import TabganError
from tabgan.models.losses.adversarial import AdversarialLoss


def relabelled(
    loss: AdversarialLoss, change: Callable[[Tensor], Tensor], *, tool: str
) -> AdversarialLoss:
    """The loss with a critic that learns from changed labels.

    Args:
        loss: one that has labels.
        change: of labels [batch] (1 real, 0 fake).
        tool: who asks, for the message.

    Raises:
        TabganError: when the loss has no labels.
    """
    price = loss.price
    if price is None:
        raise TabganError(
            f"tool={tool}: this loss has no labels to change, for it is not an error against 1 "
            "and 0; choose loss=nonsaturating, minimax or least_squares"
        )

    def changed(logits: Tensor, labels: Tensor) -> Tensor:
        return price(logits, change(labels))

    def critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """E[price(D(x), 1)] + E[price(D(G(z)), 0)], by the changed labels."""
        real = changed(real_logits, torch.ones_like(real_logits))
        return real.mean() + changed(fake_logits, torch.zeros_like(fake_logits)).mean()

    return loss._replace(critic=critic, price=changed)


def smoothed(labels: Tensor, *, real: float) -> Tensor:
    """One-sided: 1 becomes ``real``, 0 stays (Salimans et al. 2016, section 3.4).

    The best critic is then real p / (p + q): smoothing 0 too would draw generated rows to where
    they are many and real ones are none.
    """
    return labels * real


def flipped(labels: Tensor, *, share: float) -> Tensor:
    """Each label y becomes 1 - y with probability ``share``, drawn anew each time."""
    return torch.where(torch.rand_like(labels) < share, 1 - labels, labels)
