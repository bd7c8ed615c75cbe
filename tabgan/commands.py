"""The command line before Hydra: words that Hydra's grammar would refuse, errors in one line."""

from __future__ import annotations

import errno
import functools
import itertools
import json
import os
import re
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, read_write
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from yaml import YAMLError

from tabgan import signals, sweeps
from tabgan.errors import TabganError, nearest
from tabgan.locks import check_free
from tabgan.paths import conf_dir
from tabgan.ranks import hush_others, is_first
from tabgan.signals import Interrupted

QUOTED = (
    "run", "start", "out", "real", "test", "synthetic", "target", "like", "mix",
)  # fmt: skip  # and every key that ends in path
LISTED = ("tables", "experiments", "peers", "seeds", "peer_seeds")  # a,b is no sweep here
OF_ONE_RUN = re.compile(r"[+~]*(data(?!\.batch_size)|seed|start|run_name|hydra)\b")
TO_RESUME = ("run", "resume", "trust")  # the only words of a run that goes on,
OF_LAUNCHER = re.compile(r"hydra(/|\.)launcher\b")  # and those that say where its jobs do
OF_LIGHTNING = re.compile(r"hydra\.(run\.dir|job\.name|output_subdir)=")  # to what it starts
UNKNOWN_LAUNCHER = re.compile(r"Unknown plugin class : 'hydra_plugins\.hydra_(\w+?)_launcher\.")
OF_THE_DISK = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EIO}
LEAST = {"seed": 0, "threads": 1, "data.batch_size": 1}  # whole numbers, and where they begin


Resume = Callable[[Path, bool, list[str]], Any]  # a folder, is its code trusted, the launcher


