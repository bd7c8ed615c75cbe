"""A pass over the columns of a chain: rows drawn, or given, code by code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor
from torch.nn.functional import silu

from tabgan.models.nets.gumbel import inverse_cdf
from tabgan.models.nets.readout import NEVER

if TYPE_CHECKING:
    from tabgan.models.nets.chain import ChainGenerator


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadNet:
    """The weights of one head.

    Attributes:
        seen: positions of the inputs that it sees, int64; None for the first ones.
        entrance: [inputs that it sees, hidden_dim]; bias: [hidden_dim].
        layers: weight [hidden_dim, hidden_dim] and bias of each residual layer.
        weight: [hidden_dim, width]; logit_bias: [width], float32.
        of_bins: of a cell's head, terms of the hidden positions and of the logits per bin.
    """

    seen: Tensor | None
    entrance: Tensor
    bias: Tensor
    layers: list[tuple[Tensor, Tensor]]
    weight: Tensor
    logit_bias: Tensor
    of_bins: tuple[Tensor, Tensor] | None

    def logits(self, inputs: Tensor, bins: Tensor | None) -> Tensor:
        """Logits [n, width] of inputs [n_inputs, n]; ``bins`` is a cell's, as weights [n, bins].

        Bins as codes, int64 [n], are looked up, weights are multiplied.
        """
        if self.seen is None:
            seen = inputs[: len(self.entrance)]
        else:
            seen = inputs.index_select(0, self.seen)
        hidden = seen.t() @ self.entrance + self.bias
        of_logits: Tensor | float = 0.0
        if self.of_bins is not None and bins is not None:
            of_hidden, of_logits = (
                bins.to(table.dtype) @ table if bins.is_floating_point() else table[bins]
                for table in self.of_bins
            )
            hidden = hidden + of_hidden
        hidden = silu(hidden)
        for weight, bias in self.layers:
            hidden = hidden + silu(hidden @ weight + bias)
        return (hidden @ self.weight).float() + self.logit_bias + of_logits


class HeadNets:
    """All heads of a chain, taken apart, in the kind of numbers that they multiply."""

    def __init__(self, chain: ChainGenerator, dtype: torch.dtype) -> None:
        self.chain, self.dtype = chain, dtype
        entrances, outs = chain.entrance.per_head(), chain.readout.per_head()
        cells = {at: i for i, at in enumerate(chain.cell_heads)}
        self.nets = []
        for at, (weight, logit_bias) in enumerate(outs):
            layers = [
                (w[at].to(dtype), b[at, 0].to(dtype))
                for w, b in zip(chain.layers, chain.layer_biases, strict=True)
            ]
            of_bins = chain.cells.of_column(cells[at]) if at in cells else None
            seen, entrance = entrances[at]
            net = HeadNet(
                seen=seen,
                entrance=entrance.to(dtype).contiguous(),
                bias=chain.bias[at, 0].to(dtype),
                layers=layers,
                weight=weight.to(dtype),
                logit_bias=logit_bias.float(),
                of_bins=None if of_bins is None else (of_bins[0].to(dtype), of_bins[1]),
            )
            self.nets.append(net)
        self.tables = [
            chain.inputs.table(j).to(dtype) for j in range(len(chain.columns) - 1)
        ]  # nobody sees the last column
        self.excluded = chain.exclusions.tables()
        self.excluded_by_class = (
            {}
            if chain.class_head is None
            else chain.exclusions.by_class(chain.heads[chain.class_head].column)
        )


class Walk:
    """Rows of a chain, being drawn head by head; every head may be drawn, or given its codes.

    Args:
        nets: of the chain.
        first: the inputs that every head sees, [n, first_width].

    Attributes:
        codes: int64 [n, blocks]; those of heads to come are 0.
        label: int64 [n], the class that a row is shown; -1 for none.
    """

    def __init__(self, nets: HeadNets, first: Tensor) -> None:
        chain = nets.chain
        self.nets, self.chain = nets, chain
        self.codes = torch.zeros(
            len(first), len(chain.heads), dtype=torch.long, device=first.device
        )
        width = chain.first_width + chain.inputs.starts[-2]
        # an input is a line, as heads choose inputs
        self.inputs = torch.zeros(width, len(first), dtype=nets.dtype, device=first.device)
        self.inputs[: first.shape[1]] = first.to(nets.dtype).t()
        self.label = torch.full((len(first),), -1, device=first.device)

    def show(self, rows: Tensor, label: Tensor) -> None:
        """Show the class of some rows, int64 [m], to all heads."""
        self.label[rows] = label
        self.inputs[self.chain.class_at + label, rows] = 1.0

    def logits(self, head: int) -> Tensor:
        """Logits of a head given the codes before it, float32 [n, width]."""
        own = self.chain.heads[head]
        bins = self.codes[:, self.chain.columns[own.column].bins_at] if own.is_cell else None
        logits = self.nets.nets[head].logits(self.inputs, bins)
        if own.is_cell:
            return logits
        for earlier, table in self.nets.excluded[own.column]:
            code = self.codes[:, self.chain.columns[earlier].bins_at]
            logits.masked_fill_(table[code], NEVER)
        if own.column in self.nets.excluded_by_class:
            logits.masked_fill_(self.nets.excluded_by_class[own.column][self.label], NEVER)
        return logits

    def draw(self, head: int, rng: torch.Generator | None) -> None:
        """Draw a head's codes."""
        logits = self.logits(head)
        weights = (logits - logits.amax(dim=1, keepdim=True)).exp_()
        uniform = torch.rand(len(weights), generator=rng, device=weights.device)
        self.put(head, inverse_cdf(weights, uniform))

    def put(self, head: int, codes: Tensor) -> None:
        """Give a head its codes [n], and the heads behind it what they see of them."""
        own = self.chain.heads[head]
        self.codes[:, own.code] = codes
        column = self.chain.columns[own.column]
        is_whole = own.is_cell or column.cells is None
        if is_whole and own.column < len(self.nets.tables):
            start = self.chain.first_width + self.chain.inputs.starts[own.column]
            table = self.nets.tables[own.column]
            self.inputs[start : start + table.shape[1]] = table[column.joint(self.codes)].t()

    def at(self, rows: Tensor) -> Self:
        """Go on with these rows, int64 [m], one of them perhaps several times."""
        self.codes, self.inputs, self.label = (
            self.codes[rows],
            self.inputs.index_select(1, rows),
            self.label[rows],
        )
        return self
