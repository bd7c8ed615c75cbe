"""Adversarial losses: pairs of pure functions of the critic's logits, real and fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus

LossFunction = Callable[[Tensor, Tensor], Tensor]


class AdversarialLoss(NamedTuple):
    """The losses of critic and generator, both functions of (real_logits, fake_logits).

    Logits are [batch]; a loss is a scalar.

    Attributes:
        critic: the critic's loss.
        generator: the generator's loss.
        distance: how far apart real and fake rows are, by the logits; or None.
        distance_name: of its curves, ``train/em_distance``.
        price: the critic's loss row by row, of logits [batch] and labels [batch] (1 real, 0
            fake), where it has labels; or None.
        log_ratio: log p_real / p_fake [batch] of an optimal critic's logits [batch]; or None.
        undecided: the logit of rows that are as likely real as fake, or None.
    """

    critic: LossFunction
    generator: LossFunction
    distance: LossFunction | None = None
    distance_name: str = "em_distance"
    price: LossFunction | None = None
    log_ratio: Callable[[Tensor], Tensor] | None = None
    undecided: float | None = None


def cross_entropy_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(-D(x))] + E[softplus(D(G(z)))]: binary cross-entropy, real = 1, fake = 0."""
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def cross_entropy_price(logits: Tensor, labels: Tensor) -> Tensor:
    """softplus(D) - y D: the cross-entropy of sigmoid(D) and a label y, [batch]."""
    return softplus(logits) - labels * logits


def log_odds(logits: Tensor) -> Tensor:
    """The logits themselves: the optimal sigmoid(D) is p / (p + q), D is log p / q."""
    return logits


def saturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:  # noqa: ARG001
    """E[log(1 - sigmoid(D(G(z))))] = -E[softplus(D(G(z)))], flat where the critic is sure."""
    return -softplus(fake_logits).mean()


def nonsaturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:  # noqa: ARG001
    """E[softplus(-D(G(z)))], which keeps its gradient where the critic is sure."""
    return softplus(-fake_logits).mean()


def least_squares_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """(E[(D(x) - 1)^2] + E[D(G(z))^2]) / 2: real = 1, fake = 0."""
    return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2


def least_squares_price(logits: Tensor, labels: Tensor) -> Tensor:
    """(D - y)^2 / 2, [batch]."""
    return (logits - labels).square() / 2


def least_squares_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:  # noqa: ARG001
    """E[(D(G(z)) - 1)^2] / 2."""
    return (fake_logits - 1).square().mean() / 2


def hinge_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]."""
    return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()


def wasserstein_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[D(G(z))] - E[D(x)]."""
    return fake_logits.mean() - real_logits.mean()


def raising_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:  # noqa: ARG001
    """-E[D(G(z))]."""
    return -fake_logits.mean()


def em_distance(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[D(x)] - E[D(G(z))]: the earth mover's distance that a 1-Lipschitz critic bears witness to.

    A lower bound up to the critic's Lipschitz constant (Arjovsky et al. 2017, equation 2).
    """
    return real_logits.mean() - fake_logits.mean()


def relativistic_critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(-(D(x) - D(G(z))))]: each real row beside a fake one of the same condition."""
    return softplus(fake_logits - real_logits).mean()


def relativistic_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(-(D(G(z)) - D(x)))]."""
    return softplus(real_logits - fake_logits).mean()


def minimax() -> AdversarialLoss:
    """Min over G, max over D of E[log D(x)] + E[log(1 - D(G(z)))] (Goodfellow et al. 2014)."""
    return AdversarialLoss(
        critic=cross_entropy_critic,
        generator=saturating_generator,
        price=cross_entropy_price,
        log_ratio=log_odds,
        undecided=0.0,
    )


def nonsaturating() -> AdversarialLoss:
    """The loss of Goodfellow et al. (2014), section 3, with the generator's non-saturating form."""
    return minimax()._replace(generator=nonsaturating_generator)


def least_squares() -> AdversarialLoss:
    """LSGAN (Mao et al. 2017), equation 9."""
    return AdversarialLoss(
        critic=least_squares_critic, generator=least_squares_generator, price=least_squares_price
    )


def hinge() -> AdversarialLoss:
    """The hinge loss of Lim & Ye (2017)."""
    return AdversarialLoss(critic=hinge_critic, generator=raising_generator)


def wasserstein() -> AdversarialLoss:
    """WGAN (Arjovsky et al. 2017); the critic wants clipped weights or a gradient penalty."""
    return AdversarialLoss(
        critic=wasserstein_critic, generator=raising_generator, distance=em_distance
    )


def relativistic() -> AdversarialLoss:
    """The pairing loss of Jolicoeur-Martineau (2019), as in R3GAN (Huang et al. 2024)."""
    return AdversarialLoss(critic=relativistic_critic, generator=relativistic_generator)