def launch(main: Callable[[], Any], config_name: str, *, resume: Resume | None = None) -> None:
    """Run a Hydra application; a user's mistake ends in one line and exit status 1.

    ``run=<folder> resume=true`` is for ``resume``, where there is one, and never reaches Hydra:
    it would write over what the folder says about itself.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that errors reach us as they are
    accept_launchers()
    folder = None
    try:
        with signals.heeded(), _quiet_threads(), sweeps.told():
            if resume is not None and (folder := folder_to_resume(sys.argv[1:])) is not None:
                launcher = [word for word in sys.argv[1:] if OF_LAUNCHER.match(word)]
                resume(folder, "trust=true" in sys.argv[1:], launcher)
                return
            sys.argv[1:] = hydra_words(sys.argv[1:])
            _check_run_folder(sys.argv[1:])
            main()
    except Interrupted as stopped:
        stop(stopped, folder or sweeps.at_work())
    except sweeps.Refused as refused:
        end(cast(Exception, refused.__cause__), config_name)
    except Exception as error:
        end(error, config_name, folder)


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
            return function(cfg, hydra.runtime.output_dir)
        except Interrupted as stopped:
            if hydra.mode is RunMode.MULTIRUN:
                stop(stopped, Path(hydra.sweep.dir).absolute())
            _forget(folder, hydra.job.name)
            stop(stopped, folder)
        except Exception as error:
            if hydra.mode is RunMode.MULTIRUN:
                if hydra.output_subdir:  # the folder is the job's own
                    sweeps.note_failure(folder, error)
                raise
            _forget(folder, hydra.job.name)
            end(error, hydra.job.config_name, folder)

    return wrapped


def check_numbers(cfg: DictConfig) -> None:
    """Refuse a seed, a number of threads or a batch size that is none.

    Raises:
        TabganError: naming the key and what it may be.
    """
    for key, least in LEAST.items():
        value = OmegaConf.select(cfg, key, default=least)
        if value != "auto" and (not isinstance(value, int) or value < least):
            raise TabganError(f"{key}={value}: expected a whole number, at least {least}")


def stop(stopped: Interrupted, folder: Path | None) -> NoReturn:
    """Say what stopped the process, what it kept and how to go on; exit as a shell expects it.

    Of processes that train together the first one says it; Lightning would kill it, were another
    to end with an error.
    """
    if not is_first():
        sys.exit(0)
    said = [f"stopped by {stopped}", stopped.kept or "at once", sweeps.way_on(folder)]
    sys.stderr.write("; ".join(filter(None, said)) + "\n")
    sys.exit(128 + stopped.signum)


def end(error: Exception, config_name: str | None, folder: Path | None = None) -> NoReturn:
    """Print a user's mistake as one line and exit with 1; raise anything else as it is.

    A file that the disk refuses is one too; ``folder`` is that of a run that can go on after it.
    """
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in OF_THE_DISK:
            where = f"{cause.filename}: " if cause.filename else ""
            _fail("; ".join(filter(None, [f"{where}{cause.strerror}", sweeps.way_on(folder)])))
        if isinstance(cause, TabganError | FloatingPointError):
            _fail(str(cause))
        if isinstance(cause, ModuleNotFoundError):
            _fail(f"a package is missing: {cause}")
        if isinstance(cause, RuntimeError) and (found := UNKNOWN_LAUNCHER.search(str(cause))):
            _fail(f"a package is missing: pip install 'tabgan-lightning[{found[1]}]'")
    if isinstance(error, HydraException | OmegaConfBaseException):
        _fail(explain(error, config_name or "train", sys.argv[1:]))
    raise error


def hydra_words(words: Sequence[str]) -> list[str]:
    """Command words in Hydra's grammar.

    ``where.<column>=<value>`` words are taken raw and gathered in one ``where``; paths are
    quoted; ``n`` may be written 1e9; ``tables=adult,bank`` is a list; a table given by
    ``data.path`` names the run. Flags go last: ``-m`` may stand anywhere.

    Raises:
        TabganError: for an unknown column in ``where``, an ``n`` that is not a whole number, or
            a word without a key.
    """
    words, flags = _parted(words)
    keys = dict(_split(word) for word in words if "=" in word)
    if "start" in keys:
        given = {key.lstrip("+~") for key in keys}
        before = words_of(Path(_unquoted(keys["start"])))
        words = [*(word for word in before if _split(word)[0].lstrip("+~") not in given), *words]
    where, out = {}, []
    for word in words:
        key, value = _split(word)
        if not key or key == "where":
            raise TabganError(f"{word}: expected key=value, or where.<column>=<value>")
        if key.startswith("where."):
            column, asked = _condition(word.removeprefix("where."), keys.get("run"))
            where[column] = _unquoted(asked)
        elif key == "n" and "=" in word:
            out.append(f"n={_whole(value)}")
        elif key in LISTED and "=" in word and not value.startswith("["):
            out.append(f"{key}=[{value}]")
        elif "=" in word and _is_quoted_key(key):
            out.append(f"{key}={quote(_unquoted(value))}")
        else:
            out.append(word)
    if where:
        out.append(f"where={quote(json.dumps(where))}")
    if "data.path" in keys and "run_name" not in keys:
        out.append(f"run_name={quote(Path(_unquoted(keys['data.path'])).name.split('.')[0])}")
    return out + flags


def folder_to_resume(words: Sequence[str]) -> Path | None:
    """The folder of ``run=<folder> resume=true``; None where nothing is to be resumed.

    Raises:
        TabganError: for one word without the other, or any word beside them.
    """
    keys = dict(_split(word) for word in words)
    if not keys.keys() & {"run", "resume"}:
        return None
    if "run" not in keys or keys.get("resume") != "true":
        raise TabganError("to go on with a run, say both: run=<folder> resume=true")
    others = [word for word in words if _split(word)[0] not in TO_RESUME]
    if not is_first():
        others = [word for word in others if not OF_LIGHTNING.match(word)]
    if others := [word for word in others if not OF_LAUNCHER.match(word)]:
        raise TabganError(f"{others[0]}: a run goes on as it was asked; leave this word out")
    return Path(_unquoted(keys["run"]))


def words_of(run: Path) -> list[str]:
    """The words that a run was trained with, but for those of its table, seed and folder.

    Raises:
        TabganError: when ``run`` does not say.
    """
    path = run / ".hydra" / "overrides.yaml"
    if not path.is_file():
        raise TabganError(f"not a run folder: {run.absolute()} has no .hydra/overrides.yaml")
    try:
        words = [str(word) for word in OmegaConf.load(path)]
    except (OSError, ValueError, YAMLError) as error:
        raise TabganError(f"not a run folder: {path.absolute()} cannot be read") from error
    return [word for word in words if not OF_ONE_RUN.match(word)]


def quote(text: str) -> str:
    """``text`` as one quoted string of Hydra's grammar, whatever is in it."""
    literal = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)  # for OmegaConf's interpolations
    escaped = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), literal)
    return f"'{escaped}'"


