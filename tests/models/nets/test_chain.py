"""The autoregressive generator: one distribution, told by its likelihood and drawn by its walk."""

import pytest
import torch

from tabgan.models.nets.walk import HeadNets, Walk

KINDS = {
    "heads that see all inputs": {},
    "heads that see one column each": {"parents": 1},
    "columns seen alike": {"relevance": False},
    "the columns in another order": {"order": ["kind", "job", "size"]},
    "with a vector of noise": {"noise_dim": 3},
    "two layers and no octaves": {"n_layers": 2, "octaves": 0},
    "jobs as vectors": {"embed_dim": 1},
}
N = 20_000


@pytest.fixture(params=KINDS)
def chain(request, tiny_chain):
    return tiny_chain(**KINDS[request.param])


def walked(chain, codes, noise=None):
    """Log shares of codes, head by head as a walk draws: [heads, n]."""
    net = chain.net
    noise = torch.zeros(len(codes), net.noise_dim) if noise is None else noise
    walk = Walk(HeadNets(net, torch.float32), net.first(noise, torch.empty(len(noise), 0)))
    logs = []
    for at, head in enumerate(net.heads):
        logs.append(
            walk.logits(at).log_softmax(dim=1).gather(1, codes[:, head.code : head.code + 1])
        )
        walk.put(at, codes[:, head.code])
    return torch.cat(logs, dim=1).T


def without_gradient(net):
    """The names of parameters whose gradient is 0 or no number throughout."""
    named = [(name, p.grad) for name, p in net.named_parameters() if p.numel()]
    return {
        name
        for name, slope in named
        if slope is None or not slope.isfinite().all() or not slope.any()
    }


@torch.no_grad()
def test_the_likelihood_of_training_is_the_sum_of_the_log_shares_of_drawing(chain):
    noise = torch.randn(36, chain.net.noise_dim)
    told = chain.net.log_likelihood(chain.every, noise=noise)
    torch.testing.assert_close(
        walked(chain, chain.every, noise).sum(dim=0), told, atol=1e-4, rtol=0
    )


