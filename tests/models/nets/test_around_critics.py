"""Nets that stand around a critic, against their equations."""

from functools import partial

import pytest
import torch
from scipy.stats import norm
from torch import nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.losses.penalties import logits_and_slopes, r1r2
from tabgan.models.nets.critic import CodeCritic, Critic
from tabgan.models.nets.ensemble import Ensemble
from tabgan.models.nets.minibatch_discrimination import MinibatchCritic, MinibatchDiscrimination
from tabgan.models.nets.packing import Packed, in_packs
from tabgan.models.nets.report import ReportCritic
from tabgan.models.nets.virtual_batch_norm import ReferencedCritic, VirtualBatchNorm

LAYOUT = RowLayout.from_widths([("age", "continuous", 1), ("job", "discrete", 3)])
CODES = RowLayout.from_widths([("age", "discrete", 1, 1), ("job", "discrete", 3)])
SIZES = {"layout": LAYOUT, "condition_width": 2, "dropout": 0.0}
MAKERS = {
    "report": partial(ReportCritic, hidden_dims=[8, 8], slope=0.2),
    "plain": partial(Critic, hidden_dims=[8], slope=0.2, pack=1),
    "codes": partial(CodeCritic, hidden_dims=[8], slope=0.2, embed_dim=4, octaves=1),
}
AROUND = {
    "minibatch": partial(MinibatchCritic, group=2, n_kernels=3, kernel_dim=2),
    "packed": partial(Packed, pack=2),
    "referenced": partial(ReferencedCritic, n_reference=3),
    "ensemble": partial(Ensemble, n_critics=2),
}


def batch(n):
    jobs = nn.functional.one_hot(torch.arange(n) % 3, 3)
    return torch.cat([torch.randn(n, 1), jobs], dim=1), torch.eye(2)[torch.arange(n) % 2]


def test_closeness_sums_exp_of_minus_the_distance_over_the_group():
    layer = MinibatchDiscrimination(1, group=2, n_kernels=1, kernel_dim=2)
    layer.kernels.data = torch.tensor(
        [[[1.0, 2.0]]]
    )  # M = (f, 2 f), so |M_i - M_j| = 3 |f_i - f_j|
    closeness = layer(torch.tensor([[0.0], [1.0], [5.0], [5.0]]))
    near = 1 + torch.tensor(-3.0).exp()
    expected = torch.stack([near, near, torch.tensor(2.0), torch.tensor(2.0)])
    torch.testing.assert_close(closeness[:, 0], expected)


def test_rows_of_another_group_are_not_seen():
    critic = AROUND["minibatch"](critic=MAKERS["report"], **SIZES)
    (rows, condition), (others, _) = batch(4), batch(4)
    mixed = torch.cat([rows[:2], others[2:]])
    torch.testing.assert_close(critic(rows, condition)[:2], critic(mixed, condition)[:2])


def test_a_critic_tells_a_crowd_by_its_closeness_alone():
    critic = AROUND["minibatch"](critic=MAKERS["report"], **SIZES)
    critic.weights.weight.data.fill_(-1.0)
    rows, condition = batch(2)
    same = rows[:1].expand(2, -1), condition[:1].expand(2, -1)
    alone = critic.critic(*same)
    torch.testing.assert_close(critic(*same), alone - 3 * 2)  # three kernels, two equal rows


@pytest.mark.parametrize("wrong", [{"group": 1}, {"n_kernels": 0}, {"kernel_dim": 0}])
def test_sizes_that_compare_nothing_are_refused(wrong):
    with pytest.raises(TabganError, match=r"tool\.minibatch: expected group of at least 2 rows"):
        MinibatchDiscrimination(4, **{"group": 2, "n_kernels": 1, "kernel_dim": 1} | wrong)


def test_the_last_pack_is_filled_up_with_the_first_rows():
    packs = in_packs(torch.tensor([[1], [2], [3]]), 2)
    assert packs.tolist() == [[1, 2], [3, 1]]


def test_a_packed_critic_is_a_critic_of_rows_side_by_side():
    packed = Packed(critic=MAKERS["plain"], pack=2, **SIZES)
    rows, condition = batch(4)
    wide = packed.critic(torch.cat([rows[::2], rows[1::2]], 1), condition.reshape(2, 4))
    torch.testing.assert_close(packed(rows, condition), wide)


