import torch

from tabgan.losses.penalties import zero_centred


def test_a_linear_critics_penalty_is_its_squared_weight_norm():
    rows = torch.randn(8, 2, requires_grad=True)
    weight = torch.tensor([3.0, 4.0])
    torch.testing.assert_close(zero_centred(rows @ weight, rows), torch.tensor(25.0))


def test_the_penalty_can_be_differentiated():
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    rows = torch.randn(8, 2, requires_grad=True)
    zero_centred(rows @ weight, rows).backward()
    torch.testing.assert_close(weight.grad, 2 * weight.detach())  # d|w|^2/dw
