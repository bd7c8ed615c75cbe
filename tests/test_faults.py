"""What disks, mounts and other processes do to a training: one line, and nothing lost."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch

from tabgan.config.launch import _fresh
from tabgan.errors import TabganError
from tabgan.runs.callbacks.reseed import Reseed
from tabgan.system.files import write_whole
from tabgan.system.locks import check_free, held

SMALL = (
    "data.target=label", "data.batch_size=50", "model=cgan_basic", "model.noise_dim=8",
    "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "refiner=none",
    "trainer.max_epochs=4", "trainer.log_every_n_steps=1", "callbacks.checkpoint.last_every=0",
)  # fmt: skip


@pytest.fixture
def mounted(tmp_path):
    """``mounted("ro")``: a folder that is a file system of its own, of 2 MiB."""
    with contextlib.ExitStack() as stack:

        def mount(position="mount", options="rw"):
            folder = tmp_path / position
            folder.mkdir(parents=True, exist_ok=True)
            words = ["mount", "-t", "tmpfs", "-o", f"size=2m,{options}", "tmpfs", str(folder)]
            try:
                done = subprocess.run(words, capture_output=True, text=True, check=False)
            except FileNotFoundError:
                pytest.skip("there is no mount command here")
            if done.returncode:
                pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
            stack.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
            return folder

        yield mount


@pytest.fixture
def train(command, mixed_arff, tmp_path):
    return lambda *words, run="run": command(
        "train", f"data.path={mixed_arff}", *SMALL, f"hydra.run.dir={tmp_path / run}", *words
    )


@pytest.fixture
def at_step(monkeypatch):
    """``at_step(6, act)``: ``act`` is called once, when the seventh step begins."""

    def at(step, act):
        begun, left = Reseed.on_train_batch_start, [act]

        def wrapped(self, trainer, *rest):
            if trainer.global_step == step and left:
                left.pop()()
            begun(self, trainer, *rest)

        monkeypatch.setattr(Reseed, "on_train_batch_start", wrapped)

    return at


def fill(folder):
    """Leave no room in a file system."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


def refused(ended):
    assert ended.status == 1
    (told,) = ended.err.splitlines()
    return told


