"""Hydra's applications: from the words of a command to its job, whatever happens."""

from __future__ import annotations

import functools
import itertools
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, read_write

from tabgan.config import sweeps
from tabgan.config.endings import OF_THE_DISK, end, forget, stop
from tabgan.config.manual import manual
from tabgan.config.overrides import OF_LAUNCHER, folder_to_resume, hydra_words
from tabgan.config.ranges import check_numbers
from tabgan.errors import TabganError
from tabgan.system import signals
from tabgan.system.ranks import hush_others
from tabgan.system.shell import command
from tabgan.system.signals import Interrupted

Resume = Callable[[Path, bool, list[str]], Any]  # a folder, is its code trusted, the launcher


def launch(main: Callable[[], Any], config_name: str, *, resume: Resume | None = None) -> None:
    """Run a Hydra application; a user's mistake ends in one line and exit status 1.

    ``--help`` is answered at once. ``run=<folder> resume=true`` is for ``resume``, where there is
    one, and never reaches Hydra: it would write over what the folder says about itself.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that errors reach us as they are
    accept_launchers()
    if {"-h", "--help"} & set(sys.argv[1:]):
        sys.stdout.write(manual(config_name))
        return
    folder = None
    try:
        with signals.heeded(), _quiet_threads(), sweeps.reported():
            if resume is not None and (folder := folder_to_resume(sys.argv[1:])) is not None:
                launcher = [word for word in sys.argv[1:] if OF_LAUNCHER.match(word)]
                resume(folder, "trust=true" in sys.argv[1:], launcher)
                return
            sys.argv[1:] = hydra_words(sys.argv[1:])
            main()
    except Interrupted as stopped:
        stop(stopped, folder or sweeps.at_work())
    except sweeps.Refused as refused:
        end(cast(Exception, refused.__cause__), config_name)
    except Exception as error:
        end(error, config_name, folder, began=folder is not None or _began(error))


def _began(error: BaseException) -> bool:
    """Whether a job raised it: what is raised before is of the words alone."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_code.co_qualname.startswith(job.__name__ + ".") for frame in frames)


def job(function: Callable[[DictConfig, str], Any]) -> Callable[[DictConfig], Any]:
    """Give a Hydra job its folder, and end a single run's mistakes in one line.

    A job of a multirun raises instead, so that the other jobs go on.
    """

    @functools.wraps(function)
    def wrapped(cfg: DictConfig) -> Any:
        hydra = HydraConfig.get()
        folder = Path(hydra.runtime.output_dir)
        hush_others()
        with read_write(cast(Any, hydra)):
            hydra.run.dir = str(folder)  # resolved anew, it would be another (trainer=ddp asks)
        try:
            check_numbers(cfg)
            if hydra.job.chdir:
                raise TabganError(
                    "hydra.job.chdir=true: paths are those of the folder in which a command is "
                    "given; leave it out"
                )
            return function(cfg, hydra.runtime.output_dir)
        except Interrupted as stopped:
            if hydra.mode is RunMode.MULTIRUN:
                stop(stopped, Path(hydra.sweep.dir).absolute())
            forget(folder, hydra.job.name)
            stop(stopped, folder)
        except Exception as error:
            if hydra.mode is RunMode.MULTIRUN:
                if hydra.output_subdir:  # the folder is the job's own
                    sweeps.note_failure(folder, error)
                raise
            forget(folder, hydra.job.name)
            end(error, hydra.job.config_name, folder)

    return wrapped


def check_table_named(name: str, *others: str) -> None:
    """Refuse to work on the default table because nobody has named one.

    Args:
        name: of the command; with a configuration of one's own nothing is checked.
        others: groups whose files name a table, too.

    Raises:
        TabganError: saying how to name one.
    """
    hydra = HydraConfig.get()
    if hydra.job.config_name != name:
        return
    keys = {word.lstrip("+~").partition("=")[0] for word in hydra.overrides.task}
    if not keys & {"data", "data.path", "data.name", *others}:
        also = " or +experiment=<name>" if "experiment" in others else ""
        raise TabganError(
            "no table: give data.path=<file> (and data.target=<column>), or data=<named set>"
            f"{also}; {command(name)} --help says more"
        )


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """A thread that the disk refuses prints nothing: TensorBoard's raises in the main thread."""
    before = threading.excepthook

    def print_others(failed: threading.ExceptHookArgs) -> None:
        if not (isinstance(failed.exc_value, OSError) and failed.exc_value.errno in OF_THE_DISK):
            before(failed)

    threading.excepthook = print_others
    try:
        yield
    finally:
        threading.excepthook = before


def _fresh(folder: str) -> str:
    """``folder``, or with -2, -3, ... behind: the first that nobody has. It is made, and taken."""
    for number in itertools.count(1):
        path = Path(folder if number == 1 else f"{folder}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return str(path)
    raise AssertionError("itertools.count ended")


def accept_launchers() -> None:
    """Our launchers' configurations have their plugins' names, and Hydra checks them by those."""
    schema = r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema"
    warnings.filterwarnings("ignore", message=schema)


OmegaConf.register_new_resolver("fresh", _fresh, use_cache=True, replace=True)
accept_launchers()  # in the processes of a launcher, too
