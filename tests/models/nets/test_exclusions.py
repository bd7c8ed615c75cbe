"""Pairs of codes that never go together: when they are found, and that no draw has one."""

import pytest
import torch

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import Exclusion, RowLayout
from tabgan.models.nets.exclusions import Exclusions
from tabgan.models.nets.inputs import chain_columns
from tabgan.models.nets.walk import Walk

LAYOUT = RowLayout.from_widths([("a", "discrete", 2), ("b", "discrete", 3)])


def rows_of(pairs, layout=LAYOUT):
    """Coded rows of (count, codes) pairs."""
    codes = torch.tensor([code for n, code in pairs for _ in range(n)], dtype=torch.int16)
    return CodedRows(layout=layout, codes=codes, scalars=torch.empty(len(codes), 0))


def found(pairs):
    exclusions = Exclusions(chain_columns(LAYOUT))
    exclusions.learn(rows_of(pairs))
    return exclusions.cells.tolist()


def test_an_empty_cell_is_ruled_out_where_30_rows_were_to_be_expected():
    # 60 rows of a = 0 and 60 of b = 2 among 120 let expect 30 of both
    thirty = [(60, (0, 0)), (60, (1, 2))]
    assert found(thirty) == [[0, 0, 1, 2], [0, 1, 1, 0]]
    assert found([(59, (0, 0)), (59, (1, 2))]) == []


def test_empty_cells_beside_nearly_empty_ones_are_chance():
    assert found([(60, (0, 0)), (60, (1, 2)), (1, (0, 2))]) == []
    # three rows are not nearly none; of a = 1 and b = 0 120 * 60 / 183 are to be expected
    assert found([(60, (0, 0)), (60, (1, 2)), (60, (1, 1)), (3, (0, 2))]) == [[0, 1, 1, 0]]


def test_missing_cells_rule_nothing_out():
    rows = rows_of([(60, (0, 0)), (60, (1, 2)), (200, (-1, 1)), (200, (1, -1))])
    exclusions = Exclusions(chain_columns(LAYOUT))
    exclusions.learn(rows)
    assert exclusions.cells.tolist() == [[0, 0, 1, 2], [0, 1, 1, 0]]


def test_a_state_of_any_number_of_pairs_is_loaded():
    exclusions, empty = (Exclusions(chain_columns(LAYOUT)) for _ in range(2))
    exclusions.learn(rows_of([(60, (0, 0)), (60, (1, 2))]))
    empty.load_state_dict(exclusions.state_dict())
    assert torch.equal(empty.cells, exclusions.cells)


def test_what_rules_rule_out_is_never_drawn_whatever_the_order_of_the_columns():
    of_rules = (Exclusion("b", "a", ((2, 0, 1),)),)  # b = 2 goes with a = 1 alone
    for order, expected in (
        (["a", "b"], [[0, 0, 1], [0, 0, 0]]),
        (["b", "a"], [[0, 0], [0, 0], [1, 0]]),
    ):
        exclusions = Exclusions(chain_columns(LAYOUT, order), of_rules)
        assert exclusions.tables()[0] == []
        ((earlier, table),) = exclusions.tables()[1]
        assert earlier == 0
        assert table.int().tolist() == expected
        exclusions.take(torch.tensor([[0, 1, 1, 0]]))  # found in rows, beside it
        assert exclusions.tables()[1][0][1].sum() == 2


@pytest.fixture
def chain(tiny_chain):
    """No job 2 of size 0, and no job 1 of kind 1 in training; the weights know nothing of it."""
    made = tiny_chain()
    codes = made.rows.codes
    never = ((codes[:, 0] == 0) & (codes[:, 2] == 2)) | ((codes[:, 2] == 1) & (codes[:, 3] == 1))
    kept = (~never).nonzero()[:, 0].repeat(4)
    made.net.exclusions.learn(made.rows.at(kept))
    assert made.net.exclusions.cells.tolist() == [[0, 0, 1, 2], [1, 1, 2, 1]]
    made.never = ((made.every[:, 0] == 0) & (made.every[:, 2] == 2)) | (
        (made.every[:, 2] == 1) & (made.every[:, 3] == 1)
    )
    return made


def test_no_draw_has_a_pair_that_is_ruled_out(chain):
    assert chain.chances()[chain.never].sum() > 0.05
    rows = chain.net.draw(torch.zeros(5_000, 0), torch.zeros(5_000, 0))
    assert chain.counts(rows.codes)[chain.never].tolist() == [0] * int(chain.never.sum())


@torch.no_grad()
def test_a_shown_class_rules_out_what_never_goes_with_it(chain):
    label = torch.tensor([0, 1, -1]).repeat(2_000)
    walk = Walk(
        chain.net.taken_apart(torch.device("cpu")),
        chain.net.first(torch.zeros(6_000, 0), torch.empty(6_000, 0)),
    )
    shown = (label >= 0).nonzero()[:, 0]
    walk.show(shown, label[shown])
    for head in range(len(chain.net.heads)):
        walk.draw(head, None)
    walk.put(chain.net.class_head, torch.where(label >= 0, label, walk.codes[:, 3]))
    assert chain.counts(walk.codes)[chain.never].sum() == 0
    jobs = [torch.bincount(walk.codes[label == kind, 2], minlength=3) for kind in (0, 1)]
    assert jobs[0][1] > 0
    assert jobs[1][1] == 0


@torch.no_grad()
def test_shares_as_drawn_leave_out_what_is_ruled_out(chain):
    rows = chain.net.draw(torch.zeros(2_000, 0), torch.zeros(2_000, 0)).codes
    chosen = chain.net.readout.chosen
    drawn = chosen(chain.net.log_shares(rows, as_drawn=True), rows).sum(dim=0).exp()
    asked = chosen(chain.net.log_shares(chain.every, as_drawn=True), chain.every).sum(dim=0).exp()
    assert asked.sum().item() == pytest.approx(1, abs=1e-3)
    assert asked[chain.never].max().item() < 1e-12
    assert drawn.min().item() > 1e-12
