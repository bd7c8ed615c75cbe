"""The heads' last layers: heads of like widths are multiplied together, and none sees another."""

import pytest
import torch

from tabgan.models.nets.entrances import Head
from tabgan.models.nets.readout import NEVER, SPARED, WASTE, Readout

WIDTHS = [2, 90, 3, 2, 300, 5, 100]


@pytest.fixture
def readout():
    torch.manual_seed(0)
    heads = [
        Head(column=at, code=len(WIDTHS) - 1 - at, width=width, is_cell=False)
        for at, width in enumerate(WIDTHS)
    ]
    made = Readout(heads, 4)
    for weight, bias in zip(made.weights, made.biases, strict=True):
        torch.nn.init.normal_(weight)
        torch.nn.init.normal_(bias)
    return made


def test_heads_of_like_widths_share_a_bucket(readout):
    assert readout.buckets == [[0, 3, 2, 5], [1, 6], [4]]
    for bucket in readout.buckets:
        widths = [WIDTHS[at] for at in bucket]
        assert len(widths) * max(widths) <= WASTE * sum(widths) + SPARED


def test_all_heads_at_once_are_each_head_by_itself(readout):
    hidden = torch.randn(len(WIDTHS), 5, 4)
    logits = readout(hidden)
    for at, (weight, bias) in enumerate(readout.per_head()):
        bucket, position = readout.position[at]
        own = logits[bucket][position]
        torch.testing.assert_close(own[:, : WIDTHS[at]], hidden[at] @ weight + bias)
        assert (own[:, WIDTHS[at] :] == NEVER).all()


def test_chosen_logs_stand_in_the_order_of_the_heads(readout):
    codes = torch.stack([torch.arange(5) % width for width in reversed(WIDTHS)], dim=1)
    logs = [each.log_softmax(dim=2) for each in readout(torch.randn(len(WIDTHS), 5, 4))]
    chosen = readout.chosen(logs, codes)
    for at, head in enumerate(readout.heads):
        bucket, position = readout.position[at]
        expected = logs[bucket][position, torch.arange(5), codes[:, head.code]]
        torch.testing.assert_close(chosen[at], expected)


def test_a_head_that_starts_from_weights_draws_in_proportion_to_them(readout):
    readout.start_from(5, torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0001]).double())
    _, bias = readout.per_head()[5]
    expected = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.00001])
    torch.testing.assert_close(bias.softmax(dim=0), expected, atol=1e-5, rtol=1e-4)


def test_what_is_added_to_some_heads_changes_these_alone(readout):
    for bias in readout.biases:
        torch.nn.init.zeros_(bias)
    logits = readout(torch.zeros(len(WIDTHS), 5, 4))
    more = readout.added(logits, [2, 6], torch.ones(2, 5, 150))
    changed = {}
    for at in range(len(WIDTHS)):
        bucket, position = readout.position[at]
        changed[at] = (more[bucket] - logits[bucket])[position, :, : WIDTHS[at]].unique().tolist()
    assert changed == {at: [1.0] if at in (2, 6) else [0.0] for at in range(len(WIDTHS))}
