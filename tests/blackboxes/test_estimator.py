"""A forest as a black box, on the disk and back, without a pickle."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from tabgan.blackboxes.estimator import EstimatorBox, open_estimator
from tabgan.blackboxes.forest import cross_validated, fit_forest
from tabgan.errors import TabganError
from tabgan.tables.readers import read_table
from tabgan.tables.schema import Column, TableSchema

SETTINGS = {"seed": 0, "n_estimators": 5, "positive": None}


@pytest.fixture(scope="module")
def people(mixed_arff):
    return read_table(mixed_arff, target="label")


@pytest.fixture(scope="module")
def box(people):
    return fit_forest(*people, score="probability", **SETTINGS)


def test_the_score_is_the_probability_of_the_rarest_class(people, box):
    table, _ = people
    assert box.positive == "yes"  # every third row
    shares = box.probabilities(table)
    np.testing.assert_array_equal(box(table), shares[:, 1])
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_a_fully_grown_forest_knows_its_own_rows(people, box):
    table, _ = people
    assert (box.labels(table) == table["label"].astype("str")).mean() > 0.9


def test_confidence_is_at_least_one_over_the_classes(people):
    table, schema = people
    box = fit_forest(table, schema, score="confidence", **SETTINGS)
    assert box(table).min() >= 0.5


def test_the_target_is_not_read(people, box):
    table, _ = people
    np.testing.assert_array_equal(box(table), box(table.drop(columns="label")))


def test_a_missing_column_is_named(people, box):
    table, _ = people
    with pytest.raises(TabganError, match=r"forest: the rows lack the columns \['job'\]"):
        box(table.drop(columns="job"))


def test_missing_values_get_a_score(people, box):
    table, _ = people
    assert table["job"].isna().any()
    assert np.isfinite(box(table)).all()


def test_a_saved_box_scores_as_before(people, box, tmp_path):
    table, _ = people
    box.save(tmp_path / "box", {"seed": 0})
    again = open_estimator(str(tmp_path / "box"))
    np.testing.assert_array_equal(again(table), box(table))
    assert open_estimator(str(tmp_path / "box"), positive="no").positive == "no"


def test_types_that_nobody_trusts_are_named_and_not_run(people, tmp_path):
    table, schema = people
    model = make_pipeline(FunctionTransformer(np.asarray), DecisionTreeClassifier())
    model.fit(table[["age"]], table["label"].astype("str"))
    box = EstimatorBox(model, schema=schema, score="probability", positive="yes", name="tree")
    box.save(tmp_path, {})
    with pytest.raises(TabganError, match=r"not trusted: .*blackbox\.trusted="):
        open_estimator(str(tmp_path))


def test_a_pickle_is_no_box(tmp_path, box):
    (tmp_path / "model.skops").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "blackbox.json").write_text(json.dumps({"columns": box.schema.to_plain()}))
    with pytest.raises(TabganError, match="not a saved black box"):
        open_estimator(str(tmp_path))


def test_a_folder_without_a_box_is_named(tmp_path):
    with pytest.raises(TabganError, match=f"not a saved black box: {tmp_path}"):
        open_estimator(str(tmp_path))


def test_an_unknown_class_or_score_is_refused(people):
    with pytest.raises(TabganError, match=r"blackbox\.positive=yess: did you mean 'yes'"):
        fit_forest(*people, score="probability", **(SETTINGS | {"positive": "yess"}))
    with pytest.raises(TabganError, match=r"blackbox\.score=margin"):
        fit_forest(*people, score="margin", **SETTINGS)


def test_a_table_without_classes_has_no_forest(people):
    table, schema = people
    with pytest.raises(TabganError, match="a black box learns a column of classes"):
        fit_forest(table, schema.with_target("age"), score="probability", **SETTINGS)


def test_folds_in_order_see_what_shuffled_folds_do_not():
    # The class is whether x is above 0; the second half of the file has x upside down.
    x = np.tile(np.linspace(-1, 1, 50), 4)
    flipped = np.repeat([1, -1], 100)
    schema = TableSchema(
        name="drift",
        target="y",
        columns=(
            Column(name="x", kind="numeric"),
            Column(name="y", kind="nominal", categories=("no", "yes")),
        ),
    )
    table = schema.conform(pd.DataFrame({"x": x, "y": np.where(x * flipped > 0, "yes", "no")}))
    settings = {"seed": 0, "n_estimators": 3}
    in_order = cross_validated(table, schema, shuffle=False, **settings)
    shuffled = cross_validated(table, schema, shuffle=True, **settings)
    assert in_order.std() > shuffled.std()
