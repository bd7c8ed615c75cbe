"""The curves of a run: read back from the event file, and seen in a browser."""

import base64
import contextlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CURVES = (
    "train/critic_loss", "train/generator_loss", "train/critic_real", "train/critic_fake",
    "train/critic_grad_norm", "train/generator_grad_norm", "train/critic_lr", "train/generator_lr",
    "val/critic_loss", "val/generator_loss", "val/c2st_auc",
)  # fmt: skip
STEPS = 12  # 3 epochs of 4 batches


@pytest.fixture(scope="module")
def events(trained):
    accumulator = EventAccumulator(str(trained / "tensorboard"))
    accumulator.Reload()
    return accumulator


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_there_and_finite(events, name):
    values = torch.tensor([event.value for event in events.Scalars(name)])
    assert len(values) > 0
    assert values.isfinite().all()


def test_the_losses_have_a_point_for_every_step(events):
    for name in ("train/critic_loss", "train/generator_loss"):
        assert [event.step for event in events.Scalars(name)] == list(range(STEPS))


def test_the_learning_rates_are_those_that_were_asked(events):
    rates = [event.value for event in events.Scalars("train/critic_lr")]
    assert rates == pytest.approx([5e-4] * STEPS)


def test_gradient_norms_are_positive(events):
    for name in ("train/critic_grad_norm", "train/generator_grad_norm"):
        assert all(event.value > 0 for event in events.Scalars(name))


def test_the_csv_holds_the_same_losses(events, trained):
    told = pd.read_csv(trained / "csv" / "metrics.csv")["train/critic_loss"].dropna()
    curve = [event.value for event in events.Scalars("train/critic_loss")]
    assert told.to_list() == pytest.approx(curve)


def test_metrics_json_holds_the_last_value_of_a_curve(events, trained):
    metrics = json.loads((trained / "metrics.json").read_text("utf-8"))
    assert metrics["train/critic_loss"] == pytest.approx(
        events.Scalars("train/critic_loss")[-1].value
    )
    assert metrics["steps"] == STEPS


def hyperparameters(events):
    from tensorboard.plugins.hparams import plugin_data_pb2

    contents = events.PluginTagToContent("hparams")
    data = {
        tag: plugin_data_pb2.HParamsPluginData.FromString(content)
        for tag, content in contents.items()
    }
    (start,) = [entry for entry in data.values() if entry.HasField("session_start_info")]
    (experiment,) = [entry for entry in data.values() if entry.HasField("experiment")]
    return start.session_start_info.hparams, experiment.experiment


def test_the_hparams_tab_has_the_keys_that_sweeps_use(events):
    told, _ = hyperparameters(events)
    assert told["data.batch_size"].number_value == 50
    assert told["model.lr"].number_value == pytest.approx(5e-4)
    assert told["model.noise_dim"].number_value == 8
    assert told["seed"].number_value == 0
    assert "model.dropout" in told


def test_the_hparams_tab_names_curves_as_its_metrics(events):
    _, experiment = hyperparameters(events)
    named = {metric.name.tag for metric in experiment.metric_infos}
    assert named
    assert named <= set(events.Tags()["scalars"])


def test_the_hparams_tab_shows_first_what_was_asked_in_words(events):
    _, experiment = hyperparameters(events)  # columns that differ come before the others
    first = {column.name for column in experiment.hparam_infos if column.differs}
    assert {"data.batch_size", "model.noise_dim"} <= first
    assert not first & {"data.drop", "data.seed", "data.test_fraction", "model.dropout"}


def test_the_configuration_is_there_as_text(events):
    (event,) = events.Tensors("configuration/text_summary")
    text = event.tensor_proto.string_val[0].decode()
    config = yaml.safe_load(re.sub(r"^```yaml\n|\n```$", "", text))
    assert config["model"]["noise_dim"] == 8
    assert config["data"]["target"] == "label"


