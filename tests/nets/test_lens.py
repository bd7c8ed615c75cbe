"""What the critic sees of scalars: whitened ones, and waves."""

import math

import pytest
import torch

from tabgan.encoding.layout import RowLayout
from tabgan.nets.lens import ScalarLens

LAYOUT = RowLayout.from_widths(
    [("x", "continuous", 1), ("job", "discrete", 2), ("y", "continuous", 1)]
)


def a_lens(octaves=1):
    return ScalarLens(layout=LAYOUT, octaves=octaves)


@pytest.mark.parametrize("seed", [0, 1])
def test_whitened_scalars_have_mean_0_variance_1_and_no_correlation(seed):
    x = torch.randn(4_000, 2, generator=torch.Generator().manual_seed(seed))
    scalars = torch.stack([3 + x[:, 0], x[:, 0] + 0.1 * x[:, 1]], dim=1)  # correlation .995
    lens = a_lens()
    lens.learn(scalars)
    rows = torch.zeros(len(scalars), LAYOUT.width)
    rows[:, [0, 3]] = scalars
    white = lens(rows)[:, :2]
    torch.testing.assert_close(white.mean(dim=0), torch.zeros(2), rtol=0, atol=1e-3)
    torch.testing.assert_close(torch.cov(white.T), torch.eye(2), rtol=0, atol=1e-2)


def test_waves_double_their_frequency_each_octave():
    rows = torch.tensor([[math.pi / 3, 1.0, 0.0, 0.0]])  # 1.5 * pi / 3 is a right angle
    seen = a_lens(octaves=2)(rows)[0]
    assert len(seen) == a_lens(octaves=2).width == 10
    sines, cosines = seen[2:4], seen[4:6]
    assert sines.tolist() == pytest.approx([1, 0], abs=1e-6)
    assert cosines.tolist() == pytest.approx([0, 1], abs=1e-6)
    assert seen[6:8].tolist() == pytest.approx([0, 0], abs=1e-6)  # sin(pi), sin(0)


def test_a_lens_learns_once():
    lens = a_lens()
    lens.learn(torch.tensor([[1.0, 2.0], [3.0, 2.5], [5.0, 9.0]]))
    mean = lens.mean.clone()
    lens.learn(torch.zeros(3, 2))
    assert torch.equal(lens.mean, mean)
    assert mean.tolist() == [3.0, 4.5]


def test_scalars_that_never_vary_do_not_blow_up():
    lens = a_lens()
    lens.learn(torch.ones(10, 2))
    assert lens(torch.ones(1, 4)).isfinite().all()