def test_rows_of_cells_side_by_side_are_columns_of_their_own():
    layout = RowLayout.from_widths(
        [("size", "discrete", 3, 2, (0, 2)), ("size", "discrete", 2, 2), ("size", "continuous", 1)]
    )
    make = partial(CodeCritic, hidden_dims=[8], slope=0.2, embed_dim=4, octaves=0)
    packed = Packed(critic=make, pack=2, layout=layout, condition_width=0, dropout=0.0)
    codes = torch.tensor([[0, 0], [1, 0], [1, 1], [2, 0]], dtype=torch.int16)
    rows = CodedRows(layout=layout, codes=codes, scalars=torch.rand(4, 1))
    packed.learn(rows)
    inputs = packed.critic.inputs
    assert [(c.name, c.n_codes, c.bins.atoms) for c in inputs.columns] == [
        ("size 0", 6, (0, 2)), ("size 1", 6, (0, 2)),
    ]  # fmt: skip
    # the first rows of both packs have joint codes 0 and 3: of two each is one half
    first = torch.tensor(norm.ppf([1 / 4, 3 / 4])).float()
    torch.testing.assert_close(inputs.z[[0, 3]], first)
    seen = inputs.of_rows(in_packs(rows[:], 2))
    torch.testing.assert_close(seen[:, 0], first)


def test_a_pack_has_one_logit_and_one_slope():
    packed = Packed(critic=MAKERS["report"], pack=2, **SIZES)
    logits, slopes = logits_and_slopes(packed, *batch(4))
    assert logits.shape == slopes.shape == (2,)


def test_a_pack_of_no_rows_is_refused():
    with pytest.raises(TabganError, match=r"tool\.pacgan\.pack=0: expected at least 1"):
        Packed(critic=MAKERS["report"], pack=0, **SIZES)


def test_a_row_is_normalised_by_the_reference_batch_and_itself():
    norm = VirtualBatchNorm(1, n_reference=3)
    normal = norm(torch.tensor([[1.0], [2.0], [3.0], [6.0]]))[:, 0]
    # of 1, 2, 3 and 6: mean 3, mean square 12.5, variance 3.5; of the reference 2 and 2 / 3
    reference = torch.tensor([-1.0, 0.0, 1.0]) / (2 / 3 + 1e-5) ** 0.5
    expected = torch.cat([reference, torch.tensor([3.0 / (3.5 + 1e-5) ** 0.5])])
    torch.testing.assert_close(normal, expected)


def test_no_other_row_of_the_batch_enters_a_row_s_norm():
    critic = AROUND["referenced"](critic=MAKERS["plain"], **SIZES).train()
    rows, condition = batch(6)
    together = critic(rows, condition)
    torch.testing.assert_close(critic(rows[4:], condition[4:]), together[4:])


def test_the_reference_is_the_first_rows_judged_in_training_and_stays():
    critic = AROUND["referenced"](critic=MAKERS["report"], **SIZES)
    (rows, condition), later = batch(6), batch(6)
    critic.eval()(*later)
    assert not critic.learned
    critic.train()(rows, condition)
    critic(*later)
    torch.testing.assert_close(critic.reference, rows[:3])
    norms = [part for part in critic.modules() if isinstance(part, VirtualBatchNorm)]
    assert len(norms) == 2  # behind both hidden layers, not behind the logit


def test_a_batch_smaller_than_the_reference_is_refused():
    critic = AROUND["referenced"](critic=MAKERS["report"], **SIZES).train()
    with pytest.raises(TabganError, match="3 reference rows were requested, and a batch has 2"):
        critic(*batch(4))
    with pytest.raises(TabganError, match=r"n_reference=1: expected at least 2 rows"):
        ReferencedCritic(critic=MAKERS["report"], n_reference=1, **SIZES)


def test_an_ensemble_gives_each_critics_logit_in_training_and_their_mean_after():
    critics = AROUND["ensemble"](critic=MAKERS["report"], **SIZES).train()
    rows, condition = batch(3)
    first, second = (member(rows, condition) for member in critics.members)
    torch.testing.assert_close(
        critics(rows, condition)[:4], torch.stack([first, second], 1).flatten()[:4]
    )
    torch.testing.assert_close(critics.eval()(rows, condition), (first + second) / 2)


def test_the_penalty_of_an_ensemble_is_the_mean_of_its_critics_penalties():
    critics = AROUND["ensemble"](critic=MAKERS["plain"], **SIZES).train()
    (real, condition), (fake, _) = batch(4), batch(4)
    penalty = r1r2(gamma=0.3, every=1)
    *_, price = penalty.judge(critics, real, fake, condition)
    each = [penalty.judge(member, real, fake, condition)[-1] for member in critics.members]
    torch.testing.assert_close(price, sum(each) / 2)


def test_an_ensemble_of_no_critic_is_refused():
    with pytest.raises(TabganError, match=r"tool\.dropout_gan\.critics=0: expected at least 1"):
        Ensemble(critic=MAKERS["report"], n_critics=0, **SIZES)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("net", AROUND)
def test_every_weight_around_every_critic_gets_a_gradient(make, net):
    sizes = SIZES | ({"layout": CODES} if make == "codes" else {})
    critic = AROUND[net](critic=MAKERS[make], **sizes).train()
    rows, condition = batch(8)
    if make == "codes":
        critic.learn(CodedRows.of(rows, CODES))
    critic(rows, condition).square().sum().backward()
    used = [p for p in critic.parameters() if len(p)]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in used)
    assert critic.features(*batch(8)).shape[0] == 8 // critic.pack
