"""ChainModule: what each phase learns, when it ends, and that it goes on to the bit."""

import os
import signal

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_lightning import Callback

from tabgan.errors import TabganError
from tabgan.runs.callbacks.checkpoint import BestAndLast
from tabgan.sampling.draw import draw_chunks
from tabgan.system import signals

NO_ROUNDS = "model.adversarial=none"
SLOPES = ("model.adversarial=slopes", "model.rounds=1")
IGNORANT = "model.lr=0"  # the likelihood teaches nothing, so that rounds have something to say


def drawn(ran, n=4_000):
    return pd.concat(draw_chunks(ran.module, ran.data.encoder, n=n, seed=0), ignore_index=True)


def copied(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """1,000 rows: right is left in nine of ten, and size lies near 0 for a, near 10 for b."""
    rng = np.random.default_rng(0)
    lines = []
    for row in range(1_000):
        left = "ab"[rng.integers(2)]
        right = left if row % 10 else "ba"["ab".index(left)]
        lines.append(f"{left},{right},{rng.normal(10 * (left == 'b')):.4f}\n")
    path = tmp_path_factory.mktemp("pairs") / "pairs.arff"
    header = "@relation r\n@attribute left {a,b}\n@attribute right {a,b}\n@attribute size real\n"
    path.write_text(header + "@data\n" + "".join(lines), "utf-8")
    return path


def test_maximum_likelihood_learns_how_columns_depend(training, pairs):
    words = [f"data.path={pairs}", "data.target=right", NO_ROUNDS, "model.likelihood_steps=150"]
    ran = training(*words, "model.lr=1e-2", "model.dropout=0", model="cgan").fit(max_epochs=3)
    table = drawn(ran)
    assert (table["left"] == table["right"]).mean() == pytest.approx(0.9, abs=0.04)
    assert table.groupby("left", observed=True)["size"].mean().tolist() == pytest.approx(
        [0, 10], abs=0.5
    )
    curves = ran.trainer.callback_metrics
    assert curves["val/nll"] == curves["val/generator_loss"]
    # log 2 for left, .33 nats for right; size is one of 72 or so cells of a class
    assert float(curves["val/nll"]) < np.log(2) + 0.33 + np.log(72) + 0.3


class Spoiling(Callback):
    """Makes the weights noise after a step, and keeps what they were at each validation before."""

    def __init__(self, *, after):
        self.after = after

    def on_validation_end(self, trainer, module):
        if trainer.global_step < self.after:
            self.kept = copied(module.sampling_generator)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.global_step == self.after:
            for net in (module.generator, module.sampling_generator):
                for parameter in net.parameters():
                    parameter.data.normal_()


@pytest.mark.slow
@pytest.mark.parametrize("average", ["0.9", "null"])
def test_the_likelihood_phase_stops_early_and_gives_the_likeliest_weights_back(
    training, pairs, average
):
    words = [f"data.path={pairs}", "data.target=right", NO_ROUNDS, "model.likelihood_steps=1000"]
    words += ["model.patience=2", "model.dropout=0", f"model.average={average}"]
    spoiling = Spoiling(after=120)
    ran = training(*words, model="cgan").fit(spoiling, max_epochs=20)
    module = ran.module
    assert module.best_step == 100  # the look before, at the second epoch's end
    assert module.likelihood_ended == ran.trainer.global_step == 200  # and two without a new low
    assert same(copied(module.sampling_generator), spoiling.kept)
    assert same(copied(module.generator), spoiling.kept)


@pytest.fixture(scope="module")
def coins(tmp_path_factory):
    """1,000 tosses, nine heads in ten."""
    path = tmp_path_factory.mktemp("coins") / "coins.arff"
    lines = [f"{('tails', 'heads')[row % 10 > 0]},{'abcd'[row % 4]}\n" for row in range(1_000)]
    header = "@relation r\n@attribute side {heads,tails}\n@attribute table {a,b,c,d}\n@data\n"
    path.write_text(header + "".join(lines), "utf-8")
    return path


def heads(ran):
    return float((drawn(ran)["side"] == "heads").mean())


@pytest.mark.parametrize("critics", ["net", "tree", "net and tree"])
def test_rounds_move_a_wrong_share_towards_the_truth(training, coins, critics):
    ran = training(
        f"data.path={coins}", "data.target=null", "encoder.derive=false", IGNORANT,
        "model.likelihood_steps=1",
        "model.rounds=4", "model.round_lr=0.03", "model.critic_lr=0.01", "model.average=null",
        f"model.net_critic={str('net' in critics).lower()}",
        f"model.tree_critic={str('tree' in critics).lower()}", model="cgan",
    )  # fmt: skip
    net = ran.module.chain
    net.readout.start_from(0, torch.tensor([1.0, 1.0]).double())  # the coin is fair, it says
    assert heads(ran) == pytest.approx(0.5, abs=0.05)
    ran.fit(max_epochs=10)
    # critics stop at what is chance: 90 held rows show an AUC from .56 on, a share of .78
    assert heads(ran) == pytest.approx(0.9, abs=0.12)
    assert ran.module.rounds_done == 4
    tables = drawn(ran)["table"].value_counts(normalize=True)
    assert tables.tolist() == pytest.approx([0.25] * 4, abs=0.06)  # which was right


@pytest.mark.parametrize("words", [(NO_ROUNDS,), ("model.rounds=0",), (*SLOPES, "model.rounds=0")])
def test_without_rounds_a_training_ends_with_the_likelihood(training, words):
    # 10 steps of a first epoch of 50, which Lightning goes through to its end
    ran = training("model.likelihood_steps=10", *words, model="cgan").fit(max_epochs=5)
    assert ran.module.likelihood_ended == ran.trainer.global_step == 10


def test_rounds_end_where_critics_see_no_difference(training, coins):
    ran = training(
        f"data.path={coins}", "data.target=null", "model.net_critic=false", IGNORANT,
        "model.likelihood_steps=1", "model.rounds=4", model="cgan",
    ).fit(max_epochs=10)  # fmt: skip
    # all that there is to learn of two independent columns is their shares, which it starts from
    assert ran.module.rounds_done == 4
    assert ran.trainer.global_step == 1
    assert ran.module.round is None


class Watching(Callback):
    """Which nets each step of the rounds moves: pairs (critic, generator)."""

    def __init__(self):
        self.seen = set()

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.rounds = module.likelihood_ended is not None
        self.before = copied(module.critic), copied(module.generator)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        nets = module.critic, module.generator
        if self.rounds:
            moved = (not same(copied(net), old) for net, old in zip(nets, self.before, strict=True))
            self.seen.add(tuple(moved))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "moved"),
    [
        ((), (True, True)),
        (("model.net_critic=false",), (False, True)),
        (("model.tree_critic=false",), (True, True)),
        (SLOPES, (True, True)),
    ],
)
def test_a_rounds_step_moves_the_nets_that_play(training, pairs, words, moved):
    watching = Watching()
    own = (f"data.path={pairs}", "data.target=right", "model.likelihood_steps=5", IGNORANT)
    training(*own, *words, model="cgan").fit(watching, max_epochs=1)
    assert moved in watching.seen
    assert watching.seen <= {moved, (False, False)}  # where critics see no difference any more


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("loss=wasserstein", "penalty=gp"),
        ("loss=hinge", "penalty=r1", "model.clip=0.05"),
        ("loss=relativistic", "penalty=r1r2", "tool=feature_matching"),
    ],
)
def test_slopes_through_every_draw_train_with_any_loss_penalty_and_tool(training, words):
    ran = training(*SLOPES, *words, "model.likelihood_steps=25", model="cgan").fit(max_epochs=1)
    assert ran.module.likelihood_ended == 10  # of 50 steps, as 25 of 125 were planned
    assert all(value.isfinite().all() for value in ran.weights.values())
    assert {"val/critic_loss", "val/nll"} <= ran.trainer.callback_metrics.keys()


