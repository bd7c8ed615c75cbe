"""The command line's words, in Hydra's grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from yaml import YAMLError

from tabgan.errors import TabganError, nearest
from tabgan.paths import path_of
from tabgan.runs.folder import not_a_run
from tabgan.runs.model_file import is_model_file
from tabgan.system.archive import read_file
from tabgan.system.ranks import is_first
from tabgan.system.shell import command

PATHS = (
    "run", "start", "out", "real", "test", "synthetic", "like", "direct", "cache", "save_dir",
    "metadata", "schema",
)  # fmt: skip  # and every key that ends in path
TEXTS = ("target", "mix")  # taken as they are written
OPEN = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "run_name")  # but for ${...}
SWEEPS = re.compile(r"(choice|range|glob|interval|shuffle|sort)\(.*\)")  # Hydra's, of several
OUTSIDE_QUOTES = re.compile(r",(?=(?:[^']*'[^']*')*[^']*$)")
LISTED = (
    "tables",
    "experiments",
    "baselines",
    "peers",
    "seeds",
    "peer_seeds",
)  # a,b is no sweep here
MOST_LETTERS = 60  # of the name of a run that several tables give
OF_ONE_RUN = re.compile(r"[+~]*(data(?!\.batch_size)|seed|start|run_name|hydra)\b")
TO_RESUME = ("run", "resume", "trust")  # the only words of a run that goes on,
OF_LAUNCHER = re.compile(r"hydra(/|\.)launcher\b")  # and those that say where its jobs do
OF_LIGHTNING = re.compile(r"hydra\.(run\.dir|job\.name|output_subdir)=")  # to what it starts


def hydra_words(words: Sequence[str]) -> list[str]:
    """Command words in Hydra's grammar.

    ``where.<column>=<value>`` words are taken raw and gathered in one ``where``; paths are
    quoted, and ``~`` is the home; ``n`` may be written 1e9; ``tables=adult,bank`` is a list; a
    table given by ``data.path`` names the run. With ``-m`` several paths or targets are several
    jobs: ``data.path=a.csv,b.csv``. Flags go last: ``-m`` may stand anywhere.

    Raises:
        TabganError: for an unknown column in ``where``, an ``n`` that is not a whole number,
            several paths without ``-m``, or a word without a key.
    """
    words, flags = _parted(words)
    many = bool({"-m", "--multirun"} & set(flags))
    keys = dict(split_word(word) for word in words if "=" in word)
    if keys.get("start", "null") != "null":
        given = {key.lstrip("+~") for key in keys}
        before = words_of(path_of(unquoted(keys["start"])))
        words = [
            *(word for word in before if split_word(word)[0].lstrip("+~") not in given),
            *words,
        ]
    where, out = {}, []
    for word in words:
        key, value = split_word(word)
        if not key or key == "where":
            raise TabganError(f"{word}: expected key=value, or where.<column>=<value>")
        if key.startswith("where."):
            column, requested = _condition(word.removeprefix("where."), keys.get("run"))
            where[column] = unquoted(requested)
        elif key == "n" and "=" in word:
            out.append(f"n={_whole(value)}")
        elif key in LISTED and "=" in word and not value.startswith("["):
            out.append(f"{key}=[{value}]")
        elif "=" in word and _is_quoted_key(key):
            out.append(f"{key}={_quoted(key, value, many=many)}")
        else:
            out.append(word)
    if where:
        out.append(f"where={quote(json.dumps(where))}")
    if keys.get("data.path", "null") != "null" and "run_name" not in keys:
        tables = _parts("data.path", keys["data.path"], many=many)
        names = dict.fromkeys(Path(table).name.split(".")[0] for table in tables)
        out.append(f"run_name={quote('-'.join(names)[:MOST_LETTERS])}")
    return out + flags


def folder_to_resume(words: Sequence[str]) -> Path | None:
    """The folder of ``run=<folder> resume=true``; None where nothing is to be resumed.

    Raises:
        TabganError: for one word without the other, or any word beside them.
    """
    keys = dict(split_word(word) for word in words)
    if not keys.keys() & {"run", "resume"}:
        return None
    if "run" not in keys or keys.get("resume") != "true":
        raise TabganError("to go on with a run, say both: run=<folder> resume=true")
    others = [word for word in words if split_word(word)[0] not in TO_RESUME]
    if not is_first():
        others = [word for word in others if not OF_LIGHTNING.match(word)]
    if others := [word for word in others if not OF_LAUNCHER.match(word)]:
        raise TabganError(f"{others[0]}: a run goes on as it was requested; leave this word out")
    return path_of(unquoted(keys["run"]))


def words_of(run: Path) -> list[str]:
    """The words that a run was trained with, but for those of its table, seed and folder.

    Raises:
        TabganError: when ``run`` does not say.
    """
    path = run / ".hydra" / "overrides.yaml"
    if not path.is_file():
        raise not_a_run(run, ".hydra/overrides.yaml")
    try:
        words = [str(word) for word in OmegaConf.load(path)]
    except (OSError, ValueError, YAMLError) as error:
        raise TabganError(f"not a run folder: {path.absolute()} cannot be read") from error
    return [_found(word, run) for word in words if not OF_ONE_RUN.match(word)]


def _found(word: str, run: Path) -> str:
    """A run's word, whose path, if it names one, is that of the folder the run was begun in."""
    key, value = split_word(word)
    hydra = run / ".hydra" / "hydra.yaml"
    if not key.endswith("path") or value == "null" or "${" in value or not hydra.is_file():
        return word
    begun_in = OmegaConf.select(OmegaConf.load(hydra), "hydra.runtime.cwd") or ""
    return f"{key}={quote(str(Path(begun_in) / unquoted(value)))}"


