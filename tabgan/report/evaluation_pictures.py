"""The pictures of an evaluation, by name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.coding import CodedTable
from tabgan.metrics.drawing import draw_rows
from tabgan.metrics.nearest import mixed_rows, nearest_rows
from tabgan.report.embedding import tsne
from tabgan.report.measure import COLUMNS, Measured
from tabgan.report.plots import (
    bars_picture,
    categories_picture,
    distances_picture,
    heatmap_picture,
    numbers_picture,
    points_picture,
)
from tabgan.report.progress import Advance
from tabgan.report.reading import Tables
from tabgan.report.scatter import pair_picture

MOST_COLUMNS = 60  # pictures of single columns, the worst ones
DISTANCE_ROWS = 4_000  # of each table, for the histogram of distances

Pictures = dict[str, bytes]


def draw_pictures(tables: Tables, measured: Measured, *, seed: int, advance: Advance) -> Pictures:
    """Every picture that the tables allow; one that they do not allow is noted and left out."""
    pictures: Pictures = {}
    advance("", stage="pictures")
    if sets := _pair(measured):
        pictures["pair"] = pair_picture(sets)
    train, _, synthetic = measured.coded
    for name in list(measured.columns.index)[:MOST_COLUMNS]:
        advance(name)
        sides = {"real": train, "synthetic": synthetic}
        position = train.columns.index(name)
        pictures[column_key(position, name)] = column_picture(name, sides, tables.train[name])
    advance("pairs")
    pictures |= _pair_pictures(*measured.associations)
    advance("column importance")
    importance = measured.columns["importance"].dropna().sort_values(ascending=False)
    if len(importance) and importance.sum() > 0:
        pictures["importance"] = bars_picture(
            "What gives synthetic rows away", importance.rename("synthetic").to_frame(),
            unit="share of the classifier's gain",
        )  # fmt: skip
    missing = pd.DataFrame(
        {"real": tables.train.isna().mean(), "synthetic": tables.synthetic.isna().mean()}
    )
    missing = 100 * missing[(missing > 0).any(axis=1)]
    if len(missing):
        pictures["missing"] = bars_picture(
            "Missing values", missing.sort_values("real", ascending=False), unit="% of rows"
        )
    for name, draw in (("tsne", _tsne_picture), ("distances", _distances_picture)):
        advance({"tsne": "t-SNE", "distances": "distances to the nearest row"}[name])
        try:
            pictures[name] = draw(tables, seed)
        except TabganError as error:
            measured.notes[name] = str(error)
    return pictures


def _pair(measured: Measured) -> dict[str, tuple[float, float]]:
    """How far each set of rows is told apart, and how far an attack gets; none without its own."""
    names = "c2st_test_auc_worst", "membership_auc"
    points = {
        COLUMNS[prefix]: (scores[names[0]], scores[names[1]])
        for prefix, scores in measured.scores.items()
        if all(name in scores for name in names)
    }
    return points if COLUMNS[""] in points else {}


def column_key(position: int, name: str) -> str:
    """The name of a column's picture, and of its file before ``.png``."""
    return f"column_{position:02d}_{name}"


def column_picture(name: str, sides: dict[str, CodedTable], values: pd.Series) -> bytes:
    """The picture of one column; ``values`` knows its categories or that it holds dates."""
    coded = next(iter(sides.values()))
    if name not in coded.codes:
        numbers = {side: table.numbers[name] for side, table in sides.items()}
        dates = pd.api.types.is_datetime64_any_dtype(values.dtype)
        return numbers_picture(name, numbers, dates=dates)
    n_labels = coded.sizes[name] - 1  # codes run over the first table's categories first
    labels = [str(label) for label in values.cat.categories]
    labels += [f"new {position}" for position in range(n_labels - len(labels))]
    codes = {side: table.codes[name] for side, table in sides.items()}
    return categories_picture(name, codes, labels)


def _pair_pictures(real: pd.DataFrame, synthetic: pd.DataFrame) -> Pictures:
    if len(real) < 2:
        return {}
    return {
        "pairs_real": heatmap_picture("Association, real", real),
        "pairs_synthetic": heatmap_picture("Association, synthetic", synthetic),
        "pairs_difference": heatmap_picture("Synthetic minus real", synthetic - real, signed=True),
    }


def _tsne_picture(tables: Tables, seed: int) -> bytes:
    real, synthetic = tsne(tables.test, tables.synthetic, seed=seed)
    return points_picture("Rows on one plane (t-SNE)", {"real": real, "synthetic": synthetic})


def _distances_picture(tables: Tables, seed: int) -> bytes:
    drawn = [
        draw_rows(table, DISTANCE_ROWS, seed, "distances", position)
        for position, table in enumerate((tables.train, tables.test, tables.synthetic))
    ]
    references, own, test, synthetic = mixed_rows(
        references=tables.train, train=drawn[0], test=drawn[1], synthetic=drawn[2]
    )
    of_test = nearest_rows(test, references)[0][:, 0]
    distances = {
        "real train": nearest_rows(own, references, n_neighbours=2)[0][:, 1],  # 0 is the row itself
        "real test": of_test,
        "synthetic": nearest_rows(synthetic, references)[0][:, 0],
    }
    marks = {"5 % of test": float(np.quantile(of_test, 0.05, method="inverted_cdf"))}
    return distances_picture("Distance to the closest training row", distances, marks)
