"""Rows with scores: a chain draws them, the black box scores them, a surrogate learns from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.optim import Adam

from tabgan.encoding.coded import CodedRows
from tabgan.nets.chain import ChainGenerator
from tabgan.scored.condition import even_shares
from tabgan.scored.losses import laplace_loss
from tabgan.scored.surrogate import Surrogate
from tabgan.seeding import generator_at

AT_ONCE = 10_000  # rows drawn, or scored, at once
BATCH_ROWS = 500
LABELS_PER_ROW = 4  # of a real row, whose score is guessed

Ask = Callable[[CodedRows], Tensor]  # rows -> scores [n] in [0, 1]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredRows:
    """Pairs of a row and a score, drawn so that all scores come as often.

    Attributes:
        rows: distinct ones.
        places: int64 [pairs], the row of each pair.
        scores: float32 [pairs].
        reached: float64 [pairs], where their shares, summed up, end.
    """

    rows: CodedRows
    places: Tensor
    scores: Tensor
    reached: Tensor

    @classmethod
    def of(cls, rows: CodedRows, places: Tensor, scores: Tensor, *, parts: int) -> Self:
        """Each of ``parts`` of [0, 1] that holds any scores comes as often as the others."""
        reached = even_shares(scores, parts).cumsum(dim=0)
        return cls(rows=rows, places=places, scores=scores, reached=reached)

    def __len__(self) -> int:
        return len(self.places)

    def draw(self, n: int, rng: torch.Generator | None = None) -> tuple[CodedRows, Tensor]:
        """``n`` rows and their scores [n]."""
        uniform = torch.rand(n, generator=rng, dtype=torch.float64).to(self.reached.device)
        pairs = torch.searchsorted(self.reached, uniform).clamp_max(len(self) - 1)
        return self.rows.at(self.places[pairs]), self.scores[pairs]


def labelled_rows(
    ask: Ask, chain: ChainGenerator, condition: Tensor, *, seed: int, what: str
) -> tuple[CodedRows, Tensor]:
    """A chain's row for each condition [n, condition_width], and the box's scores of them [n].

    A box may have memorised the rows it was trained on; of generated rows its scores are honest.
    """
    rows, scores = list[CodedRows](), list[Tensor]()
    for place, some in enumerate(condition.split(AT_ONCE)):
        rng = generator_at(seed, what, place, device=condition.device)
        noise = torch.randn(len(some), chain.noise_dim, generator=rng, device=condition.device)
        rows.append(chain.draw(noise, some, rng))
        scores.append(ask(rows[-1]))
    return joined(rows), torch.cat(scores)


def fit_surrogate(
    net: Surrogate, rows: CodedRows, scores: Tensor, *, epochs: int, lr: float, seed: int
) -> None:
    """Learn the scores [n] of ``rows``, in batches of 500, the rate falling to 0."""
    optimizer = Adam(net.parameters(), lr=lr, fused=True)
    for epoch in range(epochs):
        order = torch.randperm(len(scores), generator=generator_at(seed, "surrogate", epoch))
        batches = order.to(scores.device).split(BATCH_ROWS)
        for place, chosen in enumerate(batches):
            done = (epoch + place / len(batches)) / epochs
            optimizer.param_groups[0]["lr"] = lr * (1 - done)
            median, scale = net(rows.codes[chosen])
            loss = laplace_loss(median, scale, scores[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.no_grad()
def estimates(net: Surrogate, rows: CodedRows) -> tuple[Tensor, Tensor]:
    """Median and scale, each [n], of coded rows, some thousand at once."""
    each = [net(codes) for codes in rows.codes.split(AT_ONCE)]
    return torch.cat([median for median, _ in each]), torch.cat([scale for _, scale in each])


def guessed_scores(median: Tensor, scale: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """``n`` scores per row as a surrogate takes them to be, Laplace in [0, 1]: float32 [rows, n].

    Drawn and not the median, for rows of median .9 score less on average, and p(row | .9) is to be
    learned of rows that score .9.
    """
    uniform = torch.rand(len(median), n, generator=rng) - 0.5
    laplace = -uniform.sign() * torch.log1p(-2 * uniform.abs().clamp_max(0.5 - 1e-6))
    return (median[:, None] + scale[:, None] * laplace.to(median.device)).clamp(0.0, 1.0)


def joined(parts: Sequence[CodedRows]) -> CodedRows:
    """Rows of one layout below each other."""
    return CodedRows(
        layout=parts[0].layout,
        codes=torch.cat([part.codes for part in parts]),
        scalars=torch.cat([part.scalars for part in parts]),
    )
