"""What a user asks of a column: a value, a set of values, or missing."""

from __future__ import annotations

from tabgan.errors import TabganError, nearest
from tabgan.tables.schema import Column

MISSING = "?"


def asked_labels(column: Column, text: str) -> tuple[str, ...]:
    """The labels that ``text`` asks of a nominal column; ``MISSING`` stands for a missing value.

    ``text`` is one label, or a set ``[A,B]``; a label that is itself written in brackets wins.

    Raises:
        TabganError: when a label is not a category of the column, or no row was missing.
    """
    is_set = text.startswith("[") and text.endswith("]") and text not in column.categories
    labels = tuple(label.strip() for label in text[1:-1].split(",")) if is_set else (text,)
    valid = [*column.categories, *([MISSING] if column.missing else [])]
    for label in labels:
        if label not in valid:
            raise TabganError(
                f"where.{column.name}: no category {label!r}; {nearest(label, valid)}"
            )
    return labels
