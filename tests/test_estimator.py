"""TableGAN: the journey of the commands behind scikit-learn's conventions."""

import doctest
import gc
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import tempfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr, get_tags

import tabgan.estimator
from tabgan import TabganError, TableGAN
from tabgan.config.opening import chosen_refiner, open_run
from tabgan.evaluation.gathering import read_data
from tabgan.metrics.fidelity import shape_error
from tabgan.paths import conf_dir
from tabgan.tables.readers import read_table

ROOT = Path(__file__).resolve().parents[1]
TINY = {
    "model.generator.hidden_dim": 16,
    "model.critic.hidden_dims": [16],
    "model.noise_dim": 8,
    "data.batch_size": 50,
    "trainer.max_epochs": 1,
}
UNREFINED = TINY | {"refiner.rounds": 0, "logger": "none", "callbacks": "report"}


def people():
    """240 rows: age of 4 values, job with a missing quarter, member yes in every second row."""
    return pd.DataFrame(
        {
            "age": [22, 35, 58, 41] * 60,
            "job": ["cook", "clerk", None, "cook"] * 60,
            "pay": np.arange(240) / 4,
            "member": ["no", "yes"] * 120,
        }
    )


@pytest.fixture(scope="module")
def fitted():
    """Fitted to ``people``; shared, so a test only looks at it."""
    return TableGAN(seed=1, overrides=UNREFINED).fit(people(), target="member")


@pytest.fixture(scope="module")
def refined(refined_at_any_rate):  # noqa: ARG001
    """As ``fitted``, by so short a game that there is much to refine."""
    nets = {"model.generator.hidden_dims": [16], "model.critic.hidden_dims": [16]}
    words = {"refiner": "boosted", "refiner.rounds": 1, "callbacks": "report", "logger": "none"}
    words |= {"trainer.max_epochs": 3, "data.batch_size": 50}
    return TableGAN("cgan_basic", seed=1, overrides=nets | words).fit(people(), target="member")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder of the test's own, in which temporary folders lie too."""
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_importing_tabgan_does_not_import_torch():
    code = "import tabgan, sys; sys.exit('torch' in sys.modules or 'TableGAN' not in dir(tabgan))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_name_that_tabgan_has_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'tabgan' has no attribute 'TableGen'"):
        tabgan.TableGen  # noqa: B018


@pytest.mark.slow
def test_the_docstring_example_runs_and_leaves_nothing(here):
    results = doctest.testmod(tabgan.estimator)
    assert (results.failed, results.attempted > 5) == (0, True)
    gc.collect()
    assert [path.name for path in here.rglob("*")] == ["here"]


def test_rows_come_in_the_columns_and_dtypes_of_the_table(fitted):
    rows = fitted.sample(50)
    assert rows.dtypes.to_dict() == people().dtypes.to_dict()
    assert list(rows.columns) == ["age", "job", "pay", "member"]
    assert set(rows["age"]) <= {22, 35, 58, 41}


DTYPES = {
    "int8": np.arange(240, dtype="int8") // 2,
    "float32": np.arange(240, dtype="float32") / 8,
    "Int64": pd.array([1, None, 5] * 80, dtype="Int64"),
    "boolean": pd.array([True, None, False] * 80, dtype="boolean"),
    "bool": [True, False, False] * 80,
    "category": pd.Categorical(["b", "a", None] * 80),
    "ordered": pd.Categorical(["low", "high"] * 120, categories=["low", "high"], ordered=True),
    "int category": pd.Categorical([3, 1] * 120),
    "object": pd.Series(["x", "y", None] * 80, dtype="object"),
    "string": pd.array(["x", "y"] * 120, dtype="string"),
    "datetime": pd.date_range("2020-01-01", periods=240, unit="s"),
    "zoned": pd.date_range("2020-01-01", periods=240, freq="h", tz="Europe/Berlin"),
    "constant": [1.5] * 240,
}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ordered", "float32", None])
def test_every_dtype_comes_back_and_the_table_stays_as_it_was(target):
    table = pd.DataFrame(DTYPES, index=np.arange(240)[::-1])
    before = table.copy()
    rows = TableGAN(overrides=UNREFINED).fit(table, target=target).sample(200)
    pd.testing.assert_frame_equal(table, before)
    assert rows.dtypes.to_dict() == table.dtypes.to_dict()


@pytest.mark.slow
def test_integers_that_are_few_are_classes_and_can_be_asked_for():
    table = people().assign(member=[0, 1] * 120)
    gan = TableGAN("cgan_basic", overrides={"trainer.max_epochs": 1}).fit(table, target="member")
    rows = gan.sample(20, where={"member": 1})
    assert rows["member"].tolist() == [1] * 20


