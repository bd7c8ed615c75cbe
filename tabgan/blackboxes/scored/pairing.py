"""Pairing scores with scores: who is nearest, each used once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tabgan.blackboxes.protocol import Scores
from tabgan.seeding import rng_at

Positions = NDArray[np.int64]
WIDTHS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0)
ROUNDING = 1e-9  # scores a tolerance apart, in floating point


def nearest_pairs(
    wanted: Scores, offered: Scores, widths: Iterable[float] = WIDTHS
) -> tuple[Positions, Positions]:
    """Positions in ``wanted`` and ``offered`` that belong together; none stands twice.

    For each of ``widths`` in turn, as many pairs of what is left as lie no further apart: with
    growing widths near pairs are found before far ones. Of equal scores lots decide, always the
    same: a forest has few different ones, and a table may be ordered by date.
    """
    free = [_ascending(wanted), _ascending(offered)]
    pairs: list[tuple[int, int]] = []
    for width in widths:
        found = _within(wanted[free[0]], offered[free[1]], width + ROUNDING)
        pairs += zip(free[0][found[0]].tolist(), free[1][found[1]].tolist(), strict=True)
        free = [np.delete(left, taken) for left, taken in zip(free, found, strict=True)]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def score_matched(scores: Scores, real: Scores) -> Positions:
    """For each score [n] the position of a real row with the nearest score, each row used once.

    Where there are fewer real rows than scores, all of them.
    """
    mine, theirs = nearest_pairs(scores, real)
    return theirs[np.argsort(mine)]


def _ascending(scores: Scores) -> Positions:
    lots = rng_at(0, "nearest pairs").permutation(len(scores))
    order: Positions = lots[np.argsort(scores[lots], kind="stable")]
    return order


def _within(wanted: Scores, offered: Scores, width: float) -> tuple[list[int], list[int]]:
    """Most pairs of two ascending sequences at most ``width`` apart: the first fit is the best."""
    ones: list[int] = []
    others: list[int] = []
    at = 0
    first = np.searchsorted(offered, wanted - width)
    for position in range(len(wanted)):
        at = max(at, int(first[position]))
        if at == len(offered):
            break
        if offered[at] <= wanted[position] + width:
            ones.append(position)
            others.append(at)
            at += 1
    return ones, others
