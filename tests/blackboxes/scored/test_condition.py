"""A score as a condition."""

import torch

from tabgan.blackboxes.scored.condition import even_shares, grid_weights


def test_a_score_is_interpolated_between_the_points_of_the_grid():
    scores = torch.tensor([0.0, 0.1, 0.25, 1.0])  # score_grid at 0, .25, .5, .75, 1
    condition = grid_weights(scores, 5)
    torch.testing.assert_close(condition[1], torch.tensor([0.6, 0.4, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(condition[2], torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(condition.sum(dim=1), torch.ones(4))
    torch.testing.assert_close(condition @ torch.linspace(0, 1, 5), scores)


def test_parts_that_hold_any_rows_weigh_the_same():
    scores = torch.tensor([0.0, 0.1, 0.2, 0.9])  # three rows in the first half, one in the second
    shares = even_shares(scores, 2)
    torch.testing.assert_close(shares, torch.tensor([1, 1, 1, 3]).double() / 6)
