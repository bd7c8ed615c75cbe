"""A regular expression as a form: all texts that match, each once."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from itertools import combinations
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from tabgan.encoding.forms import Form, Shape
from tabgan.errors import TabganError, one_line

MOST_SHAPES = 1_000
MOST_REPEATS = 12  # beyond the least, of * and +
WORD = string.digits + string.ascii_uppercase + string.ascii_lowercase + "_"
CATEGORIES = {
    ops.CATEGORY_DIGIT: string.digits,
    ops.CATEGORY_WORD: WORD,
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_NOT_DIGIT: string.ascii_letters,
    ops.CATEGORY_NOT_WORD: "-",
    ops.CATEGORY_NOT_SPACE: WORD,
}
PRINTED = "".join(map(chr, range(32, 127)))

Shapes = list[tuple[str, ...]]


def form_of_pattern(pattern: str) -> Form:
    r"""The texts that a regular expression matches from end to end, as a form that does not grow.

    Literals, classes, ``.``, ``\d``, ``\w``, groups, ``|`` and repeats are understood; ``*`` and
    ``+`` go 12 further than their least; the characters are those of ASCII.

    Raises:
        TabganError: for a pattern that is no regular expression, uses anything else, has more than
            1,000 shapes, or has texts that it matches in two ways.
    """
    what = f"pattern {one_line(pattern)!r}"
    try:
        re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise TabganError(f"{what}: not a regular expression: {error}") from error
    found = [Shape(shape) for shape in dict.fromkeys(_sequence(tree, what))]
    if not found or () in [shape.alphabets for shape in found]:
        raise TabganError(f"{what}: it matches the empty text, which is no id")
    for one, other in combinations(found, 2):
        if one.overlaps(other):
            raise TabganError(
                f"{what}: {one} and {other} are two ways to read one text; write it so that every "
                "text is read in one way"
            )
    return Form(tuple(found), (1 / len(found),) * len(found), may_grow=False)


def _sequence(nodes: Iterable[Any], what: str) -> Shapes:
    shapes: Shapes = [()]
    for node in nodes:
        shapes = _joined(shapes, _node(node, what), what)
    return shapes


def _joined(heads: Shapes, tails: Shapes, what: str) -> Shapes:
    joined = list(dict.fromkeys(head + tail for head in heads for tail in tails))
    if len(joined) > MOST_SHAPES:
        raise TabganError(f"{what}: more than {MOST_SHAPES:,} shapes; give fewer repeats")
    return joined


def _node(node: tuple[Any, Any], what: str) -> Shapes:
    kind, of = node
    if kind is ops.LITERAL:
        return [(chr(of),)]
    if kind is ops.NOT_LITERAL:
        return [(PRINTED.replace(chr(of), ""),)]
    if kind is ops.ANY:
        return [(PRINTED,)]
    if kind is ops.IN:
        return [(_members(of, what),)]
    if kind is ops.AT:
        return [()]  # ^ and $: the whole text is meant
    if kind is ops.SUBPATTERN:
        return _sequence(of[-1], what)
    if kind is ops.BRANCH:
        return [shape for branch in of[1] for shape in _sequence(branch, what)]
    if kind in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        least, most, nodes = of
        return _repeated(least, most, nodes, what)
    raise TabganError(f"{what}: {str(kind).lower()} is not understood")


def _repeated(least: int, most: Any, nodes: Any, what: str) -> Shapes:
    most = least + MOST_REPEATS if most is ops.MAXREPEAT else int(most)
    if most > MOST_SHAPES:
        raise TabganError(f"{what}: {most:,} repeats; at most {MOST_SHAPES:,} are understood")
    once = _sequence(nodes, what)
    shapes: Shapes = [()]
    found: Shapes = []
    for n in range(most + 1):
        found += shapes if n >= least else []
        shapes = _joined(shapes, once, what) if n < most else shapes
    return found


def _members(entries: Iterable[tuple[Any, Any]], what: str) -> str:
    """The characters of a class such as ``[A-F0-9]``."""
    negated = False
    found: set[str] = set()
    for kind, of in entries:
        if kind is ops.NEGATE:
            negated = True
        else:
            found.update(_of_class(kind, of, what))
    found = set(PRINTED) - found if negated else found
    if not found:
        raise TabganError(f"{what}: a class without a character")
    return "".join(sorted(found))


def _of_class(kind: Any, of: Any, what: str) -> Iterator[str]:
    if kind is ops.LITERAL:
        yield chr(of)
    elif kind is ops.RANGE:
        yield from map(chr, range(of[0], of[1] + 1))
    elif kind is ops.CATEGORY:
        yield from CATEGORIES[of]
    else:
        raise TabganError(f"{what}: {str(kind).lower()} is not understood")
