"""What a net sees of a row: value and rank of numbers, one-hots of categories."""

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.blackboxes.evasion.features import Features
from tabgan.encoding.state import load_state, save_state
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="calls",
    target=None,
    columns=(
        Column(name="kind", kind="nominal", categories=("tcp", "udp", "icmp")),
        Column(name="bytes", kind="integer"),
    ),
)
ROWS = np.array([[0.0, 0.0], [1.0, 10.0], [1.0, 100.0], [2.0, 10.0]])


def test_a_number_has_its_share_of_the_range_and_of_the_distinct_values():
    features = Features.found(ROWS, SCHEMA)
    assert features.width == 3 + 2
    # distinct values 0, 10, 100: 10 is a tenth of the range and halfway among them
    expected = [[1, 0, 0, 0, 0], [0, 1, 0, 0.1, 0.5], [0, 1, 0, 1, 1], [0, 0, 1, 0.1, 0.5]]
    torch.testing.assert_close(features(ROWS), torch.tensor(expected))


def test_a_missing_value_has_zeros():
    features = Features.found(ROWS, SCHEMA)
    assert features(np.array([[np.nan, np.nan]])).abs().sum() == 0


def test_features_of_encoded_rows_are_those_of_their_numbers():
    table = SCHEMA.conform(
        pd.DataFrame({"kind": ["tcp", "udp", "udp", "icmp"] * 10, "bytes": [0, 10, 100, 10] * 10})
    )
    encoder = encoded_as(table, numeric="bins")
    numbers = encoder.numbers(table)
    features = Features.found(numbers, encoder.schema_)
    rows = encoder.encode_coded(table)[:]
    torch.testing.assert_close(rows @ features.of_positions(encoder), features(numbers))


def test_a_generator_wants_one_one_hot_a_column():
    table = SCHEMA.conform(
        pd.DataFrame({"kind": ["tcp", "udp"] * 200, "bytes": [i % 80 for i in range(400)]})
    )
    encoder = encoded_as(table, numeric="standard")
    features = Features.found(encoder.numbers(table), encoder.schema_)
    with pytest.raises(TabganError, match=r"'bytes': a generator of records needs encoder=records"):
        features.of_positions(encoder)


def test_what_is_known_comes_back_from_a_folder(tmp_path):
    features = Features.found(ROWS, SCHEMA)
    save_state(tmp_path, features.state())
    again = Features.restore(load_state(tmp_path))
    torch.testing.assert_close(again(ROWS), features(ROWS))


def encoded_as(table, numeric):
    return TableEncoder(
        SCHEMA, nominal="onehot", numeric=numeric, levels=20, derive=False, conditional=False
    ).fit(table)
