"""Ids made anew: each once, in the form of the training rows' ids, and none of theirs.

What a row's id is follows from the row's number and the seed alone, so rows drawn in any number
of parts have each an id of their own.
"""

from __future__ import annotations

import hashlib
from math import ceil, exp, log
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.encoding.column import State
from tabgan.encoding.forms import Form, Index, Shape, Texts, mixed, shuffled
from tabgan.errors import TabganError
from tabgan.seeding import seed_at

NUMBERED = r"(.*?)(\d{1,18})(\D*)"  # the last number of a text, and what stands around it
BITS = 8  # of the training ids' fingerprint, per id
FEWEST_BITS = 64
SEEDS = 1_000_000  # that have running numbers of their own
LISTED = 2**20  # texts of a shape that are looked through one by one, to use all that are free
FAILING = 1e-15  # the chance that all the candidates of a row are taken

Mask = NDArray[np.bool_]


class Key(Protocol):
    """Makes the ids of a column."""

    def fit(self, values: pd.Series, n_rows: int) -> Self: ...
    def add(self, values: pd.Series) -> None: ...
    def check(self, n_rows: int) -> None: ...
    def __call__(self, first_row: int, n: int, seed: int) -> pd.Series: ...
    def state(self) -> State: ...


class RunningKey:
    """Ids that go on behind those of the training rows, in their form.

    Whole numbers go on from the largest; texts that are one number between the same letters
    (``C-0042``) too; any other text becomes ``<column>-000000001``, ``<column>-000000002``, …

    Every seed has numbers of its own, ten to a hundred times as many as there are training rows:
    seed 0 the first of them, seed 1 the next. The rows of a larger draw run on into those of the
    next seed; seeds a million apart share theirs.
    """

    def fit(self, values: pd.Series, n_rows: int = 0) -> Self:
        """Learn from the known training values, of ``n_rows`` in all."""
        self.per_seed_ = 10 ** len(str(10 * max(n_rows, len(values))))
        self.prefix_, self.suffix_, self.digits_, self.first_ = f"{values.name}-", "", 9, 1
        if pd.api.types.is_integer_dtype(values.dtype):
            self.digits_, self.first_ = 0, int(values.max()) + 1
            return self
        numbered = split_numbered(values)
        if numbered is not None:
            self.prefix_, digits, self.suffix_ = numbered
            self.digits_ = int(digits.str.len().min())
            self.first_ = int(digits.astype("int64").max()) + 1
        return self

    def add(self, values: pd.Series) -> None:
        """Go on behind these training values, too."""
        if not len(values):
            return
        other = type(self)().fit(values)
        if (self.prefix_, self.suffix_) == (other.prefix_, other.suffix_):
            self.first_ = max(self.first_, other.first_)

    def check(self, n_rows: int) -> None:
        """There is an id for any number of rows."""

    def __call__(self, first_row: int, n: int, seed: int = 0) -> pd.Series:
        """The ids of ``n`` rows, the first of which is row ``first_row`` of the generated table."""
        first = self.first_ + (seed % SEEDS) * self.per_seed_
        running = pd.Series(np.arange(first_row, first_row + n) + first)
        if not self.digits_:
            return running
        return self.prefix_ + running.astype("str").str.zfill(self.digits_) + self.suffix_

    def state(self) -> State:
        return {
            "prefix": self.prefix_,
            "suffix": self.suffix_,
            "digits": self.digits_,
            "first": self.first_,
            "per_seed": self.per_seed_,
        }

    @classmethod
    def restore(cls, state: State) -> Self:
        key = cls()
        key.prefix_, key.suffix_ = state["prefix"], state["suffix"]
        key.digits_, key.first_ = state["digits"], state["first"]
        key.per_seed_ = state["per_seed"]
        return key


