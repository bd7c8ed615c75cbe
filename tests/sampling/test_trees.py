"""The trees' own scorer against scikit-learn's compiled one."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from tabgan.encoding.state import load_state, save_state
from tabgan.errors import TabganError
from tabgan.sampling.trees import BoostedTrees, Cuts


def mixed_rows(n_rows, seed=0):
    """Decimals, integers, a heavy tail, codes, a constant; some missing."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack(
        [
            rng.normal(size=n_rows),
            rng.normal(size=n_rows).round(1),
            np.exp(6 * rng.normal(size=n_rows)),
            rng.integers(0, 9, n_rows),
            rng.integers(0, 2, n_rows),
            np.full(n_rows, 3.0),
        ]
    )
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def labels_of(rows, seed=0):
    noise = np.random.default_rng(seed).logistic(size=len(rows))
    known = np.nan_to_num(rows)
    signal = known[:, 0] * known[:, 3] + known[:, 1] + np.isnan(rows[:, 2])
    return (signal + np.log1p(known[:, 2]) / 2 + noise > 1).astype(int)


def fitted(rows, labels, **settings):
    chosen = {"max_iter": 40, "early_stopping": False, "random_state": 0, **settings}
    with threadpool_limits(1):
        return HistGradientBoostingClassifier(**chosen).fit(rows, labels)


def assert_same(trees, model, rows):
    with threadpool_limits(1):
        expected = model.decision_function(rows)
    np.testing.assert_allclose(trees.decision(rows), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("leaves", [2, 15, 31, 60])  # masks of 16, 32 and 64 bits
def test_log_odds_equal_scikit_learns(leaves):
    rows = mixed_rows(3_000)
    model = fitted(rows, labels_of(rows), max_leaf_nodes=leaves, min_samples_leaf=5)
    assert_same(BoostedTrees.from_classifier(model), model, mixed_rows(10_000, seed=1))


def test_a_value_on_a_threshold_goes_left_as_there():
    rows = mixed_rows(3_000)
    model = fitted(rows, labels_of(rows))
    trees = BoostedTrees.from_classifier(model)
    edges = mixed_rows(2_000, seed=2)
    rng = np.random.default_rng(0)
    for column in range(trees.n_columns):
        cuts = trees.threshold[trees.column == column]
        if len(cuts):
            on = rng.choice(cuts, len(edges))
            edges[:, column] = np.where(rng.random(len(edges)) < 0.7, on, edges[:, column])
    edges[0], edges[1] = np.inf, -np.inf
    assert_same(trees, model, edges)


def test_missing_values_unseen_in_training_go_where_scikit_learn_sends_them():
    rows = np.nan_to_num(mixed_rows(2_000))
    model = fitted(rows, labels_of(rows))
    assert_same(BoostedTrees.from_classifier(model), model, mixed_rows(2_000, seed=1))


def test_a_column_that_only_tells_missing_from_known_is_split_at_infinity():
    rows = np.where(np.random.default_rng(0).random((500, 1)) < 0.5, np.nan, 1.0)
    model = fitted(rows, np.isnan(rows[:, 0]).astype(int), max_iter=3)
    trees = BoostedTrees.from_classifier(model)
    assert np.isinf(trees.threshold).any()
    assert_same(trees, model, np.array([[1.0], [np.nan], [np.inf], [-5.0]]))


def test_trees_of_one_leaf_add_the_same_to_every_row():
    rows = mixed_rows(30)
    labels = np.repeat([0, 1], 15)
    model = fitted(rows, labels, min_samples_leaf=30)
    assert_same(BoostedTrees.from_classifier(model), model, mixed_rows(10, seed=1))


def test_no_rows_have_no_log_odds():
    rows = mixed_rows(200)
    trees = BoostedTrees.from_classifier(fitted(rows, labels_of(rows)))
    assert trees.decision(rows[:0]).shape == (0,)


def test_the_mean_of_two_models_has_the_mean_of_their_log_odds():
    rows = mixed_rows(1_500)
    models = [
        fitted(rows, labels_of(rows), max_iter=200, max_leaf_nodes=leaves) for leaves in (4, 31)
    ]
    trees = BoostedTrees.mean_of([BoostedTrees.from_classifier(model) for model in models])
    assert trees.n_trees == 400  # more than one block, of two mask widths
    expected = sum(model.decision_function(rows) for model in models) / 2
    np.testing.assert_allclose(trees.decision(rows), expected, rtol=0, atol=1e-6)


def test_state_comes_back_from_disk(tmp_path):
    rows = mixed_rows(1_000)
    trees = BoostedTrees.from_classifier(fitted(rows, labels_of(rows)))
    save_state(tmp_path, trees.state())
    restored = BoostedTrees.restore(load_state(tmp_path))
    np.testing.assert_array_equal(restored.decision(rows), trees.decision(rows))


@pytest.mark.parametrize(
    ("name", "value"),
    [("left", 0), ("right", 10_000), ("column", 6), ("value", None), ("starts", None)],
)
def test_a_damaged_state_is_refused(name, value):
    rows = mixed_rows(1_000)
    state = BoostedTrees.from_classifier(fitted(rows, labels_of(rows))).state()
    array = state[name].copy()
    if value is not None:
        array[0] = value  # the root of the first tree
    state[name] = array if value is not None else array[:-1]
    with pytest.raises(TabganError, match="not a state of boosted trees"):
        BoostedTrees.restore(state)


def test_what_cannot_be_scored_is_refused_by_name():
    rows = mixed_rows(2_000)
    labels = labels_of(rows)
    with pytest.raises(TabganError, match="expected two classes, got 3"):
        BoostedTrees.from_classifier(fitted(rows, labels + (rows[:, 0] > 1), max_iter=2))
    with pytest.raises(TabganError, match="got splits by category"):
        BoostedTrees.from_classifier(fitted(rows, labels, categorical_features=[3], max_iter=5))
    large = fitted(rows, labels, max_leaf_nodes=80, min_samples_leaf=5, max_iter=2)
    with pytest.raises(TabganError, match="at most 64 leaves a tree, got"):
        BoostedTrees.from_classifier(large)
    with pytest.raises(TabganError, match="expected rows of 6 columns"):
        BoostedTrees.from_classifier(fitted(rows, labels, max_iter=1)).decision(rows[:, :4])


@pytest.mark.parametrize(
    "thresholds",
    [
        [],
        [1.0],
        [0.5, 1.5, 2.5],
        list(np.random.default_rng(0).normal(size=200)),
        list(np.exp(20 * np.random.default_rng(0).normal(size=200))),  # searched by bisection
        [0.0, 5e-324, 1.0],
        [-1.7e308, 0.0, 1.7e308],
        [1.0, np.inf],
    ],
)
def test_a_place_counts_the_thresholds_below(thresholds):
    thresholds = np.sort(np.array(thresholds))
    around = np.concatenate([np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)])
    values = np.concatenate([thresholds, around, [-np.inf, np.inf, 0.0, 3.3, -1e300]])
    found = Cuts.of(0, thresholds).places(np.append(values, np.nan))
    np.testing.assert_array_equal(found[:-1], (values[:, None] > thresholds).sum(axis=1))
    assert found[-1] == len(thresholds) + 1  # missing
