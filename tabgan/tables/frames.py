"""Tables in memory that are not pandas': polars, pyarrow and whatever exports Arrow; and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import narwhals as nw
import pandas as pd
import pyarrow as pa

# of these pandas' own dtypes know more: categories, no values, clock times
_PLAIN = (pa.types.is_dictionary, pa.types.is_null, pa.types.is_time)


@dataclass(frozen=True, kw_only=True)
class FrameKind:
    """The kind of another library's table.

    Attributes:
        library: its name, such as "polars"; None for a table that only exports Arrow.
        schema: the names and types of its columns.
    """

    library: str | None
    schema: pa.Schema

    def of(self, rows: pd.DataFrame) -> Any:
        """``rows`` as a table of this kind, in the types of its columns; pandas' for the rest."""
        if self.library is None:
            return rows
        table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
        for position, name in enumerate(table.column_names):
            if name in self.schema.names:
                field = self.schema.field(name)
                table = table.set_column(position, *_typed(field, table.column(position)))
        return nw.from_arrow(table, backend=cast(Any, self.library)).to_native()


def to_pandas(table: Any) -> tuple[pd.DataFrame, FrameKind | None] | None:
    """A table in memory as pandas, and its kind (None: pandas); None for what is no table."""
    if isinstance(table, pd.DataFrame):
        return table, None
    try:
        frame = nw.from_native(table)
    except TypeError:
        return _exported(table)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    kind = FrameKind(library=frame.implementation.value, schema=frame.to_arrow().schema)
    return _pandas(frame.to_arrow()), kind


def _exported(table: Any) -> tuple[pd.DataFrame, FrameKind | None] | None:
    """A table that speaks Arrow's protocol and that narwhals does not know."""
    if not (hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__")):
        return None
    try:
        arrow = pa.table(table)
    except (TypeError, pa.ArrowException):
        return None
    library = "pyarrow" if isinstance(table, pa.RecordBatch) else None
    return _pandas(arrow), FrameKind(library=library, schema=arrow.schema)


def _pandas(table: pa.Table) -> pd.DataFrame:
    def dtype(kind: pa.DataType) -> pd.ArrowDtype | None:
        return None if any(is_plain(kind) for is_plain in _PLAIN) else pd.ArrowDtype(kind)

    return table.to_pandas(types_mapper=dtype, ignore_metadata=True)


def _typed(field: pa.Field, values: pa.ChunkedArray) -> tuple[pa.Field, pa.ChunkedArray]:
    """Values in a field's type; in their own where they do not fit it, as sums may not."""
    try:
        if pa.types.is_dictionary(field.type):
            values = values.cast(field.type.value_type).dictionary_encode()
        return field, values.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.field(field.name, values.type), values