def test_a_point_of_a_curve_is_the_value_of_its_own_step(training, tmp_path, trained):
    from pytorch_lightning.loggers import CSVLogger

    every = pd.read_csv(trained / "csv" / "metrics.csv").set_index("step")["train/critic_loss"]
    logger = CSVLogger(tmp_path, name="", version="csv")
    training("trainer.log_every_n_steps=3").fit(max_epochs=3, logger=logger)
    third = pd.read_csv(tmp_path / "csv" / "metrics.csv").set_index("step")["train/critic_loss"]
    assert third.dropna().to_dict() == pytest.approx(every.dropna()[[2, 5, 8, 11]].to_dict())


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1400,1000",
    "--disable-3d-apis",  # TensorBoard then draws its lines as SVG, which a test can find
    "--remote-debugging-pipe",  # commands come in on descriptor 3, answers go out on 4
)  # fmt: skip
BOTH_DRAWN = r"""
["train/critic_loss", "train/generator_loss"].every(title =>
  [...document.querySelectorAll("card-view")].some(card =>
    card.textContent.replace(/\s/g, "").includes(title) &&
    card.querySelector("line-chart path[d^=M]")))
"""
PATIENCE = 60  # seconds


@contextlib.contextmanager
def tensorboard(folder: Path, log: Path):
    """TensorBoard on a free port of this machine, ended whatever happens; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        "--logdir",
        str(folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--load_fast=false",
    ]
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", *words], stdout=stream, stderr=stream
        )
    try:
        yield wait_for(f"http://127.0.0.1:{port}", server, log)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(address, server, log):
    """``address``, once TensorBoard has read the losses."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{address}/data/plugin/scalars/tags", timeout=5) as answer,
        ):
            if b"train/critic_loss" in answer.read():
                return address
        time.sleep(0.3)
    raise AssertionError(f"no curves after a minute: {log.read_text()}")


class Browser:
    """Headless Chromium, requested in the words of its DevTools protocol."""

    def __init__(self, profile):
        hers, self.words = os.pipe()
        self.answers, her_answers = os.pipe()
        bash = f'exec "$0" "$@" 3<&{hers} 4>&{her_answers}'
        self.process = subprocess.Popen(
            ["bash", "-c", bash, CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(hers, her_answers), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(hers)
        os.close(her_answers)
        self.requested, self.left, self.session = 0, b"", {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        os.close(self.words)
        os.close(self.answers)

    def ask(self, method, **params):
        self.requested += 1
        word = {"id": self.requested, "method": method, "params": params, **self.session}
        os.write(self.words, json.dumps(word).encode() + b"\0")
        while (told := self.read()).get("id") != self.requested:
            pass  # an event
        assert "error" not in told, told
        return told["result"]

    def read(self):
        while b"\0" not in self.left:
            assert select.select([self.answers], [], [], PATIENCE)[0], "the browser is silent"
            piece = os.read(self.answers, 1 << 16)
            assert piece, "the browser has ended"
            self.left += piece
        told, _, self.left = self.left.partition(b"\0")
        return json.loads(told)

    def open(self, address):
        target = self.ask("Target.createTarget", url=address)["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = {"sessionId": attached["sessionId"]}

    def is_true(self, expression):
        return self.ask("Runtime.evaluate", expression=expression)["result"].get("value") is True

    def picture(self):
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_browser_sees_both_loss_curves(trained, tmp_path):
    picture, deadline = tmp_path / "scalars.png", time.monotonic() + PATIENCE
    with (
        tensorboard(trained / "tensorboard", tmp_path / "tensorboard.log") as address,
        Browser(tmp_path / "profile") as browser,
    ):
        browser.open(f"{address}/?smoothing=0&tagFilter=train%2F.*_loss#timeseries")
        while not (drawn := browser.is_true(BOTH_DRAWN)) and time.monotonic() < deadline:
            time.sleep(0.3)
        picture.write_bytes(browser.picture())
    assert drawn, f"see {picture}"
    if folder := os.environ.get("TABGAN_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, Path(folder) / "tensorboard_scalars.png")
