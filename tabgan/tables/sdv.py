"""SDV's metadata, in and out: what its JSON says of one table's columns.

Version 1 (``"V1"``, and ``"SINGLE_TABLE_V1"`` before it) says of each column its *sdtype*; all
else (categories, decimals, whether a value may be missing) is what the table itself shows. Of
version 2 the categories are read, too. https://docs.sdv.dev/sdv/reference/metadata-spec
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from tabgan.errors import TabganError, nearest, one_line, shown
from tabgan.system.files import write_whole
from tabgan.tables.dates import check_date_format
from tabgan.tables.profile import in_order, numbers_in_text
from tabgan.tables.schema import Column, TableSchema

log = logging.getLogger(__name__)

VERSION = "V1"
KINDS = {
    "numerical": "number", "categorical": "category", "ordinal": "category", "boolean": "boolean",
    "datetime": "date", "id": "id", "unknown": "unknown",
}  # fmt: skip
PERSONAL = (
    "address", "administrative_unit", "city", "country_code", "credit_card_number", "email",
    "first_name", "iban", "ipv4_address", "ipv6_address", "last_name", "latitude", "license_plate",
    "longitude", "mac_address", "name", "phone_number", "postcode", "secondary_address", "ssn",
    "state_abbr", "street_address", "swift11", "swift8", "user_agent_string", "vin",
)  # fmt: skip
PLAIN_DATES = re.compile(r"(?:[^%]|%[aAbBdHIjmMpSfyYzZ%])*")  # which every strftime knows


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The metadata of a column.

    Attributes:
        kind: a value of ``KINDS``, or "personal" for what says something of a person.
        is_whole: of numbers: whether they are whole; None where nothing is said.
        categories: their labels, in order; None where the table shows them.
        date_format: of dates; None where the table shows it.
        key: whether it numbers the rows.
    """

    kind: str
    is_whole: bool | None = None
    categories: tuple[str, ...] | None = None
    date_format: str | None = None
    key: bool = False


@dataclass(frozen=True)
class Metadata:
    """SDV's metadata of one table, column by column."""

    columns: Mapping[str, Declared]

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Read the object that the JSON file holds.

        Raises:
            TabganError: for several tables, an unknown sdtype, or fields of another type.
        """
        table = _only_table(plain)
        columns = table.get("columns")
        if not isinstance(columns, Mapping) or not columns:
            raise TabganError("SDV metadata: expected an object 'columns' with a column or more")
        keys = _keys(table, columns)
        for field in ("sequence_key", "sequence_index"):
            if table.get(field):
                log.warning("SDV metadata: %s is not read: rows are learned one by one", field)
        return cls({n: _declared(n, entry, n in keys) for n, entry in columns.items()})

    def applied(self, schema: TableSchema, texts: Callable[[str], pd.Series]) -> TableSchema:
        """The schema that a table suggests, in the kinds that the metadata declares.

        Args:
            schema: what the table suggests; columns of which nothing is declared stay as they are.
            texts: the values of a column, by its name, as text; missing ones are NaN.

        Raises:
            TabganError: for a column that the table has not, or values of another kind.
        """
        if absent := [name for name in self.columns if name not in schema.names]:
            hint = nearest(absent[0], schema.names)
            raise TabganError(f"SDV metadata: the table has no column {absent[0]!r}; {hint}")
        columns = tuple(
            _applied(column, self.columns[column.name], texts)
            if column.name in self.columns
            else column
            for column in schema.columns
        )
        return replace(schema, columns=columns)


def is_metadata(plain: Any) -> bool:
    """Whether a JSON file's content is SDV's metadata, and not our schema."""
    if not isinstance(plain, Mapping):
        return False
    is_new = "METADATA_SPEC_VERSION" in plain or "tables" in plain
    return is_new or isinstance(plain.get("columns"), Mapping)


def to_metadata(schema: TableSchema) -> dict[str, Any]:
    """A schema as SDV's metadata of version 1, for JSON.

    Ids (``Column.key``) have the sdtype "id"; the first that no row lacks is the primary key.
    Categories, decimals and rules are not in it: SDV has no place for them.
    """
    columns = {column.name: _entry(column) for column in schema.columns}
    keys = [column.name for column in schema.columns if column.key and not column.missing]
    table = {"columns": columns} | ({"primary_key": keys[0]} if keys else {})
    return {"METADATA_SPEC_VERSION": VERSION, "tables": {schema.name: table}, "relationships": []}


def write_metadata(schema: TableSchema, path: Path) -> None:
    """Write ``to_metadata`` as JSON.

    Raises:
        OSError: when it cannot be written; a file before is then as it was.
    """
    text = json.dumps(to_metadata(schema), indent=4, ensure_ascii=False)
    write_whole(path, text + "\n")
    log.info("SDV metadata: %s", path)


def _entry(column: Column) -> dict[str, Any]:
    if column.key and not column.is_nominal:
        return {"sdtype": "id"}
    if column.is_number:
        whole = column.kind == "integer"
        return {"sdtype": "numerical", "computer_representation": "Int64" if whole else "Float"}
    if column.kind == "date":
        known = column.date_format if PLAIN_DATES.fullmatch(column.date_format or "") else None
        return {"sdtype": "datetime"} | ({"datetime_format": known} if known else {})
    if column.kind == "string":
        return {"sdtype": "unknown", "pii": True}
    is_truth = {label.lower() for label in column.categories} == {"true", "false"}
    return {"sdtype": "boolean" if column.kind == "boolean" and is_truth else "categorical"}


def _only_table(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one table of the metadata."""
    tables = plain.get("tables", {"table": plain})
    if not isinstance(tables, Mapping) or not all(isinstance(t, Mapping) for t in tables.values()):
        raise TabganError("SDV metadata: expected an object 'tables' of one object per table")
    if len(tables) != 1:
        raise TabganError(
            f"SDV metadata: expected one table, got {len(tables)}: {[*tables][:5]}; leave the "
            "others out of the file"
        )
    table: Mapping[str, Any] = next(iter(tables.values()))
    return table


