"""Whatever an override says wrongly is one clear line, before a table is read."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict, read_write

from tabgan import TabganError, TableGAN
from tabgan.config.checks import check_config
from tabgan.config.misfits import hints_of, misfit
from tabgan.config.ranges import MOST_THREADS, check_numbers
from tabgan.config.trainers import check_batches, check_trainer
from tabgan.paths import conf_dir
from tabgan.seeding import seed32

TABLE = ("data.target=label", "model=cgan_basic", "data.batch_size=50", "+debug=smoke")


def composed(*words):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", list(words), return_hydra_config=True)
        with read_write(cfg.hydra), open_dict(cfg.hydra):
            cfg.hydra.runtime.output_dir = "/run"
        HydraConfig.instance().set_config(cfg)
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg


def checked(*words):
    """What a training does with its words before it reads a table."""
    cfg = composed(*words)
    check_numbers(cfg)
    check_config(cfg)
    check_trainer(cfg, Path("/run"))


REFUSED = {
    "trainer=gpu": "trainer: accelerator=gpu devices=1: ",
    "trainer=mps": "trainer: accelerator=mps devices=1: ",
    "trainer.accelerator=tpus": "trainer: accelerator=tpus devices=1: You selected an invalid",
    "trainer.accelerator=null": "trainer.accelerator=null: expected text",
    "trainer.devices=0": "trainer: accelerator=cpu devices=0: ",
    "trainer.devices=[5]": "trainer: accelerator=cpu devices=[5]: ",
    "trainer.devices=2": "trainer.devices=2: 2 processes; give trainer=ddp too",
    "+trainer.num_nodes=2": "trainer.devices=1 trainer.num_nodes=2: 2 processes; give trainer=ddp",
    "+trainer.num_nodes=0": "trainer.num_nodes=0: expected a whole number, at least 1",
    "+trainer.strategy=foo": "You selected an invalid strategy name: `strategy='foo'`",
    "+trainer.precision=8": "trainer.precision=8: expected ",
    "+trainer.precision=16-true": "precision=16-true: expected 32-true, 16-mixed or bf16-mixed",
    "+trainer.gradient_clip_val=1": "trainer.gradient_clip_val=1: not taken, for generator and",
    "+trainer.gradient_clip_algorithm=norm": "trainer.gradient_clip_algorithm=norm: not taken",
    "+trainer.accumulate_grad_batches=2": "data.batch_size makes batches larger",
    "+trainer.callbacks=[]": "trainer.callbacks=[]: not taken; give callbacks=<name>",
    "+trainer.logger=false": "trainer.logger=false: not taken; give logger=<name>",
    "+trainer.default_root_dir=x": "not taken; give hydra.run.dir=<folder>",
    "+trainer.barebones=true": "trainer.barebones=true: not taken",
    "+trainer.enable_checkpointing=false": "Trainer was configured with `enable_checkpointing=",
    "+trainer.profiler=foo": "When passing string value for the `profiler` parameter",
    "+trainer.deterministic=foo": "expected true or false or 'warn' or null",
    "+trainer.max_time=abc": "`Timer(duration='abc')` is not a valid duration",
    "+trainer.max_steps=0": "trainer.max_steps=0: expected a whole number, at least 1",
    "trainer.max_epochs=-1": "expected an end: trainer.max_steps or trainer.max_time",
    "trainer.log_every_n_steps=0": "log_every_n_steps=0: expected a whole number, at least 1",
    "trainer.check_val_every_n_epoch=0": "expected a whole number, at least 1",
    "+trainer.val_check_interval=0": "trainer.val_check_interval=0: expected batches",
    "+trainer.limit_train_batches=0": "expected a number of batches, or a share of them above 0",
    "+trainer.limit_val_batches=abc": "expected a number or null",
    "~trainer": "trainer: is needed; leave out ~trainer",
    "~seed": "seed: is needed; leave out ~seed",
    "seed=true": "seed=true: expected a whole number, at least 0",
    "data.seed=-1": "data.seed=-1: expected a whole number, at least 0",
    "callbacks.reseed.seed=1.5": "callbacks.reseed.seed=1.5: expected a whole number, at least 0",
    "threads=100000": f"expected a whole number, at least 1 and at most {MOST_THREADS}",
    "model.lr=abc": "model.lr=abc: expected a number",
    "model.critic_lr=-1": "model.critic_lr=-1: expected a number, at least 0",
    "model.critic.embed_dim=-1": "expected a whole number, at least 1",
    "model.average=-1": "model.average=-1: expected a number, at least 0 and at most 1",
    "model.dropout=1": "model.dropout=1: expected a number, at least 0 and at most 0.99",
    "model.cosine=5": "model.cosine=5: expected true or false",
    "model.critic_optimizer.betas=5": "model.critic_optimizer.betas=5: expected a list",
    "data.drop=age": "data.drop=age: expected a list",
    "data.test_fraction=abc": "data.test_fraction=abc: expected a number",
    "encoder.levels=null": "encoder.levels=null: expected a whole number, at least 0",
    "refiner.pool_factor=0": "refiner.pool_factor=0: expected a number above 0",
    "callbacks.panel.every_n_steps=0": "expected a whole number, at least 1",
    "callbacks.checkpoint.monitor=val/c2st": "did you mean 'val/c2st_auc'?",
    "callbacks.checkpoint.tolerance=-1": "expected a number, at least 0",
    "callbacks.checkpoint.dirpath=here": "a run's weights lie in its own folder",
    "+callbacks.mine=5": "callbacks.mine: Cannot instantiate config of type int",
    "+callbacks.mine._target_=os.getcwd": "callbacks.mine: expected a Lightning callback, got str",
    "logger.csv.save_dir=null": "logger.csv.save_dir=null: expected text",
    "+logger.csv.flush_logs_every_n_steps=0": "expected a whole number, at least 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("word", REFUSED)
def test_an_override_that_cannot_be_is_refused_before_a_table_is_read(word):
    if word in ("trainer=gpu", "trainer=mps") and torch.accelerator.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TabganError) as told:
        checked(word)
    assert REFUSED[word] in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "word",
    [
        "+trainer.gradient_clip_val=0", "+trainer.accumulate_grad_batches=1",
        "+trainer.precision=bf16-mixed", "+trainer.limit_train_batches=0.5", "trainer.devices=auto",
        "trainer.check_val_every_n_epoch=null", "trainer.log_every_n_steps=null",
        "+trainer.max_time={seconds: 1}", "data.batch_size=auto", "model.average=null",
        "callbacks.checkpoint.tolerance=0.01", "callbacks.checkpoint.monitor=val/trend_error",
        "~callbacks.panel", "callbacks=none", "seed=1706700000123", "+trainer.profiler=simple",
    ],
)  # fmt: skip
def test_an_override_that_can_be_is_taken(word):
    checked(word)


def every(group):
    return [f"{group}={path.stem}" for path in sorted((conf_dir() / group).glob("*.yaml"))]


def shipped():
    groups = ("model", "tool", "callbacks", "logger", "encoder", "data")
    words = [word for group in groups for word in every(group)]
    return words + [f"+{word}" for word in every("experiment")]


@pytest.mark.slow
@pytest.mark.parametrize("word", shipped())
def test_what_ships_is_of_its_keys_types(word):
    cfg = composed(word)
    check_numbers(cfg)
    check_config(cfg)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("+trainer.limit_train_batches=0.001", "less than one of 4 batches"),
        ("+trainer.val_check_interval=5", "more than the 4 batches of an epoch"),
    ],
)
def test_what_an_epoch_has_no_batches_for_is_refused(word, said):
    with pytest.raises(TabganError, match=said):
        check_batches(composed("data.batch_size=50", word), 243)


def shape(
    a: int,
    b: float | None,
    c: Sequence[int],
    d: Literal["x", "y"],
    e: bool | str,
    f: dict[str, int],
):
    """Some types."""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("a", 1, ""),
        ("a", 1.0, "a whole number"),
        ("a", True, "a whole number"),
        ("b", 1, ""),
        ("b", None, ""),
        ("b", "1", "a number or null"),
        ("c", [1], ""),
        ("c", "12", "a list"),
        ("d", "x", ""),
        ("d", "z", "'x' or 'y'"),
        ("e", "auto", ""),
        ("e", 1, "true or false or text"),
        ("f", {"k": 1}, ""),
        ("f", [1], "keys and values"),
        ("a", {"_target_": "t"}, ""),
    ],
)
def test_a_value_is_held_against_the_type_that_is_declared(name, value, expected):
    assert misfit(value, hints_of(shape)[name]) == expected


def test_a_seed_of_more_than_32_bits_is_hashed_and_others_stay():
    assert seed32(7) == 7
    assert seed32(2**32 - 1) == 2**32 - 1
    hashed = {seed32(1706700000123 + day) for day in range(100)}
    assert len(hashed) == 100
    assert all(0 <= seed < 2**32 for seed in hashed)


@pytest.mark.slow
def test_a_time_stamp_is_a_seed(command, mixed_arff, tmp_path):
    table = (f"data.path={mixed_arff}", *TABLE, "logger=none")
    for name, seed in (("one", 1706700000123), ("two", 1706700000123), ("other", 1706700000124)):
        ended = command("train", *table, f"seed={seed}", f"hydra.run.dir={name}")
        assert ended.status == 0, ended.err
    drawn = [
        (tmp_path / n / "samples" / "preview.csv").read_bytes() for n in ("one", "two", "other")
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def told_before_reading(ended, text):
    return ended.status == 1 and text in ended.err and "reading" not in ended.out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["+trainer.gradient_clip_val=1"], "error: trainer.gradient_clip_val=1: not taken"),
        (["hydra.job.chdir=true"], "error: hydra.job.chdir=true: paths are those of the folder"),
        (["hydra.run.dir=${nothing}"], "error: Interpolation key 'nothing' not found"),
        (["hydra.run.dir="], "error: hydra.run.dir=: expected a folder"),
        (["hydra.run.dir=/proc/nothing"], "error: /proc/nothing: No such file or directory"),
        (["hydra.job_logging.root.level=abc"], "error: Unknown level: 'abc'"),
        (["model=null"], "error: Config group override must be a string or a list. Got NoneType"),
    ],
)
def test_a_commands_mistake_is_one_line(command, mixed_arff, words, text):
    ended = command("train", f"data.path={mixed_arff}", *TABLE, *words)
    assert told_before_reading(ended, text)
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("name", ["disabled", "stdout"])
def test_logging_can_be_chosen_and_turned_off(command, mixed_arff, name, tmp_path):
    table = (f"data.path={mixed_arff}", *TABLE, "logger=none", f"hydra/job_logging={name}")
    ended = command("train", *table, "hydra.run.dir=run")
    assert ended.status == 0, ended.err
    assert not (tmp_path / "run" / "train.log").exists()
    assert ("the run folder:" in ended.out) == (name == "stdout")
    assert command("sample", "run=run", "n=5", f"hydra/job_logging={name}").status == 0


def test_what_lightning_raises_in_a_training_is_one_line(command, mixed_arff):
    mine = ("pytorch_lightning.callbacks.EarlyStopping", "nothing")
    words = [f"+callbacks.mine._target_={mine[0]}", f"+callbacks.mine.monitor={mine[1]}"]
    ended = command("train", f"data.path={mixed_arff}", *TABLE, *words)
    assert ended.status == 1
    assert ended.err.startswith("error: trainer: Early stopping conditioned on metric `nothing`")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "words", "text"),
    [
        ("sample", ("run={run}", "check=abc"), "check=abc: expected true or false"),
        ("sample", ("run={run}", "budget=abc"), "budget=abc: expected a whole number, at least 1"),
        ("evaluate", ("run={run}", "resplit=abc"), "resplit=abc: expected true or false"),
        ("evaluate", ("run={run}", "full_mle=5"), "full_mle=5: expected true or false"),
        ("audit", ("run={run}", "tolerance=abc"), "tolerance=abc: expected a number above 0"),
        ("explore", ("data=adult", "data.drop=5"), "data.drop=5: expected a list"),
        ("blackbox", ("blackbox.n_estimators=0",), "expected a whole number, at least 1"),
        ("blackbox", ("data=adult", "blackbox=detector"), "blackbox: expected forest"),
        ("tune", ("data=adult", "~tune.space"), "tune.space: expected keys and their ranges"),
        ("bench", ("speed_rows=0",), "speed_rows=0: expected a whole number, at least 1"),
        ("study", ("+study=ablation", "seeds=-1"), "seeds=-1: expected a whole number, at least 0"),
    ],
)
def test_the_other_commands_refuse_values_as_well(command, trained, name, words, text):
    importlib.import_module(f"tabgan.{name}")
    ended = command(name, *(word.format(run=trained) for word in words))
    assert told_before_reading(ended, text), ended.err


def test_the_estimator_refuses_overrides_alike():
    import pandas as pd

    table = pd.DataFrame({"a": range(40), "b": ["x", "y"] * 20})
    for overrides, said in (
        ({"trainer.accelerator": "gpu"}, "trainer: accelerator=gpu"),
        ({"model.lr": "abc"}, "model.lr=abc: expected a number"),
        ({"trainer.max_epochs": True}, "trainer.max_epochs=true: expected a whole number"),
    ):
        if overrides == {"trainer.accelerator": "gpu"} and torch.cuda.is_available():
            continue
        with pytest.raises(TabganError, match=said):
            TableGAN(overrides=overrides).fit(table)
