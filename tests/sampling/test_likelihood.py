import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.table import TableEncoder
from tabgan.sampling.likelihood import independent_log_likelihood, log_likelihood
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="pets",
    columns=(
        Column(name="kind", kind="nominal", categories=("cat", "dog")),
        Column(name="size", kind="nominal", categories=("s", "m", "l")),
    ),
)


@pytest.mark.parametrize(("missing", "unknown"), [("category", 0.0), ("masked", None)])
def test_independent_columns_multiply_the_shares_of_codes_with_half_a_row_more_each(
    missing, unknown
):
    schema = SCHEMA.with_missing(["size"] if unknown is None else [])
    train = schema.conform(
        pd.DataFrame({"kind": ["cat", "cat", "cat", "dog"], "size": ["s", "s", "m", "m"]})
    )
    encoder = TableEncoder(
        schema, nominal="onehot", numeric="cells", levels=32, derive=False, conditional=False,
        missing=missing,
    ).fit(train)  # fmt: skip
    rows = schema.conform(pd.DataFrame({"kind": ["cat", "dog"], "size": ["l", "s"]}))
    logs = independent_log_likelihood(encoder, train, rows)
    # (3 + .5) / 5 cats and (0 + .5) / 5.5 of size l; 1.5 / 5 dogs and 2.5 / 5.5 of size s
    assert np.exp(logs) == pytest.approx([0.7 / 11, 0.3 * 5 / 11])
    if unknown is None:
        rows = schema.conform(pd.DataFrame({"kind": ["cat"], "size": [None]}))
        assert np.exp(independent_log_likelihood(encoder, train, rows)) == pytest.approx([0.7])


def test_an_untrained_chain_finds_rows_as_likely_as_independent_columns_do(training):
    ran = training(model="cgan")
    data, encoder = ran.data, ran.data.encoder
    own = log_likelihood(ran.module, encoder, data.validation)
    floor = independent_log_likelihood(encoder, data.train, data.validation)
    assert own.shape == floor.shape == (27,)
    assert own.mean() == pytest.approx(floor.mean(), rel=0.02)


def test_a_generator_that_cannot_tell_has_none(training):
    ran = training(model="cgan_basic")
    assert log_likelihood(ran.module, ran.data.encoder, ran.data.validation) is None
