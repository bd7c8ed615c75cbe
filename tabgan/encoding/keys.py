"""Ids: columns whose values number the rows and say nothing else about them."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from tabgan.encoding.column import Numbers, State

KEY_SHARE = 0.95  # distinct texts per row from which a text is an id (or a name)
KEY_ROWS = 100  # fewer whole numbers may be all different by chance
NUMBERED = r"(.*?)(\d{1,18})(\D*)"  # the last number of a text, and what stands around it


def is_text_key(values: pd.Series) -> bool:
    """Whether a text is there in every row, and (nearly) another in each."""
    return not values.isna().any() and values.nunique() >= KEY_SHARE * len(values)


def is_running_number(numbers: Numbers) -> bool:
    """Whether whole numbers are all different and fill at least half of their range.

    A measure is not: 100 draws from 200 values are all different once in e^25 tables, whatever
    the values' shares. Sums, weights and times spread over far more than twice as many values as
    there are rows. The order of the rows does not matter.
    """
    if len(numbers) < KEY_ROWS or np.isnan(numbers).any():
        return False
    reach = numbers.max() - numbers.min() + 1
    return bool(reach <= 2 * len(numbers) and len(np.unique(numbers)) == len(numbers))


class RunningKey:
    """Ids that go on behind those of the training rows, in their form.

    Whole numbers go on from the largest; texts that are one number between the same letters
    (``C-0042``) too; any other text becomes ``<column>-000000001``, ``<column>-000000002``, …
    """

    def fit(self, values: pd.Series) -> Self:
        self.prefix_, self.suffix_, self.digits_, self.first_ = f"{values.name}-", "", 9, 1
        if pd.api.types.is_integer_dtype(values.dtype):
            self.digits_, self.first_ = 0, int(values.max()) + 1
            return self
        parts = values.str.extract(f"^{NUMBERED}$")
        if parts.notna().all(axis=None) and (parts[[0, 2]] == parts.loc[0, [0, 2]]).all(axis=None):
            self.prefix_, self.suffix_ = parts.loc[0, 0], parts.loc[0, 2]
            self.digits_ = int(parts[1].str.len().min())
            self.first_ = int(parts[1].astype("int64").max()) + 1
        return self

    def __call__(self, first_row: int, n: int) -> pd.Series:
        """The ids of ``n`` rows, the first of which is row ``first_row`` of the generated table."""
        running = pd.Series(np.arange(first_row, first_row + n) + self.first_)
        if not self.digits_:
            return running
        return self.prefix_ + running.astype("str").str.zfill(self.digits_) + self.suffix_

    def state(self) -> State:
        return {
            "prefix": self.prefix_,
            "suffix": self.suffix_,
            "digits": self.digits_,
            "first": self.first_,
        }

    def restore(self, state: State) -> Self:
        self.prefix_, self.suffix_ = state["prefix"], state["suffix"]
        self.digits_, self.first_ = state["digits"], state["first"]
        return self
