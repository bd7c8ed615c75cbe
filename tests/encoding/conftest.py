import numpy as np
import pytest

from tabgan.encoding.table import TableEncoder
from tabgan.tables.profile import infer_schema


@pytest.fixture
def fit_encoder():
    """The flagship's encoder of a frame, with some choices changed."""
    choices = {"nominal": "onehot", "numeric": "quantile_normal", "levels": 20, "derive": True}

    def fit(frame, target=None, **changed):
        schema = infer_schema(frame, name="table", target=target)
        encoder = TableEncoder(schema, **choices | {"conditional": True} | changed)
        return encoder.fit(schema.conform(frame))

    return fit


@pytest.fixture
def rng():
    return np.random.default_rng(0)
