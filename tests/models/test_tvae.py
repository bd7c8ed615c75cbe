"""TVAE: its two losses by hand, what it draws, and that it does what any other model does."""

import json
import math
import os
import signal

import pandas as pd
import pytest
import torch

from tabgan import TableGAN
from tabgan.encoding.layout import RowLayout
from tabgan.models.tvae import Decoder, Encoder, kl_from_standard
from tabgan.runs.callbacks.reseed import Reseed
from tabgan.seeding import generator_at

LAYOUT = RowLayout.from_widths([("flag", "discrete", 2), ("pay", "continuous", 1)])
SMALL = ("model=tvae", "model.hidden_dims=[16]", "model.noise_dim=4", "data.batch_size=50")


def decoder(**changed):
    sizes = dict(layout=LAYOUT, noise_dim=3, hidden_dims=[8], dropout=0.0, scalar="tanh")
    return Decoder(**sizes | changed)


@pytest.mark.parametrize(
    ("mean", "log_deviation", "expected"),
    [
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([1.0, 2.0], [0.0, 0.0], 2.5),  # half of 1 + 4
        ([0.0, 0.0], [1.0, 0.0], (math.e**2 - 1) / 2 - 1),
    ],
)
def test_the_divergence_from_a_standard_normal(mean, log_deviation, expected):
    found = kl_from_standard(torch.tensor([mean]), torch.tensor([log_deviation]))
    assert found.tolist() == pytest.approx([expected], abs=1e-6)


def test_the_likelihood_of_a_row_is_the_product_of_its_blocks():
    net = decoder()
    raw = torch.tensor([[math.log(3), 0.0, 0.0]])  # shares of 3/4 and 1/4, a mean of tanh 0
    rows = torch.tensor([[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]])
    density = 1 / (0.25 * math.sqrt(2 * math.pi))  # of a normal with deviation 1/4 at its mean
    found = net.log_likelihood(raw.expand(2, 3), rows).exp()
    assert found.tolist() == pytest.approx([3 / 4 * density * math.exp(-1 / 2), 1 / 4 * density])


def test_a_deviation_stays_above_a_hundredth():
    net = decoder()
    net.log_deviation.data.fill_(-50.0)
    assert net.deviation.tolist() == pytest.approx([0.01])


def test_drawn_rows_follow_the_likelihood():
    net, n = decoder(), 40_000
    for weights in net.readout.parameters():  # the same distribution for every z
        weights.data.zero_()
    net.readout.bias.data[:] = torch.tensor([math.log(3), 0.0, 0.5])
    rows = net.draw(torch.zeros(n, 3), generator_at(0, "test"))
    assert float((rows.codes[:, 0] == 0).double().mean()) == pytest.approx(3 / 4, abs=0.01)
    assert float(rows.scalars.mean()) == pytest.approx(math.tanh(0.5), abs=0.005)
    assert float(rows.scalars.std()) == pytest.approx(0.25, abs=0.005)


