"""Tables to rows and back: one object, fitted once, on training rows."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabgan.encoding.choice import Choice
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.column import ColumnEncoder, Encoded, Numbers
from tabgan.encoding.keys import RunningKey
from tabgan.encoding.layout import RowLayout
from tabgan.encoding.numbers import date_unit, from_numbers, resolution, rounded, to_numbers
from tabgan.encoding.relations import CODES, Relations
from tabgan.encoding.state import load_state, save_state
from tabgan.errors import TabganError
from tabgan.seeding import rng_at
from tabgan.tables.dtypes import TEXT
from tabgan.tables.orders import Orders
from tabgan.tables.schema import Column, TableSchema

MISSING = ("category", "masked")
DROPPED = ("leave", "empty")  # what becomes of columns that could not be learned
EXACT_WHOLE = 2.0**53  # beyond, float64 has no place for every whole number
NARROW = re.compile(r"[uU]?[iI]nt(8|16|32)|[uU][iI]nt64")
CHOICES = ("nominal", "numeric", "levels", "derive", "conditional", "many", "missing")  # as given


class TableEncoder:
    """Encode a conforming table as float32 rows, and decode rows as a table.

    What each column becomes is ``encoding.choice.Choice``, learned from the training rows; columns
    that do not come back as they were are named in ``notes_``. What others decide leaves the row.

    Conditional: a nominal target of up to 256 classes leaves the row and becomes the condition, a
    one-hot of its classes.

    Decoding cannot restore: text, the order of float32 rounding, and numbers outside the training
    range (they are clipped to it; a sum of others is not, unless it has few levels).

    Args:
        schema: what the table is.
        nominal, numeric, levels, many: of ``Choice``.
        derive: whether what others decide leaves the row and is put back: a discrete column that
            another one decides (``encoding.derived``), a number or date that is a sum of others
            (``encoding.sums``), columns some of whose pairs never occur, in whose place there is
            one block of those that do (``encoding.joint``). Only the first where missing values
            are holes.
        conditional: whether a nominal target is the condition instead of a part of the row.
        missing: "category", a missing value being one that rows have like any other; or "masked",
            a hole that says nothing (``encoding.coded``): generated rows have none.

    Attributes:
        layout_: the map of a row.
        schema_: the schema of decoded tables (``schema`` without dropped columns, ids marked).
        condition_width: classes of the condition; 0 without one.
        class_counts_: training rows per class, in the condition's order.
        ranges_: smallest and largest training value per number or date column.
        relations_: what left the row, and what puts it back.
        units_: per date column, its resolution in microseconds.
        missing_rates_: per class (and "all"), the share of missing values per column that has any.
        encodings_: per column, the name of what the rule chose.
        notes_: what a person should know about columns that do not come back as they were.
        lost_: those of them about columns that do not come back at all.
    """

    def __init__(
        self,
        schema: TableSchema,
        *,
        nominal: str,
        numeric: str,
        levels: int,
        derive: bool,
        conditional: bool,
        many: str = "auto",
        missing: str = "category",
    ) -> None:
        self.choice = Choice(nominal, numeric, levels, many)
        if missing not in MISSING:
            raise TabganError(f"encoder.missing={missing}: expected one of {list(MISSING)}")
        self.schema = schema
        self.missing = missing
        self.derive = derive
        self.conditional = conditional

    @property
    def condition_column(self) -> Column | None:
        """The column that conditions the rows, or None."""
        if not self.conditional or self.schema.target is None:
            return None
        target = self.schema[self.schema.target]
        return target if target.is_nominal and not self.choice.has_many(target) else None

    @property
    def condition_width(self) -> int:
        return len(self.class_counts_)

    def fit(self, train: pd.DataFrame) -> Self:
        """Learn the map from training rows alone.

        Raises:
            TabganError: when nothing is left to generate.
        """
        self.encoders_: dict[str, ColumnEncoder] = {}
        self.encodings_: dict[str, str] = {}
        self.ranges_: dict[str, tuple[float, float]] = {}
        self.units_ = {
            column.name: date_unit(train[column.name])
            for column in self.schema.columns
            if column.kind == "date"
        }
        self.notes_: list[str] = []
        self.keys_: dict[str, RunningKey] = {}
        self.texts_: dict[str, list[str]] = {}
        empty = [name for name in self.schema.names if train[name].isna().all()]
        if empty:
            self.notes_.append(f"columns without a value in the training rows, dropped: {empty}")
        self.lost_: list[str] = [*self.notes_]
        for column in self.schema.columns:
            if column == self.condition_column:
                self.encodings_[column.name] = "condition"
            elif column.name in empty:
                self.encodings_[column.name] = "dropped"
            else:
                self._fit_column(column, train)
        self._fit_relations(train)
        self._fit_condition(train)
        self.missing_rates_ = self._missing_rates(train)
        self._lay_out()
        if not self.layout_.blocks:
            raise TabganError(self._nothing_to_learn())
        return self

    def _nothing_to_learn(self) -> str:
        table, target = f"table {self.schema.name!r}", self.condition_column
        why = "no column is left" if self.notes_ else "no column varies"
        notes = "".join(f"; {note}" for note in self.notes_)
        if target is None:
            return f"{table}: {why}, there is nothing to learn{notes}"
        return (
            f"{table}: {why} but the target {target.name!r}, there is nothing to learn "
            f"but its shares; without data.target it is a column like any other{notes}"
        )

    def encode(self, table: pd.DataFrame, *, seed: int = 0) -> Encoded:
        """Float32 [n_rows, row_width]; ``seed`` addresses the draws of randomised encoders."""
        return self.encode_coded(table, seed=seed)[:].numpy()

    def encode_coded(self, table: pd.DataFrame, *, seed: int = 0) -> CodedRows:
        """The rows of ``encode`` as codes; dense is one column at a time."""
        rows = CodedRows.empty(len(table), self.layout_, masked=self.is_masked)
        for name, encoder in self.encoders_.items():
            numbers = self._encoded_numbers(name, table)
            if self.is_masked:
                numbers = self._told(name, numbers, table)
            holes = np.isnan(numbers) & self.is_masked
            known = np.where(holes, self.ranges_.get(name, (0.0, 0.0))[0], numbers)
            encoded = encoder.encode(known, rng_at(seed, "encode", name))
            rows.fill(self.layout_.of(name), torch.from_numpy(encoded))
            if holes.any():
                rows.hide(self.layout_.of(name), torch.from_numpy(holes))
        return rows

    @property
    def dropped_(self) -> list[str]:
        """Columns that decoded tables do not have."""
        return [name for name, encoding in self.encodings_.items() if encoding == "dropped"]

    def written_schema(self, dropped: str) -> TableSchema:
        """``schema_``; with "empty" dropped columns too, in their place and without values.

        Raises:
            TabganError: for anything but "empty" and "leave".
        """
        if dropped not in DROPPED:
            raise TabganError(f"dropped={dropped}: expected one of {list(DROPPED)}")
        if dropped == "leave":
            return self.schema_
        lost, kept = set(self.dropped_), {c.name: c for c in self.schema_.columns}
        columns = (
            replace(c, missing=True) if c.name in lost else kept[c.name]
            for c in self.schema.columns
        )
        return replace(self.schema, columns=tuple(columns), target=self.schema_.target)

    @property
    def is_masked(self) -> bool:
        """Whether missing values are holes."""
        return self.missing == "masked"

    def _told(self, name: str, numbers: Numbers, table: pd.DataFrame) -> Numbers:
        """A column's numbers, where missing those that a column which it decides leaves alone."""
        for derived, (source, lookup) in self.relations_.derived.items():
            if source == name:
                told = lookup.deciding(self._numbers(self.schema[derived], table))
                numbers = np.where(np.isnan(numbers), told, numbers)
        return numbers

    def encode_condition(self, table: pd.DataFrame) -> Encoded:
        """Float32 [n_rows, condition_width], one-hot; width 0 without a condition."""
        column = self.condition_column
        if column is None:
            return np.empty((len(table), 0), np.float32)
        return np.eye(self.condition_width, dtype=np.float32)[_class_codes(column, table)]

    def decode(self, rows: Encoded, condition: Encoded, *, first_row: int = 0) -> pd.DataFrame:
        """Rows and their conditions as a table that conforms to ``schema_``.

        Args:
            rows: float [n, row_width]; soft one-hots are read by their largest place.
            condition: float [n, condition_width].
            first_row: the running number of the first row, for regenerated keys.
        """
        return self.to_table(self.decode_numbers(rows, condition), first_row=first_row)

    def decode_numbers(self, rows: Encoded | CodedRows, condition: Encoded) -> Numbers:
        """Rows as float64 [n, columns of ``schema_``]: codes, dates in units, numbers; NaN missing.

        Rounded to what each column holds and clipped to its training range; keys are NaN.
        """
        numbers = np.empty((len(self.schema_.columns), len(rows))).T  # column by column
        for place, column in enumerate(self.schema_.columns):
            if column.name not in self.relations_.sums:
                numbers[:, place] = self._decode_column(column, rows, condition)
        self.put_sums(numbers)
        return numbers

    def put_sums(self, numbers: Numbers) -> None:
        """Make every number that is a sum of others that sum, in place: [n, columns]."""
        columns = self.by_name(numbers)
        for name, found in self.relations_.sums.items():
            columns[name][:] = rounded(self.schema_[name], found(columns))

    def tell_sums(self, numbers: Numbers) -> None:
        """Fill missing numbers that known ones leave but one value, in place: [n, columns].

        A sum of known terms, or the one missing term of a known sum.
        """
        columns = self.by_name(numbers)
        for name, found in self.relations_.sums.items():
            for party in (name, *found.terms):
                total = columns[name]
                told = found(columns) if party == name else found.solved(party, total, columns)
                told = self._finished(self.schema_[party], told)
                columns[party][:] = np.where(np.isnan(columns[party]), told, columns[party])

    def by_name(self, numbers: Numbers) -> dict[str, Numbers]:
        """The columns of ``numbers``, views of it."""
        return dict(zip(self.schema_.names, numbers.T, strict=True))

    def orders(self, numbers: Numbers) -> Orders:
        """What all of these rows keep, of numbers and of dates of one unit: [n, columns]."""
        groups: dict[int, list[int]] = {}  # numbers are at 0
        for place, column in enumerate(self.schema_.columns):
            if column.is_measured:
                groups.setdefault(self.units_.get(column.name, 0), []).append(place)
        return Orders.found(numbers, [*groups.values()])

    def decode_column(self, name: str, rows: Encoded, condition: Encoded) -> Numbers:
        """One column of ``decode_numbers``, or the codes of a joint block: float64 [n]."""
        if name in self.relations_.joints:
            return self._decoded_numbers(name, rows)
        return self._decode_column(self.schema[name], rows, condition)

    def numbers(self, table: pd.DataFrame) -> Numbers:
        """A conforming table as ``decode_numbers`` gives it: float64 [n, columns]."""
        return np.column_stack(
            [
                np.full(len(table), np.nan)
                if self.encodings_[column.name] == "key"
                else self._numbers(column, table)
                for column in self.schema_.columns
            ]
        )

    def to_table(self, numbers: Numbers, *, first_row: int = 0) -> pd.DataFrame:
        """The table behind ``decode_numbers``; keys are numbered from ``first_row``."""
        columns = {
            column.name: self._values(column, numbers[:, place], first_row)
            for place, column in enumerate(self.schema_.columns)
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(len(numbers)), copy=False)

    def save(self, folder: Path) -> None:
        """Write schema and learned state (JSON and arrays)."""
        state = {
            "schema": self.schema.to_plain(),
            **asdict(self.choice),
            "derive": self.derive,
            "conditional": self.conditional,
            "missing": self.missing,
            "encodings": self.encodings_,
            "ranges": {name: list(span) for name, span in self.ranges_.items()},
            "units": self.units_,
            "notes": self.notes_,
            "lost": self.lost_,
            "keys": {name: key.state() for name, key in self.keys_.items()},
            "texts": self.texts_,
            "class_counts": self.class_counts_.tolist(),
            "missing_rates": self.missing_rates_,
            **self.relations_.state(),
            "columns": {name: encoder.state() for name, encoder in self.encoders_.items()},
        }
        save_state(folder, state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The encoder that ``save`` wrote.

        Raises:
            TabganError: when the folder holds no such state, or one of another version.
        """
        state = load_state(folder)
        try:
            schema = TableSchema.from_plain(state["schema"])
            chosen = {key: state[key] for key in CHOICES if key in state}  # older runs have fewer
            return cls(schema, **chosen)._restore(state)
        except TabganError as error:
            raise TabganError(f"{folder}: {error}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TabganError(f"{folder}: not the state of an encoder: {error!r}") from error

    def _restore(self, state: dict[str, Any]) -> Self:
        self.encodings_ = state["encodings"]
        self.ranges_ = {name: (low, high) for name, (low, high) in state["ranges"].items()}
        self.units_ = state["units"]
        self.notes_, self.lost_ = state["notes"], state["lost"]
        self.keys_ = {name: RunningKey().restore(key) for name, key in state["keys"].items()}
        self.texts_ = state["texts"]
        self.class_counts_ = np.array(state["class_counts"], dtype=np.int64)
        self.missing_rates_ = state["missing_rates"]
        self.relations_ = Relations.restore(state)
        self.encoders_ = {
            name: self._empty_encoder(name).restore(learned)
            for name, learned in state["columns"].items()
        }
        self._lay_out()
        return self

    def _fit_column(self, column: Column, train: pd.DataFrame) -> None:
        name = column.name
        if column.kind == "string":
            self.texts_[name] = sorted(train[name].dropna().unique())
        numbers = self._numbers(column, train)
        known = numbers[~np.isnan(numbers)]
        learned = known if self.is_masked and len(known) else numbers
        is_target = name == self.schema.target
        encoding, note = self.choice.of(column, train[name], numbers, learned, target=is_target)
        self.notes_ += [note] if note else []
        self.lost_ += [note] if note and encoding == "dropped" else []
        self.encodings_[name] = encoding
        if encoding == "key":
            self.keys_[name] = RunningKey().fit(train[name])
        if encoding in ("key", "dropped"):
            self.texts_.pop(name, None)
            return
        if column.kind == "integer" and (np.abs(known) > EXACT_WHOLE).any():
            self.notes_.append(
                f"column {name!r} has whole numbers beyond 2**53, which are learned to 53 bits; "
                "as text they would be categories or ids"
            )
        self.encoders_[name] = self.choice.build(column, encoding).fit(learned)
        if column.is_measured and not np.isnan(numbers).all():
            self.ranges_[name] = (float(np.nanmin(numbers)), float(np.nanmax(numbers)))

    def _fit_relations(self, train: pd.DataFrame) -> None:
        """Take out of the row what others decide, and put joint blocks in."""
        self.relations_ = Relations()
        if not self.derive:
            return
        names = [n for n in self.encoders_ if self._may_relate(self.schema[n])]
        columns = {name: self._numbers(self.schema[name], train) for name in names}
        numbers = [self.schema[name] for name in names if self.schema[name].is_measured]
        steps = {column.name: resolution(column) for column in numbers}
        target = self.condition_column
        found = Relations.find(
            columns,
            self.encodings_,
            steps,
            condition={target.name: self._numbers(target, train)} if target else {},
            masked=self.is_masked,
        )
        self.relations_ = found
        for name, encoding in found.encodings.items():
            self.encodings_[name] = encoding
            del self.encoders_[name]
        for block, joint in found.joints.items():
            self.encodings_[block] = "onehot"
            self.encoders_[block] = self._empty_encoder(block).fit(joint.every_code)
        self.notes_ += found.notes

    def _may_relate(self, column: Column) -> bool:
        """Whether others may decide a column, or it them: one block of codes, number or date."""
        return column.is_measured or self.encodings_[column.name] in CODES

    def _empty_encoder(self, name: str) -> ColumnEncoder:
        """The encoder of a column or a joint block, which has learned nothing."""
        if name in self.relations_.joints:
            return self.relations_.joints[name].encoder()
        return self.choice.build(self.schema[name], self.encodings_[name])

    def _fit_condition(self, train: pd.DataFrame) -> None:
        column = self.condition_column
        if column is None:
            self.class_counts_ = np.zeros(0, np.int64)
            return
        width = len(column.categories) + int(column.missing)
        self.class_counts_ = np.bincount(_class_codes(column, train), minlength=width)

    def _missing_rates(self, train: pd.DataFrame) -> dict[str, dict[str, float]]:
        missing = train.isna().loc[:, train.isna().any()]
        rates = {"all": missing.mean()}
        if self.condition_column is not None:
            target = train[self.condition_column.name]
            rates |= {label: missing[target == label].mean() for label in target.cat.categories}
        return {label: rate.fillna(0.0).to_dict() for label, rate in rates.items()}

    def _lay_out(self) -> None:
        self.layout_ = RowLayout.from_widths(
            (name, kind, width)
            for name, encoder in self.encoders_.items()
            for kind, width in encoder.widths_
        )
        columns = [
            replace(c, key=c.key or c.name in self.keys_, dtype=self._wide(c))
            for c in self.schema.columns
        ]
        self.schema_ = replace(self.schema, columns=tuple(columns)).without(self.dropped_)
        self._of_code: dict[str, Numbers] = {}

    def _wide(self, column: Column) -> str | None:
        """A column's dtype; keys go on and sums add up beyond what a narrow integer holds."""
        grows = column.name in self.keys_ or column.name in self.relations_.sums
        narrow = column.dtype is not None and NARROW.fullmatch(column.dtype)
        return None if grows and narrow else column.dtype

    def _encoded_numbers(self, name: str, table: pd.DataFrame) -> Numbers:
        """What is encoded: a column's numbers, or the codes of a joint block."""
        if name not in self.relations_.joints:
            return self._numbers(self.schema[name], table)
        joint = self.relations_.joints[name]
        columns = {part: self._numbers(self.schema[part], table) for part in joint.names}
        return joint.codes(columns, nearest=True)

    def _numbers(self, column: Column, table: pd.DataFrame) -> Numbers:
        if column.kind == "string":
            return _text_codes(self.texts_[column.name], table[column.name])
        return to_numbers(column, table[column.name], unit=self.units_.get(column.name, 1))

    def _values(self, column: Column, numbers: Numbers, first_row: int) -> pd.Series:
        """The inverse of ``_numbers``; keys are made, whatever the numbers."""
        if column.name in self.keys_:
            return self.keys_[column.name](first_row, len(numbers))
        if column.kind == "string":
            texts = np.array(self.texts_[column.name], dtype=object)
            missing = np.isnan(numbers)
            known = pd.Series(texts[np.where(missing, 0, numbers).astype(np.int64)], dtype=TEXT)
            return known.mask(missing)
        return from_numbers(column, numbers, unit=self.units_.get(column.name, 1))

    def _span(self, name: str) -> slice:
        blocks = self.layout_.of(name)
        return slice(blocks[0].start, blocks[-1].span.stop) if blocks else slice(0, 0)

    def _decode_column(
        self, column: Column, rows: Encoded | CodedRows, condition: Encoded
    ) -> Numbers:
        encoding = self.encodings_[column.name]
        if encoding == "key":
            return np.full(len(rows), np.nan)
        if encoding == "condition":
            codes = condition.argmax(axis=1).astype(np.float64)
            return np.where(codes == len(column.categories), np.nan, codes)
        if not isinstance(rows, CodedRows):
            return self._finished(column, self._decoded_numbers(column.name, rows))
        source = self.relations_.source(column.name)
        if self.encodings_[source] in CODES:
            (block,) = self.layout_.of(source)
            return self._numbers_of_code(column).take(rows.codes_of(block).numpy())
        dense = rows.dense(self.layout_.of(source)).numpy()
        return self._finished(column, self.encoders_[source].decode(dense))

    def _numbers_of_code(self, column: Column) -> Numbers:
        """What ``decode_numbers`` makes of each code of a block that decides the column."""
        if column.name not in self._of_code:
            every = self._decoded_numbers(column.name, np.eye(self.layout_.width, dtype=np.float32))
            source = self.relations_.source(column.name)
            self._of_code[column.name] = self._finished(column, every[self._span(source)])
        return self._of_code[column.name]

    def _finished(self, column: Column, numbers: Numbers) -> Numbers:
        if column.name in self.ranges_:
            numbers = numbers.clip(*self.ranges_[column.name])
        return rounded(column, numbers)

    def _decoded_numbers(self, name: str, rows: Encoded) -> Numbers:
        if name in self.relations_.derived:
            source, lookup = self.relations_.derived[name]
            return lookup(self._decoded_numbers(source, rows))
        return self.encoders_[name].decode(rows[:, self._span(name)])


def _text_codes(texts: list[str], values: pd.Series) -> Numbers:
    """Where each text stands among the sorted ``texts``; an unknown one is taken for the next."""
    known = values.notna().to_numpy()
    codes = np.full(len(values), np.nan)
    place = np.searchsorted(np.array(texts, dtype=object), values[known].to_numpy(dtype=object))
    codes[known] = place.clip(0, len(texts) - 1)
    return codes


def _class_codes(column: Column, table: pd.DataFrame) -> NDArray[np.int64]:
    """Int [n_rows]: the class of each row; a missing class is one behind the last category."""
    codes = to_numbers(column, table[column.name])
    return np.where(np.isnan(codes), len(column.categories), codes).astype(np.int64)
