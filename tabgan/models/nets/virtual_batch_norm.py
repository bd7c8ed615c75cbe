"""Batch norm whose statistics no other row of the batch enters (Salimans et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError

LEAST_VARIANCE = 1e-5  # as in torch's batch norm


class VirtualBatchNorm(nn.Module):
    """Normalises each row by mean and variance of a fixed reference batch and the row itself.

    With R reference rows the row's own share is 1 / (R + 1), in the mean and in the mean square
    (Salimans et al. 2016, section 3.5); reference rows are normalised by the reference batch.

    Shape:
        inputs: [n_reference + n, width], the reference batch first
        returns: the same
    """

    def __init__(self, width: int, *, n_reference: int) -> None:
        super().__init__()
        self.n_reference = n_reference
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, inputs: Tensor) -> Tensor:
        reference = inputs[: self.n_reference]
        own = torch.full((len(inputs), 1), 1 / (self.n_reference + 1)).to(inputs)
        own[: self.n_reference] = 0.0
        means = torch.lerp(reference.mean(dim=0), inputs, own)
        squares = torch.lerp(reference.square().mean(dim=0), inputs.square(), own)
        deviations = (squares - means.square() + LEAST_VARIANCE).sqrt()
        return (inputs - means) / deviations * self.scale + self.shift


class ReferencedCritic(nn.Module):
    """A critic with virtual batch norm after each linear layer but the one that gives the logit.

    The paper has it in the generator alone, for its cost: the reference batch passes through the
    layers with every batch. It is the first rows that the critic judges while it trains, and
    stays; real rows and as many generated ones come together then, real ones first.

    Shape:
        rows: [batch, row_width]
        condition: [batch, condition_width]
        returns: logits [batch]

    Raises:
        TabganError: when there are fewer than 2 reference rows, or a batch has fewer rows.
    """

    reference: Tensor
    reference_condition: Tensor
    learned: Tensor

    def __init__(
        self,
        *,
        critic: Callable[..., Any],
        layout: RowLayout,
        condition_width: int,
        n_reference: int,
        **sizes: Any,
    ) -> None:
        super().__init__()
        if n_reference < 2:
            raise TabganError(
                f"tool.virtual_batch_norm.n_reference={n_reference}: expected at least 2 rows"
            )
        self.critic: Any = critic(layout=layout, condition_width=condition_width, **sizes)
        self.pack, self.group = self.critic.pack, self.critic.group
        self.n_rows = n_reference * self.pack
        self.n_reference = n_reference  # packs, where the critic judges packs
        self.feature_width: int = self.critic.feature_width
        normalise(self.critic, n_reference=n_reference)
        self.register_buffer("reference", torch.zeros(self.n_rows, layout.width))
        self.register_buffer("reference_condition", torch.zeros(self.n_rows, condition_width))
        self.register_buffer("learned", torch.tensor(False))

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        return self.verdict(self.features(rows, condition))

    def features(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The critic's features of rows beside the reference batch, [batch, feature_width]."""
        if self.training and not self.learned:
            self._take_reference(rows, condition)
        both = torch.cat([self.reference, rows])
        conditions = torch.cat([self.reference_condition, condition])
        features: Tensor = self.critic.features(both, conditions)
        return features[self.n_reference :]

    def verdict(self, features: Tensor) -> Tensor:
        """Logits [batch] of features [batch, feature_width]."""
        logits: Tensor = self.critic.verdict(features)
        return logits

    def learn(self, rows: CodedRows) -> None:
        """Show the critic the training rows."""
        self.critic.learn(rows)

    @torch.no_grad()
    def _take_reference(self, rows: Tensor, condition: Tensor) -> None:
        if len(rows) // 2 < self.n_rows:
            raise TabganError(
                f"tool.virtual_batch_norm.n_reference: {self.n_rows} reference rows were requested"
                f", and a batch has {len(rows) // 2}; choose a larger data.batch_size"
            )
        self.reference.copy_(rows[: self.n_rows])
        self.reference_condition.copy_(condition[: self.n_rows])
        self.learned.fill_(True)


def normalise(net: nn.Module, *, n_reference: int) -> None:
    """Put virtual batch norm behind each linear layer of ``net`` with more than one output."""
    for name, part in list(net.named_children()):
        if isinstance(part, nn.Linear) and part.out_features > 1:
            norm = VirtualBatchNorm(part.out_features, n_reference=n_reference)
            cast(Any, net)._modules[name] = nn.Sequential(part, norm)
        else:
            normalise(part, n_reference=n_reference)
