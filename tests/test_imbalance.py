"""GANOversampler: imbalanced-learn's own checks, mixed tables, tiny classes, no leak."""

import doctest
import warnings

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import cross_validate

import tabgan.imbalance
from tabgan import TabganError
from tabgan.imbalance import GANOversampler, _settings

pytestmark = pytest.mark.slow

BRIEF = {"trainer.max_epochs": 1}
MODES = ("conditional", "gan_smote", "filtered_smote")


def checks(sampler):
    """imbalanced-learn's decorator gives pytest a generator, which pytest 10 will refuse."""
    mark = parametrize_with_checks([sampler])
    return pytest.mark.parametrize(mark.args[0], list(mark.args[1]), **mark.kwargs)


@checks(GANOversampler(mode="filtered_smote"))
def test_filtered_smote_passes_the_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


@checks(GANOversampler(overrides=BRIEF | {"model.likelihood_steps": 5, "model.rounds": 0}))
def test_a_gan_of_all_classes_passes_the_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


def sampler(mode, **options):
    return GANOversampler(mode, overrides=BRIEF, **options)


def mixed(n=120):
    """Rows of every third kind rare; ``pay`` has one decimal, ``age`` is small and whole."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, n).astype("int8"),
            "job": rng.choice(["cook", "clerk", "smith"], n),
            "pay": rng.normal(30, 5, n).round(1),
            "grade": pd.Categorical(rng.choice(["low", "high"], n), ["low", "high"], ordered=True),
            "member": rng.random(n) < 0.5,
        },
        index=np.arange(n)[::-1],
    )


def rare(n=120, every=4):
    return pd.Series(np.where(np.arange(n) % every == 0, "yes", "no"), name="bought")


@pytest.mark.parametrize("mode", MODES)
def test_a_mixed_table_keeps_its_dtypes_its_order_and_its_rows(mode):
    table, labels = mixed(), rare()
    before = table.copy()
    more, wanted = sampler(mode).fit_resample(table, labels)
    pd.testing.assert_frame_equal(table, before)
    assert more.dtypes.equals(table.dtypes)
    assert list(more.columns) == list(table.columns)
    pd.testing.assert_frame_equal(more.head(120), table.reset_index(drop=True))
    assert wanted.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert (wanted.iloc[120:] == "yes").all()
    assert wanted.name == "bought"
    new = more.iloc[120:]
    assert new["age"].between(20, 59).all()
    assert np.array_equal(new["pay"], new["pay"].round(1))


@pytest.mark.parametrize("mode", MODES)
def test_integers_of_an_array_stay_integers(mode):
    rows = np.column_stack([np.arange(60) % 7, np.arange(60) % 11]).astype("int32")
    more, labels = sampler(mode).fit_resample(rows, np.arange(60) % 3 == 0)
    assert (more.dtype, len(more), int(labels.sum())) == (np.int32, 80, 40)
    assert more[:, 0].max() <= 6


@pytest.mark.parametrize("mode", MODES)
def test_the_same_random_state_gives_the_same_bytes_and_another_one_others(mode):
    def resampled(state):
        more, _ = sampler(mode, random_state=state).fit_resample(mixed(), rare())
        return more.to_csv()

    once = resampled(1)
    assert once == resampled(1)
    assert once != resampled(2)


@pytest.mark.parametrize("mode", MODES)
def test_each_of_several_classes_gets_the_rows_that_the_strategy_asks_for(mode):
    labels = np.repeat([7, 8, 9], [60, 40, 20])
    strategy = {8: 45, 9: 30}
    _, wanted = sampler(mode, sampling_strategy=strategy).fit_resample(mixed(), labels)
    assert np.array_equal(np.unique(wanted, return_counts=True), [[7, 8, 9], [60, 45, 30]])


def test_a_balanced_table_comes_back_as_it_is():
    table = mixed()
    more, _ = GANOversampler().fit_resample(table, np.arange(120) % 2)
    pd.testing.assert_frame_equal(more, table.reset_index(drop=True))


@pytest.mark.parametrize("mode", ["conditional", "gan_smote"])
def test_gans_take_missing_values(mode):
    table = mixed().assign(pay=np.where(np.arange(120) % 5 == 0, np.nan, 30.0))
    more, _ = sampler(mode).fit_resample(table, rare())
    assert more["pay"].isna().sum() >= 24


def test_filtered_smote_says_that_a_number_is_missing():
    table = mixed().assign(pay=[np.nan, *[30.0] * 119])
    with pytest.raises(TabganError, match="column 'pay': a number is missing in row 0"):
        sampler("filtered_smote").fit_resample(table, rare())


def test_filtered_smote_keeps_a_missing_category_as_one():
    table = mixed().assign(job=[None, "cook"] * 60)
    more, _ = sampler("filtered_smote").fit_resample(table, rare())
    assert more["job"].iloc[:120].isna().sum() == 60
    assert set(more["job"].dropna()) == {"cook"}


@pytest.mark.parametrize(("mode", "n_rare"), [(m, n) for m in MODES for n in (1, 2, 5)])
def test_a_class_of_one_to_five_rows_is_told_of_in_one_warning(mode, n_rare):
    labels = np.array(["yes"] * n_rare + ["no"] * (120 - n_rare))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        more, wanted = sampler(mode).fit_resample(mixed(), labels)
    (warning,) = [w for w in said if issubclass(w.category, UserWarning)]
    assert f"classes with at most k_neighbors=5 rows: yes ({n_rare})" in str(warning.message)
    assert (wanted == "yes").sum() == 120 - n_rare
    repeats = more.iloc[120:].merge(mixed().head(n_rare).drop_duplicates(), how="inner")
    if mode != "filtered_smote" or n_rare == 1:
        assert len(repeats) == 120 - 2 * n_rare


@pytest.mark.parametrize(("asked", "learned"), [(20, 100 + 20), (96, 100 + 40)])
def test_a_gan_of_all_classes_learns_rare_rows_ten_times_more_at_most(monkeypatch, asked, learned):
    """Of 4 rare rows among 100, however many are asked for: 40 repeats would be 44 in all."""
    tables = []

    class LearnedError(Exception):
        pass

    def fit(_gan, table, **_options):
        tables.append(table)
        raise LearnedError

    monkeypatch.setattr("tabgan.imbalance.TableGAN.fit", fit)
    rare = np.arange(100) % 25 == 0
    sampler = GANOversampler("conditional", k_neighbors=2, sampling_strategy={True: 4 + asked})
    with pytest.raises(LearnedError):
        sampler.fit_resample(pd.DataFrame({"age": np.arange(100) % 17}), rare)
    (table,) = tables
    assert len(table) == learned
    assert (table["class"] == "1").sum() == learned - 96


def test_the_critic_throws_candidates_away_that_real_rows_do_not_look_like():
    # x is 0 or 10 in real rows; what SMOTE puts between them is on no real row
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.choice([0.0, 10.0], 2_100), rng.normal(size=(2_100, 2))])
    labels = np.arange(2_100) % 7 == 0

    def between(resampler):
        new = resampler.fit_resample(rows, labels)[0][2_100:, 0]
        return float(((new > 0.5) & (new < 9.5)).mean())

    plain = between(SMOTE(k_neighbors=200, random_state=0))
    assert between(GANOversampler("filtered_smote", k_neighbors=200)) < plain / 2


class Witness(ClassifierMixin, BaseEstimator):
    """Is trained on some ages and must be asked about others."""

    def fit(self, rows, labels):
        self.classes_ = np.unique(labels)
        self.seen_ = set(rows["age"])
        return self

    def predict(self, rows):
        assert self.seen_.isdisjoint(set(rows["age"]))
        return np.repeat(self.classes_[:1], len(rows))


def test_in_a_pipeline_a_cross_validation_learns_from_the_training_folds_alone():
    # each age stands in one fold only: new rows of the other's could only have leaked
    table = pd.DataFrame({"age": [20, 21] * 60, "pay": np.arange(120) % 13})
    even, odd = np.arange(0, 120, 2), np.arange(1, 120, 2)
    folds = [(even, odd), (odd, even)]
    labels = np.arange(120) % 8 < 2
    for mode in MODES:
        pipeline = make_pipeline(sampler(mode), Witness())
        done = cross_validate(pipeline, table, labels, cv=folds, error_score="raise")
        assert len(done["test_score"]) == 2


@pytest.mark.parametrize("mode", MODES)
def test_a_regression_target_is_refused_as_everywhere_in_imbalanced_learn(mode):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        sampler(mode).fit_resample(mixed(), np.linspace(0, 1, 120))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mode": "gan"}, "The 'mode' parameter of GANOversampler must be a str among"),
        ({"k_neighbors": 0}, "The 'k_neighbors' parameter of GANOversampler must be an int"),
        ({"overrides": {"model.lrr": 1}}, r"model\.lrr: no such key; did you mean 'lr'\?"),
    ],
)
def test_a_wrong_parameter_is_one_line(options, says):
    with pytest.raises(ValueError, match=says):
        GANOversampler(**options).fit_resample(mixed(), rare())


@pytest.mark.parametrize("mode", MODES)
def test_text_without_repetition_is_refused_by_its_column(mode):
    table = mixed().assign(name=[f"person {i}" for i in range(120)])
    with pytest.raises(TabganError, match="column 'name': text with very many distinct values"):
        sampler(mode).fit_resample(table, rare())


def test_the_docstring_example_runs():
    assert doctest.testmod(tabgan.imbalance).failed == 0


def test_a_large_table_is_refined_and_a_small_one_is_not():
    assert _settings(1_999) == {"logger": "none", "refiner.rounds": 0}
    assert _settings(2_000) == {"logger": "none"}
