"""A round of boundary seeking: how often each drawn row should have come, on paper."""

import math

import numpy as np
import pytest
import torch

from tabgan.encoding.coded import CodedRows
from tabgan.models.nets.boosted import Side, chance
from tabgan.models.rounds import (
    Round,
    begin_round,
    drawn,
    matrix,
    round_steps,
    row_weights,
    with_marginals,
)


def test_weights_are_the_odds_of_mean_1():
    weights = row_weights(np.log([3.0, 1.0, 1.0, 1.0]))
    torch.testing.assert_close(weights, torch.tensor([3.0, 1, 1, 1]) / 1.5)


def test_no_row_weighs_more_than_six_times_the_mean():
    weights = row_weights(np.array([1e9] + [0.0] * 199))
    # e^3 among 199 ones is 18.3 times their mean, which is cut to 6
    mean = (math.exp(3) + 199) / 200
    expected = torch.tensor([6.0] + [1 / mean] * 199).double()
    torch.testing.assert_close(weights.double(), expected / expected.mean(), rtol=1e-5, atol=0)


def test_a_row_that_is_never_real_keeps_a_weight():
    weights = row_weights(np.array([-1e9, 0.0]))
    assert (weights[0] / weights[1]).item() == pytest.approx(math.exp(-3))


@pytest.mark.parametrize(
    ("n_real", "steps"),
    [
        (100, 20),  # 2,000 rows, the fewest that are drawn, by 100, the fewest of a step
        (4_000, 80),  # 12,000 by 150
        (1_000_000, 90),  # three times 30,000, the most that are looked at, by 1,000
    ],
)
def test_a_round_takes_about_80_steps(n_real, steps):
    assert round_steps(n_real) == steps


NONE = torch.empty(500, 0)  # conditions


@pytest.fixture
def chain(tiny_chain):
    return tiny_chain()


def begun(chain, real, held=None, **how):
    choices = {"verdict": None, "trees": False, "seed": 0}
    return begin_round(2, chain.net, real, real if held is None else held, **choices | how)


def rows_of_chain(chain, n, seed):
    return drawn(chain.net, torch.empty(n, 0), seed, 0, "test")


def test_the_pass_takes_every_row_once(chain):
    weights = torch.rand(2_050)
    found = Round.of(0, chain.net, weights, torch.empty(2_050, 0), auc=0.5, seed=0)
    batches = [found.batch(step) for step in range(found.n_steps)]
    assert [len(rows) for rows, *_ in batches] == [100] * 20 + [50]
    of_rows = torch.cat([w for _, w, _ in batches])
    assert torch.equal(of_rows.sort().values, weights.sort().values)
    assert not torch.equal(of_rows, weights)


def test_a_round_that_is_restored_has_the_same_rows_in_the_same_order(chain):
    before = Round.of(3, chain.net, torch.rand(500), NONE, auc=0.7, seed=5)
    state = before.state()
    after = Round.of(3, chain.net, state["weights"], state["condition"], auc=state["auc"], seed=5)
    assert torch.equal(before.rows.codes, after.rows.codes)
    assert torch.equal(before.order, after.order)
    other = Round.of(4, chain.net, torch.rand(500), NONE, auc=0.7, seed=5)
    assert not torch.equal(before.rows.codes, other.rows.codes)


def test_critics_see_one_number_a_column_that_ascends_with_the_column_s(chain):
    codes = torch.tensor([[0, 0, 2, 1], [1, 1, 0, 0], [3, 0, 1, 1]], dtype=torch.int16)
    rows = CodedRows(layout=chain.net.layout, codes=codes, scalars=torch.rand(3, 1))
    assert matrix(chain.net.columns, rows).tolist() == [[0, 2, 1], [3, 0, 0], [6, 1, 1]]


def test_without_a_critic_all_rows_weigh_the_same(chain):
    found = begun(chain, rows_of_chain(chain, 300, 1))
    assert found.number == 2
    assert (found.weights == 1).all()
    assert len(found.rows) == 2_000


def test_a_verdict_weighs_the_rows(chain):
    def verdict(rows):
        return torch.where(rows.codes[:, 2] == 1, math.log(2), 0.0)

    real = rows_of_chain(chain, 300, 1)
    real = real.at((real.codes[:, 2] == 1).nonzero()[:, 0])  # job 1 alone
    found = begun(chain, real, verdict=verdict)
    likelier = found.rows.codes[:, 2] == 1
    of_these, of_others = found.weights[likelier].unique(), found.weights[~likelier].unique()
    assert (of_these / of_others).item() == pytest.approx(2, rel=1e-5)
    assert found.auc > 0.6


def test_a_round_that_no_critic_has_anything_to_say_to_is_none(chain):
    real, held = (rows_of_chain(chain, 2_000, seed) for seed in (1, 2))
    assert begun(chain, real, held, verdict=lambda rows: torch.rand(len(rows))) is None
    assert begun(chain, real, held, trees=True) is None


def test_trees_weigh_what_is_too_rare_more(chain):
    pool = rows_of_chain(chain, 4_000, 1)
    rare = pool.codes[:, 2] == 1
    twice = torch.cat([torch.arange(4_000), rare.nonzero()[:, 0].repeat(3)])
    found = begun(chain, pool.at(twice), trees=True)
    rare = found.rows.codes[:, 2] == 1
    ratio = found.weights[rare].mean() / found.weights[~rare].mean()
    assert ratio == pytest.approx(4, rel=0.25)


def test_trees_are_not_grown_on_fewer_than_200_real_rows(chain):
    pool = rows_of_chain(chain, 199, 1)
    assert (begun(chain, pool, trees=True).weights == 1).all()


def test_two_standard_errors_of_an_auc_between_100_and_100_rows():
    side = Side(kept=np.empty((0, 1)), held=np.zeros((100, 1)))
    assert chance(side, side) == pytest.approx(2 * math.sqrt(201 / 120_000))


HALVES = np.repeat([0.0, 1.0], 50)[:, None]


def test_weights_that_take_a_column_away_from_the_real_rows_are_raked_back():
    weights = torch.from_numpy(np.where(HALVES[:, 0] == 1, 0.5, 1.5).astype(np.float32))
    weights[:10] *= 2  # within the zeros some rows count more, and go on doing so
    weights /= weights.mean()
    found = with_marginals(weights, HALVES, HALVES)
    assert found.mean().item() == pytest.approx(1, abs=1e-5)
    assert (found[50:].sum() / found.sum()).item() == pytest.approx(0.5, abs=1e-4)
    assert (found[0] / found[20]).item() == pytest.approx(2, abs=1e-4)


def test_weights_that_bring_a_column_nearer_to_the_real_rows_stay_as_they_are():
    real = np.repeat([0.0, 1.0], [30, 70])[:, None]
    weights = torch.from_numpy(np.where(HALVES[:, 0] == 1, 1.2, 0.8).astype(np.float32))
    assert with_marginals(weights, HALVES, real) is weights


def test_a_small_drift_is_left_to_the_next_round():
    weights = torch.from_numpy(np.where(HALVES[:, 0] == 1, 0.97, 1.03).astype(np.float32))
    assert with_marginals(weights, HALVES, HALVES) is weights  # .015


def test_raked_weights_stay_bounded():
    real = np.repeat([0.0, 1.0], [99, 1])[:, None]
    weights = torch.from_numpy(np.where(HALVES[:, 0] == 1, 1.9, 0.1).astype(np.float32))
    found = with_marginals(weights, HALVES, real)
    assert found.max() <= 6.0 + 1e-4
    assert (found[50:].sum() / found.sum()).item() == pytest.approx(0.01, abs=0.005)
