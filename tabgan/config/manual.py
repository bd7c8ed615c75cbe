"""The text of ``--help``: a command's keys and examples, from the comments in ``conf/``."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from tabgan.paths import conf_dir
from tabgan.system.shell import command

WITH_A_PLUS = {  # groups that no defaults list names
    "train": ("experiment", "sweep", "debug", "blackbox"),
    "tune": ("experiment",),
    "study": ("study",),
    "evaluate": ("study",),
}
SPELLED_OUT = ("data", "trainer")  # groups whose keys are listed too
EXAMPLE, MORE = "python -m tabgan.", "…"
LINE = re.compile(r"(?P<indent> *)(?P<key>[\w./@]+):(?P<value>(?: [^#]*)?)(?:# ?(?P<says>.*))?$")
INDENT, WIDTH = 28, 100


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of a configuration file: its value there, and the comments on it."""

    name: str
    value: str
    says: str


def manual(name: str) -> str:
    """The help of ``python -m tabgan.<name>``, as plain text."""
    path = conf_dir() / f"{name}.yaml"
    about = str(import_module(f"tabgan.{name}").__doc__).partition("``: ")[2].strip()
    notes, groups, keys = read_conf(path)
    lines = [f"{command(name)} KEY=VALUE …", f"{about[:1].upper()}{about[1:]}"]
    examples = [note for note in notes if note.startswith((EXAMPLE, MORE))]
    lines += _section("Examples", (f"  {_as_typed(example, name)}" for example in examples))
    lines += _section("Keys, with what they are unless you say otherwise", _told(keys))
    lines += _section("Choices, each a file of conf/", _choices(name, groups))
    for group in groups:
        if group in SPELLED_OUT and groups[group]:
            _, _, own = read_conf(conf_dir() / group / f"{_spelled(group, groups[group])}.yaml")
            lines += _section(f"Keys of {group}", _told(own, f"{group}."))
    lines += [
        "",
        "-m makes one job of each of several values: KEY=VALUE,VALUE. --cfg job prints the",
    ]
    lines += ["whole configuration, with every key of every choice."]
    return "\n".join(lines) + "\n"


def read_conf(path: Path) -> tuple[list[str], dict[str, Any], list[Key]]:
    """A file's first comments, the groups of its defaults, and its keys; of a base file too."""
    text = path.read_text("utf-8")
    groups: dict[str, Any] = {}
    notes, keys = _notes(text), keys_of(text)
    for entry in (yaml.safe_load(text) or {}).get("defaults") or []:
        if isinstance(entry, str) and entry != "_self_":
            _, more, base = read_conf(path.with_name(f"{entry}.yaml"))
            groups |= more
            keys = [key for key in base if key.name not in {k.name for k in keys}] + keys
        elif isinstance(entry, dict):
            ((group, choice),) = entry.items()
            if not group.startswith(("override", "hydra")):
                groups[group.partition("@")[0]] = choice
            if group == "model":
                groups |= _parts(path.parent / group / f"{choice}.yaml")
    return notes, groups, keys


def _parts(path: Path) -> dict[str, str]:
    """What a model's file chooses of other groups, such as its loss."""
    entries = yaml.safe_load(path.read_text("utf-8"))["defaults"]
    chosen = {key: part for entry in entries if entry != "_self_" for key, part in entry.items()}
    return {
        key.partition("@_global_.")[2]: part for key, part in chosen.items() if "@_global_" in key
    }


def _notes(text: str) -> list[str]:
    """The comment lines before anything else."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return [line for line in lines if not line.startswith("@package")]


def keys_of(text: str) -> list[Key]:
    """The keys that have a value, with the comments above, behind and, further in, below them."""
    found: list[Key] = []
    parents: list[str] = []
    above: list[str] = []
    behind = False  # the line before ended in a comment, which may go on
    for line in _without_defaults(text):
        read = LINE.match(line)
        if line.strip().startswith("#"):
            if behind and _indent(line) > 2 * len(parents):
                found[-1] = replace(found[-1], says=f"{found[-1].says} {line.strip('# ')}")
            else:
                above.append(line.strip("# "))
        elif read is not None:
            depth = len(read["indent"]) // 2
            name, value = ".".join([*parents[:depth], read["key"]]), read["value"].strip()
            known = bool(value) and not read["key"].startswith("_")
            if known:
                says = " ".join(filter(None, [*above, read["says"]]))
                found.append(Key(name=name, value=value, says=says))
            parents, above = [*parents[:depth], read["key"]], []
            behind = known and bool(read["says"])
        else:
            above, behind = [], False
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _without_defaults(text: str) -> Iterator[str]:
    inside = False
    for line in text.splitlines()[len(_notes(text)) :]:
        inside = line.startswith("defaults:") or (inside and line.startswith((" ", "-")))
        if not inside and not line.startswith(("# A study is", "# `experiment`")):
            yield line


def _told(keys: list[Key], prefix: str = "") -> Iterator[str]:
    for key in keys:
        if not key.name.startswith("hydra"):
            value = "" if key.value in ("null", "???") else key.value
            needed = " (needed)" if key.value == "???" else ""
            yield _line(f"{prefix}{key.name}={value}{needed}", key.says)


def _choices(name: str, groups: dict[str, Any]) -> Iterator[str]:
    for group in (*groups, *(f"+{added}" for added in WITH_A_PLUS.get(name, ()))):
        chosen = groups.get(group)
        for path in sorted((conf_dir() / group.lstrip("+")).glob("*.yaml")):
            mark = " *" if path.stem == chosen else ""
            yield _line(f"{group}={path.stem}{mark}", first_sentence(path.read_text("utf-8")))
    if any(groups.values()):
        yield "  (* is the one unless you say otherwise)"


def first_sentence(text: str) -> str:
    """The first sentence of a file's comments that is no command."""
    notes = [note for note in _notes(text) if note and not note.startswith((EXAMPLE, MORE))]
    return re.split(r"(?<=[.:!?]) (?=[A-Z`])", " ".join(notes), maxsplit=1)[0]


def _spelled(group: str, choice: str) -> str:
    """The file whose keys a group's files share."""
    return "table" if group == "data" else choice


def _section(title: str, lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return ["", f"{title}:", *found] if found else []


def _line(word: str, says: str) -> str:
    first = f"  {word}"
    text = textwrap.wrap(says, WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)
    if not text:
        return first
    if len(first) >= INDENT - 1:
        return "\n".join([first, *(" " * INDENT + line for line in text)])
    return "\n".join([first.ljust(INDENT) + text[0], *(" " * INDENT + line for line in text[1:])])


def _as_typed(example: str, name: str) -> str:
    if example.startswith(MORE):
        return f"{command(name)} {example}"
    other, _, words = example.removeprefix(EXAMPLE).partition(" ")
    return f"{command(other)} {words}"
