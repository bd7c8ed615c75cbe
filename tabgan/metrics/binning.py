"""Codes for counting: numbers cut at real edges, shares, total variation, entropy."""

from __future__ import annotations

import numpy as np

from tabgan.metrics.coding import CodedTable

BINS = 10


def discretise(
    real: CodedTable, synthetic: CodedTable, *, keep_distinct: int = 0
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, int]]:
    """Codes of every column of both tables, and the number of codes of each.

    Numbers are cut by ``bin_numbers``; nominal columns keep their codes.
    """
    real_codes, synthetic_codes = dict(real.codes), dict(synthetic.codes)
    sizes = dict(real.sizes)
    for name, values in real.numbers.items():
        real_codes[name], synthetic_codes[name], sizes[name] = bin_numbers(
            values, synthetic.numbers[name], keep_distinct=keep_distinct
        )
    return real_codes, synthetic_codes, sizes


def stacked_codes(
    real: CodedTable, synthetic: CodedTable, *, keep_distinct: int = 0
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The result of ``discretise``, a row per column in the tables' order: both codes, and sizes.

    Shape:
        returns: codes int64 [n_columns, n_rows] of both tables, sizes int64 [n_columns]
    """
    *sides, sizes = discretise(real, synthetic, keep_distinct=keep_distinct)
    first, second = (np.array([codes[name] for name in real.columns]) for codes in sides)
    return (first, second), np.array([sizes[name] for name in real.columns])


def bin_numbers(
    real: np.ndarray, synthetic: np.ndarray, *, keep_distinct: int = 0
) -> tuple[np.ndarray, np.ndarray, int]:
    """Codes of both columns and how many codes there are.

    Numbers are cut into ``BINS`` equal-width bins whose edges come from ``real`` for both; a
    column with at most ``keep_distinct`` distinct real values keeps those values as its codes.
    What real never reaches (out of its range, or not among the kept values) is one code more,
    missing another.
    """
    distinct = np.unique(real[~np.isnan(real)])
    if len(distinct) <= keep_distinct:
        n_codes = len(distinct)
        coded = [_position_among(distinct, values) for values in (real, synthetic)]
    else:
        n_codes = BINS
        coded = [_position_between(distinct, values) for values in (real, synthetic)]
    real_codes, synthetic_codes = (
        np.where(np.isnan(values), n_codes + 1, codes)
        for values, codes in zip((real, synthetic), coded, strict=True)
    )
    return real_codes, synthetic_codes, n_codes + 2


def total_variation(first: np.ndarray, second: np.ndarray, n_codes: int) -> float:
    """Half the sum of the differences of code shares; in [0, 1], lower is closer."""
    if n_codes > len(first) + len(second):  # tables of pairs may be large and nearly empty
        found, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
        first, second, n_codes = codes[: len(first)], codes[len(first) :], len(found)
    return float(0.5 * np.abs(shares(first, n_codes) - shares(second, n_codes)).sum())


def shares(codes: np.ndarray, n_codes: int) -> np.ndarray:
    """The share of rows with each code, float64 [n_codes]."""
    return np.bincount(codes, minlength=n_codes) / len(codes)


def entropy(codes: np.ndarray) -> float:
    """Entropy of the codes in nats; at least 0, and 0 for a constant column."""
    counts = np.unique_counts(codes).counts / len(codes)
    return float(max(0.0, -(counts * np.log(counts)).sum()))


def _position_among(distinct: np.ndarray, values: np.ndarray) -> np.ndarray:
    if len(distinct) == 0:
        return np.zeros(len(values), dtype="int64")
    position = np.minimum(np.searchsorted(distinct, values), len(distinct) - 1)
    return np.where(distinct[position] == values, position, len(distinct))


def _position_between(distinct: np.ndarray, values: np.ndarray) -> np.ndarray:
    low, high = distinct[0], distinct[-1]
    inner = np.linspace(low, high, BINS + 1)[1:-1]
    position = np.searchsorted(inner, values, side="right")  # a bin holds its lower edge
    return np.where((values < low) | (values > high), BINS, position)
