"""What nearly all rows obey: found, printed, and obeyed by what is changed."""

import numpy as np
import pytest

from tabgan.blackboxes.evasion.rules import RuleBook
from tabgan.encoding.state import load_state, save_state
from tabgan.errors import TabganError
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="calls",
    target=None,
    columns=(
        Column(name="kind", kind="nominal", categories=("tcp", "udp")),
        Column(name="all", kind="integer"),
        Column(name="same", kind="integer"),
        Column(name="share", kind="numeric", decimals=2),
        Column(name="rest", kind="numeric", decimals=2),
    ),
)
N = 4_000


@pytest.fixture(scope="module")
def rows():
    """same <= all, share = same / all, share + rest = 1 but for tcp, where rest is 0."""
    rng = np.random.default_rng(0)
    kind, total = rng.integers(0, 2, N), rng.integers(1, 50, N)
    same = rng.integers(0, total + 1)
    share = np.floor(100 * same / total) / 100
    return np.column_stack([kind, total, same, share, np.where(kind, (1 - share).round(2), 0)])


@pytest.fixture(scope="module")
def book(rows):
    return RuleBook.found(rows, SCHEMA)


def test_the_rules_that_made_the_rows_are_found_and_no_others_of_their_kind(book):
    texts = book.texts()
    assert "1 <= all <= 49, whole" in texts
    assert "0 <= share <= 1, 2 decimals" in texts
    assert "kind = tcp => rest = 0" in texts
    assert [text for text in texts if "/" in text] == ["share <= same / all"]
    assert [text for text in texts if "+" in text] == ["share + rest <= 1"]
    assert [text for text in texts if text.count("<=") == 1 and "all" in text.split()] == [
        "same <= all",
        "share <= same / all",
    ]


def test_real_rows_break_no_rule(book, rows):
    assert not book.broken(rows).any()


def test_one_row_too_many_breaks_the_rule_and_one_in_a_thousand_does_not(rows):
    spoilt = rows.copy()
    spoilt[:4, 2] = spoilt[:4, 1] + 1  # 4 of 4,000: .1 %
    assert "same <= all" in RuleBook.found(spoilt, SCHEMA).texts()
    spoilt[:5, 2] = spoilt[:5, 1] + 1
    assert "same <= all" not in RuleBook.found(spoilt, SCHEMA).texts()


def test_a_changed_row_is_put_right_and_what_is_held_stays(book):
    record = np.array([[1.0, 10.0, 5.0, 0.5, 0.5]])
    changed = np.array([[1.0, 10.0, 5.0, 0.9, 0.5]])
    free = np.array([[False, False, False, True, False]])
    # share <= 5 / 10, so .9 becomes .5
    assert book.project(changed, record, free).tolist() == record.tolist()
    changed[0] = [0.0, 99.0, 5.0, 0.9, 0.3]  # tcp has no rest; all ends at 49; 5 / 49 = .10
    fixed = book.project(changed, record, np.ones((1, 5), bool))
    assert fixed.tolist() == [[0.0, 49.0, 5.0, 0.1, 0.0]]


def test_whatever_is_proposed_comes_out_consistent_and_held_columns_to_the_bit(book, rows):
    rng = np.random.default_rng(1)
    proposed = rng.uniform(-5, 60, rows.shape)
    proposed[:, 0] = rng.integers(0, 2, N)
    free = rng.random(rows.shape) < 0.5
    fixed = book.project(proposed, rows, free)
    assert book.consistent(fixed, rows).all()
    assert (fixed.view(np.int64) == rows.view(np.int64))[~free].all()
    assert (fixed != rows).any(axis=1).mean() > 0.3  # and not by giving everything back


def test_a_record_that_breaks_a_rule_itself_may_go_on_breaking_it(book):
    odd = np.array([[1.0, 10.0, 20.0, 0.5, 0.5]])  # same > all
    assert book.broken(odd).any()
    assert book.consistent(odd, odd).all()
    held = np.zeros((1, 5), bool)
    assert book.project(odd + 1, odd, held).tolist() == odd.tolist()


def test_missing_values_are_no_premise_and_no_greatest_number(rows):
    incomplete = rows.copy()
    incomplete[::5, :2] = np.nan
    incomplete[1::5, 1], incomplete[1::5, 3] = 60, 0.25  # all = 60 => share = .25
    texts = RuleBook.found(incomplete, SCHEMA).texts()
    assert "all = 60 => share = 0.25" in texts
    assert not [text for text in texts if "nan" in text]


def test_ranges_alone_leave_what_depends_on_others_as_it_comes(rows):
    record, free = np.array([[1.0, 10.0, 5.0, 0.5, 0.5]]), np.ones((1, 5), bool)
    changed = np.array([[0.0, 60.2, 20.6, 0.777, 0.3]])
    ranges = RuleBook.found(rows, SCHEMA, level="ranges")
    assert "0 <= share <= 1, 2 decimals" in ranges.texts()
    assert len(ranges.texts()) == 4  # the numbers' ranges
    assert ranges.project(changed, record, free).tolist() == [[0.0, 49.0, 21.0, 0.78, 0.3]]


def test_without_rules_only_the_ends_of_the_ranges_are_kept_and_whole_numbers(rows):
    record, free = np.array([[1.0, 10.0, 5.0, 0.5, 0.5]]), np.ones((1, 5), bool)
    changed = np.array([[0.0, 60.2, 20.6, 0.777, 1.3]])
    none = RuleBook.found(rows, SCHEMA, level="none")
    assert "0 <= share <= 1" in none.texts()
    assert "1 <= all <= 49, whole" in none.texts()
    assert none.project(changed, record, free).tolist() == [[0.0, 49.0, 21.0, 0.777, 1.0]]
    held = np.zeros((1, 5), bool)
    assert none.project(changed, record, held).tolist() == record.tolist()


def test_an_unknown_level_is_refused_with_the_nearest(rows):
    with pytest.raises(TabganError, match=r"traffic\.rules=rangs: did you mean 'ranges'\?"):
        RuleBook.found(rows, SCHEMA, level="rangs")


def test_rules_come_back_from_a_folder(book, rows, tmp_path):
    save_state(tmp_path, book.state())
    again = RuleBook.restore(load_state(tmp_path), SCHEMA)
    assert again.texts() == book.texts()
    proposed = np.random.default_rng(3).uniform(-5, 60, rows.shape).round()
    proposed[:, 0] %= 2
    free = np.ones(rows.shape, bool)
    assert (again.project(proposed, rows, free) == book.project(proposed, rows, free)).all()
