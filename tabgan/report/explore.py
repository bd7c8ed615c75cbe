"""A table before anything is learned from it: labels, columns, missing values, associations."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.table import Table

from tabgan.errors import TabganError
from tabgan.metrics.coding import code_tables
from tabgan.metrics.fidelity import associations
from tabgan.report.evaluation_pictures import column_key, column_picture
from tabgan.report.files import prepare, write_events, write_pictures
from tabgan.report.html import page
from tabgan.report.plots import bars_picture, heatmap_picture
from tabgan.report.progress import progress
from tabgan.report.rules import table_rules
from tabgan.system.files import write_whole
from tabgan.system.terminal import say, show
from tabgan.tables.constraints.finding.evidence import Found
from tabgan.tables.dates import moment_text
from tabgan.tables.schema import Column, TableSchema

log = logging.getLogger(__name__)

MOST_PAIRED = 60  # columns whose pairs are looked at: the target and the first others
MOST_DRAWN = 200  # columns that get a picture
SHOWN_PAIRS = 12
SHOWN_RULES = 40
HEADER = ("column", "kind", "distinct", "missing", "smallest", "largest", "most frequent value")


def explore(
    title: str, rows: pd.DataFrame, schema: TableSchema, *, out: Path, source: str
) -> pd.DataFrame:
    """Write ``explore.html``, ``explore.json``, ``pictures/`` and ``tensorboard/`` into ``out``.

    Args:
        title: what the table is called.
        rows: a table that conforms to ``schema``.
        schema: its columns and target.
        out: the folder, made if need be.
        source: the file of the table, or the name of the set; ``explore.json`` says it.

    Returns:
        One row per column: kind, distinct, missing, smallest, largest, most frequent value.

    Raises:
        TabganError: when no column is anything but text, or ``out`` cannot be written.
    """
    prepare(out)
    known = [c.name for c in schema.columns if c.kind != "string" and rows[c.name].notna().any()]
    if not known:
        raise TabganError(f"table {schema.name!r}: no column of numbers, categories or dates")
    summary = pd.DataFrame([_summary(column, rows[column.name]) for column in schema.columns])
    (coded,) = code_tables(table=rows[known])
    with progress(len(known) + 5) as advance:
        advance("", stage=f"{len(rows):,} rows of {len(schema.columns)} columns")
        pictures = {}
        for position, name in enumerate(known[:MOST_DRAWN]):
            advance(name)
            pictures[column_key(position, name)] = column_picture(name, {"real": coded}, rows[name])
        advance("missing values and cardinalities")
        pictures |= _counting_pictures(rows, summary)
        advance("associations")
        paired = _paired(known, schema.target)
        square = associations(rows[paired])[0] if len(paired) > 1 else None
        if square is not None:
            pictures["associations"] = heatmap_picture("Association of columns", square)
        advance("rules")
        rules = table_rules(schema, rows[known])
    write_pictures(out, pictures)
    write_events(out / "tensorboard", pictures)
    text = page(
        "report/templates/explore.html",
        title=f"{title}: the table",
        pictures=pictures,
        **_label(rows, schema, known),
        facts=_facts(rows, schema),
        header=HEADER,
        columns=_column_rows(summary),
        n_known=len(known),
        drawn=_drawn(known, pictures),
        missing=_missing(rows),
        **_associated(square, schema.target),
        rules=[[one.rule.text, one.rule.sentence, f"{one.evidence:,.0f}"] for one in rules],
    )
    (out / "explore.html").write_text(text, "utf-8")
    facts = {"table": source, "rows": len(rows), "columns": list(schema.names)}
    write_whole(out / "explore.json", json.dumps(facts, indent=2) + "\n")
    _print(title, summary, label_words(rows, schema))
    _print_rules(rules)
    log.info(
        "the page: %s; the same for TensorBoard: %s", out / "explore.html", out / "tensorboard"
    )
    return summary


def label_words(rows: pd.DataFrame, schema: TableSchema) -> str:
    """The target's classes and their imbalance, or its range, in a sentence."""
    if schema.target is None:
        return "No target was given."
    values = rows[schema.target]
    if schema[schema.target].is_nominal:
        counts = values.value_counts()
        counts = counts[counts > 0]
        largest, smallest = counts.iloc[0], counts.iloc[-1]
        return (
            f"{schema.target}: {len(counts)} classes; {counts.index[0]!r} has {largest:,} rows "
            f"({largest / len(values):.1%}), {counts.index[-1]!r} has {smallest:,} "
            f"({smallest / len(values):.1%}); imbalance ratio {largest / smallest:.2f} to 1."
        )
    if values.nunique() < 2 or schema[schema.target].kind == "string":
        return f"{schema.target}: {values.nunique():,} distinct values."
    low, middle, high = values.min(), values.median(), values.max()
    return (
        f"{schema.target} is a quantity: {_plain(low)} to {_plain(high)}, median {_plain(middle)}."
    )


