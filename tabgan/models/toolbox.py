"""Tools against mode collapse and instability, as what each of them changes of the game.

Each function here is one tool, with a file of its own in ``conf/tool/``; any of them go together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tabgan.errors import TabganError
from tabgan.models.losses.adversarial import AdversarialLoss
from tabgan.models.losses.features import feature_distance
from tabgan.models.losses.feedback import dropping
from tabgan.models.losses.labels import flipped, relabelled, smoothed
from tabgan.models.nets.ensemble import Ensemble
from tabgan.models.nets.history import History
from tabgan.models.nets.initialisation import initialise
from tabgan.models.nets.minibatch_discrimination import MinibatchCritic
from tabgan.models.nets.packing import Packed
from tabgan.models.nets.virtual_batch_norm import ReferencedCritic

CriticMaker = Callable[..., Any]
# The nets that stand around a critic, innermost first, in whatever order they were requested.
AROUND: tuple[type[nn.Module], ...] = (ReferencedCritic, Packed, MinibatchCritic, Ensemble)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The changes that a tool makes; each part is left alone by default.

    Attributes:
        around: a net around the critic, and its sizes.
        loss: makes the loss of training; the loss of validation stays.
        blurred: rows [batch, row_width] as the critic sees them while it trains, after a share of
            the training in [0, 1].
        matching: weight of the feature matching in the generator's loss.
        history: weight of the historical averaging in both players' losses.
        critic_rate: factor of the critic's learning rate.
        initialise: draws a net's first weights anew.
    """

    around: tuple[type[nn.Module], dict[str, int]] | None = None
    loss: Callable[[AdversarialLoss], AdversarialLoss] | None = None
    blurred: Callable[[Tensor, float], Tensor] | None = None
    matching: float = 0.0
    history: float = 0.0
    critic_rate: float = 1.0
    initialise: Callable[[nn.Module], None] | None = None


class Toolbox:
    """Several tools as one: what the module asks, at the positions where tools step in.

    Args:
        tools: in any order.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self.tools = list(tools)
        self.matching = sum(tool.matching for tool in self.tools)
        self.history = sum(tool.history for tool in self.tools)

    def critic(self, make: CriticMaker) -> CriticMaker:
        """The critic's maker with the tools' nets around what it makes."""
        nets = [tool.around for tool in self.tools if tool.around is not None]
        for net, sizes in sorted(nets, key=lambda around: AROUND.index(around[0])):
            make = partial(net, critic=make, **sizes)
        return make

    def loss(self, loss: AdversarialLoss) -> AdversarialLoss:
        """The loss of training.

        Raises:
            TabganError: when a tool has no meaning for it.
        """
        for tool in self.tools:
            loss = loss if tool.loss is None else tool.loss(loss)
        return loss

    def critic_rate(self, lr: float) -> float:
        """The critic's learning rate."""
        for tool in self.tools:
            lr *= tool.critic_rate
        return lr

    def initialise(self, *nets: nn.Module) -> None:
        """Draw the nets' first weights."""
        for tool in self.tools:
            for net in nets if tool.initialise is not None else ():
                tool.initialise(net)  # type: ignore[misc]

    def histories(self, **players: nn.Module) -> nn.ModuleDict:
        """The past of each player; none where no tool looks at it."""
        return nn.ModuleDict({k: History(net) for k, net in players.items() if self.history})

    def blurred(self, rows: Tensor, share: float) -> Tensor:
        """Rows [batch, row_width] as the critic sees them after a share of the training."""
        for tool in self.tools:
            rows = rows if tool.blurred is None else tool.blurred(rows, share)
        return rows

    def generator_term(
        self, critic: nn.Module, rows: Tensor, fake: Tensor, condition: Tensor
    ) -> Tensor | float:
        """The terms that tools add to the generator's loss."""
        if not self.matching:
            return 0.0
        return self.matching * feature_distance(critic, rows, fake, condition)


