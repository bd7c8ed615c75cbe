"""How strongly columns belong together, as wNMIS counts it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from tabgan.metrics.binning import discretise, entropy
from tabgan.metrics.coding import code_tables
from tabgan.metrics.fidelity import FEW_VALUES


def associations(
    real: pd.DataFrame, synthetic: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Normalised mutual information of each pair, of real and of synthetic; in [0, 1].

    0 is independent, 1 is one column given by the other. The bins are those of ``wnmis``, with
    real edges for both tables. The diagonal is NaN. Without ``synthetic`` both squares are real's.

    Raises:
        TabganError: when the tables differ in columns or have no rows.
    """
    one, other = code_tables(real=real, synthetic=real if synthetic is None else synthetic)
    real_codes, synthetic_codes, sizes = discretise(one, other, keep_distinct=FEW_VALUES)
    first = _square({name: real_codes[name] for name in one.columns}, sizes)
    return first, first if synthetic is None else _square(
        {name: synthetic_codes[name] for name in one.columns}, sizes
    )


def _square(codes: dict[str, np.ndarray], sizes: dict[str, int]) -> pd.DataFrame:
    names = list(codes)
    entropies = {name: entropy(column) for name, column in codes.items()}
    square = pd.DataFrame(np.nan, index=names, columns=names)
    for a, b in combinations(names, 2):
        total = entropies[a] + entropies[b]
        shared = total - entropy(codes[a] * sizes[b] + codes[b])
        square.loc[a, b] = square.loc[b, a] = max(0.0, 2 * shared / total) if total > 0 else 0.0
    return square
