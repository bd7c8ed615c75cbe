"""The header of an ARFF file: what is declared above ``@data``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tabgan.errors import TabganError
from tabgan.tables.dates import ARFF_DATE, strftime_of

SHOWN = 60  # characters of a bad line that an error repeats

QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_NAME = rf"""{QUOTED}|[^\s{{}}%,'"][^\s{{}}%,]*"""
_RELATION = re.compile(rf"@relation\s+(?P<name>{_NAME})\s*(?:%.*)?", re.IGNORECASE)
_ATTRIBUTE = re.compile(rf"@attribute\s+(?P<name>{_NAME})(?P<rest>[\s{{].*)", re.IGNORECASE)
_DATA = re.compile(r"@data\s*(?:%.*)?", re.IGNORECASE)
_TYPE = re.compile(r"(?P<word>[a-z]+)\s*(?P<rest>.*)", re.IGNORECASE)
_DATE = re.compile(rf"(?P<format>{QUOTED}|[^\s'\"%]+)?\s*(?:%.*)?")
_ITEM = re.compile(rf"""\s*(?P<label>{QUOTED}|[^\s,{{}}"']+|)\s*(?P<end>[,}}])""")
_COMMENT = re.compile(r"\s*(?:%.*)?")

_ESCAPE = re.compile(r"\\([0-7]{1,3}|u[0-9a-f]{4}|.)", re.DOTALL)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"} | {c: c for c in "\\\"'%"}

NUMBERS = ("numeric", "real", "integer")


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One ``@attribute`` line.

    Attributes:
        name: the column's name, unquoted.
        kind: ``numeric``, ``real``, ``integer``, ``nominal``, ``string`` or ``date``.
        categories: the labels of a nominal attribute in the file's order.
        date_format: a date attribute's ``strftime`` format.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    date_format: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether the file declares numbers."""
        return self.kind in NUMBERS


@dataclass(frozen=True, kw_only=True)
class Header:
    """An ARFF header.

    Attributes:
        relation: the relation's name.
        attributes: the columns in order; never empty.
        n_lines: physical lines up to and with ``@data``.
    """

    relation: str
    attributes: tuple[Attribute, ...]
    n_lines: int

    def with_number(self, name: str) -> Header:
        """The header with one more column of numbers, behind the others."""
        taken = {attribute.name for attribute in self.attributes}
        while name in taken:
            name += "_"
        more = Attribute(name=name, kind="numeric")
        return replace(self, attributes=(*self.attributes, more))


def parse_header(lines: Iterable[str], path: Path) -> Header:
    """The header in the first lines of a file; reads no further than ``@data``.

    Args:
        lines: the file's lines, with or without line ends.
        path: what errors call the file.

    Raises:
        TabganError: when the lines are no ARFF header; the message names file and line.
    """
    relation: str | None = None
    attributes: dict[str, Attribute] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("%"):
            continue
        try:
            if relation is None:
                relation = _parse_relation(line)
            elif not _DATA.fullmatch(line):
                attribute = parse_attribute(line)
                _refuse_twice(attribute, attributes)
                attributes[attribute.name] = attribute
            elif not attributes:
                raise TabganError("@data before any @attribute")
            else:
                kept = tuple(attributes.values())
                return Header(relation=relation, attributes=kept, n_lines=number)
        except TabganError as error:
            raise TabganError(f"{path}, line {number}: {error}") from error
    if relation is None:
        raise TabganError(f"{path}: not an ARFF file: it has no @relation line")
    raise TabganError(f"{path}: the header has no @data line; the file may be cut off")


def parse_attribute(line: str) -> Attribute:
    """The attribute that a line declares.

    Raises:
        TabganError: when the line is no declaration, or its type is relational or unknown.
    """
    match = _ATTRIBUTE.fullmatch(line)
    if match is None:
        raise TabganError(f"expected @attribute <name> <type> or @data, got {_short(line)}")
    name, declared = unquote(match["name"]), match["rest"].strip()
    if not name:
        raise TabganError("an attribute has an empty name")
    if declared.startswith("{"):
        return Attribute(name=name, kind="nominal", categories=_parse_labels(name, declared))
    return _parse_type(name, declared)


def unquote(token: str) -> str:
    r"""The text of a token: quotes taken off, ``\'``, ``\n``, ``\040`` and the like undone.

    Raises:
        TabganError: for an escape that ARFF does not know.
    """
    if token[:1] not in ("'", '"'):
        return token
    return _ESCAPE.sub(_unescape, token[1:-1])


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code[0] == "u" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8))
    raise TabganError(f"unknown escape {match[0]!r} in {_short(match.string)}")


def _parse_relation(line: str) -> str:
    match = _RELATION.fullmatch(line)
    if match is None:
        raise TabganError(f"not an ARFF file: expected @relation <name>, got {_short(line)}")
    return unquote(match["name"])


def _parse_type(name: str, declared: str) -> Attribute:
    match = _TYPE.fullmatch(declared)
    word = match["word"].lower() if match else ""
    if word == "relational":
        raise TabganError(f"column {name!r}: relational attributes are not supported")
    if match and word == "date":
        return _parse_date(name, match["rest"])
    if match is None or word not in (*NUMBERS, "string") or not _COMMENT.fullmatch(match["rest"]):
        raise TabganError(
            f"column {name!r}: expected numeric, integer, real, string, date or "
            f"{{label, label}}, got {_short(declared)}"
        )
    return Attribute(name=name, kind=word)


def _parse_date(name: str, rest: str) -> Attribute:
    match = _DATE.fullmatch(rest)
    if match is None:
        raise TabganError(f"column {name!r}: expected a quoted date format, got {_short(rest)}")
    java = unquote(match["format"]) if match["format"] else ARFF_DATE
    try:
        return Attribute(name=name, kind="date", date_format=strftime_of(java))
    except TabganError as error:
        raise TabganError(f"column {name!r}: {error}") from error


def _parse_labels(name: str, declared: str) -> tuple[str, ...]:
    labels: list[str] = []
    position, end = 1, ","
    while end == ",":
        match = _ITEM.match(declared, position)
        if match is None:
            raise TabganError(
                f"column {name!r}: expected {{label, label}}, labels with spaces in quotes, "
                f"got {_short(declared[position:])}"
            )
        if match["label"] not in ("", "?"):  # unquoted, both mean a missing value
            labels.append(unquote(match["label"]))
        position, end = match.end(), match["end"]
    if not _COMMENT.fullmatch(declared, position):
        raise TabganError(f"column {name!r}: unexpected {_short(declared[position:])} after the }}")
    if not labels:
        raise TabganError(f"column {name!r}: expected at least one label, got an empty set {{}}")
    return tuple(labels)


def _refuse_twice(attribute: Attribute, attributes: dict[str, Attribute]) -> None:
    if attribute.name in attributes:
        raise TabganError(f"duplicate column names: {attribute.name!r} is declared twice")


def _short(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
