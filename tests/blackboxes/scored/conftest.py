"""Scored models on the table of people, small enough for milliseconds a step."""

import sys
import types

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from tabgan.blackboxes.scored.querying import attach_box
from tabgan.config.building import build_module, settle
from tabgan.config.checks import check_config
from tabgan.paths import conf_dir
from tabgan.runs.callbacks.reseed import Reseed
from tabgan.runs.session import begin


class Made:
    """A scored module, its data, and what fits it.

    Attributes:
        module, data: what the words describe, prepared.
    """

    def __init__(self, folder, words):
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("train", overrides=["trainer.log_every_n_steps=1", *words])
        check_config(cfg)
        begin(seed=0, threads=1)
        self.folder = folder
        self.data = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
        self.data.setup("fit")
        settle(cfg, self.data, folder)
        self.module = build_module(cfg, self.data.encoder)
        attach_box(cfg, self.module, self.data, folder)
        parts = self.data.coded("train"), self.data.coded("validation")
        self.module.prepare(*parts, seed=0)
        self.make_trainer, self.epochs = instantiate(cfg.trainer), cfg.trainer.max_epochs

    def fit(self, **settings):
        """Train it as long as planned."""
        self.trainer = self.make_trainer(
            callbacks=[Reseed(seed=0)], logger=False, default_root_dir=str(self.folder),
            enable_checkpointing=False, **settings,
        )  # fmt: skip
        self.trainer.fit(self.module, datamodule=self.data)
        return self


@pytest.fixture
def make(mixed_arff, tmp_path):
    """``make(*words)``: a ``Made`` of these words."""
    return lambda *words: Made(
        tmp_path, [f"data.path={mixed_arff}", "data.target=label", "callbacks=none", *words]
    )


@pytest.fixture
def by_age():
    """The words of a black box that can be learned: people:by_age, 0 at 18 and 1 at 70."""
    made = types.ModuleType("people")
    made.by_age = lambda rows: (rows["age"].to_numpy("float64") - 18) / 52
    sys.modules["people"] = made
    yield ["blackbox=function", "blackbox.function=people:by_age"]
    del sys.modules["people"]
