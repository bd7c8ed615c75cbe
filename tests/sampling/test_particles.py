"""Rows of a chain under conditions, beside the chances that its 36 rows have under these."""

import math
from dataclasses import replace

import pytest
import torch

from tabgan.sampling.particles import Allowed, Particles, needed_particles

N, K = 4_000, 64
JOBS, KINDS = 3, 2
SIZES = 4 * 2  # bins times cells
EACH = torch.zeros(N, dtype=torch.long)


@pytest.fixture
def chain(tiny_chain):
    return tiny_chain()


def allowed(chain, name, masses, region=EACH, spans=None):
    """``masses`` [regions, codes] of a column as an ``Allowed``."""
    mass = torch.tensor(masses).float()
    column = next(c for c in chain.net.columns if c.name == name)
    shares, bins = chain.net.cell_shares(column), mass
    if shares is not None:
        bins = (mass.view(len(mass), *shares.shape) * shares).sum(dim=2)
    return Allowed(mass=mass, bins=bins, spans=spans, region=region)


def only(width, *codes):
    return [float(code in codes) for code in range(width)]


def mass_of(chain, requested):
    """The mass of each of the 36 rows under conditions of one region each, float64 [36]."""
    codes = {"size": chain.every[:, 0] * 2 + chain.every[:, 1], "job": chain.every[:, 2],
             "kind": chain.every[:, 3]}  # fmt: skip
    mass = torch.ones(36, dtype=torch.double)
    for name, one in requested.items():
        mass *= one.mass[0, codes[name]]
    return mass


def drawn(chain, requested, *, seed=0, n=N, k=K, classes=None):
    rng = torch.Generator().manual_seed(seed)
    return Particles(chain.net).draw(n, requested, k=k, rng=rng, classes=classes)


SMALL_OR_MISSING = [1.0, 0, 1, 0, 0, 0, 1, 0]  # the heavy value, a bin's first cell, missing
CONDITIONS = {
    "a set of categories": lambda chain: {"job": allowed(chain, "job", [only(JOBS, 0, 2)])},
    "one category and one class": lambda chain: {
        "job": allowed(chain, "job", [only(JOBS, 1)]),
        "kind": allowed(chain, "kind", [only(KINDS, 1)]),
    },
    "cells of bins": lambda chain: {"size": allowed(chain, "size", [SMALL_OR_MISSING])},
    "a missing number": lambda chain: {"size": allowed(chain, "size", [only(SIZES, 6)])},
    "a part of a cell": lambda chain: {
        "size": allowed(chain, "size", [[0, 0, 0.25, 1, 0, 0, 0, 0]])
    },
    "all columns": lambda chain: {
        "size": allowed(chain, "size", [[0, 0, 1, 1, 0.5, 1, 0, 0]]),
        "job": allowed(chain, "job", [only(JOBS, 0, 1)]),
        "kind": allowed(chain, "kind", [only(KINDS, 0)]),
    },
}  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS)
def test_rows_follow_the_chain_restricted_to_what_is_asked(chain, p_value, condition):
    requested = CONDITIONS[condition](chain)
    outcome = drawn(chain, requested)
    target = chain.chances() * mass_of(chain, requested)
    counts = chain.counts(outcome.rows.codes)
    assert outcome.owner.tolist() == list(range(N))
    assert counts[target == 0].sum() == 0
    possible = target > 0
    assert possible.sum() == 1 or p_value(counts[possible], target[possible]) > 1e-4
    share = outcome.log_share.exp().mean().item()
    assert share == pytest.approx(target.sum().item(), rel=0.03)


def test_without_a_condition_rows_are_the_chains_own(chain, p_value):
    outcome = drawn(chain, {}, k=1)
    assert p_value(chain.counts(outcome.rows.codes), chain.chances()) > 1e-4
    assert (outcome.log_share == 0).all()


