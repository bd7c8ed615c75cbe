"""``python -m tabgan.study +study=NAME``: which studies there are, and one that trains."""

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from tabgan.config.checks import check_config
from tabgan.paths import conf_dir
from tests.conftest import tiny_words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "no study: give +study=<name>; the names are ['ablation', 'divergences', 'evade_"),
        (["+study=ablatoin"], "no study 'ablatoin'; did you mean 'ablation'?"),
        (["+study=fooled"], "python -m tabgan.evaluate run=<folder> +study=fooled"),
        (["+study=ablation", "sead=3"], "sead: no such key; did you mean 'seed'?"),
        (["+study=ablation", "+sead=3"], "sead: did you mean 'seed'?"),
    ],
)
def test_a_mistake_is_one_line(command, words, text):
    ended = command("study", *words)
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert text in ended.err


def test_evaluate_sends_a_study_that_trains_to_its_own_command(command, trained):
    ended = command("evaluate", f"run={trained}", "+study=ablation")
    assert ended.status == 1
    assert "this study trains runs of its own: python -m tabgan.study +study=<name>" in ended.err


def words_of(study):
    """The words of every training of a configured study."""
    if "variants" in study:
        return [[*study.base, *changed] for changed in study.variants.values()]
    if "games" in study:
        games = study.games.values()
        return [
            [*g.overrides, *tool] for g in games for tool in g.get("tools", {"none": []}).values()
        ]
    return [study.overrides]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ablation", "toolbox", "wasserstein", "impute", "missing"])
def test_the_words_of_every_training_compose(name):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for words in words_of(compose("study", [f"+study={name}"]).study):
            check_config(compose("train", list(words)))


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_an_ablation_trains_each_variant_and_sets_them_side_by_side(command, mixed_arff, tmp_path):
    base = [*tiny_words("cgan"), "trainer.max_epochs=1", "refiner=none", "logger=none"]
    words = [f"data.path={mixed_arff}", "data.target=label", "data.drop=[joined]", "seeds=0"]
    words += ["cache=cache", "+study=ablation", f"study.base={base}".replace("'", '"')]
    words += ["~study.variants", '+study.variants={whole: [], none: ["model.adversarial=none"]}']
    ended = command("study", *words)
    assert ended.status == 0, ended.err
    lines = pd.read_csv(tmp_path / "outputs" / "study" / "ablation" / "ablation.csv")
    assert list(lines["contestant"]) == ["real test rows", "independent columns", "whole", "none"]
    assert lines["raw.wnmis"].between(0, 1).all()


TINY_RUN = [
    *tiny_words("cgan"), "trainer.max_epochs=1", "~callbacks.panel", "refiner=none", "logger=none",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_a_study_of_imputation_sets_ours_beside_the_library_s(command, mixed_arff, tmp_path):
    words = [f"data.path={mixed_arff}", "data.target=label", "data.drop=[joined]", "seeds=0"]
    words += ["cache=cache", "+study=impute", f"study.overrides={TINY_RUN}".replace("'", '"')]
    ended = command("study", *words, "study.rates=[0.3]", "study.rows=30")
    assert ended.status == 0, ended.err
    lines = pd.read_csv(tmp_path / "outputs" / "study" / "impute" / "impute.csv")
    methods = ["ours, draw", "ours, sharp", "ours, likeliest"]
    methods += ["mean-mode", "KNNImputer", "IterativeImputer", "forests in turn"]
    assert lines["contestant"].tolist() == ["nothing hidden", *methods, *methods]
    assert lines["accuracy"].iloc[1:].between(0, 1).all()


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_a_study_of_missing_cells_sets_whole_rows_beside_whole_rows(command, mixed_arff, tmp_path):
    words = [f"data.path={mixed_arff}", "data.target=label", "data.drop=[joined]", "seeds=0"]
    words += ["cache=cache", "+study=missing", f"study.overrides={TINY_RUN}".replace("'", '"')]
    words += ["data.test_fraction=0.4", "study.rate=0.2"]  # so many whole rows as a C2ST needs
    ended = command("study", *words, "study.rows=30")
    assert ended.status == 0, ended.err
    lines = pd.read_csv(tmp_path / "outputs" / "study" / "missing" / "missing.csv")
    made = lines[lines["c2st_test_auc"].notna()]
    names = ["real training rows", "nothing hidden", "category, kept", "category, filled", "masked"]
    assert made["contestant"].tolist() == names
    assert len(set(made["n"].iloc[1:])) == 1  # as many as there are whole test rows
    filled = lines[lines["c2st_test_auc"].isna()]
    assert filled["contestant"].unique().tolist() == ["nothing hidden", "category", "masked"]
    assert filled["accuracy"].between(0, 1).all()


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_a_study_of_few_labels_sets_four_classifiers_side_by_side(command, mixed_arff, tmp_path):
    words = [f"data.path={mixed_arff}", "data.target=label", "data.drop=[joined]", "seeds=0"]
    words += ["cache=cache", "+study=semisupervised", "study.shares=[0.1]", "study.steps=5"]
    ended = command("study", *words, "study.batch_size=20")
    assert ended.status == 0, ended.err
    path = tmp_path / "outputs" / "study" / "semisupervised" / "semisupervised.csv"
    lines = pd.read_csv(path)
    methods = ["n + 1 classes", "labels alone", "boosted trees", "commonest class"]
    assert lines["contestant"].tolist() == methods
    assert lines["accuracy"].iloc[3] == pytest.approx(2 / 3, abs=0.1)
