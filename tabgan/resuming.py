"""``train run=FOLDER resume=true``: an interrupted run goes on, a multirun does what is left."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig

from tabgan.composing import compose_run, jobs_of, stored_run
from tabgan.errors import TabganError
from tabgan.journey import train
from tabgan.querying import FILES, FITTED
from tabgan.recipes import PARTS, TO_GO_ON, check_stored_targets
from tabgan.runs import OWN_TABLE
from tabgan.training import FINISHED

log = logging.getLogger(__name__)


def resume(folder: Path, *, trust: bool) -> None:
    """Finish the run in ``folder``, or one after the other the unfinished jobs of a multirun.

    Args:
        folder: of a run or a multirun; may have been moved.
        trust: whether code that the folder names beside tabgan's may be called.

    Raises:
        TabganError: for a folder that is neither, or a run that cannot go on; for a multirun
            once all of its jobs have been tried.
    """
    folder = folder.absolute()
    if not (folder / "multirun.yaml").is_file():
        _resume_run(folder, trust=trust)
        return
    failed = []
    for job, words in _unfinished(folder):
        try:
            _begin(job, words)
            _resume_run(job, trust=trust)
        except (TabganError, FloatingPointError) as error:
            log.error("%s: %s", job, error)
            failed.append(f"{job.name}: {error}")
    if failed:
        raise TabganError(f"{len(failed)} jobs of {folder} did not finish: {'; '.join(failed)}")
    _say(f"{folder}: every job is finished")


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


def _unfinished(folder: Path) -> Iterator[tuple[Path, Sequence[str]]]:
    """The folder and the words of each job that has not finished, begun or not."""
    for number, words in enumerate(jobs_of(folder)):
        if not (folder / str(number) / FINISHED).is_file():
            yield folder / str(number), words


def _begin(job: Path, words: Sequence[str]) -> None:
    """Compose a job that was never begun."""
    if not (job / ".hydra" / "config.yaml").is_file():
        compose_run(words, job)


def _check_targets(cfg: DictConfig, folder: Path) -> None:
    """Refuse to call code of others because a folder says so."""
    parts = (*PARTS, "data", "encoder", "trainer", "callbacks", "logger", "blackbox")
    try:
        check_stored_targets(cfg, parts, TO_GO_ON)
        box = cfg.get("blackbox")
        if box and box["_target_"] not in {FITTED, *FILES}:
            raise TabganError(f"blackbox._target_: {box['_target_']} calls code or addresses")
    except TabganError as error:
        raise TabganError(f"{folder}: {error}; if the run is your own, add trust=true") from error


def _steps(folder: Path) -> int:
    try:
        return int(json.loads((folder / FINISHED).read_text("utf-8"))["steps"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TabganError(f"{folder / FINISHED}: cannot be read: {error!r}") from error


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")  # and not into the log of a run that is over
