"""A sweep's folder: one process at work in it, what its jobs came to, and how to go on."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tabgan.config.composing import jobs_of
from tabgan.errors import TabganError
from tabgan.runs.folder import FINISHED, SWEEP, check_unused, way_on
from tabgan.system.files import write_whole
from tabgan.system.locks import LOCK, check_free, held
from tabgan.system.ranks import is_first
from tabgan.system.shell import command

FAILED = "failed.json"  # in the folder of a job that an exception ended
TOLD = 5  # failed jobs whose errors are said
CUT = 200  # letters of what a launcher says
MISTAKES = (TabganError, HydraException, OmegaConfBaseException)


class Refused(BaseException):
    """A mistake, its cause, found in a callback, where Hydra makes an ``Exception`` a warning."""


class Sweep(Callback):
    """Keeps runs and sweeps out of folders that others have (conf/hydra/outputs.yaml).

    It goes with the jobs to other processes, so it holds nothing itself.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Before Hydra writes into the folder; of processes that train together the first asks."""
        if not is_first():
            return
        try:
            folder = _folder("hydra.run.dir", config.hydra.run.dir)
            check_free(folder)
            check_unused(folder)
        except Exception as error:  # a folder that cannot be resolved, read or written
            raise Refused from error

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            folder = _folder("hydra.sweep.dir", config.hydra.sweep.dir)
            check_unused(folder)
            check_unused(folder / "0")  # of a sweep that lost its list of jobs
            folder.mkdir(parents=True, exist_ok=True)
            begin_sweep(folder)
        except Exception as error:
            raise Refused from error


def _folder(key: str, requested: object) -> Path:
    if not str(requested).strip():
        raise TabganError(f"{key}=: expected a folder")
    return Path(str(requested)).absolute()


class _Work:
    """The sweep that this process is at work in."""

    folder: Path | None = None
    locks = ExitStack()


def begin_sweep(folder: Path) -> None:
    """Take ``folder`` until the end of ``reported``.

    Raises:
        TabganError: when another process has it.
    """
    _Work.locks.enter_context(held(folder))
    _Work.folder = folder


def at_work() -> Path | None:
    """The folder of the sweep that this process has begun, or goes on with; the last one."""
    return _Work.folder


@contextmanager
def reported() -> Iterator[None]:
    """At the end, report what became of the sweep that was begun, and let others into its folder.

    Raises:
        TabganError: when a job has failed, or the launcher, with the way to go on.
    """
    _Work.folder = None
    try:
        with _Work.locks:
            yield
            if _Work.folder is not None:
                _report(_Work.folder)
    except Exception as error:
        if _Work.folder is None or not _has_begun(_Work.folder):
            raise
        if isinstance(error, MISTAKES) and not failures(_Work.folder):
            raise
        raise TabganError(_sum(_Work.folder, error)) from error
    finally:
        if _Work.folder is not None and _Work.folder.is_dir():
            _forget(_Work.folder)


def note_failure(folder: Path, error: BaseException) -> None:
    """Write what ended a job into its folder, as ``failed.json``."""
    facts = {
        "error": " ".join(str(error).split()) or type(error).__name__,
        "type": type(error).__name__,
        "at": time.strftime("%F %T"),
        "traceback": "".join(traceback.format_exception(error)),
    }
    write_whole(folder / FAILED, json.dumps(facts, indent=2) + "\n")


def forget_failure(folder: Path) -> None:
    """A job is tried again: what ended it before no longer counts."""
    (folder / FAILED).unlink(missing_ok=True)


def failures(folder: Path) -> dict[int, str]:
    """The error that ended each failed job of a sweep, by its number."""
    found = {}
    for path in folder.glob(f"*/{FAILED}"):
        if path.parent.name.isdigit():
            found[int(path.parent.name)] = str(json.loads(path.read_text("utf-8"))["error"])
    return dict(sorted(found.items()))


def _sum(folder: Path, error: Exception) -> str:
    """How many jobs failed and why, or how the launcher did; and how to go on."""
    failed, n_jobs = failures(folder), len(jobs_of(folder))
    if failed:
        said = [f"{number}: {text}" for number, text in failed.items()]
        more = ["..."] if len(said) > TOLD else []
        lines = [f"{len(failed)} of {n_jobs} jobs failed", *said[:TOLD], *more]
    else:
        done = len(list(folder.glob(f"[0-9]*/{FINISHED}")))
        text = " ".join(str(error).split())[:CUT]
        lines = [f"{type(error).__name__}: {text}; {done} of {n_jobs} jobs are finished"]
    return "; ".join([*lines, way_on(folder)])


def _report(folder: Path) -> None:
    side_by_side = command("compare", folder)
    sys.stdout.write(f"{folder}: every job is finished; side by side: {side_by_side}\n")


def _has_begun(folder: Path) -> bool:
    return any(path.is_dir() and path.name.isdigit() for path in folder.iterdir())


def _forget(folder: Path) -> None:
    """Remove the folder of a sweep of which no job has begun."""
    if {path.name for path in folder.iterdir()} <= {SWEEP, LOCK}:
        (folder / SWEEP).unlink(missing_ok=True)
        folder.rmdir()
