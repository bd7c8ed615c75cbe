"""Tables to rows and back: one object, fitted once, on training rows."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabgan.encoding.cells import CellsEncoder
from tabgan.encoding.choice import Choice
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.column import ColumnEncoder, Encoded, Numbers
from tabgan.encoding.computed import Computed, given
from tabgan.encoding.gaps import find_gaps, gap_name
from tabgan.encoding.keys import FormedKey, Key, restore_key
from tabgan.encoding.layout import Exclusion, RowLayout
from tabgan.encoding.levels import LevelsEncoder
from tabgan.encoding.numbers import date_unit, from_numbers, resolution, rounded, to_numbers
from tabgan.encoding.onehot import OneHotEncoder
from tabgan.encoding.relations import CODES, Relations
from tabgan.encoding.ruled_out import ruled_out
from tabgan.encoding.state import load_state, save_state
from tabgan.encoding.sums import Sum
from tabgan.errors import TabganError
from tabgan.seeding import rng_at
from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.constraints import Constraints
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.filters import Filter
from tabgan.tables.constraints.finding.rules import find_rules
from tabgan.tables.constraints.groups import Follows
from tabgan.tables.constraints.reading import Constraint, read_constraint
from tabgan.tables.dtypes import TEXT
from tabgan.tables.schema import Column, TableSchema

MISSING = ("category", "masked")
DROPPED = ("leave", "empty")  # what becomes of columns that could not be learned
EXACT_WHOLE = 2.0**53  # beyond, float64 does not have every whole number
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
            another decides (``encoding.dependencies``), a number or date that is a sum of others
            (``encoding.sums``), columns some of whose pairs never occur, in whose place there is
            one block of those that do (``encoding.joint_blocks``). Only the first
            where missing values are missing cells.
        conditional: whether a nominal target is the condition instead of a part of the row.
        missing: "category", a missing value being one that rows have like any other; or "masked",
            a missing cell that says nothing (``encoding.coded``): generated rows have none.

    Attributes:
        layout_: the map of a row.
        schema_: the schema of decoded tables (``schema`` without dropped columns, ids marked).
        condition_width: classes of the condition; 0 without one.
        class_counts_: training rows per class, in the condition's order.
        ranges_: smallest and largest training value per number or date column.
        relations_: what left the row, and what puts it back.
        constraints_: the declared rules that rows can keep.
        found_: rules that all training rows keep; columns that they give are put back by them.
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

    def fit(self, train: pd.DataFrame, *, n_rows: int = 0, is_sample: bool = False) -> Self:
        """Learn the map from training rows alone.

        Args:
            train: the rows, or a sample of them.
            n_rows: how many there are in all, whose ids are not made again (``add_keys``).
            is_sample: whether ``train`` is a sample of the training rows, in which rules may seem
                to be kept that others break: only those of single columns are looked for.

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
        self.keys_: dict[str, Key] = {}
        self.texts_: dict[str, list[str]] = {}
        empty = [name for name in self.schema.names if train[name].isna().all()]
        if empty:
            self.notes_.append(f"columns without a value in the training rows, dropped: {empty}")
        self.lost_: list[str] = [*self.notes_]
        declared = Constraints.read(self.schema.constraints, self.schema)
        for column in self.schema.columns:
            if column == self.condition_column:
                self.encodings_[column.name] = "condition"
            elif column.name in empty:
                self.encodings_[column.name] = "dropped"
            else:
                key = column.key or column.name in declared.keys
                pattern = declared.patterns.get(column.name)
                self._fit_column(replace(column, key=key), train, n_rows, pattern)
        self._fit_rules(declared, train)
        self._fit_relations(train, is_sample=is_sample)
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
            missing = np.isnan(numbers) & self.is_masked
            known = np.where(missing, self.ranges_.get(name, (0.0, 0.0))[0], numbers)
            encoded = encoder.encode(known, rng_at(seed, "encode", name))
            rows.fill(self.layout_.of(name), torch.from_numpy(encoded))
            if missing.any():
                rows.hide(self.layout_.of(name), torch.from_numpy(missing))
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
        """Whether missing values are missing cells."""
        return self.missing == "masked"

    def _told(self, name: str, numbers: Numbers, table: pd.DataFrame) -> Numbers:
        """A column's numbers, where missing those that a column which it decides leaves alone."""
        for derived, (source, lookup) in self.relations_.derived.items():
            if source == name:
                computed = lookup.deciding(self._numbers(self.schema[derived], table))
                numbers = np.where(np.isnan(numbers), computed, numbers)
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
            rows: float [n, row_width]; soft one-hots are read by their largest position.
            condition: float [n, condition_width].
            first_row: the running number of the first row, for regenerated keys.
        """
        return self.to_table(self.decode_numbers(rows, condition), first_row=first_row)

    def decode_numbers(self, rows: Encoded | CodedRows, condition: Encoded) -> Numbers:
        """Rows as float64 [n, columns of ``schema_``]: codes, dates in units, numbers; NaN missing.

        Rounded to what each column holds and clipped to its training range; keys are 0.
        """
        numbers = np.empty((len(self.schema_.columns), len(rows))).T  # column by column
        for position, column in enumerate(self.schema_.columns):
            if column.name not in self.relations_.sums.keys() | self.relations_.gaps.keys():
                numbers[:, position] = self._decode_column(column, rows, condition)
        columns = self.by_name(numbers)
        for name, (below, gap) in self.relations_.gaps.items():
            distance = self.decode_column(gap, rows, condition)
            columns[name][:] = self._finished(self.schema[name], columns[below] + distance)
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
                computed = found(columns) if party == name else found.solved(party, total, columns)
                computed = self._finished(self.schema_[party], computed)
                columns[party][:] = np.where(np.isnan(columns[party]), computed, columns[party])

    def by_name(self, numbers: Numbers) -> dict[str, Numbers]:
        """The columns of ``numbers``, views of it."""
        return dict(zip(self.schema_.names, numbers.T, strict=True))

    def kept_each(self, numbers: Numbers, rules: Constraints) -> NDArray[np.bool_]:
        """The rows that keep each of ``rules``, bool [n, rules]; rules on ids count as kept.

        Args:
            numbers: of ``decode_numbers``.
            rules: of the columns of ``schema_``.
        """
        return rules.kept_each(Columns.of_numbers(self.schema_, self.by_name(numbers), self.units_))

    def decode_column(self, name: str, rows: Encoded | CodedRows, condition: Encoded) -> Numbers:
        """One column of ``decode_numbers``, codes of a joint block, or a distance: float64 [n]."""
        if name in self.relations_.joints or self.relations_.gap(name):
            return self._decoded_numbers(name, rows)
        return self._decode_column(self.schema[name], rows, condition)

    def numbers(self, table: pd.DataFrame) -> Numbers:
        """A conforming table as ``decode_numbers`` gives it: float64 [n, columns]."""
        return np.column_stack([self._numbers(c, table) for c in self.schema_.columns])

    def to_table(self, numbers: Numbers, *, first_row: int = 0, key_seed: int = 0) -> pd.DataFrame:
        """The table behind ``decode_numbers``; ids follow from the row's number and ``key_seed``.

        The first row's number is ``first_row``.
        """
        columns = {
            column.name: self._values(column, numbers[:, position], first_row, key_seed)
            for position, column in enumerate(self.schema_.columns)
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
            "constraints": self.constraints_.plain(),
            "found": self.found_.plain(),
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
        self.keys_ = {name: restore_key(key) for name, key in state["keys"].items()}
        self.texts_ = state["texts"]
        self.class_counts_ = np.array(state["class_counts"], dtype=np.int64)
        self.missing_rates_ = state["missing_rates"]
        self.constraints_ = Constraints.of_plain(state.get("constraints", []))
        self.relations_ = Relations.restore(state)
        for name, given_by in self._given(self.constraints_).items():
            self.relations_.give(name, given_by)
        self.found_ = Constraints.of_plain(state.get("found", []))
        for rule in self.found_.given:
            self._give(rule)
        self.encoders_ = {
            name: self._empty_encoder(name).restore(learned)
            for name, learned in state["columns"].items()
        }
        self._lay_out()
        return self

    def add_keys(self, table: pd.DataFrame) -> None:
        """Remember the ids of more training rows: none of them is made again."""
        for name, key in self.keys_.items():
            key.add(table[name].dropna())

    def check_keys(self, n_rows: int) -> None:
        """Refuse more rows than some column has ids for.

        Raises:
            TabganError: naming the column and its form.
        """
        for key in self.keys_.values():
            key.check(n_rows)

    def _fit_column(
        self, column: Column, train: pd.DataFrame, n_rows: int, pattern: str | None
    ) -> None:
        name = column.name
        if column.kind == "string":
            self.texts_[name] = sorted(train[name].dropna().unique())
        numbers = self._numbers(column, train)
        known = numbers[~np.isnan(numbers)]
        learned = known if self.is_masked and len(known) else numbers
        is_target = name == self.schema.target
        found = self.choice.identifying(column, train[name], target=is_target, pattern=pattern)
        encoding, note = self.choice.of(column, train[name], numbers, learned, found)
        self.notes_ += [note] if note else []
        self.lost_ += [note] if note and encoding == "dropped" else []
        self.encodings_[name] = encoding
        if encoding in ("key", "dropped"):
            self.texts_.pop(name, None)
            if found is not None and encoding == "key":
                self._fit_key(name, found.key, train[name], n_rows)
            return
        if column.kind == "integer" and (np.abs(known) > EXACT_WHOLE).any():
            self.notes_.append(
                f"column {name!r} has whole numbers beyond 2**53, which are learned to 53 bits; "
                "as text they would be categories or ids"
            )
        self.encoders_[name] = self.choice.build(column, encoding).fit(learned)
        if column.is_measured and not np.isnan(numbers).all():
            self.ranges_[name] = (float(np.nanmin(numbers)), float(np.nanmax(numbers)))

    def _fit_key(self, name: str, key: Key, values: pd.Series, n_rows: int) -> None:
        """Learn an id's form; which rows have none is a part of the row."""
        key.fit(values.dropna(), n_rows)
        self.keys_[name] = key
        if isinstance(key, FormedKey):
            if not key.form.may_grow:
                key.check(len(values))
            self.notes_[-1] += (
                f"; their form is {key.form}; none is of this table, but somebody who is not in it "
                "may have one"
            )
        if values.isna().any() and not self.is_masked:
            self.encoders_[name] = LevelsEncoder().fit(_presence(values))

    def _fit_rules(self, declared: Constraints, train: pd.DataFrame) -> None:
        """Keep the declared rules that can be kept, with the combinations that there are."""
        names = [c.name for c in self.schema.columns if c.name not in self.dropped_]
        rules, notes = declared.of(names, self.keys_)
        self.constraints_ = rules.fitted(Columns.of_table(self.schema, train))
        self.notes_ += notes

    def _given(self, rules: Constraints) -> dict[str, Sum | Computed]:
        """What puts back the columns that rules give."""
        return {
            rule.column: given(rule, self.schema, self.units_)
            for rule in rules.given
            if self.encodings_[rule.column] != "condition"
            and self.schema[rule.column].kind != "string"
        }

    def _fit_relations(self, train: pd.DataFrame, *, is_sample: bool) -> None:
        """Take out of the row what others decide, and put joint blocks in."""
        self.relations_ = Relations()
        self.found_ = Constraints()
        declared = self._given(self.constraints_)
        if self.derive:
            self._find_relations(train, leave=declared)
        if self.derive and not (self.is_masked or is_sample):
            self._find_rules(train, leave=declared)
            self._find_gaps(train, leave=declared)
        for name, given_by in declared.items():
            self.relations_.give(name, given_by)
            self.encodings_[name] = "sum" if isinstance(given_by, Sum) else "computed"
            self.encoders_.pop(name, None)
            self.notes_.append(
                f"column {name!r} follows from a declared rule: computed, not learned"
            )

    def _find_gaps(self, train: pd.DataFrame, *, leave: Collection[str]) -> None:
        """Learn numbers that never lie below another, and often equal it, as the distance."""
        columns, alike = {}, dict[int, list[str]]()
        for name in self.encoders_:
            column = self.schema[name] if name not in self.relations_.joints else None
            if column is not None and column.is_measured and name not in self.keys_:
                columns[name] = self._numbers(column, train)
                alike.setdefault(self.units_.get(name, 0), []).append(name)
        sources = {source for source, _ in self.relations_.derived.values()}
        kept = {*leave, *sources, self.schema.target}
        upper = [n for n in columns if isinstance(self.encoders_[n], CellsEncoder)]
        found = find_gaps(columns, [*alike.values()], {*upper} - kept)
        for above, below in found.items():
            gap = gap_name(below, above, [*self.schema.names, *self.encoders_])
            encoder = self.choice.build(self.schema[above], self.encodings_[above])
            self.encoders_[gap] = encoder.fit(columns[above] - columns[below])
            self.encodings_[gap], self.encodings_[above] = self.encodings_[above], "sum"
            del self.encoders_[above]
            self.relations_.gaps[above] = below, gap
            self.notes_.append(
                f"column {above!r} is never below {below!r}, often equal: learned as the distance"
            )

    def _find_rules(self, train: pd.DataFrame, *, leave: Collection[str]) -> None:
        """Find the rules that rows keep; columns that they give are left out of the row, too."""
        out = {*leave, *(name for name in self.schema.names if name not in self.encoders_)}
        unknown = {*self.keys_, *self.dropped_}
        columns = tuple(replace(c, key=c.key or c.name in unknown) for c in self.schema.columns)
        schema = replace(self.schema, columns=columns)
        found = find_rules(Columns.of_table(schema, train), but=out)
        sources = {source for source, _ in self.relations_.derived.values()}
        kept: list[Constraint] = []
        for rule in (one.rule for one in found):
            if not isinstance(rule, Equation | Follows):
                kept.append(rule)
            elif rule.column not in out | sources and self._give(rule):
                kept.append(rule)
                self.notes_.append(f"column {rule.sentence}: computed from the others, not learned")
                self.encodings_[rule.column] = "computed"
                del self.encoders_[rule.column]
        self.found_ = Constraints(tuple(rule for rule in kept if not self._is_too_exact(rule)))

    def _is_too_exact(self, rule: Constraint) -> bool:
        """Whether a filter looks at single values of a number that is computed in full precision.

        The last digit of what is computed is another one than that of the training rows.
        """
        computed = (self.schema[n] for n in rule.columns if self.encodings_.get(n) == "computed")
        return isinstance(rule, Filter) and any(
            column.kind == "numeric" and column.decimals is None for column in computed
        )

    def _give(self, rule: Equation | Follows) -> bool:
        """Leave a column to a rule, unless what gives it is given by it."""
        return self.relations_.give(rule.column, given(rule, self.schema, self.units_))

    def _find_relations(self, train: pd.DataFrame, *, leave: Collection[str]) -> None:
        """Find what columns decide one another, but those of ``leave``."""
        names = [n for n in self.encoders_ if self._may_relate(self.schema[n]) and n not in leave]
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
            groups=self.constraints_.groups,
            join=self.choice.numeric != "cells",  # a chain keeps such pairs apart by itself
            deciding=self._verbatim(),
        )
        self.relations_ = found
        for name, encoding in found.encodings.items():
            self.encodings_[name] = encoding
            del self.encoders_[name]
        for block, joint in found.joints.items():
            self.encodings_[block] = "onehot"
            self.encoders_[block] = self._empty_encoder(block).fit(joint.every_code)
        self.notes_ += found.notes

    def _verbatim(self) -> list[str]:
        """Numbers in the row whose every decoded value is one that training has."""
        return [
            name
            for name, encoder in self.encoders_.items()
            if isinstance(encoder, CellsEncoder) and not encoder.interpolates_
        ]

    def _may_relate(self, column: Column) -> bool:
        """Whether others may decide a column, or it them: one block of codes, number or date."""
        encoding = self.encodings_[column.name]
        return encoding in CODES or (column.is_measured and encoding != "key")

    def _empty_encoder(self, name: str) -> ColumnEncoder:
        """The encoder of a column or a joint block, which has learned nothing."""
        if name in self.relations_.joints:
            return self.relations_.joints[name].encoder()
        if between := self.relations_.gap(name):
            return self.choice.build(self.schema[between[1]], self.encodings_[name])
        if self.encodings_[name] == "key":
            return LevelsEncoder()
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
        target = self.schema.target if self.schema.target in self.encoders_ else None
        names = [name for name in self.encoders_ if name != target]
        self.layout_ = RowLayout.from_widths(
            (
                (name, *shape)
                for name in [*names, *([target] if target else [])]  # all else follows from it
                for shape in self.encoders_[name].widths_
            ),
            target=target,
            exclusions=self._ruled_out(),
        )
        columns = [
            replace(c, key=c.key or c.name in self.keys_, dtype=self._wide(c))
            for c in self.schema.columns
        ]
        kept = {rule.text for rule in self.constraints_}
        entries = [e for e in self.schema.constraints if read_constraint(e).text in kept]
        self.schema_ = replace(
            self.schema, columns=tuple(columns), constraints=tuple(entries)
        ).without(self.dropped_)
        self._of_code: dict[str, Numbers] = {}

    def _ruled_out(self) -> list[Exclusion]:
        """The codes of columns that a rule, found or declared, keeps apart."""
        spans = {
            name: encoder.spans_
            for name, encoder in self.encoders_.items()
            if isinstance(encoder, CellsEncoder | LevelsEncoder | OneHotEncoder)
            and name in self.schema.names
            and name not in self.keys_
            and self.schema[name].kind != "string"
        }
        rules = [*self.constraints_, *self.found_]
        return ruled_out(rules, spans, schema=self.schema, units=self.units_)

    def _wide(self, column: Column) -> str | None:
        """A column's dtype; keys go on and sums add up beyond what a narrow integer holds."""
        grows = column.name in self.keys_ or column.name in self.relations_.sums
        narrow = column.dtype is not None and NARROW.fullmatch(column.dtype)
        return None if grows and narrow else column.dtype

    def _encoded_numbers(self, name: str, table: pd.DataFrame) -> Numbers:
        """What is encoded: a column's numbers, the codes of a joint block, or a distance."""
        if between := self.relations_.gap(name):
            below, above = (self._numbers(self.schema[n], table) for n in between)
            return above - below
        if name not in self.relations_.joints:
            return self._numbers(self.schema[name], table)
        joint = self.relations_.joints[name]
        columns = {part: self._numbers(self.schema[part], table) for part in joint.names}
        return joint.codes(columns, nearest=True)

    def _numbers(self, column: Column, table: pd.DataFrame) -> Numbers:
        if column.name in self.keys_:
            return _presence(table[column.name])
        if column.kind == "string":
            return _text_codes(self.texts_[column.name], table[column.name])
        return to_numbers(column, table[column.name], unit=self.units_.get(column.name, 1))

    def _values(self, column: Column, numbers: Numbers, first_row: int, key_seed: int) -> pd.Series:
        """The inverse of ``_numbers``; keys are made where there is to be one."""
        if column.name in self.keys_:
            made = self.keys_[column.name](first_row, len(numbers), key_seed)
            if column.kind == "integer" and column.missing:
                made = made.astype("Int64")
            return made.mask(np.isnan(numbers)) if column.missing else made
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
            return self._decode_presence(column.name, rows)
        if encoding == "condition":
            codes = condition.argmax(axis=1).astype(np.float64)
            return np.where(codes == len(column.categories), np.nan, codes)
        source = self.relations_.source(column.name)
        if isinstance(rows, CodedRows) and self.encodings_[source] in CODES:
            (block,) = self.layout_.of(source)
            return self._numbers_of_code(column).take(rows.codes_of(block).numpy())
        return self._finished(column, self._decoded_numbers(column.name, rows))

    def _decode_presence(self, name: str, rows: Encoded | CodedRows) -> Numbers:
        """0 where an id is to be, NaN where none; float64 [n]."""
        if name not in self.encoders_:
            return np.zeros(len(rows))
        return self._decoded_numbers(name, rows)

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
        if (step := self.constraints_.steps.get(column.name)) is not None:
            numbers = (numbers / step).round() * step
        return rounded(column, numbers)

    def _decoded_numbers(self, name: str, rows: Encoded | CodedRows) -> Numbers:
        if name in self.relations_.derived:
            source, lookup = self.relations_.derived[name]
            numbers = self._decoded_numbers(source, rows)
            if source not in self.relations_.joints:
                numbers = self._finished(self.schema[source], numbers)
            return lookup(numbers)
        if isinstance(rows, CodedRows):
            return self.encoders_[name].decode(rows.dense(self.layout_.of(name)).numpy())
        return self.encoders_[name].decode(rows[:, self._span(name)])


def _presence(values: pd.Series) -> Numbers:
    """0 where there is a value, NaN where none; float64 [n]."""
    return np.where(values.isna(), np.nan, 0.0)


def _text_codes(texts: list[str], values: pd.Series) -> Numbers:
    """Where each text stands among the sorted ``texts``; an unknown one is taken for the next."""
    known = values.notna().to_numpy()
    codes = np.full(len(values), np.nan)
    position = np.searchsorted(np.array(texts, dtype=object), values[known].to_numpy(dtype=object))
    codes[known] = position.clip(0, len(texts) - 1)
    return codes


def _class_codes(column: Column, table: pd.DataFrame) -> NDArray[np.int64]:
    """Int [n_rows]: the class of each row; a missing class is one behind the last category."""
    codes = to_numbers(column, table[column.name])
    return np.where(np.isnan(codes), len(column.categories), codes).astype(np.int64)