def test_a_shorter_training_has_both_phases_in_their_proportion(training, pairs):
    # planned are 50 steps of likelihood and two rounds of 25; an epoch is 50 steps
    own = (f"data.path={pairs}", "data.target=right", "model.likelihood_steps=50", IGNORANT)
    ran = training(*own, model="cgan").fit(max_epochs=1)
    assert ran.module.likelihood_ended == 25
    assert ran.module.rounds_done == 1
    assert ran.trainer.global_step == 50


def test_rows_are_drawn_from_the_average_first_and_from_the_generator_after_a_round(
    training, pairs
):
    own = (f"data.path={pairs}", "data.target=right", "model.likelihood_steps=25")
    first = training(*own, "model.rounds=1", model="cgan")
    assert first.module.sampling_generator is first.module.averaged.net

    class Looking(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            nets = copied(module.generator), copied(module.averaged.net)
            if trainer.global_step in (20, 30, 50):
                alike[trainer.global_step] = same(*nets)

    alike = {}
    first.fit(Looking(), max_epochs=1)
    assert alike == {20: False, 30: False, 50: True}


class Poisoning(Callback):
    def __init__(self, *, at):
        self.at = at

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step == self.at:
            module.generator.bias.data.fill_(np.nan)


@pytest.mark.parametrize("words", [(), (NO_ROUNDS,)])
def test_a_likelihood_that_is_no_number_stops_the_run_with_its_step(training, words):
    told = r"^generator loss is nan at step 8: the training diverged \(model.lr=0.002, "
    with pytest.raises(FloatingPointError, match=told):
        training(*words, model="cgan").fit(Poisoning(at=7), max_epochs=2)


def test_a_validation_likelihood_that_is_no_number_stops_the_run(training):
    class Late(Callback):
        def on_validation_start(self, trainer, module):
            if not trainer.sanity_checking:
                module.averaged.net.bias.data.fill_(np.nan)

    told = r"^the validation likelihood is nan at step 50: the training diverged"
    with pytest.raises(FloatingPointError, match=told):
        training("model.likelihood_steps=500", model="cgan").fit(Late(), max_epochs=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.adversarial=gan"], r"model.adversarial=gan: expected one of \['boundary', 'slo"),
        (["encoder.conditional=true"], "draws the class as a column of the row"),
        (["model.net_critic=false", "model.tree_critic=false"], "tells how likely a row is real"),
        (["loss=wasserstein"], "model.net_critic: this loss's logits do not say how likely a row"),
        (["model.likelihood_steps=0"], "expected at least 1 step"),
        (["model.patience=0"], "patience of at least 1"),
        (["model.weight_decay=-1"], "no negative number"),
        (["model.generator.order=[age]"], "model.generator.order: expected each of"),
        (["encoder=unconditional"], "this generator draws codes, and the encoder gives numbers"),
    ],
)
def test_words_that_make_no_model_are_refused(training, words, message):
    with pytest.raises(TabganError, match=message):
        training(*words, model="cgan")


class Signalled(Callback):
    """Sends SIGTERM to the process when a step begins."""

    def __init__(self, *, at):
        self.at = at

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


class Candidates(Callback):
    """At each epoch's end: the step, rounds done, and whether the weights may be kept."""

    def __init__(self):
        self.seen = []

    def on_train_epoch_end(self, trainer, module):
        self.seen.append((trainer.global_step, module.rounds_done, module.may_be_kept))


@pytest.mark.slow
def test_only_the_weights_after_the_last_round_may_be_kept(training, pairs):
    words = (f"data.path={pairs}", "data.target=right", "model.likelihood_steps=20", IGNORANT)
    candidates = Candidates()
    ran = training(*words, "model.rounds=2", model="cgan").fit(candidates, max_epochs=40)
    *before, (step, rounds, kept) = candidates.seen
    assert (step, rounds, kept) == (ran.trainer.global_step, 2, True)
    assert {kept for *_, kept in before} == {False}
    candidates = Candidates()  # of a training that ends in the middle of the rounds, the last
    training(*words, "model.rounds=90", model="cgan").fit(candidates, max_epochs=2)
    assert [kept for *_, kept in candidates.seen] == [False, True]
    candidates = Candidates()  # without rounds, all once the likelihood is through
    training(*words, *SLOPES, model="cgan").fit(candidates, max_epochs=6)
    assert candidates.seen[-1][2]


def optimizer_states(ran):
    return [
        {(position, name): value.tolist() for position, state in entries.items()
         for name, value in state.items()}
        for entries in (optimizer.state_dict()["state"] for optimizer in ran.trainer.optimizers)
    ]  # fmt: skip


RESUMED = {
    "in the likelihood": (30, ()),
    "in the first round": (65, ()),
    "in the second round": (93, ("model.dropout=0.3",)),
    "in the game of slopes": (33, (*SLOPES, "model.likelihood_steps=25")),
    "before a look has been taken": (3, (NO_ROUNDS,)),
}


@pytest.mark.slow
@pytest.mark.parametrize("where", RESUMED)
def test_a_training_stopped_in_either_phase_goes_on_to_the_bit(training, pairs, tmp_path, where):
    step, words = RESUMED[where]
    own = (f"data.path={pairs}", "data.target=right", "model.likelihood_steps=50", "model.lr=1e-4")
    words = (*own, "model.noise_dim=2", *words)

    def fit(name, *callbacks, ckpt_path=None):
        last = BestAndLast(
            dirpath=str(tmp_path / name), monitor="val/nll", tolerance=0.0, last_every=1e9
        )
        epochs = 1 if SLOPES[0] in words else 2
        ran = training(*words, model="cgan")
        return ran.fit(*callbacks, last, max_epochs=epochs, ckpt_path=ckpt_path)

    unbroken = fit("unbroken")
    with signals.heeded(), pytest.raises(signals.Interrupted, match="SIGTERM"):
        fit("broken", Signalled(at=step))
    resumed = fit("broken", ckpt_path=tmp_path / "broken" / "last.ckpt")
    assert resumed.trainer.global_step == unbroken.trainer.global_step
    assert same(resumed.weights, unbroken.weights)
    assert optimizer_states(resumed) == optimizer_states(unbroken)
    for name in ("likelihood_ended", "rounds_done", "best_nll", "best_step"):
        assert getattr(resumed.module, name) == getattr(unbroken.module, name)


@pytest.mark.slow
def test_the_net_critic_of_the_rounds_pays_its_penalty_and_keeps_to_its_bound(training, pairs):
    own = (f"data.path={pairs}", "data.target=right", "model.likelihood_steps=5", IGNORANT)
    own += ("model.tree_critic=false", "model.clip=0.03")
    free = training(*own, model="cgan").fit(max_epochs=1).module.critic
    paid = training(*own, "penalty=r1", "penalty.gamma=9", model="cgan").fit(max_epochs=1)
    assert max(weights.abs().max() for weights in free.parameters() if len(weights)) <= 0.03
    assert not same(copied(free), copied(paid.module.critic))


def test_weight_decay_leaves_biases_alone(training):
    module = training("model.weight_decay=0.1", model="cgan").module
    _, generator = module.configure_optimizers()
    matrices, biases = generator.param_groups
    assert (matrices["weight_decay"], biases["weight_decay"]) == (0.1, 0)
    named = {id(p): name for name, p in module.generator.named_parameters()}
    assert {"bias" in named[id(p)] for p in biases["params"]} == {True}
    assert {"bias" in named[id(p)] for p in matrices["params"]} == {False}
