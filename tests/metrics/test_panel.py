import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.panel import (
    DIRECTIONS,
    evaluate_real_rows,
    evaluate_tables,
    independent_columns,
)

OF_MANY = {"membership_tpr001", "membership_ratio_tpr001"}  # need 999 and 1,998 test rows
UNDEFINED = {"dcr_share", *OF_MANY}
CLASSIFICATION = set(DIRECTIONS) - UNDEFINED - {"mle_rmse", "mle_rmse_se"}


@pytest.fixture
def tables(dependent_rows):
    return tuple(dependent_rows(300, seed) for seed in range(3))


def test_the_panel_gives_every_metric_or_says_why_not(tables):
    steps: list[str] = []
    scores, notes = evaluate_tables(*tables, target="job", threads=1, progress=steps.append)
    assert set(scores) == CLASSIFICATION
    assert list(scores) == [name for name in DIRECTIONS if name in scores]
    assert notes == {
        "dcr_share": "needs a generator trained on half of the rows (a re-split)",
        "mle_rmse": "the target is nominal",
        "mle_rmse_se": "the target is nominal",
        "membership_tpr001": "needs 999 unseen rows",
        "membership_ratio_tpr001": "needs 1,998 unseen rows",
    }
    assert steps[0].startswith("c2st_test_auc_worst, c2st_test_auc, c2st_test_auc_net, ")


def test_every_score_lies_in_its_stated_range(tables):
    train, test, _ = tables
    floor, _ = evaluate_tables(
        train, test, independent_columns(train, 300, 0), target="pay", threads=1
    )
    assert set(floor) == set(DIRECTIONS) - UNDEFINED - {"mle_auc", "mle_auc_se", "mle_f1"}
    for name, value in floor.items():
        assert DIRECTIONS[name].low <= value <= DIRECTIONS[name].high, name


def test_the_seed_fixes_every_score(tables):
    once, _ = evaluate_tables(*tables, target="job", seed=3, threads=1)
    assert once == evaluate_tables(*tables, target="job", seed=3, threads=1)[0]


def test_real_rows_use_no_row_twice(dependent_rows):
    train, test = dependent_rows(600, 0), dependent_rows(400, 1)
    scores, _ = evaluate_real_rows(train, test, target="job", threads=1)
    assert set(scores) == CLASSIFICATION
    # a test row on both sides would push these to 0
    assert scores["c2st_test_auc"] == pytest.approx(0.5, abs=0.08)
    assert scores["membership_auc"] == pytest.approx(0.5, abs=0.08)


def test_an_undefined_metric_is_left_out_and_not_averaged(tables):
    train, test, synthetic = (table[["city"]] for table in tables)
    scores, notes = evaluate_tables(train, test, synthetic, target=None, threads=1)
    assert notes["trend_error"] == "trend error: expected at least two columns, got one"
    assert notes["mle_auc"] == "no target was given"
    assert "wNMIS" in notes["wnmis"]
    assert not set(scores) & {"trend_error", "wnmis", "mle_auc", "mle_f1", "mle_rmse"}


def test_categories_that_train_never_has_and_lost_classes_are_findings(tables):
    train, test, synthetic = tables
    synthetic = synthetic.assign(
        city=pd.Categorical(["rio"] * 300), job=pd.Categorical(["cook", "clerk"] * 150)
    )
    _, notes = evaluate_tables(train, test, synthetic, target="job", threads=1)
    assert notes["categories"].endswith("{'city': ['rio']}")
    assert "['baker']" in notes["classes"]


def test_an_order_of_all_training_rows_that_synthetic_rows_break_is_a_finding(tables):
    def ordered(table, broken=0):
        low = np.arange(len(table)) % 7.0
        high = low + np.arange(len(table)) % 5
        return table.assign(low=low, high=np.where(np.arange(len(table)) < broken, low - 1, high))

    train, test, synthetic = map(ordered, tables)
    assert "orders" not in evaluate_tables(train, test, synthetic, target=None, threads=1)[1]
    wrong = ordered(synthetic, broken=3)  # of 300
    told = evaluate_tables(train, test, wrong, target=None, threads=1)[1]["orders"]
    assert told.startswith("1.0% of the synthetic rows break an order that every training row")
    assert told.endswith("keeps: low <= high (1.0%)")


def test_tables_that_differ_in_columns_are_refused_at_once(tables):
    train, test, synthetic = tables
    with pytest.raises(TabganError, match=r"synthetic lacks \['pay'\]"):
        evaluate_tables(train, test, synthetic.drop(columns="pay"), target="job")


def test_directions_are_one_line_each():
    for name, direction in DIRECTIONS.items():
        assert direction.low <= direction.ideal <= direction.high, name
        assert direction.better in ("higher", "lower", "nearer")
        assert "\n" not in direction.says
