"""Rows of a schema alone: every column by itself, learned from nothing; to try a pipeline with.

Numbers and dates are even between the bounds that rules declare (``0 <= age <= 120``), categories
equally frequent, a tenth of the cells missing where they may be. Declared rules are kept: steps,
orders, flags, sums, combinations with their rows and the forms of ids by construction, all others
by drawing again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.encoding.keys import FormedKey, Key, RunningKey
from tabgan.encoding.patterns import form_of_pattern
from tabgan.errors import TabganError
from tabgan.seeding import rng_at
from tabgan.system.files import write_sidecar
from tabgan.tables.constraints.columns import MICROS_A_DAY, Columns
from tabgan.tables.constraints.comparisons import Inequality, Range
from tabgan.tables.constraints.constraints import Constraints
from tabgan.tables.constraints.groups import Combination, Follows
from tabgan.tables.constraints.repairs import repaired
from tabgan.tables.dates import format_dates, parse_dates
from tabgan.tables.numbers import round_numbers
from tabgan.tables.schema import Column, TableSchema, category_dtype
from tabgan.tables.writers import open_writer

log = logging.getLogger(__name__)

PIECE = 10_000  # rows that are drawn together
MISSING = 0.1  # share of the cells of a column that may miss some
SPAN = 100.0  # of numbers without bounds, which begin at 0
DAYS = (10_957.0, 21_915.0)  # of dates without bounds: the years 2000 to 2029
MOST_EXACT = 2.0**53
LEAST_KEPT = 1e-4  # share of the rows drawn that keep all rules, below which it is given up
CLOCK_DAY = -25_567.0  # 1 January 1900, the day of clock times
PASSES = 10  # an order that is put right may break the one before
OF_A_DAY = re.compile(r"%[-^]?[yYjdeDFxcGUW]")  # of a format that says which day


@dataclass(kw_only=True)
class Drawn:
    """The number of rows drawn, and of those that kept all rules."""

    tried: int = 0
    kept: int = 0

    @property
    def share(self) -> float:
        """Of the rows drawn, those that keep all rules."""
        return self.kept / max(self.tried, 1)


class RowMaker:
    """Draws rows of a schema.

    Args:
        schema: its columns and rules.
        seed: of the draws; the same seed gives the same rows.
        n: rows in all, for which there have to be ids.

    Raises:
        TabganError: for rules that cannot be kept: what goes together is not declared, or a form
            has fewer ids than rows.
    """

    def __init__(self, schema: TableSchema, *, seed: int, n: int) -> None:
        self.schema, self.seed, self.n, self.drawn = schema, seed, n, Drawn()
        rules = Constraints.read(schema.constraints, schema)
        for rule in rules:
            if isinstance(rule, Combination | Follows) and not rule.rows:
                raise TabganError(
                    f"rule {rule.text!r}: what goes together is learned from a table; without one "
                    'declare it: {"rule": "...", "rows": [[...], ...]}'
                )
        self.keys = {c.name: _key(c, rules, n) for c in schema.columns if _is_made(c, rules)}
        self.others = schema.without(self.keys)
        self.rules, self.notes = rules.of(schema.names, self.keys)
        self.bounds = _bounds(self.others, self.rules)

    def pieces(self) -> Iterator[pd.DataFrame]:
        """The rows, which conform to the schema, in tables of at most 10,000.

        Raises:
            TabganError: when hardly a row keeps all rules.
        """
        for first_row in range(0, self.n, PIECE):
            n = min(PIECE, self.n - first_row)
            table = self._kept(n, first_row // PIECE)
            ids = {name: key(first_row, n, self.seed) for name, key in self.keys.items()}
            yield self.schema.conform(table.assign(**ids))

    def _kept(self, n: int, piece: int) -> pd.DataFrame:
        """``n`` rows that keep all rules."""
        kept: list[pd.DataFrame] = []
        left, attempt = n, 0
        while left:
            share = max(self.drawn.share, 0.01) if self.drawn.tried else 1.0
            tries = min(int(left / share) + 1, PIECE)
            table = self._tried(tries, rng_at(self.seed, "unlearned", piece, attempt))
            columns = Columns.of_table(self.others, table)
            each = self.rules.kept_each(columns)
            whole = [c.name for c in self.others.columns if not c.missing]
            good = each.all(axis=1) & table[whole].notna().all(axis=1).to_numpy()
            self.drawn.tried += tries
            self.drawn.kept += int(good.sum())
            if self.drawn.tried >= 10 / LEAST_KEPT and self.drawn.share < LEAST_KEPT:
                raise TabganError(self._given_up(each))
            kept.append(table[good].head(left))
            left, attempt = left - len(kept[-1]), attempt + 1
        return pd.concat(kept, ignore_index=True)

    def _given_up(self, each: NDArray[np.bool_]) -> str:
        shares = each.mean(axis=0)
        rules = [rule.text for rule in self.rules]
        worst = min(zip(shares, rules, strict=True), default=(0.0, ""))
        return (
            f"of {self.drawn.tried:,} rows drawn, {self.drawn.kept:,} keep all rules; fewest keep "
            f"{worst[1]!r} ({worst[0]:.1%}): declare bounds that make it likelier"
        )

    def _tried(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows, put right where a rule says how."""
        drawn = {column.name: self._column(column, n, rng) for column in self.others.columns}
        for rule in self.rules:
            if isinstance(rule, Combination) and rule.rows:
                chosen = rng.integers(len(rule.rows), size=n)
                for name, values in zip(rule.names, zip(*rule.rows, strict=True), strict=True):
                    drawn[name] = pd.Series(_values(self.others[name], values)[chosen])
        table = self.others.conform(pd.DataFrame(drawn, index=range(n)))
        for rule in self.rules.given:
            if isinstance(rule, Follows):
                decided = rule.decided(Columns.of_table(self.others, table))
                own = {rule.column: _values(self.others[rule.column], decided)}
                table = self.others.conform(table.assign(**own))
        for _ in range(PASSES):
            before, table = table, repaired(table, self.others, self.rules)
            if table.equals(before):
                break
        return table

    def _column(self, column: Column, n: int, rng: np.random.Generator) -> pd.Series:
        """A column by itself."""
        if column.is_nominal:
            codes = rng.integers(len(column.categories), size=n)
            codes = np.where(_missing(column, n, rng), -1, codes)
            dtype = category_dtype(column.categories)
            return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))
        low, high = self.bounds[column.name]
        if column.kind == "date":
            micros = rng.uniform(low * MICROS_A_DAY, high * MICROS_A_DAY, n).astype(np.int64)
            dates = pd.Series(micros.astype("datetime64[us]"))
            text = format_dates(dates, column.date_format or "%Y-%m-%d").to_pandas()
            values = parse_dates(text.astype("str"), column.date_format or "%Y-%m-%d")
        else:
            values = pd.Series(_numbers(column, low, high, n, rng))
        return values.mask(_missing(column, n, rng))


