"""Adversarial losses: pairs of pure functions of the critic's logits, real and fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import softplus


class AdversarialLoss(NamedTuple):
    """What the critic and the generator minimise, both of (real_logits, fake_logits).

    Logits are [batch]; a loss is a scalar. ``paired`` says that the generator's loss reads the
    real logits too; otherwise they may be anything of the right shape.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False


def cross_entropy_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(-D(x))] + E[softplus(D(G(z)))]: binary cross-entropy, real = 1, fake = 0."""
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def nonsaturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:  # noqa: ARG001
    """E[softplus(-D(G(z)))], which keeps its gradient where the critic is sure."""
    return softplus(-fake_logits).mean()


def relativistic_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(-(D(x) - D(G(z))))]: each real row beside a fake one of the same condition."""
    return softplus(fake_logits - real_logits).mean()


def relativistic_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(-(D(G(z)) - D(x)))]."""
    return softplus(real_logits - fake_logits).mean()


def relativistic() -> AdversarialLoss:
    """The pairing loss of Jolicoeur-Martineau (2019), as in R3GAN (Huang et al. 2024)."""
    return AdversarialLoss(
        critic=relativistic_critic, generator=relativistic_generator, paired=True
    )


def nonsaturating() -> AdversarialLoss:
    """The loss of Goodfellow et al. (2014), section 3, with the generator's non-saturating form."""
    return AdversarialLoss(critic=cross_entropy_critic, generator=nonsaturating_generator)
