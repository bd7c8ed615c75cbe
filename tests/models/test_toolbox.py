"""Tools in the game: each alone, all together, and what they refuse."""

import re

import pytest
import torch
from pytorch_lightning import Callback

from tabgan.errors import TabganError
from tabgan.models import toolbox
from tabgan.models.losses.adversarial import nonsaturating
from tabgan.models.toolbox import Toolbox
from tabgan.paths import conf_dir
from tabgan.runs.callbacks.checkpoint import BestAndLast

TOOLS = sorted(path.stem for path in (conf_dir() / "tool").glob("*.yaml"))
SMALL = {
    "virtual_batch_norm": ("tool.virtual_batch_norm.n_reference=8",),
    "dropout_gan": ("tool.dropout_gan.critics=2",),
}
OF_LABELS = {"label_smoothing", "noisy_labels"}
NEUTRAL = (
    "tool=[label_smoothing,two_time_scales,feature_matching,historical_averaging,pacgan]",
    *("tool.label_smoothing.real=1", "tool.two_time_scales.factor=1", "tool.pacgan.pack=1"),
    *("tool.feature_matching.weight=0", "tool.historical_averaging.weight=0"),
)


GAMES = {
    "cgan_report": (),
    "cgan": (
        *("model.adversarial=slopes", "model.rounds=1", "model.likelihood_steps=1"),
        *("loss=relativistic", "+trainer.limit_train_batches=5"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("model", GAMES)
def test_every_tool_trains_both_games_or_says_that_it_has_no_meaning(training, model, tool):
    words = (f"tool={tool}", *SMALL.get(tool, ()), *GAMES[model])
    if model == "cgan" and tool in OF_LABELS:
        with pytest.raises(TabganError, match=rf"^tool={tool}: this loss has no labels"):
            training(*words, model=model)
        return
    if model == "cgan" and tool == "smote":  # its class is a column of the row
        with pytest.raises(TabganError, match=r"of model=cgan any mix of classes is drawn"):
            training(*words, model=model)
        return
    ran = training(*words, model=model)
    before = ran.weights
    ran.fit(max_epochs=1)
    after = ran.weights
    assert all(value.isfinite().all() for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in after)
    rows, condition = ran.data.encoded("validation")
    assert ran.module.judge(rows, condition).shape == (len(rows),)


@pytest.mark.parametrize("adversarial", ["boundary", "none"])
def test_a_tool_without_a_game_is_refused(training, adversarial):
    words = ("tool=feature_matching", f"model.adversarial={adversarial}")
    with pytest.raises(TabganError, match=r"^tool: with model.adversarial=.* there is no game of"):
        training(*words, model="cgan")


def test_tools_set_to_change_nothing_change_nothing(training):
    plain, neutral = (
        training(*words, model="cgan_report").fit(max_epochs=1).weights for words in ((), NEUTRAL)
    )
    assert len(plain) == len(neutral)
    for one, other in zip(plain.values(), neutral.values(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.slow
def test_tools_go_together_and_resume_bit_for_bit(training, tmp_path):
    words = (
        "tool=[dropout_gan,minibatch,virtual_batch_norm,historical_averaging,instance_noise]",
        "tool.minibatch.group=5", "tool.virtual_batch_norm.n_reference=8",
    )  # fmt: skip

    def last(name):
        return BestAndLast(
            dirpath=str(tmp_path / name), monitor="val/generator_loss", tolerance=0, last_every=1e9
        )

    def fit(name, **how):
        return training(*words, model="cgan_report").fit(last(name), **how)

    unbroken = fit("unbroken", max_epochs=3).weights
    training(*words, model="cgan_report").fit(last("broken"), Halfway(), max_epochs=3)
    resumed = fit("broken", max_epochs=3, ckpt_path=tmp_path / "broken" / "last.ckpt").weights
    assert resumed.keys() == unbroken.keys()
    assert all(torch.equal(resumed[name], value) for name, value in unbroken.items())
    assert resumed["histories.critic.steps"] == 3 * 4


class Halfway(Callback):
    """Stops a training after its first epoch."""

    def on_train_epoch_end(self, trainer, module):
        trainer.should_stop = True


def test_nets_stand_around_the_critic_in_one_order_whatever_was_asked_first():
    tools = [
        toolbox.dropout_gan(critics=2, dropout=0.2),
        toolbox.minibatch(group=2, n_kernels=1, kernel_dim=1),
        toolbox.pacgan(pack=2),
        toolbox.virtual_batch_norm(n_reference=4),
    ]
    for order in (tools, tools[::-1]):
        maker, names = Toolbox(order).critic(torch.nn.Linear), []
        while maker is not torch.nn.Linear:
            names.append(maker.func.__name__)
            maker = maker.keywords["critic"]
        assert names == ["Ensemble", "MinibatchCritic", "Packed", "ReferencedCritic"]


def test_instance_noise_has_its_spread_at_the_start_half_of_it_halfway_and_none_at_the_end():
    box = Toolbox([toolbox.instance_noise(std=0.4)])
    rows = torch.zeros(20_000, 1)
    spreads = [box.blurred(rows, share).std().item() for share in (0, 0.5, 1)]
    assert spreads == pytest.approx([0.4, 0.2, 0.0], rel=0.05)


def test_two_time_scales_give_the_critic_a_rate_of_its_own(training):
    module = training("tool=two_time_scales", "model.lr=1e-3").module
    critic, generator = module.configure_optimizers()
    assert critic.param_groups[0]["lr"] == 4 * generator.param_groups[0]["lr"] == 4e-3


def test_validation_keeps_the_plain_loss(training):
    module = training("tool=[label_smoothing,noisy_labels]", model="cgan_report").module
    assert module.loss == nonsaturating()
    assert module.training_loss.critic is not module.loss.critic


@pytest.mark.parametrize(
    ("make", "settings", "words"),
    [
        (toolbox.dropout_gan, {"critics": 2, "dropout": 1}, "dropout=1: expected a probability"),
        (toolbox.dropout_gan, {"critics": 2, "dropout": -0.1}, "0 up to below 1"),
        (toolbox.label_smoothing, {"real": 0.5}, "real=0.5: expected the label of real rows"),
        (toolbox.noisy_labels, {"share": 0.5}, "share=0.5: expected a share of flipped labels"),
        (toolbox.instance_noise, {"std": -1}, "std=-1: expected a number of at least 0"),
        (toolbox.feature_matching, {"weight": -1}, "feature_matching.weight=-1"),
        (toolbox.historical_averaging, {"weight": -1}, "historical_averaging.weight=-1"),
        (toolbox.two_time_scales, {"factor": 0}, "factor=0: expected a number above 0"),
    ],
)
def test_settings_outside_their_range_are_refused(make, settings, words):
    with pytest.raises(TabganError, match=re.escape(words)):
        make(**settings)


@pytest.mark.parametrize(
    "words", [("tool=pacgan", "tool.pacgan.pack=60"), ("tool=minibatch", "tool.minibatch.group=60")]
)
def test_a_batch_smaller_than_a_group_is_refused(training, words):
    with pytest.raises(TabganError, match="the critic judges groups of 60 rows, a batch has 50"):
        training(*words, model="cgan_report").fit(max_epochs=1)


def test_an_unknown_tool_is_refused_with_the_nearest(command, mixed_arff):
    ended = command("train", f"data.path={mixed_arff}", "data.target=label", "tool=minibach")
    assert ended.status == 1
    assert "no tool 'minibach'; did you mean 'minibatch'?" in ended.err
