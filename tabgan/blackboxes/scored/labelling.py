"""Rows with scores to learn from: drawn by a chain, scored by the black box or a surrogate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from tabgan.blackboxes.scored.condition import even_shares
from tabgan.encoding.coded import CodedRows
from tabgan.models.nets.chain import ChainGenerator
from tabgan.seeding import generator_at

AT_ONCE = 10_000  # rows drawn, or scored, at once
LABELS_PER_ROW = 4  # of a real row, whose score is guessed

Ask = Callable[[CodedRows], Tensor]  # rows -> scores [n] in [0, 1]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredRows:
    """Pairs of a row and a score, drawn so that all scores come as often.

    Attributes:
        rows: distinct ones.
        positions: int64 [pairs], the row of each pair.
        scores: float32 [pairs].
        reached: float64 [pairs], where their shares, summed up, end.
    """

    rows: CodedRows
    positions: Tensor
    scores: Tensor
    reached: Tensor

    @classmethod
    def of(cls, rows: CodedRows, positions: Tensor, scores: Tensor, *, parts: int) -> Self:
        """Each of ``parts`` of [0, 1] that holds any scores comes as often as the others."""
        reached = even_shares(scores, parts).cumsum(dim=0)
        return cls(rows=rows, positions=positions, scores=scores, reached=reached)

    def __len__(self) -> int:
        return len(self.positions)

    def draw(self, n: int, rng: torch.Generator | None = None) -> tuple[CodedRows, Tensor]:
        """``n`` rows and their scores [n]."""
        uniform = torch.rand(n, generator=rng, dtype=torch.float64).to(self.reached.device)
        pairs = torch.searchsorted(self.reached, uniform).clamp_max(len(self) - 1)
        return self.rows.at(self.positions[pairs]), self.scores[pairs]


def labelled_rows(
    ask: Ask, chain: ChainGenerator, condition: Tensor, *, seed: int, what: str
) -> tuple[CodedRows, Tensor]:
    """A chain's row for each condition [n, condition_width], and the box's scores of them [n].

    A box may have memorised the rows it was trained on; of generated rows its scores are honest.
    """
    rows, scores = list[CodedRows](), list[Tensor]()
    for position, some in enumerate(condition.split(AT_ONCE)):
        rng = generator_at(seed, what, position, device=condition.device)
        noise = torch.randn(len(some), chain.noise_dim, generator=rng, device=condition.device)
        rows.append(chain.draw(noise, some, rng))
        scores.append(ask(rows[-1]))
    return joined(rows), torch.cat(scores)


def guessed_scores(expected: Tensor, errors: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """``n`` scores per row as a surrogate takes them to be, float32 [rows, n] in [0, 1].

    They are Laplace around the expected score [rows], by its mean absolute error [rows]. Drawn, for
    rows expected at .9 score less on average, and p(row | .9) is to be learned of rows that
    score .9.
    """
    uniform = torch.rand(len(expected), n, generator=rng) - 0.5
    laplace = -uniform.sign() * torch.log1p(-2 * uniform.abs().clamp_max(0.5 - 1e-6))
    return (expected[:, None] + errors[:, None] * laplace.to(expected.device)).clamp(0.0, 1.0)


def joined(parts: Sequence[CodedRows]) -> CodedRows:
    """Rows of one layout below each other."""
    return CodedRows(
        layout=parts[0].layout,
        codes=torch.cat([part.codes for part in parts]),
        scalars=torch.cat([part.scalars for part in parts]),
    )
