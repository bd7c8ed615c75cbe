"""Real and synthetic rows as points of one plane."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from tabgan.errors import TabganError
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.metrics.drawing import draw_rows, random_state

MAX_ROWS = 1_000  # of each table
FEWEST_ROWS = 10
PERPLEXITY = 30.0
MOST_DIMENSIONS = 50  # t-SNE sees the first principal components of wider rows


def tsne(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Places of real and of synthetic rows, float64 [n, 2] each, at most ``MAX_ROWS`` of each.

    Rows are one-hot categories and standardised numbers (missing at the mean); the two tables are
    placed together, so mixing means likeness.

    Raises:
        TabganError: when the tables differ in columns or have under ``FEWEST_ROWS`` rows.
    """
    drawn = [
        draw_rows(table, MAX_ROWS, seed, "tsne", i) for i, table in enumerate((real, synthetic))
    ]
    if min(map(len, drawn)) < FEWEST_ROWS:
        raise TabganError(
            f"t-SNE: expected at least {FEWEST_ROWS} rows of each table, "
            f"got {len(real)} real and {len(synthetic)} synthetic"
        )
    rows = _rows(*code_tables(real=drawn[0], synthetic=drawn[1]))
    state = random_state(seed, "tsne")
    with threadpool_limits(1):
        if rows.shape[1] > MOST_DIMENSIONS:
            n_components = min(MOST_DIMENSIONS, len(rows))
            rows = PCA(n_components, random_state=state).fit_transform(rows)
        positions = TSNE(
            perplexity=min(PERPLEXITY, (len(rows) - 1) / 3),
            init="pca" if rows.shape[1] > 1 and np.ptp(rows) > 0 else "random",
            random_state=state,
            n_jobs=1,
        ).fit_transform(rows.astype("float32"))
    return positions[: len(drawn[0])], positions[len(drawn[0]) :]


def _rows(real: CodedTable, synthetic: CodedTable) -> np.ndarray:
    blocks = []
    for name in real.columns:
        if name in real.codes:
            codes = np.concatenate([real.codes[name], synthetic.codes[name]])
            blocks.append(np.eye(real.sizes[name])[codes])
            continue
        values = np.concatenate([real.numbers[name], synthetic.numbers[name]])
        known = values[~np.isnan(values)]
        spread = float(known.std()) if len(known) else 0.0
        centre = float(known.mean()) if len(known) else 0.0
        scaled = (np.nan_to_num(values, nan=centre) - centre) / (spread or 1.0)
        blocks.append(scaled[:, None])
    return np.hstack(blocks)
