"""``python -m tabgan.impute`` and ``TableGAN.impute``: files, sidecars and mistakes."""

import json

import numpy as np
import pandas as pd
import pytest

from tabgan import TableGAN
from tabgan.errors import TabganError

HEADER = "age,daily pay,job,member,joined,planet,legs,label\n"
ROWS = (
    ",,,,,,,\n"  # nothing is known
    "30,99.125,cook,true,2020-03-01,earth,2,yes\n"  # everything is, with more decimals than pay has
    ",,clerk,,,,,no\n"
    "41,,,false,,earth,,\n"
)


@pytest.fixture(scope="module")
def run(mixed_arff, tmp_path_factory, command_in):
    """The folder of a small run of model=cgan on ``mixed_arff``."""
    folder = tmp_path_factory.mktemp("run")
    words = [f"data.path={mixed_arff}", "data.target=label", f"hydra.run.dir={folder}"]
    words += ["model=cgan", "model.generator.hidden_dim=16", "model.critic.hidden_dims=[16]"]
    words += ["model.noise_dim=8", "data.batch_size=50", "trainer.max_epochs=1", "refiner=none"]
    ended = command_in(folder.parent, "train", *words, "logger=none", "~callbacks.panel")
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture
def incomplete(tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text(HEADER + ROWS, "utf-8")
    return path


@pytest.mark.slow
def test_missing_cells_are_filled_with_valid_values_and_known_cells_stay(
    command, run, incomplete, tmp_path
):
    ended = command("impute", f"run={run}", f"data.path={incomplete}")
    assert ended.status == 0, ended.err
    before, after = pd.read_csv(incomplete), pd.read_csv(tmp_path / "filled_gaps.csv")
    known = before.notna()
    assert after.astype(object).where(known).equals(before.astype(object).where(known))
    assert after.notna().all().all()
    assert after["age"].between(18, 70).all()
    assert set(after["job"]) <= {"clerk", "cook", "night guard"}
    assert pd.to_datetime(after["joined"]).dt.year.eq(2020).all()
    assert set(after["legs"]) == {2}
    sidecar = json.loads((tmp_path / "filled_gaps.csv.json").read_text())
    assert (sidecar["rows"], sidecar["rows_without_a_known_cell"]) == (4, 1)
    assert sidecar["missing"]["daily pay"] == 3
    assert "1 rows have no known cell: they are drawn like any row" in ended.out


@pytest.mark.slow
def test_imputations_of_different_calls_are_not_mixed(command, run, incomplete, tmp_path):
    words = (f"run={run}", f"data.path={incomplete}")
    for n in (3, 2, 1):
        assert command("impute", *words, f"n_imputations={n}", f"seed={n}").status == 0
    made = ("filled_gaps_1.csv", "filled_gaps_3.csv", "filled_gaps-2_2.csv")
    assert all((tmp_path / name).exists() for name in (*made, "filled_gaps-3.csv"))
    assert not (tmp_path / "filled_gaps-2_3.csv").exists()
    ended = command("impute", *words, "n_imputations=2", "out=filled_gaps.csv")
    assert "filled_gaps_3.csv is of an earlier call" in ended.out


@pytest.mark.slow
def test_several_imputations_are_several_files_and_a_seed_gives_them_again(
    command, run, incomplete, tmp_path
):
    for out in ("one.csv", "two.csv"):
        ended = command(
            "impute", f"run={run}", f"data.path={incomplete}", f"out={out}", "n_imputations=2"
        )
        assert ended.status == 0, ended.err
    texts = [(tmp_path / f"{out}.csv").read_text() for out in ("one_1", "one_2", "two_1", "two_2")]
    assert texts[0] != texts[1]
    assert texts[:2] == texts[2:]


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("age,label\n30,\n", (), "other columns than the run's table: it lacks ['daily pay'"),
        (HEADER + ",,baker,,,,,\n", (), "column 'job': expected one of ['clerk', 'cook', "),
        (HEADER + "old,,,,,,,\n", (), "column 'age': expected a number, got 'old' in row 0"),
        (HEADER, (), "rows"),
        (HEADER + ROWS, ("how=best",), "how=best: expected one of ['draw', 'sharp', 'likeliest']"),
        (HEADER + ROWS, ("n_imputations=0",), "n_imputations=0: expected a whole number"),
        (HEADER + ROWS, ("how=likeliest", "n_imputations=2"), "all would be the same"),
        (HEADER + ROWS, ("+hwo=draw",), "hwo: did you mean 'how'?"),
    ],
)
def test_a_mistake_is_one_line(command, run, incomplete, text, words, message):
    incomplete.write_text(text, "utf-8")
    ended = command("impute", f"run={run}", f"data.path={incomplete}", *words)
    assert (ended.status, ended.err.count("\n")) == (1, 1), ended.err
    assert message in ended.err


def test_a_run_that_only_draws_whole_rows_says_which_model_to_train(command, trained, incomplete):
    ended = command("impute", f"run={trained}", f"data.path={incomplete}")
    assert "impute: expected a run of model=cgan" in ended.err


def test_the_estimator_keeps_index_columns_and_known_cells(run):
    gan = TableGAN.load(run)
    table = pd.DataFrame(
        {
            "age": [30, 50, None],
            "daily pay": [99.5, None, None],
            "job": ["cook", None, "clerk"],
            "member": [None, "true", "false"],
            "joined": pd.to_datetime(["2020-03-01", None, None]),
            "planet": ["earth"] * 3,
            "legs": [2] * 3,
            "label": np.array([None, "yes", "no"], dtype=object),
        },
        index=[7, 8, 9],
    )
    filled = gan.impute(table)
    assert isinstance(filled, pd.DataFrame)
    assert list(filled.index) == [7, 8, 9]
    assert filled.notna().all().all()
    assert filled["age"].tolist()[:2] == [30, 50]
    first, second = gan.impute(table, 2)
    assert first.equals(filled)
    assert not first.equals(second)
    assert table.isna().any().any()  # the caller's table stays
    with pytest.raises(TabganError, match=r"table: other columns .* adds \['wage'\]"):
        gan.impute(table.assign(wage=1))