def test_rows_can_be_asked_for_by_values_sets_ranges_shares_and_one_by_one(fitted):
    requested = {"job": ["cook", "clerk"], "age": (30, 45), "member": "yes"}
    rows = fitted.sample(40, where=requested)
    assert len(rows) == 40
    assert rows["job"].isin(["cook", "clerk"]).all()
    assert rows["age"].isin([35, 41]).all()
    assert set(rows["member"]) == {"yes"}
    with pytest.raises(TabganError, match="training has no row with both"):  # of 22 and 58 alone
        fitted.sample(40, where=requested | {"member": "no"})
    assert fitted.sample(30, mix={"no": 1.0, "yes": 0.0})["member"].tolist() == ["no"] * 30
    assert fitted.sample(like=[{"age": 22}, {"age": 58}])["age"].tolist() == [22, 58]


def test_a_table_asks_row_by_row_and_its_missing_cells_are_free(fitted):
    requested = pd.DataFrame({"age": [22, None, 58], "member": ["no", "yes", None]})
    rows = fitted.sample(like=requested)
    assert rows["age"].iloc[[0, 2]].tolist() == [22, 58]
    assert rows["member"].head(2).tolist() == ["no", "yes"]


def test_imputations_are_as_many_as_a_numpy_integer_says(fitted):
    assert len(fitted.impute(people().head(8), np.int64(2))) == 2


@pytest.mark.slow
def test_a_table_without_a_target_has_no_condition():
    assert TableGAN(overrides=UNREFINED).fit(people()).run_.encoder.condition_width == 0


@pytest.mark.slow
def test_the_commands_train_and_draw_the_same_rows(command, mixed_arff, tmp_path):
    words = [f"{key}={value}" for key, value in TINY.items()]
    words += [f"data.path={mixed_arff}", "data.target=label", "data.test_fraction=0", "seed=3"]
    assert command("train", *words, "hydra.run.dir=run").status == 0
    drawn = command("sample", "run=run", "n=40", "seed=5", "out=rows.parquet")
    assert drawn.status == 0, drawn.err
    theirs = pd.read_parquet(tmp_path / "rows.parquet")
    gan = TableGAN(seed=3, overrides=TINY).fit(mixed_arff, target="label")
    pd.testing.assert_frame_equal(gan.sample(40, seed=5), theirs)
    loaded = TableGAN.load(tmp_path / "run")
    pd.testing.assert_frame_equal(loaded.sample(40, seed=5), theirs)


@pytest.mark.slow
def test_a_dataframe_is_learned_as_its_file_is(mixed_arff):
    table, _ = read_table(mixed_arff)
    one, two = (TableGAN(overrides=UNREFINED).fit(t, target="label") for t in (table, mixed_arff))
    assert one.sample(30).equals(two.sample(30))


@pytest.mark.slow
def test_a_named_set_brings_its_target_and_test_rows():
    words = {"+trainer.limit_train_batches": 1, "trainer.max_epochs": 1, "logger": "none"}
    with pytest.warns(UserWarning, match="mode collapse"):  # after one step
        gan = TableGAN("cgan_basic", overrides=words).fit("adult")
    assert gan.run_.encoder.schema.target == "income"
    tables = gan._tables(None, n=10, seed=0)
    assert (len(tables.train), len(tables.test)) == (32_561 - 3_256, 16_281)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(fitted):
    assert fitted.sample(30, seed=4).equals(fitted.sample(30, seed=4))
    assert not fitted.sample(30, seed=4).equals(fitted.sample(30, seed=5))


def test_refinement_is_the_default_where_it_was_learned(refined):
    assert refined.sample(100).equals(refined.sample(100, refine=True))
    assert not refined.sample(100).equals(refined.sample(100, refine=False))


def test_a_run_that_found_nothing_to_refine_says_so_and_draws_plain_rows(fitted, caplog):
    config = OmegaConf.merge(fitted.run_.config, {"refiner": {"rounds": 1}})
    idle = replace(fitted.run_, config=config)
    assert chosen_refiner(idle, True) is None
    assert [record.message.partition(fitted.run_.folder.name)[2] for record in caplog.records] == [
        " found nothing to refine; the rows are as the generator draws them"
    ]
    caplog.clear()
    caplog.set_level("INFO")
    assert chosen_refiner(idle, False) is None
    assert caplog.records == []
    assert chosen_refiner(idle, None) is None  # the default, which refines where there is a refiner
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert caplog.records[0].message.startswith("the training of ")


