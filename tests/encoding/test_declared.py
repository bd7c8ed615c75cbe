"""Declared rules in the encoder: put back, joined, made anew, or looked up in the rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.tables.profile import infer_schema

N = 300
KEYS = {"nominal": "onehot", "numeric": "quantile_normal", "levels": 128, "derive": True,
        "conditional": True}  # fmt: skip


@pytest.fixture
def shop(rng):
    frame = pd.DataFrame(
        {
            "net": rng.lognormal(3, 1, N).round(2),
            "tax": rng.lognormal(1, 1, N).round(2),
            "side": rng.integers(1, 9, N),
            "start": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D"),
            "nights": rng.integers(1, 30, N),
            "code": [f"K{n:05d}" for n in rng.choice(10**5, N, replace=False)],
            "price": 0.35 * rng.integers(1, 900, N),
        }
    )
    frame["total"] = (frame["net"] + frame["tax"]).round(2)
    frame["area"] = frame["side"] ** 2
    frame["end"] = frame["start"] + pd.to_timedelta(frame["nights"], "D")
    frame["size"] = np.where(frame["side"] > 5, "big", "small")
    return frame


def kept(encoder, numbers, rules):
    return encoder.kept_each(numbers, rules).all(axis=1)


def encoded(frame, *rules, target=None, **more):
    schema = infer_schema(frame, name="t", target=target)
    schema = replace(schema, constraints=rules)
    table = schema.conform(frame)
    return TableEncoder(schema, **KEYS | more).fit(table), table


def there_and_back(encoder, table):
    return encoder.decode(encoder.encode(table), encoder.encode_condition(table))


RULES = (
    "total = net + tax",
    "area = side ** 2",
    "end = start + nights",
    "size = where(side > 5, 'big', 'small')",
)


@pytest.mark.parametrize("derive", [True, False])
def test_columns_that_a_formula_gives_leave_the_row_and_come_back_exactly(shop, derive, tmp_path):
    encoder, table = encoded(shop.drop(columns="code"), *RULES, derive=derive)
    for name in ("total", "area", "end", "size"):
        assert encoder.encodings_[name] in ("sum", "computed")
        assert not encoder.layout_.of(name)
        assert (
            f"column {name!r} follows from a declared rule: computed, not learned" in encoder.notes_
        )
    decoded = there_and_back(encoder, table)
    pd.testing.assert_frame_equal(decoded, table)
    codes = encoder.decode_numbers(encoder.encode_coded(table), encoder.encode_condition(table))
    pd.testing.assert_frame_equal(encoder.to_table(codes), table)
    encoder.save(tmp_path)
    pd.testing.assert_frame_equal(there_and_back(TableEncoder.load(tmp_path), table), table)


def test_other_rows_are_given_their_own_totals(shop):
    encoder, table = encoded(shop.drop(columns="code"), *RULES)
    numbers = encoder.numbers(table)
    columns = encoder.by_name(numbers)
    columns["net"][:] = 1000.0
    columns["side"][:] = 7
    encoder.put_sums(numbers)
    rows = encoder.to_table(numbers)
    assert rows["total"].tolist() == (1000 + table["tax"]).round(2).tolist()
    assert set(rows["area"]) == {49}
    assert set(rows["size"]) == {"big"}
    assert kept(encoder, numbers, encoder.constraints_).all()


def test_a_known_total_tells_its_missing_part(shop):
    encoder, table = encoded(shop[["net", "tax", "total"]], "total = net + tax")
    numbers = encoder.numbers(table)
    encoder.by_name(numbers)["net"][:] = np.nan
    encoder.tell_sums(numbers)
    np.testing.assert_allclose(encoder.by_name(numbers)["net"], table["net"])


def test_a_target_that_is_given_by_a_rule_stays_the_condition(shop):
    encoder, table = encoded(shop[["side", "size"]], RULES[3], target="size")
    assert encoder.encodings_["size"] == "condition"
    numbers = encoder.numbers(table)
    encoder.by_name(numbers)["side"][:] = 7
    assert (
        kept(encoder, numbers, encoder.constraints_).tolist() == (table["size"] == "big").tolist()
    )


def test_declared_groups_share_a_block_without_evidence(rng):
    flags = rng.integers(0, 3, 60)  # of which few rows would break it by chance
    frame = pd.DataFrame({f"f{i}": (flags == i).astype(int) for i in range(3)})
    frame["city"] = np.array(["Bern", "Basel", "Genf"])[flags]
    frame["x"] = rng.random(60)
    alone, _ = encoded(frame[["f0", "f1", "x"]])
    assert alone.encodings_["f0"] == "levels"
    joined, table = encoded(frame[["f0", "f1", "f2", "x"]], "one_hot(f0, f1, f2)")
    assert joined.encodings_["f0 & f1 & f2"] == "onehot"
    pd.testing.assert_frame_equal(there_and_back(joined, table), table)
    pair, _ = encoded(frame[["city", "f1", "x"]], "combination(city, f1)")
    assert pair.encodings_["city & f1"] == "onehot"
    bern, one = 1.0, 1.0  # categories are sorted: Basel, Bern, Genf
    assert kept(pair, np.array([[bern, one, 0.5], [bern, 0, 0.5]]), pair.constraints_).tolist() == [
        False,
        True,
    ]


def test_a_step_is_kept_between_training_values(shop):
    encoder, _ = encoded(shop[["price", "net"]], "step(price, 0.35)", numeric="standard")
    rows = np.random.default_rng(1).standard_normal((200, encoder.layout_.width)).astype("f4")
    prices = encoder.decode(rows, np.empty((200, 0), "f4"))["price"]
    assert np.abs(prices / 0.35 - (prices / 0.35).round()).max() < 1e-6


def test_ids_follow_a_declared_pattern(shop):
    encoder, table = encoded(shop[["code", "net"]], "unique(code)", r'matches(code, "[A-D]\d{6}")')
    made = encoder.to_table(np.zeros((5_000, 2)))["code"]
    assert made.is_unique
    assert made.str.fullmatch(r"[A-D]\d{6}").all()
    assert not made.isin(table["code"]).any()


def test_a_number_is_made_anew_where_it_is_declared_unique(shop):
    shop["nights"] = np.arange(N) ** 2  # a measure, if nothing is said
    assert encoded(shop[["nights", "net"]])[0].encodings_["nights"] == "quantile_normal"
    encoder, _ = encoded(shop[["nights", "net"]], "unique(nights)")
    assert encoder.encodings_["nights"] == "key"


def test_a_pattern_with_too_few_ids_is_refused_before_training(shop):
    shop["code"] = [f"K{n:03d}" for n in range(N)]
    with pytest.raises(
        TabganError, match=r"column 'code': its form K\[0-2\]\[0-9\]\{2\} has 0 ids"
    ):
        encoded(shop[["code", "net"]], "unique(code)", r'matches(code, "K[0-2]\d\d")')


def test_rules_on_dropped_columns_are_named_and_not_kept(shop):
    rng = np.random.default_rng(0)
    shop["note"] = [f"note {n} {'x' * (n % 40)}" for n in rng.integers(0, 250, N)]
    encoder, _ = encoded(shop[["note", "net"]], "note != 'a'", "net > 0")
    assert "rule \"note != 'a'\" cannot be kept: column 'note' is dropped" in encoder.notes_
    assert encoder.schema_.constraints == ("net > 0",)


def test_what_no_row_may_be_is_looked_up_in_numbers(shop):
    encoder, table = encoded(shop, "start <= end", "known(net)", "net < 500 or side > 3")
    numbers = encoder.numbers(table)
    columns = encoder.by_name(numbers)
    columns["end"][0] = columns["start"][0] - 1
    columns["net"][1] = np.nan
    columns["net"][2], columns["side"][2] = 1000, 2
    assert np.flatnonzero(~kept(encoder, numbers, encoder.constraints_)).tolist() == [0, 1, 2]


@pytest.fixture
def flights(rng):
    n = 3_000
    origin, dest = rng.integers(0, 3, n), rng.integers(0, 12, n)
    planned, delay = rng.integers(300, 1_400, n), rng.integers(-20, 200, n)
    left = (planned + delay) % 1_440
    day = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366, n), "D"))
    hour = planned // 60
    return pd.DataFrame(
        {
            "origin": np.array([*"abc"])[origin],
            "dest": np.array([*"abcdefghijkl"])[dest],
            "km": 100 * rng.integers(1, 15, (3, 12))[origin, dest],
            "month": day.dt.month,
            "day": day.dt.day,
            "hour": hour,
            "planned": planned // 60 * 100 + planned % 60,
            "left": left // 60 * 100 + left % 60,
            "delay": delay,
            "stamp": day + pd.to_timedelta(hour, "h"),
        }
    )


def test_columns_that_several_others_decide_are_found_and_put_back(flights, tmp_path):
    encoder, table = encoded(flights)
    assert {name for name, found in encoder.encodings_.items() if found == "computed"} == {
        "km", "left", "stamp",
    }  # fmt: skip
    assert (
        "column 'km' follows from 'origin' and 'dest': computed from the others, not learned"
        in encoder.notes_
    )
    decoded = there_and_back(encoder, table)
    pd.testing.assert_frame_equal(decoded, table)
    encoder.save(tmp_path)
    again = TableEncoder.load(tmp_path)
    pd.testing.assert_frame_equal(there_and_back(again, table), table)
    assert again.found_ == encoder.found_


def test_shuffled_columns_keep_what_was_put_back(flights, rng):
    encoder, table = encoded(flights)
    shuffled = pd.DataFrame({c: rng.permutation(table[c]) for c in table}).astype(table.dtypes)
    decoded = there_and_back(encoder, encoder.schema.conform(shuffled))
    km = table.groupby(["origin", "dest"], observed=True)["km"].first()
    assert (
        decoded.set_index(["origin", "dest"])["km"]
        == km.reindex(pd.MultiIndex.from_frame(decoded[["origin", "dest"]].astype(str))).to_numpy()
    ).all()
    minutes = decoded["left"] // 100 * 60 + decoded["left"] % 100
    planned = decoded["planned"] // 100 * 60 + decoded["planned"] % 100
    assert ((minutes - planned - decoded["delay"]) % 1_440 == 0).all()
    is_day = (decoded["stamp"].dt.day == decoded["day"]) & (
        decoded["stamp"].dt.hour == decoded["hour"]
    )
    numbers = encoder.numbers(decoded)
    broken = ~kept(encoder, numbers, encoder.found_)  # the 30th of February
    assert 0 < broken.mean() < 0.05
    assert (is_day | broken).all()
    assert not len(encoder.constraints_)


def test_rules_are_not_looked_for_in_a_sample(flights):
    schema = infer_schema(flights, name="t")
    encoder = TableEncoder(schema, **KEYS).fit(schema.conform(flights), is_sample=True)
    assert len(encoder.found_) == 0
    assert encoder.encodings_["km"] != "computed"
