"""Columns of very many values: regenerated, grouped or dropped, and named."""

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.atoms import AtomsEncoder, common_levels
from tabgan.encoding.identifying import is_running_number
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.report.reading import compared
from tabgan.tables.profile import infer_schema

N = 600


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def fitted(columns, *, many="auto", target=None, nominal="onehot"):
    frame = pd.DataFrame({"x": np.sin(np.arange(len(next(iter(columns.values())))))} | columns)
    schema = infer_schema(frame, name="t", target=target)
    table = schema.conform(frame)
    encoder = TableEncoder(
        schema,
        nominal=nominal,
        numeric="quantile_normal",
        levels=128,
        derive=True,
        conditional=True,
        many=many,
    )
    return encoder.fit(table), table


def there_and_back(encoder, table, **first_row):
    return encoder.decode(encoder.encode(table), encoder.encode_condition(table), **first_row)


def zipf(rng, n_levels, n_rows=20_000):
    """Texts of which level i is about 1 / i as frequent as the first."""
    shares = 1 / np.arange(1, n_levels + 1)
    return np.array([f"L{i:05d}" for i in rng.choice(n_levels, n_rows, p=shares / shares.sum())])


def test_a_number_that_counts_the_rows_goes_on_where_training_ends(rng):
    encoder, table = fitted({"id": rng.permutation(N) + 1_000})
    assert encoder.encodings_["id"] == "key"
    assert encoder.notes_ == [
        "column 'id' numbers the rows: new ones are made up (encoder.many=keep, or the kind "
        "numeric in a schema file, learns it)"
    ]
    assert compared(encoder.schema_) == ["x"]  # no metric looks at an id
    decoded = there_and_back(encoder, table, first_row=50)
    assert decoded["id"].tolist() == list(range(1_650, 1_650 + N))  # 1,599 is the largest


