"""Coded rows are dense rows in less memory."""

import pytest
import torch

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout

LAYOUTS = {
    "mixed": [("a", "continuous", 1), ("a", "discrete", 3), ("b", "discrete", 5),
              ("c", "continuous", 2)],
    "scalars": [("a", "continuous", 1), ("b", "continuous", 2)],
    "codes": [("a", "discrete", 4), ("b", "discrete", 2)],
}  # fmt: skip


@pytest.fixture(params=LAYOUTS, ids=list(LAYOUTS))
def layout(request):
    return RowLayout.from_widths(LAYOUTS[request.param])


@pytest.fixture
def dense(layout):
    rng = torch.Generator().manual_seed(0)
    rows = torch.zeros(50, layout.width)
    for block in layout.blocks:
        if block.kind == "continuous":
            rows[:, block.span] = torch.randn(50, block.width, generator=rng)
        else:
            codes = torch.randint(block.width, (50,), generator=rng)
            rows[torch.arange(50), block.start + codes] = 1.0
    return rows


@pytest.fixture
def coded(dense, layout):
    return CodedRows.of(dense, layout)


def test_rows_come_back_to_the_bit(coded, dense):
    positions = torch.tensor([7, 3, 3, 49])
    assert torch.equal(coded[:], dense)
    assert torch.equal(coded[positions], dense[positions])
    assert [len(piece) for piece in coded.split(20)] == [20, 20, 10]


def test_a_row_of_codes_takes_two_bytes_a_block(coded, layout):
    blocks = sum(block.kind == "discrete" for block in layout.blocks)
    assert coded.codes.element_size() * coded.codes[0].numel() == 2 * blocks


@pytest.mark.slow
def test_a_missing_cell_is_nan_in_all_of_its_places():
    layout = RowLayout.from_widths([("a", "discrete", 2), ("x", "continuous", 1)])
    dense = torch.tensor([[1.0, 0, 4], [0, 1, 2], [1, 0, 0]])
    rows = CodedRows.empty(3, layout, masked=True)
    rows.fill(layout.blocks, dense)
    rows.hide(layout.of("a"), torch.tensor([False, True, False]))
    rows.hide(layout.of("x"), torch.tensor([False, True, True]))
    nan = torch.nan
    torch.testing.assert_close(
        rows[:], torch.tensor([[1, 0, 4], [nan, nan, nan], [1, 0, nan]]), equal_nan=True
    )
