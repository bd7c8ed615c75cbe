import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.comparison import Comparison, Resplit
from tabgan.metrics.panel import evaluate_real_rows, evaluate_tables, steps
from tabgan.metrics.registry import METRICS

OF_MANY = {"membership_tpr001", "membership_ratio_tpr001"}  # need 999 and 1,998 test rows
UNDEFINED = {"dcr_share", "nll_test", "identifying_overlap", *OF_MANY}
CLASSIFICATION = set(METRICS) - UNDEFINED - {"mle_rmse", "mle_rmse_se"}


def compared(train, test, synthetic, **known):
    return Comparison(train=train, test=test, synthetic=synthetic, threads=1, **known)


@pytest.fixture
def tables(dependent_rows):
    return tuple(dependent_rows(300, seed) for seed in range(3))


def test_the_panel_gives_every_metric_or_says_why_not(tables):
    named: list[str] = []
    rows = compared(*tables, target="job")
    scores, notes = evaluate_tables(rows, progress=named.append)
    assert set(scores) == CLASSIFICATION
    assert list(scores) == [name for name in METRICS if name in scores]
    assert notes == {
        "dcr_share": "needs a generator trained on half of the rows (a re-split)",
        "nll_test": "needs a generator with a likelihood, and the test rows of its own run",
        "identifying_overlap": "no column of the generated rows identifies its row",
        "mle_rmse": "the target is nominal",
        "mle_rmse_se": "the target is nominal",
        "membership_tpr001": "needs 999 unseen rows",
        "membership_ratio_tpr001": "needs 1,998 unseen rows",
    }
    assert named[0].startswith("c2st_test_auc_worst, c2st_test_auc, c2st_test_auc_net, ")
    assert len(named) == len(steps())


@pytest.mark.slow
def test_what_else_is_known_of_a_generator_gives_its_metrics(tables):
    train, test, synthetic = (
        each.assign(name=pd.Series([f"{who}{i}" for i in range(300)], dtype="str"))
        for each, who in zip(tables, ("a", "b", "a"), strict=True)
    )
    logs = np.array([-1.0, -3.0] * 150)
    rows = compared(
        train, test, synthetic, log_likelihoods=logs, resplit=Resplit(train, test, train)
    )
    scores, notes = evaluate_tables(rows)
    assert (scores["nll_test"], scores["dcr_share"]) == (2.0, 1.0)  # every row is a learned one
    assert scores["identifying_overlap"] == 1.0
    assert not {"nll_test", "dcr_share", "identifying_overlap"} & notes.keys()
    ceiling, notes = evaluate_real_rows(rows)
    assert ceiling["identifying_overlap"] == 0.0  # the names of test rows are others
    assert {"nll_test", "dcr_share"} <= notes.keys()


@pytest.mark.slow
def test_every_score_lies_in_its_stated_range(tables):
    floor, _ = evaluate_tables(compared(*tables, target="pay").independent())
    assert set(floor) == set(METRICS) - UNDEFINED - {"mle_auc", "mle_auc_se", "mle_f1"}
    for name, value in floor.items():
        assert METRICS[name].low <= value <= METRICS[name].high, name


@pytest.mark.slow
def test_the_seed_fixes_every_score(tables):
    rows = compared(*tables, target="job", seed=3)
    assert evaluate_tables(rows)[0] == evaluate_tables(rows)[0]


@pytest.mark.slow
def test_real_rows_use_no_row_twice(dependent_rows):
    train, test = dependent_rows(600, 0), dependent_rows(400, 1)
    scores, _ = evaluate_real_rows(compared(train, test, test, target="job"))
    assert set(scores) == CLASSIFICATION
    # a test row on both sides would push these to 0
    assert scores["c2st_test_auc"] == pytest.approx(0.5, abs=0.08)
    assert scores["membership_auc"] == pytest.approx(0.5, abs=0.08)


def test_an_undefined_metric_is_left_out_and_not_averaged(tables):
    scores, notes = evaluate_tables(compared(*(table[["city"]] for table in tables)))
    assert notes["trend_error"] == "trend error: expected at least two columns, got one"
    assert notes["mle_auc"] == "no target was given"
    assert "wNMIS" in notes["wnmis"]
    assert not set(scores) & {"trend_error", "wnmis", "mle_auc", "mle_f1", "mle_rmse"}


@pytest.mark.slow
def test_categories_that_train_never_has_and_lost_classes_are_findings(tables):
    train, test, synthetic = tables
    synthetic = synthetic.assign(
        city=pd.Categorical(["rio"] * 300), job=pd.Categorical(["cook", "clerk"] * 150)
    )
    _, notes = evaluate_tables(compared(train, test, synthetic, target="job"))
    assert notes["categories"].endswith("{'city': ['rio']}")
    assert "['baker']" in notes["classes"]


@pytest.mark.slow
def test_an_order_of_all_training_rows_that_synthetic_rows_break_is_a_finding(tables):
    def ordered(table, broken=0):
        low = np.arange(len(table)) % 7.0
        high = low + np.arange(len(table)) % 5
        return table.assign(low=low, high=np.where(np.arange(len(table)) < broken, low - 1, high))

    train, test, synthetic = map(ordered, tables)
    assert "orders" not in evaluate_tables(compared(train, test, synthetic))[1]
    wrong = ordered(synthetic, broken=3)  # of 300
    found = evaluate_tables(compared(train, test, wrong))[1]["orders"]
    assert found.startswith("1.0% of the synthetic rows break an order that every training row")
    assert found.endswith("keeps: low <= high (1.0%)")


def test_tables_that_differ_in_columns_are_refused_at_once(tables):
    train, test, synthetic = tables
    with pytest.raises(TabganError, match=r"synthetic lacks \['pay'\]"):
        evaluate_tables(compared(train, test, synthetic.drop(columns="pay")))
