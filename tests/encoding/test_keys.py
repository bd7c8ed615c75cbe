"""Ids made anew: unique, in the training ids' form, and none of them."""

import json

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.forms import Form
from tabgan.encoding.keys import FormedKey, RunningKey, restore_key
from tabgan.encoding.patterns import form_of_pattern
from tabgan.errors import TabganError


@pytest.fixture
def accounts(rng):
    return pd.Series(rng.choice(9 * 10**9, 5_000, replace=False) + 10**9, name="account")


def of_numbers(values, **more):
    return FormedKey("account", Form.of_numbers(values), whole=True).fit(values, **more)


def test_a_hundred_thousand_account_numbers_are_new_and_unique(accounts):
    made = of_numbers(accounts)(0, 100_000, 0)
    assert made.dtype == np.int64
    assert made.is_unique
    assert not made.isin(accounts).any()
    assert made.between(10**9, 10**10 - 1).all()


def test_ids_of_parts_are_those_of_the_whole(accounts):
    key = of_numbers(accounts)
    whole = key(0, 1_000, 3)
    parts = pd.concat([key(0, 300, 3), key(300, 700, 3)], ignore_index=True)
    pd.testing.assert_series_equal(parts, whole)
    assert whole.isin(key(0, 1_000, 4)).sum() < 5  # another seed, other ids


def test_five_digits_are_used_up_before_ids_grow(rng):
    values = pd.Series(rng.choice(90_000, 30_000, replace=False) + 10_000, name="n")
    key = FormedKey("n", Form.of_numbers(values), whole=True).fit(values)
    free = key.capacity(key.form.shapes[0])
    # of 60,000 that training does not have, e^(-1/8) = 88.2 % are not taken for one that it has
    assert free == pytest.approx(60_000 * np.exp(-1 / 8), rel=0.02)
    made = key(0, free + 1_000, 0)
    assert made.is_unique
    assert not made.isin(values).any()
    assert (made.astype(str).str.len() == 5).sum() == free
    assert set(made[free:].astype(str).str.len()) == {6}


def test_one_in_nine_of_the_other_ids_is_taken_for_a_training_id(accounts, rng):
    key = of_numbers(accounts)
    others = np.setdiff1d(rng.integers(10**9, 10**10, 50_000), accounts).astype(str)
    assert key.is_taken(accounts.astype("str").to_numpy(dtype=object)).all()
    assert key.is_taken(others).mean() == pytest.approx(1 - np.exp(-1 / 8), abs=0.01)


def test_what_is_stored_holds_no_training_id(accounts):
    state = of_numbers(accounts).state()
    taken = state.pop("taken")
    assert len(taken) == 5_000  # a byte per id
    text = json.dumps(state)
    assert not any(str(account) in text for account in accounts)


def test_a_key_read_back_makes_the_same_ids(accounts):
    key = of_numbers(accounts)
    again = restore_key(key.state())
    pd.testing.assert_series_equal(again(5, 100, 1), key(5, 100, 1))
    running = RunningKey().fit(pd.Series(["a-1", "a-2"], name="r"))
    pd.testing.assert_series_equal(restore_key(running.state())(0, 3, 0), running(0, 3, 0))


def test_ids_of_rows_that_come_later_are_not_made_either(accounts):
    first, later = accounts[:1_000], accounts[1_000:]
    key = of_numbers(first, n_rows=5_000)
    key.add(later)
    assert key.is_taken(later.astype("str").to_numpy(dtype=object)).all()
    running = RunningKey().fit(pd.Series([1, 2, 3], name="r"))
    running.add(pd.Series([9, 4], name="r"))
    assert running(0, 2).tolist() == [10, 11]


def test_a_declared_pattern_runs_out():
    values = pd.Series(["A0", "A1"], name="code")
    key = FormedKey("code", form_of_pattern("A[0-9]"), whole=False).fit(values)
    key.check(3)
    with pytest.raises(TabganError, match=r"column 'code': its form A\[0-9\] has \d ids that no"):
        key.check(9)


def test_shapes_come_with_their_shares(rng):
    texts = [f"{n:05d}" for n in rng.integers(0, 10**5, 3_000)]
    texts += [f"K{n:07d}" for n in rng.integers(0, 10**7, 1_000)]
    values = pd.Series(texts, name="code").drop_duplicates()
    made = FormedKey("code", Form.of_texts(values), whole=False).fit(values)(0, 4_000, 0)
    share = values.str.startswith("K").mean()
    assert made.str.startswith("K").mean() == pytest.approx(share, abs=0.03)
    assert made.is_unique
    assert not made.isin(values).any()


def test_uuids_keep_their_version_and_never_repeat(rng):
    raw = ["".join(rng.choice([*"0123456789abcdef"], 31)) for _ in range(500)]
    uuids = [f"{h[:8]}-{h[8:12]}-4{h[12:15]}-{'89ab'[i % 4]}{h[16:19]}-{h[19:]}"
             for i, h in enumerate(raw)]  # fmt: skip
    values = pd.Series(uuids, name="u")
    made = FormedKey("u", Form.of_texts(values), whole=False).fit(values)(0, 20_000, 0)
    assert made.str.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    ).all()
    assert made.is_unique


@pytest.mark.parametrize(
    "values", [range(1, 501), [f"C-{i:04d}" for i in range(1, 501)], ["x"] * 500]
)
def test_running_ids_of_different_seeds_are_different_and_each_goes_on_from_its_first(values):
    key = RunningKey().fit(pd.Series(list(values), name="who"), 500)
    drawn = {seed: key(0, 5_000, seed) for seed in (0, 1, 2, 1706700000123)}
    together = pd.concat(drawn.values())
    assert together.is_unique
    for seed, ids in drawn.items():
        assert ids.iloc[40:60].tolist() == key(40, 20, seed).tolist()  # in parts, too
    assert restore_key(key.state())(0, 5, 1).tolist() == drawn[1].head().tolist()


def test_running_ids_of_seed_1_begin_ten_times_the_rows_and_more_behind_those_of_seed_0():
    key = RunningKey().fit(pd.Series([f"C-{i:04d}" for i in range(1, 501)], name="who"), 500)
    assert [key(0, 1, seed)[0] for seed in (0, 1, 2)] == ["C-0501", "C-10501", "C-20501"]
