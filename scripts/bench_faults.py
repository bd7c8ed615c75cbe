"""Kill trainings at random moments, have them go on, and compare them with one that was let be.

Prints a table of outcomes; exit status 1 where a checkpoint was broken or a run came out otherwise.
A training is a process of its own, forked from this one so that torch need not be loaded each time.

    make bench-faults
"""

import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from multiprocessing.context import ForkProcess
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from tabgan import train
from tabgan.errors import TabganError
from tabgan.runs.checkpoints import newest_checkpoint, read_checkpoint
from tabgan.training import journey, resuming  # noqa: F401 - what a training loads

KILLS = 20
LAST_EVERY = 0.2  # seconds between two saves
WORDS = (
    "data.target=label", "data.batch_size=50", "model=cgan_basic", "model.noise_dim=8",
    "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "refiner.rounds=1",
    "trainer.max_epochs=200", "callbacks.panel.every_n_steps=100",
    f"callbacks.checkpoint.last_every={LAST_EVERY}",
)  # fmt: skip
OF_THE_CLOCK = ("seconds", "val/panel_share")


def main() -> None:
    """Kill, resume, compare; print the table after each run."""
    rng, table = random.Random(0), outcomes()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_table(folder / "people.arff", rng)
        process, begun = start(folder, folder / "let be")
        process.join()
        if process.exitcode:
            sys.exit("the training that is let be failed")
        length, killed, runs, sound = time.monotonic() - begun, 0, 0, True
        while killed < KILLS:
            run, times, runs = folder / f"run {runs}", 0, runs + 1
            while True:
                row = kill(folder, run, rng.uniform(0, length) if killed < KILLS else None)
                if row is None:
                    break
                killed, times = killed + 1, times + 1
                sound &= row[-1] == "whole"
                table.add_row(str(killed), run.name, *row)
            other = differences(run, folder / "let be")
            sound &= not other
            verdict = f"other {', '.join(other)}" if other else "equal to the bit"
            table.add_row("", run.name, "", f"finished after {times} kills", "", verdict)
            table.add_section()
            Console().print(table)
    sys.exit(0 if sound else 1)


def outcomes() -> Table:
    """The table, still empty."""
    table = Table(title=f"{KILLS} kills (SIGKILL), a save every {LAST_EVERY} s")
    for name in ("kill", "run", "at second", "kept", "seconds lost", "checkpoints"):
        table.add_column(name, justify="right")
    return table


def write_table(path: Path, rng: random.Random) -> None:
    """300 rows as ARFF."""
    head = "@relation p\n@attribute age integer\n@attribute pay real\n@attribute label {no,yes}\n"
    rows = (f"{rng.randint(18, 70)},{rng.gauss(100, 20):.2f},{rng.choice(['no', 'yes'])}\n"
            for _ in range(300))  # fmt: skip
    path.write_text(head + "@data\n" + "".join(rows), "utf-8")


def start(folder: Path, run: Path) -> tuple[ForkProcess, float]:
    """A process that trains or goes on, and when it began to say something."""
    words = [f"data.path={folder / 'people.arff'}", *WORDS, f"hydra.run.dir='{run}'"]
    if (run / ".hydra" / "overrides.yaml").is_file():
        words = [f"run={run}", "resume=true"]
    said = run / "train.log"
    before = said.stat().st_size if said.is_file() else 0
    process = multiprocessing.get_context("fork").Process(target=command, args=(words,))
    process.start()
    while process.is_alive() and (not said.is_file() or said.stat().st_size <= before):
        time.sleep(0.01)
    return process, time.monotonic()


def command(words: list[str]) -> None:
    """``python -m tabgan.train <words>``, in silence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.argv = ["train", *words]
    train.run()


def kill(folder: Path, run: Path, after: float | None) -> tuple[str, ...] | None:
    """What a kill ``after`` seconds left; None where the process finished before, or was let be."""
    process, _ = start(folder, run)
    process.join(after)
    if process.exitcode:
        raise SystemExit(f"{run}: ended with {process.exitcode}")
    if process.exitcode == 0:
        return None
    process.kill()
    process.join()
    at = time.time()
    try:
        newest = newest_checkpoint(run)
    except TabganError as error:
        return f"{after:.1f}", str(error), "", "BROKEN"
    kept = f"step {read_checkpoint(newest)['global_step']}" if newest else "nothing yet"
    lost = f"{at - newest.stat().st_mtime:.1f}" if newest else ""
    return f"{after:.1f}", kept, lost, "whole"


def differences(run: Path, other: Path) -> list[str]:
    """What of two runs does not agree to the bit: weights, optimizers, measures, rows."""
    found = []
    for name in ("best", "last"):
        one, two = (read_checkpoint(home / "checkpoints" / f"{name}.ckpt") for home in (run, other))
        for key in ("state_dict", "optimizer_states", "global_step"):
            found += [] if same(one[key], two[key]) else [f"{key} in {name}.ckpt"]
    one, two = (json.loads((home / "metrics.json").read_text()) for home in (run, other))
    found += [key for key in two if one.get(key) != two[key] and key not in OF_THE_CLOCK]
    rows = [(home / "samples" / "preview.csv").read_bytes() for home in (run, other)]
    return found + ([] if rows[0] == rows[1] else ["rows"])


def same(one: object, other: object) -> bool:
    """Whether nested tensors and plain data are equal to the bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


if __name__ == "__main__":
    main()
