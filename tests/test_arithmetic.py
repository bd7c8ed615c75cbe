import pytest
import torch

from tabgan.system.arithmetic import compute_with, exact_products


@pytest.fixture(autouse=True)
def quick():
    before = torch.get_float32_matmul_precision()
    compute_with(1)
    yield
    torch.set_float32_matmul_precision(before)


@exact_products()
def precision():
    return torch.get_float32_matmul_precision()


def test_products_are_exact_inside_and_quick_again_behind():
    assert precision() == "highest"
    assert torch.get_float32_matmul_precision() == "medium"


def test_products_are_quick_again_behind_an_error():
    with pytest.raises(ZeroDivisionError), exact_products():
        _ = 1 / 0
    assert torch.get_float32_matmul_precision() == "medium"
