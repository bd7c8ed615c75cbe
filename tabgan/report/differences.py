"""A picture of differences to a baseline: intervals that cross zero, or do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tabgan.report.plots import WIDTH, _drawn, _figure, shortened

SHADES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito's, as in plots
ROW = 0.3  # inches
APART = 0.22  # of a row, between the dots of two classifiers


@_drawn
def differences_picture(title: str, gaps: pd.DataFrame, figures: Mapping[str, str]) -> Figure:
    """A row of panels per table, a panel per figure; per contestant a dot for each classifier.

    Args:
        title: over the picture.
        gaps: columns ``table``, ``contestant``, ``classifier``, ``figure``, ``mean``, ``half``.
        figures: the name of each figure -> its heading.
    """
    tables, contestants = list(gaps["table"].unique()), list(gaps["contestant"].unique())
    height = 1.0 + len(tables) * (0.5 + ROW * len(contestants))
    figure = _figure(height, width=2 * WIDTH)
    panels = figure.subplots(len(tables), len(figures), squeeze=False, sharex="col", sharey=True)
    for row, table in enumerate(tables):
        for position, (name, heading) in enumerate(figures.items()):
            axes = panels[row, position]
            mine = gaps[(gaps["table"] == table) & (gaps["figure"] == name)]
            for shade, (label, dots) in enumerate(mine.groupby("classifier", sort=False)):
                at = np.array([contestants.index(name) for name in dots["contestant"]])
                half = dots["half"].where(np.isfinite(dots["half"]), 0.0)
                axes.errorbar(
                    dots["mean"], at + APART * (shade - 1), xerr=half, fmt="o", ms=3.2, lw=1.1,
                    color=SHADES[shade % len(SHADES)], label=str(label),
                )  # fmt: skip
            axes.axvline(0.0, color="#555555", lw=0.9, ls="--")
            axes.set_yticks(range(len(contestants)), list(map(shortened, contestants)))
            axes.grid(axis="y", color="#e3e6ea", lw=0.6)
            axes.set_axisbelow(True)
            axes.set_title(f"{table}: {heading}")
    panels[0, 0].invert_yaxis()
    figure.suptitle(title, x=0.01, ha="left")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure
