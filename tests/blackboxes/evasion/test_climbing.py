"""Hill climbing over consistent rows: what is held stays, what passed is tried again."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from tabgan.blackboxes.evasion.candidates import Donors
from tabgan.blackboxes.evasion.climbing import Climber, best_of_category
from tabgan.blackboxes.evasion.features import Features
from tabgan.blackboxes.evasion.records import RecordDecoder, Records
from tabgan.blackboxes.evasion.rules import RuleBook
from tabgan.encoding.table import TableEncoder
from tabgan.seeding import rng_at
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
    return Case(records, climber_of(records, encoder, "all"))


def climber_of(records, encoder, level):
    rules = RuleBook.found(records.numbers, encoder.schema_, level=level)
    features = Features.found(records.numbers, encoder.schema_)
    donors = Donors(records.numbers, [records.numbers[:0]] * 2)
    return Climber(RecordDecoder(encoder, rules), features, donors)


def dict_of(numbers):
    return pd.DataFrame(numbers.astype(int), columns=["all", "same"])


def total_of(numbers):
    return numbers.sum(axis=1).astype(np.float32)


def climb(case, steps, position=0):
    start = case.records.numbers
    return case.climber.climbed(
        case.records, start, total_of, steps=steps, rng=rng_at(0, "climb", position)
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
    rules, records = case.climber.decoder.rules, case.records.numbers
    assert "same <= all" in rules.texts()
    assert rules.consistent(climb(case, 2), records).all()


def test_what_passed_is_tried_in_the_records_of_its_own_group(case):
    passed = np.array([[7.0, 3.0]])
    case.climber.candidates.keep(passed, np.array([1]))
    level = np.zeros(400)
    tried = case.climber._tried(case.records.numbers, level, case.records, rng_at(0, "tried"))
    is_it = (tried == passed).all(axis=1)
    # .6 take another row's values, half of them a candidate's, half of those the one that passed
    assert is_it[case.records.group == 1].mean() > 0.03
    assert is_it[case.records.group == 0].mean() < 0.01


def test_without_rules_a_part_may_exceed_its_whole(case):
    encoder = case.climber.decoder.encoder
    climber = climber_of(case.records, encoder, "none")

    def apart(numbers):  # the lower, the more ``same`` exceeds ``all``
        return (numbers[:, 0] - numbers[:, 1]).astype(np.float32)

    start = case.records.numbers
    ended = climber.climbed(case.records, start, apart, steps=200, rng=rng_at(0, "apart"))
    most = start[:, 1].max()
    assert (ended[:, 1] > ended[:, 0]).mean() > 0.9
    assert ended[:, 1].max() == most  # but no number leaves its range
    assert (ended == ended.round()).all()  # and calls are whole in whatever row


def test_records_learn_from_the_best_of_their_own_category():
    level = np.array([5.0, 1.0, 3.0, 4.0] * 5)
    group = np.arange(20) % 2  # of group 0 levels 5 and 3, of group 1 levels 1 and 4
    drawn = best_of_category(level, group, rng_at(0, "best"))
    assert set(level[drawn][group == 0]) == {3}
    assert set(level[drawn][group == 1]) == {1}
    assert (group[drawn] == group).all()
