"""Texts that stand for a missing cell, as programs and people write them."""

from __future__ import annotations

# an unquoted cell of a CSV that is one of these is missing: what pandas.read_csv takes for it, the
# mark of ARFF and of database dumps, a spreadsheet's errors, a date that is none
MARKERS = (
    "", "?", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "NaT", "NULL", "null", "None",
    "<NA>", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "1.#IND", "-1.#QNAN", "1.#QNAN", "\\N",
    "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!",
)  # fmt: skip

# among numbers or dates so are these, and all of the above in any case
_AMONG = (
    "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", ".", "..", "...", "*", "_", "n.a.", "n.a",
    "na.",
    "nil", "missing", "unknown", "unk", "undefined", "not available", "not applicable", "no data",
    "nodata", "n.d.", "nd", "tbd", "tba", "k.a.", "k. a.", "0000-00-00", "0000-00-00 00:00:00",
    "00/00/0000", "00.00.0000",
)  # fmt: skip
_FOLDED = frozenset(marker.casefold() for marker in (*MARKERS, *_AMONG))


def is_marker(text: str) -> bool:
    """Whether a text among numbers or dates stands for a missing one; blanks do, too."""
    return text.strip().casefold() in _FOLDED