def write_unlearned(schema: TableSchema, out: Path, *, n: int, seed: int) -> dict[str, Any]:
    """Write rows of a schema alone to a file, and what is known of them beside it, as JSON.

    Raises:
        TabganError: as ``RowMaker``, or for a file that cannot be written.

    Returns:
        What the JSON says.
    """
    maker = RowMaker(schema, seed=seed, n=n)
    log.info("these rows are not learned from any data: every column is drawn by itself")
    for note in maker.notes:
        log.warning("%s", note)
    with open_writer(out, schema) as writer:
        for piece in maker.pieces():
            writer.write(piece)
    sidecar = {"rows": n, "seed": seed, "learned": False, "table": schema.name}
    if len(maker.rules):
        sidecar["keep_all_rules"] = maker.drawn.share
        log.info("rules: %.1f %% of the rows drawn keep them all", 100 * maker.drawn.share)
    write_sidecar(out, sidecar)
    log.info("%s rows: %s", f"{n:,}", out)
    return sidecar


def _is_made(column: Column, rules: Constraints) -> bool:
    """Whether a column's values only tell rows apart; text has none of its own, either."""
    declared = column.name in rules.keys or column.name in rules.patterns or column.key
    together = {n for r in rules if isinstance(r, Combination | Follows) for n in r.columns}
    given = column.name in together | {rule.column for rule in rules.given}
    return declared or (column.kind == "string" and not given)