def weights(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.slow
def test_a_full_disk_ends_in_one_line_and_the_run_goes_on_when_there_is_room(
    mounted, train, at_step, command, tmp_path
):
    disk = mounted()
    at_step(6, lambda: fill(disk))
    told = refused(train(run="mount/run"))
    assert "No space left on device" in told
    assert told.endswith(f"go on with: python -m tabgan.train run={disk}/run resume=true")
    saved = torch.load(disk / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["global_step"] == 6
    assert not list((disk / "run" / "checkpoints").glob(".*"))
    (disk / "filler").unlink()
    ended = command("train", f"run={disk / 'run'}", "resume=true")
    assert ended.status == 0, ended.err
    assert train(run="other").status == 0
    one, other = weights(disk / "run"), weights(tmp_path / "other")
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.mark.slow
def test_an_event_file_whose_disk_is_full_ends_in_one_line_and_the_weights_are_kept(
    mounted, train, at_step, tmp_path
):
    disk = mounted("run/tensorboard")
    at_step(6, lambda: fill(disk))
    told = refused(train())
    assert "No space left on device" in told
    assert "resume=true" in told
    saved = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["global_step"] >= 6


def test_an_event_file_that_cannot_be_made_is_named(mounted, train, tmp_path):
    mounted("run/tensorboard", "ro")
    told = refused(train())
    assert f"{tmp_path}/run/tensorboard/events.out" in told
    assert "Read-only file system" in told


def test_a_read_only_mount_is_named(mounted, train):
    disk = mounted("mount", "ro")
    assert refused(train(run="mount/run")) == f"error: {disk}/run: Read-only file system"


def test_a_full_disk_while_sampling_leaves_the_rows_that_were_there(mounted, trained, command):
    disk = mounted()
    words = (f"run={trained}", f"out={disk}/rows.csv")
    assert command("sample", *words, "n=50").status == 0
    before = (disk / "rows.csv").read_bytes()
    fill(disk)
    assert "No space left on device" in refused(command("sample", *words, "n=5000", "seed=1"))
    assert (disk / "rows.csv").read_bytes() == before
    assert not list(disk.glob("*.part"))


@pytest.mark.parametrize("n", ["1e15", "1e30"])
def test_more_rows_than_the_disk_holds_are_refused_with_advice(mounted, trained, command, n):
    disk = mounted()
    told = refused(command("sample", f"run={trained}", f"out={disk}/rows.csv", f"n={n}"))
    assert told.startswith(f"error: n={int(float(n)):,}: about ")
    assert told.endswith("ask for fewer rows, or write parts elsewhere (shards=, shard=, out=)")
    assert not list(disk.iterdir())


@pytest.mark.parametrize("n", ["0", "-1", "1.5", "nan"])
def test_a_number_of_rows_that_is_none_is_refused(trained, command, n):
    told = refused(command("sample", f"run={trained}", f"n={n}"))
    assert told == f"error: n={n}: expected a whole number of rows, at least 1"


def test_a_run_on_a_read_only_mount_is_sampled_to_another_place(
    mounted, trained, command, tmp_path
):
    disk = mounted()
    shutil.copytree(trained, disk / "run")
    remounted = ["mount", "-o", "remount,ro", str(disk)]
    subprocess.run(remounted, check=True)
    told = refused(command("sample", f"run={disk}/run", "n=5"))
    assert f"{disk}/run/samples" in told
    assert "Read-only file system" in told
    ended = command("sample", f"run={disk}/run", "n=5", f"out={tmp_path}/rows.csv")
    assert ended.status == 0, ended.err
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 6


@pytest.mark.slow
@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
def test_a_clock_that_jumps_changes_nothing(train, at_step, monkeypatch, tmp_path, jump):
    assert train(run="steady").status == 0

    def leap():
        for name in ("time", "monotonic", "perf_counter"):
            clock = getattr(time, name)
            monkeypatch.setattr(time, name, lambda clock=clock: clock() + jump)

    at_step(6, leap)
    ended = train("callbacks.checkpoint.last_every=60")
    assert ended.status == 0, ended.err
    one, other = weights(tmp_path / "steady"), weights(tmp_path / "run")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not ended.err


def test_a_file_that_cannot_be_written_whole_leaves_the_one_before(mounted):
    disk = mounted()
    write_whole(disk / "file", b"before")
    fill(disk)
    with pytest.raises(OSError, match="No space left") as caught:
        write_whole(disk / "file", bytes(100_000))
    assert caught.value.filename == str(disk / "file")
    assert (disk / "file").read_bytes() == b"before"
    assert sorted(path.name for path in disk.iterdir()) == ["file", "filler"]


@pytest.mark.slow
def test_a_second_process_in_a_run_folder_is_told_who_is_there(train, command, tmp_path):
    assert train().status == 0
    run = tmp_path / "run"
    (run / "metrics.json").unlink()
    requested = (run / ".hydra" / "overrides.yaml").read_bytes()
    with held(run):
        for ended in (train("seed=1"), command("train", f"run={run}", "resume=true")):
            told = refused(ended)
            assert told.startswith(f"error: {run}: process {os.getpid()} on ")
            assert told.endswith("; wait for it, or stop it")
    assert (run / ".hydra" / "overrides.yaml").read_bytes() == requested
    assert command("train", f"run={run}", "resume=true").status == 0
    assert not (run / "run.lock").exists()


HOLDER = """
import pathlib, sys, time
from tabgan.system.locks import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_keeps_nobody_out(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TabganError, match=f"process {holder.pid} on .* has been at work here"):
            check_free(tmp_path)
        holder.send_signal(signal.SIGKILL)
    assert json.loads((tmp_path / "run.lock").read_text())["pid"] == holder.pid
    with held(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()
    assert not list(tmp_path.iterdir())


def test_runs_of_the_same_second_get_different_folders(tmp_path):
    with ProcessPoolExecutor(4) as pool:
        made = list(pool.map(_fresh, [str(tmp_path / "12-00-00")] * 8))
    assert len(set(made)) == 8
    assert {Path(path).name for path in made} == {
        "12-00-00", *(f"12-00-00-{number}" for number in range(2, 9)),
    }  # fmt: skip


@pytest.mark.slow
def test_a_command_takes_the_next_free_folder(command, mixed_arff, tmp_path):
    words = (f"data.path={mixed_arff}", *SMALL, "+debug=smoke", "hydra.run.dir='${fresh:here}'")
    for _ in range(2):
        assert command("train", *words).status == 0
    assert (tmp_path / "here" / "metrics.json").is_file()
    assert (tmp_path / "here-2" / "metrics.json").is_file()
    shutil.rmtree(tmp_path / "here")
    assert not (tmp_path / "here-3").exists()
