"""A table of two columns for studies: whose side follows from their height."""

import numpy as np
import pandas as pd

from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="toss",
    target="side",
    columns=(
        Column(name="height", kind="numeric", decimals=3),
        Column(name="side", kind="nominal", categories=("head", "tail")),
    ),
)


def toss_rows():
    """300 rows, the side the sign of a normal height."""
    height = np.random.default_rng(0).normal(size=300)
    rows = pd.DataFrame({"height": height, "side": np.where(height > 0, "head", "tail")})
    return SCHEMA.conform(rows)