def minibatch(*, group: int, n_kernels: int, kernel_dim: int) -> Tool:
    """Minibatch discrimination (``models.nets.minibatch_discrimination``)."""
    sizes = {"group": group, "n_kernels": n_kernels, "kernel_dim": kernel_dim}
    return Tool(around=(MinibatchCritic, sizes))


def pacgan(*, pack: int) -> Tool:
    """PacGAN (``models.nets.packing``)."""
    return Tool(around=(Packed, {"pack": pack}))


def virtual_batch_norm(*, n_reference: int) -> Tool:
    """Virtual batch norm in the critic (``models.nets.virtual_batch_norm``)."""
    return Tool(around=(ReferencedCritic, {"n_reference": n_reference}))


def dropout_gan(*, critics: int, dropout: float) -> Tool:
    """Dropout-GAN (``models.nets.ensemble``, ``models.losses.feedback``).

    Raises:
        TabganError: when ``dropout`` is not in [0, 1).
    """
    if not 0 <= dropout < 1:
        raise TabganError(
            f"tool.dropout_gan.dropout={dropout}: expected a probability, 0 up to below 1"
        )
    return Tool(
        around=(Ensemble, {"n_critics": critics}),
        loss=partial(dropping, n_critics=critics, dropout=dropout),
    )


def feature_matching(*, weight: float) -> Tool:
    """Feature matching (``models.losses.features``), added to the generator's loss.

    The paper puts it in that loss's place; beside it, it steadies.

    Raises:
        TabganError: when ``weight`` is below 0.
    """
    return Tool(matching=_at_least_0(weight, "feature_matching.weight"))


def historical_averaging(*, weight: float) -> Tool:
    """Historical averaging of both players (``models.nets.history``).

    Raises:
        TabganError: when ``weight`` is below 0.
    """
    return Tool(history=_at_least_0(weight, "historical_averaging.weight"))


def label_smoothing(*, real: float) -> Tool:
    """One-sided label smoothing (``models.losses.labels``).

    Raises:
        TabganError: when ``real`` is not above .5 and at most 1.
    """
    if not 0.5 < real <= 1:
        raise TabganError(
            f"tool.label_smoothing.real={real}: expected the label of real rows, above .5 up to 1"
        )
    return _labelled("label_smoothing", partial(smoothed, real=real))


def noisy_labels(*, share: float) -> Tool:
    """Labels flipped at random (``models.losses.labels``).

    Raises:
        TabganError: when ``share`` is not in [0, .5).
    """
    if not 0 <= share < 0.5:
        raise TabganError(
            f"tool.noisy_labels.share={share}: expected a share of flipped labels, 0 up to below .5"
        )
    return _labelled("noisy_labels", partial(flipped, share=share))


def instance_noise(*, std: float) -> Tool:
    """Normal noise on every position of the rows the critic sees, real and generated.

    Its standard deviation falls linearly from ``std`` to 0 at the end of the training, so that the
    two distributions overlap while they are far apart (Sønderby et al. 2017; Arjovsky & Bottou
    2017).

    Raises:
        TabganError: when ``std`` is below 0.
    """
    _at_least_0(std, "instance_noise.std")
    return Tool(blurred=lambda rows, share: rows + std * (1 - share) * torch.randn_like(rows))


def initialisation(*, scheme: str) -> Tool:
    """Both players' first weights by a scheme (``models.nets.initialisation``)."""
    return Tool(initialise=partial(initialise, scheme=scheme))


def two_time_scales(*, factor: float) -> Tool:
    """A critic that learns faster than the generator (TTUR, Heusel et al. 2017).

    Raises:
        TabganError: when ``factor`` is not above 0.
    """
    if factor <= 0:
        raise TabganError(f"tool.two_time_scales.factor={factor}: expected a number above 0")
    return Tool(critic_rate=factor)


def _labelled(name: str, change: Callable[[Tensor], Tensor]) -> Tool:
    return Tool(loss=partial(relabelled, change=change, tool=name))


def _at_least_0(value: float, name: str) -> float:
    if value < 0:
        raise TabganError(f"tool.{name}={value}: expected a number of at least 0")
    return value
