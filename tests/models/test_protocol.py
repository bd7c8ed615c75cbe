"""RowModel and its abilities: who has which, and a model of one's own that has no other."""

import sys
from types import ModuleType

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from tabgan.blackboxes.scored.model import ScoredModel
from tabgan.encoding.coded import CodedRows
from tabgan.models.cgan import CGANModule
from tabgan.models.ctgan import CTGANModule
from tabgan.models.protocol import (
    ChainedModel,
    CriticModel,
    LikelihoodModel,
    PhasedModel,
    PlannedModel,
    RowBoundModel,
    RowModel,
    VectorModel,
    absent_members,
)
from tabgan.runs.folder import RECORDS, ROWS, kind_of
from tabgan.runs.provenance import save_kind

ABILITIES = (
    *(ChainedModel, CriticModel, LikelihoodModel, PhasedModel),
    *(RowBoundModel, VectorModel, ScoredModel),
)


@pytest.mark.parametrize(
    ("model", "abilities"),
    [
        ("cgan", {ChainedModel, CriticModel, LikelihoodModel, PhasedModel, RowBoundModel}),
        ("cgan_basic", {CriticModel}),
        ("cgan_report", {CriticModel}),
        ("ctgan", {CriticModel, RowBoundModel, VectorModel}),
    ],
)
def test_each_model_has_its_abilities_and_no_other(training, model, abilities):
    module = training(model=model).module
    assert isinstance(module, RowModel)
    assert {each for each in ABILITIES if isinstance(module, each)} == abilities
    assert issubclass(type(module), PlannedModel) == (model == "cgan")


def test_members_that_a_class_lacks_are_named():
    assert absent_members(CGANModule) == absent_members(CTGANModule) == []
    facts = ["learns_codes", "learns_missing_cells", "takes_condition"]
    assert absent_members(pl.LightningModule) == [*facts, "prepare", "draw"]


OTHERS = ("noise_dim", "dropout", "hidden_dims", "scalar", "optimizer")  # keys of TVAE beside lr


class Copies(pl.LightningModule):
    """Draws training rows, each as often as the next; its weights learn nothing."""

    learns_codes, learns_missing_cells, takes_condition = False, False, False

    def __init__(self, *, layout, lr, condition_width):
        super().__init__()
        self.layout, self.lr, self.idle = layout, lr, nn.Linear(1, 1)
        self.register_buffer("codes", torch.empty(0))
        self.register_buffer("scalars", torch.empty(0))

    def prepare(self, train, validation, *, seed):
        self.codes, self.scalars = train[0].codes, train[0].scalars

    def draw(self, condition, rng=None):
        chosen = torch.randint(len(self.codes), (len(condition),), generator=rng)
        codes, scalars = self.codes[chosen], self.scalars[chosen]
        return CodedRows(layout=self.layout, codes=codes, scalars=scalars)

    def training_step(self, batch, batch_idx):
        return self.idle(torch.zeros(1, 1)).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)


@pytest.fixture
def own_models(monkeypatch):
    """A module of one's own on the path: ``own.Copies``, and ``own.Net`` that draws no rows."""
    own = ModuleType("own")
    own.Copies, own.Net = Copies, pl.LightningModule
    monkeypatch.setitem(sys.modules, "own", own)


def words(data, target, *left_out):
    """Of a training with TVAE's configuration, another class, and without some keys."""
    return (
        *(f"~model.{key}" for key in left_out),
        *(f"data.path={data}", "data.target=label", "model=tvae", f"model._target_={target}"),
        *("trainer.max_epochs=2", "data.batch_size=50", "hydra.run.dir=run"),
    )


@pytest.mark.slow
@pytest.mark.usefixtures("own_models")
def test_a_model_of_four_methods_trains_and_draws(command, mixed_arff, tmp_path):
    ended = command("train", *words(mixed_arff, "own.Copies", *OTHERS))
    assert ended.status == 0, ended.err
    assert kind_of(tmp_path / "run") == ROWS
    assert "val/pass_rate" not in (tmp_path / "run" / "metrics.json").read_text("utf-8")
    preview = pd.read_csv(tmp_path / "run" / "samples" / "preview.csv")
    assert len(preview) == 100
    assert set(preview["job"].dropna()) == {"clerk", "cook", "night guard"}


@pytest.mark.usefixtures("own_models")
def test_a_target_that_draws_no_rows_is_refused_by_what_it_lacks(command, mixed_arff):
    ended = command("train", *words(mixed_arff, "own.Net", "lr", *OTHERS))
    assert ended.status == 1
    assert ended.err == (
        "error: model._target_=own.Net: expected a model that draws rows "
        "(tabgan.models.protocol.RowModel), got one without learns_codes, learns_missing_cells, "
        "takes_condition, prepare, draw\n"
    )


@pytest.mark.parametrize("word", ["loss=hinge", "penalty=r1", "tool=pacgan"])
def test_a_part_that_a_model_does_not_take_is_refused_before_the_table_is_read(
    command, word, tmp_path
):
    key = word.partition("=")[0]
    added = word if key == "tool" else f"+{word}"
    (tmp_path / "no_table.csv").write_bytes(b"\0" * 9)
    ended = command("train", f"data.path={tmp_path / 'no_table.csv'}", "model=tvae", added)
    assert (ended.status, ended.err) == (
        1,
        f"error: {key}: TVAEModule takes none; leave out {key}=\n",
    )


def test_the_kind_of_a_run_is_what_its_record_says(tmp_path):
    assert kind_of(tmp_path) == ROWS  # nothing is said
    save_kind(RECORDS, tmp_path)
    assert kind_of(tmp_path) == RECORDS