def _key(column: Column, rules: Constraints, n: int) -> Key:
    """What makes ids, which number the rows from 1, or are of the declared form."""
    pattern, whole = rules.patterns.get(column.name), column.kind == "integer"
    nothing = pd.Series([], name=column.name, dtype="str")
    if pattern is not None:
        key: Key = FormedKey(column.name, form_of_pattern(pattern), whole=whole)
        key.fit(nothing, n).check(n)
        return key
    first = pd.Series([0] if whole else [""], name=column.name, dtype="int64" if whole else "str")
    return RunningKey().fit(first, n)


def _missing(column: Column, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    return rng.random(n) < MISSING if column.missing else np.zeros(n, bool)


def _bounds(schema: TableSchema, rules: Constraints) -> dict[str, tuple[float, float]]:
    """The least and the largest number, or day since 1970, of each column that may be drawn.

    They are those of its ranges, and of what an order makes of another column's.
    """
    names = [column.name for column in schema.columns if column.is_measured]
    low, high = dict.fromkeys(names, -np.inf), dict.fromkeys(names, np.inf)
    known = [rule for rule in rules if {*rule.columns} <= {*names}]
    for within in (rule for rule in known if isinstance(rule, Range)):
        low[within.column] = max(low[within.column], within.low)
        high[within.column] = min(high[within.column], within.high)
    orders = [rule for rule in known if isinstance(rule, Inequality)]
    for order in orders * len(orders):  # as often as the longest chain of them is long
        low[order.upper] = max(low[order.upper], low[order.lower])
        high[order.lower] = min(high[order.lower], high[order.upper])
    return {name: _closed(schema[name], low[name], high[name]) for name in names}


def _closed(column: Column, low: float, high: float) -> tuple[float, float]:
    """Bounds with an end of our own where one is open."""
    least, span = (DAYS[0], DAYS[1] - DAYS[0]) if column.kind == "date" else (0.0, SPAN)
    if column.kind == "date" and column.date_format and not OF_A_DAY.search(column.date_format):
        least, span = CLOCK_DAY, 1.0
    if np.isinf(low):
        low = least if np.isinf(high) or high > least else high - span
    return low, max(low, low + span if np.isinf(high) else high)


def _numbers(
    column: Column, low: float, high: float, n: int, rng: np.random.Generator
) -> NDArray[Any]:
    """Even numbers of a column's decimals; float64, of whole ones int64."""
    scale = 10.0 ** (column.decimals or 0)
    is_grid = column.kind == "integer" or column.decimals is not None
    first, last = np.ceil(low * scale), np.floor(high * scale)
    if not is_grid or max(abs(first), abs(last)) >= MOST_EXACT or last < first:
        values = rng.uniform(low, high, n)
        return np.round(values).astype(np.int64) if column.kind == "integer" else values
    steps = rng.integers(int(first), int(last), size=n, endpoint=True)
    return steps if column.kind == "integer" else round_numbers(steps / scale, column.decimals or 0)


def _values(column: Column, values: Iterable[Any]) -> NDArray[np.object_]:
    """A rule's values as a table has them."""
    return np.array([*(_value(column, value) for value in values), None], dtype=object)[:-1]


def _value(column: Column, value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if column.kind == "date":
        return pd.Timestamp(int(value * MICROS_A_DAY), unit="us")
    return f"{value:g}" if column.is_nominal else value
