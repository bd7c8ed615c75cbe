"""The generator for scores: its condition, its even batches, its three players."""

import sys
import types

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from tabgan.errors import TabganError
from tabgan.paths import conf_dir
from tabgan.recipes import build_module, check_config, settle
from tabgan.scored.module import even_shares
from tabgan.scored.querying import attach_box
from tabgan.training import begin

TINY = [
    "data.target=label", "data.batch_size=50", "model.noise_dim=8", "callbacks=none",
    "trainer.log_every_n_steps=1",
]  # fmt: skip
SMALL = [
    "model.generator.hidden_dim=16", "model.critic.hidden_dim=16", "model.labels=300",
    "model.label_epochs=2", "model.surrogate.hidden_dim=16", "model.knots=5",
]  # fmt: skip


def build(model, data_path, folder, *words):
    """A scored module on the table of people, its data, and what fits it."""
    small = SMALL if model != "scored_report" else ["model.generator.hidden_dims=[16]"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        forest = [] if "blackbox=function" in words else ["blackbox.n_estimators=5"]
        words = [f"model={model}", f"data.path={data_path}", *TINY, *small, *forest, *words]
        cfg = compose("train", overrides=words)
    check_config(cfg)
    begin(seed=0, threads=1)
    data = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
    data.setup("fit")
    settle(cfg, data, folder)
    module = build_module(cfg, data.encoder)
    attach_box(cfg, module, data, folder)
    module.prepare(data.encoded("train"), data.encoded("validation"), seed=0)
    return module, data, instantiate(cfg.trainer)


def fit(module, data, make_trainer, folder, epochs=2):
    from tabgan.callbacks.reseed import Reseed

    trainer = make_trainer(
        callbacks=[Reseed(seed=0)], max_epochs=epochs, logger=False,
        default_root_dir=str(folder), enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    return trainer


@pytest.fixture
def by_age():
    """A black box that can be learned: people:by_age, 0 at 18 and 1 at 70."""
    made = types.ModuleType("people")
    made.by_age = lambda rows: (rows["age"].to_numpy("float64") - 18) / 52
    sys.modules["people"] = made
    yield ["blackbox=function", "blackbox.function=people:by_age"]
    del sys.modules["people"]


@pytest.fixture
def scored(mixed_arff, tmp_path):
    return build("scored_surrogate", mixed_arff, tmp_path)


def test_a_score_is_interpolated_between_knots_and_comes_back(scored):
    module, *_ = scored
    scores = torch.tensor([0.0, 0.1, 0.25, 0.99, 1.0])
    condition = module.condition_of(scores)  # knots at 0, .25, .5, .75, 1
    torch.testing.assert_close(condition[1], torch.tensor([0.6, 0.4, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(condition[2], torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(condition.sum(dim=1), torch.ones(5))
    torch.testing.assert_close(module.scores_of(condition), scores)


def test_parts_that_hold_any_rows_weigh_the_same():
    scores = torch.tensor([0.0, 0.1, 0.2, 0.9])  # three rows in the first half, one in the second
    shares = even_shares(scores, 2)
    torch.testing.assert_close(shares, torch.tensor([1, 1, 1, 3]).double() / 6)


def test_batches_are_even_in_the_score(scored):
    module, *_ = scored
    chosen = module._draw_evenly(4_000, torch.Generator().manual_seed(0))
    part = (module.train_scores[chosen] * 5).long().clamp_max(4)
    shares = torch.bincount(part, minlength=5)[torch.bincount(part, minlength=5) > 0] / 4_000
    torch.testing.assert_close(shares, torch.full_like(shares, 1 / len(shares)), atol=0.04, rtol=0)


def test_every_player_learns_and_the_box_is_asked(scored, tmp_path):
    module, data, trainer = scored
    before = {name: value.clone() for name, value in module.state_dict().items()}
    asked = module.asker.box.queries
    fit(module, data, trainer, tmp_path)
    after = module.state_dict()
    for player in ("generator.", "critic.", "surrogate."):
        names = [name for name in before if name.startswith(player)]
        assert any(not torch.equal(before[name], after[name]) for name in names), player
    assert module.asker.box.queries > asked


def test_a_surrogate_knows_the_rows_it_was_taught(mixed_arff, tmp_path, by_age):
    words = ["model.labels=5000", "model.label_epochs=40", "model.surrogate_lr=5e-3"]
    module, *_ = build("scored_surrogate", mixed_arff, tmp_path, *by_age, *words)
    rows, scores = module.pool
    with torch.no_grad():
        gap = (module.estimate(rows[:]) - scores).abs().mean()
    assert gap < 0.3 * (scores - scores.median()).abs().mean()


def test_an_unasked_sample_has_the_scores_of_the_table(scored):
    module, *_ = scored
    drawn = module._quantile(torch.rand(5_000, generator=torch.Generator().manual_seed(0)))
    for share in (0.1, 0.5, 0.9):
        expected = torch.quantile(module.train_scores, share)
        torch.testing.assert_close(torch.quantile(drawn, share), expected, atol=0.03, rtol=0)
    assert module.sample(torch.empty(7, 0)).shape == (7, module.layout.width)


def test_the_same_generator_state_gives_the_same_rows(scored):
    module, *_ = scored
    scores = torch.linspace(0, 1, 20)
    one, two = (module.sample_scored(scores, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.testing.assert_close(one, two, atol=0, rtol=0)


def test_the_surrogate_chooses_among_candidates(mixed_arff, tmp_path, by_age):
    module, *_ = build("scored_surrogate", mixed_arff, tmp_path, *by_age)
    module.caution = 0.0
    scores = torch.full((200,), 0.5)
    distance = []
    for candidates in (1, 8):
        module.candidates = candidates
        rows = module.sample_scored(scores, torch.Generator().manual_seed(0))
        distance.append(float((module.estimate(rows) - scores).abs().mean().detach()))
    assert distance[1] < distance[0]


def test_the_reports_loss_moves_no_weight(mixed_arff, tmp_path):
    module, data, trainer = build("scored_report", mixed_arff, tmp_path)
    before = [weight.clone() for weight in module.generator.parameters()]
    fitted = fit(module, data, trainer, tmp_path)
    for old, new in zip(before, module.generator.parameters(), strict=True):
        torch.testing.assert_close(new, old, atol=0, rtol=0)
    assert 0 <= fitted.callback_metrics["train/score_mae"] <= 1


def test_a_table_with_its_own_condition_is_refused(mixed_arff, tmp_path):
    with pytest.raises(TabganError, match="a scored model is asked for scores alone"):
        build("scored_surrogate", mixed_arff, tmp_path, "encoder.conditional=true")


def test_a_model_that_asks_no_box_refuses_one(command, mixed_arff):
    words = ["model=cgan_basic", f"data.path={mixed_arff}", "data.target=label"]
    ended = command("train", *words, "+blackbox=forest", "trainer.max_epochs=1")
    assert ended.status == 1
    assert "asks none; choose a model=scored_" in ended.err


def test_the_box_is_kept_in_the_run_folder(scored, tmp_path):
    from tabgan.blackboxes.estimator import open_estimator

    module, data, _ = scored
    again = open_estimator(str(tmp_path / "blackbox"))
    np.testing.assert_array_equal(again(data.train), module.asker.box.box(data.train))
