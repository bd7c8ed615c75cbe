"""f-divergences as adversarial losses: one table, each row composed so that nothing overflows.

A convex f of u >= 0 defines D_f(P || Q) = E_Q[f(p/q)], P the real rows and Q the generated ones.
For every T with values in the domain of the conjugate f*(t) = sup_u (u t - f(u)),

    D_f(P || Q) >= E_P[T(x)] - E_Q[f*(T(x))],

with equality at T = f'(p/q) (Nguyen, Wainwright & Jordan 2010). f-GAN (Nowozin, Cseke & Tomioka
2016) takes T = g(v): v is the critic's logit, any real number, and the activation g, which
increases, carries it into the domain. The critic raises the bound, the generator lowers it.

The activations are those of f-GAN's table 6 but for Jeffrey's, the weighted Jensen-Shannon and
the alpha-divergences below 1: there another one makes f*(g(v)) an elementary function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from tabgan.errors import TabganError, nearest
from tabgan.models.losses.adversarial import AdversarialLoss

Curve = Callable[[Tensor], Tensor]  # of each number alone
LOG_2 = math.log(2)


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """One row of the table.

    Attributes:
        f: u -> f(u), u > 0.
        optimal: u -> f'(u), the optimal critic's T where p/q = u.
        activation: v -> g(v).
        conjugate: v -> f*(g(v)), composed: infinite only where its value is beyond the dtype.
        log_ratio: v -> log u with g(v) = f'(u), the log p/q that an optimal critic's logit
            stands for; None where T knows its sign alone.
        undecided: the v where that is 0.
    """

    f: Curve
    optimal: Curve
    activation: Curve
    conjugate: Curve
    log_ratio: Curve | None
    undecided: float = 0.0

    def bound(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """E_P[g(v)] - E_Q[f*(g(v))], at most D_f(P || Q); a scalar.

        Shape:
            real_logits, fake_logits: [n], of rows of P and of rows of Q
        """
        return self.activation(real_logits).mean() - self.conjugate(fake_logits).mean()

    def loss(self, *, trick: bool) -> AdversarialLoss:
        """The losses of both players; ``trick`` as in ``f_gan``.

        Raises:
            TabganError: when ``trick`` is neither true nor false.
        """
        if not isinstance(trick, bool):
            raise TabganError(f"loss.trick={trick}: expected true or false")

        def critic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
            return -self.bound(real_logits, fake_logits)

        def generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:  # noqa: ARG001
            raised = self.activation if trick else self.conjugate
            return -raised(fake_logits).mean()

        return AdversarialLoss(
            critic=critic,
            generator=generator,
            distance=self.bound,
            distance_name="divergence",
            undecided=self.undecided,
            log_ratio=self.log_ratio,
        )


def alpha_divergence(alpha: float) -> Divergence:
    """f(u) = (u^alpha - 1 - alpha (u - 1)) / (alpha (alpha - 1)).

    At 2 half of Pearson's, at -1 half of Neyman's, at 1/2 twice the squared Hellinger distance.

    Raises:
        TabganError: for 0 and 1, whose limits are the reverse KL and KL.
    """
    if not isinstance(alpha, int | float) or not math.isfinite(alpha) or alpha in (0, 1):
        raise TabganError(
            f"loss.alpha={alpha}: expected a number other than 0 and 1; at 0 choose "
            "loss=f_reverse_kl, at 1 loss=f_kl"
        )

    def f(u: Tensor) -> Tensor:
        return (u**alpha - 1 - alpha * (u - 1)) / (alpha * (alpha - 1))

    def optimal(u: Tensor) -> Tensor:
        return (u ** (alpha - 1) - 1) / (alpha - 1)

    if alpha > 1:  # f' has all numbers above -1 / (alpha - 1); below it u = 0 is the supremum

        def base(v: Tensor) -> Tensor:
            return (1 + (alpha - 1) * v).clamp(min=0)

        return Divergence(
            f=f,
            optimal=optimal,
            activation=lambda v: v,
            conjugate=lambda v: (base(v) ** (alpha / (alpha - 1)) - 1) / alpha,
            log_ratio=lambda v: base(v).log() / (alpha - 1),
        )
    return Divergence(
        f=f,
        optimal=optimal,
        activation=lambda v: -(-v).expm1() / (1 - alpha),
        conjugate=lambda v: (alpha / (1 - alpha) * v).expm1() / alpha,
        log_ratio=lambda v: v / (1 - alpha),
    )


def weighted_jensen_shannon(weight: float) -> Divergence:
    """The sum w KL(P || M) + (1 - w) KL(Q || M), of the mixture M = w P + (1 - w) Q.

    Raises:
        TabganError: when ``weight`` is not in (0, 1).
    """
    w = weight
    if not isinstance(w, int | float) or not 0 < w < 1:
        raise TabganError(
            f"loss.weight={w}: expected the weight of real rows, a number above 0 and below 1"
        )
    return Divergence(
        f=lambda u: w * u * u.log() - (1 - w + w * u) * (1 - w + w * u).log(),
        optimal=lambda u: w * (u / (1 - w + w * u)).log(),
        activation=lambda v: -w * (math.log(w) + softplus(-v)),
        conjugate=lambda v: (1 - w) * (math.log(1 - w) + softplus(v)),
        log_ratio=lambda v: v + math.log((1 - w) / w),
        undecided=math.log(w / (1 - w)),
    )


def _pearson_conjugate(v: Tensor) -> Tensor:
    """-1 below v = -2, where u = 0 is the supremum; from there on v + v^2 / 4."""
    reached = v.clamp(min=-2)
    return reached + reached.square() / 4


DIVERGENCES = {
    "total_variation": Divergence(  # E|p - q| / 2; g(v) is f' at infinite logits only
        f=lambda u: (u - 1).abs() / 2,
        optimal=lambda u: (u - 1).sign() / 2,
        activation=lambda v: v.tanh() / 2,
        conjugate=lambda v: v.tanh() / 2,
        log_ratio=None,
    ),
    "kl": Divergence(  # KL(P || Q)
        f=lambda u: u * u.log(),
        optimal=lambda u: 1 + u.log(),
        activation=lambda v: v,
        conjugate=lambda v: (v - 1).exp(),
        log_ratio=lambda v: v - 1,
        undecided=1.0,
    ),
    "reverse_kl": Divergence(  # KL(Q || P)
        f=lambda u: -u.log(),
        optimal=lambda u: -1 / u,
        activation=lambda v: -(-v).exp(),
        conjugate=lambda v: v - 1,
        log_ratio=lambda v: v,
    ),
    "pearson": Divergence(  # sum (p - q)^2 / q
        f=lambda u: (u - 1).square(),
        optimal=lambda u: 2 * (u - 1),
        activation=lambda v: v,
        conjugate=_pearson_conjugate,
        log_ratio=lambda v: (v / 2).clamp(min=-1).log1p(),
    ),
    "neyman": Divergence(  # sum (p - q)^2 / p
        f=lambda u: (1 - u).square() / u,
        optimal=lambda u: 1 - u**-2,
        activation=lambda v: -(-v).expm1(),
        conjugate=lambda v: -2 * (-v / 2).expm1(),
        log_ratio=lambda v: v / 2,
    ),
    "squared_hellinger": Divergence(  # sum (sqrt p - sqrt q)^2
        f=lambda u: (u.sqrt() - 1).square(),
        optimal=lambda u: 1 - u**-0.5,
        activation=lambda v: -(-v).expm1(),
        conjugate=lambda v: v.expm1(),
        log_ratio=lambda v: 2 * v,
    ),
    "jeffrey": Divergence(  # KL(P || Q) + KL(Q || P)
        f=lambda u: (u - 1) * u.log(),
        optimal=lambda u: 1 + u.log() - 1 / u,
        activation=lambda v: v - (-v).expm1(),
        conjugate=lambda v: v + v.expm1(),
        log_ratio=lambda v: v,
    ),
    "jensen_shannon": Divergence(  # KL(P || M) + KL(Q || M), M = (P + Q) / 2; at most 2 log 2
        f=lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
        optimal=lambda u: (2 * u / (u + 1)).log(),
        activation=lambda v: LOG_2 - softplus(-v),
        conjugate=lambda v: softplus(v) - LOG_2,
        log_ratio=lambda v: v,
    ),
    "gan": Divergence(  # Jensen-Shannon's less 2 log 2: the minimax game, logit by logit
        f=lambda u: u * u.log() - (u + 1) * (u + 1).log(),
        optimal=lambda u: (u / (u + 1)).log(),
        activation=lambda v: -softplus(-v),
        conjugate=lambda v: softplus(v),
        log_ratio=lambda v: v,
    ),
}


def f_gan(*, divergence: str, trick: bool) -> AdversarialLoss:
    """The losses of one of ``DIVERGENCES``.

    Args:
        divergence: its name.
        trick: whether the generator raises E_Q[g(v)] instead of E_Q[f*(g(v))]: it then keeps its
            gradient where the critic is sure (f-GAN, section 3.2).

    Raises:
        TabganError: for another name, with the nearest.
    """
    if divergence not in DIVERGENCES:
        raise TabganError(f"loss.divergence={divergence}: {nearest(divergence, DIVERGENCES)}")
    return DIVERGENCES[divergence].loss(trick=trick)


def f_alpha(*, alpha: float, trick: bool) -> AdversarialLoss:
    """The losses of an alpha-divergence; ``trick`` as in ``f_gan``."""
    return alpha_divergence(alpha).loss(trick=trick)


def f_weighted_jensen_shannon(*, weight: float, trick: bool) -> AdversarialLoss:
    """The losses of a weighted Jensen-Shannon divergence; ``trick`` as in ``f_gan``."""
    return weighted_jensen_shannon(weight).loss(trick=trick)
