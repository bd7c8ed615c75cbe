"""Dtypes that pandas has no steady name for: text, and sparse columns."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pandas as pd

# Python's strings with NaN for missing: "str" since pandas 3, which has another name in pandas 2
TEXT: pd.StringDtype = (
    pd.StringDtype(na_value=np.nan)
    if "na_value" in inspect.signature(pd.StringDtype.__init__).parameters
    else pd.StringDtype("pyarrow_numpy")
)

OWN_TEXT: Any = TEXT if str(TEXT) == "str" else np.dtype(object)  # of a column that pandas makes


def dense(values: pd.Series) -> pd.Series:
    """A column with each of its values, also where it came sparse."""
    return values.sparse.to_dense() if isinstance(values.dtype, pd.SparseDtype) else values


def sparse_parts(dtype: str) -> tuple[str, Any] | None:
    """The dtype of the values and the fill value of a name such as ``Sparse[int64, 0]``."""
    named = re.fullmatch(r"Sparse\[(.+), (.+)\]", dtype)
    if named is None:
        return None
    inner = np.dtype(named[1])
    if named[2] == "nan":
        return named[1], np.nan
    return named[1], inner.type(named[2] == "True" if inner.kind == "b" else named[2])
