"""Gradient penalties of a critic, each on its own schedule.

A *slope* is |d logit / d row|^2, one number per logit: of a critic that judges packs of rows
(PacGAN), over all rows of the pack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from tabgan.errors import TabganError

FLAT = 1e-12  # slopes below it have no root with a finite gradient


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """``weight * value(slopes)``, every so many critic steps at so many times the weight.

    Attributes:
        weight: of a penalty on every step, at least 0.
        every: critic steps from one penalty to the next, at least 1 (lazy regularisation, Karras
            et al. 2020): what is skipped is made up for.
        where: the rows whose slopes count: real, fake, both (as one batch of twice the size), or
            between (one position on the line from each real row to a fake one).
        value: a scalar of the slopes.

    Raises:
        TabganError: when a number is outside its range.
    """

    weight: float
    every: int
    where: Literal["real", "fake", "both", "between"]
    value: Callable[[Tensor], Tensor]

    def __post_init__(self) -> None:
        if self.weight < 0 or self.every < 1:
            raise TabganError(
                "penalty: expected a weight of at least 0 and every of at least 1 step, got "
                f"{self.weight:g} and {self.every}"
            )

    def due(self, step: int) -> bool:
        """Whether the critic pays at ``step``, from 0."""
        return step % self.every == 0

    def judge(
        self, critic: nn.Module, real: Tensor, fake: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Real logits, fake logits and the weighted penalty, a scalar with a graph.

        Shape:
            real, fake: [batch, row_width]
            condition: [batch, condition_width], of both
        """
        both, conditions = torch.cat([real, fake]), torch.cat([condition, condition])
        if self.where == "between":
            logits = critic(both, conditions)
            rows = between(real, fake, pack=getattr(critic, "pack", 1))
            _, slopes = logits_and_slopes(critic, rows, condition)
        else:
            logits, slopes = logits_and_slopes(critic, both, conditions)
            real_slopes, fake_slopes = slopes.chunk(2)
            slopes = {"real": real_slopes, "fake": fake_slopes, "both": slopes}[self.where]
        real_logits, fake_logits = logits.chunk(2)
        return real_logits, fake_logits, self.every * self.weight * self.value(slopes)


def zero_centred(slopes: Tensor) -> Tensor:
    """E[|dD/dx|^2] (Mescheder et al. 2018)."""
    return slopes.mean()


def one_centred(slopes: Tensor) -> Tensor:
    """E[(|dD/dx| - 1)^2] (Gulrajani et al. 2017)."""
    return (slopes.clamp(min=FLAT).sqrt() - 1).square().mean()


def r1(*, gamma: float, every: int) -> Penalty:
    """R1: gamma / 2 E[|dD(x)/dx|^2] on real rows."""
    return Penalty(weight=gamma / 2, every=every, where="real", value=zero_centred)


def r2(*, gamma: float, every: int) -> Penalty:
    """R2: gamma / 2 E[|dD(x)/dx|^2] on fake rows."""
    return Penalty(weight=gamma / 2, every=every, where="fake", value=zero_centred)


def r1r2(*, gamma: float, every: int) -> Penalty:
    """R1 + R2: the mean over both is half of their sum, so gamma is its weight."""
    return Penalty(weight=gamma, every=every, where="both", value=zero_centred)


def gradient_penalty(*, weight: float, every: int) -> Penalty:
    """WGAN-GP: weight E[(|dD(x)/dx| - 1)^2] between real and fake rows."""
    return Penalty(weight=weight, every=every, where="between", value=one_centred)


def no_penalty() -> None:
    """The critic's slopes are its own affair."""


def between(real: Tensor, fake: Tensor, *, pack: int) -> Tensor:
    """Rows u x + (1 - u) G(z), one u ~ U[0, 1] for each ``pack`` of them; [batch, row_width]."""
    shares = torch.rand(len(real) // pack, 1, device=real.device, dtype=real.dtype)
    return torch.lerp(fake, real, shares.repeat_interleave(pack, dim=0))


def logits_and_slopes(critic: nn.Module, rows: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and slopes, both [n_logits] with a graph to the weights.

    Of several critics (``Ensemble``), each one's own.
    """
    members = getattr(critic, "members", None)
    if members is not None:
        each = [logits_and_slopes(member, rows, condition) for member in members]
        together = (torch.stack(part, dim=1).flatten() for part in zip(*each, strict=True))
        logits, slopes = together
        return logits, slopes
    return differentiated(critic, rows, condition)


def differentiated(critic: nn.Module, rows: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and slopes of any critic, by autograd; the slopes cost a second backward pass."""
    rows = rows.detach().requires_grad_()
    logits = critic(rows, condition)
    (gradient,) = torch.autograd.grad(logits.sum(), rows, create_graph=True)
    return logits, gradient.reshape(len(logits), -1).square().sum(dim=1)
