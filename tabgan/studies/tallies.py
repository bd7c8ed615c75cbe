"""Lines of figures as a Markdown table and a CSV file: means over seeds, with their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tabgan.errors import TabganError
from tabgan.metrics.registry import METRICS
from tabgan.report.html import figure_text

Line = Mapping[str, Any]
WORDS = ("table", "contestant", "rows")  # what a group of seeds has in common
HEADINGS = {name: metric.label for name, metric in METRICS.items() if metric.heading}


def spread(lines: Sequence[Line]) -> pd.DataFrame:
    """Mean and standard deviation over seeds of every figure, in the order of the lines.

    Args:
        lines: flat; words under ``WORDS``, of which ``rows`` may be absent, and ``side``.

    Returns:
        A row per table, contestant and kind of rows; ``(figure, "mean")``, ``(figure, "std")``
        (NaN of one seed) and ``(figure, "count")``.
    """
    frame = pd.DataFrame(list(lines)).drop(columns=["seed", "side"])
    groups = frame.groupby([name for name in WORDS if name in frame], sort=False)
    return groups.agg(["mean", "std", "count"])


def markdown(lines: Sequence[Line], figures: Mapping[str, str]) -> str:
    """A Markdown table of some figures: ``0.581 ± 0.004`` where there are several seeds.

    Args:
        lines: one per table, contestant, kind of rows and seed.
        figures: the name of each figure -> its heading.
    """
    frame = spread(lines)
    shown = [name for name in figures if name in frame.columns.get_level_values(0)]
    head = [*map(str, frame.index.names), *(figures[name] for name in shown)]
    body = [
        [*map(str, words), *(_figure(frame.loc[words, name]) for name in shown)]
        for words in frame.index
    ]
    rule = ["---"] * frame.index.nlevels + ["---:"] * len(shown)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *body))


def meanings(lines: Sequence[Line]) -> str:
    """The meaning of each metric's heading in these lines, as a Markdown list."""
    known = [name for name in HEADINGS if any(name in line for line in lines)]
    listed = [
        f"- {METRICS[name].label}: {METRICS[name].says}; ideal {METRICS[name].ideal:g}.\n"
        for name in known
    ]
    return "".join(listed)


def write_tally(out: Path, name: str, lines: Sequence[Line], text: str) -> None:
    """``<name>.csv`` with every figure of every line, and ``<name>.md`` with ``text``.

    Raises:
        TabganError: when ``out`` cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(list(lines)).to_csv(out / f"{name}.csv", index=False)
        (out / f"{name}.md").write_text(text, "utf-8")
    except OSError as error:
        raise TabganError(f"out={out}: cannot be written: {error.strerror}") from error


def _figure(figure: pd.Series) -> str:
    if figure["count"] == 0:
        return "-"
    mean = figure_text(figure["mean"])
    return mean if figure["count"] < 2 else f"{mean} ± {figure_text(figure['std'])}"
