"""SMOTE-balanced training rows: as many of each class, between those that were there."""

import numpy as np
import pytest
import torch

from tabgan.data.balance import balanced, check_balance
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError

SCALARS, CODES = ("age", "continuous", 2), ("job", "discrete", 3)


def rows_of(*widths, ones=7):
    """20 rows of class 0 around 0, ``ones`` of class 1 around 10; jobs follow the class."""
    layout = RowLayout.from_widths(widths)
    n, rng = 20 + ones, np.random.default_rng(0)
    labels = torch.tensor([0] * 20 + [1] * ones)
    rows = CodedRows.empty(n, layout)
    rows.scalars[:] = torch.from_numpy(rng.normal(size=rows.scalars.shape)) + 10 * labels[:, None]
    rows.codes[:] = 2 * labels[:, None].to(rows.codes.dtype)
    return rows, torch.eye(2)[labels]


@pytest.mark.parametrize("widths", [(SCALARS,), (CODES,), (SCALARS, CODES)])
def test_every_class_gets_as_many_rows_and_the_first_ones_stay(widths):
    rows, condition = rows_of(*widths)
    made, classes = balanced(rows, condition, seed=0)
    assert classes.sum(dim=0).tolist() == [20, 20]
    assert torch.equal(made[:][:27], rows[:])
    assert torch.equal(classes[:27], condition)
    assert made.layout == rows.layout
    assert made.codes.dtype == rows.codes.dtype


def test_a_made_row_lies_between_two_of_its_class():
    rows, condition = rows_of(SCALARS, CODES)
    made, classes = balanced(rows, condition, seed=0)
    old, new = rows.scalars[20:], made.scalars[27:]
    assert classes[27:, 1].all()
    assert (new >= old.min(dim=0).values).all()
    assert (new <= old.max(dim=0).values).all()
    assert (made.codes[27:] == 2).all()


def test_the_seed_is_the_address_of_the_rows():
    rows, condition = rows_of(SCALARS)
    first, again, other = (balanced(rows, condition, seed=seed)[0][:] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_few_rows_have_fewer_neighbours():
    made, classes = balanced(*rows_of(SCALARS, ones=2), seed=0)
    assert classes.sum(dim=0).tolist() == [20, 20]
    assert len(made) == 40


def test_a_class_of_one_row_is_refused():
    with pytest.raises(TabganError, match="class 1 of the target has 1 training row"):
        balanced(*rows_of(SCALARS, ones=1), seed=0)


def test_a_table_without_classes_is_refused():
    rows, _ = rows_of(SCALARS)
    with pytest.raises(TabganError, match=r"data\.balance=smote: expected a nominal target"):
        balanced(rows, torch.empty(27, 0), seed=0)


def test_an_unknown_way_is_refused_with_the_nearest():
    with pytest.raises(TabganError, match=r"data\.balance=smoke: .*did you mean 'smote'\?"):
        check_balance("smoke")


def test_a_training_is_balanced_and_its_table_is_not(training):
    data = training("tool=smote", model="cgan_report").data
    assert len(set(data.coded("train")[1].sum(dim=0).tolist())) == 1
    shares = data.encoder.class_counts_ / data.encoder.class_counts_.sum()
    assert shares.min() == pytest.approx(1 / 3, abs=0.02)  # what is sampled keeps the table's
    assert len(data.coded("train")[0]) > len(data.train)
