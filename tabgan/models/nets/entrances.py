"""The first layer of a chain's heads: what each sees of the columns before its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

GROUPS = 6  # of heads, multiplied together; those of a group see about as many inputs
SCALE = 0.3  # of the weights, at the start


@dataclass(frozen=True, kw_only=True)
class Head:
    """One categorical draw of a row: a column's category or bin, or the cell of a bin.

    Attributes:
        column: the position of its column in the chain.
        code: its position among a row's codes.
        width: its categories.
        is_cell: whether it draws the cell of a bin.
    """

    column: int
    code: int
    width: int
    is_cell: bool


class Entrance(nn.Module):
    """hidden[head] = (inputs of columns before the head's, each scaled) @ weights of its own.

    The scales say how much a column matters to the head's (``models.nets.relevance``). With all
    equal weights and the same learning rate, what matters little is learned slowly, and heads of
    few rows do not learn the noise of columns that say nothing. Of more than ``parents`` columns a
    head sees those that matter most, so that the weights grow with the number of columns and not
    with its square.

    Args:
        heads: in the order they are drawn.
        ends: where the inputs of the columns before each chain position end; the inputs before the
            first column are seen by all heads, unscaled.
        width: of the result.
        parents: columns that a head sees at most.

    Attributes:
        groups: first head and end of each group.
        weights: per group [heads, seen, width].

    Shape:
        inputs: [n, n_inputs]
        returns: [heads, n, width]
    """

    def __init__(
        self, heads: Sequence[Head], ends: Sequence[int], width: int, parents: int
    ) -> None:
        super().__init__()
        self.width, self.ends, self.parents = width, list(ends), parents
        self.columns = [head.column for head in heads]
        n_groups = min(GROUPS, len(heads))
        cuts = [round(len(heads) * group / n_groups) for group in range(n_groups + 1)]
        self.groups = list(pairwise(cuts))
        widths = torch.tensor(self.ends).diff()
        most = [
            self.ends[0] + int(widths[:column].sort(descending=True).values[:parents].sum())
            for column in self.columns
        ]  # inputs that a head can see
        self.weights = nn.ParameterList()
        for group, (first, end) in enumerate(self.groups):
            shape = end - first, max(most[first:end])
            self.register_buffer(f"at_{group}", torch.empty(shape, dtype=torch.int32))
            self.register_buffer(f"scales_{group}", torch.empty(shape))
            self.weights.append(nn.Parameter(torch.randn(*shape, width) * SCALE))
        self._strengths = [1.0] * len(heads)  # by whose root the weights were divided
        self.learn([np.ones(column) for column in range(len(self.ends))])

    @torch.no_grad()
    def learn(self, relevance: Sequence[NDArray[np.float64]]) -> None:
        """Scale the inputs by how much each column before matters, and choose those seen.

        The weights, which start at random, are scaled too: hidden positions begin about as large
        whatever a head sees.

        Args:
            relevance: of each chain position, [columns before it], from 0 to 1.
        """
        for group, (first, end) in enumerate(self.groups):
            at, scales = getattr(self, f"at_{group}"), getattr(self, f"scales_{group}")
            at.fill_(self.ends[-1])  # a zero behind all inputs
            scales.zero_()
            for own, column in enumerate(self.columns[first:end]):
                spans, of_inputs = [range(self.ends[0])], [np.ones(self.ends[0])]
                chosen = np.argsort(-relevance[column], kind="stable")[: self.parents]
                for seen in np.sort(chosen):
                    span = range(self.ends[seen], self.ends[seen + 1])
                    spans.append(span)
                    of_inputs.append(np.full(len(span), relevance[column][seen]))
                seen_at = np.concatenate([np.asarray(span, "int32") for span in spans])
                at[own, : len(seen_at)] = torch.from_numpy(seen_at)
                scales[own, : len(seen_at)] = torch.from_numpy(np.concatenate(of_inputs)).float()
                strength = 1.0 + float(np.square(relevance[column][chosen]).sum())
                self.weights[group][own] *= (self._strengths[first + own] / strength) ** 0.5
                self._strengths[first + own] = strength
        self._count()

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._count()

    def _count(self) -> None:
        """Note how many inputs each head sees, and whether they are the first ones.

        Once, for reading that from a GPU would be a wait in every step.
        """
        self.n_seen, self.sees_first = list[int](), list[bool]()
        for group in range(len(self.groups)):
            at: Tensor = getattr(self, f"at_{group}")
            none = at == self.ends[-1]  # behind those that are seen
            first = at == torch.arange(at.shape[1], device=at.device)
            self.n_seen += (~none).sum(dim=1).tolist()
            self.sees_first += (first | none).all(dim=1).tolist()

    def forward(self, inputs: Tensor) -> Tensor:
        by_input = pad(inputs[:, : self.ends[-1]], (0, 1)).t().contiguous()
        parts = []
        for group, weight in enumerate(self.weights):
            at = getattr(self, f"at_{group}")
            seen = by_input.index_select(0, at.flatten()).view(*at.shape, len(inputs))
            parts.append(torch.bmm(seen.transpose(1, 2), self._scaled(group, weight)))
        return torch.cat(parts)

    def per_head(self) -> list[tuple[Tensor | None, Tensor]]:
        """The inputs that each head sees, int64 [seen], and their weights, scaled [seen, width].

        None for the first inputs, which are as many as there are weights.
        """
        found = list[tuple[Tensor | None, Tensor]]()
        for group, weight in enumerate(self.weights):
            scaled, at = self._scaled(group, weight), getattr(self, f"at_{group}").long()
            for own, each in zip(scaled, at, strict=True):
                n, first = self.n_seen[len(found)], self.sees_first[len(found)]
                found.append((None if first else each[:n], own[:n]))
        return found

    def _scaled(self, group: int, weight: Tensor) -> Tensor:
        scales: Tensor = getattr(self, f"scales_{group}")
        return weight * scales[:, :, None]
