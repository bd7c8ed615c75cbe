"""The last layer of a chain's heads: logits of categories, heads of like widths together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tabgan.models.nets.entrances import Head

WASTE = 1.6  # positions multiplied together, per position that a head needs
SPARED = 64  # positions wasted that are no reason to multiply apart
SCALE = 0.02  # of the weights, at the start
NEVER = -60.0  # the logit of what cannot be: beside any other, float32 never draws it

Buckets = list[Tensor]  # per bucket [heads of it, n, width]


class Readout(nn.Module):
    """Logits of every head, in buckets of heads whose widths are alike.

    Shape:
        hidden: [heads, n, hidden_dim]
        returns: per bucket [heads of it, n, width]; ``NEVER`` beyond a head's own width
    """

    def __init__(self, heads: Sequence[Head], hidden_dim: int) -> None:
        super().__init__()
        self.heads = list(heads)
        self.buckets = _buckets([head.width for head in heads])
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        self.position = {
            at: (b, i) for b, ats in enumerate(self.buckets) for i, at in enumerate(ats)
        }
        for bucket, members in enumerate(self.buckets):
            widths = torch.tensor([heads[at].width for at in members])
            width = int(widths.max())
            own = torch.arange(width)[None, None] < widths[:, None, None]
            start = torch.randn(len(members), hidden_dim, width) * SCALE * own
            self.weights.append(nn.Parameter(start))
            self.biases.append(nn.Parameter(torch.zeros(len(members), 1, width)))
            self.register_buffer(f"own_{bucket}", own, persistent=False)
            self.register_buffer(f"members_{bucket}", torch.tensor(members), persistent=False)
            codes = torch.tensor([heads[at].code for at in members])
            self.register_buffer(f"codes_{bucket}", codes, persistent=False)

    def forward(self, hidden: Tensor) -> Buckets:
        logits = []
        for bucket, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            members, own = (getattr(self, f"{what}_{bucket}") for what in ("members", "own"))
            each = torch.baddbmm(bias, hidden[members], weight)
            logits.append(each.masked_fill(~own, NEVER))
        return logits

    @torch.no_grad()
    def start_from(self, at: int, weights: Tensor) -> None:
        """Have head ``at`` draw its categories in proportion to weights [width], seeing nothing."""
        bucket, position = self.position[at]
        logs = (weights / weights.sum()).log()
        self.biases[bucket][position, 0, : len(weights)] = logs.to(self.biases[bucket].dtype)

    def added(self, logits: Buckets, heads: Sequence[int], extra: Tensor) -> Buckets:
        """Logits with ``extra`` [len(heads), n, width] added to those of some heads."""
        logits = list(logits)
        for bucket in {self.position[at][0] for at in heads}:
            mine = [i for i, at in enumerate(heads) if self.position[at][0] == bucket]
            positions = torch.tensor(
                [self.position[heads[i]][1] for i in mine], device=extra.device
            )
            width = min(logits[bucket].shape[2], extra.shape[2])
            whole = torch.zeros_like(logits[bucket])
            whole[positions, :, :width] = extra[mine, :, :width].to(whole.dtype)
            logits[bucket] = logits[bucket] + whole
        return logits

    def chosen(self, logs: Buckets, codes: Tensor) -> Tensor:
        """The logs of rows' own codes [n, blocks], per head: [heads, n]; 0 of unknown ones, -1."""
        found = []
        for bucket, each in enumerate(logs):
            mine = codes[:, getattr(self, f"codes_{bucket}")].T.long()
            own = each.gather(2, mine.clamp(min=0)[:, :, None])[:, :, 0]
            found.append(own.masked_fill(mine < 0, 0.0))
        order = torch.tensor([at for members in self.buckets for at in members])
        return torch.cat(found)[order.argsort().to(codes.device)]

    def per_head(self) -> list[tuple[Tensor, Tensor]]:
        """Weights [hidden_dim, width] and biases [width] of each head."""
        found = []
        for at, head in enumerate(self.heads):
            bucket, position = self.position[at]
            weight, bias = self.weights[bucket][position], self.biases[bucket][position, 0]
            found.append((weight[:, : head.width], bias[: head.width]))
        return found


def _buckets(widths: Sequence[int]) -> list[list[int]]:
    """The positions of widths, in groups that waste little when each is as wide as its widest."""
    buckets: list[list[int]] = [[]]
    for at in sorted(range(len(widths)), key=lambda at: widths[at]):
        grown = [*buckets[-1], at]
        needed = sum(widths[i] for i in grown)
        if len(grown) > 1 and widths[at] * len(grown) > WASTE * needed + SPARED:
            buckets.append([at])
        else:
            buckets[-1] = grown
    return buckets
