"""A picture of trainings: a curve and the quality it is to follow, over the steps."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from tabgan.report.dots import SIDES
from tabgan.report.plots import WIDTH, _drawn, _figure, shortened


@_drawn
def courses_picture(title: str, courses: Mapping[str, pd.DataFrame]) -> Figure:
    """One panel per training, the curve on the left axis and the quality on the right one.

    Args:
        title: over the picture.
        courses: label -> curve and quality, two columns over the step.
    """
    figure = _figure(2.4 * len(courses), width=1.4 * WIDTH)
    panels = figure.subplots(len(courses), squeeze=False)[:, 0]
    for axes, (label, course) in zip(panels, courses.items(), strict=True):
        for side, (name, values), colour in zip(
            (axes, axes.twinx()), course.items(), SIDES, strict=True
        ):
            side.plot(course.index, values, color=colour, lw=1.4)
            side.set_ylabel(str(name), color=colour)
        axes.set_title(shortened(label, 60))
    panels[-1].set_xlabel("generator steps")
    figure.suptitle(title)
    return figure