def _forget(folder: Path, job_name: str) -> None:
    """Remove a run folder in which nothing has begun, so that no mistake looks like a run."""
    left = {path.name for path in folder.iterdir()} if is_first() else set()
    if ".hydra" in left and left <= {".hydra", f"{job_name}.log", "plan.json", "run.json"}:
        shutil.rmtree(folder)
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()


def _check_run_folder(words: Sequence[str]) -> None:
    """Refuse a folder that another process is at work in, before Hydra writes into it."""
    for word in words:
        if word.startswith("hydra.run.dir="):
            check_free(Path(_unquoted(_split(word)[1])))


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """A thread that the disk refuses prints nothing: TensorBoard's tells the main thread."""
    before = threading.excepthook

    def told(failed: threading.ExceptHookArgs) -> None:
        if not (isinstance(failed.exc_value, OSError) and failed.exc_value.errno in OF_THE_DISK):
            before(failed)

    threading.excepthook = told
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


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Overrides, and flags with their values: argparse wants each of them in one piece."""
    overrides: list[str] = []
    flags: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        is_value = before.startswith("-") and "=" not in word and not word.startswith("~")
        (flags if word.startswith("-") or is_value else overrides).append(word)
    return overrides, flags


def _split(word: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    return key, value


def _is_quoted_key(key: str) -> bool:
    name = key.lstrip("+~").rpartition(".")[2]
    return name in QUOTED or name.endswith("path")


def _unquoted(value: str) -> str:
    paired = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if paired else value


def _whole(value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if number < 1 or not number.is_integer():  # neither infinity nor NaN is
        raise TabganError(f"n={value}: expected a whole number of rows, at least 1")
    return int(value) if value.isdigit() else int(number)


def _condition(word: str, run: str | None) -> tuple[str, str]:
    """The column and the text of ``<column>=<value>``; the longest column name wins."""
    if run is None:
        raise TabganError(f"where.{word}: give run=<folder> too")
    names = _column_names(Path(_unquoted(run)))
    fitting = [name for name in names if word.startswith(f"{name}=")]
    if not fitting:
        column = _split(word)[0]
        raise TabganError(f"where.{column}: no such column; {nearest(column, names)}")
    column = max(fitting, key=len)
    return column, word[len(column) + 1 :]


def _column_names(run: Path) -> list[str]:
    path = run / "schema.json"
    try:
        return [column["name"] for column in json.loads(path.read_text("utf-8"))["columns"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TabganError(f"not a run folder: {path.absolute()} cannot be read") from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def explain(error: Exception, config_name: str, words: Sequence[str]) -> str:
    """Hydra's complaint about ``words``, with the nearest valid name where it knows the names."""
    text = str(error)
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key}: a value is needed; give {error.full_key}=<value>"
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"no {group} {name!r}; {nearest(name, error.options)}"
    match = re.match(r"Could not override '([^']+)'", text)
    if match and match[1] in _groups():
        return text  # Hydra says where the group stands, or that it is added with a plus
    if match:
        return f"{match[1]}: no such key; {_nearest_key(match[1], config_name, words)}"
    return text


def _nearest_key(key: str, config_name: str, words: Sequence[str]) -> str:
    """Valid keys near a mistyped one, looked up in the composed configuration of this command."""
    from hydra import compose

    from tabgan.composing import own_hydra

    choices = [word for word in words if _split(word)[0].lstrip("+") in _groups()]
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
