"""The tables that many tests share, and the commands run inside the test process."""

import contextlib
import importlib
import io
import logging
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton
from hypothesis import settings

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.chain import ChainGenerator
from tabgan.studies import processes
from tabgan.tables.schema import Column, TableSchema

torch.set_num_threads(1)  # as trainings do: tests run beside each other
settings.register_profile("the same examples", derandomize=True)  # scripts/fuzz.py has others
settings.load_profile("the same examples")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_arithmetic():
    """Commands let torch multiply the quick way for the rest of the process: not of the tests."""
    torch.set_float32_matmul_precision("highest")  # torch's default


@pytest.fixture
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not beside this checkout")
    return SHARED_DATA


@pytest.fixture
def schema() -> TableSchema:
    return TableSchema(
        name="pets",
        target="kind",
        columns=(
            Column(name="age", kind="integer", missing=True),
            Column(name="weight", kind="numeric", decimals=2),
            Column(name="colour", kind="nominal", categories=("red", "white"), missing=True),
            Column(name="born", kind="date"),
            Column(name="legs", kind="integer"),
            Column(name="name", kind="string"),
            Column(name="kind", kind="nominal", categories=("cat", "dog")),
        ),
    )


@pytest.fixture
def table(schema: TableSchema) -> pd.DataFrame:
    return schema.conform(
        pd.DataFrame(
            {
                "age": [1, None, 7, 1, 3, 5],
                "weight": [0.25, 1.5, 2.75, 3.14, 8.0, 8.0],
                "colour": ["red", None, "white", "red", "red", "white"],
                "born": [f"2020-01-0{day}" for day in (1, 2, 2, 9, 5, 5)],
                "legs": [4] * 6,
                "name": ["Ann", "Bo", "Cy", "Di", "Ed", "Flo"],
                "kind": ["cat", "dog", "cat", "dog", "cat", "cat"],
            }
        )
    )


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


