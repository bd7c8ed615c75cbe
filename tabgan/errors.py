"""The one exception a user's mistake raises, and the hint that goes with a mistyped name."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

LISTED = 20  # valid names shown at most
MOST_LETTERS = 4_000  # of a mistake's text; what a user gave may be a megabyte


class TabganError(ValueError):
    """A mistake of the caller's, reported in one line: what was expected, what came, and where.

    It is a ``ValueError``, so library users need no new name; commands print its text alone
    and exit with status 1. Of a text that is too long for a line the middle is left out.
    """

    def __init__(self, text: str = "") -> None:
        half = MOST_LETTERS // 2
        super().__init__(text if len(text) <= MOST_LETTERS else f"{text[:half]} … {text[-half:]}")


def one_line(value: object) -> str:
    """A value as text in one line, as a message is."""
    return " ".join(str(value).split())


def as_requested(value: object) -> str:
    """A configuration's value as the command line writes it: null, true, 1.5, text."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return one_line(value)


def shown(value: Any) -> str:
    """A table's value as Python writes it: 34.5, not np.float64(34.5)."""
    return repr(value.item() if getattr(value, "ndim", None) == 0 else value)


def nearest(name: str, names: Iterable[object]) -> str:
    """A hint for a mistyped name: the nearest valid one, and all of them where they are few."""
    valid = [str(entry) for entry in names]
    close = get_close_matches(name, valid, n=1, cutoff=0.5)
    listed = f"expected one of {valid[:LISTED]}{' …' if len(valid) > LISTED else ''}"
    return f"did you mean {close[0]!r}? {listed}" if close else listed


def other_columns(absent: Sequence[object], added: Sequence[object]) -> str:
    """How a table's columns differ from those expected: lacks ['job'] and adds ['extra']."""
    parts = [f"lacks {list(absent)}" if absent else "", f"adds {list(added)}" if added else ""]
    return " and ".join(filter(None, parts))


def check_keys(keys: Iterable[object], valid: Sequence[str], *, also: Sequence[str] = ()) -> None:
    """Refuse top-level keys that nothing would read; ``also`` are names to offer beside them.

    Raises:
        TabganError: naming each unknown key and the nearest valid one.
    """
    wrong = [
        f"{key}: {nearest(key, [*valid, *also])}" for key in map(str, keys) if key not in valid
    ]
    if wrong:
        raise TabganError("unknown configuration keys: " + "; ".join(wrong))
