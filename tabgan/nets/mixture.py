"""A mixture: what the generator starts from, fitted in seconds by EM.

Given its component k, a row's discrete blocks are independent categoricals and its scalars jointly
normal. The mixture's pairwise tables are exact, and its posterior over components answers
conditions on any columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tabgan.arithmetic import exact_products
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout

CHUNK_ROWS = 4_096  # rows whose responsibilities are held at once,
CHUNK_PRODUCTS = 2**22  # or rows whose products of two scalars are so many
LEAST_GAIN = 0.01  # of the mean validation log-likelihood, in nats, for another pass
START_SCALE = 0.5  # a component's first standard deviation on the encoded scale
MIN_SCALE = 0.03  # what every direction of a component has at least
MEAN_ROWS = 0.5  # rows of the table that a component's mean is drawn towards
MOST_PATTERNS = 1_000  # of known scalars, in rows with holes
MOST_SCALARS = 32  # whose covariance each component has to itself


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """The parameters of a mixture.

    Attributes:
        log_weights: [K, condition_width or 1], log p(k | condition); columns sum to 1 as shares.
        centres: [K, row_width], log shares in discrete blocks, means in scalar places.
        log_scales: [K, n_scalars], log standard deviations.
        factors: [K or 1, n_scalars, n_scalars], lower triangular L with rows of length 1, the
            scalars' correlations in a component being L L^T; one for all where ``is_shared``.
    """

    log_weights: Tensor
    centres: Tensor
    log_scales: Tensor
    factors: Tensor


def is_shared(n_scalars: int) -> bool:
    """Whether all components share one covariance: n^2 numbers for each are too many."""
    return n_scalars > MOST_SCALARS


@exact_products()
def fit_mixture(
    rows: Tensor | CodedRows,
    condition: Tensor,
    validation: tuple[Tensor | CodedRows, Tensor],
    layout: RowLayout,
    *,
    n_components: int,
    smoothing: float,
    passes: int,
    rng: torch.Generator,
) -> Mixture:
    """Expectation-maximisation with smoothing towards the whole table.

    Each component starts at a training row, and each M-step draws it towards the whole table
    (``_Prior``), so that a component of few rows does not repeat them.
    Stops before ``passes`` when the log-likelihood of the validation rows gains less than .01 a
    row: from there on the mixture memorises. Products run over codes (``CodedRows``): on one core
    an E-step of Adult costs a tenth of the dense one's, of a table of 1,486 places a fifteenth.

    A hole of the rows is marginalised: a block contributes nothing, scalars have the normal of
    those that the row knows, and the M-step takes what the component expects of the others beside
    them (Ghahramani & Jordan 1994). Exact for as many patterns of known scalars as
    ``MOST_PATTERNS``; rows of rarer ones are rows without scalars.

    Args:
        rows: [n, row_width], hard one-hots and scalars; or their codes.
        condition: [n, condition_width], one more categorical column of the mixture.
        validation: rows and condition of held-out rows.
        layout: the map of a row.
        n_components: K, at most n.
        smoothing: rows of the table's marginals added to a component's discrete shares.
        passes: EM passes at most.
        rng: draws the starting rows, on the CPU.
    """
    joined = CodedRows.of(rows, layout).joined(condition)
    held = CodedRows.of(validation[0], layout).joined(validation[1])
    prior = _Prior(joined, smoothing)
    start = torch.randperm(len(rows), generator=rng)[:n_components]
    state = prior.start(joined[start])
    groups, held_groups = _groups(joined), _groups(held)
    best = -math.inf
    for _ in range(passes):
        parts = [_expectations(group, state, known) for known, group in groups]
        state = prior.smoothed(*(torch.stack(part).sum(dim=0) for part in zip(*parts, strict=True)))
        likelihood = _mean_log_likelihood(held_groups, state)
        gain, best = likelihood - best, likelihood
        if gain < LEAST_GAIN:
            break
    return _conditional(state, layout.width)


@dataclass(frozen=True)
class _State:
    log_weights: Tensor  # [K]
    centres: Tensor  # [K, width]
    factors: Tensor  # [K or 1, n_scalars, n_scalars], of the covariance


class _Prior:
    """Smoothed estimates: no component may lean on its few rows alone.

    Shares are drawn towards the table's by ``smoothing`` rows of it, means by half a row.
    Covariances are drawn towards the mean covariance within components, by 5 rows and half a row
    more per scalar: the table's own is that of all components together, and would blur each.
    """

    def __init__(self, joined: CodedRows, smoothing: float) -> None:
        self.mean, self.places = joined.mean(), joined.scalar_places  # [width], [n_scalars]
        self.scalars = torch.zeros(len(self.mean), dtype=torch.bool)  # [width]
        self.scalars[self.places] = True
        self.rows = torch.where(self.scalars, MEAN_ROWS, smoothing)  # [width]
        self.covariance_rows = 5 + len(self.places) / 2
        blocks = joined.layout.blocks
        widths = torch.tensor([block.width for block in blocks])
        of_place = torch.arange(len(blocks)).repeat_interleave(widths)  # [width]
        self.block = of_place if joined.masked else None

    def start(self, rows: Tensor) -> _State:
        """One component around each of some rows, in their holes around the table's mean."""
        covariance = START_SCALE**2 * torch.eye(len(self.places))
        rows = torch.where(rows.isnan(), self.mean, rows)
        return self._state(torch.ones(len(rows)), rows, covariance[None])

    def smoothed(self, counts: Tensor, sums: Tensor, products: Tensor) -> _State:
        """The M-step: components of ``counts`` [K] rows with these sums [K, width].

        ``products`` are the sums of the scalars' products, [K, n_scalars, n_scalars], or of all
        components together, [1, n_scalars, n_scalars].
        """
        scalars, rows = sums[:, self.places], counts.clamp_min(1e-6)[:, None]
        if len(products) == 1:
            between = (scalars.T @ (scalars / rows))[None]
            counted = counts.sum()[None, None, None]
        else:
            between = scalars[:, :, None] * (scalars / rows)[:, None, :]
            counted = rows[:, :, None]
        within = products - between
        pooled = self.covariance_rows * within.sum(dim=0) / counts.sum()
        return self._state(counts, sums, (within + pooled) / (counted + self.covariance_rows))

    def _state(self, counts: Tensor, sums: Tensor, covariance: Tensor) -> _State:
        mean = (sums + self.rows * self.mean) / (self._known(counts, sums) + self.rows)
        return _State(
            log_weights=((counts + 1.0) / (counts + 1.0).sum()).log(),
            centres=torch.where(self.scalars, mean, mean.clamp_min(1e-12).log()),
            factors=_factors(covariance, MIN_SCALE**2),
        )

    def _known(self, counts: Tensor, sums: Tensor) -> Tensor:
        """How many rows of each component know a place, [K, 1 or width].

        A one-hot adds up to 1 over its block and a hole to 0, so a block's sums tell.
        """
        if self.block is None:
            return counts[:, None]
        of_block = sums.new_zeros(len(sums), int(self.block[-1]) + 1).index_add(1, self.block, sums)
        return torch.where(self.scalars, counts[:, None], of_block[:, self.block])


