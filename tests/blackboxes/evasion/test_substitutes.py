"""Answers remembered, and what learns them."""

import numpy as np
import torch

from tabgan.blackboxes.evasion.features import Features
from tabgan.blackboxes.evasion.substitutes import FEW, Answers, SubstituteTrees
from tabgan.seeding import generator_at
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(name="calls", target=None, columns=(Column(name="all", kind="integer"),))


def test_answers_are_drawn_from_the_newest():
    old, new = np.zeros((400, 1)), np.ones((10, 1))
    answers = Answers(Features.found(np.concatenate([old, new]), SCHEMA))
    answers.add(old, torch.zeros(400))
    answers.add(new, torch.ones(10))
    assert len(answers) == 410
    features, labels = answers.drawn(50, generator_at(0, "drawn"), newest=10)
    assert labels.tolist() == [1.0] * 50
    assert features.tolist() == [[1.0, 1.0]] * 50  # the end of the range, the last rank
    assert answers.drawn(500, generator_at(0, "drawn"))[1].mean() < 0.1
    assert answers.newest(12)[1].tolist() == [0.0] * 2 + [1.0] * 10


def trees():
    return SubstituteTrees(n_trees=30, n_leaves=4, lr=0.3)


def test_trees_learn_a_threshold_and_say_nothing_before():
    numbers = np.arange(200.0)[:, None]
    grown = trees()
    assert grown(numbers).tolist() == [0.0] * 200
    grown.fit(numbers, (numbers[:, 0] > 50).astype(np.float32), seed=0)
    assert ((grown(numbers) > 0) == (numbers[:, 0] > 50)).mean() > 0.97


def test_trees_learn_nothing_from_answers_that_are_all_the_same():
    numbers = np.arange(200.0)[:, None]
    grown = trees()
    grown.fit(numbers, (numbers[:, 0] >= FEW - 1).astype(np.float32), seed=0)  # 19 of a kind
    assert grown.model is None
    assert grown.state() == {}


def test_trees_grow_the_same_again_from_what_they_were_taught():
    rng = np.random.default_rng(0)
    numbers = rng.random((300, 3))
    grown, again = trees(), trees()
    grown.fit(numbers, (numbers[:, 0] > numbers[:, 1]).astype(np.float32), seed=2**40)
    again.restore(grown.state())
    assert (grown(numbers) == again(numbers)).all()