def test_a_run_that_was_not_to_be_refined_is_not(fitted):
    with pytest.raises(TabganError, match="has no refiner; train with refiner=boosted"):
        chosen_refiner(fitted.run_, True)


@pytest.mark.slow
def test_keys_and_missing_cells_cannot_be_asked_for_and_missing_cells_are_not_refined():
    table = people().assign(rank=np.random.default_rng(0).permutation(240))
    words = {"encoder.missing": "masked", "logger": "none", "refiner": "boosted"}
    gan = TableGAN("cgan_basic", overrides=words | {"trainer.max_epochs": 1}).fit(table)
    for requested, says in (
        ({"where": {"rank": 3}}, "where.rank: the column is a key, whose values number the rows"),
        ({"where": {"job": None}}, r"where.job=\?: generated rows have no missing values there"),
        ({"refine": True}, "has no refiner: trees would tell training rows by their missing cells"),
    ):
        with pytest.raises(TabganError, match=says):
            gan.sample(2, **requested)
    assert gan.sample(2, where={"job": [None, "cook"]})["job"].tolist() == ["cook", "cook"]


@pytest.mark.slow
def test_evaluate_scores_the_rows_that_sample_draws(refined):
    run = refined.run_
    train = read_data(run).train
    figures = refined.evaluate(people().tail(120), n=60, seed=2)
    assert {"c2st_test_auc", "wnmis", "refined.c2st_test_auc", "refined.mle_auc"} <= set(figures)
    for refine, prefix in ((False, ""), (True, "refined.")):
        drawn = run.encoder.schema_.conform(refined.sample(60, refine=refine, seed=2))
        assert figures[f"{prefix}shape_error"] == shape_error(train, drawn)


@pytest.mark.slow
def test_evaluate_says_why_a_metric_is_absent(fitted, capfd):
    quiet = fitted.evaluate(people().head(5), n=30)
    assert "c2st_test_auc" not in quiet
    assert capfd.readouterr().out == ""
    fitted.verbose = True
    try:
        assert fitted.evaluate(people().head(5), n=30) == quiet
    finally:
        fitted.verbose = None
    assert re.search(r"c2st_test_auc: .*5", capfd.readouterr().out)


@pytest.mark.slow
def test_evaluate_writes_a_report_with_anchors(fitted, tmp_path):
    figures = fitted.evaluate(people().tail(120), n=120, out=tmp_path / "report")
    assert (tmp_path / "report" / "report.html").stat().st_size > 0
    assert {"real_test.wnmis", "independent.wnmis", "wnmis"} <= set(figures)
    assert all(isinstance(value, int | float) for value in figures.values())


def test_a_saved_model_draws_the_same_rows_wherever_it_lies(fitted, tmp_path):
    fitted.save(tmp_path / "saved")
    (tmp_path / "saved").rename(tmp_path / "moved")
    loaded = TableGAN.load(tmp_path / "moved")
    assert loaded.sample(30).equals(fitted.sample(30))
    assert loaded.run_.config.data.path == str(tmp_path / "moved" / "table.parquet")
    assert loaded.get_params() == fitted.get_params()


@pytest.mark.slow
@pytest.mark.parametrize("dumps", ["pickle", "joblib", "deepcopy"])
def test_a_pickled_model_samples_saves_evaluates_and_goes_on(fitted, tmp_path, dumps):
    gan = TableGAN.load(fitted.run_.folder)
    gan.save(tmp_path / "first")
    gan = TableGAN.load(tmp_path / "first")
    if dumps == "pickle":
        copy = pickle.loads(pickle.dumps(gan))
    elif dumps == "joblib":
        joblib.dump(gan, tmp_path / "gan.joblib")
        copy = joblib.load(tmp_path / "gan.joblib")
    else:
        copy = deepcopy(gan)
    assert gan.sample(50, seed=3).equals(fitted.sample(50, seed=3))  # it is fitted still
    shutil.rmtree(tmp_path / "first")  # as on another machine
    assert copy.sample(50, seed=3).equals(fitted.sample(50, seed=3))
    assert list(copy.feature_names_in_) == list(fitted.feature_names_in_)
    copy.save(tmp_path / "second")
    assert (tmp_path / "second" / "table.parquet").is_file()
    assert len(read_data(copy.run_).train) == 216  # of 240, a tenth for validation
    folder = copy.run_.folder
    assert folder.is_dir()
    del copy
    gc.collect()
    assert not folder.exists()


