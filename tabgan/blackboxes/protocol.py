"""The protocol of a black box: a model that answers queries, and of which nothing else is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.errors import TabganError
from tabgan.tables.dates import format_dates

Scores = NDArray[np.float64]


class BlackBox(Protocol):
    """Rows in, scores out.

    Attributes:
        name: what messages call it.
    """

    name: str

    def __call__(self, rows: pd.DataFrame) -> Scores:
        """One score per row, float64 [n] in [0, 1], for conforming rows (``TableSchema``)."""
        ...


@runtime_checkable
class Labelling(Protocol):
    """A black box that also names the class it would decide for."""

    def labels(self, rows: pd.DataFrame) -> NDArray[np.str_]:
        """The decided class of each row, text [n]."""
        ...


def plain_rows(
    rows: pd.DataFrame, columns: Sequence[str] | None = None, *, name: str = "black box"
) -> pd.DataFrame:
    """Rows as models outside of tabgan want them: text or None, float64 or NaN, ISO dates.

    Args:
        rows: conforming rows.
        columns: what the model takes, in its order; None takes what is there.
        name: the black box, for the message.

    Raises:
        TabganError: when a column that the model takes is absent.
    """
    wanted = list(rows.columns if columns is None else columns)
    absent = [column for column in wanted if column not in rows.columns]
    if absent:
        raise TabganError(
            f"{name}: the rows lack the columns {absent} that it takes; got {list(rows.columns)}"
        )
    return pd.DataFrame({column: _plain(rows[column]) for column in wanted}, index=rows.index)


def _plain(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        labels = np.array([*values.cat.categories, None], dtype="object")  # code -1 is the last
        return pd.Series(labels[values.cat.codes.to_numpy()], index=values.index, dtype="object")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return pd.Series(values.to_numpy("float64", na_value=np.nan), index=values.index)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        texts = format_dates(values, None).to_pandas()
        values = pd.Series(texts.to_numpy(dtype="object"), index=values.index)
    return values.astype("object").where(values.notna(), None)