def test_dates_and_numbers_that_stay_text_are_named_with_what_would_let_them_be_learned():
    days = pd.date_range("2020-01-01", periods=N)
    days = [
        day.strftime(form) for day, form in zip(days, ["%Y/%m/%d", "%d.%m.%Y"] * N, strict=False)
    ]
    encoder, _ = fitted({"day": days, "rate": ["1,5", "2", "3,25"] * (N // 3)})
    assert encoder.encodings_ == {"x": "quantile_normal", "day": "key", "rate": "onehot"}
    first, second = encoder.notes_
    assert first == (
        "column 'day' is text without repetition: new ones are made up (the kind nominal in a "
        "schema file keeps its texts); it looks like dates such "
        "as '2020/01/01', learned as dates where all have one form"
    )
    assert second == (
        "column 'rate' is nominal; it looks like numbers with separators such as '1,5', learned "
        "as numbers where many have one form"
    )


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.arange(N) * 7 % N // 2, id="repeated"),
        pytest.param(np.arange(N) * 3, id="sparse"),  # a third of its range
        pytest.param(np.arange(99), id="few"),
        pytest.param(np.array([*range(N - 1), np.nan]), id="missing"),
    ],
)
def test_a_number_that_may_be_a_measure_is_no_id(values):
    assert not is_running_number(values.astype(float))


def test_a_float_and_the_target_are_never_ids():
    encoder, _ = fitted({"t": np.arange(N), "f": np.cos(np.arange(N)) * N}, target="t")
    assert encoder.encodings_["t"] == encoder.encodings_["f"] == "quantile_normal"


def test_numbered_texts_go_on_in_their_form():
    encoder, table = fitted({"code": [f"EU-{i:04d}/x" for i in range(1, N + 1)]})
    decoded = there_and_back(encoder, table)
    assert decoded["code"].iloc[[0, -1]].tolist() == ["EU-0601/x", "EU-1200/x"]


def test_other_texts_without_repetition_are_numbered(rng):
    letters = np.array([*"abcdefghij"])
    who = ["".join(rng.choice(letters, rng.integers(3, 30))) + f" {i} son" for i in range(N)]
    encoder, table = fitted({"who": who})
    assert there_and_back(encoder, table)["who"].iloc[0] == "who-000000001"


def test_a_column_of_ten_thousand_levels_is_narrow_and_every_level_comes_back(rng):
    values = zipf(rng, 10_000)
    encoder, table = fitted({"shop": values})
    assert encoder.encodings_["shop"] == "grouped"
    assert 64 < sum(block.width for block in encoder.layout_.of("shop")) <= 257
    pd.testing.assert_series_equal(there_and_back(encoder, table)["shop"], table["shop"])


def test_rare_levels_are_drawn_with_their_training_shares(rng):
    codes = np.concatenate([np.repeat([7.0, 9.0], 500), np.repeat(np.arange(100.0, 110), 5)])
    encoder = AtomsEncoder(common_levels).fit(codes)
    assert encoder.atoms_.tolist() == [7, 9]
    rows = np.zeros((20_000, 4), np.float32)
    rows[:, 0], rows[:, 3] = rng.standard_normal(20_000), 1  # all in the place of the rare
    levels, counts = np.unique(encoder.decode(rows), return_counts=True)
    assert levels.tolist() == list(range(100, 110))
    assert counts / 20_000 == pytest.approx(np.full(10, 0.1), abs=0.01)  # 4 standard errors


def test_levels_of_ten_rows_have_a_place_but_never_all_of_them():
    assert common_levels(np.repeat([1.0, 2, 3], [10, 9, 30])).tolist() == [1, 3]
    assert common_levels(np.repeat([1.0, 2, 3], [10, 20, 30])).tolist() == [2, 3]
    assert len(common_levels(np.repeat(np.arange(400.0), 10))) == 255


def test_a_grouped_column_may_miss_values_and_meet_unknown_ones(rng):
    values = zipf(rng, 3_000).astype(object)
    values[::7] = None
    encoder, table = fitted({"shop": values})
    strange = table.assign(shop=table["shop"].where(table["shop"] != "L00000", "M"))
    assert there_and_back(encoder, strange)["shop"].isna().sum() == table["shop"].isna().sum()


def test_mostly_different_text_is_dropped_and_named(rng):
    encoder, _ = fitted({"note": [f"note {i}" for i in rng.integers(0, N, N)]})
    assert "note" not in encoder.schema_.names
    (note,) = encoder.notes_
    assert note.endswith("distinct values: dropped (declare it nominal in the schema to keep it)")


def test_a_target_of_too_many_classes_is_a_column_and_no_condition(rng):
    encoder, _ = fitted({"shop": pd.Categorical(zipf(rng, 1_000))}, target="shop")
    assert encoder.condition_width == 0
    assert encoder.encodings_["shop"] == "grouped"


def test_a_constant_of_many_declared_categories_needs_no_place():
    labels = pd.Categorical(["a"] * N, categories=["a", *(f"b{i}" for i in range(500))])
    encoder, table = fitted({"only": labels, "text": ["same"] * N})
    assert not encoder.layout_.of("only")
    assert set(there_and_back(encoder, table)["only"]) == {"a"}


def test_drop_drops_them_all(rng):
    columns = {"id": np.arange(20_000), "shop": pd.Categorical(zipf(rng, 1_000))}
    encoder, _ = fitted(columns | {"text": zipf(rng, 2_000)}, many="drop")
    assert encoder.schema_.names == ("x",)
    assert len(encoder.notes_) == 3


def test_keep_gives_each_category_a_place_and_learns_numbers(rng):
    columns = {"id": np.arange(20_000), "shop": pd.Categorical(zipf(rng, 1_000))}
    encoder, _ = fitted(columns, many="keep")
    assert encoder.encodings_["shop"] == "onehot"
    assert encoder.encodings_["id"] == "quantile_normal"


def test_an_encoder_read_back_makes_the_same_ids_and_texts(rng, tmp_path):
    encoder, table = fitted({"id": np.arange(20_000), "shop": zipf(rng, 5_000)})
    encoder.save(tmp_path)
    again = TableEncoder.load(tmp_path)
    pd.testing.assert_frame_equal(there_and_back(again, table), there_and_back(encoder, table))


def test_an_unknown_choice_is_refused():
    with pytest.raises(TabganError, match=r"encoder.many=all: expected one of \['auto', 'drop'"):
        fitted({"y": np.arange(9)}, many="all")


def test_whole_numbers_that_float64_cannot_tell_apart_are_named(rng):
    encoder, _ = fitted({"volume": 2**60 * rng.integers(-3, 4, size=N)})
    (note,) = encoder.notes_
    assert note.startswith("column 'volume' has whole numbers beyond 2**53")
