import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics import boosting
from tabgan.metrics.detection import (
    c2st_lr,
    c2st_test,
    c2st_train_score,
    cheap_c2st_auc,
    column_importance,
)
from tabgan.metrics.drawing import independent_columns


@pytest.mark.slow
def test_two_halves_of_the_same_data_are_not_told_apart(dependent_rows):
    real, fresh = dependent_rows(1_000, 0), dependent_rows(1_000, 1)
    # standard error of an AUC of 1,000 + 1,000 rows: about .013
    assert c2st_test(real, fresh, threads=1)["c2st_test_auc"] == pytest.approx(0.5, abs=0.05)
    assert c2st_train_score(real, fresh, threads=1) > 0.9
    assert c2st_lr(real, fresh) > 0.9
    assert cheap_c2st_auc(real, fresh) < 0.55


@pytest.mark.slow
def test_lost_dependence_is_caught_by_trees_and_missed_by_a_logistic_regression(dependent_rows):
    real, train = dependent_rows(1_000, 0), dependent_rows(1_000, 1)
    broken = independent_columns(train, 1_000, seed=0)
    scores = c2st_test(real, broken, marginal=True, threads=1)
    assert scores["c2st_test_auc"] > 0.85
    assert scores["c2st_test_auc_marginal"] == pytest.approx(0.5, abs=0.05)
    full, alone = scores["c2st_test_auc"], scores["c2st_test_auc_marginal"]
    assert scores["c2st_test_dependency"] == full - alone
    assert cheap_c2st_auc(real, broken) > 0.85
    assert c2st_lr(train, broken) > 0.95
    assert c2st_train_score(train, broken, threads=1) < 0.3


@pytest.mark.slow
def test_the_worst_of_trees_and_net_is_the_larger(dependent_rows):
    real, train = dependent_rows(300, 0), dependent_rows(300, 1)
    broken = independent_columns(train, 300, seed=0)
    scores = c2st_test(real, broken, net=True, threads=1)
    trees, net = scores["c2st_test_auc"], scores["c2st_test_auc_net"]
    assert trees != net
    assert scores["c2st_test_auc_worst"] == max(trees, net) > 0.8
    assert set(c2st_test(real, broken, threads=1)) == {"c2st_test_auc"}


def test_the_net_looks_at_a_bounded_number_of_rows_and_cells(dependent_rows, monkeypatch):
    seen = []

    def look(real, synthetic, **_):
        seen.append((real.n_rows, synthetic.n_rows))
        return 0.5

    monkeypatch.setattr("tabgan.metrics.detection.net_auc", look)
    monkeypatch.setattr("tabgan.metrics.detection.C2ST_SETTINGS", {"n_estimators": 1})
    real, fake = dependent_rows(400, 0), dependent_rows(400, 1)
    # two columns of 3 categories and "missing", two numbers of 10 inputs: 28
    for name, bound in (("NET_ROWS", 300), ("NET_CELLS", 28 * 200)):
        monkeypatch.setattr(f"tabgan.metrics.detection.{name}", bound)
        c2st_test(real, fake, net=True, threads=1)
    assert seen == [(300, 300), (100, 100)]


def test_the_cheap_test_of_a_wide_table_takes_fewer_rows(monkeypatch):
    rng = np.random.default_rng(0)
    real, fake = (pd.DataFrame(rng.normal(size=(300, 40))).add_prefix("x") for _ in range(2))
    fake["x0"] += 10
    whole = cheap_c2st_auc(real, fake)
    monkeypatch.setattr("tabgan.metrics.detection.CHEAP_CELLS", 40 * 250)
    monkeypatch.setattr("tabgan.metrics.detection.CHEAP_CUTS", 40 * 32)
    few = cheap_c2st_auc(real, fake)
    assert min(few, whole) > 0.99
    assert few != whole  # of 250 rows


def test_disjoint_tables_score_worst(dependent_rows):
    real = dependent_rows(200, 0)
    fake = real.assign(pay=real["pay"] + 1_000, age=real["age"] + 1_000)
    assert c2st_test(real, fake, threads=1)["c2st_test_auc"] == 1
    # the trees' histograms may leave the gap between two cuts: a row of 400 is then misplaced
    assert c2st_train_score(real, fake, threads=1) == pytest.approx(0, abs=0.02)
    assert c2st_lr(real, fake) == pytest.approx(0, abs=1e-9)


def test_rows_are_balanced_by_seed(dependent_rows):
    real, fake = dependent_rows(100, 0), dependent_rows(300, 1)
    once = c2st_test(real, fake, seed=4, threads=1)
    assert once == c2st_test(real, fake, seed=4, threads=1)
    assert once != c2st_test(real, fake, seed=5, threads=1)


def test_the_shifted_column_gives_the_rows_away(dependent_rows):
    real, fake = dependent_rows(300, 0), dependent_rows(300, 1)
    gains = column_importance(real, fake.assign(age=fake["age"] + 40), threads=1)
    assert gains.index[0] == "age"
    assert sorted(gains.index) == ["age", "city", "job", "pay"]
    assert gains.sum() == pytest.approx(1)


def test_without_xgboost_all_detectors_work(dependent_rows, monkeypatch):
    monkeypatch.setattr(boosting, "HAS_XGBOOST", False)
    monkeypatch.setattr("tabgan.metrics.detection.C2ST_SETTINGS", {"n_estimators": 20})
    real = dependent_rows(200, 0)
    broken = independent_columns(dependent_rows(200, 1), 200, seed=0)
    assert c2st_test(real, broken)["c2st_test_auc"] > 0.8
    assert c2st_train_score(real, broken) < 0.6
    assert column_importance(real, broken).sum() == pytest.approx(1)


def test_missing_values_and_unseen_categories_are_evidence(small_table):
    real = pd.concat([small_table] * 10, ignore_index=True)
    fake = real.assign(job=pd.Categorical(["baker"] * 60))
    assert c2st_test(real, fake, threads=1)["c2st_test_auc"] == 1
    assert c2st_lr(real, fake) < 0.2


def test_few_rows_are_refused(small_table):
    for metric in (c2st_test, c2st_train_score, c2st_lr, cheap_c2st_auc, column_importance):
        with pytest.raises(TabganError, match="at least 20 rows of each table, got 6 real and 6"):
            metric(small_table, small_table)
