"""The net that learns a black box's score."""

import torch

from tabgan.encoding.layout import RowLayout
from tabgan.scored.losses import laplace_loss
from tabgan.scored.surrogate import Surrogate

LAYOUT = RowLayout.from_widths([("x", "continuous", 1), ("job", "discrete", 3)])


def test_median_and_scale_stay_in_their_ranges():
    net = Surrogate(layout=LAYOUT, hidden_dim=8, slope=0.2)
    median, scale = net(100 * torch.randn(50, 4))
    assert median.shape == scale.shape == (50,)
    assert 0 <= median.min() <= median.max() <= 1
    assert 0.005 <= scale.min() <= scale.max() <= 0.305 + 1e-6


def test_the_scale_learns_where_the_score_is_noise():
    # job 0 always gets .5; job 1 gets .2 or .8, an absolute error of .3 on either side of .5
    torch.manual_seed(0)
    net = Surrogate(layout=LAYOUT, hidden_dim=32, slope=0.2)
    job = torch.randint(2, (2_000,))
    rows = torch.zeros(2_000, 4)
    rows[torch.arange(2_000), 1 + job] = 1
    noise = 0.3 * (2 * torch.randint(2, (2_000,)) - 1)
    scores = 0.5 + job * noise
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(150):
        median, scale = net(rows)
        optimizer.zero_grad()
        laplace_loss(median, scale, scores).backward()
        optimizer.step()
    assert scale[job == 0].mean() < 0.05 < 0.2 < scale[job == 1].mean()
