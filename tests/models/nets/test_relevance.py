"""How much a column matters to those after it, from the splits of a tree."""

import numpy as np
import pytest
import torch

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.inputs import ColumnInputs, chain_columns
from tabgan.models.nets.relevance import relevance_of_columns

LAYOUT = RowLayout.from_widths(
    [
        ("one", "discrete", 4),
        ("other", "discrete", 3),
        ("same", "discrete", 4),  # as the first
        ("number", "discrete", 3, 2),  # two values, and missing: as the second
    ]
)


def found(codes):
    none = torch.empty(len(codes), 0)
    rows = CodedRows(layout=LAYOUT, codes=codes.short(), scalars=none, masked=True)
    columns = chain_columns(LAYOUT)
    inputs = ColumnInputs(columns=columns, embed_dim=4, octaves=2)
    inputs.learn(rows)
    return relevance_of_columns(rows, columns, inputs)


@pytest.fixture
def codes():
    """800 rows of two independent columns, and of two that follow from them."""
    each = torch.arange(800)
    one, other = each % 4, each // 4 % 3
    return torch.stack([one, other, one, other], dim=1)


def test_what_decides_a_column_matters_fully_and_the_rest_as_evenly_as_half_of_one(codes):
    nothing, of_other, of_same, of_number = found(codes)
    assert nothing.shape == (0,)
    # one column before tells nothing: half of its even share
    np.testing.assert_allclose(of_other, [0.5**0.5])
    # of two before, the first decides: (.5 / 2) ** .5 is left for the other
    np.testing.assert_allclose(of_same, [1.0, 0.5])
    # of three, the second
    np.testing.assert_allclose(of_number, [(1 / 6) ** 0.5, 1.0, (1 / 6) ** 0.5], atol=1e-6)


def test_unknown_cells_and_more_rows_than_trees_take_do_not_change_what_matters(codes):
    many = codes.repeat(6, 1)
    many[::50, 1] = -1
    many[1::50, 3] = -1
    *_, of_number = found(many)
    assert of_number[1] == 1
    assert (of_number[[0, 2]] < 0.7).all()


def test_the_same_rows_give_the_same_relevance(codes):
    many = codes.repeat(6, 1)[torch.randperm(4_800, generator=torch.Generator().manual_seed(1))]
    for first, again in zip(found(many), found(many), strict=True):
        np.testing.assert_array_equal(first, again)