def test_what_is_not_fitted_is_pickled_as_it_is():
    gan = pickle.loads(pickle.dumps(TableGAN(seed=3, overrides={"model.lr": 1e-4})))
    assert gan.get_params()["overrides"] == {"model.lr": 1e-4}
    with pytest.raises(NotFittedError):
        gan.sample(3)


def test_a_model_whose_folder_somebody_removed_says_so(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    gan = TableGAN.load(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    for use in (lambda: gan.save(tmp_path / "other"), lambda: pickle.dumps(gan)):
        with pytest.raises(TabganError, match="the run's folder is gone"):
            use()


def test_the_sample_command_takes_a_saved_model(fitted, command, tmp_path):
    fitted.save(tmp_path / "saved")
    assert command("sample", "run=saved", "n=25", "out=rows.parquet").status == 0
    assert pd.read_parquet(tmp_path / "rows.parquet").equals(fitted.sample(25))


@pytest.mark.slow
def test_the_evaluate_command_takes_a_saved_model(fitted, command, tmp_path):
    fitted.save(tmp_path / "saved")
    people().to_csv(tmp_path / "test.csv", index=False)
    ended = command("evaluate", "run=saved", "test=test.csv", "n=60", "out=report")
    assert ended.status == 0, ended.err
    assert (tmp_path / "report" / "report.json").is_file()


def test_save_takes_an_empty_folder_only(fitted, tmp_path):
    (tmp_path / "something").touch()
    with pytest.raises(TabganError, match="expected an absent or empty folder"):
        fitted.save(tmp_path)


def test_the_constructor_only_stores():
    overrides = {"model.lr": 1e-3}
    gan = TableGAN("gan", seed=7, overrides=overrides, folder="there", verbose=True)
    assert gan.get_params() == {
        "preset": "gan", "seed": 7, "overrides": overrides, "folder": "there", "verbose": True,
        "constraints": (),
    }  # fmt: skip
    assert gan.overrides is overrides
    assert gan.set_params(seed=8).seed == 8


def test_scikit_learn_is_told_that_text_categories_and_missing_values_are_welcome(fitted):
    tags = get_tags(TableGAN())
    welcome = tags.input_tags
    assert (welcome.string, welcome.categorical, welcome.allow_nan) == (True, True, True)
    assert (tags.estimator_type, tags.target_tags.required) == (None, False)
    assert "TableGAN" in estimator_html_repr(fitted)


@pytest.mark.slow
def test_the_recipe_for_a_bench_of_synthesizers_gives_rows_of_the_table():
    """The two functions that docs/guides/python.md has for SDGym."""
    page = (ROOT / "docs" / "guides" / "python.md").read_text("utf-8")
    recipe = page.partition("## In a bench of synthesizers")[2].split("```")[1]
    scope = {}
    exec(
        recipe.removeprefix("python\n").replace("TableGAN()", f"TableGAN(overrides={UNREFINED})"),
        scope,
    )
    synthesizer = scope["get_trained_synthesizer"](people(), metadata=None)
    rows = scope["sample_from_synthesizer"](synthesizer, 7)
    assert rows.shape == (7, 4)
    assert rows.dtypes.to_dict() == people().dtypes.to_dict()


def test_a_clone_has_the_parameters_and_is_not_fitted(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.sample(1)


@pytest.mark.parametrize(
    "use",
    [
        lambda gan: gan.sample(1),
        lambda gan: gan.evaluate(people()),
        lambda gan: gan.save("there"),
        lambda gan: gan.fit(people(), fine_tune=True),
    ],
)
def test_what_needs_a_fit_says_so(use):
    with pytest.raises(NotFittedError):
        use(TableGAN())


def test_fit_knows_its_columns(fitted):
    assert fitted.feature_names_in_.tolist() == ["age", "job", "pay", "member"]
    assert fitted.n_features_in_ == 4


@pytest.mark.slow
def test_a_second_fit_forgets_the_first(here):
    gan = TableGAN(overrides=UNREFINED).fit(people(), target="member")
    first = gan.run_.folder
    other = pd.DataFrame({"x": [1.5, 2.5] * 60, "y": ["a", "b"] * 60})
    assert gan.fit(other) is gan
    assert gan.sample(3).columns.tolist() == ["x", "y"]
    assert (first.exists(), gan.n_features_in_) == (False, 2)
    fresh = TableGAN(overrides=UNREFINED).fit(other)
    assert fresh.sample(20).equals(gan.sample(20))
    del gan, fresh
    gc.collect()
    assert [path.name for path in here.rglob("*")] == ["here"]


def test_a_fit_that_fails_leaves_the_model_as_it_was(here):
    gan = TableGAN(overrides=UNREFINED).fit(people(), target="member")
    with pytest.raises(TabganError):
        gan.fit(people(), target="membre")
    assert len(gan.sample(2)) == 2
    assert len(list(here.glob("tabgan-*"))) == 1


@pytest.mark.slow
def test_a_run_goes_where_folder_says_and_a_second_fit_replaces_it(tmp_path):
    folder = tmp_path / "runs" / "people"
    gan = TableGAN(overrides=UNREFINED, folder=folder)
    with pytest.raises(TabganError, match="no such column"):
        gan.fit(people(), target="membre")
    assert not folder.exists()
    gan.fit(people(), target="member").fit(people())
    assert open_run(folder).encoder.schema.target is None
    with pytest.raises(TabganError, match="expected an absent or empty folder"):
        clone(gan).fit(people())


class Counting(pl.Callback):
    steps = 0

    def on_train_batch_end(self, *_):
        self.steps += 1


def test_lightning_callbacks_are_called():
    counting = Counting()
    words = UNREFINED | {"model.rounds": 0}
    TableGAN(overrides=words).fit(people(), callbacks=[counting])
    assert counting.steps == 50  # an epoch of codes is 50 batches at least


RATES = ("model.lr", "model.round_lr", "model.critic_lr")


def weights(gan):
    return gan.run_.module.state_dict()


@pytest.mark.slow
def test_fine_tuning_goes_on_from_the_weights_and_keeps_the_encoder(fitted):
    # at a learning rate of 0 nothing but the weights it starts from can come out
    gan = TableGAN.load(fitted.run_.folder)
    gan.set_params(overrides=UNREFINED | dict.fromkeys(RATES, 0))
    more = people().query("job == 'cook'").assign(age=35)  # fewer values than the encoder knows
    gan.fit(more, fine_tune=True)
    nets = [name for name in weights(gan) if name.startswith(("generator.", "critic."))]
    assert all(torch.equal(weights(gan)[name], weights(fitted)[name]) for name in nets)
    assert gan.run_.encoder.encodings_ == fitted.run_.encoder.encodings_
    assert gan.run_.encoder.schema_ == fitted.run_.encoder.schema_


@pytest.mark.slow
def test_fine_tuning_at_a_rate_above_zero_moves_the_weights(fitted):
    gan = TableGAN.load(fitted.run_.folder).fit(people().head(150), fine_tune=True)
    name = "generator.layers.0"
    assert not torch.equal(weights(gan)[name], weights(fitted)[name])
    assert fitted.run_.folder.is_dir()


@pytest.mark.slow
def test_a_fine_tuned_model_can_be_saved_evaluated_and_tuned_again(fitted, tmp_path):
    gan = TableGAN.load(fitted.run_.folder).fit(people().head(150), fine_tune=True)
    gan.save(tmp_path / "tuned")
    del gan
    again = TableGAN.load(tmp_path / "tuned")
    assert 0 <= again.evaluate(people(), n=60)["shape_error"] <= 100
    assert len(again.fit(people(), fine_tune=True).sample(3)) == 3


@pytest.mark.slow
def test_a_model_that_looks_rows_up_while_it_trains_looks_them_up_in_the_new_table():
    gan = TableGAN("ctgan", overrides={"trainer.max_epochs": 1, "logger": "none"})
    gan.fit(people(), target="member").fit(people().head(100), fine_tune=True)
    assert gan.sample(3, where={"member": "yes"})["member"].tolist() == ["yes"] * 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"job": "baker"},
            r"column 'job': expected one of \['clerk', 'cook'\], got 'baker' in row 0",
        ),
        (
            {"age": [None, 22] * 120},
            r"column 'age': a value is missing, and the run it starts from",
        ),
        ({"shoe": 42}, r"the run it starts from has no column 'shoe' \(1 such\)"),
    ],
)
def test_fine_tuning_refuses_what_the_run_never_saw(fitted, change, says):
    gan = TableGAN.load(fitted.run_.folder)
    with pytest.raises(TabganError, match=says):
        gan.fit(people().assign(**change), fine_tune=True)


