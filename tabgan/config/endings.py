"""The end of a command: one line for a user's mistake, what was kept, and the way to go on."""

from __future__ import annotations

import errno
import re
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hydra import compose
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from tabgan.config.composing import own_hydra
from tabgan.config.overrides import split_word
from tabgan.errors import TabganError, nearest
from tabgan.paths import conf_dir
from tabgan.runs.folder import LEAVINGS, way_on
from tabgan.system.ranks import is_first
from tabgan.system.signals import Interrupted

UNKNOWN_LAUNCHER = re.compile(r"Unknown plugin class : 'hydra_plugins\.hydra_(\w+?)_launcher\.")
BEFORE_IT_BEGINS = {".hydra", "plan.json", "run.json"}
OF_THE_DISK = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EIO}
OF_A_PATH = {
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip


def stop(stopped: Interrupted, folder: Path | None) -> NoReturn:
    """Say what stopped the process, what it kept and how to go on; exit as a shell expects it.

    Of processes that train together the first one says it; Lightning would kill it, were another
    to end with an error.
    """
    if not is_first():
        sys.exit(0)
    said = [f"stopped by {stopped}", stopped.kept or "at once", way_on(folder)]
    sys.stderr.write("; ".join(filter(None, said)) + "\n")
    sys.exit(128 + stopped.signum)


def end(
    error: Exception, config_name: str | None, folder: Path | None = None, *, began: bool = True
) -> NoReturn:
    """Print a user's mistake as one line and exit with 1; raise anything else as it is.

    A file that the disk refuses is one too; ``folder`` is that of a run that can go on after it.
    So is what Lightning says of its Trainer, and all that is raised before a job has begun.

    Args:
        error: whatever was raised.
        config_name: of the command.
        folder: of the run.
        began: whether the job had begun; before, Hydra was at work on the words alone.
    """
    for cause in _causes(error):
        if isinstance(cause, OSError) and (
            cause.errno in OF_THE_DISK or (cause.errno in OF_A_PATH and cause.filename)
        ):
            where = f"{cause.filename}: " if cause.filename else ""
            _fail("; ".join(filter(None, [f"{where}{cause.strerror}", way_on(folder)])))
        if isinstance(cause, ModuleNotFoundError):
            _fail(f"a package is missing: {cause}")
        if _is_lightnings(cause):
            _fail(f"trainer: {cause or type(cause).__name__}")
        if isinstance(cause, TabganError | FloatingPointError):
            _fail(str(cause))
        if isinstance(cause, RuntimeError) and (found := UNKNOWN_LAUNCHER.search(str(cause))):
            _fail(f"a package is missing: pip install 'tabgan-lightning[{found[1]}]'")
    if isinstance(error, HydraException | OmegaConfBaseException):
        _fail(explain(error, config_name or "train", sys.argv[1:]))
    if not began:
        _fail(f"{error.__cause__ or error}")
    raise error


def explain(error: Exception, config_name: str, words: Sequence[str]) -> str:
    """Hydra's complaint about ``words``, with the nearest valid name where it knows the names."""
    text = str(error)
    if isinstance(error, MissingMandatoryValue):
        what = "folder of a training" if error.full_key == "run" else "value"
        return f"{error.full_key}= is needed: give {error.full_key}=<{what}>"
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"no {group} {name!r}; {nearest(name, error.options)}"
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override)
    match = re.match(r"Could not override '([^']+)'", text)
    if match and match[1] in _groups():
        return text  # Hydra says where the group stands, or that it is added with a plus
    if match:
        return f"{match[1]}: no such key; {_nearest_key(match[1], config_name, words)}"
    return text


def _unreadable(word: str) -> str:
    """What to write in place of a word that Hydra's grammar does not read."""
    key, equals, _ = word.partition("=")
    if not equals:
        return f"{word}: expected key=value"
    return (
        f"{word}: cannot be read. Text that is more than a plain word stands in double quotes, and "
        f'for the shell the whole in single ones: {key}=\'["one", "two"]\' is a list, '
        f"{key}='\"one\"' a text"
    )


def forget(folder: Path, job_name: str) -> None:
    """Remove what a run leaves before it begins, so that no mistake looks like a run.

    Its folder goes too, unless there is something else in it.
    """
    left = {path.name for path in folder.iterdir()} if is_first() else set()
    if ".hydra" not in left or left & set(LEAVINGS) - BEFORE_IT_BEGINS:
        return
    shutil.rmtree(folder / ".hydra")
    for name in (f"{job_name}.log", "plan.json", "run.json"):
        (folder / name).unlink(missing_ok=True)
    for empty in (folder, folder.parent):
        if not any(empty.iterdir()):
            empty.rmdir()


def _is_lightnings(error: BaseException) -> bool:
    """Whether Lightning itself has raised an error, as for a setting of its Trainer."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    home = frames[-1].f_globals.get("__name__", "") if frames else ""
    of_lightning = home.partition(".")[0] in ("pytorch_lightning", "lightning_fabric")
    return isinstance(error, Exception) and of_lightning


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _nearest_key(key: str, config_name: str, words: Sequence[str]) -> str:
    """Valid keys near a mistyped one, looked up in the composed configuration of this command."""
    choices = [word for word in words if split_word(word)[0].lstrip("+") in _groups()]
    with own_hydra():
        node: Any = compose(config_name, overrides=choices)
    *parents, last = key.split("@")[0].split(".")
    for depth, parent in enumerate(parents):
        if not isinstance(node, DictConfig) or parent not in node:
            return f"{'.'.join(parents[:depth]) or 'top level'}: {nearest(parent, node)}"
        node = node[parent]
    return nearest(last, [name for name in node if not str(name).startswith("_")])


def _groups() -> set[str]:
    """The configuration's groups: the folders of conf/."""
    return {path.name for path in conf_dir().iterdir() if path.is_dir()}


def _fail(text: str) -> NoReturn:
    sys.stderr.write(f"error: {' '.join(text.split())}\n")
    sys.exit(1)
