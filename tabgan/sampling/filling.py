"""A file with missing cells, and the files of a filling: one per imputation, and a sidecar."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd

from tabgan.errors import TabganError, other_columns
from tabgan.sampling.imputing import HOWS, Imputer
from tabgan.system.files import write_sidecar
from tabgan.tables.readers import column_names, reader_of
from tabgan.tables.schema import TableSchema
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)


def fill_file(
    imputer: Imputer, path: Path, out: Path | None, *, n_imputations: int, how: str
) -> list[Path]:
    """Fill the missing cells of a file; of several imputations the i-th goes to ``<out>_<i>``.

    Without ``out`` they go beside the file, as ``filled_<file>``, and over no other file. Beside
    the (first) file lies ``<file>.json``, the sidecar: missing cells per column, and the request.

    Returns:
        The files, one per imputation.

    Raises:
        TabganError: when the file cannot be read or has other columns or values than the run's
            table, when ``how`` is unknown, or when likeliest values are requested for more than
            once.
    """
    check_how(how, n_imputations)
    schema = imputer.encoder.schema
    table = read_incomplete(path, schema, optional=imputer.encoder.dropped_)
    outs = _unused_outs(path, n_imputations) if out is None else _outs(out, n_imputations)
    sidecar = _sidecar(imputer, table) | {"from": str(path), "how": how, "seed": imputer.seed}
    _log(sidecar)
    for filled, target in zip(imputer.fill(table, n_imputations, how), outs, strict=True):
        write_table(target, filled, written_schema(schema, filled))
        log.info("the filled table: %s", target)
    write_sidecar(outs[0], sidecar)
    if out is not None and n_imputations > 1 and _numbered(out, n_imputations + 1).exists():
        log.warning("%s is of an earlier call", _numbered(out, n_imputations + 1))
    return outs


def _outs(out: Path, n: int) -> list[Path]:
    return [out] if n == 1 else [_numbered(out, i + 1) for i in range(n)]


def _unused_outs(path: Path, n: int) -> list[Path]:
    """``filled_<file>``, or with -2, -3, ...: the first of which nothing is there."""
    for number in itertools.count(1):
        name, dot, suffixes = f"filled_{path.name}".partition(".")
        base = path.with_name(f"{name}{'' if number == 1 else f'-{number}'}{dot}{suffixes}")
        if not any(one.exists() for one in (base, _numbered(base, 1))):
            return _outs(base, n)
    raise AssertionError("itertools.count ended")


def check_how(how: str, n_imputations: int) -> None:
    """Refuse an unknown ``how``, and copies of what is the same each time.

    Raises:
        TabganError: saying what is expected.
    """
    if how not in HOWS:
        raise TabganError(f"how={how}: expected one of {list(HOWS)}")
    if not isinstance(n_imputations, Integral) or n_imputations < 1:
        raise TabganError(f"n_imputations={n_imputations}: expected a whole number, at least 1")
    if how == "likeliest" and n_imputations > 1:
        raise TabganError(
            f"how=likeliest and n_imputations={n_imputations}: all would be the same; "
            "several imputations need how=draw"
        )


def read_incomplete(
    path: Path, schema: TableSchema, *, optional: Iterable[str] = ()
) -> pd.DataFrame:
    """A file in the columns and kinds of ``schema``, in which any cell may be missing.

    Args:
        path: a file of a format that tabgan reads.
        schema: of the run's table.
        optional: columns that the file may lack.

    Raises:
        TabganError: when the file cannot be read, has other columns, or a value is none of its
            column's.
    """
    read, names = reader_of(path), column_names(path, schema)
    check_columns(names, schema, str(path), optional=optional)
    table: pd.DataFrame = read(path, schema=with_cells_missing(schema, names))[0]
    if len(table) == 0:
        raise TabganError(f"{path}: no rows")
    return table


def check_columns(
    names: Iterable[str], schema: TableSchema, title: str, *, optional: Iterable[str] = ()
) -> None:
    """Refuse a table with other columns than the run's.

    Raises:
        TabganError: naming what is absent and what is too much.
    """
    names = list(names)
    absent = [n for n in schema.names if n not in names and n not in set(optional)]
    added = [name for name in names if name not in schema.names]
    if absent or added:
        raise TabganError(
            f"{title}: other columns than the run's table: it {other_columns(absent, added)}; "
            "a column without values has all its cells filled"
        )


def with_cells_missing(schema: TableSchema, names: Iterable[str]) -> TableSchema:
    """``schema`` in some columns, any of whose cells may be missing and numbers of any decimals."""
    columns = tuple(replace(schema[name], missing=True, decimals=None) for name in names)
    return replace(schema, columns=columns, target=None)


def written_schema(schema: TableSchema, filled: pd.DataFrame) -> TableSchema:
    """``schema`` for a filled table: decimals are kept where they hold the known cells too."""
    columns = []
    for name in map(str, filled):
        column, values = schema[name], filled[name]
        whole = column.decimals is None or values.round(column.decimals).equals(values)
        decimals = column.decimals if whole else None
        columns.append(replace(column, decimals=decimals, missing=bool(values.isna().any())))
    return replace(schema, columns=tuple(columns), target=None)


def _numbered(out: Path, position: int) -> Path:
    stem, dot, suffixes = out.name.partition(".")
    return out.with_name(f"{stem}_{position}{dot}{suffixes}")


def _sidecar(imputer: Imputer, table: pd.DataFrame) -> dict[str, Any]:
    """Missing cells per column, rows with no known cell, and missing cells that stay."""
    names, left = list(imputer.encoder.schema_.names), imputer.encoder.dropped_
    missing = table.isna()
    return {
        "rows": len(table),
        "missing": {str(n): int(count) for n, count in missing[names].sum().items() if count},
        "rows_without_a_known_cell": int(missing[names].all(axis=1).sum()),
        "still_missing": {
            n: int(missing[n].sum()) for n in left if n in table and missing[n].any()
        },
    }


def _log(sidecar: dict[str, Any]) -> None:
    missing = sidecar["missing"]
    log.info("%s missing cells in %s rows", f"{sum(missing.values()):,}", f"{sidecar['rows']:,}")
    if n := sidecar["rows_without_a_known_cell"]:
        log.info("%s rows have no known cell: they are drawn like any row of the table", f"{n:,}")
    for name, n in sidecar["still_missing"].items():
        log.info("column %r was never learned: its %s missing cells stay missing", name, f"{n:,}")
