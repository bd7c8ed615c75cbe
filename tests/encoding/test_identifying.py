"""Which columns are ids, and which measures are none although all their values differ."""

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.identifying import identifying, is_id_name
from tabgan.encoding.keys import FormedKey, RunningKey
from tabgan.encoding.table import TableEncoder
from tabgan.tables.profile import infer_schema
from tabgan.tables.schema import Column

N = 400


def why(name, values, kind=None, **more):
    values = pd.Series(values, name=name)
    kind = kind or ("integer" if pd.api.types.is_integer_dtype(values.dtype) else "string")
    found = identifying(Column(name=name, kind=kind, **more), values)
    return None if found is None else found.why


@pytest.mark.parametrize(
    "name",
    ["id", "ID", "customer_id", "CustomerID", "custid", "account", "account_no", "accountNumber",
     "iban", "phone", "Phone 2", "docno", "pupilNR", "HorseID", "id_str", "patient.id", "bib_num",
     "obs_number", "SSN", "passport_no", "seqn", "rownames"],
)  # fmt: skip
def test_names_of_ids(name):
    assert is_id_name(name)


@pytest.mark.parametrize(
    "name",
    ["price", "population", "paid", "bid", "acid", "humidity", "account_balance", "phone_calls",
     "order_total", "number", "total_number", "year", "income", "id_count", "customers", "void",
     "orders", "grid", "covid", "loan", "expenditure", ""],
)  # fmt: skip
def test_names_of_measures(name):
    assert not is_id_name(name)


def test_account_numbers_are_ids_by_their_length_whatever_they_are_called(rng):
    accounts = rng.choice(9 * 10**9, N, replace=False) + 10**9
    assert why("a", accounts) == (
        "holds numbers as long as those of accounts (400 of 400 whole numbers differ)"
    )


def test_short_ids_with_gaps_are_told_by_their_name_alone(rng):
    values = rng.choice(50_000, N, replace=False)
    assert why("customer_id", values).startswith("holds ids, as its name says (400 of 400")
    assert why("metres", values) is None


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("population", lambda rng: rng.lognormal(13, 2.5, N).astype(int)),
        ("price", lambda rng: rng.lognormal(12, 0.4, N).astype(int)),
        ("turnover", lambda rng: rng.lognormal(20, 1, N).astype(int)),
        ("easting", lambda rng: rng.choice(800_000, N, replace=False) + 100_000),
        ("time", lambda rng: 1_600_000_000 + rng.choice(10**7, N, replace=False)),
        ("stamp", lambda rng: 1_600_000_000_000 + rng.choice(10**10, N, replace=False)),
        ("when", lambda rng: [20_000_101 + 10_000 * (i % 60) + 100 * (i // 60) for i in range(N)]),
        ("year", lambda rng: np.arange(1_500, 1_500 + N)),
        ("balance", lambda rng: rng.choice(10**7, N, replace=False) - 5 * 10**6),
    ],
)
def test_measures_that_happen_to_be_unique_are_measures(name, make, rng):
    assert why(name, make(rng)) is None


def test_numbers_with_decimals_are_measures_even_if_called_ids(rng):
    assert why("id", rng.random(N), kind="numeric") is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"anna.{i}@firm{i % 7}.ch" for i in range(100)], "holds e-mail addresses"),
        (["ANNA@x.org", "bert@y.co.uk"] * 60, "holds e-mail addresses"),  # however often
        ([f"+41 79 555 {i:02d} {i % 7}3" for i in range(90)] * 2, "holds telephone numbers"),
        ([f"CH93 0076 2011 6238 5{i:03d} 7" for i in range(90)], "holds bank accounts (IBAN)"),
        ([f"{i:08x}-0000-4000-8000-0123456789ab" for i in range(90)], "holds UUIDs"),
        ([f"a{i * 7919:031x}" for i in range(1, 90)], "holds hexadecimal digests"),
        ([f"EU-{i:04d}" for i in range(90)], "is text without repetition"),
        (["red", "green", "blue"] * 40, None),
    ],
)
def test_texts_that_point_at_somebody(texts, expected):
    assert why("text", texts) == expected


def test_running_numbers_run_on_and_others_keep_their_form(rng):
    def key_of(values):
        values = pd.Series(values, name="id")
        kind = "integer" if values.dtype == np.int64 else "string"
        return type(identifying(Column(name="id", kind=kind), values).key)

    assert key_of(rng.permutation(N)) is RunningKey
    assert key_of([f"C-{i:05d}" for i in range(N)]) is RunningKey
    assert key_of(10**6 + 17 * np.arange(N)) is FormedKey
    assert key_of([f"C-{i:08d}" for i in rng.choice(10**8, N, replace=False)]) is FormedKey


