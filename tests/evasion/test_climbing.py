"""Hill climbing over consistent rows: what is held stays, what passed is tried again."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.table import TableEncoder
from tabgan.evasion.climbing import Climber
from tabgan.evasion.records import Answers, Records, Sender
from tabgan.evasion.rules import RuleBook
from tabgan.seeding import generator_at, rng_at
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="calls",
    target=None,
    columns=(Column(name="all", kind="integer"), Column(name="same", kind="integer")),
)


@dataclass
class Case:
    """Calls of which ``same`` <= ``all``; ``all`` is held in the first group."""

    records: Records
    climber: Climber


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    total = rng.integers(1, 50, 400)
    numbers = np.column_stack([total, rng.integers(0, total + 1)]).astype(float)
    encoder = TableEncoder(
        SCHEMA, nominal="onehot", numeric="bins", levels=64, derive=False, conditional=False
    )
    table = SCHEMA.conform(dict_of(numbers))
    encoder.fit(table)
    group = np.arange(400) % 2
    records = Records.of(table, group, [["all"], []], encoder)
    sender = Sender(encoder, RuleBook.found(records.numbers, encoder.schema_))
    return Case(records, Climber(sender, records.numbers, n_groups=2))


def dict_of(numbers):
    return pd.DataFrame(numbers.astype(int), columns=["all", "same"])


def total_of(numbers):
    return numbers.sum(axis=1).astype(np.float32)


def climb(case, steps, place=0):
    start = case.records.numbers
    return case.climber.climbed(
        case.records, start, total_of, steps=steps, rng=rng_at(0, "climb", place)
    )


def test_no_step_climbs_nowhere_and_no_row_ends_higher(case):
    assert (climb(case, 0) == case.records.numbers).all()
    assert (total_of(climb(case, 3)) <= total_of(case.records.numbers)).all()


def test_many_steps_end_at_the_least_there_is_and_what_is_held_stays(case):
    ended, group = climb(case, 400), case.records.group
    held = case.records.numbers[group == 0, 0]
    assert (ended[group == 0, 0] == held).all()
    # ``same`` may be 0 everywhere, and ``all`` 1 where it is free
    assert total_of(ended)[group == 0].mean() == pytest.approx(held.mean(), abs=0.2)
    assert total_of(ended)[group == 1].mean() == pytest.approx(1, abs=0.2)


def test_rows_are_consistent_on_the_way(case):
    rules, records = case.climber.sender.rules, case.records.numbers
    assert "same <= all" in rules.texts()
    assert rules.consistent(climb(case, 2), records).all()


def test_what_passed_is_tried_in_the_records_of_its_own_group(case):
    passed = np.array([[7.0, 3.0]])
    case.climber.keep(passed, np.array([1]))
    tried = case.climber._tried(case.records.numbers, case.records, rng_at(0, "tried"))
    is_it = (tried == passed).all(axis=1)
    # .6 of the trials take a row's values, half of them those of the one that passed, .2 whole
    assert is_it[case.records.group == 1].mean() > 0.05
    assert is_it[case.records.group == 0].mean() < 0.01


def test_answers_are_drawn_from_the_newest(case):
    rows = case.records.rows
    answers = Answers(rows.layout)
    answers.add(rows, rows.scalars.new_zeros(400))
    answers.add(case.records.taken(np.arange(10)).rows, rows.scalars.new_ones(10))
    assert len(answers.labels) == 410
    newest, labels = answers.drawn(50, generator_at(0, "drawn"), newest=10)
    assert labels.tolist() == [1.0] * 50
    assert newest.shape == (50, rows.layout.width)
    assert answers.drawn(500, generator_at(0, "drawn"))[1].mean() < 0.1