@pytest.mark.slow
def test_a_refit_that_fails_leaves_the_model_before(tmp_path):
    gan = TableGAN(overrides=UNREFINED, folder=tmp_path / "model").fit(people(), target="member")
    rows = gan.sample(5)
    with pytest.raises(TabganError, match="target='typo': no such column"):
        gan.fit(people(), target="typo")
    assert gan.sample(5).equals(rows)
    assert TableGAN.load(tmp_path / "model").sample(5).equals(rows)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert gan.fit(people()).run_.encoder.schema.target is None
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
def test_ids_and_totals_grow_out_of_a_narrow_dtype():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(240), "a": rng.integers(0, 120, 240)}).astype("uint8")
    table["b"] = rng.integers(0, 120, 240).astype("uint8")
    table["total"] = table["a"] + table["b"]
    rows = TableGAN(overrides=UNREFINED).fit(table).sample(50)
    assert rows["id"].tolist() == list(range(240, 290))
    assert (rows["total"] == rows["a"].astype(int) + rows["b"]).all()
    assert [str(dtype) for dtype in rows.dtypes] == ["int64", "uint8", "uint8", "int64"]


@pytest.mark.slow
def test_names_and_values_that_look_like_markup_are_shown_as_they_are(capsys):
    table = people().rename(columns={"pay": "pay [/h]"}).replace({"cook": "[/b] cook"})
    table.loc[::5, "pay [/h]"] = None
    TableGAN(overrides=UNREFINED, verbose=True).fit(table)
    said = capsys.readouterr().out
    assert "pay [/h]" in said
    assert "[/b] cook" in said


