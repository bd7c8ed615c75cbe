"""Adversarial losses: pairs of pure functions of the critic's logits, real and fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import softplus


class AdversarialLoss(NamedTuple):
    """What the critic minimises, of (real_logits, fake_logits); what the generator does, of fake.

    Both take logits [batch] and return a scalar.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def cross_entropy_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(-D(x))] + E[softplus(D(G(z)))]: binary cross-entropy, real = 1, fake = 0."""
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def nonsaturating_generator(fake_logits: Tensor) -> Tensor:
    """E[softplus(-D(G(z)))], which keeps its gradient where the critic is sure."""
    return softplus(-fake_logits).mean()


def nonsaturating() -> AdversarialLoss:
    """The loss of Goodfellow et al. (2014), section 3, with the generator's non-saturating form."""
    return AdversarialLoss(critic=cross_entropy_critic, generator=nonsaturating_generator)
