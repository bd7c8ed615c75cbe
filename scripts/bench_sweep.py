"""A sweep of 8 runs by the basic launcher and by joblib on 2 cores: how much sooner it ends.

Words replace the run that is swept; without any it takes half a minute on a quiet core.

    make bench-sweep
    python scripts/bench_sweep.py data.path=people.arff data.target=label trainer.max_epochs=2
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

RUNS = 8
LEAST = 30  # seconds of a run, for the goal to mean something
GOAL = 1.7
WORDS = ("+experiment=cgan_adult", "trainer.max_epochs=8", "refiner=none")
LAUNCHERS = {
    "basic": ("hydra/launcher=basic",),
    "joblib, 2 processes": ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
}


def main() -> None:
    """Time both sweeps, one after the other, and print their walls."""
    words = sys.argv[1:] or WORDS
    table = Table("launcher", "runs", "seconds of a run", "wall seconds", "times sooner")
    walls: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        for number, (name, launcher) in enumerate(LAUNCHERS.items()):
            folder = Path(place) / str(number)
            walls.append(sweep(folder, [*words, *launcher]))
            own = [
                json.loads(path.read_text("utf-8"))["seconds"]
                for path in folder.glob("*/metrics.json")
            ]
            each = f"{min(own):.1f} to {max(own):.1f}, median {median(own):.1f}"
            table.add_row(
                name, str(len(own)), each, f"{walls[-1]:.1f}", f"{walls[0] / walls[-1]:.2f}"
            )
            if min(own) < LEAST:
                table.caption = f"runs of less than {LEAST} s: starting costs too much to judge"
    Console().print(table)
    Console().print(f"{walls[0] / walls[-1]:.2f} times sooner; the goal is {GOAL}")


def sweep(folder: Path, words: list[str]) -> float:
    """Seconds that a sweep over seeds took."""
    command = [sys.executable, "-m", "tabgan.train", "-m", f"seed=range({RUNS})", *words]
    begun = time.perf_counter()
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        done = subprocess.run([*command, f"hydra.sweep.dir={folder}"], stdout=log, stderr=log)
    if done.returncode:
        sys.exit((folder.parent / f"{folder.name}.log").read_text()[-2000:])
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
