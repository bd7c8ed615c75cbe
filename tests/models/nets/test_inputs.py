"""What a chain's heads see of codes, on columns whose numbers can be told on paper."""

import pytest
import torch
from scipy.stats import norm

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.nets.inputs import ColumnInputs, chain_columns, joint_counts

LAYOUT = RowLayout.from_widths(
    [
        ("level", "discrete", 4, 3),  # three values, and missing
        ("size", "discrete", 3, 2, (0, 2)),  # a heavy value, a bin of two cells, and missing
        ("size", "discrete", 2, 2),
        ("size", "continuous", 1),
        ("job", "discrete", 3),
        ("town", "discrete", 9),
    ]
)
CODES = [[0, 0, 0, 0, 8], [1, 1, 0, 1, 0], [2, 1, 1, 2, 4], [2, 2, 0, 0, 4], [3, 1, 1, 0, 1]]
ROWS = CodedRows(
    layout=LAYOUT, codes=torch.tensor(CODES, dtype=torch.int16), scalars=torch.rand(5, 1)
)


@pytest.fixture
def inputs():
    torch.manual_seed(0)
    made = ColumnInputs(columns=chain_columns(LAYOUT), embed_dim=4, octaves=2)
    made.learn(ROWS)
    return made


def of_column(inputs, name):
    """The inputs of one column of the five rows."""
    at = [column.name for column in inputs.columns].index(name)
    return inputs(ROWS.codes)[:, inputs.starts[at] : inputs.starts[at + 1]]


def test_a_number_is_seen_by_the_normal_quantile_of_the_middle_of_its_ranks(inputs):
    z = of_column(inputs, "level")[:, 0]
    # of four known values one is the first, one the second, two the third: middles of eighths
    expected = torch.tensor([*norm.ppf([1 / 8, 3 / 8, 3 / 4, 3 / 4]), 0.0]).float()
    torch.testing.assert_close(z, expected)


def test_a_number_has_its_size_and_octaves_beside_it_and_its_value_as_a_one_hot(inputs):
    level = of_column(inputs, "level")
    z = level[:, :1]
    waves = [z, z.abs(), z.sin(), (2 * z).sin(), z.cos(), (2 * z).cos()]
    torch.testing.assert_close(level[:, :6], torch.cat(waves, dim=1))
    assert level[:, 6:].argmax(dim=1).tolist() == [0, 1, 2, 2, 3]
    assert (level[:, 6:].sum(dim=1) == 1).all()


def test_a_cell_is_a_number_and_an_atom_is_a_category_too(inputs):
    size = of_column(inputs, "size")
    # of the joint codes (0, 0), (1, 0), (1, 1) four rows are known: one, one and two
    expected = torch.tensor(norm.ppf([1 / 8, 3 / 8, 3 / 4])).float()
    torch.testing.assert_close(size[[0, 1, 2], 0], expected)
    assert size[:, 6:].tolist() == [[1, 0], [0, 0], [0, 0], [0, 1], [0, 0]]


def test_few_categories_are_a_one_hot_and_many_a_learned_vector(inputs):
    assert of_column(inputs, "job").tolist() == torch.eye(3)[[0, 1, 2, 0, 0]].tolist()
    town = of_column(inputs, "town")
    assert torch.equal(town, inputs.vectors[[8, 0, 4, 4, 1]])
    town.sum().backward()
    assert inputs.vectors.grad.sum(dim=1).tolist() == [4, 4, 0, 0, 8, 0, 0, 0, 4]


def test_codes_dense_rows_and_tables_are_seen_alike(inputs):
    seen = inputs(ROWS.codes)
    torch.testing.assert_close(inputs.of_rows(ROWS[:]), seen)
    for j, column in enumerate(inputs.columns):
        own = inputs.table(j)[column.joint(ROWS.codes)]
        torch.testing.assert_close(own, seen[:, inputs.starts[j] : inputs.starts[j + 1]])


def test_dense_rows_have_a_gradient_to_the_codes_of_every_column(inputs):
    rows = ROWS[:].requires_grad_()
    inputs.of_rows(rows).square().sum().backward()
    for block in LAYOUT.blocks:
        assert bool(rows.grad[:, block.span].any()) == (block.kind == "discrete")


def test_joint_codes_are_counted_and_missing_cells_left_out():
    columns = chain_columns(LAYOUT)
    assert joint_counts(ROWS, columns[1]).tolist() == [1, 0, 1, 2, 1, 0]
    incomplete = CodedRows(
        layout=LAYOUT, codes=ROWS.codes.clone(), scalars=ROWS.scalars, masked=True
    )
    incomplete.codes[0, 1] = incomplete.codes[0, 2] = -1
    assert joint_counts(incomplete, columns[1]).tolist() == [0, 0, 1, 2, 1, 0]


def test_columns_stand_in_the_layouts_order_or_in_the_one_that_is_given():
    assert [c.name for c in chain_columns(LAYOUT)] == ["level", "size", "job", "town"]
    order = ["town", "size", "level", "job"]
    columns = chain_columns(LAYOUT, order)
    assert [c.name for c in columns] == order
    assert [(c.bins_at, c.cells_at) for c in columns] == [(4, 4), (1, 2), (0, 0), (3, 3)]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["town", "size", "level", "jobs"], "order: no column 'jobs'; did you mean 'job'"),
        (["town", "size"], r"order: expected each of \['level', .*\] once, got \['town', 'size'\]"),
        (["town", "size", "level", "job", "job"], "expected each of"),
    ],
)
def test_an_order_that_is_none_of_the_columns_is_refused(order, message):
    with pytest.raises(TabganError, match=message):
        chain_columns(LAYOUT, order)


@pytest.mark.parametrize(
    "blocks",
    [
        [("age", "continuous", 1)],  # a scalar
        [("age", "continuous", 1), ("age", "discrete", 5)],  # a scalar and its mode
    ],
)
def test_a_layout_that_is_not_of_codes_is_refused(blocks):
    layout = RowLayout.from_widths([("job", "discrete", 3), *blocks])
    with pytest.raises(TabganError, match="column 'age': this generator draws codes, and the enc"):
        chain_columns(layout)
