"""Pairwise moments: every two places of a row together as often as in the table."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

FLOOR = 1e-3  # in the weights: pairs rarer than this are not worth their noise


class Moments(NamedTuple):
    """Second moments of a table, and what each deviation weighs; both [row_width, row_width]."""

    means: Tensor
    weights: Tensor


def table_moments(rows: Tensor, spans: list[slice]) -> Moments:
    """M = E[x_i x_j] and W = 1 / (E[(x_i x_j)^2] + 1e-3) / n_pairs, zero inside each span.

    For one-hots M is the pair's frequency, so the sum over two columns' places is a chi-square
    distance; W shares it among the pairs of spans, so that tables of any width weigh the same.

    Shape:
        rows: [n_rows, row_width]
    """
    products, squares = rows.T @ rows, (rows**2).T @ rows**2
    return moments_of(products / len(rows), squares / len(rows), spans)


def moments_of(products: Tensor, squares: Tensor, spans: list[slice]) -> Moments:
    """``table_moments`` from E[x_i x_j] and E[(x_i x_j)^2], both [row_width, row_width]."""
    weights = 1 / (squares + FLOOR)
    for span in spans:
        weights[span, span] = 0
    n_pairs = max(len(spans) * (len(spans) - 1), 1)
    return Moments(means=products, weights=weights / n_pairs)


def moment_distance(rows: Tensor, table: Moments) -> Tensor:
    """Sum of W (E1 - M)(E2 - M), E1 and E2 from two halves of the batch, so it is unbiased.

    Shape:
        rows: [batch, row_width], generated
        returns: scalar; 0 in expectation where the moments agree
    """
    first, second = (half.T @ half / len(half) - table.means for half in rows.chunk(2))
    return (table.weights * first * second).sum()
