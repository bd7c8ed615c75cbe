"""Labelled rows without end: a mixture draws them, the black box scores them, a net learns them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Adam

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.nets.mixture_generator import MixtureGenerator
from tabgan.scored.losses import laplace_loss
from tabgan.scored.surrogate import Surrogate
from tabgan.seeding import generator_at

AT_ONCE = 10_000  # rows drawn, or scored, at once
BATCH_ROWS = 1_000
SMOOTHING, PASSES = 10, 20  # of the mixture, as in conf/model/cgan.yaml
ROWS_PER_COMPONENT, COMPONENTS = 20, 1_000

Ask = Callable[[Tensor], Tensor]  # encoded rows [n, row_width] -> scores [n] in [0, 1]


def labelled_rows(
    ask: Ask, rows: CodedRows, held: CodedRows, layout: RowLayout, *, n: int, seed: int
) -> tuple[CodedRows, Tensor]:
    """``n`` rows of a mixture fitted to ``rows``, and their scores [n].

    A box may have memorised the rows it was trained on; of generated rows its scores are honest.
    """
    net = _mixture(rows, held, layout, seed)
    codes, scalars, scores = [], [], []
    for place, start in enumerate(range(0, n, AT_ONCE)):
        rng = generator_at(seed, "labels", place)
        empty = torch.empty(min(AT_ONCE, n - start), 0)
        drawn = net(torch.zeros(len(empty), 1), empty, rng)
        coded = CodedRows.of(drawn, layout)
        codes.append(coded.codes)
        scalars.append(coded.scalars)
        scores.append(ask(drawn))
    pool = CodedRows(layout=layout, codes=torch.cat(codes), scalars=torch.cat(scalars))
    return pool, torch.cat(scores)


def fit_surrogate(
    net: Surrogate, rows: CodedRows, scores: Tensor, *, epochs: int, lr: float, seed: int
) -> None:
    """Learn the scores [n] of ``rows``, in batches of 1,000, the rate falling to 0."""
    optimizer = Adam(net.parameters(), lr=lr, fused=True)
    for epoch in range(epochs):
        order = torch.randperm(len(scores), generator=generator_at(seed, "surrogate", epoch))
        batches = order.split(BATCH_ROWS)
        for place, chosen in enumerate(batches):
            done = (epoch + place / len(batches)) / epochs
            optimizer.param_groups[0]["lr"] = lr * (1 - done)
            median, scale = net(rows[chosen])
            loss = laplace_loss(median, scale, scores[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.no_grad()
def scores_of(score: Ask, rows: CodedRows) -> Tensor:
    """The scores [n] of coded rows, some thousand at once."""
    places = torch.arange(len(rows)).split(AT_ONCE)
    return torch.cat([score(rows[chosen]) for chosen in places])


@torch.no_grad()
def _mixture(
    rows: CodedRows, held: CodedRows, layout: RowLayout, seed: int
) -> Callable[[Tensor, Tensor, torch.Generator], Tensor]:
    net = MixtureGenerator(
        layout=layout,
        condition_width=0,
        noise_dim=1,
        dropout=0.0,
        n_components=max(min(COMPONENTS, len(rows) // ROWS_PER_COMPONENT), 1),
        hidden_dim=1,
        temperature=1.0,
        hard=True,
        warm=True,
        smoothing=SMOOTHING,
        passes=PASSES,
    )
    empty, none_held = torch.empty(len(rows), 0), torch.empty(len(held), 0)
    net.warm_start(rows, empty, (held, none_held), generator_at(seed, "labels"))
    net.eval()
    return lambda noise, condition, rng: net(noise, condition, rng).detach()
