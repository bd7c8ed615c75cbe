"""Tables to rows and back."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.choice import BLOCKS, NOMINALS, SCALARS
from tabgan.encoding.state import save_state
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.tables.schema import Column, TableSchema


def encoder_of(
    schema, nominal="onehot", numeric="standard", conditional=True, levels=0, derive=False
):
    return TableEncoder(
        schema,
        nominal=nominal,
        numeric=numeric,
        levels=levels,
        derive=derive,
        conditional=conditional,
    )


@pytest.mark.parametrize("nominal", NOMINALS)
@pytest.mark.parametrize("numeric", SCALARS)
@pytest.mark.parametrize("conditional", [True, False])
def test_decode_undoes_encode(schema, table, nominal, numeric, conditional):
    encoder = encoder_of(schema, nominal, numeric, conditional).fit(table)
    decoded = encoder.decode(encoder.encode(table), encoder.encode_condition(table))
    expected = table.assign(name=[f"name-{row:09d}" for row in range(1, 7)])
    pd.testing.assert_frame_equal(decoded, expected, rtol=1e-6)


@pytest.mark.parametrize("numeric", [*SCALARS, *BLOCKS])
def test_an_encoder_read_back_decodes_the_same(schema, table, numeric, tmp_path):
    encoder = encoder_of(schema, numeric=numeric).fit(table)
    encoder.save(tmp_path)
    again = TableEncoder.load(tmp_path)
    rows, condition = encoder.encode(table), encoder.encode_condition(table)
    np.testing.assert_array_equal(again.encode(table), rows)
    pd.testing.assert_frame_equal(again.decode(rows, condition), encoder.decode(rows, condition))
    assert again.layout_ == encoder.layout_


def test_a_row_holds_scalars_indicators_and_one_hots_but_not_the_class(schema, table):
    layout = encoder_of(schema).fit(table).layout_
    # age: scalar + (known, missing); weight: scalar; colour: 2 + missing; born: scalar; legs: none
    widths = [(block.column, block.kind, block.width) for block in layout.blocks]
    assert widths == [
        ("age", "continuous", 1),
        ("age", "discrete", 2),
        ("weight", "continuous", 1),
        ("colour", "discrete", 3),
        ("born", "continuous", 1),
    ]
    assert layout.width == 1 + 2 + 1 + 3 + 1


def test_the_report_encodes_one_scalar_a_column(schema, table):
    complete = schema.without(["age", "name", "legs"])
    encoder = encoder_of(complete, nominal="label").fit(table)
    assert [block.kind for block in encoder.layout_.blocks] == ["continuous"] * 3


def test_a_count_is_categories_where_its_values_repeat(schema, table):
    many = pd.concat([table] * 10, ignore_index=True)  # weight: 5 values, 60 rows
    few = many.head(48)  # under 10 a value
    chosen = [encoder_of(schema, levels=128).fit(rows).encodings_["weight"] for rows in (many, few)]
    assert chosen == ["levels", "standard"]


def test_a_column_that_another_decides_is_put_back_exactly(schema, table, tmp_path):
    many = pd.concat([table] * 20, ignore_index=True)
    many["legs"] = many["colour"].map({"red": 3, "white": 4}).astype("float").fillna(5).astype(int)
    encoder = encoder_of(schema, levels=128, derive=True).fit(many)
    encoder.save(tmp_path)
    assert encoder.encodings_["legs"] == "derived"
    assert not encoder.layout_.of("legs")
    rows, condition = encoder.encode(many), encoder.encode_condition(many)
    for either in (encoder, TableEncoder.load(tmp_path)):
        assert either.decode(rows, condition)["legs"].tolist() == many["legs"].tolist()


def test_the_callers_table_is_unchanged(schema, table):
    before = table.copy(deep=True)
    encoder_of(schema).fit(table).encode(table)
    pd.testing.assert_frame_equal(table, before)


def test_rows_that_were_not_fitted_do_not_move_the_ranges(schema, table):
    encoder = encoder_of(schema).fit(table.head(4))
    encoder.encode(table)
    assert encoder.ranges_["weight"] == (0.25, 3.14)


def test_decoded_numbers_stay_inside_the_training_range(schema, table):
    encoder = encoder_of(schema).fit(table)
    wild = np.full((2, encoder.layout_.width), 50.0, np.float32)
    decoded = encoder.decode(wild, np.eye(2, dtype=np.float32))
    assert decoded["weight"].tolist() == [8.0, 8.0]


def test_integers_come_back_as_integers_and_decimals_as_in_training(schema, table):
    encoder = encoder_of(schema, numeric="standard").fit(table)
    rows = encoder.encode(table) + 0.01
    decoded = encoder.decode(rows, encoder.encode_condition(table))
    assert str(decoded["age"].dtype) == "Int64"
    assert all(len(str(weight).partition(".")[2]) <= 2 for weight in decoded["weight"])


def test_missing_rates_are_kept_per_class(schema, table):
    rates = encoder_of(schema).fit(table).missing_rates_
    assert rates["all"] == {"age": 1 / 6, "colour": 1 / 6}
    assert rates["dog"] == {"age": 1 / 2, "colour": 1 / 2}  # one of Bo and Di
    assert rates["cat"] == {"age": 0, "colour": 0}


def test_a_constant_date_and_a_constant_category_come_back():
    schema = TableSchema(
        name="t",
        columns=(
            Column(name="day", kind="date"),
            Column(name="only", kind="nominal", categories=("a", "b")),
            Column(name="x", kind="numeric"),
        ),
    )
    table = schema.conform(pd.DataFrame({"day": "2021-05-06", "only": "b", "x": [1.0, 2.0]}))
    encoder = encoder_of(schema).fit(table)
    assert encoder.layout_.width == 1
    decoded = encoder.decode(np.zeros((2, 1), np.float32), np.empty((2, 0), np.float32))
    assert decoded["only"].tolist() == ["b", "b"]
    assert (decoded["day"] == pd.Timestamp("2021-05-06")).all()


def test_a_table_that_never_varies_is_refused(schema, table):
    flat = schema.without(["name", "kind"])
    still = pd.concat([table.head(1)] * 3, ignore_index=True)
    with pytest.raises(TabganError, match="'pets': no column varies, there is nothing to learn"):
        encoder_of(flat).fit(still)


def test_an_unknown_encoding_is_refused_by_name(schema):
    with pytest.raises(TabganError, match=r"expected nominal of \['onehot', 'label'\].*'onehott'"):
        encoder_of(schema, nominal="onehott")


def test_the_condition_counts_the_classes(schema, table):
    encoder = encoder_of(schema).fit(table)
    assert encoder.class_counts_.tolist() == [4, 2]
    assert encoder.encode_condition(table).argmax(axis=1).tolist() == [0, 1, 0, 1, 0, 0]


def test_a_numeric_target_is_a_column_like_any_other(schema, table):
    encoder = encoder_of(schema.with_target("weight")).fit(table)
    assert encoder.condition_width == 0
    assert encoder.layout_.of("weight")


def test_numbers_of_a_table_are_the_numbers_of_its_rows(schema, table):
    encoder = encoder_of(schema, numeric="quantile_normal").fit(table)
    rows, condition = encoder.encode(table), encoder.encode_condition(table)
    numbers = encoder.decode_numbers(rows, condition)
    np.testing.assert_array_equal(encoder.numbers(table), numbers)
    assert numbers[0, 1] == 0.25
    assert np.isnan(numbers[1, 2])  # Bo has no colour


def test_masked_cells_have_no_place_and_are_missing_cells_that_come_back_filled(schema, table):
    masked = TableEncoder(
        schema, nominal="onehot", numeric="standard", levels=0, derive=False, conditional=True,
        missing="masked",
    ).fit(table)  # fmt: skip
    widths = [(block.column, block.width) for block in masked.layout_.blocks]
    assert widths == [("age", 1), ("weight", 1), ("colour", 2), ("born", 1)]
    rows = masked.encode(table)
    assert np.argwhere(np.isnan(rows)).tolist() == [[1, 0], [1, 2], [1, 3]]  # Bo's age and colour
    whole = TableEncoder(
        schema, nominal="onehot", numeric="standard", levels=0, derive=False, conditional=True
    ).fit(table)  # fmt: skip
    known = table["age"].notna().to_numpy()
    ages = [e.encode(table)[known, 0].tolist() for e in (masked, whole)]
    assert ages[0] == ages[1]  # mean and deviation are those of known cells
    decoded = masked.decode(np.nan_to_num(rows), masked.encode_condition(table))
    assert not decoded.isna().any().any()


def test_a_missing_cell_is_filled_by_the_column_that_it_decides(schema, table):
    many = pd.concat([table] * 20, ignore_index=True)
    many["legs"] = many["colour"].map({"red": 3, "white": 4}).astype("float").fillna(4).astype(int)
    many["legs"] = many["legs"].where(many["colour"].notna())
    many["age"] = np.arange(120) % 7  # else age decides the colour
    many.loc[0, "colour"] = None  # red, and its legs say so
    wide = replace(schema, columns=tuple(replace(c, missing=True) for c in schema.columns))
    masked = TableEncoder(
        wide, nominal="onehot", numeric="standard", levels=128, derive=True, conditional=True,
        missing="masked",
    ).fit(wide.conform(many))  # fmt: skip
    assert masked.encodings_["legs"] == "derived"
    span = masked.layout_.of("colour")[0].span
    rows = masked.encode(wide.conform(many))
    assert rows[0, span].tolist() == [1, 0]
    assert np.isnan(rows[1, span]).all()  # of Bo neither is known


def test_a_way_with_missing_cells_that_nobody_knows_is_refused(schema):
    with pytest.raises(TabganError, match=r"encoder.missing=gap: expected one of \['category'"):
        TableEncoder(
            schema, nominal="onehot", numeric="standard", levels=0, derive=False,
            conditional=True, missing="gap",
        )  # fmt: skip


def test_another_state_in_an_encoders_place_is_refused(tmp_path):
    save_state(tmp_path, {"rounds": []})
    with pytest.raises(TabganError, match=r"not the state of an encoder: KeyError\('schema'\)"):
        TableEncoder.load(tmp_path)


def test_a_table_of_ids_alone_says_what_became_of_them(fit_encoder):
    ids = pd.DataFrame({"id": [f"c{row:04d}" for row in range(300)]})
    with pytest.raises(TabganError, match=r"no column is left, there is nothing.*; column 'id'"):
        fit_encoder(ids)