@pytest.mark.parametrize(
    "kinds", [{"parents": 1}, {"noise_dim": 2}, {"order": ["kind", "job", "size"]}]
)
def test_rows_are_right_whatever_the_chain_is_made_of(tiny_chain, p_value, kinds):
    chain = tiny_chain(**kinds)
    requested = {"job": allowed(chain, "job", [only(JOBS, 0)])}
    rows = drawn(chain, requested).rows
    noise = torch.randn(2_000, chain.net.noise_dim, generator=torch.Generator().manual_seed(5))
    every = chain.every.repeat(len(noise), 1)
    with torch.no_grad():
        logs = chain.net.log_likelihood(every, noise=noise.repeat_interleave(36, dim=0))
    target = logs.double().exp().view(-1, 36).mean(dim=0) * mass_of(chain, requested)
    possible = mass_of(chain, requested) > 0
    assert p_value(chain.counts(rows.codes)[possible], target[possible]) > 1e-4


def test_a_shown_class_with_conditions_gives_rows_of_that_class_alone(chain, p_value):
    classes = torch.tensor([[0.0, 1.0]], dtype=torch.double).expand(N, 2)
    requested = {"job": allowed(chain, "job", [only(JOBS, 1)])}
    outcome = drawn(chain, requested, classes=classes)
    assert (outcome.rows.codes[:, 3] == 1).all()
    chances = chain.chances(shown=torch.ones(36, dtype=torch.bool))
    target = chances * mass_of(chain, requested) * (chain.every[:, 3] == 1)
    possible = target > 0
    assert p_value(chain.counts(outcome.rows.codes)[possible], target[possible]) > 1e-4
    assert outcome.log_share.exp().mean().item() == pytest.approx(target.sum().item(), rel=0.03)


