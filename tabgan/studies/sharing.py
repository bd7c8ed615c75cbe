"""Traits that the rows of one group share and another group lacks, column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from tabgan.metrics.coding import code_tables
from tabgan.seeding import rng_at
from tabgan.tables.dates import days_text

PERMUTATIONS = 499
MISSING = "missing"


def shared_traits(
    fooling: pd.DataFrame, failing: pd.DataFrame, real: pd.DataFrame, *, seed: int = 0
) -> pd.DataFrame:
    """Per column how ``fooling`` differs from ``failing``, the largest effect first.

    ``effect`` is Cliff's delta in [-1, 1], 0 is no difference: of numbers, how much more often a
    fooling row has the larger value than the smaller one, against a failing row; of categories,
    the difference of the shares of that category which is most over-represented among fooling
    rows. ``p`` is the share of permutations of the two groups with so large an effect, the choice
    of the category included; one in twenty columns is below .05 by chance.

    Returns:
        Columns ``column``, ``trait`` (a category, or "median"), ``fooling``, ``failing``,
        ``real`` (shares of the category, or medians), ``effect``, ``p``.

    Raises:
        TabganError: when the tables differ in columns or one has no rows.
    """
    coded = code_tables(fooling=fooling, failing=failing, real=real)
    n, n_all = len(fooling), len(fooling) + len(failing)
    rng = rng_at(seed, "fooled", "permutations")
    orders = np.array([rng.permutation(n_all)[:n] for _ in range(PERMUTATIONS)])
    lines: list[dict[str, Any]] = []
    for name in coded[0].columns:
        if name in coded[0].codes:
            sides = [table.codes[name] for table in coded]
            line = _category(sides, coded[0].sizes[name], _labels(name, fooling, failing, real))
            effects = _category_effects(np.concatenate(sides[:2]), coded[0].sizes[name], orders)
        else:
            sides = [table.numbers[name] for table in coded]
            line = _median(sides, dates=pd.api.types.is_datetime64_any_dtype(fooling[name].dtype))
            effects = np.abs(_number_effects(np.concatenate(sides[:2]), orders))
        as_large = int((effects >= abs(line["effect"]) - 1e-12).sum())
        lines.append({"column": name, **line, "p": (1 + as_large) / (1 + PERMUTATIONS)})
    frame = pd.DataFrame(lines)
    order = frame["effect"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def cliffs_delta(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """P(a > b) - P(a < b) for a of ``first`` and b of ``second``, in [-1, 1]; NaN is left out."""
    pooled = np.concatenate([first, second])
    return float(_number_effects(pooled, np.arange(len(first))[None, :])[0])


def _labels(name: str, *tables: pd.DataFrame) -> list[str]:
    """Categories in the order of ``code_tables``, then missing."""
    every = (str(label) for table in tables for label in table[name].cat.categories)
    return [*dict.fromkeys(every), MISSING]


def _category(sides: list[np.ndarray], size: int, labels: list[str]) -> dict[str, Any]:
    fooling, failing, real = (np.bincount(codes, minlength=size) / len(codes) for codes in sides)
    position = int(np.argmax(fooling - failing))
    return {
        "trait": labels[position],
        "fooling": float(fooling[position]),
        "failing": float(failing[position]),
        "real": float(real[position]),
        "effect": float(fooling[position] - failing[position]),
    }


def _category_effects(codes: np.ndarray, size: int, orders: np.ndarray) -> NDArray[np.float64]:
    """The largest difference of shares, of each choice of rows [n_orders, n] against the rest."""
    total, n = np.bincount(codes, minlength=size), orders.shape[1]
    counts = np.array([np.bincount(codes[order], minlength=size) for order in orders])
    differences: NDArray[np.float64] = (counts / n - (total - counts) / (len(codes) - n)).max(
        axis=1
    )
    return differences


def _median(sides: list[np.ndarray], *, dates: bool) -> dict[str, Any]:
    known = [values[~np.isnan(values)] for values in sides]
    medians = [float(np.median(values)) if len(values) else np.nan for values in known]
    shown: list[object] = list(medians)
    if dates:
        shown = [np.nan if np.isnan(days) else days_text(days) for days in medians]
    effect = cliffs_delta(sides[0], sides[1])
    return dict(zip(("trait", "fooling", "failing", "real"), ("median", *shown), strict=True)) | {
        "effect": effect
    }


def _number_effects(values: np.ndarray, orders: np.ndarray) -> NDArray[np.float64]:
    """Cliff's delta of each choice of rows [n_orders, n] against the rest; 0 where undefined."""
    known = ~np.isnan(values)
    ranks = np.zeros(len(values))
    ranks[known] = rankdata(values[known])
    n = known[orders].sum(axis=1)
    others = known.sum() - n
    # the Mann-Whitney U of the choice, scaled to [-1, 1]
    wins = ranks[orders].sum(axis=1) - n * (n + 1) / 2
    pairs = np.maximum(n * others, 1)
    return np.where(n * others > 0, 2 * wins / pairs - 1, 0.0)
