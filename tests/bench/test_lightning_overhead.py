"""What Lightning costs: a training under it against the same steps in a raw PyTorch loop."""

import math
import statistics
import tempfile
import time
from typing import NamedTuple

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from pytorch_lightning import Callback
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from rich.console import Console
from rich.table import Table

from tabgan.config.building import build_module, settle
from tabgan.paths import conf_dir
from tabgan.runs.callbacks.checkpoint import BestAndLast
from tabgan.runs.callbacks.progress import Progress
from tabgan.runs.callbacks.reseed import Reseed
from tabgan.runs.session import begin
from tabgan.seeding import seed_at

GOAL = 1.10
EPOCHS = 2  # of 58 steps
REPETITIONS = 3
SEED = 0


class Adult:
    """A model on Adult, trained under Lightning or by hand."""

    def __init__(self, model, folder):
        words = [f"model={model}", "data=adult", "data.batch_size=500"]
        words += ["model.generator.passes=1"] if model == "cgan" else []
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            self.cfg = compose("train", overrides=words)
        begin(seed=SEED, threads=1)
        self.folder = folder
        self.data = instantiate(self.cfg.data)(encoder=instantiate(self.cfg.encoder))
        self.data.setup("fit")
        settle(self.cfg, self.data, folder)

    def module(self):
        torch.manual_seed(SEED)
        module = build_module(self.cfg, self.data.encoder)
        module.prepare(self.data.encoded("train"), self.data.encoded("validation"), seed=SEED)
        return module

    def lightning(self, module, *callbacks, **changes):
        """``Cost`` of a step: Reseed, Progress, TensorBoard and CSV, and what else is given."""
        clock, logs = Clock(), tempfile.mkdtemp(dir=self.folder)
        trainer = instantiate(self.cfg.trainer)(
            max_epochs=EPOCHS,
            callbacks=[Reseed(seed=SEED), Progress(), *callbacks, clock],
            logger=[
                CSVLogger(logs, name="", version="csv"),
                TensorBoardLogger(logs, name="", version="tensorboard"),
            ],
            enable_checkpointing=any(isinstance(c, BestAndLast) for c in callbacks),
            **changes,
        )
        trainer.fit(module, datamodule=self.data)
        return clock.cost(trainer.global_step)

    def whole(self, module):
        """The same with validation after each epoch, and checkpoints."""
        kept = BestAndLast(
            dirpath=str(self.folder), monitor="val/generator_loss", tolerance=0.0, last_every=30
        )
        return self.lightning(module, kept)

    def bare(self, module):
        return self.lightning(module, limit_val_batches=0)

    def raw(self, module, *, reseed=False):
        """``Cost`` of a step of the loop that one would write without Lightning."""
        critic, generator = module.critic, module.generator
        critic_optimizer, generator_optimizer = module.configure_optimizers()
        loader, step = self.data.train_dataloader(), 0
        module.train()
        clock = Clock()
        clock.start()
        for epoch in range(EPOCHS):
            loader.order.set_epoch(epoch)
            for rows, condition in loader:
                if reseed:
                    torch.manual_seed(seed_at(SEED, "step", step, 0))
                if module.cosine:
                    factor = (1 + math.cos(math.pi * min(step / (len(loader) * EPOCHS), 1))) / 2
                    critic_optimizer.param_groups[0]["lr"] = module.critic_lr * factor
                    generator_optimizer.param_groups[0]["lr"] = module.lr * factor

                with torch.no_grad():
                    fake = generator(module.draw_noise(condition), condition)
                if module.penalty is not None and module.penalty.due(step):
                    judged = module.penalty.judge(critic, rows, fake, condition)
                    real_logits, fake_logits, price = judged
                else:
                    both = torch.cat([rows, fake]), torch.cat([condition, condition])
                    real_logits, fake_logits = critic(*both).chunk(2)
                    price = 0.0
                loss = module.loss.critic(real_logits, fake_logits) + price
                critic_optimizer.zero_grad()
                loss.backward()
                critic_optimizer.step()

                critic.requires_grad_(False)
                drawn = generator(module.draw_noise(condition), condition)
                fake_logits = critic(drawn, condition)
                loss = module.loss.generator(real_logits.detach(), fake_logits)
                generator_optimizer.zero_grad()
                loss.backward()
                generator_optimizer.step()
                critic.requires_grad_(True)

                step += 1
                if module.averaged is not None:
                    module.averaged.follow(generator, step)
        clock.stop()
        return clock.cost(step)


