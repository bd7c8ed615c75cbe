"""GAN-SMOTE: a GAN for each class, with flipped bits and cosine restarts."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch.optim import Adam

from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.gan_smote import GanSmoteModule
from tabgan.models.losses.adversarial import nonsaturating
from tabgan.models.nets.critic import Critic
from tabgan.models.nets.generator import Generator
from tabgan.models.toolbox import minibatch

LAYOUT = RowLayout.from_widths([("flag", "discrete", 2), ("pay", "continuous", 1)])


def module(**changed):
    game = dict(
        layout=LAYOUT, condition_width=3, loss=nonsaturating(), penalty=None,
        generator=partial(
            Generator, hidden_dims=[8], temperature=0.5, hard=False, scalar="linear"
        ),
        critic=partial(Critic, hidden_dims=[8], slope=0.2, pack=1),
        generator_optimizer=Adam, critic_optimizer=Adam, lr=1e-3, critic_lr=2e-3, noise_dim=4,
        dropout=0.0, average=None, clip=None, neighbours=4, flips=0.3, restarts=2,
    )  # fmt: skip
    return GanSmoteModule(**game | changed)


def rows_of(labels):
    """Rows whose pay is the class; flag 0."""
    rows = torch.zeros(len(labels), 3)
    rows[:, 0], rows[:, 2] = 1, torch.tensor(labels).float()
    return rows, torch.eye(3)[torch.tensor(labels)]


def test_a_step_takes_as_many_rows_of_every_class_that_has_any(monkeypatch):
    made, seen = module(), []
    table = rows_of([0] * 97 + [2] * 3)  # nobody is of class 1
    made.prepare(table, table, seed=0)
    monkeypatch.setattr("tabgan.models.cgan.CGANModule.training_step",
                        lambda self, batch, index: seen.append(batch))  # fmt: skip
    made.training_step(rows_of([0] * 10), 0)
    rows, condition = seen[0]
    assert condition.sum(dim=0).tolist() == [5, 0, 5]
    assert (rows[:, 2] == condition.argmax(dim=1)).all()  # each condition is its row's


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.3), (0.5, 0.15), (1.0, 0.0)])
def test_bits_are_flipped_and_numbers_are_not_and_the_probability_falls(share, expected):
    made = module()
    made._share = lambda: share
    rows, _ = rows_of([2] * 20_000)
    torch.manual_seed(0)
    seen = made._blurred(rows)
    flipped = (seen[:, :2] != rows[:, :2]).float().mean().item()
    assert flipped == pytest.approx(expected, abs=0.01)
    assert (seen[:, 2] == 2).all()


@pytest.mark.parametrize(
    ("share", "factor"),
    # two cycles: (1 + cos(pi c)) / 2 at c = 0, .5 and, of the second, 0 and .5
    [(0.0, 1.0), (0.25, 0.5), (0.5, 1.0), (0.75, 0.5), (0.499, 0.0)],
)
def test_learning_rates_fall_along_a_cosine_and_start_again(share, factor):
    made = module()
    optimizers = [SimpleNamespace(param_groups=[{"lr": 9.0}]) for _ in range(2)]
    made._share, made._players = lambda: share, lambda: optimizers
    made._set_rates()
    critic, generator = (each.param_groups[0]["lr"] for each in optimizers)
    assert critic == pytest.approx(2e-3 * factor, abs=1e-7)
    assert generator == pytest.approx(1e-3 * factor, abs=1e-7)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"condition_width": 0}, "expected a nominal target as the condition"),
        ({"flips": 1.3}, "flips=1.3"),
        ({"restarts": 0}, "at least 1 restart"),
        ({"neighbours": 1}, "at least 2 neighbours"),
        ({"penalty": object()}, "takes penalty=none"),
        (
            {"tools": [minibatch(group=4, n_kernels=2, kernel_dim=2)]},
            "tools that stand around a critic",
        ),
    ],
)
def test_what_it_cannot_do_is_said(changed, text):
    with pytest.raises(TabganError, match=text):
        module(**changed)


@pytest.mark.slow
def test_two_classes_are_learned_and_asked_for(command, tmp_path):
    lines = [f"{'ab'[i % 4 == 0]},{i % 3},{'xy'[i % 4 == 0]}\n" for i in range(400)]
    (tmp_path / "table.csv").write_text("letter,n,label\n" + "".join(lines), "utf-8")
    words = ["data.path=table.csv", "data.target=label", "model=gan_smote", "data.batch_size=60"]
    words += ["model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]"]
    words += ["encoder.derive=false", "model.average=null", "model.lr=2e-3"]
    ended = command(
        "train", *words, "trainer.max_epochs=60", "~callbacks.panel", "hydra.run.dir=run",
        "logger=none",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    for label, letter in (("y", "b"), ("x", "a")):
        out = f"{label}.csv"
        ended = command("sample", "run=run", "n=200", f"where.label={label}", f"out={out}")
        assert ended.status == 0, ended.err
        drawn = (tmp_path / out).read_text("utf-8")
        assert drawn.count(f"{letter},") > 180  # the letter follows from the class