def _summary(column: Column, values: pd.Series) -> dict[str, object]:
    known = values.dropna()
    top = known.value_counts().head(1)
    ordered = not column.is_nominal and column.kind != "string" and len(known) > 0
    return {
        "column": column.name,
        "kind": column.kind,
        "distinct": known.nunique(),
        "missing": float(values.isna().mean()),
        "smallest": _plain(known.min()) if ordered else "",
        "largest": _plain(known.max()) if ordered else "",
        "top": f"{_plain(top.index[0])} ({top.iloc[0] / len(values):.1%})" if len(top) else "",
    }


def _plain(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return moment_text(value.to_datetime64())
    if isinstance(value, int | float | np.number):
        return str(int(value)) if value == int(value) else f"{value:.10g}"
    return str(value)


def _counting_pictures(rows: pd.DataFrame, summary: pd.DataFrame) -> dict[str, bytes]:
    by_name = summary.set_index("column")
    pictures = {
        "cardinalities": bars_picture(
            "Distinct values",
            by_name["distinct"].clip(lower=0.9).sort_values(ascending=False),
            unit="distinct values (logarithmic)",
            log=True,
        )
    }
    missing = 100 * rows.isna().mean()
    missing = missing[missing > 0].sort_values(ascending=False)
    if len(missing):
        pictures["missing"] = bars_picture("Missing values", missing, unit="% of rows")
    return pictures


def _paired(known: Sequence[str], target: str | None) -> list[str]:
    chosen = [name for name in known if name != target][: MOST_PAIRED - 1]
    return [name for name in known if name in chosen or name == target]


def _facts(rows: pd.DataFrame, schema: TableSchema) -> str:
    kinds = pd.Series([column.kind for column in schema.columns]).value_counts()
    counts = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    repeated = int(rows.duplicated().sum())
    return (
        f"{len(rows):,} rows, {len(schema.columns)} columns ({counts}); {repeated:,} rows repeat "
        f"another; {int(rows.isna().sum().sum()):,} values are missing."
    )


def _label(rows: pd.DataFrame, schema: TableSchema, known: Sequence[str]) -> dict[str, object]:
    """The target, its picture and its classes; a target that is not looked at is none."""
    target = schema.target if schema.target in known else None
    found: dict[str, object] = {"label": label_words(rows, schema), "target": target}
    if target is None:
        return found
    counts = rows[target].value_counts(dropna=False) if schema[target].is_nominal else {}
    classes = [
        ["missing" if pd.isna(label) else label, f"{n:,}", f"{n / len(rows):.2%}"]
        for label, n in counts.items()
    ]
    return found | {"target_picture": column_key(known.index(target), target), "classes": classes}


def _column_rows(summary: pd.DataFrame) -> list[list[str]]:
    return [
        [row.column, row.kind, f"{row.distinct:,}", f"{row.missing:.2%}" if row.missing else "",
         row.smallest, row.largest, row.top]
        for row in summary.itertuples()
    ]  # fmt: skip


def _drawn(known: Sequence[str], pictures: dict[str, bytes]) -> list[tuple[str, bytes]]:
    keys = ((name, column_key(position, name)) for position, name in enumerate(known))
    return [(name, pictures[key]) for name, key in keys if key in pictures]


def _missing(rows: pd.DataFrame) -> str:
    n_rows = int(rows.isna().any(axis=1).sum())
    return f"{n_rows:,} rows ({n_rows / len(rows):.1%}) miss at least one value."


def _associated(square: pd.DataFrame | None, target: str | None) -> dict[str, object]:
    """The most strongly associated pairs, and the columns most associated with the target."""
    if square is None:
        return {}
    with_target = pd.Series(dtype="float64")
    if target in square.index:
        with_target = square[target].drop(target).sort_values(ascending=False)
    return {
        "n_paired": len(square),
        "pairs": _strongest(square),
        "with_target": [[n, f"{value:.3f}"] for n, value in with_target.head(SHOWN_PAIRS).items()],
    }


def _print_rules(rules: Sequence[Found]) -> None:
    """The rules found, ready to be pasted into a schema file."""
    if not rules:
        say("No rule was found that every row keeps.")
        return
    texts = [json.dumps(one.rule.text, ensure_ascii=False) for one in rules[:SHOWN_RULES]]
    found = (
        "1 rule was found that every row keeps"
        if len(rules) == 1
        else (f"{len(rules)} rules were found that every row keeps")
    )
    say(f"{found}; to have generated rows keep them, too, put this into a schema file:")
    listed = ",\n".join(f"  {text}" for text in texts)
    say(f'"constraints": [\n{listed}\n]', verbatim=True)
    if more := len(rules) - len(texts):
        say(f"and {more} more in explore.html")


def _strongest(square: pd.DataFrame) -> list[list[object]]:
    rows, columns = np.triu_indices(len(square), k=1)
    values = square.to_numpy()[rows, columns]
    order = np.argsort(-values, kind="stable")[:SHOWN_PAIRS]
    return [[square.index[rows[i]], square.columns[columns[i]], f"{values[i]:.3f}"] for i in order]


def _print(title: str, summary: pd.DataFrame, label: str) -> None:
    shown = Table(title=escape(title), title_justify="left", box=None)
    for position, heading in enumerate(HEADER):
        shown.add_column(heading, justify="right" if 2 <= position <= 5 else "left")
    for row in _column_rows(summary):
        shown.add_row(*(escape(str(cell)) for cell in row))
    show(shown)
    say(label)
