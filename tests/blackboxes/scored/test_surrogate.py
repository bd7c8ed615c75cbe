"""The trees that learn a black box's score."""

import pytest
import torch

from tabgan.blackboxes.scored.surrogate import Surrogate
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError

LAYOUT = RowLayout.from_widths([("hue", "discrete", 2), ("job", "discrete", 3)])
N = 3_000


def rows_of(*codes):
    table = torch.tensor(codes, dtype=torch.int16).T
    return CodedRows(layout=LAYOUT, codes=table, scalars=torch.empty(len(table), 0))


@pytest.fixture(scope="module")
def taught():
    """Job 0 is always scored .1; job 1 gets .5 or .9 by a coin, .2 away from .7; job 2 never."""
    rng = torch.Generator().manual_seed(0)
    hue, job, coin = (torch.randint(2, (N,), generator=rng) for _ in range(3))
    scores = torch.where(job == 0, 0.1, 0.5 + 0.4 * coin)
    net = Surrogate(layout=LAYOUT, n_trees=40, max_depth=3)
    net.fit(rows_of(hue.tolist(), job.tolist()), scores, seed=0)
    return net


ONE_EACH = rows_of([0, 1, 0, 1], [0, 0, 1, 1])


def test_the_mean_score_of_what_rows_share_is_expected(taught):
    expected = torch.tensor([0.1, 0.1, 0.7, 0.7])
    torch.testing.assert_close(taught(ONE_EACH), expected, atol=0.03, rtol=0)


def test_the_error_is_what_was_found_where_that_score_was_expected(taught):
    error = taught.error_of(torch.tensor([0.1, 0.7]))
    assert error[0] < 0.02
    assert error[1] == pytest.approx(0.2, abs=0.01)
    # nothing was expected at .3: the mean of all, half of them .2 and half of them 0
    assert taught.error_of(torch.tensor([0.3])).item() == pytest.approx(0.1, abs=0.02)


def test_trees_are_part_of_the_weights(taught):
    other = Surrogate(layout=LAYOUT, n_trees=1, max_depth=1)
    with pytest.raises(RuntimeError, match="has learned no score yet"):
        other(ONE_EACH)
    other.load_state_dict(taught.state_dict())
    assert torch.equal(other(ONE_EACH), taught(ONE_EACH))
    assert torch.equal(other.errors, taught.errors)


def test_weights_without_trees_are_those_of_nothing_learned(taught):
    empty = Surrogate(layout=LAYOUT, n_trees=1, max_depth=1).state_dict()
    again = Surrogate(layout=LAYOUT, n_trees=1, max_depth=1)
    again.load_state_dict(taught.state_dict())
    again.load_state_dict(empty)
    assert again.booster is None


def test_what_is_no_trees_is_refused(taught):
    broken = dict(taught.state_dict())
    broken["_extra_state"] = broken["_extra_state"][:-50]
    other = Surrogate(layout=LAYOUT, n_trees=1, max_depth=1)
    with pytest.raises(TabganError, match="the checkpoint's surrogate: no trees"):
        other.load_state_dict(broken)


@pytest.mark.parametrize("sizes", [{"n_trees": 0, "max_depth": 3}, {"n_trees": 3, "max_depth": 0}])
def test_no_tree_is_no_surrogate(sizes):
    with pytest.raises(TabganError, match="expected at least 1"):
        Surrogate(layout=LAYOUT, **sizes)
