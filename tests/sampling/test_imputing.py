"""Holes filled: by the chain's own conditional, valid, and beside untouched known cells."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError
from tabgan.sampling.filling import with_cells_missing
from tabgan.sampling.imputing import Imputer, _median

HEADER = """@relation boxes
@attribute grade {a,b,c}
@attribute points integer
@attribute colour {red,white}
@attribute size {small,big}
@attribute width real
@attribute planet {earth}
@attribute label {no,yes}
@data
"""
POINTS = {"a": 9, "b": 7, "c": 5}  # which grade decides
N = 4_000  # rows of one missing cell: shares are off by .024 in three standard errors at most


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """600 rows whose colour is missing in every tenth; width is normal."""
    rng = np.random.default_rng(0)
    lines = []
    for row in range(600):
        grade, colour = "abc"[rng.integers(3)], "?" if row % 10 == 0 else "red"
        colour = "white" if row % 10 > 5 else colour
        size, label = ("small", "big")[rng.integers(2)], ("no", "yes")[rng.integers(2)]
        width = f"{rng.normal(20, 10):.3f}"
        lines.append(f"{grade},{POINTS[grade]},{colour},{size},{width},earth,{label}\n")
    path = tmp_path_factory.mktemp("boxes") / "boxes.arff"
    path.write_text(HEADER + "".join(lines), "utf-8")
    return path


@pytest.fixture
def ran(entangled, boxes):
    """A chain of grade, colour, size, width and label, each of which depends on those before it."""
    return entangled(f"data.path={boxes}")


def every_row(ran, *, shown=False):
    """Every row that the chain can draw whose colour is known, and its chance.

    Where its label is ``shown``, the chance given the label. A width is its cell's middle.
    """
    net, encoder = ran.module.chain.eval(), ran.data.encoder
    widths = [block.width for block in net.layout.blocks if block.kind == "discrete"]
    codes = torch.tensor([*product(*map(range, widths))])
    rows = CodedRows(
        layout=net.layout, codes=codes.short(), scalars=torch.full((len(codes), 1), 0.5)
    )
    with torch.no_grad():
        logs = net.log_likelihood(codes, shown=torch.full((len(codes),), shown))
    table = encoder.to_table(encoder.decode_numbers(rows, np.empty((len(codes), 0))))
    table["chance"] = logs.double().exp().numpy()
    return table[table["colour"].notna() & (table["chance"] > 1e-12)]


def chances(rows, names, **known):
    """The chances of values of ``names`` given known cells."""
    for name, value in known.items():
        rows = rows[rows[name] == value]
    each = rows.groupby(names, observed=True)["chance"].sum()
    return each / each.sum()


def table_of(ran, n, **cells):
    """``n`` rows that know these cells alone."""
    schema = ran.data.encoder.schema_
    known = {name: [cells.get(name)] * n for name in schema.names}
    return with_cells_missing(schema, schema.names).conform(pd.DataFrame(known))


def imputed(ran, table, *, seed=0):
    return next(Imputer(ran.module, ran.data.encoder, seed=seed).draws(table, 1))


def share(values, value):
    return float((values == value).mean())


def middle_width(ran):
    """A width of training, in the middle of its cell."""
    return np.sort(every_row(ran)["width"].unique())[40]


@pytest.mark.slow
def test_a_category_follows_its_probability_given_the_known_cells(ran, p_value):
    """Those that are drawn before the known ones too."""
    width, every = middle_width(ran), every_row(ran)
    filled = imputed(ran, table_of(ran, N, width=width))
    names = ["grade", "colour", "size", "label"]
    expected = chances(every, names, width=width)
    counts = filled.groupby(names, observed=True).size().reindex(expected.index, fill_value=0)
    assert p_value(torch.tensor(counts.to_numpy()), torch.tensor(expected.to_numpy())) > 1e-4
    sizes = chances(every, "size")["small"], chances(every, "size", width=width)["small"]
    assert abs(sizes[0] - sizes[1]) > 0.1  # so that the test can fail


@pytest.mark.slow
def test_a_number_follows_its_distribution_given_the_known_cells(ran, p_value):
    known = {"grade": "b", "size": "big"}
    expected = chances(every_row(ran), "width", **known)
    table = table_of(ran, N, **known)
    encoder = ran.data.encoder.encoders_["width"]
    bins = encoder.codes(expected.index.to_numpy(float))[0]
    filled = imputed(ran, table)["width"].to_numpy()
    counts = np.bincount(encoder.codes(filled)[0], minlength=encoder.n_bins)
    shares = np.bincount(bins, weights=expected, minlength=encoder.n_bins)
    assert p_value(torch.tensor(counts), torch.tensor(shares)) > 1e-4
    medians = Imputer(ran.module, ran.data.encoder).likeliest(table[:1_000])["width"]
    expected = expected.sort_index()
    above = np.interp(medians, expected.index, expected.cumsum())  # by the middles of cells
    below = np.interp(medians, expected.index, expected.cumsum() - expected)
    near = 2.5 * 0.5 / np.sqrt(128)  # 128 particles put the median at half of the weight, so nearly
    assert ((below < 0.5 + near) & (above > 0.5 - near)).mean() > 0.95
    assert 0.5 - near < (above.mean() + below.mean()) / 2 < 0.5 + near


def test_a_weighted_median_is_a_value_that_half_of_the_weight_reaches():
    values = np.array([[3.0, 0.0, 1.0], [5.0, np.nan, 7.0], [np.nan, np.nan, np.nan]])
    weights = np.array([[1.0, 3.0, 1.0], [1.0, 9.0, 2.0], [1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(_median(values, weights), [0.0, 7.0, np.nan])


def test_the_likeliest_category_is_the_most_probable_one(ran):
    width = middle_width(ran)
    filled = Imputer(ran.module, ran.data.encoder).likeliest(table_of(ran, 50, width=width))
    for name in ("grade", "size", "label"):
        expected = chances(every_row(ran), name, width=width)
        assert share(filled[name], expected.idxmax()) > 0.9, name  # each counts 128 particles


@pytest.mark.slow
def test_sharp_draws_square_the_chances_of_categories_and_leave_numbers(ran):
    every, table = every_row(ran), table_of(ran, N, colour="red")
    imputer = Imputer(ran.module, ran.data.encoder)
    (sharp,) = imputer.draws(table, 1, sharp=True)
    for name in ("grade", "size", "label"):
        squares = chances(every, name, colour="red") ** 2
        expected = squares / squares.sum()
        assert share(sharp[name], expected.idxmax()) == pytest.approx(expected.max(), abs=0.03)
    widths = chances(every, "width", colour="red")
    mean = (widths.index * widths).sum()
    assert sharp["width"].mean() == pytest.approx(mean, abs=0.7)  # four standard errors
    first, second = imputer.draws(table, 2, sharp=True)
    assert not first.equals(second)
    assert first.equals(sharp)


@pytest.mark.slow
def test_the_class_is_a_cell_like_any_other(ran):
    every, of_class = every_row(ran), every_row(ran, shown=True)
    filled = imputed(ran, table_of(ran, N, colour="red"))
    expected = chances(every, "label", colour="red")["yes"]
    assert share(filled["label"], "yes") == pytest.approx(expected, abs=0.03)
    filled = imputed(ran, table_of(ran, N, label="yes"))
    expected = chances(of_class, "size", label="yes")["big"]
    assert share(filled["size"], "big") == pytest.approx(expected, abs=0.03)


@pytest.mark.slow
def test_rows_with_a_class_and_rows_without_one_stand_beside_each_other(ran):
    table = table_of(ran, 2 * N, size="small")
    table.loc[::2, "label"] = "no"
    filled = imputed(ran, table)
    expected = chances(every_row(ran, shown=True), "grade", size="small", label="no")["a"]
    assert share(filled["grade"][::2], "a") == pytest.approx(expected, abs=0.03)
    expected = chances(every_row(ran), ["grade", "label"], size="small")["a", "yes"]
    both = (filled["grade"][1::2] == "a") & (filled["label"][1::2] == "yes")
    assert both.mean() == pytest.approx(expected, abs=0.03)


@pytest.mark.slow
def test_without_a_known_cell_rows_are_those_of_the_generator(ran, p_value):
    filled = imputed(ran, table_of(ran, N))
    names = ["grade", "colour", "size", "label"]
    expected = chances(every_row(ran), names)
    counts = filled.groupby(names, observed=True).size().reindex(expected.index, fill_value=0)
    assert p_value(torch.tensor(counts.to_numpy()), torch.tensor(expected.to_numpy())) > 1e-4
    assert not filled.isna().any().any()


@pytest.mark.slow
def test_a_missing_cell_of_a_column_that_training_missed_too_is_filled(ran):
    assert ran.data.encoder.layout_.of("colour")[0].width == 3
    filled = imputed(ran, table_of(ran, N, size="small"))
    assert set(filled["colour"]) == {"red", "white"}
    expected = chances(every_row(ran), "colour", size="small")["red"]
    assert share(filled["colour"], "red") == pytest.approx(expected, abs=0.03)


def test_what_follows_from_another_column_stays_so(ran):
    assert "points" in ran.data.encoder.relations_.derived
    assert set(imputed(ran, table_of(ran, 50, points=7))["grade"]) == {"b"}
    assert set(imputed(ran, table_of(ran, 50, grade="c"))["points"]) == {5}
    both = imputed(ran, table_of(ran, 200))
    assert both["grade"].map(POINTS).astype(int).tolist() == both["points"].tolist()
    assert len(set(both["grade"])) == 3
    never = imputed(ran, table_of(ran, 200, points=8))  # training never saw it: it says nothing
    assert len(set(never["grade"])) == 3


def test_known_cells_and_whole_rows_stay_as_they_are(ran):
    table = table_of(ran, 6, width=1e6, colour="white", points=8)
    table.loc[0] = ["a", 9, "red", "big", 1.23456789, "earth", "no"]
    filled = imputed(ran, table)
    known = table.notna()
    assert filled.where(known).equals(table.where(known))
    assert ran.data.encoder.schema_.conform(filled).notna().all().all()


def test_the_same_seed_gives_the_same_cells_and_another_imputation_gives_others(ran):
    table = table_of(ran, 200, colour="red")
    imputer = Imputer(ran.module, ran.data.encoder, seed=3)
    first, second = imputer.draws(table, 2)
    assert first.equals(imputed(ran, table, seed=3))
    assert not first.equals(second)
    assert not first.equals(imputed(ran, table, seed=4))


def test_a_generator_that_only_draws_whole_rows_is_refused(training):
    ran = training(model="cgan_basic")
    with pytest.raises(TabganError, match=r"impute: expected a run of model=cgan"):
        Imputer(ran.module, ran.data.encoder)
