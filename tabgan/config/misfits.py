"""Configured values beside the types that their classes declare: what cannot be is said at once."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tabgan.errors import as_requested

Hints = Mapping[str, Any]

SAID = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def hints_of(target: Any) -> Hints:
    """The types that a class's constructor, its parents' too, or a function declares.

    Types that cannot be looked up, as those imported for type checkers alone, are left out.
    """
    if not isinstance(target, type):
        return _hints(target)
    found: dict[str, Any] = {}
    for parent in reversed(target.__mro__):
        found |= _hints(vars(parent).get("__init__"))
    return found


def misfit(value: Any, hint: Any) -> str:
    """The values expected in place of ``value``; empty where it is of the type ``hint``.

    What configurations nest, such as partial functions, fits anything.
    """
    if isinstance(value, Mapping) and "_target_" in value:
        return ""
    choices = _choices(hint)
    if any(_fits(value, choice) for choice in choices):
        return ""
    said = dict.fromkeys(_said(choice) for choice in choices)
    if SAID[float] in said:
        said.pop(SAID[int], None)
    return " or ".join(filter(None, said))


def misfits(path: str, values: Mapping[str, Any], hints: Hints) -> list[str]:
    """A line for each value that is not of its key's type; interpolations are not looked at."""
    lines = []
    for key in values.keys() & hints.keys():
        value = values[key]
        if isinstance(value, str) and ("${" in value or value == "???"):
            continue
        if expected := misfit(value, hints[key]):
            lines.append(f"{path}.{key}={as_requested(value)}: expected {expected}")
    return sorted(lines)


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}


def _choices(hint: Any) -> list[Any]:
    """The alternatives of a type; a union's parts, each by itself."""
    if get_origin(hint) in (Union, types.UnionType):
        return [choice for part in get_args(hint) for choice in _choices(part)]
    return [hint]


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return value in get_args(hint)
    if hint is None or hint is types.NoneType:
        return value is None
    if origin is bool:
        return isinstance(value, bool)
    if origin in (int, float):
        numbers = (int,) if origin is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if isinstance(origin, type) and issubclass(origin, (str, Sequence)):
        return isinstance(value, str if issubclass(origin, str) else list)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    # a class that no configuration can write down, or a type that says nothing
    return not isinstance(origin, type)


def _said(hint: Any) -> str:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if hint is None or hint is types.NoneType:
        return "null"
    if origin in SAID:
        return SAID[origin]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return "a list"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "keys and values"
    return ""  # what nobody can write down