@torch.no_grad()
def test_a_condition_is_seen_by_every_head_and_zeros_are_none(tiny_chain):
    net = tiny_chain(condition_width=2).net
    codes = torch.tensor([[1, 0, 0, 0]], dtype=torch.short)
    none, one, other = (
        net.log_shares(codes, condition=condition)
        for condition in (None, torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    )
    for at, head in enumerate(net.heads):
        seen = [net.readout.chosen(logs, codes)[at] for logs in (none, one, other)]
        assert len({round(float(each), 4) for each in seen}) == 3, head
    zeros = net.log_shares(codes, condition=torch.zeros(1, 2))
    assert all(torch.equal(a, b) for a, b in zip(none, zeros, strict=True))


@torch.no_grad()
def test_draws_under_a_condition_follow_its_likelihood(tiny_chain, p_value):
    chain = tiny_chain(condition_width=2)
    condition = torch.tensor([[0.0, 1.0]])
    rows = chain.net.draw(
        torch.zeros(N, 0), condition.expand(N, 2), torch.Generator().manual_seed(0)
    )
    told = chain.net.log_likelihood(chain.every, condition=condition.expand(36, 2)).exp()
    assert p_value(chain.counts(rows.codes), told) > 1e-4
    assert p_value(chain.counts(rows.codes), chain.chances()) < 1e-4


def test_the_chances_of_all_rows_sum_to_1(chain):
    assert chain.chances().sum().item() == pytest.approx(1, abs=1e-5)
    assert chain.chances().max() > 3 / 36  # far from even


def test_the_chances_of_a_shown_class_sum_to_1_over_its_rows(chain):
    chances = chain.chances(shown=torch.ones(36, dtype=torch.bool))
    for label in (0, 1):
        assert chances[chain.every[:, 3] == label].sum().item() == pytest.approx(1, abs=1e-5)


def test_draws_follow_the_likelihood(chain, p_value):
    noise = torch.zeros(N, chain.net.noise_dim)
    rows = chain.net.draw(noise, noise[:, :0], torch.Generator().manual_seed(0))
    counts = chain.counts(rows.codes)
    assert counts.sum() == N  # no atom has another cell than its own
    assert p_value(counts, chain.chances()) > 1e-4
    assert ((rows.scalars >= 0) & (rows.scalars < 1)).all()
    assert rows.scalars.mean().item() == pytest.approx(0.5, abs=5 / (12 * N) ** 0.5)


@torch.no_grad()
def test_straight_through_draws_follow_the_likelihood_too(tiny_chain, p_value):
    chain = tiny_chain()
    rows = chain.net(torch.zeros(N, 0), torch.zeros(N, 0), torch.Generator().manual_seed(0))
    codes = [rows[:, b.span].argmax(dim=1) for b in chain.net.layout.blocks if b.kind == "discrete"]
    assert p_value(chain.counts(torch.stack(codes, dim=1)), chain.chances()) > 1e-4


def test_straight_through_draws_are_hard_and_every_parameter_gets_a_gradient(chain):
    net = chain.net
    rows = net(torch.randn(50, net.noise_dim), torch.zeros(50, 0))
    assert rows.shape == (50, net.layout.width)
    for block in net.layout.blocks:
        part = rows[:, block.span]
        if block.kind == "discrete":
            assert set(part.detach().unique().tolist()) == {0, 1}
            assert (part.sum(dim=1) == 1).all()
        else:
            assert ((part >= 0) & (part < 1)).all()
    (rows * torch.randn(net.layout.width)).sum().backward()
    # without noise the first column's heads see the class alone, which is not shown here
    blind = {f"entrance.weights.{at}" for at, head in enumerate(net.heads) if head.column == 0}
    assert without_gradient(net) <= (set() if net.noise_dim else blind)


def test_the_likelihood_gives_every_parameter_a_gradient(chain):
    noise = torch.randn(36, chain.net.noise_dim)
    shown = torch.arange(36) % 5 < 2
    chain.net.log_likelihood(chain.every, noise=noise, shown=shown).mean().backward()
    # of a class that is drawn first the head sees nothing but itself, which then counts nothing
    blind = {"entrance.weights.0"} if chain.net.class_head == 0 else set()
    assert without_gradient(chain.net) <= blind


@torch.no_grad()
@pytest.mark.parametrize("at", range(4))
def test_a_heads_share_depends_on_no_later_code(chain, at):
    """The code of head ``at`` is changed: the heads before it see nothing of that."""
    net = chain.net
    head = net.heads[at]
    rows = chain.every[chain.every[:, 0] == 1].clone()  # a bin of two cells
    other = rows.clone()
    other[:, head.code] = (rows[:, head.code] + 1) % head.width
    before, after = (net.log_shares(codes) for codes in (rows, other))
    for earlier in range(at + 1):
        bucket, position = net.readout.position[earlier]
        assert torch.equal(before[bucket][position], after[bucket][position])
    later = range(at + 1, len(net.heads))
    positions = [net.readout.position[head] for head in later]
    changed = [not torch.equal(before[b][i], after[b][i]) for b, i in positions]
    assert all(changed) or (net.entrance.parents == 1 and any(changed))


def test_a_fresh_chain_draws_the_marginals_of_training(tiny_chain):
    chain = tiny_chain(scale=0)
    for weight in chain.net.readout.weights:
        torch.nn.init.zeros_(weight)  # heads that see nothing
    shares = chain.chances()
    sizes = [shares[chain.every[:, 0] == size].sum().item() for size in range(4)]
    assert sizes == pytest.approx([200.5 / 602, 200.5 / 602, 100.5 / 602, 100.5 / 602], abs=1e-5)
    jobs = [shares[chain.every[:, 2] == job].sum().item() for job in range(3)]
    counts = torch.bincount(chain.rows.codes[:, 2].long())
    assert jobs == pytest.approx(((counts + 0.5) / 601.5).tolist(), abs=1e-5)
    cells = chain.net.cell_shares(chain.net.columns[0])
    # 50 rows or so of each cell of bins 1 and 2; an atom has the first cell alone
    of_bins = torch.tensor([[1, 0], [0.5, 0.5], [0.5, 0.5], [1, 0]])
    torch.testing.assert_close(cells, of_bins, atol=0.01, rtol=0)


@torch.no_grad()
def test_a_fresh_chains_random_weights_hardly_move_the_marginals(tiny_chain):
    chain = tiny_chain(scale=0)
    shares = chain.chances()
    heavy = shares[chain.every[:, 0] == 0].sum().item()
    assert heavy == pytest.approx(1 / 3, abs=0.02)


def test_the_classes_shares_are_those_of_training(tiny_chain):
    chain = tiny_chain()
    counts = torch.bincount(chain.rows.codes[:, 3].long())
    torch.testing.assert_close(chain.net.class_shares(), counts / 600, check_dtype=False)


@torch.no_grad()
def test_a_walk_that_is_shown_a_class_has_the_chances_given_it(tiny_chain, p_value):
    chain = tiny_chain()
    net, label = chain.net, torch.tensor([0, 1]).repeat(N // 2)
    walk = Walk(HeadNets(net, torch.float32), net.first(torch.zeros(N, 0), torch.empty(N, 0)))
    walk.show(torch.arange(N), label)
    rng = torch.Generator().manual_seed(0)
    for head in range(len(net.heads)):
        if head == net.class_head:
            walk.put(head, label)
        else:
            walk.draw(head, rng)
    chances = chain.chances(shown=torch.ones(36, dtype=torch.bool)) / 2
    assert p_value(chain.counts(walk.codes), chances) > 1e-4


@torch.no_grad()
def test_rows_of_a_walk_may_be_gone_on_with_in_another_order(tiny_chain):
    net = tiny_chain().net
    walk = Walk(HeadNets(net, torch.float32), net.first(torch.zeros(5, 0), torch.empty(5, 0)))
    walk.draw(0, torch.Generator().manual_seed(0))
    codes, logits = walk.codes.clone(), walk.logits(1)
    chosen = torch.tensor([4, 0, 0])
    walk.at(chosen)
    assert torch.equal(walk.codes, codes[chosen])
    torch.testing.assert_close(walk.logits(1), logits[chosen])


@torch.no_grad()
def test_a_bin_as_weights_is_seen_as_the_same_bin_as_a_code(tiny_chain):
    net = tiny_chain().net
    cell = HeadNets(net, torch.float32).nets[net.cell_heads[0]]
    inputs, bins = net.first(torch.zeros(4, 0), torch.empty(4, 0)).t(), torch.arange(4)
    torch.testing.assert_close(cell.logits(inputs, bins), cell.logits(inputs, torch.eye(4)))


def test_no_class_is_told_where_the_layout_names_none(tiny_chain):
    chain = tiny_chain(order=["kind", "size", "job"])
    assert chain.net.class_head == 0
    assert chain.net.heads[0].width == 2


def test_bfloat16_draws_have_nearly_the_same_chances(monkeypatch, tiny_chain):
    chain = tiny_chain()
    exact = chain.chances()
    monkeypatch.setattr("tabgan.models.nets.chain.multiplies_bfloat16", lambda device: True)
    rounded = chain.chances()
    assert rounded.sum().item() == pytest.approx(1, abs=0.02)
    torch.testing.assert_close(rounded, exact, atol=0.01, rtol=0.1)


def test_an_unknown_cell_adds_nothing_and_is_seen_as_none(tiny_chain):
    made = tiny_chain()
    codes = made.every.clone()
    codes[:, 3] = -1  # the class, drawn last, which no other head sees here
    with torch.no_grad():
        known = made.net.log_likelihood(made.every).view(-1, 2)
        unknown = made.net.log_likelihood(codes).view(-1, 2)
    assert torch.allclose(unknown[:, 0], known.logsumexp(dim=1), atol=1e-4)  # marginalised
    codes = made.every.clone()
    codes[:, 2] = -1
    inputs = made.net.inputs(codes)
    start, end = made.net.inputs.starts[1:3]
    assert (inputs[:, start:end] == 0).all()
    assert torch.equal(inputs[:, :start], made.net.inputs(made.every)[:, :start])
