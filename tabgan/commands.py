"""The command line before Hydra: words that Hydra's grammar would refuse, errors in one line."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tabgan.errors import TabganError

QUOTED = ("run", "out", "real", "test", "synthetic", "target")  # and every key that ends in path


def launch(main: Callable[[], Any]) -> None:
    """Run a Hydra application; a user's mistake ends in one line and exit status 1."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that errors reach us as they are
    try:
        sys.argv[1:] = hydra_words(sys.argv[1:])
        main()
    except Exception as error:
        end(error)


def job(function: Callable[[DictConfig, str], Any]) -> Callable[[DictConfig], Any]:
    """Give a Hydra job its folder, and end a single run's mistakes in one line.

    A job of a multirun raises instead, so that the other jobs go on.
    """

    @functools.wraps(function)
    def wrapped(cfg: DictConfig) -> Any:
        hydra = HydraConfig.get()
        try:
            return function(cfg, hydra.runtime.output_dir)
        except Exception as error:
            if hydra.mode is RunMode.MULTIRUN:
                raise
            _forget(Path(hydra.runtime.output_dir), hydra.job.name)
            end(error)

    return wrapped


def end(error: Exception) -> NoReturn:
    """Print a user's mistake as one line and exit with 1; raise anything else as it is."""
    for cause in _causes(error):
        if isinstance(cause, TabganError | FloatingPointError):
            _fail(str(cause))
        if isinstance(cause, ModuleNotFoundError):
            _fail(f"a package is missing: {cause}")
    if isinstance(error, HydraException | OmegaConfBaseException):
        _fail(_explain(error))
    raise error


def hydra_words(words: Sequence[str]) -> list[str]:
    """Command words in Hydra's grammar.

    ``where.<column>=<value>`` words are taken raw and gathered in one ``where``; paths are
    quoted; ``n`` may be written 1e9; a table given by ``data.path`` names the run.

    Raises:
        TabganError: for an unknown column in ``where``, or an ``n`` that is not a whole number.
    """
    keys = dict(_split(word) for word in words if "=" in word)
    where, out = {}, []
    for word in words:
        key, value = _split(word)
        if key.startswith("where."):
            column, asked = _condition(word.removeprefix("where."), keys.get("run"))
            where[column] = _unquoted(asked)
        elif key == "n" and "=" in word:
            out.append(f"n={_whole(value)}")
        elif "=" in word and _is_quoted_key(key):
            out.append(f"{key}={quote(_unquoted(value))}")
        else:
            out.append(word)
    if where:
        out.append(f"where={quote(json.dumps(where))}")
    if "data.path" in keys and "run_name" not in keys:
        out.append(f"run_name={quote(Path(_unquoted(keys['data.path'])).name.split('.')[0])}")
    return out


def quote(text: str) -> str:
    """``text`` as one quoted string of Hydra's grammar, whatever is in it."""
    escaped = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), text)
    return "'" + escaped.replace("${", "\\${") + "'"


def _forget(folder: Path, job_name: str) -> None:
    """Remove a run folder in which nothing has begun, so that no mistake looks like a run."""
    left = {path.name for path in folder.iterdir()}
    if ".hydra" in left and left <= {".hydra", f"{job_name}.log"}:
        shutil.rmtree(folder)
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()


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
    if number < 1 or number != int(number):
        raise TabganError(f"n={value}: expected a whole number of rows, at least 1")
    return int(value) if value.isdigit() else int(number)


def _condition(word: str, run: str | None) -> tuple[str, str]:
    """The column and the text of ``<column>=<value>``; the longest column name wins."""
    if run is None:
        raise TabganError(f"where.{word}: give run=<folder> too")
    names = _column_names(Path(_unquoted(run)))
    fitting = [name for name in names if word.startswith(f"{name}=")]
    if not fitting:
        from tabgan.tables.conditions import nearest  # pandas takes a while, and --help must not

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


def _explain(error: Exception) -> str:
    """Hydra's complaint on one line, with the nearest valid name where it knows the names."""
    text = " ".join(str(error).split())
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        from tabgan.tables.conditions import nearest

        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"no {group} {name!r}; {nearest(name, error.options)}"
    match = re.match(r"Could not override '([^']+)'", text)
    if match:
        return f"{match[1]}: no such key; {_nearest_key(match[1])}"
    return text


def _nearest_key(key: str) -> str:
    """Valid keys near a mistyped one, looked up in the composed configuration of this command."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from tabgan.paths import conf_dir
    from tabgan.tables.conditions import nearest

    GlobalHydra.instance().clear()
    choices = [w for w in sys.argv[1:] if w.startswith("+") and "." not in _split(w)[0]]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        node: Any = compose("train", overrides=choices)
    *parents, last = key.split("@")[0].split(".")
    for depth, parent in enumerate(parents):
        if not isinstance(node, DictConfig) or parent not in node:
            return f"{'.'.join(parents[:depth]) or 'top level'}: {nearest(parent, node)}"
        node = node[parent]
    return nearest(last, [name for name in node if not str(name).startswith("_")])


def _fail(text: str) -> NoReturn:
    sys.stderr.write(f"error: {text}\n")
    sys.exit(1)
