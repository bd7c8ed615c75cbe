"""Training rows against declared rules, before any long work."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabgan.errors import TabganError
from tabgan.tables.constraints.columns import Columns, Mask
from tabgan.tables.constraints.constraints import Constraints, listed
from tabgan.tables.constraints.repairs import repaired
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)

ON_VIOLATION = ("error", "warn", "drop", "repair")
SHOWN_ROWS = 5


def check_choice(on_violation: str) -> None:
    """Refuse an unknown choice.

    Raises:
        TabganError: naming those that there are.
    """
    if on_violation not in ON_VIOLATION:
        raise TabganError(f"data.on_violation={on_violation}: expected one of {list(ON_VIOLATION)}")


def declared(schema: TableSchema, also: Sequence[Any] = ()) -> tuple[TableSchema, Constraints]:
    """The schema with more rules among its own, and all of them read.

    Raises:
        TabganError: as ``Constraints.read``.
    """
    entries = (*schema.constraints, *listed(also))
    rules = Constraints.read(entries, schema)
    return replace(schema, constraints=tuple(rules.plain())), rules


def settled(
    table: pd.DataFrame,
    schema: TableSchema,
    rules: Constraints,
    *,
    on_violation: str,
    first_row: int = 0,
    first_line: int | None = None,
) -> pd.DataFrame:
    """The rows to learn from, once they keep the rules, or are known not to.

    Args:
        table: conforms to ``schema``.
        schema: its columns.
        rules: that were declared.
        on_violation: "error" refuses a table with rows that break a rule; "warn" says so and goes
            on; "drop" leaves them out (the index says which remain); "repair" changes what can be
            put right and refuses the rest.
        first_row: the number of the first row.
        first_line: of the file, in which the first row stands, one row a line; None where that is
            not known.

    Raises:
        TabganError: saying which rules are broken, by how many rows, and by which first.
    """
    kept = rules.kept_each(Columns.of_table(schema, table))
    if kept.all():
        return table
    start = first_row if first_line is None else first_line
    word = "row" if first_line is None else "line"
    message = violations(rules, kept, word, start)
    if on_violation == "warn":
        log.warning("%s; learned all the same, and no generated row does", message)
        return table
    if on_violation == "drop":
        rows = kept.all(axis=1)
        log.warning("%s; %s rows are left out", message, f"{int((~rows).sum()):,}")
        return table[rows]
    if on_violation == "repair":
        table = repaired(table, schema, rules)
        still = rules.kept_each(Columns.of_table(schema, table))
        if still.all():
            log.warning("%s; put right", message)
            return table
        message = f"{violations(rules, still, word, start)}, which cannot be put right"
    ways = [way for way in ON_VIOLATION[1:] if way != on_violation]
    raise TabganError(f"{message}; data.on_violation={'|'.join(ways)} goes on")


def violations(rules: Constraints, kept: Mask, word: str = "row", start: int = 0) -> str:
    """The broken rules in words, with the number of rows that break each, and the first of them.

    Args:
        rules: all of them.
        kept: bool [n, rules].
        word: what rows are counted in, "row" or "line".
        start: the number of the first.
    """
    parts = []
    for rule, of_rule in zip(rules, kept.T, strict=True):
        rows = np.flatnonzero(~of_rule)
        if len(rows):
            share = f"{len(rows):,} of {len(kept):,} rows ({len(rows) / len(kept):.1%})"
            parts.append(f"{rule.text!r} is broken by {share}, {_positions(rows + start, word)}")
    return f"constraints: {'; '.join(parts)}"


def _positions(numbers: NDArray[np.int64], word: str) -> str:
    listed = ", ".join(map(str, numbers[:SHOWN_ROWS].tolist()))
    more = ", ..." if len(numbers) > SHOWN_ROWS else ""
    counted = " (from 0)" if word == "row" else ""
    return f"first in {word}{'s' if len(numbers) > 1 else ''} {listed}{more}{counted}"
