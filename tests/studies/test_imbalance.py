"""The imbalance study: what it cuts, what it may look at, and what it says."""

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from scipy.stats import t

from tabgan.errors import TabganError
from tabgan.paths import conf_dir
from tabgan.report.files import png_size
from tabgan.studies.imbalance import cut, imbalance_study, nearness
from tabgan.studies.imbalance_verdict import (
    FIGURES,
    differences,
    half_width,
    helpers,
    ranks,
    verdict,
)
from tabgan.studies.prepared import prepare
from tabgan.studies.resamplers import CLASSIFIERS, RESAMPLERS, Rows
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="buyers",
    target="buys",
    columns=(
        Column(name="income", kind="numeric", decimals=2),
        Column(name="job", kind="nominal", categories=("cook", "smith")),
        Column(name="buys", kind="nominal", categories=("yes", "no")),
    ),
)
TUNED = {"classifiers": ["logistic regression"], "folds": 2, "epochs": 1, "rounds": 0}


def buyers(n, seed):
    """A quarter buys; who buys earns about 2 more, of a deviation of 1."""
    rng = np.random.default_rng(seed)
    buys = np.arange(n) % 4 == 0
    rows = {
        "income": rng.normal(2.0 * buys).round(2),
        "job": rng.choice(["cook", "smith"], n),
        "buys": np.where(buys, "yes", "no"),
    }
    return SCHEMA.conform(pd.DataFrame(rows))


@pytest.fixture
def table(tmp_path):
    return prepare("buyers", buyers(400, 0), buyers(200, 1), SCHEMA, cache=tmp_path / "tables")


def test_a_table_is_cut_to_a_share_of_the_rare_class_in_both_parts(table):
    task = cut(table, 0.1, rows=200, test_rows=10_000)
    assert task.name == "buyers 10 %"
    assert (len(task.train.labels), task.train.labels.sum()) == (200, 20)
    assert (len(task.test.labels), task.test.labels.sum()) == (166, 17)  # 150 / .9
    assert list(task.train.table.columns) == ["income", "job"]


def test_without_a_share_a_table_keeps_its_own(table):
    task = cut(table, None, rows=100, test_rows=100)
    assert (task.name, task.train.labels.sum(), task.test.labels.sum()) == ("buyers", 25, 25)


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0.5, r"study.ratio=0.5: expected a share above 0 and, on buyers, train, of at most 0.25"),
        (0.01, r"study.ratio=0.01: that leaves 3 rare rows on buyers, train"),
    ],
)
def test_a_share_that_a_table_cannot_be_cut_to_is_refused(table, share, says):
    with pytest.raises(TabganError, match=says):
        cut(table, share, rows=1_000, test_rows=1_000)


def test_a_target_of_numbers_is_refused(tmp_path):
    schema = SCHEMA.with_target("income")
    table = prepare("buyers", buyers(40, 0), buyers(40, 1), schema, cache=tmp_path)
    with pytest.raises(TabganError, match="expected a target of two classes"):
        cut(table, None, rows=40, test_rows=40)


@pytest.mark.slow
@pytest.mark.parametrize("name", RESAMPLERS)
def test_a_resampler_leaves_the_rows_and_adds_rare_ones(table, name):
    task = cut(table, None, rows=100, test_rows=100)
    made = RESAMPLERS[name](task.schema, task.train, 0, {"trainer.max_epochs": 1})
    pd.testing.assert_frame_equal(made.table.head(100), task.train.table)
    assert np.array_equal(made.labels[:100], task.train.labels)
    added = 0 if name in ("none", "class weights") else 50
    assert made.added == pytest.approx(added, abs=5)  # ADASYN's shares are rounded
    assert (made.labels[100:] == 1).all()
    assert set(made.table["job"]) == {"cook", "smith"}


def study(table, tmp_path, **changed):
    options = {"ratio": [None], "resamplers": ["none", "class weights", "random"], **TUNED}
    options |= {"rows": 200, "test_rows": 100, "seeds": [0], **changed}
    where = {"cache": tmp_path / "cache", "out": tmp_path / "out"}
    return imbalance_study(tables=[table], make_contestant=None, **where, **options)


@pytest.mark.slow
def test_the_study_writes_a_table_a_page_and_a_picture_and_goes_on_where_it_was(table, tmp_path):
    lines = study(table, tmp_path)
    assert len(lines) == 3 * 2  # resamplers x folds
    frame = pd.read_csv(tmp_path / "out" / "imbalance.csv")
    assert list(frame["contestant"].unique()) == ["none", "class weights", "random"]
    assert frame[list(FIGURES)].apply(lambda column: column.between(0, 1)).all(axis=None)
    assert frame["roc_auc"].mean() == pytest.approx(0.92, abs=0.05)  # Phi(2 / sqrt 2)
    page = (tmp_path / "out" / "imbalance.md").read_text("utf-8")
    assert "buyers: do not oversample." in page
    assert "| resampler | buyers |" in page
    assert (
        frame.loc[frame["contestant"] == "random", "nearness"].gt(0.9).all()
    )  # rows learned, again
    assert min(png_size((tmp_path / "out" / "imbalance.png").read_bytes())) > 100
    cells = sorted((tmp_path / "cache" / "cells").rglob("fold*.json"))
    before = [path.stat().st_mtime_ns for path in cells]
    assert study(table, tmp_path, seeds=[0]) == lines
    assert [path.stat().st_mtime_ns for path in cells] == before


