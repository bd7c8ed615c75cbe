"""An editor of records begins by changing little, and its logits stay within reach."""

import math

import pytest
import torch

from tabgan.blackboxes.evasion.editor import RecordEditor
from tabgan.encoding.layout import RowLayout
from tabgan.seeding import generator_at

LAYOUT = RowLayout.from_widths([("flag", "discrete", 4)])


def editor():
    return RecordEditor(
        layout=LAYOUT, noise_dim=2, hidden_dims=[8], dropout=0.0, slope=0.2, temperature=1.0,
        keep=math.log(9), reach=4.0,
    ).eval()  # fmt: skip


def kept(net, warmth):
    records = torch.eye(4)[torch.zeros(4_000, dtype=torch.long)]
    rows = net(records, torch.zeros(4_000, 2), generator_at(0, "editor"), warmth=warmth)
    return rows[:, 0].mean().item()


@torch.no_grad()
def test_a_value_is_kept_with_the_odds_of_keep_and_less_often_when_it_is_warm():
    # Odds 9 to 1 against each of three others: 9 / 12. At warmth 2: 3 to 1, so 3 / 6.
    assert kept(editor(), 1.0) == pytest.approx(9 / 12, abs=0.03)
    assert kept(editor(), 2.0) == pytest.approx(3 / 6, abs=0.03)


@torch.no_grad()
def test_no_logit_runs_away():
    net = editor()
    net.trunk[-1].bias.copy_(torch.tensor([-1e6, 1e6, -1e6, -1e6]))
    # The others are at -4, the record's own at -4 + log 9: e^8 / (e^8 + 9 + 2)
    share = math.exp(8) / (math.exp(8) + 11)
    assert 1 - share == pytest.approx(0.0037, abs=1e-4)
    assert kept(net, 1.0) < 0.01
    assert kept(net, 8.0) > 0.1  # logits of .5, -.23, -.5, -.5: it stays .22 of the time
