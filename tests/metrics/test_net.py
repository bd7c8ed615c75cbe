"""The net of the C2ST: what it sees, and that it leaves no trace."""

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.metrics.coding import code_tables
from tabgan.metrics.drawing import independent_columns
from tabgan.metrics.net import MOST_CATEGORIES, net_auc, net_inputs, net_width


def auc(real, fake, seed=0):
    return net_auc(*code_tables(real=real, fake=fake), seed=seed)


@pytest.mark.slow
def test_two_halves_of_the_same_data_are_not_told_apart_and_broken_ones_are(dependent_rows):
    real, train = dependent_rows(1_000, 0), dependent_rows(1_000, 1)
    # standard error of an AUC of 1,000 + 1,000 rows: about .013
    assert auc(real, train) == pytest.approx(0.5, abs=0.05)
    assert auc(real, independent_columns(train, 1_000, seed=0)) > 0.85
    assert auc(real, train.assign(pay=train["pay"] + 100)) > 0.99


def test_it_is_the_same_in_any_process_and_leaves_torch_as_it_was(dependent_rows):
    real, fake = dependent_rows(200, 0), dependent_rows(200, 1)
    torch.manual_seed(1)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    once = auc(real, fake)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    torch.manual_seed(2)
    torch.set_float32_matmul_precision("medium")
    assert auc(real, fake) == once
    assert auc(real, fake, seed=1) != once


def test_inputs_are_indicators_and_waves_of_the_normal_quantile():
    job = pd.Categorical(["cook", "clerk", "cook"])
    real = pd.DataFrame({"job": job, "pay": [1.0, 2.0, np.nan]})
    fake = pd.DataFrame({"job": job, "pay": [3.0, 4.0, 5.0]})
    one, other = code_tables(real=real, fake=fake)
    rows = net_inputs(one, other)
    assert rows.shape == (6, 2 + 10)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:, :2].sum(axis=1), 1)
    # ranks 1 to 5 of the five known values: 3 is the median, its quantile 0, a sine 0, a cosine 1
    np.testing.assert_allclose(rows[3, 2:], [0, 0, *([0, 1] * 4)], atol=1e-7)
    np.testing.assert_allclose(rows[2, 2:], [0, 1, *([0, 1] * 4)], atol=1e-7)  # missing
    assert rows[0, 2] == pytest.approx(-rows[5, 2]) == pytest.approx(-1.2816, abs=1e-4)  # 10 %


def test_of_very_many_categories_the_rarest_are_one_input():
    n = 2 * MOST_CATEGORIES
    labels = [f"zip {i}" for i in range(n)]
    real = pd.DataFrame({"zip": pd.Categorical(labels)})
    coded = code_tables(real=real, fake=real)
    assert net_inputs(*coded).shape == (2 * n, MOST_CATEGORIES + 1)
    assert net_width(coded[0]) == MOST_CATEGORIES + 1
