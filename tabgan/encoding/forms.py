"""The form of ids: how many there are, and any of them by its number.

A form is a few shapes, such as ``CH``, seven digits, ``-``, two capital letters: per position the
characters that may stand there. Every text of a shape has a number, as an odometer gives it, so
different numbers are different texts, and nothing needs to be remembered to make each text once.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import log, prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Texts = NDArray[np.str_]
Index = NDArray[np.uint64]

LAYOUT_ROWS = 10  # texts of one layout, at least, for it to be no person's own
MOST_LAYOUTS = 32  # of texts with digits; free text has more
COVERED = 0.9  # share of the texts that these hold
CERTAIN = 7.0  # nats: chance would leave out a character that occurs in one of 1,100 tables
MOST_TEXTS = 2**62  # of a shape, that have a number; what is beyond is drawn by lot
CLASSES = (
    string.digits,
    "0123456789abcdef",
    "0123456789ABCDEF",
    string.ascii_lowercase,
    string.ascii_uppercase,
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.ascii_letters,
    string.digits + string.ascii_letters,
)
SHORT = {
    string.digits: "[0-9]",
    "0123456789abcdef": "[0-9a-f]",
    "0123456789ABCDEF": "[0-9A-F]",
    "123456789": "[1-9]",
    string.ascii_lowercase: "[a-z]",
    string.ascii_uppercase: "[A-Z]",
    string.digits + string.ascii_lowercase: "[0-9a-z]",
    string.digits + string.ascii_uppercase: "[0-9A-Z]",
    string.ascii_letters: "[A-Za-z]",
    string.digits + string.ascii_letters: "[0-9A-Za-z]",
}


@dataclass(frozen=True)
class Shape:
    """Texts of one length.

    Attributes:
        alphabets: the characters that each position may have, at least one.
    """

    alphabets: tuple[str, ...]

    @cached_property
    def size(self) -> int:
        """The number of texts of the form."""
        return prod(map(len, self.alphabets))

    @cached_property
    def numbered(self) -> tuple[int, int]:
        """How many first positions a number stands for, and the number of texts of these."""
        size = 1
        for position, alphabet in enumerate(self.alphabets):
            if size * len(alphabet) > MOST_TEXTS:
                return position, size
            size *= len(alphabet)
        return len(self.alphabets), size

    def texts(self, index: Index, key: int) -> Texts:
        """The texts of these numbers, each below ``numbered``; str [n].

        Positions behind the numbered ones follow from the number and the ``key``.
        """
        n_numbered, _ = self.numbered
        letters = np.empty((len(index), len(self.alphabets)), "<U1")
        rest = index.copy()
        for position in range(n_numbered - 1, -1, -1):
            size = np.uint64(len(self.alphabets[position]))
            letters[:, position] = np.array([*self.alphabets[position]])[
                (rest % size).astype(np.int64)
            ]
            rest //= size
        for position in range(n_numbered, len(self.alphabets)):
            lot = mixed(index ^ mixed(np.array(key + position, np.uint64)))
            lot %= np.uint64(len(self.alphabets[position]))
            letters[:, position] = np.array([*self.alphabets[position]])[lot.astype(np.int64)]
        return letters.view(f"<U{len(self.alphabets)}")[:, 0]

    def grown(self) -> Shape:
        """The shape with one more of its last free character."""
        free = [position for position, alphabet in enumerate(self.alphabets) if len(alphabet) > 1]
        last = free[-1] if free else len(self.alphabets) - 1
        more = self.alphabets[last] if free else string.digits
        return Shape((*self.alphabets[: last + 1], more, *self.alphabets[last + 1 :]))

    def overlaps(self, other: Shape) -> bool:
        """Whether some text is of both shapes."""
        if len(self.alphabets) != len(other.alphabets):
            return False
        pairs = zip(self.alphabets, other.alphabets, strict=True)
        return all(set(one) & set(another) for one, another in pairs)

    def __str__(self) -> str:
        """As a regular expression."""
        parts = []
        for alphabet, alike in groupby(self.alphabets):
            n = len([*alike])
            one = _class(alphabet)
            parts.append(one * n if n * len(one) <= 3 else f"{one}{{{n}}}" if n > 1 else one)
        return "".join(parts)


@dataclass(frozen=True)
class Form:
    """Shapes that share no text, and how often each is.

    Attributes:
        shapes: at least one.
        shares: of each; they sum to 1.
        may_grow: whether longer texts will do where those of the shapes are used up.
    """

    shapes: tuple[Shape, ...]
    shares: tuple[float, ...]
    may_grow: bool = True

    @classmethod
    def of_texts(cls, texts: pd.Series) -> Form | None:
        """The form that (nearly) all of the texts have, or None for texts without one.

        Texts of one length whose punctuation stands at the same positions are of one layout. At
        each position stand the characters seen there, or all of their class (digits, hexadecimal
        digits, small letters, ...) where the rows are too few to say. Texts with digits may have
        up to 32 layouts, others (names have none in common) one.
        """
        layouts = texts.str.replace(r"[0-9A-Za-z]", "x", regex=True)
        counts = layouts.value_counts(sort=False)
        counts = counts[counts >= LAYOUT_ROWS].sort_values(ascending=False, kind="stable")
        coded = texts.str.contains(r"[0-9]", regex=True).mean() >= COVERED
        counts = counts.head(MOST_LAYOUTS if coded else 1)
        if counts.sum() < COVERED * len(texts):
            return None
        return cls._learned(texts, layouts, counts)

    @classmethod
    def of_numbers(cls, numbers: pd.Series) -> Form:
        """The form of whole numbers: a shape per number of digits."""
        texts = numbers.astype("str")
        layouts = texts.str.replace(r"[0-9]", "x", regex=True)
        return cls._learned(texts, layouts, layouts.value_counts())

    @classmethod
    def _learned(cls, texts: pd.Series, layouts: pd.Series, counts: pd.Series) -> Form:
        shapes = tuple(_shape(texts[layouts == layout]) for layout in counts.index)
        return cls(shapes, tuple((counts / counts.sum()).tolist()))

    def __str__(self) -> str:
        most, *others = map(str, self.shapes)
        if not others:
            return most
        return f"{most} and {len(others)} other{'s' if len(others) > 1 else ''}"


def mixed(numbers: Index) -> Index:
    """Numbers that look like chance, one for one (the finaliser of splitmix64, Steele 2014)."""
    with np.errstate(over="ignore"):
        z = np.asarray(numbers, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def shuffled(index: Index, size: int, key: int) -> Index:
    """The new position of each in the shuffle of ``size`` positions that ``key`` seeds: uint64 [n].

    Format-preserving encryption (Black and Rogaway 2002): a Feistel network over the next even
    number of bits, walked until it lands below ``size``, so that the shuffle is never held.
    """
    half = np.uint64(max((size - 1).bit_length() + 1, 2) // 2)
    low = np.uint64((1 << int(half)) - 1)
    rounds = mixed(np.uint64(key % 2**64) + np.arange(6, dtype=np.uint64))

    def once(values: Index) -> Index:
        left, right = values >> half, values & low
        for of_round in rounds:
            left, right = right, left ^ (mixed(right ^ of_round) & low)
        return (left << half) | right

    index = once(index)
    while (out := np.flatnonzero(index >= np.uint64(size))).size:
        index[out] = once(index[out])
    return index


def _shape(texts: pd.Series) -> Shape:
    """The shape of texts of one layout."""
    length = len(texts.iloc[0])
    letters = texts.to_numpy(dtype=f"<U{length}").view("<U1").reshape(len(texts), length)
    return Shape(tuple(_alphabet(np.unique(column), len(texts)) for column in letters.T))


def _alphabet(seen: Iterable[str], n: int) -> str:
    """The characters of a position that had ``seen`` in ``n`` texts.

    Those of the class that were not seen are left out if chance would have shown them.
    """
    letters = "".join(sorted(seen))
    of_class = next((c for c in CLASSES if set(letters) <= set(c)), letters)
    certain = n * log(len(of_class) / len(letters)) > CERTAIN
    return letters if certain else of_class


def _class(alphabet: str) -> str:
    """A position as a regular expression has it."""
    if len(alphabet) == 1:
        return alphabet if alphabet.isalnum() or alphabet in " -_/:@#" else f"\\{alphabet}"
    return SHORT.get(alphabet) or "[" + "".join(_runs(alphabet)) + "]"


def _runs(alphabet: Sequence[str]) -> list[str]:
    """``abcdx`` as ``a-d`` and ``x``."""
    runs: list[list[str]] = []
    for letter in alphabet:
        if runs and ord(letter) == ord(runs[-1][-1]) + 1:
            runs[-1].append(letter)
        else:
            runs.append([letter])
    escaped = [[f"\\{c}" if c in "]\\^-" else c for c in run] for run in runs]
    return ["".join(run) if len(run) < 3 else f"{run[0]}-{run[-1]}" for run in escaped]
