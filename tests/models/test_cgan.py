"""CGANModule: the players' turns, what sampling leaves alone, what it learns, how it resumes."""

import math
import os
import signal

import pandas as pd
import pytest
import torch
from pytorch_lightning import Callback

from tabgan.errors import TabganError
from tabgan.runs.callbacks.checkpoint import BestAndLast
from tabgan.runs.callbacks.evaluation import ValidationPanel
from tabgan.runs.checkpoints import read_checkpoint
from tabgan.sampling.draw import draw_chunks
from tabgan.seeding import generator_at
from tabgan.system import signals

MODELS = ["cgan_basic", "cgan_report", "ctgan"]  # the game of two; see test_chain.py


def copied(net):
    """The parameters of a net, buffers left out."""
    return [parameter.detach().clone() for parameter in net.parameters()]


def changed(net, before):
    return any(not torch.equal(new, old) for new, old in zip(net.parameters(), before, strict=True))


class Watching(Callback):
    """What each optimizer's steps change: pairs (critic changed, generator changed)."""

    def on_train_start(self, trainer, module):
        self.seen = {"critic": [], "generator": []}
        for name, optimizer in zip(("critic", "generator"), trainer.optimizers, strict=True):
            optimizer.register_step_pre_hook(self.before(module))
            optimizer.register_step_post_hook(self.after(module, name))

    def before(self, module):
        def hook(*_):
            self.old = copied(module.critic), copied(module.generator)

        return hook

    def after(self, module, name):
        def hook(*_):
            pair = changed(module.critic, self.old[0]), changed(module.generator, self.old[1])
            self.seen[name].append(pair)

        return hook


@pytest.mark.parametrize("model", MODELS)
def test_each_players_step_moves_that_player_alone(training, model):
    watching = Watching()
    training(model=model).fit(watching, max_epochs=2)
    assert watching.seen == {"critic": [(True, False)] * 8, "generator": [(False, True)] * 8}


def test_global_step_counts_generator_steps_alone(training):
    ran = training().fit(max_epochs=3)
    assert ran.trainer.global_step == 3 * 4  # 4 batches an epoch, 2 optimizer steps a batch


@pytest.mark.parametrize("model", MODELS)
def test_sampling_changes_nothing(training, model):
    ran = training(model=model).fit(max_epochs=1)
    before = ran.weights
    ran.module.train()
    ran.module.sample(ran.data.encoded("train")[1][:60])
    assert all(torch.equal(before[name], value) for name, value in ran.weights.items())
    assert ran.module.generator.training


def test_sampling_in_training_mode_equals_sampling_in_eval_mode(training):
    module = training("model.average=null").fit(max_epochs=1).module
    condition = torch.eye(2)[:1]  # one row, of which batch norm could learn nothing
    rows = [module.train(mode).sample(condition, generator_at(0, "test")) for mode in (True, False)]
    assert torch.equal(*rows)


def test_sampling_draws_from_the_moving_average(training):
    module = training().fit(max_epochs=1).module
    condition, rng = torch.eye(2)[[0] * 5], generator_at(0, "test")
    rows = module.sample(condition, generator_at(0, "test"))
    expected = module.averaged.net.draw(module.draw_noise(condition, rng), condition, rng)
    assert torch.equal(rows, expected[:])


def test_without_a_moving_average_sampling_draws_from_the_generator(training):
    module = training("model.average=null").module
    assert module.sampling_generator is module.generator


def test_a_critic_loss_that_is_no_number_stops_the_run_with_its_step(training):
    ran = training()
    ran.module.critic.trunk[0].weight.data.fill_(math.nan)
    with pytest.raises(
        FloatingPointError, match=r"^critic loss is nan at step \d+: the training diverged"
    ):
        ran.fit(max_epochs=1)


def test_a_generator_loss_that_is_infinite_stops_the_run_with_its_step(training):
    ran = training()
    infinite = ran.module.loss._replace(generator=lambda _, fake: fake.sum() * math.inf)
    ran.module.training_loss = infinite
    with pytest.raises(FloatingPointError, match=r"^generator loss is (-?inf|nan) at step \d+: "):
        ran.fit(max_epochs=1)


class Poisoning(Callback):
    """Makes the critic's weights no numbers after its first step."""

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        module.critic.trunk[0].weight.data.fill_(math.nan)


def test_a_loss_that_is_no_number_stops_a_run_that_is_shorter_than_the_logging_interval(training):
    with pytest.raises(FloatingPointError, match="critic loss is nan"):
        training("trainer.log_every_n_steps=50").fit(Poisoning(), max_epochs=2)


@pytest.fixture(params=[0, 1, 2])
def seed(request):
    return request.param


@pytest.fixture
def coins(tmp_path):
    """1,000 rows: nine heads in ten, and a weight that hardly varies around 5."""
    path = tmp_path / "coins.arff"
    lines = [f"{('tails', 'heads')[row % 10 > 0]},{5 + row % 5 / 100:.2f}" for row in range(1_000)]
    header = ["@relation r", "@attribute side {heads,tails}", "@attribute weight real", "@data"]
    path.write_text("\n".join([*header, *lines, ""]), "utf-8")
    return path


