"""Holes filled: by the mixture's own conditional, valid, and beside untouched known cells."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.errors import TabganError
from tabgan.nets.mixture import Mixture
from tabgan.sampling.holes import with_holes
from tabgan.sampling.imputing import Imputer

HEADER = """@relation boxes
@attribute grade {a,b,c}
@attribute points integer
@attribute colour {red,white}
@attribute size {small,big}
@attribute length real
@attribute width real
@attribute planet {earth}
@attribute label {no,yes}
@data
"""
POINTS = {"a": 9, "b": 7, "c": 5}  # which grade decides
LENGTH, WIDTH = 50.0, 20.0  # means; both have a deviation of about 10
N = 4_000  # rows with the same hole: shares are off by .02 at most


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """600 rows whose colour is missing in every tenth."""
    rng = np.random.default_rng(0)
    lines = []
    for row in range(600):
        grade, colour = "abc"[rng.integers(3)], "?" if row % 10 == 0 else "red"
        colour = "white" if row % 10 > 5 else colour
        size, label = ("small", "big")[rng.integers(2)], ("no", "yes")[rng.integers(2)]
        sides = f"{rng.normal(LENGTH, 10):.3f},{rng.normal(WIDTH, 10):.3f}"
        lines.append(f"{grade},{POINTS[grade]},{colour},{size},{sides},earth,{label}\n")
    path = tmp_path_factory.mktemp("boxes") / "boxes.arff"
    path.write_text(HEADER + "".join(lines), "utf-8")
    return path


@pytest.fixture
def ran(training, boxes):
    """A generator of two components: nine of ten boxes of the first are red and small (not big).

    Of the second nine of ten are white and big. Length and width are standard on the encoded
    scale, with a correlation of .8. Class yes has only the second.
    """
    words = [f"data.path={boxes}", "model.generator.n_components=2", "encoder.numeric=standard"]
    made = training(*words, model="cgan")
    layout, net = made.module.layout, made.module.sampling_generator
    centres = torch.zeros(2, layout.width)
    for name, first in (("colour", [0.9, 0.1]), ("size", [0.9, 0.1])):
        (block,) = layout.of(name)
        missing = [1e-9] * (block.width - 2)
        centres[0, block.span] = torch.tensor([*first, *missing]).log()
        centres[1, block.span] = torch.tensor([*reversed(first), *missing]).log()
    factor = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    net.load_mixture(
        Mixture(
            log_weights=torch.tensor([[0.5, 1e-12], [0.5, 1.0]]).log(),
            centres=centres,
            log_scales=torch.zeros(2, 2),
            factors=factor.repeat(2, 1, 1),
        )
    )
    return made


def table_of(ran, n, **cells):
    """``n`` rows that know these cells alone."""
    schema = ran.data.encoder.schema_
    known = {name: [cells.get(name)] * n for name in schema.names}
    return with_holes(schema, schema.names).conform(pd.DataFrame(known))


def imputed(ran, table, *, seed=0):
    return next(Imputer(ran.module, ran.data.encoder, seed=seed).draws(table, 1))


def test_a_category_follows_its_probability_given_the_known_ones(ran):
    filled = imputed(ran, table_of(ran, N, colour="red", label="no"))
    assert (filled["size"] == "small").mean() == pytest.approx(0.9 * 0.9 + 0.1 * 0.1, abs=0.025)
    likeliest = Imputer(ran.module, ran.data.encoder).likeliest(table_of(ran, 3, colour="red"))
    assert set(likeliest["label"]) == {"no"}  # red: .45 + .05 of no, .1 of yes
    assert set(likeliest["size"]) == {"small"}


def test_sharp_draws_square_the_chances_of_categories_and_leave_numbers(ran):
    table = table_of(ran, N, colour="red", label="no")
    imputer = Imputer(ran.module, ran.data.encoder)
    (sharp,) = imputer.draws(table, 1, sharp=True)
    # small has .9 * .9 + .1 * .1 = .82, and .82^2 / (.82^2 + .18^2) = .954
    assert (sharp["size"] == "small").mean() == pytest.approx(0.954, abs=0.015)
    width = ran.data.encoder.encoders_["width"]
    drawn = (imputed(ran, table)["width"] - width.mean_) / width.std_
    assert ((sharp["width"] - width.mean_) / width.std_).std() == pytest.approx(
        drawn.std(), rel=0.05
    )
    first, second = imputer.draws(table, 2, sharp=True)
    assert not first.equals(second)
    assert first.equals(sharp)


def test_the_class_is_a_cell_like_any_other(ran):
    filled = imputed(ran, table_of(ran, N, colour="red"))
    counts = ran.data.encoder.class_counts_
    red = counts * np.array([0.5 * 0.9 + 0.5 * 0.1, 0.1])
    assert (filled["label"] == "yes").mean() == pytest.approx(red[1] / red.sum(), abs=0.025)
    filled = imputed(ran, table_of(ran, N, label="yes"))
    assert (filled["size"] == "big").mean() == pytest.approx(0.9, abs=0.025)


def test_a_number_is_normal_given_the_known_ones(ran):
    encoder = ran.data.encoder
    length, width = encoder.encoders_["length"], encoder.encoders_["width"]
    known = length.mean_ + 2 * length.std_  # 2 deviations above: width has mean 1.6, deviation .6
    table = table_of(ran, N, length=known)
    standard = (imputed(ran, table)["width"] - width.mean_) / width.std_
    inside = encoder.ranges_["width"][1] > width.mean_ + 2.5 * width.std_
    assert inside
    assert standard.mean() == pytest.approx(1.6, abs=0.05)
    assert standard.std() == pytest.approx(0.6, abs=0.05)
    expected = Imputer(ran.module, encoder).likeliest(table)["width"]
    assert ((expected - width.mean_) / width.std_).std() == pytest.approx(
        0.6 / math.sqrt(50), rel=0.2
    )


def test_without_a_known_cell_rows_are_those_of_the_generator(ran):
    filled = imputed(ran, table_of(ran, N))
    shares = ran.data.encoder.class_counts_ / ran.data.encoder.class_counts_.sum()
    first = 0.5 * shares[0]  # of the first component
    assert (filled["size"] == "small").mean() == pytest.approx(
        0.9 * first + 0.1 * (1 - first), abs=0.025
    )
    assert not filled.isna().any().any()


def test_a_hole_of_a_column_that_training_missed_too_is_filled(ran):
    assert ran.data.encoder.layout_.of("colour")[0].width == 3
    filled = imputed(ran, table_of(ran, N, size="small", label="no"))
    assert set(filled["colour"]) == {"red", "white"}
    assert (filled["colour"] == "red").mean() == pytest.approx(0.82, abs=0.025)


def test_what_follows_from_another_column_stays_so(ran):
    assert "points" in ran.data.encoder.relations_.derived
    assert set(imputed(ran, table_of(ran, 50, points=7))["grade"]) == {"b"}
    assert set(imputed(ran, table_of(ran, 50, grade="c"))["points"]) == {5}
    both = imputed(ran, table_of(ran, 50))
    assert both["grade"].map(POINTS).astype(int).tolist() == both["points"].tolist()
    assert len(set(both["grade"])) == 3
    never = imputed(ran, table_of(ran, 50, points=8))  # training never saw it: it says nothing
    assert len(set(never["grade"])) == 3


def test_known_cells_and_whole_rows_stay_as_they_are(ran):
    table = table_of(ran, 6, length=1e6, colour="white", points=8)
    table.loc[0] = ["a", 9, "red", "big", 1.23456789, 2.0, "earth", "no"]
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


def test_a_generator_without_a_posterior_is_refused(training):
    ran = training(model="cgan_basic")
    with pytest.raises(TabganError, match=r"impute: expected a run of model=cgan"):
        Imputer(ran.module, ran.data.encoder)
