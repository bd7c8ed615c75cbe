"""The quick draw of codes, beside the slow one of dense rows."""

import pytest
import torch

from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.gumbel import inverse_cdf
from tabgan.models.nets.heads import Heads

LAYOUT = RowLayout.from_widths([("a", "continuous", 1), ("b", "discrete", 3), ("c", "discrete", 5)])
SHARES = torch.tensor([1, 2, 5]) / 8


def heads():
    return Heads(layout=LAYOUT, temperature=0.5).eval()


def test_a_code_is_where_the_cumulative_weights_pass_the_uniform_number():
    weights = torch.tensor([[1.0, 2.0, 0.0, 5.0]]).expand(5, 4)
    uniform = torch.tensor([0.0, 0.12, 0.13, 0.375, 1 - 2**-24])  # steps at 1/8, 3/8, 3/8, 1
    assert inverse_cdf(weights, uniform).tolist() == [0, 0, 1, 3, 3]


def test_a_category_of_no_weight_is_never_drawn():
    weights = torch.tensor([[0.0, 1.0, 0.0]]).expand(2, 3)
    assert inverse_cdf(weights, torch.tensor([0.0, 1 - 2**-24])).tolist() == [1, 1]


@pytest.mark.parametrize("shift", [0.0, 300.0, -300.0])
def test_codes_follow_the_softmax_of_the_logits_however_large_these_are(shift):
    n = 80_000
    raw = torch.zeros(n, LAYOUT.width)
    raw[:, 1:4] = SHARES.log() + shift  # exp of 300 is beyond float32
    rows = heads().draw(raw, torch.Generator().manual_seed(0))
    found = torch.bincount(rows.codes[:, 0].long(), minlength=3) / n
    error = 5 * (SHARES * (1 - SHARES) / n).sqrt()
    assert ((found - SHARES).abs() < error).all()


def test_a_drawn_row_has_one_code_per_block_and_the_scalar_of_its_output():
    raw = torch.randn(7, LAYOUT.width)
    rows = heads().draw(raw, torch.Generator().manual_seed(0))
    assert torch.equal(rows.scalars, raw[:, :1])
    dense = rows[:]
    for span in (slice(1, 4), slice(4, 9)):
        assert (dense[:, span].sum(dim=1) == 1).all()