@pytest.mark.slow
def test_a_few_epochs_learn_the_marginals_of_a_trivial_table(coins, training, seed):
    ran = training(
        f"data.path={coins}", "data.target=null", f"seed={seed}", "model.lr=5e-3",
        "model.average=0.95", "encoder.conditional=false", "trainer.log_every_n_steps=50",
    ).fit(max_epochs=8)  # fmt: skip
    encoder = ran.data.encoder
    table = pd.concat(draw_chunks(ran.module, encoder, n=2_000, seed=seed))
    # after 128 steps a small GAN still swings; a fair coin's .5 and a collapsed 1 lie outside
    assert 0.8 < (table["side"] == "heads").mean() < 0.995  # 0.9 in the table
    assert abs(table["weight"].mean() - 5.02) < 0.01  # its standard deviation is .014
    assert table["weight"].between(5.0, 5.04).all()


class Interrupted(Callback):
    """Stops a training after so many epochs, as a person would."""

    def __init__(self, *, after):
        self.after = after

    def on_train_epoch_end(self, trainer, module):
        if trainer.current_epoch + 1 == self.after:
            trainer.should_stop = True


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_resumed_training_equals_an_unbroken_one_bit_for_bit(training, tmp_path, model):
    def callbacks(name):
        last = BestAndLast(
            dirpath=str(tmp_path / name),
            monitor="val/generator_loss",
            tolerance=0.0,
            last_every=1e9,
        )
        return ValidationPanel(every_n_steps=3), last

    unbroken = training(model=model).fit(*callbacks("unbroken"), max_epochs=5)
    stop = Interrupted(after=2)
    halfway = training(model=model).fit(stop, *callbacks("broken"), max_epochs=5)
    assert halfway.trainer.global_step == 8
    resumed = training(model=model).fit(
        *callbacks("broken"), max_epochs=5, ckpt_path=tmp_path / "broken" / "last.ckpt"
    )
    assert resumed.trainer.global_step == unbroken.trainer.global_step == 20
    assert all(
        torch.equal(resumed.weights[name], value) for name, value in unbroken.weights.items()
    )
    assert optimizer_state(resumed) == optimizer_state(unbroken)
    for name in ("best", "last"):
        one, two = (
            torch.load(tmp_path / run / f"{name}.ckpt", weights_only=True)
            for run in ("broken", "unbroken")
        )
        assert one["global_step"] == two["global_step"]
        assert all(torch.equal(one["state_dict"][k], v) for k, v in two["state_dict"].items())


class Signalled(Callback):
    """Sends SIGTERM to the process when a step begins."""

    def __init__(self, *, at):
        self.at = at

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_training_stopped_within_an_epoch_goes_on_bit_for_bit(training, tmp_path, model):
    def fit(name, *callbacks, ckpt_path=None):
        last = BestAndLast(
            dirpath=str(tmp_path / name), monitor="val/c2st_auc", tolerance=0.0, last_every=1e9
        )
        return training(model=model).fit(*callbacks, last, max_epochs=3, ckpt_path=ckpt_path)

    unbroken = fit("unbroken")
    with signals.heeded(), pytest.raises(signals.Interrupted, match="SIGTERM") as stopped:
        fit("broken", Signalled(at=5))
    assert stopped.value.kept.startswith("step 6 is in ")
    resumed = fit("broken", ckpt_path=tmp_path / "broken" / "last.ckpt")
    assert resumed.trainer.global_step == 12
    weights = unbroken.weights.items()
    assert all(torch.equal(resumed.weights[name], value) for name, value in weights)
    assert optimizer_state(resumed) == optimizer_state(unbroken)


def optimizer_state(ran):
    return [
        {(position, name): value.tolist() for position, state in entries.items()
         for name, value in state.items()}
        for entries in (optimizer.state_dict()["state"] for optimizer in ran.trainer.optimizers)
    ]  # fmt: skip


def test_a_clipped_critics_weights_stay_inside_the_bound_and_the_generators_do_not(training):
    module = training("loss=wasserstein", "model.clip=0.01").fit(max_epochs=1).module
    assert max(weights.abs().max() for weights in module.critic.parameters()) <= 0.01
    assert max(weights.abs().max() for weights in module.generator.parameters()) > 0.01


def test_a_bound_of_zero_is_refused(training):
    with pytest.raises(TabganError, match=r"model\.clip=0: expected a bound above 0"):
        training("model.clip=0")


def test_a_wasserstein_critic_logs_the_earth_movers_distance_it_sees(training):
    ran = training("loss=wasserstein", "penalty=gp").fit(max_epochs=1)
    curves = ran.trainer.callback_metrics
    assert curves["train/em_distance"] == curves["train/critic_real"] - curves["train/critic_fake"]
    assert curves["val/em_distance"] == -curves["val/critic_loss"]


def test_another_critic_logs_no_distance(training):
    curves = training("loss=hinge").fit(max_epochs=1).trainer.callback_metrics
    assert not [name for name in curves if "em_distance" in name]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["cgan_basic", "cgan_report"])
@pytest.mark.parametrize("penalty", ["r1", "r2", "r1r2", "gp"])
def test_every_penalty_trains_every_critic(training, model, penalty):
    ran = training(f"penalty={penalty}", "penalty.every=2", model=model).fit(max_epochs=1)
    assert all(value.isfinite().all() for value in ran.weights.values())


@pytest.mark.slow
def test_a_checkpoint_of_another_table_is_not_resumed(training, tmp_path):
    last = BestAndLast(
        dirpath=str(tmp_path), monitor="val/generator_loss", tolerance=0.0, last_every=1e9
    )
    own = training().fit(last, max_epochs=1).module
    assert read_checkpoint(tmp_path / "last.ckpt", of=own)["global_step"] == 4
    other = training("data.drop=[age]").module
    with pytest.raises(TabganError, match="the checkpoint belongs to a table of another schema"):
        read_checkpoint(tmp_path / "last.ckpt", of=other)