def test_fine_tuning_for_another_target_is_refused(fitted):
    gan = TableGAN.load(fitted.run_.folder)
    with pytest.raises(TabganError, match="target 'job': the run it starts from has 'member'"):
        gan.fit(people(), target="job", fine_tune=True)


@pytest.mark.slow
def test_the_command_starts_from_a_run_with_that_runs_model(command, mixed_arff, trained, tmp_path):
    words = (f"start={trained}", f"data.path={mixed_arff}", "model.lr=0", "model.critic_lr=0")
    ended = command("train", *words, "hydra.run.dir=tuned")
    assert ended.status == 0, ended.err
    one, two = (open_run(folder).module for folder in (trained, tmp_path / "tuned"))
    for name, value in one.generator.named_parameters():
        assert torch.equal(two.generator.get_parameter(name), value)


def test_the_command_says_when_start_is_no_run(command, mixed_arff):
    ended = command("train", "start=nowhere", f"data.path={mixed_arff}")
    assert ended.status == 1
    assert "not a run folder" in ended.err


@pytest.mark.slow
def test_an_outer_hydra_application_stays_as_it_was():
    with initialize_config_dir(str(conf_dir()), version_base="1.2", job_name="outer"):
        outer = GlobalHydra.instance().hydra
        HydraConfig.instance().set_config(compose("sample", return_hydra_config=True))
        try:
            TableGAN(overrides=UNREFINED).fit(people())
            with pytest.raises(TabganError, match=r"model\.lrr: no such key"):
                TableGAN(overrides={"model.lrr": 1}).fit(people())
            assert GlobalHydra.instance().hydra is outer
            assert HydraConfig.get().job.config_name == "sample"
            assert compose("sample", overrides=["n=3"]).n == 3
        finally:
            HydraConfig.instance().cfg = None


@pytest.mark.slow
def test_random_states_threads_and_environment_stay_as_they_were():
    def state():
        numpy = np.random.get_state()[1].tolist()  # noqa: NPY002
        return numpy, random.getstate(), torch.get_rng_state().tolist(), torch.get_num_threads()

    before, environ = state(), dict(os.environ)
    TableGAN(overrides=UNREFINED).fit(people()).sample(5)
    assert state() == before
    assert dict(os.environ) == environ


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "verbose", "seen"),
    [
        ("terminal", None, True),
        ("terminal", False, False),
        ("terminal", True, True),
        ("notebook", None, True),
        ("notebook", False, False),
        ("pipe", None, False),
    ],
)
def test_a_training_is_watched_in_terminals_and_notebooks_unless_it_is_told_not_to_be(
    capsys, monkeypatch, where, verbose, seen
):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: where == "notebook")
    if where == "terminal":
        monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("tabgan.runs.callbacks.progress.NOTEBOOK_SECONDS", 0.0)
    overrides = {"trainer.max_epochs": 1, "data.batch_size": 50, "logger": "none"}
    TableGAN("cgan_basic", overrides=overrides, verbose=verbose).fit(people())
    said = capsys.readouterr()
    assert ("epochs" in said.err) == seen
    assert bool(said.out) == (verbose is True)
    if where == "notebook" and seen:
        last = said.err.rstrip("\n").split("\r")[-1]
        assert last.startswith("training: 1 of 1 epochs, step 4")  # 216 rows in batches of 50
        assert "\x1b" not in said.err