def test_nearness_is_0_for_unseen_rows_and_high_for_the_learned_ones(table):
    task = cut(table, None, rows=200, test_rows=200)
    rare = [part.table[part.labels == 1] for part in (task.train, task.test)]  # 50 and 50

    def of(new):
        labels = np.r_[task.train.labels, np.ones(len(new), np.int64)]
        whole = pd.concat([task.train.table, new], ignore_index=True)
        return nearness(Rows(table=whole, labels=labels, added=len(new)), task.train, task.test, 0)

    assert of(rare[1]) == pytest.approx(0, abs=0.05)  # ties of two decimals
    assert of(rare[0]) == pytest.approx(1, abs=0.05)
    assert of(pd.concat(rare)) == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_test_rows_decide_neither_the_model_nor_the_threshold(table, tmp_path):
    other = prepare("buyers", buyers(400, 0), buyers(200, 5), SCHEMA, cache=tmp_path / "tables")
    one, two = (study(each, tmp_path) for each in (table, other))
    assert [line["threshold"] for line in one] == [line["threshold"] for line in two]
    assert [line["pr_auc"] for line in one] != [line["pr_auc"] for line in two]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"resamplers": ["none", "class weights", "SMOTTE"]}, "no 'SMOTTE'; did you mean 'SMOTE'"),
        ({"classifiers": ["forest"]}, "no 'forest'; did you mean 'random forest'"),
        ({"resamplers": ["none"]}, r"study.resamplers: \['class weights'\] are what the others"),
    ],
)
def test_a_wrong_name_is_refused(table, tmp_path, changed, says):
    with pytest.raises(TabganError, match=says):
        study(table, tmp_path, **changed)


def test_the_configuration_names_resamplers_and_classifiers_that_there_are():
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("study", ["+study=imbalance"])
    assert set(cfg.study.resamplers) == set(RESAMPLERS)
    assert set(cfg.study.classifiers) == set(CLASSIFIERS)
    assert (list(cfg.tables), list(cfg.study.ratio)) == (["adult", "bank"], [0.01, None])


def lines_of(**gains):
    """Four folds of each resampler, whose figures are .5 + gain; ``fold`` moves all alike."""
    return pd.DataFrame(
        [
            {"table": "t", "contestant": name, "classifier": "c", "seed": 0, "fold": fold}
            | {
                figure: 0.5 + 0.05 * fold + gain + 0.001 * (fold % 2) * (gain != 0)
                for figure in FIGURES
            }
            for name, gain in gains.items()
            for fold in range(4)
        ]
    )


def test_a_difference_is_taken_within_folds_so_what_moves_all_alike_has_no_interval():
    gaps = differences(lines_of(none=0.0, random=0.1), ["pr_auc"])
    assert gaps["mean"].tolist() == pytest.approx([0.1005])
    deviation = np.std([0, 0.001, 0, 0.001], ddof=1)
    assert gaps["half"].tolist() == pytest.approx([t.ppf(0.975, 3) * deviation / 2])


def test_one_value_has_no_interval():
    assert half_width([0.5]) == np.inf


def test_who_is_above_both_baselines_in_both_figures_helps():
    lines = lines_of(**{"none": 0.0, "class weights": 0.05, "random": 0.1, "SMOTE": 0.04})
    assert helpers(lines) == {"t": [("random", "c")]}
    assert verdict(lines)[0] == "t: oversampling helps: random with c."


def test_who_wins_in_f1_alone_does_not_help():
    lines = lines_of(**{"none": 0.0, "class weights": 0.0, "random": 0.1})
    lines.loc[lines["contestant"] == "random", "pr_auc"] = 0.5
    assert helpers(lines) == {"t": []}
    assert verdict(lines)[0].startswith("t: do not oversample. With c, the rows as they are have")


def test_ours_stand_beside_smotenc():
    lines = lines_of(**{"none": 0.0, "class weights": 0.0, "SMOTENC": 0.1, "GAN-SMOTE": 0.2})
    assert "GAN-SMOTE against SMOTENC, in 2 comparisons" in verdict(lines)[-1]
    assert "2 above, 0 level, 0 below; in the mean PR-AUC +0.100" in verdict(lines)[-1]


def test_ranks_start_at_1_and_a_small_calibration_error_is_good():
    table = ranks(lines_of(**{"none": 0.0, "class weights": 0.1, "random": 0.2}))
    assert table["pr_auc"].to_dict() == {"none": 3.0, "class weights": 2.0, "random": 1.0}
    assert table["ece"].to_dict() == {"none": 1.0, "class weights": 2.0, "random": 3.0}


def test_rows_are_picked_by_place():
    rows = Rows(table=pd.DataFrame({"x": [5, 6, 7]}), labels=np.array([0, 1, 0]))
    picked = rows.at(np.array([2, 1]))
    assert (picked.table["x"].tolist(), picked.labels.tolist()) == ([7, 6], [0, 1])
