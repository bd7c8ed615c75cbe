"""Sequential CART with leaf donors: the baseline that every table of the bench shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tabgan.errors import TabganError
from tabgan.metrics.coding import CodedTable, code_tables
from tabgan.seeding import rng_at, seed_at

MISSING = -1.0  # of a number to be predicted: far from the ranks, which are 0 to 1


class Leaves(NamedTuple):
    """A column's tree, and its training rows sorted by their leaf."""

    tree: DecisionTreeClassifier | DecisionTreeRegressor
    leaf: NDArray[np.int64]
    row: NDArray[np.int64]


@dataclass(kw_only=True, eq=False)
class SequentialCart:
    """Each column from a tree on the columns before it (Reiter 2005; R's synthpop, Nowok 2016).

    A new row falls into a leaf of the column's tree and gets the value of a random training row in
    it. Missing values are values. Every cell is a training cell, and small leaves copy rows.

    Args:
        leaf: the fewest training rows of a leaf.
    """

    leaf: int = 20
    leaves_: list[Leaves] = field(default_factory=list, init=False)

    def fit(self, table: pd.DataFrame, *, target: str | None = None, seed: int) -> Self:
        """Grow the trees; the ``target`` is a column like any other.

        Raises:
            TabganError: for a text column, or a leaf that is no whole number of at least 1.
        """
        if not isinstance(self.leaf, int) or self.leaf < 1:
            raise TabganError(f"leaf={self.leaf}: expected a whole number, 1 or more")
        (coded,) = code_tables(table=table)
        if text := [name for name in table if name not in coded.columns]:
            raise TabganError(f"sequential CART: no text columns; drop {text}")
        self.table_, self.rows_ = table, _ranked(coded)
        self.leaves_ = [
            self._grown(position, name in coded.codes, seed)
            for position, name in enumerate(coded.columns)
            if position
        ]
        return self

    def draw(self, n: int, seed: int) -> pd.DataFrame:
        """``n`` rows of the table's columns and dtypes."""
        rng = rng_at(seed, "cart", "rows")
        donors = np.empty((self.rows_.shape[1], n), dtype="int64")
        donors[0] = rng.integers(len(self.rows_), size=n)
        drawn = np.empty((n, self.rows_.shape[1]), dtype="float32")
        drawn[:, 0] = self.rows_[donors[0], 0]
        for position, leaves in enumerate(self.leaves_, start=1):
            requested = leaves.tree.apply(drawn[:, :position])
            first, last = (
                np.searchsorted(leaves.leaf, requested, side) for side in ("left", "right")
            )
            donors[position] = leaves.row[rng.integers(first, last)]
            drawn[:, position] = self.rows_[donors[position], position]
        columns = zip(self.table_.items(), donors, strict=True)
        return pd.DataFrame(
            {name: values.take(rows).reset_index(drop=True) for (name, values), rows in columns}
        )

    def _grown(self, position: int, is_nominal: bool, seed: int) -> Leaves:
        before, values = self.rows_[:, :position], self.rows_[:, position]
        kind = DecisionTreeClassifier if is_nominal else DecisionTreeRegressor
        state = seed_at(seed, "cart", "tree", position) % 2**31
        tree = kind(min_samples_leaf=self.leaf, random_state=state)
        tree.fit(before, np.where(np.isnan(values), MISSING, values))
        leaf = tree.apply(before)
        row = np.argsort(leaf, kind="stable")
        return Leaves(tree, leaf[row], row)


def _ranked(coded: CodedTable) -> NDArray[np.float32]:
    """Codes, and the ranks of numbers over their count, missing NaN: float32 [n_rows, n_columns].

    Trees split by order alone, and by ranks no tail outweighs the rest of a column.
    """
    columns = coded.numbers | coded.codes
    ranks = {n: rankdata(v, nan_policy="omit") / len(v) for n, v in coded.numbers.items()}
    return np.column_stack([ranks.get(n, columns[n]) for n in coded.columns]).astype("float32")