@pytest.mark.slow
def test_nothing_is_said_unless_asked(capfd):
    TableGAN(overrides=UNREFINED).fit(people()).sample(5)
    assert capfd.readouterr() == ("", "")
    TableGAN(overrides=UNREFINED, verbose=True).fit(people())
    said = capfd.readouterr().out
    assert "240 rows of 4 columns" in said
    assert "generated rows" in said


@pytest.mark.parametrize(
    ("table", "target", "says"),
    [
        (people(), "membr", r"target='membr': no such column; did you mean 'member'\?"),
        (people(), people()["member"], r"target: expected the name of a column .* got Series"),
        ("people.csv", ["member"], r"target: expected the name of a column .* got list"),
        (people().iloc[:0], None, r"no rows; at least 2 are needed"),
        (people().iloc[:1], None, r"only one row; at least 2 are needed"),
        (pd.DataFrame(), None, r"table: no columns"),
        (people().set_axis(list("abca"), axis=1), None, r"duplicate column names: \['a'\]"),
        (
            people().set_axis(range(4), axis=1),
            None,
            r"expected text for column names, got 0 \(int\)",
        ),
        (people().to_numpy(), None, r"expected a DataFrame or a path, got ndarray"),
        (people().assign(pay=np.inf), None, r"column 'pay': expected finite numbers"),
        (people().assign(member=None), "member", r"target 'member': every value is missing"),
        (people().assign(member="no"), "member", r"target 'member' is constant"),
        ("nowhere.csv", None, r"file not found: .*nowhere\.csv"),
    ],
)
def test_a_table_that_cannot_be_learned_is_refused(table, target, says):
    with pytest.raises(TabganError, match=says):
        TableGAN().fit(table, target=target)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"preset": "cgam"}, r"preset='cgam': did you mean 'cgan'\?"),
        ({"seed": -1}, r"seed=-1: expected a whole number, at least 0"),
        ({"seed": None}, r"seed=None: expected a whole number"),
        ({"overrides": {"model.lrr": 1}}, r"model\.lrr: no such key; did you mean 'lr'\?"),
        ({"overrides": {"callbacks": "repot"}}, r"no callbacks 'repot'; did you mean 'report'\?"),
        ({"overrides": {"model.lr": object()}}, r"overrides\['model\.lr'\]: expected a number"),
        ({"overrides": {"trainer.max_epochs": -3}}, r"trainer\.max_epochs=-3: expected a whole"),
        ({"overrides": ["model.lr=1"]}, r"overrides: expected a dict .* got list"),
    ],
)
def test_a_wrong_parameter_is_refused_by_fit(parameters, says):
    with pytest.raises(ValueError, match=says):
        TableGAN(**parameters).fit(people())


@pytest.mark.parametrize(
    ("requested", "says"),
    [
        ({"n": 0}, r"n=0: expected a whole number, at least 1"),
        ({"n": 2.5}, r"n=2\.5: expected a whole number"),
        ({"seed": -1}, r"seed=-1: expected a whole number, at least 0"),
        ({"where": {"membr": "yes"}}, r"where\.membr: no such column; did you mean 'member'\?"),
        ({"where": {"member": "maybe"}}, r"where\.member.*'maybe'"),
        ({"where": {0: "yes"}}, r"where\.0: no such column"),
        ({"where": "member=yes"}, r"where: expected a dict of columns .* got 'member=yes'"),
        ({"refine": "yes"}, r"refine='yes': expected true, false, or null"),
        ({"mix": [0.5, 0.5]}, r"mix: expected a share per class such as .* got \[0\.5, 0\.5\]"),
        ({"mix": 0.5}, r"mix: expected a share per class .* \{'no': 0\.5, 'yes': 0\.5\}, got 0\.5"),
        ({"mix": {"no": "half", "yes": 0.5}}, r"expected a share in \[0, 1\] of 'no', got 'half'"),
        ({"like": "asked.csv"}, r"like: expected a DataFrame or a list of dicts, .* got str"),
        ({"like": [{"age": 22}, "age"]}, r"like, row 2: expected a dict of columns, got 'age'"),
        ({"like": []}, r"like: no rows; expected one condition per row"),
    ],
)
def test_a_wrong_wish_for_rows_is_refused(fitted, requested, says):
    with pytest.raises(TabganError, match=says):
        fitted.sample(**requested)