class FormedKey:
    """Ids drawn from a form, each once, none of them a training id.

    The training ids are kept as a fingerprint: 8 bits per id, of which each id sets the one that
    its salted hash names (a Bloom filter of one hash function, Bloom 1970). A text whose bit is
    set is not made; that is every training id and 11.8 % of all other texts. The fingerprint is
    so coarse on purpose: who tries all of ten thousand million account numbers finds more than a
    thousand million that may be training ids. Of ids of five digits it reveals more; that much of a
    short number could be guessed anyway.

    Args:
        name: of the column; columns of one form get other ids.
        form: of the texts.
        whole: whether ids are whole numbers.
    """

    def __init__(self, name: str, form: Form, *, whole: bool) -> None:
        self.name, self.form, self.whole = name, form, whole
        self._free: dict[Shape, NDArray[np.int64]] = {}

    def fit(self, values: pd.Series, n_rows: int = 0) -> Self:
        """Remember the known training values, of ``n_rows`` in all."""
        self.n_ = max(n_rows, len(values))
        hashes = np.sort(_hashes(values.astype("str").to_numpy(dtype=object), "0" * 16))
        self.salt_ = hashlib.sha256(hashes.tobytes()).hexdigest()[:16]
        self.taken_ = np.zeros(max(BITS * self.n_, FEWEST_BITS) // 8, np.uint8)
        self.add(values)
        return self

    def add(self, values: pd.Series) -> None:
        """Remember these training values, too."""
        byte, bit = self._positions(values.astype("str").to_numpy(dtype=object))
        np.bitwise_or.at(self.taken_, byte, bit)
        self._free.clear()

    def is_taken(self, texts: Texts) -> Mask:
        """The texts that may be training ids, bool [n]: all that are, and 11.8 % of the others."""
        byte, bit = self._positions(texts.astype(object))
        return np.asarray(self.taken_[byte] & bit, bool)

    def __call__(self, first_row: int, n: int, seed: int = 0) -> pd.Series:
        """The ids of ``n`` rows, the first of which is row ``first_row`` of the generated table.

        Raises:
            TabganError: when a form that may not grow has fewer ids.
        """
        key = seed_at(seed, "key", self.name)
        rows = np.arange(first_row, first_row + n, dtype=np.uint64)
        shapes, ends = self._shapes(first_row + n)
        which = self._shape_of(rows, np.array(ends, np.uint64), key)
        texts = np.empty(n, dtype=object)
        for position, shape in enumerate(shapes):
            mine = np.flatnonzero(which == position)
            if len(mine):
                texts[mine] = self._texts(shape, rows[mine], seed_at(key, position))
        made = pd.Series(texts, dtype="str")
        return made.astype("int64") if self.whole else made

    def capacity(self, shape: Shape) -> int:
        """The number of ids of a shape."""
        _, size = shape.numbered
        return len(self._unused(shape)) if size <= LISTED else size // self._candidates(shape)

    def check(self, n_rows: int) -> None:
        """Refuse more rows than there are ids.

        Raises:
            TabganError: naming the form and how many it has.
        """
        self._shapes(n_rows)

    def _shapes(self, n_rows: int) -> tuple[list[Shape], list[int]]:
        """Shapes for so many rows, those that the form grows last, and how many rows each serves.

        Raises:
            TabganError: when there are not so many ids.
        """
        shapes = list(self.form.shapes)
        ends = [self.capacity(shape) for shape in shapes]
        longest = max(shapes, key=lambda shape: (len(shape.alphabets), shape.size))
        while max(ends) < n_rows:
            if not self.form.may_grow or (self.whole and len(longest.alphabets) >= 18):
                raise TabganError(
                    f"column {self.name!r}: its form {self.form} has {max(ends):,} ids that no "
                    f"training row has, and {n_rows:,} rows are requested"
                )
            longest = longest.grown()
            shapes.append(longest)
            ends.append(self.capacity(longest))
        return shapes, ends

    def _shape_of(self, rows: Index, ends: Index, key: int) -> NDArray[np.int64]:
        """The shape of each row, by lot among those of the form that have an id for it.

        A shape that the form had to grow is for rows that no shape before it has ids for.
        """
        own = len(self.form.shapes)
        weights = np.where(rows[:, None] < ends[:own], self.form.shares, 0.0).cumsum(axis=1)
        lot = mixed(rows ^ np.uint64(key)) / 2.0**64 * weights[:, -1]
        which: NDArray[np.int64] = (lot[:, None] >= weights).sum(axis=1)
        beyond = weights[:, -1] == 0
        if beyond.any():
            which[beyond] = own + (rows[beyond, None] >= ends[own:]).argmin(axis=1)
        return which

    def _texts(self, shape: Shape, rows: Index, key: int) -> Texts:
        """The ids of rows that have this shape; each below its capacity."""
        _, size = shape.numbered
        if size <= LISTED:
            unused = self._unused(shape)
            chosen = unused[shuffled(rows, len(unused), key).astype(np.int64)]
            return shape.texts(chosen.astype(np.uint64), key)
        each = self._candidates(shape)
        texts = np.empty(len(rows), f"<U{len(shape.alphabets)}")
        left = np.arange(len(rows))
        for attempt in range(each):
            index = shuffled(rows[left] * np.uint64(each) + np.uint64(attempt), size, key)
            texts[left] = shape.texts(index, key)
            left = left[self.is_taken(texts[left])]
            if not len(left):
                return texts
        raise TabganError(f"column {self.name!r}: no id left of form {shape} for {len(left)} rows")

    def _unused(self, shape: Shape) -> NDArray[np.int64]:
        """The numbers of a short shape's texts that are not taken."""
        if shape not in self._free:
            every = np.arange(shape.size, dtype=np.uint64)
            self._free[shape] = np.flatnonzero(~self.is_taken(shape.texts(every, 0)))
        return self._free[shape]

    def _candidates(self, shape: Shape) -> int:
        """Texts that each row may choose from, so that hardly ever all of them are taken."""
        known = min(self.n_ / shape.size, 1.0)
        taken = known + (1 - known) * (1 - exp(-self.n_ / (8 * len(self.taken_))))
        return ceil(log(FAILING) / log(taken)) if taken < 1 else shape.size

    def _positions(self, texts: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        positions = _hashes(texts, self.salt_) % np.uint64(8 * len(self.taken_))
        return (positions >> np.uint64(3)).astype(np.int64), _BIT[positions & np.uint64(7)]

    def state(self) -> State:
        return {
            "name": self.name,
            "shapes": [[*shape.alphabets] for shape in self.form.shapes],
            "shares": [*self.form.shares],
            "may_grow": self.form.may_grow,
            "whole": self.whole,
            "salt": self.salt_,
            "n": self.n_,
            "taken": self.taken_,
        }

    @classmethod
    def restore(cls, state: State) -> Self:
        shapes = tuple(Shape(tuple(alphabets)) for alphabets in state["shapes"])
        form = Form(shapes, tuple(state["shares"]), state["may_grow"])
        key = cls(state["name"], form, whole=state["whole"])
        key.salt_, key.n_, key.taken_ = state["salt"], state["n"], state["taken"]
        return key


_BIT = (1 << np.arange(8)).astype(np.uint8)


def split_numbered(texts: pd.Series) -> tuple[str, pd.Series, str] | None:
    """Prefix, digits per text and suffix of texts that are one number between the same letters."""
    parts = texts.str.extract(f"^{NUMBERED}$")
    first = parts.iloc[0]
    if not parts.notna().all(axis=None) or not (parts[[0, 2]] == first[[0, 2]]).all(axis=None):
        return None
    return str(first[0]), parts[1], str(first[2])


def restore_key(state: State) -> Key:
    """The key that ``state`` was taken from."""
    return FormedKey.restore(state) if "shapes" in state else RunningKey.restore(state)


def _hashes(texts: NDArray[Any], salt: str) -> Index:
    """SipHash of each text, keyed with 16 characters of salt; uint64 [n]."""
    hashes: Index = pd.util.hash_array(texts, hash_key=salt, categorize=False)
    return hashes
