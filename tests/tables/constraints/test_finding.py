"""Rules found on hand-made tables, with what speaks for each; and tables that keep none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.finding.blanks import find_blanks
from tabgan.tables.constraints.finding.calendar import find_dates
from tabgan.tables.constraints.finding.clocks import find_clocks
from tabgan.tables.constraints.finding.decided import find_decided
from tabgan.tables.constraints.finding.equalities import Equal, find_equalities
from tabgan.tables.constraints.finding.exclusions import find_exclusions
from tabgan.tables.constraints.finding.orders import find_orders
from tabgan.tables.constraints.finding.rules import find_rules
from tabgan.tables.constraints.finding.transforms import find_transforms
from tabgan.tables.constraints.syntax import number_text
from tabgan.tables.profile import infer_schema

N = 1_000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def columns_of(**columns):
    frame = pd.DataFrame(columns)
    schema = infer_schema(frame, name="t")
    return Columns.of_table(schema, schema.conform(frame))


def texts(found):
    return [one.rule.text for one in found]


def test_independent_columns_keep_no_rule(rng):
    columns = columns_of(
        a=rng.normal(size=N),
        b=rng.integers(0, 5, N),
        c=rng.choice(["x", "y", "z"], N),
        d=rng.integers(0, 3, N),
        e=pd.Series(rng.random(N)).where(rng.random(N) > 0.3),
        f=rng.integers(1, 13, N),
        g=rng.integers(1, 32, N),
        h=rng.integers(0, 24, N) * 100 + rng.integers(0, 60, N),
    )
    assert find_rules(columns) == []
    assert find_equalities(columns) == []


def test_orders_without_those_that_follow_from_others(rng):
    low = rng.random(N)
    columns = columns_of(low=low, mid=low + rng.random(N), high=low + 1 + rng.random(N), x=1 - low)
    found = find_orders(columns)
    assert texts(found) == ["low <= mid", "mid <= high"]  # low <= high follows
    # 1,000 pairs at random: P(low > low' + u) = 1 / 6
    assert found[0].evidence == pytest.approx(N / 6, rel=0.15)


def test_an_order_or_a_number_that_means_never(rng):
    built = rng.integers(1900, 2000, N)
    renovated = np.where(rng.random(N) < 0.6, 0, built + rng.integers(0, 80, N))
    found = find_orders(columns_of(built=built, renovated=renovated))
    assert texts(found) == ["built <= renovated or renovated == 0"]
    columns = columns_of(built=built, renovated=np.where(renovated == 0, 0, renovated - 60))
    assert find_orders(columns) == []


def test_dates_are_compared_with_dates(rng):
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D")
    end = start + pd.to_timedelta(rng.integers(0, 90, N), "D")
    assert texts(find_orders(columns_of(start=start, end=end, n=rng.random(N)))) == ["start <= end"]


def test_columns_that_are_empty_together_are_one_rule(rng):
    online = rng.random(N) < 0.7
    columns = {"internet": np.where(online, rng.choice(["DSL", "fibre"], N), "No")}
    for name in ("security", "backup", "support"):
        columns[name] = np.where(online, rng.choice(["Yes", "No"], N), "No internet")
    columns["speed"] = pd.Series(rng.random(N)).where(online)
    columns["tenure"] = rng.integers(0, 60, N)
    columns["paid"] = pd.Series(rng.random(N)).where(columns["tenure"] != 0)
    found = find_blanks(columns_of(**columns))
    assert texts(found) == [
        "(security == 'No internet') = (internet == 'No') and (backup == 'No internet') = "
        "(internet == 'No') and (support == 'No internet') = (internet == 'No') and "
        "(missing(speed)) = (internet == 'No')",
        "(missing(paid)) = (tenure == 0)",
    ]
    share = (columns["tenure"] == 0).mean()
    assert found[1].evidence == pytest.approx(2 * N * share * (1 - share))


def test_columns_that_number_each_other_are_no_blanks(rng):
    grade = rng.integers(0, 4, N)
    assert find_blanks(columns_of(grade=np.array([*"abcd"])[grade], number=grade + 1)) == []


def test_numbers_of_many_values_that_number_each_other_are_no_blanks(rng):
    wage = np.round(np.exp(rng.normal(size=N)), 2)
    wage[:200] = 1.5  # a value of many rows
    assert len(np.unique(wage)) > 128
    assert find_blanks(columns_of(wage=wage, logwage=np.log(wage))) == []
    paid, tenure = (np.where(np.arange(N) < 200, 0, rng.random(N)) for _ in range(2))
    assert texts(find_blanks(columns_of(paid=paid, tenure=tenure))) == [
        "(tenure == 0) = (paid == 0)"
    ]


def test_a_number_in_a_rule_has_all_its_digits(rng):
    share = np.where(rng.random(N) < 0.3, 2 / 3, rng.random(N))
    columns = columns_of(share=share, left=pd.Series(rng.random(N)).where(share != 2 / 3))
    (found,) = find_rules(columns)
    assert found.rule.text == "(missing(left)) = (share == 0.6666666666666666)"
    assert found.rule.kept(columns).all()


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (-0.5, "-0.5"), (2 / 3, "0.6666666666666666"), (1e22, "1e+22"), (1e-7, "1e-07")],
)
def test_a_number_is_written_so_that_it_reads_as_itself(number, text):
    assert number_text(number) == text
    assert float(text) == number


def test_logarithms_squares_products_and_ratios_of_others(rng):
    wage, hours = np.round(rng.lognormal(3, 1, N), 2), rng.integers(1, 60, N)
    member, paid = rng.integers(0, 2, N), rng.lognormal(size=N)
    columns = columns_of(
        wage=wage, hours=hours, member=member, lwage=np.log(wage), hours2=hours**2,
        week=np.round(wage * hours, 2), dues=wage * member, paid=paid,
        rate=np.round(paid / hours, 3), other=rng.random(N),
        root=pd.Series(np.sqrt(wage)).where(member == 1),
    )  # fmt: skip
    assert texts(find_transforms(columns)) == [
        "hours2 = hours ** 2",
        "lwage = log(wage)",
        "week = wage * hours",
        "dues = wage * member",
        "rate = paid / hours",
    ]  # root is missing where wage is not
    given = columns_of(wage=wage, lwage=np.log(wage))
    given.schema = replace(given.schema, target="lwage")
    assert texts(find_transforms(given)) == ["wage = exp(lwage)"]  # a target gives


def test_a_logarithm_of_zero_is_zero_where_the_table_has_it_so(rng):
    paid = np.where(rng.random(N) < 0.3, 0.0, rng.lognormal(size=N))
    log = np.where(paid > 0, np.log(np.where(paid > 0, paid, 1)), 0)
    (found,) = find_transforms(columns_of(paid=paid, log=log))
    assert found.rule.text == "log = where(paid > 0, log(paid), 0)"


def test_what_no_row_has_together(rng):
    died = rng.random(N) < 0.3
    again = ~died & (rng.random(N) < 0.4)
    columns = columns_of(
        died=np.where(died, "yes", "no"), again=np.where(again, "yes", "no"), x=rng.random(N)
    )
    (found,) = find_exclusions(columns)
    assert found.rule.text == "not (died == 'yes' and again == 'yes')"
    assert found.evidence == pytest.approx(died.sum() * again.sum() / N)
    assert not find_exclusions(columns.take(np.arange(60)))  # 60 rows would have 5


def test_a_time_of_day_some_minutes_later(rng):
    minutes = rng.integers(0, 1_440, N)
    delay = rng.integers(-30, 300, N)
    late = (minutes + delay) % 1_440
    columns = columns_of(
        planned=minutes // 60 * 100 + minutes % 60,
        left=late // 60 * 100 + late % 60,
        delay=delay,
        other=rng.integers(0, 400, N),
    )
    assert texts(find_clocks(columns)) == ["left = clock(minutes(planned) + delay)"]


def test_midnight_is_2400_where_it_is_written_so(rng):
    minutes = rng.integers(1, 1_441, N)
    late = (minutes + 7 * np.arange(N)) % 1_440
    late[late == 0] = 1_440
    columns = columns_of(
        a=minutes // 60 * 100 + minutes % 60, b=late // 60 * 100 + late % 60, c=7 * np.arange(N)
    )
    assert texts(find_clocks(columns)) == ["b = clock24(minutes(a) + c)"]


def days(rng, n=3 * N):
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1_400, n), "D"))


def test_days_that_exist(rng):
    day = days(rng)
    columns = columns_of(y=day.dt.year, m=day.dt.month, d=day.dt.day, x=rng.random(len(day)))
    (found,) = find_dates(columns)
    assert found.rule.text == "is_date(y, m, d)"
    # 29 of 366 days in February with 18 of 366 behind the 29th, 120 with 7 of 366: 1 % of 3,000
    assert found.evidence == pytest.approx(31, rel=0.25)
    leap = day[day.dt.year == 2020].reset_index(drop=True)
    built = rng.integers(1900, 2000, len(leap))  # another year
    assert texts(find_dates(columns_of(built=built, m=leap.dt.month, d=leap.dt.day))) == []
    many = columns_of(
        built=np.tile(built, 4), m=np.tile(leap.dt.month, 4), d=np.tile(leap.dt.day, 4)
    )
    assert texts(find_dates(many)) == ["is_date(2024, m, d)"]
    wrong = columns_of(y=day.dt.year, m=day.dt.month, d=rng.permutation(day.dt.day))
    assert find_dates(wrong) == []


def test_a_stamp_is_put_together_from_its_parts(rng):
    stamp = days(rng) + pd.to_timedelta(rng.integers(0, 24, 3 * N), "h")
    parts = {"y": stamp.dt.year, "m": stamp.dt.month, "d": stamp.dt.day, "h": stamp.dt.hour}
    assert texts(find_dates(columns_of(stamp=stamp, **parts))) == [
        "stamp = date(y, m, d) + h / 24",
        "is_date(y, m, d)",
    ]
    one_year = columns_of(when=stamp.where(stamp.dt.year == 2021).dropna().reset_index(drop=True))
    when = pd.Series(one_year.table["when"])
    columns = columns_of(when=when, m=when.dt.month, d=when.dt.day, h=when.dt.hour)
    assert texts(find_dates(columns))[0] == "when = date(2021, m, d) + h / 24"


def test_a_part_of_a_date_alone_is_given_by_it(rng):
    stamp = days(rng) + pd.to_timedelta(rng.integers(0, 1_440, 3 * N), "min")
    assert texts(find_dates(columns_of(stamp=stamp, month=stamp.dt.month))) == [
        "month = month(stamp)"
    ]


def test_a_column_that_two_others_decide(rng):
    origin, dest = rng.integers(0, 3, N), rng.integers(0, 12, N)
    km = 100 * rng.integers(1, 15, (3, 12))
    columns = columns_of(
        origin=np.array([*"abc"])[origin], dest=np.array([*"abcdefghijkl"])[dest],
        km=km[origin, dest], x=rng.integers(0, 9, N),
    )  # fmt: skip
    (found,) = find_decided(columns)
    assert found.rule.text == "follows(km, origin, dest)"
    assert len(found.rule.rows) == 36
    assert found.evidence > 50
    assert find_decided(columns, but=["km"]) == []


def test_a_column_that_three_others_decide(rng):
    a, b, c = (rng.integers(0, 4, 5 * N) for _ in range(3))
    columns = columns_of(a=a, b=b, c=c, y=rng.integers(0, 5, (4, 4, 4))[a, b, c])
    assert texts(find_decided(columns)) == ["follows(y, a, b, c)"]


def test_what_one_column_decides_or_nearly_decides_is_not_decided_by_two(rng):
    a, b = rng.integers(0, 5, N), rng.integers(0, 40, N)
    assert find_decided(columns_of(a=a, b=b, y=a * 7)) == []
    nearly = np.where(np.arange(N) % 250 == 0, 99, a * 7)  # four rows that any b may explain
    assert find_decided(columns_of(a=a, b=b, y=nearly)) == []


def test_decided_values_of_pairs_never_seen_are_those_of_the_commonest_near_them():
    columns = columns_of(
        origin=["a", "a", "b", "b", "b"], dest=["x", "y", "x", "x", "x"], km=[1, 2, 3, 3, 3]
    )
    from tabgan.tables.constraints.groups import Follows

    rule = Follows("km", ("origin", "dest")).fitted(columns)
    assert rule.rows == ((3.0, "b", "x"), (1.0, "a", "x"), (2.0, "a", "y"))
    requested = columns_of(origin=["a", "b", "b", "a"], dest=["x", "y", "x", "y"], km=[1, 2, 9, 9])
    assert rule.decided(requested).tolist() == [1, 3, 3, 2]  # b, y is new: the commonest of b
    assert rule.kept(requested).tolist() == [True, True, False, False]


def test_numbers_that_are_the_same_on_some_rows(rng):
    lot = rng.integers(500, 20_000, N)
    mean = np.where(rng.random(N) < 0.21, lot, rng.integers(500, 20_000, N))
    (found,) = find_equalities(columns_of(lot=lot, mean=mean, rooms=rng.integers(1, 9, N)))
    assert found == Equal("lot", "mean", (lot == mean).mean(), found.by_chance)
    assert found.share == pytest.approx(0.21, abs=0.03)
    assert found.by_chance < 0.001


def test_found_rules_are_kept_by_every_row_and_read_again(rng):
    from tabgan.tables.constraints.constraints import Constraints

    origin, dest = rng.integers(0, 3, N), rng.integers(0, 12, N)
    online = rng.random(N) < 0.7
    columns = columns_of(
        origin=np.array([*"abc"])[origin], dest=dest,
        km=rng.integers(1, 15, (3, 12))[origin, dest],
        online=np.where(online, "it's on", "off"), speed=pd.Series(rng.random(N)).where(online),
    )  # fmt: skip
    found = Constraints(tuple(one.rule for one in find_rules(columns)))
    assert len(found) == 2
    assert found.kept_each(columns).all()
    again = Constraints.of_plain(found.plain())
    assert again == found
    Constraints.read([rule.text for rule in found], columns.schema)


def test_what_a_part_of_a_large_table_keeps_is_looked_up_in_all_of_it(rng, monkeypatch):
    from tabgan.tables.constraints.finding import rules

    monkeypatch.setattr(rules, "LOOKED_AT", 500)
    a = rng.random(N)
    b = a + rng.random(N)
    columns = columns_of(a=a, b=b)
    assert texts(find_rules(columns)) == ["a <= b"]
    every_second = np.linspace(0, N - 1, 500).astype(int)
    (row,) = np.setdiff1d(np.arange(N), every_second)[:1]
    b[row] = a[row] - 1
    assert find_rules(columns_of(a=a, b=b)) == []