def test_the_encoder_gives_a_mean_and_a_deviation_for_each_row():
    net = Encoder(layout=LAYOUT, noise_dim=3, hidden_dims=[8], dropout=0.0)
    mean, log_deviation = net(torch.zeros(5, 3))
    assert mean.shape == log_deviation.shape == (5, 3)


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    """400 rows: letter and label are the same thing, n is about 10 times as large with label y."""
    path = tmp_path_factory.mktemp("letters") / "letters.csv"
    lines = [
        f"{'ab'[i % 4 == 0]},{i % 7 + 1 + 30 * (i % 4 == 0)},{'xy'[i % 4 == 0]}\n"
        for i in range(400)
    ]
    path.write_text("letter,n,label\n" + "".join(lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def run(letters, command_in):
    """The folder of a run that has learned the letters."""
    folder = letters.parent
    words = [f"data.path={letters}", "data.target=label", *SMALL, "encoder.derive=false"]
    words += ["model.lr=5e-3", "trainer.max_epochs=80", "callbacks.panel.every_n_steps=200"]
    ended = command_in(folder, "train", *words, "hydra.run.dir=run", "trainer.log_every_n_steps=5")
    assert ended.status == 0, ended.err
    return folder / "run"


@pytest.mark.slow
def test_it_learns_and_its_curves_have_plain_names(run):
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    assert {"train/reconstruction_loss", "train/kl", "val/reconstruction_loss", "val/kl"} <= set(
        metrics
    )
    both = metrics["val/reconstruction_loss"] + metrics["val/kl"]
    assert metrics["val/generator_loss"] == pytest.approx(both, rel=1e-5)
    assert metrics["generator_parameters"] > 0
    assert "val/pass_rate" not in metrics  # there is no critic


@pytest.mark.slow
def test_rows_under_conditions_are_drawn_until_they_satisfy_them(run, command_in):
    words = (
        f"run={run}",
        "n=200",
        "where.label=y",
        "where.n=31..33",
        f"out={run / 'requested.csv'}",
    )
    ended = command_in(run, "sample", *words)
    assert ended.status == 0, ended.err
    rows = pd.read_csv(run / "requested.csv")
    assert (rows["label"] == "y").all()
    assert rows["n"].between(31, 33).all()
    assert (rows["letter"] == "b").mean() > 0.75  # as the label says; of all rows it is a quarter
    sidecar = json.loads((run / "requested.csv.json").read_text("utf-8"))
    assert sidecar["tried"] > 200


@pytest.mark.slow
def test_it_is_evaluated_and_has_no_critic_to_fool(run, command_in):
    ended = command_in(run, "evaluate", f"run={run}")
    assert ended.status == 0, ended.err
    report = json.loads((run / "report.json").read_text("utf-8"))
    assert report["c2st_test_auc_worst"] < 0.75
    ended = command_in(run, "evaluate", f"run={run}", "+study=fooled")
    assert ended.status == 1
    assert "expected a run whose model has a critic to fool, got TVAEModule" in ended.err


@pytest.mark.slow
def test_it_fills_no_missing_cells(run, letters, command_in):
    ended = command_in(run, "impute", f"run={run}", f"data.path={letters}")
    assert "impute: expected a run of model=cgan" in ended.err


@pytest.mark.slow
def test_a_training_that_was_stopped_goes_on_to_the_bit(letters, command, tmp_path, monkeypatch):
    words = (f"data.path={letters}", "data.target=label", *SMALL, "trainer.max_epochs=3")
    assert command("train", *words, "hydra.run.dir=whole").status == 0
    begun, left = Reseed.on_train_batch_start, [signal.SIGTERM]

    def stopping(self, trainer, *rest):
        if trainer.global_step == 9 and left:  # of 6 steps an epoch
            os.kill(os.getpid(), left.pop())
        begun(self, trainer, *rest)

    monkeypatch.setattr(Reseed, "on_train_batch_start", stopping)
    assert command("train", *words, "hydra.run.dir=stopped").status == 143
    ended = command("train", "run=stopped", "resume=true")
    assert ended.status == 0, ended.err
    stored = [
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)
        for name in ("whole", "stopped")
    ]
    weights = [each["state_dict"] for each in stored]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert stored[0]["global_step"] == stored[1]["global_step"] == 18
    previews = [
        (tmp_path / name / "samples" / "preview.csv").read_bytes() for name in ("whole", "stopped")
    ]
    assert previews[0] == previews[1]


@pytest.mark.slow
def test_a_sweep_trains_it_with_each_setting(letters, command, tmp_path):
    words = (f"data.path={letters}", "data.target=label", *SMALL, "trainer.max_epochs=1")
    ended = command("train", *words, "-m", "model.noise_dim=2,3", "hydra.sweep.dir=sweep")
    assert ended.status == 0, ended.err
    finished = sorted(path.parent.name for path in (tmp_path / "sweep").glob("*/metrics.json"))
    assert finished == ["0", "1"]


@pytest.mark.slow
def test_table_gan_keeps_it_and_gives_the_same_rows(letters, tmp_path):
    overrides = {"model.hidden_dims": [16], "model.noise_dim": 4, "trainer.max_epochs": 1}
    gan = TableGAN("tvae", seed=1, overrides=overrides).fit(pd.read_csv(letters), target="label")
    gan.save(tmp_path / "model")
    again = TableGAN.load(tmp_path / "model")
    assert again.preset == "tvae"
    pd.testing.assert_frame_equal(gan.sample(20, seed=3), again.sample(20, seed=3))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("encoder.conditional=true", "draws the class as a column of the row"),
        ("encoder.missing=masked", "TVAEModule learns from whole rows alone"),
    ],
)
def test_what_it_cannot_learn_from_is_refused(command, mixed_arff, word, text):
    ended = command("train", f"data.path={mixed_arff}", "data.target=label", *SMALL, word)
    assert ended.status == 1
    assert text in ended.err


def test_a_loss_that_is_no_number_ends_the_training(command, letters):
    words = (f"data.path={letters}", "data.target=label", *SMALL, "trainer.max_epochs=3")
    ended = command("train", *words, "model.lr=1e30")
    assert ended.status == 1
    assert "the training diverged (model.lr=1e+30)" in ended.err
