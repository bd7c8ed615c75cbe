"""Pictures of points: runs against their cost, rows that fooled the critic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from tabgan.report.plots import WIDTH, _drawn, _figure, _short

# Okabe and Ito's, as in plots; pale where points are only the background
BACKGROUND, FOOLING, FAILING = "#8DB8D6", "#E69F00", "#7B1E5C"
MARKS = {
    "real": ("o", BACKGROUND, 20),
    "fooling": ("^", FOOLING, 52),
    "failing": ("X", FAILING, 46),
}
LEADER, RUN = "#D55E00", "#0072B2"
PAIR_LIMITS = 0.45, 1.03  # AUCs of a picture of fidelity and risk
DOT = 5  # pixels around the middle of a point
OFFSETS = (5, -12, 18, -25, 31, -38, 44)  # of a name above its point, in points


def standings_picture(
    title: str, unit: str, contestants: Sequence[tuple[Sequence[float], Sequence[float]]]
) -> bytes | None:
    """A figure against training time: a dot per run, a number per contestant.

    Args:
        title: over the picture.
        unit: of the figure.
        contestants: seconds and figures of the runs of each, the first one first.

    Returns:
        PNG; None when no run has both.
    """
    usable = {
        position: points
        for position, points in enumerate(contestants, start=1)
        if points[0] and len(points[0]) == len(points[1])
    }
    return _standings(title, unit, usable) if usable else None


@_drawn
def fooled_picture(title: str, groups: Mapping[str, np.ndarray]) -> Figure:
    """Real rows as a pale ground, fooling and failing rows upon it; float64 [n, 2] per group."""
    figure = _figure(4.9, width=1.4 * WIDTH)
    axes = figure.subplots()
    for group, positions in groups.items():
        marker, colour, size = MARKS[group]
        edge = "none" if group == "real" else "white"
        x, y = positions.T
        axes.scatter(
            x, y, marker=marker, c=colour, s=size, edgecolors=edge, linewidths=0.7,
            label=f"{group} ({len(positions)})", zorder=1 + list(MARKS).index(group),
        )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=len(groups))
    return figure


@_drawn
def pair_picture(sets: Mapping[str, tuple[float, float]]) -> Figure:
    """Fidelity and risk of each set of rows as one point; both are best at .5, lower left.

    Args:
        sets: name -> (AUC of the better classifier, AUC of a membership attack), each in [0, 1].
    """
    figure = _figure(3.4, width=1.15 * WIDTH)
    axes = figure.subplots()
    axes.axvspan(0.0, 0.6, ymax=1, color="#009E73", alpha=0.06, linewidth=0)
    axes.axhspan(0.0, 0.55, color="#009E73", alpha=0.06, linewidth=0)
    for position, (name, (auc, attack)) in enumerate(sets.items()):
        colour = LEADER if position == 0 else RUN if name.startswith("refined") else FAILING
        axes.scatter(auc, attack, c=colour, s=46 if position == 0 else 30, zorder=3)
        axes.annotate(name, (auc, attack), xytext=(7, 5), textcoords="offset points", color=colour)
    low = min(0.45, *(value for point in sets.values() for value in point)) - 0.03
    axes.set_xlim(low, PAIR_LIMITS[1])
    axes.set_ylim(low, PAIR_LIMITS[1])
    axes.set_xlabel("told from unseen real rows with AUC (.5 is not at all)")
    axes.set_ylabel("attack finds training rows, AUC")
    axes.set_title("Fidelity and risk: best is lower left")
    _part_names(figure, axes)
    return figure


def _part_names(figure: Figure, axes: Axes) -> None:
    """Move the names of points to where they touch no other name and no other point."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()  # the layout is known from here on
    names = [text for text in axes.texts if isinstance(text, Annotation)]
    points = [axes.transData.transform(name.xy) for name in names]
    taken = [Bbox.from_extents(*(point - DOT), *(point + DOT)) for point in points]
    inside = axes.get_window_extent(canvas.get_renderer())
    for name, own in zip(names, tuple(taken), strict=True):
        for right, up in product((True, False), OFFSETS):
            name.set_position((7 if right else -7, up))
            name.set_horizontalalignment("left" if right else "right")
            box = name.get_window_extent(canvas.get_renderer())
            others = [one for one in taken if one is not own]
            if inside.x0 < box.x0 and box.x1 < inside.x1 and not box.count_overlaps(others):
                break
        taken.append(box)


@_drawn
def _standings(
    title: str, unit: str, contestants: Mapping[int, tuple[Sequence[float], Sequence[float]]]
) -> Figure:
    figure = _figure(3.2, width=1.15 * WIDTH)
    axes = figure.subplots()
    for position, (times, values) in contestants.items():
        colour = LEADER if position == 1 else RUN
        axes.scatter(times, values, c=colour, s=18, alpha=0.6, linewidths=0)
        side = 1 if position % 2 else -1  # neighbours in the table are often neighbours here
        axes.annotate(
            str(position), (fmean(times), fmean(values)), ha="center", va="center",
            xytext=(13 * side, 0), textcoords="offset points", color=colour, fontweight="bold",
        )  # fmt: skip
    _log_seconds(axes, [t for times, _ in contestants.values() for t in times])
    axes.margins(y=0.15)
    axes.set_ylabel(unit)
    axes.set_title(title)
    return figure


def _log_seconds(axes: Axes, times: Sequence[float]) -> None:
    axes.set_xscale("log")
    low, high = min(times), max(times)
    axes.set_xlim(low / 1.5, high * 1.5)
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: _short(v)))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_xlabel("training, seconds (log scale)")
