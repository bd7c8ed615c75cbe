"""Do identifying values come back? Names, account numbers, e-mail addresses of training rows."""

from __future__ import annotations

import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.coding import STRING, column_kinds


def identifying_overlap(train: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """Share of the values in identifying columns that training rows have there; in [0, 1].

    0 is best: no generated id, name or address is somebody's. Identifying are the columns of text
    (ids are text here); missing cells are no values. All columns' values count alike.

    Raises:
        TabganError: when no column identifies its rows, or no cell of such columns has a value.
    """
    names = [name for name, kind in column_kinds(train).items() if kind == STRING]
    if not names:
        raise TabganError("no column of the generated rows identifies its row")
    made = [synthetic[name].dropna() for name in names]
    n_values = sum(map(len, made))
    if n_values == 0:
        raise TabganError(f"identifying columns {names}: no generated row has a value")
    known = sum(
        int(values.isin(train[name].dropna()).sum())
        for name, values in zip(names, made, strict=True)
    )
    return known / n_values
