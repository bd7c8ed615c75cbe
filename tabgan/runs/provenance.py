"""The record of a run's table and version, ``run.json``, which a resumed run must match."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import pandas as pd

from tabgan.data.datamodule import TableDataModule
from tabgan.errors import TabganError
from tabgan.runs.folder import RECORD, ROWS
from tabgan.system.files import FORMAT, check_format, write_whole


def record(datamodule: TableDataModule) -> dict[str, Any]:
    """The format, tabgan's version, the run's kind, and the table: numbers of rows, and hashes."""
    train = cast(pd.DataFrame, datamodule.train)
    parts = {"train": train, "validation": datamodule.validation, "test": datamodule.test}
    table = pd.concat([part[train.columns] for part in parts.values()], ignore_index=True)
    return {
        **_begun(ROWS),
        **({} if datamodule.content is None else {"content": datamodule.content}),
        "rows": {name: len(part) for name, part in parts.items()},
        **table_hashes(table),
        "order": rows_hash(table),
    }


def save_record(datamodule: TableDataModule, folder: Path) -> None:
    """Write ``run.json``."""
    write_whole(folder / RECORD, json.dumps(record(datamodule), indent=2) + "\n")


def save_kind(kind: str, folder: Path) -> None:
    """Write the ``run.json`` of a run that nobody goes on with, so that it names no table."""
    write_whole(folder / RECORD, json.dumps(_begun(kind), indent=2) + "\n")


def check_record(datamodule: TableDataModule, folder: Path) -> None:
    """Refuse to go on with another version or other rows than the run was begun with.

    Raises:
        TabganError: naming what changed.
    """
    before, now = read_record(folder), record(datamodule)
    if before is None:  # it was killed before it had read its table
        save_record(datamodule, folder)
        return
    if before.get("tabgan") != now["tabgan"]:
        raise TabganError(
            f"{folder}: begun by tabgan {before.get('tabgan')}, this is {now['tabgan']}; "
            "go on with that version, or train anew"
        )
    changed = _changes(before, now)
    if changed:
        raise TabganError(f"{folder}: the table has changed since the run began: {changed}")


def check_table(datamodule: TableDataModule, folder: Path) -> None:
    """Refuse another table than the one that the run in ``folder`` was trained on.

    Raises:
        TabganError: naming what differs, or that the folder does not say what it learned.
    """
    before, now = read_record(folder), record(datamodule)
    if before is None:
        raise TabganError(
            f"{folder}: {RECORD} is missing, which says what table the run was trained on"
        )
    changed = _changes(before, now)
    if not changed:
        return
    table = datamodule.path or f"data set {datamodule.name!r}"
    old, new = before.get("tabgan"), now["tabgan"]
    also = "" if old == new else f", or tabgan {new} reads it otherwise than {old} did"
    raise TabganError(
        f"{table}: not the table that {folder} was trained on; what differs: {changed}{also}"
    )


def is_own(parts: Sequence[pd.DataFrame], folder: Path) -> bool:
    """Whether a table, in parts, holds the rows that the run in ``folder`` was trained on."""
    found = read_record(folder)
    return found is not None and found.get("table") == table_hashes(*parts)["table"]


def read_record(folder: Path) -> dict[str, Any] | None:
    """The contents of ``run.json``; None where a run has none.

    Raises:
        TabganError: when it is damaged, or of a newer format.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        written_in = found["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TabganError(f"{path}: not a run's record: {error!r}") from error
    check_format(written_in, path)
    return found


def _begun(kind: str) -> dict[str, Any]:
    """What every record says."""
    return {"format": FORMAT, "tabgan": _version(), "kind": kind}


def _version() -> str:
    try:
        return version("tabgan-lightning")
    except PackageNotFoundError:  # a checkout on the path that was never installed
        return "unknown"


def _changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The columns and numbers of rows that are not as they were, for people."""
    if before.get("content") != now.get("content"):
        return "the file, or how it is encoded"
    if before.get("rows") != now["rows"]:
        return f"rows {before.get('rows')} became {now['rows']}"
    old, new = before.get("columns", {}), now["columns"]
    names = [name for name in [*old, *new] if old.get(name) != new.get(name)]
    if names:
        return f"column {', '.join(map(repr, dict.fromkeys(names)))}"
    return "the order of its rows" if before.get("order") != now["order"] else ""


def table_hashes(*parts: pd.DataFrame) -> dict[str, Any]:
    """Hashes of a table that its rows' order does not change: ``columns`` and ``table``."""
    table = pd.concat(parts, ignore_index=True)
    columns = {str(name): values_hash(table[name]) for name in table}
    return {"columns": columns, "table": values_hash(table)}


def values_hash(values: pd.Series | pd.DataFrame) -> str:
    """Sixteen hexadecimal digits of a column's values or a table's rows, in whatever order."""
    total = pd.util.hash_pandas_object(values, index=False).sum()
    return f"{int(total):016x}"


def rows_hash(table: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits of a table's rows in their order."""
    hashes = pd.util.hash_pandas_object(table, index=False).to_numpy()
    return hashlib.sha256(hashes.tobytes()).hexdigest()[:16]
