"""The values of one ARFF column, gathered chunk by chunk in their final, small form."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabgan.tables.amounts import NumberForm, plain_number_form
from tabgan.tables.date_forms import compact_date_format
from tabgan.tables.dates import parse_dates
from tabgan.tables.dtypes import TEXT
from tabgan.tables.markers import MARKERS, is_marker
from tabgan.tables.numbers import number_series, parse_numbers
from tabgan.tables.profile import number_column
from tabgan.tables.readers.arff_header import Attribute
from tabgan.tables.schema import Column

SHOWN_CATEGORIES = 20  # labels that an error repeats
LABELS = pa.dictionary(pa.int32(), pa.string())


class Unfit(Exception):  # noqa: N818 - never leaves the readers, which add file and line
    """A value that does not fit its column, in some row (from 0) of a chunk."""

    def __init__(self, name: str, expected: str, got: object, row: int) -> None:
        super().__init__(f"column {name!r}: expected {expected}, got {got!r}")
        self.row = row


class Gatherer(Protocol):
    """A gatherer of one column's values for the reader.

    Attributes:
        arrow_type: the type to parse the next chunk's values to.
        implicit: what a sparse row means by leaving the value out.
    """

    arrow_type: pa.DataType
    implicit: str

    def add(self, values: pa.Array) -> None:
        """Keep a chunk's values, given as ``arrow_type`` or as text; raises ``Unfit``."""

    def finish(self) -> tuple[Column, pd.Series]:
        """The column and all its values."""


def gatherer_of(attribute: Attribute) -> Gatherer:
    """The gatherer for a declared attribute."""
    if attribute.kind == "nominal":
        return Labels(attribute)
    if attribute.is_number:
        return Numbers(attribute)
    return Dates(attribute) if attribute.kind == "date" else Texts(attribute)


class Labels:
    """Nominal values as codes into the declared labels, -1 for missing."""

    arrow_type = LABELS

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = attribute
        self.implicit = attribute.categories[0]
        self.positions = {label: position for position, label in enumerate(attribute.categories)}
        self.dtype = np.min_scalar_type(-len(attribute.categories))
        self.chunks: list[np.ndarray] = []
        self.missing: set[str] = set()

    def add(self, values: pa.Array) -> None:
        if not pa.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        labels = values.dictionary.to_pylist()
        known = [self.positions.get(label, -1) for label in labels]
        lookup = np.array([*known, -1], dtype=self.dtype)
        positions = values.indices.fill_null(-1).to_numpy()
        codes = lookup[positions]  # position -1 is the appended -1: missing
        if -1 in known:
            unknown = [
                c < 0 and label not in MARKERS for c, label in zip(known, labels, strict=True)
            ]
            self._refuse(values, np.array([*unknown, False])[positions])
            self.missing |= {label for label in labels if label not in self.positions}
        self.chunks.append(codes)

    def finish(self) -> tuple[Column, pd.Series]:
        codes = _joined(self.chunks, "int8")
        name, labels = self.attribute.name, self.attribute.categories
        missing = bool((codes < 0).any())
        column = Column(
            name=name,
            kind="nominal",
            categories=labels,
            missing=missing,
            missing_values=tuple(sorted(self.missing)),
        )
        return column, pd.Series(
            pd.Categorical.from_codes(codes, categories=pd.Index(labels, dtype=TEXT))
        )

    def _refuse(self, values: pa.Array, wrong: np.ndarray) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            shown = list(self.attribute.categories[:SHOWN_CATEGORIES])
            more = len(self.attribute.categories) - len(shown)
            expected = f"one of {shown}" + (f" and {more} more" if more else "")
            raise Unfit(self.attribute.name, expected, values[row].as_py(), row)


