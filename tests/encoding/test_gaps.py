"""Numbers that never lie below another and often equal it are learned as their distance."""

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.gaps import find_gaps
from tabgan.encoding.table import TableEncoder
from tabgan.sampling.draw import draw_chunks
from tabgan.sampling.imputing import Imputer

N = 1_200


def follow_up(n=N):
    """Days until the relapse, until the death: equal in half of the rows, never the other way."""
    rng = np.random.default_rng(0)
    relapse = rng.integers(100, 5_000, n)
    death = relapse + np.where(rng.random(n) < 0.5, 0, rng.integers(1, 2_000, n))
    return pd.DataFrame({"relapse": relapse, "death": death, "age": rng.integers(20, 90, n)})


def numbers(table):
    return {name: table[name].to_numpy(float) for name in table}


def test_of_two_numbers_the_upper_one_is_left_to_the_distance():
    columns = numbers(follow_up())
    assert find_gaps(columns, [[*columns]], {*columns}) == {"death": "relapse"}
    assert find_gaps(columns, [[*columns]], {"relapse", "age"}) == {}


def test_round_values_above_finer_ones_stay_themselves():
    """Loans in hundreds, of which cents have been paid back: all of it in a tenth of the rows."""
    rng = np.random.default_rng(0)
    loan = 100.0 * rng.integers(10, 400, N)
    paid = np.round(np.where(rng.random(N) < 0.1, 1, rng.random(N)) * loan, 2)
    columns = {"paid": paid, "loan": loan}
    assert find_gaps(columns, [[*columns]], {*columns}) == {}
    columns["paid"] = 100 * np.round(paid / 100)  # in hundreds too
    assert find_gaps(columns, [[*columns]], {*columns}) == {"loan": "paid"}


def test_an_order_without_equals_is_no_gap():
    columns = numbers(follow_up())
    columns["death"] += 1
    assert find_gaps(columns, [[*columns]], {*columns}) == {}


def test_values_that_many_rows_have_are_equal_by_chance():
    columns = {"low": np.repeat([0.0, 0.0, 3.0], 400), "high": np.repeat([0.0, 5.0, 9.0], 400)}
    assert find_gaps(columns, [[*columns]], {*columns}) == {}


def test_a_number_above_one_that_is_missing_is_no_gap():
    columns = numbers(follow_up())
    columns["relapse"][0] = np.nan
    assert find_gaps(columns, [[*columns]], {*columns}) == {}


def test_three_in_a_row_come_one_after_the_other():
    columns = numbers(follow_up())
    rng = np.random.default_rng(1)
    columns["burial"] = columns["death"] + np.where(rng.random(N) < 0.9, 0, rng.integers(1, 9, N))
    found = find_gaps(columns, [[*columns]], {*columns})
    assert found["burial"] == "death"
    assert [*found] == ["death", "burial"]


@pytest.fixture
def path(tmp_path):
    follow_up().to_csv(tmp_path / "study.csv", index=False)
    return tmp_path / "study.csv"


@pytest.mark.slow
def test_a_row_comes_back_and_raw_rows_keep_order_and_equality(training, path, tmp_path):
    ran = training(f"data.path={path}", "data.target=null", model="cgan")
    encoder = ran.data.encoder
    assert encoder.relations_.gaps == {"death": ("relapse", "death - relapse")}
    train = ran.data.train
    back = encoder.decode(encoder.encode(train), np.empty((len(train), 0), np.float32))
    pd.testing.assert_frame_equal(back, train.reset_index(drop=True), check_dtype=False)
    encoder.save(tmp_path / "encoder")
    again = TableEncoder.load(tmp_path / "encoder")
    assert again.relations_.gaps == encoder.relations_.gaps
    ran.fit(max_epochs=1)
    (rows,) = draw_chunks(ran.module, again, n=2_000, seed=0)
    assert (rows["relapse"] <= rows["death"]).all()
    assert float((rows["relapse"] == rows["death"]).mean()) == pytest.approx(0.5, abs=0.06)


def test_missing_cells_of_either_are_filled_in_order(training, path):
    ran = training(f"data.path={path}", "data.target=null", model="cgan").fit(max_epochs=1)
    incomplete = ran.data.train.head(60).copy()
    incomplete.loc[incomplete.index[:30], "death"] = np.nan
    incomplete.loc[incomplete.index[40:], "relapse"] = np.nan
    (filled,) = Imputer(ran.module, ran.data.encoder).draws(incomplete, 1)
    assert (filled["relapse"] <= filled["death"]).all()
    assert filled["death"][30:].tolist() == incomplete["death"][30:].tolist()
    assert filled["relapse"][:40].tolist() == incomplete["relapse"][:40].tolist()


@pytest.mark.slow
def test_the_upper_number_can_be_asked_for(command, path, tmp_path):
    words = [f"data.path={path}", "trainer.max_epochs=1", "refiner=none", "logger=none"]
    assert command("train", *words, "hydra.run.dir=run").status == 0
    ended = command("sample", "run=run", "n=50", "where.death=1000..2000", "out=rows.csv")
    assert ended.status == 0, ended.err
    assert pd.read_csv(tmp_path / "rows.csv")["death"].between(1_000, 2_000).all()
