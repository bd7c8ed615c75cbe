"""Missing cells filled: as likely as the chain has them, valid, beside untouched known cells."""

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.sampling.holes import with_holes
from tabgan.sampling.imputing import Imputer
from tests.conftest import Training

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
ROWS = 3_000
N = 4_000  # rows with the same hole; shares are learned of hundreds of rows, and off by .05


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """3,000 rows of two kinds; colour is missing in every tenth.

    Nine of ten boxes of the first kind are red, and nine of ten small; of the second nine of ten
    are white and nine of ten big. A third of the rows have the class yes, all of the second kind;
    of the others half are. Length and width have a correlation of .8.
    """
    rng = np.random.default_rng(0)
    lines = []
    for row in range(ROWS):
        label = "yes" if rng.random() < 1 / 3 else "no"
        second = label == "yes" or rng.random() < 0.5
        grade = "abc"[rng.integers(3)]
        colour = "white" if (rng.random() < 0.9) == second else "red"
        size = "big" if (rng.random() < 0.9) == second else "small"
        x, y = rng.normal(), rng.normal()
        sides = f"{LENGTH + 10 * x:.3f},{WIDTH + 10 * (0.8 * x + 0.6 * y):.3f}"
        colour = "?" if row % 10 == 0 else colour
        lines.append(f"{grade},{POINTS[grade]},{colour},{size},{sides},earth,{label}\n")
    path = tmp_path_factory.mktemp("boxes") / "boxes.arff"
    path.write_text(HEADER + "".join(lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def ran(boxes, tmp_path_factory):
    """A chain that has learned the boxes by likelihood."""
    words = ["model.likelihood_steps=250", "model.adversarial=none", "model.dropout=0",
             "model.generator.hidden_dim=32", "model.patience=100", "data.batch_size=250",
             "model.average=0.98"]  # fmt: skip
    made = Training(tmp_path_factory.mktemp("ran"), boxes, "cgan", words)
    return made.fit(max_epochs=28)


def table_of(ran, n, **cells):
    """``n`` rows that know these cells alone."""
    schema = ran.data.encoder.schema_
    known = {name: [cells.get(name)] * n for name in schema.names}
    return with_holes(schema, schema.names).conform(pd.DataFrame(known))


def imputed(ran, table, *, seed=0):
    return next(Imputer(ran.module, ran.data.encoder, seed=seed).draws(table, 1))


def test_a_category_follows_its_probability_given_the_known_ones(ran):
    filled = imputed(ran, table_of(ran, N, colour="red", label="no"))
    assert (filled["size"] == "small").mean() == pytest.approx(0.9 * 0.9 + 0.1 * 0.1, abs=0.05)
    likeliest = Imputer(ran.module, ran.data.encoder).likeliest(table_of(ran, 3, colour="red"))
    assert set(likeliest["label"]) == {"no"}  # red: .45 + .05 of no, .1 of yes
    assert set(likeliest["size"]) == {"small"}


def test_sharp_draws_square_the_chances_of_categories_and_leave_numbers(ran):
    table = table_of(ran, N, colour="red", label="no")
    imputer = Imputer(ran.module, ran.data.encoder)
    (sharp,) = imputer.draws(table, 1, sharp=True)
    # small has .9 * .9 + .1 * .1 = .82, and .82^2 / (.82^2 + .18^2) = .954
    drawn = imputed(ran, table)
    small = (drawn["size"] == "small").mean()
    squared = small**2 / (small**2 + (1 - small) ** 2)
    assert (sharp["size"] == "small").mean() == pytest.approx(squared, abs=0.025)
    assert squared == pytest.approx(0.954, abs=0.035)
    assert sharp["width"].std() == pytest.approx(drawn["width"].std(), rel=0.05)
    first, second = imputer.draws(table, 2, sharp=True)
    assert not first.equals(second)
    assert first.equals(sharp)


def test_the_class_is_a_cell_like_any_other(ran):
    filled = imputed(ran, table_of(ran, N, colour="red"))
    # red are 2/3 (.5 * .9 + .5 * .1) of no, and 1/3 * .1 of yes
    assert (filled["label"] == "yes").mean() == pytest.approx(0.1 / (0.1 + 1), abs=0.05)
    filled = imputed(ran, table_of(ran, N, label="yes"))
    assert (filled["size"] == "big").mean() == pytest.approx(0.9, abs=0.05)


def test_a_number_is_normal_given_the_known_ones(ran):
    # 2 deviations above: width has mean 1.6 above its own, in deviations of 10, and deviation .6
    table = table_of(ran, N, length=LENGTH + 20)
    standard = (imputed(ran, table)["width"] - WIDTH) / 10
    assert standard.mean() == pytest.approx(1.6, abs=0.15)
    assert standard.std() == pytest.approx(0.6, abs=0.1)
    expected = (Imputer(ran.module, ran.data.encoder).likeliest(table)["width"] - WIDTH) / 10
    assert expected.mean() == pytest.approx(1.6, abs=0.15)
    assert expected.std() < 0.6 / 4  # a mean over many draws, and none of them


def test_without_a_known_cell_rows_are_those_of_the_generator(ran):
    filled = imputed(ran, table_of(ran, N))
    # 1/3 of the first kind: of two thirds half
    assert (filled["size"] == "small").mean() == pytest.approx(0.9 / 3 + 0.1 * 2 / 3, abs=0.05)
    assert not filled.isna().any().any()


def test_a_hole_of_a_column_that_training_missed_too_is_filled(ran):
    assert ran.data.encoder.layout_.of("colour")[0].width == 3
    filled = imputed(ran, table_of(ran, N, size="small", label="no"))
    assert set(filled["colour"]) == {"red", "white"}
    assert (filled["colour"] == "red").mean() == pytest.approx(0.82, abs=0.05)


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