def _factors(covariances: Tensor, floor: float) -> Tensor:
    """Cholesky factors [k, n, n] of covariances that have ``floor`` more in each direction.

    Where rounding has left one no covariance, what is below 0 in it becomes 0.
    """
    least = floor * torch.eye(covariances.shape[1])
    factors, failed = torch.linalg.cholesky_ex(covariances + least)
    bad = failed > 0
    if bad.any():
        values, vectors = torch.linalg.eigh(covariances[bad].double())
        sound = (vectors * values.clamp_min(0)[:, None, :]) @ vectors.transpose(1, 2)
        factors[bad] = torch.linalg.cholesky(sound + least).float()
    return factors


def _groups(rows: CodedRows) -> list[tuple[Tensor | None, CodedRows]]:
    """Rows that know the same scalars: which these are, bool [n_scalars], None for all; and they.

    The scalars of the rarest patterns' rows become holes, all of them.
    """
    if not rows.masked or not len(rows.scalar_places):
        return [(None, rows)]
    known = ~rows.scalars.isnan()
    _, which, counts = known.unique(dim=0, return_inverse=True, return_counts=True)
    rare = counts.argsort(descending=True)[MOST_PATTERNS:]
    known[torch.isin(which, rare)] = False
    patterns, which = known.unique(dim=0, return_inverse=True)
    rows = replace(rows, scalars=rows.scalars.masked_fill(~known, torch.nan))
    return [
        (pattern, rows.at((which == place).nonzero()[:, 0]))
        for place, pattern in enumerate(patterns)
    ]


