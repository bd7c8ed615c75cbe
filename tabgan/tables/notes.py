"""Notes in the log on how a table was read."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from tabgan.errors import shown
from tabgan.tables.markers import is_marker
from tabgan.tables.schema import TableSchema

log = logging.getLogger(__name__)


def tell_missing(schema: TableSchema, title: Path | str) -> None:
    """Log which texts are read as missing cells, and warn of those that are no common markers."""
    names_of: dict[str, list[str]] = {}
    for column in schema.columns:
        for text in column.missing_values:
            if text.strip() and is_marker(text):
                names_of.setdefault(text, []).append(column.name)
        strange = [text for text in column.missing_values if not is_marker(text)]
        if strange:
            log.warning(
                "%s: column %r holds %s but for %s, read as missing; a schema file can declare "
                "otherwise", title, column.name, "dates" if column.kind == "date" else "numbers",
                ", ".join(map(shown, strange)),
            )  # fmt: skip
    for text, names in names_of.items():
        log.info("%s: %s is read as missing in %s", title, shown(text), ", ".join(names))


def tell_codes(table: pd.DataFrame, schema: TableSchema, title: Path | str) -> None:
    """Log numbers that may be codes for a missing value: -999 among ages, far from all others."""
    for column in schema.columns:
        if not column.is_number:
            continue
        numbers = table[column.name].to_numpy(dtype="float64", na_value=np.nan)
        for code, n in _codes(numbers[np.isfinite(numbers)]):
            log.info(
                "%s: column %r: %g in %d rows is far from all other values; if it means missing, "
                'declare it in a schema file ("missing_values": ["%g"])',
                title, column.name, code, n, code,
            )  # fmt: skip


def _codes(numbers: np.ndarray) -> Iterator[tuple[float, int]]:
    """The least or the greatest number, if it is all nines, and how often it is there."""
    for code in (numbers.min(), numbers.max()) if len(numbers) else ():
        if not re.fullmatch("-9+|99+", f"{code:.0f}") or code != np.floor(code):
            continue
        others = numbers[numbers != code]
        if len(others) in (0, len(numbers) - 1):
            continue
        alone = others.min() >= 0 if code < 0 else code - others.max() > np.ptp(others)
        if alone:
            yield float(code), len(numbers) - len(others)
