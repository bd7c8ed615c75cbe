"""The chain with a score for its condition: rows first, then rows given their scores."""

import math

import numpy as np
import pytest
import torch

from tabgan.blackboxes.estimator import open_estimator
from tabgan.blackboxes.scored.module import rival_weights
from tabgan.blackboxes.scored.scorer import table_of
from tabgan.errors import TabganError

pytestmark = pytest.mark.slow

MODEL = (
    "model=scored_conditional", "model.generator.hidden_dim=32", "model.likelihood_steps=100",
    "model.scored_steps=300", "model.labels=4000", "model.even_labels=4000",
    "model.surrogate.n_trees=40", "model.surrogate.max_depth=6", "data.batch_size=100",
    "model.dropout=0", "model.average=0.9",
)  # fmt: skip
SHORT = (
    *MODEL, "model.likelihood_steps=10", "model.scored_steps=10", "model.labels=200",
    "model.even_labels=100", "model.surrogate.n_trees=5", "blackbox.n_estimators=5",
)  # fmt: skip


@pytest.fixture(scope="module")
def known():
    """What one test has trained, for those behind it."""
    return {}


@pytest.fixture
def fitted(known, make, by_age):
    """Trained on a box whose score is the age."""
    if not known:
        known["made"] = make(*MODEL, *by_age).fit()
    return known["made"]


def generator():
    return torch.Generator().manual_seed(0)


def scores_of(made, rows):
    return (table_of(rows, made.data.encoder)["age"].to_numpy("float64") - 18) / 52


def test_rows_get_the_scores_that_are_asked_for(fitted):
    requested = torch.linspace(0.05, 0.95, 400)
    rows = fitted.module.sample_scored(requested, generator(), candidates=1)
    error = np.abs(scores_of(fitted, rows) - requested.numpy()).mean()
    assert error < 0.1  # one score for all is .24 away; two score_grid are .05 apart


def test_the_surrogate_knows_the_box_and_chooses_by_it(fitted):
    requested = torch.linspace(0, 1, 300)
    rows = fitted.module.sample_scored(requested, generator(), candidates=8)
    obtained = scores_of(fitted, rows)
    assert np.abs(fitted.module.estimate(rows).numpy() - obtained).mean() < 0.02
    assert np.abs(obtained - requested.numpy()).mean() < 0.03


def test_rows_without_a_score_have_the_scores_of_the_table(fitted):
    rows = fitted.module.draw(torch.empty(2_000, 0), generator())
    found = scores_of(fitted, rows)
    assert found.mean() == pytest.approx(0.5, abs=0.06)  # ages are even
    assert np.quantile(found, [0.1, 0.9]) == pytest.approx([0.1, 0.9], abs=0.07)


def test_the_same_generator_state_gives_the_same_rows(fitted):
    scores = torch.linspace(0, 1, 20)
    one, two = (
        fitted.module.sample_scored(scores, torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert torch.equal(one.codes, two.codes)


def test_the_box_is_asked_for_labels_and_of_validation_rows_and_for_no_more(make):
    made = make(*SHORT)
    made.fit()
    known = len(made.data.validation)
    assert known + 100 < made.module.scorer.box.queries <= known + 300  # no row is asked twice
    assert made.module.knows_scores
    assert len(made.module.lessons) == 2


def test_scores_are_shown_once_the_rows_are_learned(make):
    made = make(*SHORT)
    assert not made.module.knows_scores
    made.fit()
    assert 0 < made.module.scored_since <= 10
    assert made.module.global_step == made.module.scored_since + 10


def test_even_labels_are_asked_for_however_soon_the_likelihood_rises(make):
    made = make(*SHORT, "model.scored_steps=40", "model.lr=0.5", "model.patience=1").fit()
    assert made.module.requested_evenly
    assert made.module.likelihood_ended is not None


def test_a_batch_has_a_third_without_a_score_and_even_scores_beside(make):
    made = make(*SHORT, "model.score_grid=5").fit()
    rows, condition = made.module._lesson(made.module.rows.at(torch.arange(90)))
    assert len(rows) == len(condition) == 90
    shown = condition.sum(dim=1)
    assert torch.equal(shown[:30], torch.zeros(30))
    torch.testing.assert_close(shown[30:], torch.ones(60))
    assert torch.equal(rows.codes[:30], made.module.rows.codes[:30])


def test_a_table_with_its_own_condition_is_refused(make):
    with pytest.raises(TabganError, match="takes no other condition of the table"):
        make(*SHORT, "encoder.conditional=true")


@pytest.mark.parametrize("word", ["score_grid=1", "labels=0", "candidates=0", "sharpening=-1"])
def test_a_number_outside_its_range_is_refused(make, word):
    with pytest.raises(TabganError, match=rf"model: .*{word}.*expected"):
        make(*SHORT, f"model.{word}")


def test_a_model_that_asks_no_box_refuses_one(command, mixed_arff):
    words = ["model=cgan_basic", f"data.path={mixed_arff}", "data.target=label"]
    ended = command("train", *words, "+blackbox=forest", "trainer.max_epochs=1")
    assert ended.status == 1
    assert "reads none, so leave it out; choose a model=scored_" in ended.err


def test_the_box_is_kept_in_the_run_folder(make, tmp_path):
    made = make(*SHORT)
    again = open_estimator(str(tmp_path / "blackbox"))
    of_box = made.module.scorer.box.box(made.data.train)
    np.testing.assert_array_equal(again(made.data.train), of_box)


def test_rivals_count_as_they_are_near_and_one_on_average():
    # exp(0) : exp(-log 3) is 3 : 1, of mean 1; equal distances count alike
    weights = rival_weights(torch.tensor([0.0, math.log(3), 0.7, 0.7]), 2)
    torch.testing.assert_close(weights, torch.tensor([1.5, 0.5, 1.0, 1.0]))


def test_sharpened_rows_come_nearer_without_a_choice(make, by_age, fitted):
    made = make(*MODEL, *by_age, "model.sharpening=3").fit()
    assert made.module.rounds_done == 3
    requested = torch.linspace(0, 1, 400)
    errors = [
        np.abs(scores_of(each, each.module.sample_scored(requested, generator(), candidates=1))
               - requested.numpy()).mean()
        for each in (made, fitted)
    ]  # fmt: skip
    assert errors[0] < errors[1]


def test_a_critic_is_refused(make):
    with pytest.raises(TabganError, match=r"adversarial=boundary: no critic judges rows and score"):
        make(*SHORT, "model.adversarial=boundary")
