"""``train run=FOLDER resume=true``: an interrupted run goes on, a multirun does what is left."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from omegaconf import DictConfig

from tabgan.config.composing import compose_run, jobs_of, stored_run, sweep_begun_in
from tabgan.config.opening import OWN_TABLE
from tabgan.config.sweeps import begin_sweep, forget_failure, note_failure
from tabgan.config.trust import PARTS, TO_GO_ON, check_stored_targets
from tabgan.errors import TabganError
from tabgan.runs.folder import FINISHED, SWEEP, is_begun, what_next
from tabgan.training.journey import train

log = logging.getLogger(__name__)


def resume(folder: Path, *, trust: bool) -> None:
    """Finish the run in ``folder``, or one after the other the unfinished jobs of a multirun.

    A job that an exception ends is noted in its folder, and the next one is begun.

    Args:
        folder: of a run or a multirun; may have been moved.
        trust: whether code that the folder names beside tabgan's may be called.

    Raises:
        TabganError: for a folder that is neither, or a run that cannot go on.
        Exception: once all jobs of a multirun have been tried, what ended the first of them.
    """
    folder = folder.absolute()
    if not is_sweep(folder):
        _resume_run(folder, trust=trust)
        return
    begin_sweep(folder)
    failed = []
    for number in unfinished(folder):
        try:
            resume_job(folder, number, trust=trust)
        except Exception as error:  # whatever a job raises, as in a launcher
            log.error("%s: %s", folder / str(number), error)
            failed.append(error)
    if failed:
        raise failed[0]


def is_sweep(folder: Path) -> bool:
    """Whether ``folder`` is a multirun's."""
    return (folder / SWEEP).is_file()


def unfinished(folder: Path) -> list[int]:
    """The numbers of a multirun's jobs that have not finished, begun or not.

    Raises:
        TabganError: when the folder is not a multirun's.
    """
    numbers = range(len(jobs_of(folder)))
    return [number for number in numbers if not (folder / str(number) / FINISHED).is_file()]


def resume_job(folder: Path, number: int, *, trust: bool) -> None:
    """Finish one job of a multirun, or do all of it; what ends it is noted in its folder.

    Raises:
        Exception: what the job raises.
    """
    own = folder.absolute() / str(number)
    forget_failure(own)
    try:
        if not is_begun(own):
            compose_run(jobs_of(folder)[number], own, begun_in=sweep_begun_in(folder))
        _resume_run(own, trust=trust)
    except Exception as error:
        note_failure(own, error)
        raise


def _resume_run(folder: Path, *, trust: bool) -> None:
    if (folder / FINISHED).is_file():
        _say(f"{folder}: finished already, after {_steps(folder)} steps; nothing to do")
        return
    with stored_run(folder) as cfg:
        if not trust:
            _check_targets(cfg, folder)
        if (folder / OWN_TABLE).is_file():
            cfg.data.path = str(folder / OWN_TABLE)
        train(cfg, folder, resume=True)
        for line in what_next(folder):
            log.info("%s", line)


def _check_targets(cfg: DictConfig, folder: Path) -> None:
    """Refuse to call code of others because a folder says so."""
    parts = (*PARTS, "data", "encoder", "trainer", "callbacks", "logger", "blackbox", "traffic")
    try:
        check_stored_targets(cfg, parts, TO_GO_ON)
    except TabganError as error:
        raise TabganError(f"{folder}: {error}; if the run is your own, add trust=true") from error


def _steps(folder: Path) -> int:
    try:
        return int(json.loads((folder / FINISHED).read_text("utf-8"))["steps"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TabganError(f"{folder / FINISHED}: cannot be read: {error!r}") from error


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")  # and not into the log of a run that is over
