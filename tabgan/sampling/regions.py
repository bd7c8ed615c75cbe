"""The parts of an encoded row that a condition allows.

Found by decoding: each code of a column's discrete blocks is decoded at both ends of its scalar;
where that changes the value, the scalar's allowed spans are found by bisection, for every scale
decodes monotonically. No encoder need know of conditions, and a new one works at once.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.sampling.requests import Condition, Request
from tabgan.tables.conditions import Requested, shown

log = logging.getLogger(__name__)

FAR = 1e5  # of an encoded scalar, in its standard deviations
HALVINGS = 64
NOT_LEARNED = {  # why a column of this encoding cannot be requested
    "key": "the column is a key, whose values number the rows; generated rows are given new ones",
    "dropped": "the column is text that the model never learned",
}

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """The part of one encoded column that a condition allows.

    Attributes:
        codes: bool [n_codes]; of several discrete blocks all combinations, the last changing
            fastest; without a discrete block the one code 0.
        spans: float32 [n_varying, n_spans, 2], inclusive, of the scalar under each code whose
            value depends on it (``Axis.varying``); an empty span is (inf, inf).
    """

    codes: NDArray[np.bool_]
    spans: NDArray[np.float32]


class Axis:
    """A column's positions in an encoded row, and what is decoded from them.

    A derived column's positions are those of the column that decides it. The condition's are those
    of the condition.

    Attributes:
        scalar: the position of its scalar, or None.
        discrete: its discrete blocks.
        starts, widths: of these.
        n_codes: the combinations of these.
        varying: the codes whose value depends on the scalar.
    """

    def __init__(self, encoder: TableEncoder, name: str) -> None:
        self.encoder, self.name = encoder, name
        self.source = encoder.relations_.source(name)
        blocks = encoder.layout_.of(self.source)
        scalars = [block.start for block in blocks if block.kind == "continuous"]
        self.discrete = tuple(block for block in blocks if block.kind == "discrete")
        if len(scalars) > 1:
            raise TabganError(
                f"where.{name}: a column of {len(scalars)} scalars cannot be requested"
            )
        self.is_condition = encoder.encodings_[name] == "condition"
        self.scalar = scalars[0] if scalars else None
        self.starts = tuple(block.start for block in self.discrete)
        self.widths = tuple(block.width for block in self.discrete)
        self.n_codes = encoder.condition_width if self.is_condition else math.prod(self.widths)
        codes = np.arange(self.n_codes)
        self.low, self.high = (self._decode(codes, np.full(len(codes), z)) for z in (-FAR, FAR))
        self.varying = np.flatnonzero(self.low != self.high)

    def regions(self, requested: Sequence[Requested]) -> list[Region]:
        """The region of each; empty where training has no such value.

        Raises:
            TabganError: for an empty one, naming what there is.
        """
        spans = [self._spans(one) for one in requested]
        most = max(map(len, spans))
        wanted = np.full((len(requested), most, 2), (np.inf, -np.inf))
        for row, found in zip(wanted, spans, strict=True):
            row[: len(found)] = found
        values = self.low[:, None, None]
        inside = np.logical_and(values >= wanted[..., 0], values <= wanted[..., 1])
        codes = np.asarray(inside.any(axis=2))  # [n_codes, n_asked]
        scalars = self._bisected(wanted)  # [n_varying, n_asked, n_spans, 2]
        for code, found in zip(self.varying, scalars, strict=True):
            codes[code] = np.isfinite(found).any(axis=(1, 2)) | _whole(found).any(axis=1)
        if self.is_condition:
            codes &= (self.encoder.class_counts_ > 0)[:, None]
        for position, one in enumerate(requested):
            if not codes[:, position].any():
                raise TabganError(f"{one}: {self._what_there_is(spans[position])}")
        return [
            Region(codes=codes[:, position], spans=scalars[:, position])
            for position in range(len(requested))
        ]

    def _spans(self, requested: Requested) -> list[tuple[float, float]]:
        """The spans in the column's own numbers; missing is the span at infinity."""
        unit = self.encoder.units_.get(self.name, 1)
        spans = [(low / unit, high / unit) for low, high in requested.spans]
        known = [(low, min(high, np.finfo(float).max)) for low, high in spans]
        return known + ([(np.inf, np.inf)] if requested.missing else [])

    def _decode(self, codes: NDArray[np.int64], scalars: NDArray[np.floating]) -> Floats:
        """The values of codes and scalars, float64 [n], infinite where missing."""
        rows = np.zeros((len(codes), self.encoder.layout_.width), np.float32)
        condition = np.zeros((len(codes), self.encoder.condition_width), np.float32)
        each = np.arange(len(codes))
        if self.is_condition:
            condition[each, codes] = 1.0
        else:
            for start, code in zip(self.starts, self.parts(codes), strict=True):
                rows[each, start + code] = 1.0
        if self.scalar is not None:
            rows[:, self.scalar] = scalars
        values = self.encoder.decode_column(self.name, rows, condition)
        return np.where(np.isnan(values), np.inf, values)

    def parts(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """The code of each discrete block."""
        return np.unravel_index(codes, self.widths) if self.widths else ()

    def _bisected(self, wanted: Floats) -> NDArray[np.float32]:
        """Per varying code and span [n_asked, n_spans, 2] of values, the scalar's span.

        From the smallest scalar that decodes to at least the low end up to the largest that
        decodes to at most the high end, open where the end of the scale is reached.
        """
        shape = (len(self.varying), *wanted.shape)
        if len(self.varying) == 0:
            return np.empty(shape, np.float32)
        codes = np.repeat(self.varying, wanted[..., 0].size)
        low = np.tile(wanted[..., 0].ravel(), len(self.varying))
        high = np.tile(wanted[..., 1].ravel(), len(self.varying))
        first = self._edge(codes, lambda values: values >= low)[1]
        last = self._edge(codes, lambda values: values > high)[0]
        empty = (first >= last) | (low > high) | (self.high[codes] < low) | (self.low[codes] > high)
        first = np.where(self.low[codes] >= low, -np.inf, first)
        last = np.where(self.high[codes] <= high, np.inf, last)
        found = np.stack([np.where(empty, np.inf, first), np.where(empty, np.inf, last)], axis=-1)
        return found.reshape(shape).astype(np.float32)

    def _edge(
        self, codes: NDArray[np.int64], reached: Callable[[Floats], NDArray[np.bool_]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Neighbouring scalars: the largest that has not ``reached``, the smallest that has."""
        before = np.full(len(codes), -FAR, np.float32)
        after = np.full(len(codes), FAR, np.float32)
        for _ in range(HALVINGS):
            middle = (before + after) / 2
            there = reached(self._decode(codes, middle))
            before, after = np.where(there, before, middle), np.where(there, middle, after)
        return before, after

    def neighbours(self, requested: Requested) -> tuple[float, float] | None:
        """The values on both sides of a number that training never had, in the column's numbers.

        None where training had it, where it lies outside the training range, and where other
        columns are put back by this one.
        """
        spans = self._spans(requested)
        is_one = len(spans) == 1 and spans[0][0] == spans[0][1]
        if not (is_one and requested.column.is_measured) or requested.missing or not self._is_free:
            return None
        known, value = self._known(spans), spans[0][0]
        if not known[0] < value < known[-1] or value in known:
            return None
        above = int(np.searchsorted(known, value))
        return float(known[above - 1]), float(known[above])

    @property
    def _is_free(self) -> bool:
        """Whether no other column is put back by this one, or learned beside it."""
        relations = self.encoder.relations_
        used = {source for source, _ in relations.derived.values()}
        used |= {term for found in relations.sums.values() for term in found.terms}
        used |= {name for above, (below, _) in relations.gaps.items() for name in (above, below)}
        return self.source == self.name and self.name not in used

    def _known(self, spans: Sequence[tuple[float, float]]) -> Floats:
        """Values that can be drawn, ascending: among them those nearest to the spans, and ends."""
        around = self._decode(
            np.repeat(self.varying, 2 * len(spans)),
            self._around(spans) if len(self.varying) else np.empty(0),
        )
        ends = [self.low[self.varying], self.high[self.varying]]
        fixed = np.delete(self.low, self.varying)
        known = np.unique(np.concatenate([fixed, around, *ends]))
        finite: Floats = known[np.isfinite(known)]
        return finite

    def _what_there_is(self, spans: Sequence[tuple[float, float]]) -> str:
        """Why nothing is as requested: the constant, the range, or the nearest values."""
        column, unit = self.encoder.schema[self.name], self.encoder.units_.get(self.name, 1)
        known = self._known(spans)
        if not np.isfinite(spans[0][0]) and self.encoder.is_masked and not self.is_condition:
            return "generated rows have no missing values there (encoder.missing=masked)"
        if column.is_nominal or len(known) == 0 or not np.isfinite(spans[0][0]):
            return "training saw no such row"
        if len(known) == 1:
            return f"the column is constant: {shown(column, known[0] * unit)}"
        low, high = known[0], known[-1]
        training_range = (
            f"the training range {shown(column, low * unit)}..{shown(column, high * unit)}"
        )
        if all(s[1] < low or s[0] > high for s in spans):
            return f"outside {training_range}"
        distance = np.min([np.maximum(s[0] - known, known - s[1]) for s in spans], axis=0)
        near = sorted(known[np.argsort(distance, kind="stable")[:2]])
        values = " and ".join(shown(column, value * unit) for value in near)
        return f"training has no such value; the nearest are {values}, of {training_range}"

    def _around(self, spans: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
        """Scalars on both sides of each span, per varying code."""
        codes = np.repeat(self.varying, len(spans))
        low, high = (np.tile([s[end] for s in spans], len(self.varying)) for end in (0, 1))
        below = self._edge(codes, lambda values: values >= low)[0]
        above = self._edge(codes, lambda values: values > high)[1]
        return np.column_stack([below, above]).ravel()


class Regions:
    """The regions of a request's conditions, column by column.

    Attributes:
        axes: per encoded column that any condition names.
        of: per condition, its region of each such column.
        between: per column, the number that each condition requests between two training values,
            float64 [n_conditions], NaN for none: rows are drawn as for these two, and the number
            is to be put in their place.
        checked: columns without a position, as a sum or the condition decides them: rows are
            drawn without regard to what is requested of them, and those as requested are kept.

    Args:
        encoder: of the rows.
        request: the conditions.
        may_lie_between: whether a number is fine that lies between two training values.

    Raises:
        TabganError: for a condition that no row can satisfy, naming the column and what exists.
    """

    def __init__(
        self, encoder: TableEncoder, request: Request, *, may_lie_between: bool = False
    ) -> None:
        self.axes: dict[str, Axis] = {}
        self.checked: set[str] = set()
        self.of: list[dict[str, Region]] = [{} for _ in request.conditions]
        self.between: dict[str, Floats] = {}
        for name in dict.fromkeys(name for requested in request.conditions for name in requested):
            encoding = encoder.encodings_[name]
            if encoding in NOT_LEARNED:
                raise TabganError(f"where.{name}: {NOT_LEARNED[encoding]}")
            if encoding in ("sum", "computed"):
                _check_sum(encoder, name, [c[name] for c in request.conditions if name in c])
                self.checked.add(name)
                continue
            axis = Axis(encoder, name)
            requests = [
                (position, c[name]) for position, c in enumerate(request.conditions) if name in c
            ]
            distinct = {(one.spans, one.missing): one for _, one in requests}
            if may_lie_between:
                self._put_between(axis, distinct, requests)
            found = dict(zip(distinct, axis.regions([*distinct.values()]), strict=True))
            if axis.n_codes == 1 and axis.scalar is None:
                continue  # constant, and as requested
            self.axes.setdefault(axis.source, axis)
            for position, one in requests:
                self._add(
                    position, axis, found[one.spans, one.missing], request.conditions[position]
                )

    def _put_between(
        self,
        axis: Axis,
        distinct: dict[tuple[tuple[tuple[float, float], ...], bool], Requested],
        requests: Sequence[tuple[int, Requested]],
    ) -> None:
        """Ask for both neighbours in place of each number that training never had."""
        unit = axis.encoder.units_.get(axis.name, 1)
        for key, one in distinct.items():
            if near := axis.neighbours(one):
                low, high = (value * unit for value in near)
                distinct[key] = replace(one, spans=((low, low), (high, high)))
                log.info(
                    "%s: training has no such value; such rows are drawn as for %s and %s",
                    one, shown(one.column, low), shown(one.column, high),
                )  # fmt: skip
                for position, other in requests:
                    if (other.spans, other.missing) == key:
                        none = np.full(len(self.of), np.nan)
                        values = self.between.setdefault(axis.name, none)
                        values[position] = one.spans[0][0] / unit

    def _add(self, position: int, axis: Axis, region: Region, condition: Condition) -> None:
        other = self.of[position].get(axis.source)
        if other is not None:  # columns of one discrete block: derived, or joined
            region = Region(codes=region.codes & other.codes, spans=region.spans)
            if not region.codes.any():
                requested = [
                    one for name, one in condition.items()
                    if Axis(axis.encoder, name).source == axis.source
                ]  # fmt: skip
                raise TabganError(
                    f"{' and '.join(map(str, requested))} contradict each other: training has no "
                    "row "
                    "with both, and the generator makes none"
                )
        self.of[position][axis.source] = region


def _check_sum(encoder: TableEncoder, name: str, requested: Sequence[Requested]) -> None:
    """Refuse what lies outside the training range of a sum of other columns."""
    if name not in encoder.ranges_:
        return  # a category that a sum decides
    unit = encoder.units_.get(name, 1)  # of dates, which are requested in microseconds
    low, high = (end * unit for end in encoder.ranges_[name])
    column = encoder.schema[name]
    for one in requested:
        inside = any(start <= high and end >= low for start, end in one.spans)
        if not (inside or (one.missing and column.missing)):
            training_range = f"{shown(column, low)}..{shown(column, high)}"
            raise TabganError(f"{one}: outside the training range {training_range}")


def _whole(spans: NDArray[np.float32]) -> NDArray[np.bool_]:
    unbounded: NDArray[np.bool_] = (spans[..., 0] == -np.inf) & (spans[..., 1] == np.inf)
    return unbounded