def test_test_rows_of_another_table_are_refused(fitted):
    with pytest.raises(TabganError, match=r"test: other columns .* lacks \['pay'\]"):
        fitted.evaluate(people().drop(columns="pay"))
    with pytest.raises(TabganError, match="the run kept no test rows"):
        fitted.evaluate()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*none of the 400 training and validation rows is like that")
def test_totals_are_totals_in_sampled_asked_and_imputed_rows():
    rng = np.random.default_rng(0)
    net, tax = rng.integers(100, 900, 400), rng.integers(0, 200, 400)
    bills = pd.DataFrame(
        {"net": net, "tax": tax, "total": net + tax, "paid": rng.random(400) < 0.5}
    )
    gan = TableGAN(overrides={"trainer.max_epochs": 1, "logger": "none"}).fit(bills)
    for requested in (None, {"total": (600, 700)}, {"total": (600, 700), "tax": (50, 60)}):
        rows = gan.sample(200, where=requested)
        assert (rows["total"] == rows["net"] + rows["tax"]).all()
        assert requested is None or rows["total"].between(600, 700).all()
    incomplete = bills.astype({"net": "Int64", "tax": "Int64", "total": "Int64"}).head(30)
    incomplete.loc[:9, "total"] = incomplete.loc[10:19, "tax"] = incomplete.loc[
        20:, ["net", "total"]
    ] = None
    for how in ("draw", "likeliest"):
        filled = gan.impute(incomplete, how=how)
        assert (filled["total"] == filled["net"] + filled["tax"]).all()
        assert filled["total"][:20].tolist() == bills["total"][:20].tolist()
        assert filled["tax"].tolist() == bills["tax"][:30].tolist()
        assert filled.dtypes.equals(bills.dtypes)  # int64, which the missing cells had made Int64


@pytest.mark.slow
def test_no_pair_that_never_occurs_is_sampled_asked_or_imputed():
    rng = np.random.default_rng(0)
    job = rng.integers(6, size=1_200)  # independent columns would have 40 of each pair at least
    lent = (job == 0) & (rng.random(1_200) < 0.5)
    staff = pd.DataFrame(
        {
            "job": [f"j{one}" for one in job],
            "city": [f"c{one}" for one in rng.integers(3, size=1_200)],
            "department": [f"d{one // 2}" for one in np.where(lent, 4, job)],
        }
    )
    seen = set(zip(staff["job"], staff["department"], strict=True))
    words = {"trainer.max_epochs": 1, "logger": "none", "refiner.rounds": 0}
    gan = TableGAN(overrides=words).fit(staff)
    rows = gan.sample(2_000)
    assert set(zip(rows["job"], rows["department"], strict=True)) <= seen
    requested = gan.sample(300, where={"department": ["d0", "d1"]})
    assert set(requested["department"]) == {"d0", "d1"}
    assert set(zip(requested["job"], requested["department"], strict=True)) <= seen
    incomplete = staff.head(60).copy()
    incomplete.loc[:29, "job"] = incomplete.loc[30:, "department"] = incomplete.loc[:9, "city"] = (
        None
    )
    for how in ("draw", "sharp", "likeliest"):
        filled = gan.impute(incomplete, how=how)
        assert set(zip(filled["job"], filled["department"], strict=True)) <= seen
        assert filled["job"][30:].tolist() == staff["job"][30:60].tolist()
        assert filled["department"][:30].tolist() == staff["department"][:30].tolist()


@pytest.mark.slow
def test_test_rows_may_have_the_columns_that_the_run_left_out(tmp_path):
    rng = np.random.default_rng(0)
    words = [f"{a} {b}" for a, b in rng.integers(20, size=(300, 2))]  # text, little repeated
    staff = pd.DataFrame({"remark": words, "age": rng.normal(40, 9, 300), "id": range(300)})
    staff["grade"] = rng.integers(3, size=300)
    overrides = {"trainer.max_epochs": 1, "logger": "none", "data.drop": ["id"]}
    with pytest.warns(UserWarning, match="column 'remark' is text"):
        gan = TableGAN(overrides=overrides).fit(staff.head(200))
    assert gan.run_.left_out == ["remark", "id"]
    staff.to_csv(tmp_path / "test.csv", index=False)
    for test in (staff.tail(100), tmp_path / "test.csv"):
        assert 0 <= gan.evaluate(test, n=60)["shape_error"] <= 100
    with pytest.raises(TabganError, match=r"adds \['other'\]"):
        gan.evaluate(staff.assign(other=1), n=60)