def _expectations(
    joined: CodedRows, state: _State, known: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Per component: its rows [K], their sums [K, width], the sums of their scalars' products.

    ``known`` says which scalars the rows know; the others' expectations are in the sums.
    """
    n_components, width = state.centres.shape
    n_scalars = len(joined.scalar_places)
    counts, sums = torch.zeros(n_components), torch.zeros(width, n_components)
    shared = is_shared(n_scalars)
    products = torch.zeros(1 if shared else n_components, n_scalars, n_scalars)
    log_joint = _log_joint(joined, state, known)
    for chunk in _chunks(joined):
        share = log_joint(chunk).softmax(dim=1)  # [chunk, K]
        counts += share.sum(dim=0)
        sums += chunk.transposed_times(share)
        if shared:
            products += chunk.shown.T @ chunk.shown
        else:
            products += (share.T @ _products(chunk.shown)).view_as(products)
    if known is None or known.all():
        return counts, sums.T, products
    places = joined.scalar_places
    sums[places], products = _completed(state, known, places, counts, sums.T[:, places], products)
    return counts, sums.T, products


def _completed(
    state: _State, known: Tensor, places: Tensor, counts: Tensor, sums: Tensor, products: Tensor
) -> tuple[Tensor, Tensor]:
    """Expected sums [n_scalars, K] and products of all scalars, from those with 0 for unknown.

    A component expects the scalars A x + b of a row x with 0 for unknown, and leaves them the
    covariance C - A C; A is C times the known scalars' precision.
    """
    covariance = state.factors @ state.factors.transpose(1, 2)  # C
    expecting = covariance @ _precision(state.factors, known)[0]  # A, [K or 1, n, n]
    left = covariance - expecting @ covariance
    means = state.centres[:, places, None]  # [K, n, 1]
    offset = means - expecting @ means  # b
    moved = expecting @ sums[:, :, None]
    cross = moved @ offset.transpose(1, 2)
    of_rows = offset @ offset.transpose(1, 2) + left  # [K, n, n], of each row
    own = cross + cross.transpose(1, 2) + counts[:, None, None] * of_rows
    products = expecting @ products @ expecting.transpose(1, 2)
    products = products + (own if len(products) > 1 else own.sum(dim=0, keepdim=True))
    return (moved + counts[:, None, None] * offset).squeeze(2).T, products


def _precision(factors: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor]:
    """Of the known scalars alone: precision, 0 elsewhere [K or 1, n, n]; log |covariance| / 2."""
    if known is None or known.all():
        half = factors.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        return torch.cholesky_inverse(factors), half
    if not known.any():
        return torch.zeros_like(factors), factors.new_zeros(len(factors))
    covariance = factors @ factors.transpose(1, 2)
    inner = torch.linalg.cholesky(covariance[:, known][:, :, known])
    precision, places = torch.zeros_like(factors), known.nonzero()
    precision[:, places, places[:, 0]] = torch.cholesky_inverse(inner)
    return precision, inner.diagonal(dim1=1, dim2=2).log().sum(dim=1)


def _mean_log_likelihood(groups: list[tuple[Tensor | None, CodedRows]], state: _State) -> float:
    total = 0.0
    for known, rows in groups:
        log_joint = _log_joint(rows, state, known)
        total += sum(float(log_joint(chunk).logsumexp(dim=1).sum()) for chunk in _chunks(rows))
    return total / sum(len(rows) for _, rows in groups)


def _log_joint(
    rows: CodedRows, state: _State, known: Tensor | None = None
) -> Callable[[CodedRows], Tensor]:
    """The function that gives chunks of ``rows`` log p(k) p(row | k), [chunk, K].

    Of the scalars, ``known`` ones count, bool [n_scalars], or all.
    """
    places = rows.scalar_places
    n_known = len(places) if known is None else int(known.sum())
    means = state.centres[:, places]  # [K, n_scalars]
    precision, half = _precision(state.factors, known)  # [K or 1, n_scalars, n_scalars]
    pull = (precision @ means[:, :, None]).squeeze(2)  # [K, n_scalars]
    linear = state.centres.T.clone(memory_format=torch.contiguous_format)  # [width, K]
    linear[places] = pull.T
    constant = (
        state.log_weights
        - half
        - 0.5 * (means * pull).sum(dim=1)
        - 0.5 * math.log(2 * math.pi) * n_known
    )
    quadratic = precision.flatten(1).T  # [n_scalars^2, K or 1]

    def log_joint(chunk: CodedRows) -> Tensor:
        if quadratic.shape[1] == 1:
            squared = ((chunk.shown @ precision[0]) * chunk.shown).sum(dim=1, keepdim=True)
        else:
            squared = _products(chunk.shown) @ quadratic
        return chunk.times(linear) - 0.5 * squared + constant

    return log_joint


def _products(scalars: Tensor) -> Tensor:
    """Each row's products of two scalars, [n, n_scalars] -> [n, n_scalars^2]."""
    return (scalars[:, :, None] * scalars[:, None, :]).flatten(1)


def _chunks(rows: CodedRows) -> Iterator[CodedRows]:
    n_products = max(rows.scalars.shape[1] ** 2, 1)
    return rows.pieces(max(min(CHUNK_ROWS, CHUNK_PRODUCTS // n_products), 1))


def _conditional(state: _State, row_width: int) -> Mixture:
    """Split the condition's shares off, log p(k) p(condition | k) over its sum, and the scales."""
    classes = state.centres[:, row_width:]  # [K, condition_width], log p(class | k)
    if classes.shape[1] == 0:
        classes = torch.zeros(len(classes), 1)
    scales = state.factors.norm(dim=2)  # [K or 1, n_scalars]
    return Mixture(
        log_weights=(state.log_weights[:, None] + classes).log_softmax(dim=0),
        centres=state.centres[:, :row_width],
        log_scales=scales.log().expand(len(classes), -1),
        factors=state.factors / scales[:, :, None],
    )