class Cost(NamedTuple):
    """Seconds; those on the processor say more than the clock on a busy machine."""

    clock: float
    processor: float

    def over(self, other):
        return Cost(self.clock / other.clock, self.processor / other.processor)


class Clock(Callback):
    """Seconds from the first step to the end, the start-up of a Trainer left out."""

    def start(self):
        self.began = time.perf_counter(), time.process_time()

    def stop(self):
        self.ended = time.perf_counter(), time.process_time()

    def cost(self, n_steps):
        return Cost(*((e - b) / n_steps for e, b in zip(self.ended, self.began, strict=True)))

    def on_train_start(self, trainer, module):
        self.start()

    def on_train_end(self, trainer, module):
        self.stop()


def median(costs):
    return Cost(*map(statistics.median, zip(*costs, strict=True)))


@pytest.mark.bench
def test_lightning_trains_as_the_raw_loop_does_and_prints_its_cost(tmp_path, capsys):
    shown = Table(title=f"a step on Adult, one thread: medians of {REPETITIONS} (goal {GOAL:.2f})")
    for heading in ("model", "loop", "ms a step", "of processor", "times raw", "of processor"):
        shown.add_column(heading)
    for model in ("cgan", "cgan_basic"):
        adult = Adult(model, tmp_path)
        module = equally_trained(adult)
        costs = {"raw": [], "bare": [], "whole": []}
        for _ in range(REPETITIONS):
            for loop, found in costs.items():
                found.append(getattr(adult, loop)(module))
        names = ("raw PyTorch", "Lightning, loggers, callbacks", "+ validation, checkpoints")
        for name, found in zip(names, costs.values(), strict=True):
            ratio = median(one.over(raw) for one, raw in zip(found, costs["raw"], strict=True))
            times = (f"{seconds * 1e3:.1f}" for seconds in median(found))
            shown.add_row(model, name, *times, *(f"{number:.2f}" for number in ratio))
    with capsys.disabled():
        Console(width=110).print("", shown)


def equally_trained(adult):
    """A module trained under Lightning; from equal draws the raw loop makes the same weights."""
    by_hand, under_lightning = adult.module(), adult.module()
    adult.raw(by_hand, reseed=True)
    adult.bare(under_lightning)
    expected = under_lightning.state_dict()
    for name, value in by_hand.state_dict().items():
        assert torch.equal(value, expected[name]), name
    return under_lightning


@pytest.mark.bench
def test_checkpoints_take_little_of_a_training_and_it_is_printed(
    command, monkeypatch, tmp_path, capsys
):
    save, saves = BestAndLast._save, []  # the first before the first step, the last at the end

    def timed(*given):
        began = time.perf_counter()
        save(*given)
        saves.append((began, time.perf_counter()))

    monkeypatch.setattr(BestAndLast, "_save", timed)
    words = ["+experiment=cgan_adult", "trainer.max_epochs=20", "refiner=none"]
    assert command("train", *words, f"hydra.run.dir={tmp_path}").status == 0
    training, saving = saves[-1][1] - saves[0][0], sum(end - began for began, end in saves)
    size = (tmp_path / "checkpoints" / "last.ckpt").stat().st_size / 2**20
    with capsys.disabled():
        Console(width=110).print(
            f"\n{len(saves)} checkpoints of {size:.0f} MiB: {saving:.2f} s of {training:.0f} s of "
            f"training, {saving / training:.2%} (goal 2 %)"
        )
