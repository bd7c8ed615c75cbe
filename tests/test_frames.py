"""DataFrames of every kind: what TableGAN makes of them, and gives back."""

import datetime
import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tabgan import TabganError, TableGAN

pytestmark = pytest.mark.slow

N = 240
QUICK = {
    "model.generator.hidden_dim": 16,
    "model.critic.hidden_dims": [16],
    "model.noise_dim": 8,
    "data.batch_size": 50,
    "trainer.max_epochs": 2,
    "refiner.rounds": 0,
    "logger": "none",
    "callbacks": "report",
}


def customers():
    """Row i: charges in text, blank in every 40th row; dollars, a date, two columns of nothing."""
    days = pd.date_range("2020-01-01", periods=N)
    return pd.DataFrame(
        {
            "empty": [None] * N,
            "charges": [" " if i % 40 == 7 else f"{i / 4:.2f}" for i in range(N)],
            "pay": [f"${1_000 * (i % 60) + 500:,.2f}" for i in range(N)],
            "since": [day.strftime("%d.%m.%Y") for day in days],
            "opens": [datetime.time(7 + i % 4, 30) for i in range(N)],
            "flag": pd.arrays.SparseArray([int(i % 10 == 0) for i in range(N)], fill_value=0),
            "never": np.full(N, np.nan),
            "member": ["no", "yes"] * (N // 2),
        }
    )


@pytest.fixture(scope="module")
def fitted():
    """Fitted to ``customers``, and what was warned of; shared, so a test only looks at it."""
    with pytest.warns(UserWarning, match="dropped") as caught:
        gan = TableGAN(overrides=QUICK).fit(customers(), target="member")
    return gan, caught


def test_dropped_columns_are_named_together_in_a_warning_that_points_here(fitted):
    _, caught = fitted
    assert [str(one.message) for one in caught] == [
        "columns without a value in the training rows, dropped: ['empty', 'never']"
    ]
    assert caught[0].filename == __file__


def test_numbers_dates_and_times_in_text_come_back_in_their_form(fitted):
    rows = fitted[0].sample(50)
    assert rows["charges"].str.fullmatch(r"\d+\.\d\d| ").all()
    assert rows["pay"].str.fullmatch(r"\$(\d{1,2},)?\d00\.\d\d").all()
    days = pd.to_datetime(rows["since"], format="%d.%m.%Y")
    assert days.between("2020-01-01", "2020-08-27").all()
    assert {type(one) for one in rows["opens"]} == {datetime.time}
    assert rows["flag"].dtype == customers()["flag"].dtype


def test_dropped_columns_are_left_out_or_come_back_empty_in_their_place(fitted):
    gan, _ = fitted
    names = list(customers())
    assert list(gan.sample(3)) == [n for n in names if n not in ("empty", "never")]
    rows = gan.sample(3, dropped="empty")
    assert list(rows) == names
    assert rows[["empty", "never"]].isna().all(axis=None)
    assert rows.drop(columns=["empty", "never"]).equals(gan.sample(3))
    with pytest.raises(TabganError, match=r"dropped=keep: expected one of \['leave', 'empty'\]"):
        gan.sample(3, dropped="keep")


def test_blanks_are_filled_and_can_be_asked_for(fitted):
    gan, _ = fitted
    filled = gan.impute(customers())
    assert filled["charges"].str.fullmatch(r"\d+\.\d\d").all()
    assert (gan.sample(5, where={"charges": None})["charges"] == " ").all()
    assert gan.sample(5, where={"pay": "$5,500.00"})["pay"].unique().tolist() == ["$5,500.00"]


def test_rows_to_evaluate_may_come_in_the_same_form(fitted):
    assert 0 <= fitted[0].evaluate(customers().iloc[::2], n=100)["wnmis"] <= 1


def plain():
    """240 rows of pandas' everyday dtypes, two in the dtypes of their own."""
    return pd.DataFrame(
        {
            "age": [22, 35, 58, 41] * (N // 4),
            "job": ["cook", "clerk", None] * (N // 3),
            "pay": np.arange(N) / 4,
            "born": pd.date_range("1950-01-01", periods=N),
            "member": [True, False] * (N // 2),
        }
    )


def arrow_table():
    table = pa.Table.from_pandas(plain(), preserve_index=False).replace_schema_metadata(None)
    return table.cast(
        table.schema.set(0, pa.field("age", pa.int16())).set(3, pa.field("born", pa.date32()))
    )


def test_an_arrow_table_is_learned_and_given_back():
    table = arrow_table()
    gan = TableGAN(overrides=QUICK).fit(table, target="member")
    rows = gan.sample(20)
    assert isinstance(rows, pa.Table)
    assert rows.schema == table.schema
    assert pickle.loads(pickle.dumps(gan)).sample(20).equals(rows)
    (filled,) = gan.impute(table, 2)[:1]
    assert filled.column("job").null_count == 0
    assert filled.drop(["job"]).equals(table.drop(["job"]))
    assert gan.sample(like=table.slice(0, 2).select(["age"])).column("age").to_pylist() == [22, 35]


def test_a_record_batch_is_a_table():
    (batch,) = arrow_table().to_batches()
    assert isinstance(TableGAN(overrides=QUICK).fit(batch).sample(2), pa.Table)


def test_a_polars_table_is_learned_and_given_back():
    polars = pytest.importorskip("polars")
    table = polars.from_arrow(arrow_table())
    gan = TableGAN(overrides=QUICK).fit(table.lazy(), target="member")
    rows = gan.sample(20)
    assert isinstance(rows, polars.DataFrame)
    assert rows.schema == table.schema
    assert gan.impute(table)["job"].null_count() == 0


@pytest.mark.parametrize("other", [{"a": [1, 2]}, [[1, 2]], np.ones((3, 2)), pd.Series([1, 2])])
def test_what_is_no_table_is_refused(other):
    with pytest.raises(TabganError, match="expected a DataFrame or a path, got"):
        TableGAN().fit(other)


def test_far_dates_of_python_are_learned():
    ends = [
        datetime.date(9999, 12, 31) if i % 3 else datetime.date(2021, 1, 1 + i % 28)
        for i in range(N)
    ]
    table = plain().assign(ends=pd.Series(ends, dtype=object))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = TableGAN(overrides=QUICK).fit(table).sample(60)
    assert datetime.date(9999, 12, 31) in set(rows["ends"])
    assert {one.year for one in rows["ends"]} == {2021, 9999}