def as_words(overrides: Mapping[str, Any] | None) -> list[str]:
    """Keys and values as words of the command line.

    Raises:
        TabganError: when they are no mapping of text to plain values.
    """
    if not isinstance(overrides, Mapping | None):
        raise TabganError(
            f"overrides: expected a dict such as {{'model.lr': 5e-4}}, "
            f"got {type(overrides).__name__}"
        )
    return [f"{key}={_text(key, value)}" for key, value in (overrides or {}).items()]


def quote(text: str, *, interpolated: bool = False) -> str:
    """``text`` as one quoted string of Hydra's grammar, whatever is in it.

    What is ``interpolated`` keeps its ``${...}``.
    """
    literal = text if interpolated else re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    escaped = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), literal)
    return f"'{escaped}'"


def command_given(name: str) -> str:
    """The command of the job that Hydra is at, to be given again."""
    return command(name, *as_typed(list(HydraConfig.get().overrides.task)))


def as_typed(words: Sequence[str]) -> list[str]:
    """Words of Hydra's grammar as somebody would type them, who knows ``hydra_words``."""
    typed = []
    for word in words:
        key, value = split_word(word)
        text = _plain(value)
        if key == "where" and text != value:
            typed += [
                f"where.{column}={requested}" for column, requested in json.loads(text).items()
            ]
        else:
            typed.append(f"{key}={text}" if _is_quoted_key(key) else word)
    return typed


def _plain(value: str) -> str:
    """The text of a value that is one quoted string; any other value as it is."""
    if not re.fullmatch(r"'(\\.|[^'\\]|\\)*'", value):
        return value
    inner = re.sub(r"(\\+)('|$)", lambda m: m[1][: len(m[1]) // 2] + m[2], value[1:-1])
    return re.sub(r"(\\+)\$\{", lambda m: m[1][: len(m[1]) // 2] + "${", inner)


def split_word(word: str) -> tuple[str, str]:
    """Key and value of a word; the value is empty where there is none."""
    key, _, value = word.partition("=")
    return key, value


def unquoted(value: str) -> str:
    """``value`` without the pair of quotes around it."""
    paired = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if paired else value


def _text(key: str, value: Any) -> str:
    """A plain value in Hydra's grammar."""
    import numpy as np  # TableGAN has it; a command starts without

    if value is None or isinstance(value, bool | np.bool_):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Integral | Real):
        return str(value)
    if isinstance(value, str | Path):
        return quote(str(value))
    if isinstance(value, Sequence):
        return f"[{','.join(_text(key, entry) for entry in value)}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{name}:{_text(key, entry)}' for name, entry in value.items())}}}"
    raise TabganError(
        f"overrides[{key!r}]: expected a number, text, list, dict or None, "
        f"got {type(value).__name__}"
    )


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Overrides, and flags with their values: argparse wants each of them in one piece."""
    overrides: list[str] = []
    flags: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        is_value = before.startswith("-") and "=" not in word and not word.startswith("~")
        (flags if word.startswith("-") or is_value else overrides).append(word)
    return overrides, flags


def _is_quoted_key(key: str) -> bool:
    name = key.lstrip("+~")
    return _is_path(name) or name.rpartition(".")[2] in TEXTS or name in OPEN


def _is_path(key: str) -> bool:
    name = key.lstrip("+~").rpartition(".")[2]
    return name in PATHS or name.endswith("path")


def _quoted(key: str, value: str, *, many: bool) -> str:
    """A path's or a text's value in Hydra's grammar; of a sweep's several, each."""
    if value == "null" or (many and SWEEPS.fullmatch(value)):
        return value
    return ",".join(_literal(key, part) for part in _parts(key, value, many=many))


def _literal(key: str, text: str) -> str:
    is_open, is_path = key.lstrip("+~") in OPEN, _is_path(key)
    if is_path and not text and key != "out":
        raise TabganError(f"{key}=: expected a path")
    if text.startswith("~") and (is_path or key.endswith(".dir")):
        text = str(path_of(text))
    return quote(text, interpolated=is_open)


def _parts(key: str, value: str, *, many: bool) -> list[str]:
    """What a value names: one thing, or what stands between a sweep's commas.

    Raises:
        TabganError: for several files without ``-m``.
    """
    parts = [unquoted(part.strip()) for part in OUTSIDE_QUOTES.split(value)]
    if len(parts) < 2 or key == "mix" or (_is_path(key) and path_of(unquoted(value)).exists()):
        return [unquoted(value)]
    if many:
        return parts
    if _is_path(key) and all(path_of(part).exists() for part in parts):
        raise TabganError(f"{key}={value}: several are as many jobs; say -m too")
    return [unquoted(value)]


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
    names = _column_names(path_of(_parts("run", run, many=True)[0]))
    fitting = [name for name in names if word.startswith(f"{name}=")]
    if not fitting:
        column = split_word(word)[0]
        raise TabganError(f"where.{column}: no such column; {nearest(column, names)}")
    column = max(fitting, key=len)
    return column, word[len(column) + 1 :]


def _column_names(run: Path) -> list[str]:
    path = run / "schema.json"
    text = read_file(run, "schema.json") if is_model_file(run) else _text_of(path)
    if text is None:
        raise not_a_run(run, "schema.json")
    try:
        return [column["name"] for column in json.loads(text)["columns"]]
    except (ValueError, KeyError, TypeError) as error:
        raise TabganError(f"not a run folder: {path.absolute()} cannot be read") from error


def _text_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
