"""What a training will take: by numbers one could work out on paper."""

import pytest
import torch
from torch import nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.runs.memory import (
    GIB,
    Sizes,
    available,
    check_memory,
    estimate,
    memory_parts,
    taken,
)

LAYOUT = RowLayout.from_widths([("zip", "discrete", 700), ("age", "discrete", 300)])


def sizes(**changed):
    """1,000 rows of 2 columns; nets of 10 x 1,000 and 1,000 x 1 weights, without biases."""
    fields = {
        "rows": CodedRows.empty(1_000, LAYOUT),
        "n_columns": 2,
        "condition_width": 2,
        "nets": {
            "generator": nn.Linear(10, 1_000, bias=False),
            "critic": nn.Linear(1_000, 1, bias=False),
        },
        "batch_size": 500,
        "steps": 100,
        "pool_factor": 3.0,
    }
    return Sizes(**fields | changed)


def test_each_part_of_the_memory_is_a_product_of_sizes():
    parts = memory_parts(sizes())
    assert parts["nets and optimizers"] == 4 * (20 * 10_000 + 3 * 1_000)
    assert parts["training step"] == 4 * 12 * 500 * 1_000
    assert parts["drawing"] == 4 * 3 * 4_000 * 1_000
    assert parts["rounds and refiner"] == 8 * 6 * 4_000 * 2  # 3,000 generated and 1,000 real rows


def test_a_training_that_fits_passes():
    check_memory(sizes(), taken() / GIB + 1)


def test_one_that_does_not_is_refused_with_the_reason_and_advice():
    with pytest.raises(TabganError) as refused:
        check_memory(sizes(batch_size=500_000), 5.0)  # 500,000 x 1,000 x 12 floats are 22 GiB
    told = str(refused.value)
    assert "the limit is 5.0 (memory_limit)" in told
    assert "the largest part is the training step, 22.4 GiB" in told
    assert "lower data.batch_size or encoder.levels" in told
    assert told.endswith("of 1,000 positions in a row 'zip' has 700, 'age' has 300")


def test_the_machine_has_some_memory_left():
    assert 0 < available() < 2**50
    assert taken() > 2**25  # torch alone


def test_the_estimate_is_one_line():
    said = estimate(sizes())
    assert said.startswith(
        "estimate: 100 steps of 500 rows; generator of 10,000 parameters, critic of 1,000 "
        "parameters; about "
    )
    assert "\n" not in said


def test_the_estimate_draws_no_random_number():
    described = sizes()  # its nets draw their weights
    before = torch.get_rng_state()
    estimate(described)
    assert torch.equal(torch.get_rng_state(), before)
