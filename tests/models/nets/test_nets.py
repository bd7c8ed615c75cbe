"""Shapes, modes, gradients, and the report's parameter counts."""

import pytest
import torch

from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.averaging import Average
from tabgan.models.nets.critic import Critic
from tabgan.models.nets.generator import ConcatenatingGenerator, Generator
from tabgan.models.nets.heads import Heads
from tabgan.models.nets.report import ReportCritic, ReportGenerator

LAYOUT = RowLayout.from_widths([("age", "continuous", 1), ("job", "discrete", 3)])


def report_nets(features):
    layout = RowLayout.from_widths(
        [(str(position), "continuous", 1) for position in range(features)]
    )
    sizes = {"layout": layout, "condition_width": 2, "dropout": 0.0, "slope": 0.2}
    critic = ReportCritic(hidden_dims=[512, 256, 128], **sizes)
    generator = ReportGenerator(hidden_dims=[128, 256, 512], noise_dim=32, temperature=0.5, **sizes)
    return critic, generator


def a_generator(**changes):
    sizes = {"noise_dim": 5, "dropout": 0.5, "hidden_dims": [8, 8], "temperature": 0.5}
    kind = {"layout": LAYOUT, "condition_width": 2, "hard": False, "scalar": "linear"}
    return Generator(**sizes | kind | changes)


def a_critic():
    return Critic(layout=LAYOUT, condition_width=2, dropout=0.5, hidden_dims=[8], slope=0.2, pack=1)


@pytest.mark.parametrize(
    ("features", "critic_count", "generator_count"),
    [(14, 172_035, 176_016), (15, 172_547, 176_529), (16, 173_059, 177_042)],
)
def test_the_reports_nets_have_the_parameters_it_prints(features, critic_count, generator_count):
    critic, generator = report_nets(features)
    assert sum(p.numel() for p in critic.parameters()) == critic_count
    assert sum(p.numel() for p in generator.parameters()) == generator_count


def test_the_report_multiplies_inputs_by_the_class_embedding():
    critic, _ = report_nets(14)
    critic.scale.embedding.weight.data = torch.tensor([[2.0], [3.0]])
    scaled = critic.scale(torch.ones(2, 14), torch.eye(2))
    assert scaled[:, 0].tolist() == [2.0, 3.0]


def test_discrete_blocks_sum_to_one_and_scalars_pass():
    heads = Heads(layout=LAYOUT, temperature=0.5).train()
    raw = torch.randn(6, 4)
    rows = heads(raw)
    torch.testing.assert_close(rows[:, 0], raw[:, 0])
    torch.testing.assert_close(rows[:, 1:].sum(dim=1), torch.ones(6))


def test_tanh_heads_keep_scalars_inside_one():
    heads = Heads(layout=LAYOUT, temperature=0.5, scalar="tanh")
    torch.testing.assert_close(heads(torch.ones(1, 4))[0, 0], torch.tensor(1.0).tanh())


def test_sampled_one_hots_are_exact():
    rows = a_generator().eval()(torch.randn(9, 5), torch.eye(2)[torch.arange(9) % 2])
    assert set(rows[:, 1:].unique().tolist()) == {0.0, 1.0}


def test_the_same_generator_state_gives_the_same_rows():
    net = a_generator().eval()
    noise, condition = torch.randn(9, 5), torch.eye(2)[torch.arange(9) % 2]
    first, second = (net(noise, condition, torch.Generator().manual_seed(1)) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize("hard", [False, True])
def test_every_parameter_gets_a_gradient(hard):
    generator, critic = a_generator(hard=hard), a_critic()
    condition = torch.eye(2)[torch.arange(16) % 2]
    critic(generator(torch.randn(16, 5), condition), condition).sum().backward()
    for net in (generator, critic):
        assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_a_critic_gives_one_logit_a_row():
    assert a_critic()(torch.randn(6, 4), torch.eye(2)[[0] * 6]).shape == (6,)


def test_the_average_moves_by_one_minus_decay_buffers_included():
    net = torch.nn.BatchNorm1d(1)
    average = Average(net, decay=0.75)
    net.weight.data.fill_(5.0)  # from 1
    net.running_mean.fill_(8.0)  # from 0
    net.num_batches_tracked.fill_(3)
    average.follow(net, step=100)
    assert average.net.weight.item() == 0.75 * 1 + 0.25 * 5
    assert average.net.running_mean.item() == 0.25 * 8
    assert average.net.num_batches_tracked.item() == 3


def test_the_average_stays_in_eval_mode():
    average = Average(torch.nn.Dropout(0.5), decay=0.9)
    average.train()
    assert not average.net.training


def test_a_packed_critic_judges_packs_and_fills_the_last_one_up_with_the_first_rows():
    torch.manual_seed(0)
    critic = Critic(
        layout=LAYOUT, condition_width=0, dropout=0.0, hidden_dims=[8], slope=0.2, pack=3
    )
    rows, none = torch.randn(4, 4), torch.empty(4, 0)
    logits = critic(rows, none)
    assert logits.shape == (2,)
    filled = critic(rows[[3, 0, 1]], none[:3])  # 0 1 2 | 3, and 0 1 again
    torch.testing.assert_close(logits[1:], filled)


def test_a_concatenating_generator_keeps_all_that_came_before():
    net = ConcatenatingGenerator(
        layout=LAYOUT, condition_width=2, noise_dim=5, dropout=0.5, hidden_dims=[8, 16],
        temperature=0.2, hard=False, scalar="tanh",
    ).eval()  # fmt: skip
    assert net.readout.in_features == 5 + 2 + 8 + 16
    noise, condition = torch.randn(9, 5), torch.eye(2)[torch.arange(9) % 2]
    rows = net(noise, condition, torch.Generator().manual_seed(1))
    assert rows.shape == (9, 4)
    torch.testing.assert_close(rows[:, 0], net.raw(noise, condition)[:, 0].tanh())
