"""Makers of rows: a training of ours, a peer in an environment of its own, or a baseline.

Ours and peers are commands in processes of their own that fit on a prepared table and then write
rows, so both are timed by the same watch from the file to the rows. Baselines are plain functions
of our own process.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.config.opening import open_run
from tabgan.errors import TabganError
from tabgan.evaluation.gathering import read_data, test_log_likelihoods
from tabgan.studies.cells import digest, keep
from tabgan.studies.prepared import Prepared
from tabgan.studies.processes import Costs, timed
from tabgan.system.files import sidecar_of
from tabgan.tables.schema import TableSchema
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

OURS, PEER, BASELINE = "ours", "peer", "baseline"
RAW, REFINED = "raw", "refined"
DRIVERS = Path(__file__).parent  # of the peers that we know


class Contestant(Protocol):
    """A model that is fitted and sampled; ``folder`` is its cell's."""

    side: ClassVar[str]  # OURS, PEER or BASELINE

    @property
    def name(self) -> str:
        """Of its cells."""

    @property
    def title(self) -> str:
        """Of its lines."""

    @property
    def configuration(self) -> Any:
        """Plain data that decides, with table and seed, what comes out."""

    def fit(self, folder: Path, table: Prepared, seed: int) -> Costs:
        """Learn the table's training rows."""

    def kinds(self, folder: Path) -> Sequence[str]:
        """The kinds of rows that it makes once it is fitted: raw, refined."""

    def sample(self, folder: Path, *, kind: str, n: int, seed: int, out: str) -> Costs:
        """Write ``n`` rows to ``out``; ``seconds`` are those of drawing and writing alone."""

    def log_likelihoods(self, folder: Path, *, kind: str) -> NDArray[np.float64] | None:
        """Of the table's test rows, float64 [n_test] in nats; None without a likelihood."""