class Numbers:
    """Numbers as float64; as int64 where they came as text and are whole."""

    arrow_type = pa.float64()
    implicit = "0"

    def __init__(self, attribute: Attribute) -> None:
        self.name = attribute.name
        self.chunks: list[pa.Array] = []
        self.missing: set[str] = set()
        self.form: NumberForm | None = None

    def look(self, text: pa.Array) -> None:
        """Learn from the first values how the numbers are written."""
        numbers, _ = parse_numbers(text)
        self.form = plain_number_form(text.filter(numbers.is_valid()))

    def add(self, values: pa.Array) -> None:
        if pa.types.is_string(values.type):
            if not self.chunks:
                self.look(values)
            values = self._parsed(values)
        self.chunks.append(values)

    def finish(self) -> tuple[Column, pd.Series]:
        values = number_series(self._joined())
        column = replace(
            number_column(self.name, values), missing_values=tuple(sorted(self.missing))
        )
        if column.kind == "integer":
            date_format = compact_date_format(values.dropna().to_numpy().astype("int64"))
            if date_format is not None:
                column = replace(column, kind="date", date_format=date_format, dtype="int64")
                return column, parse_dates(values.astype("Int64").astype(TEXT), date_format)
        form = None if self.form is None else self.form.example
        return replace(column, number_format=form), values

    def _joined(self) -> pa.ChunkedArray:
        """int64 if every number is whole, else float64."""
        try:
            same = [chunk.cast(pa.int64()) for chunk in self.chunks]
            return pa.chunked_array(same, type=pa.int64())
        except pa.ArrowInvalid:  # some have a fraction, or are too large
            same = [chunk.cast(pa.float64(), safe=False) for chunk in self.chunks]
            return pa.chunked_array(same, type=pa.float64())

    def _parsed(self, text: pa.Array) -> pa.Array:
        numbers, wrong = parse_numbers(text)
        _refuse(self.name, text, wrong, "a number", self.missing)
        infinite = pc.is_inf(numbers).fill_null(False).to_numpy(zero_copy_only=False)
        _refuse(self.name, text, infinite, "a finite number", self.missing)
        return numbers


class Texts:
    """Strings."""

    arrow_type = pa.string()
    implicit = "0"  # as liac-arff reads it

    def __init__(self, attribute: Attribute) -> None:
        self.name = attribute.name
        self.chunks: list[pa.Array] = []

    def add(self, values: pa.Array) -> None:
        self.chunks.append(values)

    def finish(self) -> tuple[Column, pd.Series]:
        text = pa.chunked_array(self.chunks, type=pa.string())
        column = Column(name=self.name, kind="string", missing=text.null_count > 0)
        return column, text.to_pandas().astype(TEXT)


class Dates:
    """Dates in the declared format."""

    arrow_type = pa.string()
    implicit = "0"  # no date: a sparse row has to give it

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = attribute
        self.chunks: list[np.ndarray] = []
        self.missing: set[str] = set()

    def add(self, values: pa.Array) -> None:
        name, date_format = self.attribute.name, self.attribute.date_format
        dates = parse_dates(values.to_pandas().astype(TEXT), date_format)
        wrong = dates.isna().to_numpy() & values.is_valid().to_numpy(zero_copy_only=False)
        _refuse(name, values, wrong, f"a date like {date_format}", self.missing)
        self.chunks.append(dates.to_numpy())

    def finish(self) -> tuple[Column, pd.Series]:
        values = pd.Series(_joined(self.chunks, "datetime64[us]"))
        column = Column(
            name=self.attribute.name,
            kind="date",
            date_format=self.attribute.date_format,
            missing=bool(values.isna().any()),
            missing_values=tuple(sorted(self.missing)),
        )
        return column, values


def _refuse(name: str, text: pa.Array, wrong: np.ndarray, expected: str, missing: set[str]) -> None:
    """Refuse wrong texts but markers of a missing cell, which are added to ``missing``."""
    for row in np.flatnonzero(wrong).tolist():
        got = text[row].as_py()
        if not is_marker(got):
            raise Unfit(name, expected, got, row)
        missing.add(got)


def _joined(chunks: list[np.ndarray], dtype: str) -> np.ndarray:
    return np.concatenate(chunks) if chunks else np.empty(0, dtype=dtype)