def test_remarks_that_some_rows_have_are_no_ids(rng):
    letters = np.array([*"abcdefghij klmnop "])
    remarks = ["".join(rng.choice(letters, rng.integers(5, 60))) for _ in range(N)]
    assert why("remark", remarks) == "is text without repetition"  # nothing to lose
    assert why("remark", [*remarks[:-100], *[None] * 100]) is None


def test_a_schema_may_declare_a_key(rng):
    values = rng.integers(0, 300, N)
    assert why("shop", values) is None
    assert why("shop", values, key=True) == "is declared a key"


def encoded(frame, **more):
    schema = infer_schema(frame, name="t")
    table = schema.conform(frame)
    keys = {"nominal": "onehot", "numeric": "quantile_normal", "levels": 128, "derive": True,
            "conditional": True} | more  # fmt: skip
    return TableEncoder(schema, **keys).fit(table), table


@pytest.mark.parametrize("many", ["auto", "keep"])
def test_ids_that_some_rows_lack_are_lacking_in_as_many(rng, many):
    phones = pd.Series([f"+41 79 {n:07d}" for n in rng.choice(10**7, N, replace=False)])
    frame = pd.DataFrame(
        {
            "x": rng.random(N),
            "phone": phones.where(np.arange(N) % 4 > 0),
            "account": pd.array(rng.choice(10**9, N) + 10**9, dtype="Int64"),
        }
    )
    frame.loc[::5, "account"] = pd.NA
    encoder, table = encoded(frame, many=many)
    assert encoder.encodings_["phone"] == "key"
    decoded = encoder.decode(encoder.encode(table), encoder.encode_condition(table))
    pd.testing.assert_series_equal(decoded["phone"].isna(), table["phone"].isna())
    assert not decoded["phone"].dropna().isin(table["phone"].dropna()).any()
    assert decoded["account"].dtype == "Int64"
    assert (encoder.encodings_["account"] == "key") == (many == "auto")
    pd.testing.assert_series_equal(decoded["account"].isna(), table["account"].isna())
    codes = encoder.decode_numbers(encoder.encode_coded(table), encoder.encode_condition(table))
    pd.testing.assert_frame_equal(encoder.to_table(codes), decoded)


def test_a_model_file_holds_no_training_id(rng, tmp_path):
    frame = pd.DataFrame(
        {
            "x": rng.random(N),
            "account": rng.choice(9 * 10**9, N, replace=False) + 10**9,
            "mail": [f"person{i}@mail{i % 9}.ch" for i in range(N)],
        }
    )
    encoder, _ = encoded(frame)
    encoder.save(tmp_path)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for name in ("account", "mail"):
        assert not any(str(value).encode() in content for value in frame[name])
    arrays = np.load(tmp_path / "arrays.npz")
    assert not any(np.isin(frame["account"], arrays[name]).any() for name in arrays)
    again = TableEncoder.load(tmp_path)
    numbers = np.zeros((50, 3))
    pd.testing.assert_frame_equal(
        again.to_table(numbers, key_seed=4), encoder.to_table(numbers, key_seed=4)
    )
    mails = again.to_table(numbers)["mail"]
    assert mails.str.fullmatch(r"[a-z]+\d\d@example\.(com|net|org)").all()


def test_notes_say_what_became_of_an_id_and_how_to_keep_it(rng):
    frame = pd.DataFrame({"x": rng.random(N), "customer": rng.choice(90_000, N, replace=False)})
    frame["customer"] += 10_000
    (note,) = encoded(frame)[0].notes_
    assert note == (
        "column 'customer' holds ids, as its name says (400 of 400 whole numbers differ): "
        "new ones are made up (encoder.many=keep, or the kind numeric in a schema file, learns "
        "it); their form is [1-9][0-9]{4}; none is of this table, but somebody who is not in it "
        "may have one"
    )


def test_categories_that_point_at_somebody_are_named():
    frame = pd.DataFrame({"mail": ["a@b.ch", "c@d.ch"] * 50, "x": np.arange(100) / 7})
    (note,) = encoded(frame)[0].notes_
    assert note == (
        "column 'mail' is nominal; it holds e-mail addresses, which come back as they are; "
        "data.drop=[mail] leaves it out, and the kind string in a schema file makes new ones"
    )