def _keys(table: Mapping[str, Any], columns: Mapping[str, Any]) -> set[str]:
    """Columns that number the rows by themselves, not together with others."""
    primary, alternate = table.get("primary_key"), table.get("alternate_keys") or []
    keys = [primary, *(alternate if isinstance(alternate, list) else [alternate])]
    alone = [key[0] if isinstance(key, list) and len(key) == 1 else key for key in keys]
    found = {key for key in alone if isinstance(key, str)}
    if unknown := sorted(found - set(columns)):
        raise TabganError(f"SDV metadata: the key {unknown[0]!r} is not among its columns")
    return found


def _declared(name: str, entry: Any, key: bool) -> Declared:
    at = f"SDV metadata: column {name!r}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("sdtype"), str):
        raise TabganError(f"{at}: expected an object with an 'sdtype', got {one_line(entry)}")
    sdtype = entry["sdtype"]
    kind = KINDS.get(sdtype)
    if kind is None:
        if sdtype not in PERSONAL and not isinstance(entry.get("pii"), bool):
            raise TabganError(
                f"{at}: unknown sdtype {sdtype!r}; {nearest(sdtype, [*KINDS, *PERSONAL])}"
            )
        kind = "personal" if entry.get("pii", True) else "unknown"
    found = {
        "is_whole": entry.get("computer_representation"),
        "categories": entry.get("range_values", entry.get("order")),
        "date_format": entry.get("datetime_format"),
    }
    for field, type_ in (("is_whole", str), ("categories", list), ("date_format", str)):
        if not isinstance(found[field], type_ | None):
            raise TabganError(f"{at}: expected {type_.__name__}, got {one_line(found[field])}")
    if found["date_format"] is not None:
        try:
            check_date_format(found["date_format"])
        except TabganError as error:
            raise TabganError(f"{at}: {error}") from error
    whole, labels = found["is_whole"], found["categories"] or []
    as_text = all(isinstance(label, str) for label in labels)  # true may be TRUE in the table
    return Declared(
        kind=kind,
        is_whole=None if whole is None else whole.lower().startswith(("int", "uint")),
        categories=tuple(labels) if labels and as_text else None,
        date_format=found["date_format"],
        key=key or kind == "id",
    )


def _applied(column: Column, said: Declared, texts: Callable[[str], pd.Series]) -> Column:
    if said.kind == "number":
        found = _numbers(column, said, texts)
    elif said.kind in ("category", "boolean"):
        found = _categories(column, said, texts)
    elif said.kind == "date":
        found = replace(_bare(column), kind="date", dtype=column.dtype)
        found = replace(found, date_format=said.date_format or column.date_format)
    elif said.kind == "personal" or (said.kind == "id" and column.kind != "integer"):
        is_text = column.is_nominal or column.kind == "string"
        found = _text(column) if is_text or said.kind == "id" else column
    else:
        found = column
    is_id = said.key or found.key or (said.kind == "personal" and found.kind == "string")
    return replace(found, key=is_id and found.kind in ("integer", "string"))


def _numbers(column: Column, said: Declared, texts: Callable[[str], pd.Series]) -> Column:
    found = column if column.is_number else _text_as_numbers(column, texts(column.name))
    if said.is_whole is True and found.kind == "numeric":
        return replace(found, kind="integer", decimals=None)
    if said.is_whole is False and found.kind == "integer":
        return replace(found, kind="numeric", decimals=0)
    return found


def _text_as_numbers(column: Column, values: pd.Series) -> Column:
    found = numbers_in_text(column.name, values)
    if found is None:
        known = values.dropna()
        raise TabganError(
            f"SDV metadata: column {column.name!r}: numerical, and its values are not, such as "
            f"{shown(known.iloc[0]) if len(known) else 'none'}"
        )
    return replace(found, dtype=column.dtype, missing=column.missing or found.missing)


def _categories(column: Column, said: Declared, texts: Callable[[str], pd.Series]) -> Column:
    labels = said.categories or (column.categories if column.is_nominal else None)
    if labels is None:
        labels = tuple(in_order(texts(column.name).dropna().unique().tolist()))
    kind = "boolean" if said.kind == "boolean" and len(labels) == 2 else "nominal"
    if said.kind != "boolean" and column.is_nominal and not said.categories:
        kind = column.kind
    if not labels:
        raise TabganError(f"SDV metadata: column {column.name!r}: a {kind} without any value")
    return Column(
        name=column.name,
        kind=kind,
        categories=labels,
        missing=column.missing,
        missing_values=tuple(mark for mark in column.missing_values if mark not in labels),
        dtype=column.dtype,
    )


def _text(column: Column) -> Column:
    """A column as text; a dtype of anything else is not to be given back."""
    was_text = column.is_nominal or column.kind == "string"
    return replace(_bare(column), dtype=column.dtype if was_text else None)


def _bare(column: Column) -> Column:
    """A column of text of which nothing is known but its name and which cells are missing."""
    marks = column.missing_values
    return Column(name=column.name, kind="string", missing=column.missing, missing_values=marks)
