"""The quick draw of codes, beside the slow one of dense rows."""

import math

import pytest
import torch

from tabgan.encoding.layout import RowLayout
from tabgan.nets.gumbel import inverse_cdf
from tabgan.nets.heads import Heads
from tabgan.nets.mixture_generator import MixtureGenerator

LAYOUT = RowLayout.from_widths([("a", "continuous", 1), ("b", "discrete", 3), ("c", "discrete", 5)])
SHARES = torch.tensor([1, 2, 5]) / 8


def heads():
    return Heads(layout=LAYOUT, temperature=0.5).eval()


def generator():
    torch.manual_seed(0)
    net = MixtureGenerator(
        layout=LAYOUT, condition_width=2, noise_dim=4, dropout=0.0, n_components=6, hidden_dim=16,
        temperature=0.5, hard=True, warm=True, smoothing=1.0, passes=1,
    )  # fmt: skip
    for layer in (net.deviation, net.widening):
        torch.nn.init.normal_(layer.weight, std=0.3)
    return net.eval()


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


def test_quick_and_slow_draws_of_a_mixture_have_the_same_shares_and_moments():
    net, n = generator(), 60_000
    condition = torch.eye(2).repeat(n // 2, 1)
    noise = torch.randn(n, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        slow = net(noise, condition, torch.Generator().manual_seed(2))
    quick = net.draw(noise, condition, torch.Generator().manual_seed(3))[:]
    share = (slow.mean(dim=0) + quick.mean(dim=0))[1:] / 2
    error = 5 * (2 * share * (1 - share) / n).sqrt()
    assert ((slow.mean(dim=0) - quick.mean(dim=0))[1:].abs() < error).all()
    deviation = float(slow[:, 0].std())
    assert abs(float(slow[:, 0].mean() - quick[:, 0].mean())) < 5 * deviation * math.sqrt(2 / n)
    assert float(quick[:, 0].std()) == pytest.approx(deviation, rel=0.03)


def test_codes_of_given_outputs_are_those_of_the_heads_and_scalars_those_of_the_normals():
    net, n = generator(), 4_000
    component = torch.zeros(n, dtype=torch.long)
    raw = torch.zeros(n, LAYOUT.width)
    raw[:, 0], raw[:, 3] = 7.0, 50.0  # the scalar's mean, and a logit that beats the others
    log_scales = torch.full((n, 1), math.log(0.5))
    with torch.no_grad():
        rows = net.draw_codes(component, raw, log_scales, torch.Generator().manual_seed(0))
    assert (rows.codes[:, 0] == 2).all()
    assert float(rows.scalars.mean()) == pytest.approx(7, abs=5 * 0.5 / math.sqrt(n))
    assert float(rows.scalars.std()) == pytest.approx(0.5, rel=0.06)
    assert (raw[:, 0] == 7).all()  # left as it was


def test_a_drawn_row_has_one_code_per_block_and_the_scalar_of_its_output():
    raw = torch.randn(7, LAYOUT.width)
    rows = heads().draw(raw, torch.Generator().manual_seed(0))
    assert torch.equal(rows.scalars, raw[:, :1])
    dense = rows[:]
    for span in (slice(1, 4), slice(4, 9)):
        assert (dense[:, span].sum(dim=1) == 1).all()
