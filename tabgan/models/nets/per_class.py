"""A generator and a critic for each class, as one net each (GAN-SMOTE, Scott and Plested 2019)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.generator import Generator
from tabgan.models.nets.heads import Headed
from tabgan.models.nets.packing import in_packs


class PerClassGenerator(Headed):
    """Each row from the generator of its class; they share no weight.

    Shape:
        noise: [batch, noise_dim]
        condition: one-hot [batch, n_classes]
        returns: rows [batch, row_width]
    """

    def __init__(
        self,
        *,
        generator: Callable[..., Generator],
        layout: RowLayout,
        condition_width: int,
        noise_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.noise_dim, self.row_width = noise_dim, layout.width
        sizes = {"layout": layout, "condition_width": 0, "noise_dim": noise_dim}
        self.of_class = nn.ModuleList(
            generator(**sizes, dropout=dropout) for _ in range(condition_width)
        )
        self.heads = cast(Generator, self.of_class[0]).heads

    def raw(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Scalars and logits [batch, row_width], before the heads."""
        raw = noise.new_empty(len(noise), self.row_width)
        for net, of in of_classes(self.of_class, condition):
            raw[of] = net.raw(noise[of], condition[of, :0])
        return raw


class PerClassCritic(nn.Module):
    """Each row before the critic of its class, which sees how far it is from its neighbours.

    The neighbours are those in the batch, in groups of ``group`` rows of the class: real rows and
    generated ones have to come in passes of their own.

    Shape:
        rows: [batch, row_width]
        condition: one-hot [batch, n_classes]
        returns: logits [batch]
    """

    pack = group = 1  # rows that one logit is about, and that have to come together

    def __init__(
        self,
        *,
        critic: Callable[..., Any],
        layout: RowLayout,
        condition_width: int,
        dropout: float,
        neighbours: int,
    ) -> None:
        super().__init__()
        self.neighbours = neighbours
        sizes = {"layout": layout, "condition_width": 1, "dropout": dropout}
        self.of_class = nn.ModuleList(critic(**sizes) for _ in range(condition_width))
        self.feature_width = int(cast(Any, self.of_class[0]).feature_width)

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        logits = rows.new_empty(len(rows))
        for net, of in of_classes(self.of_class, condition):
            own = rows[of]
            logits[of] = net(own, batch_distance(own, self.neighbours)[:, None])
        return logits

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The last hidden layers, of which the critics' logits are linear functions."""
        features = rows.new_empty(len(rows), self.feature_width)
        for net, of in of_classes(self.of_class, condition):
            own = rows[of]
            features[of] = net.features(own, batch_distance(own, self.neighbours)[:, None])
        return features

    def learn(self, scalars: Tensor) -> None:
        """Nothing: all that it knows of the table, it learns by judging."""


def batch_distance(rows: Tensor, group: int) -> Tensor:
    """Each row's mean L1 distance, a position, from the rows of its group, itself included: [n].

    Groups are ``group`` rows one behind another; an incomplete last one is filled up with the
    first rows. A generator that makes one and the same row has 0, and a critic sees it.

    Shape:
        rows: [n, row_width]
    """
    width = rows.shape[1]
    groups = in_packs(rows, group).reshape(-1, group, width)
    distances = torch.cdist(groups, groups, p=1.0).mean(dim=2) / width  # [groups, group]
    return distances.flatten()[: len(rows)]


def of_classes(nets: nn.ModuleList, condition: Tensor) -> Iterator[tuple[Any, Tensor]]:
    """Each class's net, and the positions of its rows, where there are any."""
    labels = condition.argmax(dim=1)
    for label, net in enumerate(nets):
        of = (labels == label).nonzero().squeeze(1)
        if len(of):
            yield net, of
