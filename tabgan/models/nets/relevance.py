"""How much each column before a column tells about it, by decision trees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tabgan.encoding.coded import CodedRows
from tabgan.models.nets.inputs import FARTHEST, ChainColumn, ColumnInputs

MOST_ROWS = 3_000  # that trees are grown on
LEAF = 20  # rows of a leaf at least
EVEN = 0.5  # the part of the relevance that all columns share evenly


def relevance_of_columns(
    rows: CodedRows, columns: Sequence[ChainColumn], inputs: ColumnInputs
) -> list[NDArray[np.float64]]:
    """Per column, how much each column before it matters: [columns before], above 0, at most 1.

    A tree predicts the column from those before it. The square of a relevance is the column's
    share of what the tree's splits gain, over the largest share, plus ``EVEN`` by the number of
    columns before: what trees overlook in few rows can still be learned.

    Args:
        rows: training rows, coded.
        columns: in the order they are drawn.
        inputs: of these columns, which have learned from the rows.
    """
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    places = _places(rows.codes.cpu()[order[:MOST_ROWS]], columns, inputs)
    found = [np.ones(0)]
    for at, column in enumerate(columns[1:], start=1):
        kind = DecisionTreeRegressor if column.bins.ordered else DecisionTreeClassifier
        target = places[:, at]
        tree = kind(min_samples_leaf=LEAF, random_state=0).fit(places[:, :at], target)
        gains = np.maximum(tree.feature_importances_, 0.0)
        shares = gains / gains.max() if gains.any() else gains
        found.append(np.sqrt(np.minimum(shares + EVEN / at, 1.0)))
    return found


def _places(
    codes: torch.Tensor, columns: Sequence[ChainColumn], inputs: ColumnInputs
) -> NDArray[np.float64]:
    """Where rows stand in each column, [n, columns]: a number's z, or a category's code.

    What is no number in a column of numbers lies below all, and unknown cells below that.
    """
    found, base = [], 0
    for column in columns:
        joint = column.joint(codes)
        place = joint.double()
        if column.bins.ordered:
            z = inputs.z[base : base + column.n_codes].cpu().double()
            n_numbers = column.bins.ordered * column.n_cells
            other = -FARTHEST - 1 - (place - n_numbers) / column.n_cells
            place = torch.where(joint < n_numbers, z[joint.clamp(min=0)], other)
        lowest = place[joint >= 0].min() if (joint >= 0).any() else 0.0
        found.append(torch.where(joint >= 0, place, lowest - 1.0))
        base += column.n_codes
    return torch.stack(found, dim=1).numpy()
