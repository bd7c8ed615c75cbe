"""The choice of a column's encoder: the rule, learned from training rows, and the encoder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tabgan.encoding.atoms import MOST_LEVELS, AtomsEncoder, common_levels, heavy_values
from tabgan.encoding.bins import BinsEncoder
from tabgan.encoding.cells import CellsEncoder
from tabgan.encoding.column import ColumnEncoder, ConstantEncoder, MissingIndicator, Numbers
from tabgan.encoding.identifying import Identifying, identifying, private_form
from tabgan.encoding.keys import FormedKey
from tabgan.encoding.label import LabelEncoder
from tabgan.encoding.levels import LevelsEncoder
from tabgan.encoding.mode_specific import ModeSpecificEncoder
from tabgan.encoding.onehot import OneHotEncoder
from tabgan.encoding.patterns import form_of_pattern
from tabgan.encoding.power import PowerEncoder
from tabgan.encoding.quantile_normal import QuantileNormalEncoder
from tabgan.encoding.standard import StandardEncoder
from tabgan.errors import TabganError
from tabgan.tables.profile import looks_like
from tabgan.tables.schema import Column

SCALARS: dict[str, Callable[[], ColumnEncoder]] = {
    "standard": StandardEncoder,
    "power": PowerEncoder,
    "quantile_normal": QuantileNormalEncoder,
}
BLOCKS: dict[str, Callable[[], ColumnEncoder]] = {  # with a position of their own for missing
    "mode_specific": ModeSpecificEncoder,
    "bins": BinsEncoder,
    "cells": CellsEncoder,
}
NOMINALS = ("onehot", "label")
MANY = ("auto", "drop", "keep")
ROWS_PER_LEVEL = 10  # fewer, and a number's values are a sample of a scale, not categories

MODELLED = {  # how a column is modelled, in words; others have their encoder's name
    "constant": "one value only, put back",
    "condition": "condition of the generator",
    "onehot": "category",
    "levels": "number of few values",
    "cells": "number",
    "grouped": "category, rare ones together",
    "key": "id: new ones are made up",
    "derived": "computed from another",
    "sum": "computed from others",
    "computed": "computed from others",
    "dropped": "left out",
}
KEPT = {  # how a column that was taken for an id comes back as it is
    "integer": " (encoder.many=keep, or the kind numeric in a schema file, learns it)",
    "string": " (the kind nominal in a schema file keeps its texts)",
}

Chosen = tuple[str, str | None]  # the name of an encoding, and what a person should know of it


@dataclass(frozen=True)
class Choice:
    """The rule per column.

    One distinct value -> ``constant`` (no position in the row, put back); nominal and boolean ->
    ``nominal``; numbers and dates with at most ``levels`` distinct values, each standing in
    ``ROWS_PER_LEVEL`` rows on average -> ``levels``; other numbers and dates -> ``numeric``, with a
    block for heavy values (quantile_normal: ``atoms``) or for missing ones where there are any.
    Columns of very many values:

    * ``key``, regenerated in its own form (``encoding.keys``): ids (``encoding.identifying``), and
      what a schema declares a key;
    * ``grouped``: more than 256 categories, and text with at most one value per two rows. The
      255 commonest (of 10 rows at least) have a position each, the others one position together
      and a
      scalar that says which;
    * ``dropped``: other text, which a generator could only repeat word for word.

    Args:
        nominal: "onehot", or "label" (the code as one scalar, through ``numeric``).
        numeric: "standard", "power", "quantile_normal", or (with one-hot nominals) "mode_specific"
            or "bins".
        levels: up to how many distinct values a number is categories; 0 for never.
        many: "auto" for the rule above; "drop" drops what it would regenerate or group; "keep"
            gives each category a position, learns whole numbers as numbers and drops repeated text.
    """

    nominal: str
    numeric: str
    levels: int
    many: str

    def __post_init__(self) -> None:
        numerics = [*SCALARS, *BLOCKS] if self.nominal == "onehot" else [*SCALARS]
        if self.nominal not in NOMINALS or self.numeric not in numerics:
            raise TabganError(
                f"encoder: expected nominal of {list(NOMINALS)} and numeric of {numerics}, "
                f"got {self.nominal!r} and {self.numeric!r}"
            )
        if self.many not in MANY:
            raise TabganError(f"encoder.many={self.many}: expected one of {list(MANY)}")

    def of(
        self,
        column: Column,
        values: pd.Series,
        numbers: Numbers,
        learned: Numbers,
        found: Identifying | None,
    ) -> Chosen:
        """The encoding of a column, and a note where it does not come back as it was.

        Args:
            column: what it is.
            values: of the training rows.
            numbers: the same as float64 [n], NaN for missing.
            learned: those that its encoder learns from; without missing cells, where there are any.
            found: what makes it an id (``identifying``), or None.
        """
        many = self._of_many(column, values, numbers, found)
        encoding, note = many or (self._of_few(column, learned), None)
        texts = column.categories if column.is_nominal else values.dropna().unique().tolist()
        hint = _hint(column, texts, encoding)
        if hint is None or encoding == "constant":
            return encoding, note
        return encoding, f"{note or f'column {column.name!r} is nominal'}; {hint}"

    def identifying(
        self, column: Column, values: pd.Series, *, target: bool, pattern: str | None = None
    ) -> Identifying | None:
        """The rule that makes new ids for a column, or None where it holds none.

        A target of numbers is what a model learns, and no id; ``many`` may keep numbers.

        Args:
            column: what it is, declared a key or not.
            values: of the training rows.
            target: whether it is what a model learns.
            pattern: the regular expression that is declared of it, or None.
        """
        if column.kind == "integer" and (target or self.many == "keep") and not column.key:
            return None
        found = identifying(column, values)
        if found is None or pattern is None:
            return found
        whole = column.kind == "integer"
        key = FormedKey(column.name, form_of_pattern(pattern), whole=whole)
        return Identifying("is declared a key", key)

    def build(self, column: Column, encoding: str) -> ColumnEncoder:
        """The encoder that ``encoding`` names, which has learned nothing."""
        if encoding == "constant":
            return ConstantEncoder()
        if encoding == "onehot":
            return OneHotEncoder(n_codes=len(column.categories))
        if encoding == "levels":
            return LevelsEncoder()
        if encoding == "atoms":
            return AtomsEncoder()
        if encoding == "grouped" and self.numeric == "cells":
            return CellsEncoder(interpolate=False, most_heavy=MOST_LEVELS - 1)
        if encoding == "grouped":
            return AtomsEncoder(common_levels)
        if encoding == "label":
            return LabelEncoder(SCALARS[self.numeric](), n_codes=len(column.categories))
        if encoding in BLOCKS:
            return BLOCKS[encoding]()
        scalar, _, missing = encoding.partition("+")
        return MissingIndicator(SCALARS[scalar]()) if missing else SCALARS[scalar]()

    def has_many(self, column: Column) -> bool:
        """Whether a nominal column has more categories than a row has positions for."""
        return (
            column.is_nominal
            and len(column.categories) > MOST_LEVELS
            and self.many != "keep"
            and self.nominal == "onehot"
        )

    def _of_few(self, column: Column, numbers: Numbers) -> str:
        if (numbers == numbers[0]).all() or np.isnan(numbers).all():
            return "constant"
        if column.is_nominal:
            return self.nominal
        n_values, heavy = len(np.unique(numbers[~np.isnan(numbers)])), len(heavy_values(numbers))
        repeats = n_values * ROWS_PER_LEVEL <= len(numbers) or heavy == n_values
        if n_values <= self.levels and repeats:
            return "levels"
        if self.numeric == "quantile_normal" and 0 < heavy < n_values:
            return "atoms"
        if self.numeric in BLOCKS:
            return self.numeric
        return f"{self.numeric}+missing" if np.isnan(numbers).any() else self.numeric

    def _of_many(
        self,
        column: Column,
        values: pd.Series,
        numbers: Numbers,
        found: Identifying | None,
    ) -> Chosen | None:
        """``key``, ``grouped`` or ``dropped`` where the column has very many values, else None."""
        name, text, distinct = f"column {column.name!r}", column.kind == "string", values.nunique()
        if found is not None:
            return self._key(f"{name} {found.why}", KEPT[column.kind])
        if text and distinct == 0:
            return "dropped", f"{name} is text without a value in the training rows: dropped"
        if distinct == 1 and not values.isna().any():
            return None  # a constant
        repeated = text and self.many != "keep" and 2 * distinct <= len(values)
        many = self.has_many(column) or repeated
        if not (text or many):
            return None
        what = f"{name} {'is text' if text else 'is nominal'} with {distinct:,} distinct values"
        if many and self.many == "auto":
            n = len(common_levels(numbers))
            ending = f"grouped: {n} of them stay apart and the others are one group"
            return "grouped", f"{what}: {ending}"
        hint = " (declare it nominal in the schema to keep it)" if text else ""
        return "dropped", f"{what}: dropped{hint}"

    def _key(self, what: str, hint: str = "") -> Chosen:
        """Make up new ids, or drop the column where the user wants none."""
        if self.many == "drop":
            return "dropped", f"{what}: dropped{hint}"
        return "key", f"{what}: new ones are made up{hint}"


def in_words(encoding: str) -> str:
    """An encoding in plain words."""
    return MODELLED.get(encoding, encoding.replace("_", " ").replace("+", ", "))


def _hint(column: Column, texts: Sequence[str], encoding: str) -> str | None:
    """What a person should know of text that is learned, if at all, as labels alone."""
    if column.kind not in ("nominal", "string"):
        return None
    private = private_form(pd.Series(texts, dtype="str")) if len(texts) else None
    if private is None:
        hint = looks_like(texts)
        if hint and encoding in ("key", "dropped") and "separators" in hint:
            hint = re.sub(" such as .*?, which", ", which", hint)  # it may be a telephone number
        return hint
    if encoding in ("key", "dropped"):
        return None
    return (
        f"it holds {private}, which come back as they are; data.drop=[{column.name}] leaves it "
        "out, and the kind string in a schema file makes new ones"
    )