def test_classes_come_by_their_chances_and_rows_without_one_draw_theirs(chain):
    classes = torch.zeros(N, 2, dtype=torch.double)
    classes[: N // 2] = torch.tensor([0.8, 0.2])
    kinds = drawn(chain, {}, k=1, classes=classes).rows.codes[:, 3].float()
    assert kinds[: N // 2].mean().item() == pytest.approx(0.2, abs=0.04)  # 4 standard errors
    of_chain = chain.chances()[chain.every[:, 3] == 1].sum().item()
    assert kinds[N // 2 :].mean().item() == pytest.approx(of_chain, abs=0.05)


def test_each_row_has_its_own_condition(chain):
    region = torch.arange(N) % 4 - 1  # none, job 0, job 1 or 2, job 2
    requested = {"job": allowed(chain, "job", [only(3, 0), only(3, 1, 2), only(3, 2)], region)}
    jobs = drawn(chain, requested).rows.codes[:, 2]
    assert set(jobs[region == 0].tolist()) == {0}
    assert set(jobs[region == 1].tolist()) == {1, 2}
    assert set(jobs[region == 2].tolist()) == {2}
    assert set(jobs[region == -1].tolist()) == {0, 1, 2}


def test_a_place_in_a_cell_lies_in_the_span_that_is_asked(chain):
    spans = torch.full((1, SIZES, 2, 2), math.inf)
    spans[:, :, 0] = torch.tensor([0.0, 1.0])
    spans[0, 2] = torch.tensor([[0.1, 0.2], [0.5, 0.8]])  # two spans, of .1 and .3
    mass = [[0, 0, 0.4, 1, 0, 0, 0, 0]]
    rows = drawn(chain, {"size": allowed(chain, "size", mass, spans=spans)}).rows
    cut = rows.codes[:, 1] == 0
    positions = rows.scalars[:, 0]
    inside = [(low < positions) & (positions < high) for low, high in ((0.1, 0.2), (0.5, 0.8))]
    assert (inside[0] | inside[1])[cut].all()
    assert inside[1][cut].float().mean().item() == pytest.approx(0.75, abs=0.05)
    assert positions[~cut].mean().item() == pytest.approx(0.5, abs=0.05)


def test_a_single_place_is_drawn_where_it_stands(chain):
    spans = torch.full((1, SIZES, 1, 2), 0.3)
    rows = drawn(chain, {"size": allowed(chain, "size", [only(SIZES, 2)], spans=spans)}, n=5).rows
    assert rows.scalars[:, 0].tolist() == pytest.approx([0.3] * 5)


def test_rows_are_independent_of_each_other(chain, p_value):
    """Pairs of rows have pairs of sizes as independent rows do: none is another one's copy."""
    requested = {"kind": allowed(chain, "kind", [only(KINDS, 1)])}
    codes = drawn(chain, requested).rows.codes
    target = (chain.chances() * (chain.every[:, 3] == 1)).double()
    sizes = torch.stack([target[chain.every[:, 0] == size].sum() for size in range(4)])
    pairs = codes[0::2, 0] * 4 + codes[1::2, 0]
    counts = torch.bincount(pairs.long(), minlength=16)
    assert p_value(counts, torch.outer(sizes, sizes).flatten()) > 1e-4


def test_what_is_impossible_brings_no_row_about(chain):
    region = torch.tensor([0, 1, 0])
    nothing = allowed(chain, "job", [only(JOBS, 1), [0.0] * JOBS], region)
    outcome = drawn(chain, {"job": nothing}, n=3, k=8)
    assert outcome.owner.tolist() == [0, 2]
    assert (outcome.rows.codes[:, 2] == 1).all()
    assert outcome.log_share[1] < -600


def test_the_same_seed_gives_the_same_rows(chain):
    requested = {"job": allowed(chain, "job", [only(JOBS, 1)])}
    one, same, other = (drawn(chain, requested, seed=seed, n=500).rows for seed in (7, 7, 8))
    assert torch.equal(one.codes, same.codes)
    assert torch.equal(one.scalars, same.scalars)
    assert not torch.equal(one.codes, other.codes)


def test_pieces_of_a_draw_take_their_own_conditions(chain, monkeypatch):
    monkeypatch.setattr("tabgan.sampling.particles.MOST_PARTICLES", 10 * K)
    region = torch.arange(95) % 3
    requested = {"job": allowed(chain, "job", [only(3, 0), only(3, 1), only(3, 2)], region)}
    outcome = drawn(chain, requested, n=95)
    assert outcome.rows.codes[:, 2].tolist() == region.tolist()
    assert outcome.owner.tolist() == list(range(95))


def test_all_particles_of_a_row_and_their_weights_stand_for_its_distribution(chain):
    requested = CONDITIONS["all columns"](chain)
    here = {name: replace(one, region=EACH[:200]) for name, one in requested.items()}
    rng = torch.Generator().manual_seed(0)
    rows, weights = Particles(chain.net).weighted(200, here, k=K, rng=rng)
    assert len(rows) == 200 * K
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(200).double())
    flat = weights.flatten() / 200
    found = torch.stack([flat[(rows.codes == row).all(dim=1)].sum() for row in chain.every])
    target = chain.chances() * mass_of(chain, requested)
    torch.testing.assert_close(found, target / target.sum(), atol=0.03, rtol=0)


def test_weights_of_a_row_that_is_impossible_are_0(chain):
    requested = {"kind": allowed(chain, "kind", [[0.0, 0.0]], EACH[:2])}
    rng = torch.Generator().manual_seed(0)
    _, weights = Particles(chain.net).weighted(2, requested, k=4, rng=rng)
    assert weights.tolist() == [[0] * 4] * 2


def test_the_last_condition_of_a_chain_leaves_its_particles_weights_alike(chain):
    """Given the class alone nothing before it depends on it: weights are its chances."""
    outcome = drawn(chain, {"size": allowed(chain, "size", [only(SIZES, 0)])})
    assert outcome.effective.min() == pytest.approx(K)  # the first column: all weigh the same
    later = drawn(chain, {"kind": allowed(chain, "kind", [only(KINDS, 1)])})
    assert later.effective.max() < K


def test_so_many_particles_are_taken_that_eight_are_effective():
    assert needed_particles([256.0, 256.0, 256.0], 256) == 1
    # of 100 a quarter is effective: 8 * .75 / .25 = 24, and one
    assert needed_particles([20.0, 25.0, 90.0], 100) == 25
    assert needed_particles([1e-6], 256) == 500
