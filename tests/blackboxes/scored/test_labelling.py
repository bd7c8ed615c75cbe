"""Rows with scores, to learn from."""

import pytest
import torch

from tabgan.blackboxes.scored.labelling import ScoredRows, guessed_scores, joined, labelled_rows
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout

LAYOUT = RowLayout.from_widths([("job", "discrete", 4)])


def rows_of(codes):
    table = torch.tensor(codes, dtype=torch.int16)[:, None]
    return CodedRows(layout=LAYOUT, codes=table, scalars=torch.empty(len(table), 0))


def test_scores_come_as_often_whatever_rows_have_them():
    # of 1,000 pairs one has a score in the upper half: it is half of all that is drawn
    scores = torch.full((1_000,), 0.2)
    scores[7] = 0.8
    pairs = ScoredRows.of(rows_of([1, 3]), (scores > 0.5).long(), scores, parts=2)
    rows, drawn = pairs.draw(4_000, torch.Generator().manual_seed(0))
    assert (drawn == 0.8).float().mean() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(rows.codes[:, 0] == 3, drawn == 0.8)


def test_guesses_are_around_the_expected_score_as_far_as_it_errs():
    expected, errors = torch.tensor([0.5, 0.0]), torch.tensor([0.05, 0.02])
    drawn = guessed_scores(expected, errors, 20_000, torch.Generator().manual_seed(0))
    assert drawn.shape == (2, 20_000)
    assert drawn[0].mean().item() == pytest.approx(0.5, abs=0.002)
    assert (drawn[0] - 0.5).abs().mean().item() == pytest.approx(0.05, abs=0.002)
    assert drawn[1].min() == 0  # half of them would lie below
    assert (drawn[1] == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_a_chain_s_rows_are_scored_in_order(tiny_chain):
    chain = tiny_chain()
    condition = torch.zeros(50, 0)
    rows, scores = labelled_rows(
        lambda some: some.codes[:, 0].float(), chain.net, condition, seed=0, what="test"
    )
    assert len(rows) == 50
    assert torch.equal(scores, rows.codes[:, 0].float())
    again, _ = labelled_rows(
        lambda some: some.codes[:, 0].float(), chain.net, condition, seed=0, what="test"
    )
    assert torch.equal(rows.codes, again.codes)


def test_rows_stand_below_each_other():
    assert joined([rows_of([0, 2]), rows_of([3])]).codes[:, 0].tolist() == [0, 2, 3]
