"""Pictures of scores: requested against obtained, per range, and how they are spread."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tabgan.report.plots import COLOURS, WIDTH, _drawn, _figure, shortened

Scores = NDArray[np.float64]
BINS = 50
# Okabe and Ito's, one per line of a picture
INKS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


@_drawn
def scatter_picture(title: str, requested: Scores, obtained: Scores) -> Figure:
    """A point per row, requested to the right, obtained upwards; ideal is the diagonal."""
    figure = _figure(4.2, width=WIDTH)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#8a939c", lw=1)
    axes.scatter(requested, obtained, c=COLOURS["synthetic"], s=7, alpha=0.45, linewidths=0)
    axes.set(
        xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="score requested", ylabel="score obtained"
    )
    axes.set_aspect("equal")
    error = np.abs(obtained - requested).mean()
    axes.set_title(f"{shortened(title, 40)}: MAE {error:.3f}")
    return figure


@_drawn
def ranges_picture(title: str, lines: Mapping[str, pd.Series], *, unit: str) -> Figure:
    """A line per method of making rows over the tenths of [0, 1] (index: "0.0 to 0.1", ...)."""
    figure = _figure(3.2, width=1.15 * WIDTH)
    axes = figure.subplots()
    for (label, values), ink in zip(lines.items(), INKS, strict=False):
        axes.plot(range(len(values)), values, marker="o", ms=3.5, lw=1.4, color=ink, label=label)
    names = next(iter(lines.values())).index
    axes.set_xticks(range(len(names)), [str(name).split(" ")[0] for name in names])
    axes.set_xlabel("score requested, from")
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    axes.set_title(shortened(title, 48))
    if len(lines) > 1:
        figure.legend(loc="outside lower center", ncols=3)
    return figure


@_drawn
def spread_picture(title: str, sides: Mapping[str, Scores]) -> Figure:
    """Histograms of scores in [0, 1], one outline each."""
    figure = _figure(3.2, width=1.15 * WIDTH)
    axes = figure.subplots()
    edges = np.linspace(0, 1, BINS + 1)
    for (label, scores), ink in zip(sides.items(), INKS, strict=False):
        shares = np.histogram(scores, edges)[0] / max(len(scores), 1)
        axes.stairs(shares, edges, color=ink, lw=1.4, label=label)
    axes.set(xlim=(0, 1), xlabel="score", ylabel="share of rows")
    axes.set_ylim(0, 1.15 * _second_highest(axes.get_ylim()[1], sides, edges))
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
    axes.set_title(shortened(title, 48))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _second_highest(top: float, sides: Mapping[str, Scores], edges: Scores) -> float:
    """Where a picture ends, so that one heap (scores of exactly 0) does not flatten the rest."""
    every = [np.histogram(s, edges)[0] / max(len(s), 1) for s in sides.values()]
    heights = np.sort(np.concatenate(every))
    return float(min(top, max(2.5 * heights[int(0.95 * len(heights))], 0.02)))