def run_command(name, *words, folder):
    """``python -m tabgan.<name> <words>`` in ``folder``, without the seconds of a new process.

    Pictures are half the time of a small training or report: a look draws the worst column, not
    the worst three, and t-SNE sees 60 rows of each table. Hydra composes a configuration twice,
    first to learn whether it is a sweep of itself; only those of ``conf/sweep`` are.
    """
    module = importlib.import_module(f"tabgan.{name}")
    out, err, status = io.StringIO(), io.StringIO(), 0
    argv, environ, root = sys.argv[:], dict(os.environ), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    sys.argv[:] = [f"tabgan.{name}", *map(str, words)]
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr("tabgan.runs.callbacks.evaluation.WORST_COLUMNS", 1)
            patch.setattr("tabgan.report.embedding.MAX_ROWS", 60)
            if not any("sweep=" in str(word) for word in words):
                patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
            module.run()
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.argv[:] = argv
        os.environ.clear()
        os.environ.update(environ)
        GlobalHydra.instance().clear()
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:], root.level = handlers, level
    return Ended(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def command_in():
    """Run a command in a folder: ``command_in(folder, "train", "data=adult", ...)``."""
    return lambda folder, name, *words: run_command(name, *words, folder=folder)


@pytest.fixture
def in_process(monkeypatch):
    """Trainings and draws of a study run in the test's own process, at made-up costs."""

    def timed(command, *, folder, name):
        if command[1] != "-m":
            return processes.timed(command, folder=folder, name=name)  # a peer's driver
        module, *words = command[2:]
        outer, hydra = Singleton._instances.copy(), GlobalHydra.instance().hydra
        GlobalHydra.instance().clear()
        try:
            ended = run_command(module.removeprefix("tabgan."), *words, folder=folder)
        finally:
            Singleton._instances = outer
            GlobalHydra.instance().hydra = hydra
        assert ended.status == 0, f"{name}: {ended.err}"
        return {"wall": 2.0, "cpu": 1.0, "peak_mb": 100.0}

    monkeypatch.setattr("tabgan.studies.contestants.timed", timed)


@pytest.fixture
def made_up_figures(monkeypatch):
    """Rows of a study are not judged: its test is of what is requested of whom, and how often."""
    for name in ("evaluate_tables", "evaluate_real_rows"):
        monkeypatch.setattr(f"tabgan.studies.contest.{name}", lambda rows: ({"made_up": 0.5}, {}))


@pytest.fixture
def command(tmp_path):
    """Run a command in the test's own folder: ``command("train", "data=adult", ...)``."""
    return lambda name, *words: run_command(name, *words, folder=tmp_path)


@pytest.fixture(scope="module")
def refined_at_any_rate():
    """The generator of a few steps has a refiner too, however few of its rows survive."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tabgan.sampling.refiner.MIN_ACCEPTANCE", 0.01)
        yield


MIXED_HEADER = """@relation people
@attribute age integer
@attribute 'daily pay' real
@attribute job {clerk,cook,'night guard'}
@attribute member {false,true}
@attribute joined date 'yyyy-MM-dd'
@attribute planet {earth}
@attribute legs numeric
@attribute label {no,yes}
@data
"""
MIXED_ROWS = 300


@pytest.fixture(scope="session")
def mixed_arff(tmp_path_factory):
    """300 rows of every kind of column: 18 <= age < 70, pay with 2 decimals, dates of 2020.

    Pay is missing in every tenth row, job in every fifth; planet and legs are constant; every
    third label is yes.
    """
    rng = np.random.default_rng(0)
    lines = []
    for row in range(MIXED_ROWS):
        pay = "?" if row % 10 == 0 else f"{rng.normal(100, 20):.2f}"
        job = "?" if row % 5 == 1 else ("clerk", "cook", "'night guard'")[rng.integers(3)]
        day = np.datetime64("2020-01-01") + rng.integers(366)
        member, label = ("false", "true")[rng.integers(2)], "yes" if row % 3 == 2 else "no"
        lines.append(f"{rng.integers(18, 70)},{pay},{job},{member},{day},earth,2,{label}\n")
    path = tmp_path_factory.mktemp("data") / "people.arff"
    path.write_text(MIXED_HEADER + "".join(lines), "utf-8")
    return path


TINY = {
    "cgan": (
        *("model.generator.hidden_dim=16", "model.critic.hidden_dims=[16]"),
        *("model.likelihood_steps=60", "model.rounds=2"),
    ),
    "cgan_basic": ("model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]"),
    "cgan_report": ("model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]"),
    "ctgan": ("model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]"),
    "scored_surrogate": (
        *("model.generator.hidden_dim=16", "model.likelihood_steps=20", "model.scored_steps=40"),
        *("model.labels=300", "model.even_labels=200", "model.surrogate.n_trees=10"),
        *("model.surrogate.max_depth=4", "blackbox.n_estimators=5"),
    ),
}


def tiny_words(model):
    """The command words of a model that takes milliseconds a step."""
    return (f"model={model}", *TINY[model], "model.noise_dim=8", "data.batch_size=50")


@pytest.fixture(scope="session")
def trained(mixed_arff, tmp_path_factory):
    """The folder of one small run on ``mixed_arff``; shared, so a test only looks at it."""
    folder = tmp_path_factory.mktemp("trained")
    words = [f"data.path={mixed_arff}", "data.target=label", f"hydra.run.dir={folder}"]
    words += [*tiny_words("cgan_basic"), "trainer.max_epochs=3", "trainer.log_every_n_steps=1"]
    ended = run_command("train", *words, folder=folder.parent)
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture(scope="session")
def scored_run(mixed_arff, tmp_path_factory):
    """The folder of one small scored run on ``mixed_arff`` against a forest; only to look at."""
    folder = tmp_path_factory.mktemp("scored")
    words = [f"data.path={mixed_arff}", "data.target=label", f"hydra.run.dir={folder}"]
    words += [*tiny_words("scored_surrogate"), "callbacks=scored"]
    words += ["callbacks.panel.every_n_steps=20"]
    ended = run_command("train", *words, "trainer.log_every_n_steps=1", folder=folder.parent)
    assert ended.status == 0, ended.err
    return folder


class Training:
    """A training without commands: a tiny model on ``mixed_arff``, and the callbacks of a test."""

    def __init__(self, folder, data_path, model, words):
        from hydra import compose, initialize_config_dir
        from hydra.utils import instantiate

        from tabgan.config.building import build_module, settle
        from tabgan.paths import conf_dir
        from tabgan.runs.session import begin

        words = [f"data.path={data_path}", "data.target=label", *tiny_words(model), *words]
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("train", overrides=["trainer.log_every_n_steps=1", *words])
        begin(seed=cfg.seed, threads=1)
        self.folder, self.seed = folder, cfg.seed
        self.data = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
        self.data.setup("fit")
        settle(cfg, self.data, folder)
        self.module = build_module(cfg, self.data.encoder)
        parts = self.data.coded("train"), self.data.coded("validation")
        self.module.prepare(*parts, seed=cfg.seed)
        self.make_trainer = instantiate(cfg.trainer)

    def fit(self, *callbacks, max_epochs, ckpt_path=None, logger=False):
        from pytorch_lightning.callbacks import Checkpoint

        from tabgan.runs.callbacks.reseed import Reseed

        self.trainer = self.make_trainer(
            callbacks=[Reseed(seed=self.seed), *callbacks],
            max_epochs=max_epochs,
            logger=logger,
            default_root_dir=str(self.folder),
            enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        )
        self.trainer.fit(self.module, datamodule=self.data, ckpt_path=ckpt_path)
        return self

    @property
    def weights(self):
        """Every parameter and buffer, as copies."""
        return {name: value.clone() for name, value in self.module.state_dict().items()}


@pytest.fixture
def training(mixed_arff, tmp_path):
    """``training("model.lr=1e-3", model="cgan")``, then ``.fit(*callbacks, max_epochs=2)``.

    An epoch is 4 steps: 300 rows, 30 for testing, 27 for validation, batches of 50.
    """
    return lambda *words, model="cgan_basic": Training(tmp_path, mixed_arff, model, words)


@pytest.fixture
def run_copy(trained, tmp_path):
    """A copy of the trained run that a test may break."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


CHAIN_LAYOUT = RowLayout.from_widths(
    [
        ("size", "discrete", 4, 3, (0, 3)),  # 0 is a heavy value, 3 is missing
        ("size", "discrete", 2, 2),
        ("size", "continuous", 1),
        ("job", "discrete", 3),
        ("kind", "discrete", 2),
    ],
    target="kind",
)


def entangle_columns(chain, rows, scale):
    """Large random weights: every column depends on all those before it."""
    for name, parameter in chain.named_parameters():
        if name != "cells.bias":
            torch.nn.init.normal_(parameter, std=scale)
    chain.learn(rows)
    for bias in chain.readout.biases:
        bias.data += torch.randn(bias.shape) * scale


class TinyChain:
    """A chain of ``CHAIN_LAYOUT``, float32, with large random weights, and the 36 rows it draws.

    Its 600 training rows: size is heavy in a third, missing in a sixth; job and kind are even.
    """

    def __init__(self, *, scale=0.5, **changes):
        torch.manual_seed(0)
        choices = {"condition_width": 0, "noise_dim": 0, "dropout": 0.0, "hidden_dim": 8,
                   "n_layers": 1, "embed_dim": 4, "octaves": 2, "relevance": True, "parents": 9,
                   "order": None, "temperature": 0.7}  # fmt: skip
        self.net = ChainGenerator(layout=CHAIN_LAYOUT, **choices | changes).eval()
        each = torch.arange(600)
        sizes = torch.tensor([0, 0, 1, 1, 2, 3])[each % 6]
        cells = torch.where((sizes == 1) | (sizes == 2), each // 6 % 2, 0)
        codes = torch.stack([sizes, cells, each // 12 % 3, each // 36 % 2], dim=1).short()
        self.rows = CodedRows(layout=CHAIN_LAYOUT, codes=codes, scalars=torch.rand(600, 1))
        if scale:
            entangle_columns(self.net, self.rows, scale)
        else:
            self.net.learn(self.rows)
        pairs = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
        every = [(*pair, job, kind) for pair in pairs for job in range(3) for kind in range(2)]
        self.every = torch.tensor(every)

    @torch.no_grad()
    def chances(self, **how):
        """Of each of the 36 rows, float64."""
        return self.net.log_likelihood(self.every, **how).double().exp()

    def counts(self, codes):
        """How often each of the 36 rows stands in codes [n, 4]."""
        return torch.tensor([int((codes == row).all(dim=1).sum()) for row in self.every])


def chi_square_p(counts, chances):
    """The p-value of counts under chances; both [k]."""
    from scipy.stats import chisquare

    expected = counts.sum() * chances.double() / chances.double().sum()
    return chisquare(counts.numpy(), expected.numpy()).pvalue


@pytest.fixture
def tiny_chain(monkeypatch):
    """``tiny_chain(parents=1)``: a ``TinyChain``, which multiplies float32 on every machine."""
    monkeypatch.setattr("tabgan.models.nets.chain.multiplies_bfloat16", lambda device: False)
    return TinyChain


@pytest.fixture
def entangled(training, monkeypatch):
    """``entangled(*words)``: as ``training``, a chain of large random weights that is not trained.

    It multiplies float32 on every machine, and its noise is that of its draws alone.
    """
    monkeypatch.setattr("tabgan.models.nets.chain.multiplies_bfloat16", lambda device: False)

    def make(*words, scale=0.4):
        ran = training(*words, "model.noise_dim=0", "model.average=null", model="cgan")
        torch.manual_seed(0)
        entangle_columns(ran.module.chain, ran.module.rows, scale)
        return ran

    return make


@pytest.fixture
def p_value():
    """``p_value(counts, chances)``, which a right sampler puts below 1e-4 once in 10,000 times."""
    return chi_square_p


COPYIST = """
import json, random, sys
from pathlib import Path

verb, job, *words = sys.argv[1:]
job = json.loads(Path(job).read_text())
with open(job["settings"]["calls"], "a") as calls:
    calls.write(verb + "\\n")
if verb == "fit":
    Path(job["model"]).write_text("nothing")
else:
    n, seed, out = words
    if job["settings"].get("stumbles") and not Path("stumbled").exists():
        Path("stumbled").touch()
        sys.exit("out of memory")
    head, *rows = Path(job["train"]).read_text().splitlines()
    drawn = random.Random(int(seed)).choices(rows, k=int(n))
    Path(out).write_text("\\n".join([head, *drawn]) + "\\n")
    Path(out + ".json").write_text(json.dumps({"seconds": int(n) / 1000}))
"""


@pytest.fixture
def copyist(tmp_path):
    """The driver of a peer whose rows are training rows, 1,000 a second; it notes its calls."""
    path = tmp_path / "copyist.py"
    path.write_text(COPYIST, "utf-8")
    return path
