"""The boundary-seeking loss on one coin."""

import torch

from tabgan.models.losses.boundary import boundary_loss


def loss_of(logits, weights):
    """Of as many heads as tails, drawn by a fair coin."""
    log_q = torch.log_softmax(logits, dim=0)
    likelihoods = log_q[torch.tensor([0, 1])]
    return boundary_loss(torch.tensor(weights), likelihoods, log_q.mean().expand(2))


def slope_at(shares, weights):
    logits = torch.tensor(shares).log().requires_grad_()
    (slope,) = torch.autograd.grad(loss_of(logits, weights), logits)
    return slope


def test_even_weights_leave_a_generator_where_it_is():
    torch.testing.assert_close(slope_at([0.5, 0.5], [1.0, 1.0]), torch.zeros(2))


def test_the_loss_is_least_where_every_row_counts_as_often_as_it_weighs():
    # heads weigh 1.5 and tails .5, half of the rows each: .75 and .25
    torch.testing.assert_close(slope_at([0.75, 0.25], [1.5, 0.5]), torch.zeros(2))
    assert slope_at([0.5, 0.5], [1.5, 0.5])[0] < 0  # heads become likelier