@dataclass(frozen=True, kw_only=True)
class Ours:
    """``python -m tabgan.train`` with some overrides.

    Attributes:
        name: what it is called.
        overrides: of the command, as ``("+experiment=cgan_adult",)``.
        configuration: what they compose to.
    """

    side: ClassVar[str] = OURS
    name: str
    overrides: Sequence[str]
    configuration: Any

    @property
    def title(self) -> str:
        return self.name

    def fit(self, folder: Path, table: Prepared, seed: int) -> Costs:
        overrides = [*self.overrides, *table.overrides(seed)]
        shutil.rmtree(folder / "run", ignore_errors=True)  # of a training that was killed
        return timed(
            command_of("train", *overrides, "hydra.run.dir=run"), folder=folder, name="fit"
        )

    def kinds(self, folder: Path) -> Sequence[str]:
        return (RAW, REFINED) if (folder / "run" / "refiner").is_dir() else (RAW,)

    def sample(self, folder: Path, *, kind: str, n: int, seed: int, out: str) -> Costs:
        overrides = ["run=run", f"n={n}", f"seed={seed}", f"out={out}"]
        overrides += [f"refine={str(kind == REFINED).lower()}"]
        costs = timed(command_of("sample", *overrides), folder=folder, name=out)
        return costs | _seconds(folder / out)

    def log_likelihoods(self, folder: Path, *, kind: str) -> NDArray[np.float64] | None:
        if kind != RAW:
            return None  # a refiner's acceptance is no part of the generator's
        run = open_run(folder / "run")
        return test_log_likelihoods(run, read_data(run)).get("")


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A package that is not ours, driven by a script (``peer_ctgan.py`` says how).

    Attributes:
        name: what it is called.
        requirements: what pip installs into its environment.
        driver: the script that its Python runs.
        settings: for the driver.
        cache: where its environment is made.
    """

    side: ClassVar[str] = PEER
    name: str
    requirements: Sequence[str]
    driver: Path
    settings: Mapping[str, Any]
    cache: Path

    @property
    def title(self) -> str:
        """The package with its version, and its settings."""
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        return ", ".join([*(self.requirements[:1] or [self.name]), *settings])

    @property
    def configuration(self) -> Any:
        return {"requirements": list(self.requirements), "settings": dict(self.settings)}

    def fit(self, folder: Path, table: Prepared, seed: int) -> Costs:
        columns = [column for column in table.schema.columns if column.kind != "string"]
        job = {
            "train": str(table.folder.absolute() / "train.csv"),
            "discrete": [column.name for column in columns if column.is_nominal],
            "numeric": [column.name for column in columns if column.is_number],
            "seed": seed,
            "settings": dict(self.settings),
            "model": "model",
        }
        keep(folder / "job.json", job)
        return timed([*self._driven(), "fit", "job.json"], folder=folder, name="fit")

    def kinds(self, folder: Path) -> Sequence[str]:
        return (RAW,)

    def sample(self, folder: Path, *, kind: str, n: int, seed: int, out: str) -> Costs:
        words = ["sample", "job.json", str(n), str(seed), out]
        costs = timed([*self._driven(), *words], folder=folder, name=out)
        return costs | _seconds(folder / out)

    def log_likelihoods(self, folder: Path, *, kind: str) -> None:
        """None: these are rows alone."""

    def _driven(self) -> list[str | Path]:
        # -P: the driver's folder holds modules whose names others may have too
        return [environment(self.requirements, self.cache), "-P", self.driver.absolute()]


class Synthesizer(Protocol):
    """A method that learns a table in memory and draws rows of it."""

    def fit(self, table: pd.DataFrame, *, target: str | None, seed: int) -> Self:
        """Learn the table."""

    def draw(self, n: int, seed: int) -> pd.DataFrame:
        """``n`` rows of its columns."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A method in our own process: no start and no environment, and no memory of its own to count.

    Attributes:
        name: what it is called.
        make: gives it, not fitted.
        settings: of ``make``, for the record.
        fitted: what was fitted in this process, by its cell's folder.
    """

    side: ClassVar[str] = BASELINE
    name: str
    make: Callable[[], Synthesizer]
    settings: Mapping[str, Any]
    fitted: dict[Path, Synthesizer] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.name

    @property
    def configuration(self) -> Any:
        return {"version": version("tabgan-lightning"), "settings": dict(self.settings)}

    def fit(self, folder: Path, table: Prepared, seed: int) -> Costs:
        job = {"name": table.name, "folder": str(table.folder.absolute()), "target": table.target}
        keep(folder / "job.json", job)
        rows = _kept(table).conform(table.train)  # read before the watch starts
        with _watch() as costs:
            self.fitted[folder] = self.make().fit(rows, target=table.target, seed=seed)
        return costs

    def kinds(self, folder: Path) -> Sequence[str]:
        return (RAW,)

    def sample(self, folder: Path, *, kind: str, n: int, seed: int, out: str) -> Costs:
        job = json.loads((folder / "job.json").read_text("utf-8"))
        table = Prepared(name=job["name"], folder=Path(job["folder"]), target=job["target"])
        if folder not in self.fitted:  # but by a bench that was stopped
            self.fit(folder, table, seed)
        with _watch() as costs:
            write_table(folder / out, self.fitted[folder].draw(n, seed), _kept(table))
        return costs | {"seconds": costs["wall"]}

    def log_likelihoods(self, folder: Path, *, kind: str) -> None:
        """None: these are rows alone."""


def _kept(table: Prepared) -> TableSchema:
    """The schema of the columns that are judged: without text and keys."""
    return table.schema.without(set(table.schema.names) - set(table.train.columns))


@contextmanager
def _watch() -> Iterator[Costs]:
    """``wall`` and ``cpu`` seconds of the block, once it is left."""
    costs: Costs = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield costs
    costs |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def environment(requirements: Sequence[str], cache: Path) -> Path:
    """The Python of an environment with these packages, made the first time; pip's own settings.

    Without requirements it is our own Python.

    Raises:
        TabganError: when they cannot be installed.
    """
    if not requirements:
        return Path(sys.executable)
    folder = cache / f"env-{digest(list(requirements))}"
    python, ready = folder.absolute() / "bin" / "python", folder / "ready.json"
    if ready.is_file():
        return python
    log.info("installing %s into %s", ", ".join(requirements), folder)
    make: list[str | Path] = [sys.executable, "-m", "venv", "--clear", folder]
    fill: list[str | Path] = [python, "-m", "pip", "install", "--quiet", *requirements]
    for command in (make, fill):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            words = " ".join((done.stderr or done.stdout).split())[-500:]
            raise TabganError(f"{', '.join(requirements)} cannot be installed: {words}")
    keep(ready, list(requirements))
    return python


def command_of(name: str, *words: str) -> list[str | Path]:
    """``python -m tabgan.<name> <words>`` by this Python."""
    return [sys.executable, "-m", f"tabgan.{name}", *words]


def _seconds(rows: Path) -> Costs:
    beside = sidecar_of(rows)
    return {"seconds": float(json.loads(beside.read_text("utf-8"))["seconds"])}
