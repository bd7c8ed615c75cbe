"""A mixture of products: what the generator starts from, fitted in seconds by EM.

Given its component k, a row's columns are independent: a discrete block is categorical, a scalar
is normal. The mixture's pairwise tables are exact, and its posterior over components answers
conditions on any columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tabgan.encoding.layout import RowLayout

CHUNK_ROWS = 4_096  # rows whose responsibilities are held at once
LEAST_GAIN = 0.01  # of the mean validation log-likelihood, in nats, for another pass
START_SCALE = 0.5  # a component's first standard deviation on the encoded scale
MIN_SCALE = 0.05  # and its smallest
MEAN_ROWS = 0.5  # rows of the table that a component's mean is drawn towards
VARIANCE_ROWS = 5.0  # rows of all components that its variance is drawn towards


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """The parameters of a mixture of products.

    Attributes:
        log_weights: [K, condition_width or 1], log p(k | condition); columns sum to 1 as shares.
        centres: [K, row_width], log shares in discrete blocks, means in scalar places.
        log_scales: [K, row_width], log standard deviations in scalar places, 0 elsewhere.
    """

    log_weights: Tensor
    centres: Tensor
    log_scales: Tensor


def fit_mixture(
    rows: Tensor,
    condition: Tensor,
    validation: tuple[Tensor, Tensor],
    layout: RowLayout,
    *,
    n_components: int,
    smoothing: float,
    passes: int,
    rng: torch.Generator,
) -> Mixture:
    """Expectation-maximisation with smoothing towards the marginals.

    Each component starts at a training row, and each M-step draws it towards the whole table
    (``_Prior``), so that a component of few rows does not repeat them.
    Stops before ``passes`` when the log-likelihood of the validation rows gains less than .01 a
    row: from there on the mixture memorises.

    Args:
        rows: [n, row_width], hard one-hots and scalars.
        condition: [n, condition_width], one more categorical column of the mixture.
        validation: rows and condition of held-out rows.
        layout: the map of a row.
        n_components: K, at most n.
        smoothing: rows of the table's marginals added to a component's discrete shares.
        passes: EM passes at most.
        rng: draws the starting rows, on the CPU.
    """
    joined, places = torch.cat([rows, condition], dim=1), _scalar_places(layout, condition)
    held = torch.cat(validation, dim=1)
    prior = _Prior(joined, places, smoothing)
    start = torch.randperm(len(rows), generator=rng)[:n_components]
    state = prior.start(joined[start])
    best, best_likelihood = state, -math.inf
    for _ in range(passes):
        counts, sums, squares, _ = _expectations(joined, places, state)
        state = prior.smoothed(counts, sums, squares)
        likelihood = _expectations(held, places, state)[3]
        gain, best, best_likelihood = likelihood - best_likelihood, state, likelihood
        if gain < LEAST_GAIN:
            break
    return _conditional(best, rows.shape[1])


@dataclass(frozen=True)
class _State:
    log_weights: Tensor  # [K]
    centres: Tensor  # [K, width]
    log_scales: Tensor  # [K, width]


class _Prior:
    """Smoothed estimates: no component may lean on its few rows alone.

    Shares are drawn towards the table's by ``smoothing`` rows of it, means by half a row.
    Variances are drawn towards the mean variance within components: the table's own is that of
    all components together, and would blur every one of them.
    """

    def __init__(self, joined: Tensor, scalars: Tensor, smoothing: float) -> None:
        self.scalars = scalars  # [width]
        self.mean = joined.mean(dim=0)  # [width]
        self.rows = torch.where(scalars, MEAN_ROWS, smoothing)  # [width]

    def start(self, rows: Tensor) -> _State:
        """One component around each of some rows."""
        counts = torch.ones(len(rows))
        return self._state(counts, rows, torch.full_like(rows, START_SCALE**2))

    def smoothed(self, counts: Tensor, sums: Tensor, squares: Tensor) -> _State:
        """The M-step: components of ``counts`` [K] rows with these sums [K, width]."""
        rows = counts[:, None].clamp_min(1e-6)
        within = (squares - sums**2 / rows).clamp_min(0.0)
        pooled = within.sum(dim=0) / counts.sum()
        return self._state(counts, sums, (within + VARIANCE_ROWS * pooled) / (rows + VARIANCE_ROWS))

    def _state(self, counts: Tensor, sums: Tensor, variances: Tensor) -> _State:
        mean = (sums + self.rows * self.mean) / (counts[:, None] + self.rows)
        scale = variances.clamp_min(MIN_SCALE**2).sqrt()
        return _State(
            log_weights=((counts + 1.0) / (counts + 1.0).sum()).log(),
            centres=torch.where(self.scalars, mean, mean.clamp_min(1e-12).log()),
            log_scales=torch.where(self.scalars, scale.log(), 0.0),
        )


def _expectations(
    joined: Tensor, scalars: Tensor, state: _State
) -> tuple[Tensor, Tensor, Tensor, float]:
    """Per component: its rows, their sums and sums of squares; and the mean log-likelihood."""
    n_components, width = state.centres.shape
    counts, sums = torch.zeros(n_components), torch.zeros(n_components, width)
    squares, likelihood = torch.zeros(n_components, width), 0.0
    for chunk in joined.split(CHUNK_ROWS):
        log_joint = _log_joint(chunk, scalars, state)  # [chunk, K]
        evidence = log_joint.logsumexp(dim=1, keepdim=True)
        share = (log_joint - evidence).exp_()
        counts += share.sum(dim=0)
        sums += share.T @ chunk
        squares[:, scalars] += share.T @ chunk[:, scalars] ** 2
        likelihood += float(evidence.sum())
    return counts, sums, squares, likelihood / len(joined)


def _log_joint(chunk: Tensor, scalars: Tensor, state: _State) -> Tensor:
    """Log p(k) p(row | k), [chunk, K]: two matrix products, one per sort of place."""
    discrete = chunk[:, ~scalars] @ state.centres[:, ~scalars].T
    means, log_scales = state.centres[:, scalars], state.log_scales[:, scalars]
    precision = (-2 * log_scales).exp()
    x = chunk[:, scalars]
    squared = x**2 @ precision.T - 2 * x @ (means * precision).T + (means**2 * precision).sum(1)
    normal = -0.5 * (squared + math.log(2 * math.pi) * x.shape[1]) - log_scales.sum(1)
    return state.log_weights + discrete + normal


def _conditional(state: _State, row_width: int) -> Mixture:
    """Split the condition's shares off: log p(k) p(condition | k) over its sum."""
    classes = state.centres[:, row_width:]  # [K, condition_width], log p(class | k)
    if classes.shape[1] == 0:
        classes = torch.zeros(len(classes), 1)
    log_weights = (state.log_weights[:, None] + classes).log_softmax(dim=0)
    return Mixture(
        log_weights=log_weights,
        centres=state.centres[:, :row_width],
        log_scales=state.log_scales[:, :row_width],
    )


def _scalar_places(layout: RowLayout, condition: Tensor) -> Tensor:
    """Bool [row_width + condition_width]: which places hold scalars."""
    places = torch.zeros(layout.width + condition.shape[1], dtype=torch.bool)
    for block in layout.blocks:
        places[block.span] = block.kind == "continuous"
    return places
