"""A picture of figures: a row per name, a dot per seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure

from tabgan.report.plots import WIDTH, _drawn, _figure, shortened

SIDES = ("#D55E00", "#0072B2")  # Okabe and Ito's, as in plots
ROW = 0.26  # inches


@_drawn
def dots_picture(
    title: str, groups: Mapping[str, Mapping[str, Sequence[float]]], *, ideal: float
) -> Figure:
    """Figures as dots in a row per name, pale for each, full for their mean.

    Args:
        title: over the picture.
        groups: label -> name -> figures; at most two labels. A name without figures has no dot.
        ideal: the best value, a vertical line.
    """
    names = list(dict.fromkeys(name for rows in groups.values() for name in rows))
    figure = _figure(1.2 + ROW * len(names), width=1.4 * WIDTH)
    axes = figure.subplots()
    for (label, rows), colour in zip(groups.items(), SIDES, strict=False):
        known = {names.index(name): values for name, values in rows.items() if len(values)}
        each = [(value, position) for position, values in known.items() for value in values]
        dots = np.array(each, dtype=np.float64).reshape(-1, 2)
        axes.scatter(dots[:, 0], dots[:, 1], c=colour, s=14, alpha=0.4, linewidths=0)
        means = [fmean(values) for values in known.values()]
        axes.scatter(means, list(known), c=colour, s=38, marker="D", label=label, zorder=3)
    axes.axvline(ideal, color="#555555", lw=0.9, ls="--")
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    axes.invert_yaxis()
    axes.grid(axis="y", color="#e3e6ea", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=len(groups))
    return figure
