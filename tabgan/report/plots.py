"""Pictures of tables: one function per picture, each gives PNG bytes.

Colours are Okabe and Ito's, which colour-blind people tell apart, and mean the same everywhere.
Nothing here touches pyplot's global state.
"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import dates as mdates
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tabgan.tables.dates import days_text

COLOURS = {
    "real": "#0072B2",
    "real test": "#0072B2",
    "real train": "#009E73",
    "synthetic": "#D55E00",
}
STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a939c",
    "axes.labelcolor": "#333333",
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "legend.frameon": False,
    "text.parse_math": False,  # a column may be called "$x$"
    "text.usetex": False,
}
DPI = 130
WIDTH = 4.8  # inches of one picture in a gallery
BINS = 40
LONGEST_NAME = 26  # characters of a name in a picture
MOST_BARS = 15  # categories of a picture; all others are one bar
LONGEST_VALUE = 1e6  # from which values' tick labels are shortened
FEW_VALUES = 12  # a number with at most so many distinct values gets one bar for each
ATOM = 0.4  # a value that so large a share of the rows has stands beside the histogram
HEAVY = 8.0  # so many times wider than its middle 80 %: the axis is logarithmic
FIRST_DAY, LAST_DAY = -700_000, 2_900_000  # since 1970, of an axis of dates: matplotlib's years
MOST_HEATED = 60  # columns of a heatmap
NEVER_REAL, OTHERS, MISSING = "never in real", "others", "missing"


def _drawn(draw: Callable[..., Figure]) -> Callable[..., bytes]:
    """A picture in our style, as PNG; a letter that the font lacks is a box and no warning."""

    @functools.wraps(draw)
    def png(*args: Any, **kwargs: Any) -> bytes:
        with mpl.rc_context(cast(Any, STYLE)), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"Glyph .* missing from", append=False)
            figure = draw(*args, **kwargs)
            content = io.BytesIO()
            FigureCanvasAgg(figure).print_png(content)
        return content.getvalue()

    return png


def shortened(name: object, length: int = LONGEST_NAME) -> str:
    """A name on one line that fits a picture."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(name)).split())
    return line if len(line) <= length else line[: length - 1] + "…"


@_drawn
def numbers_picture(name: str, sides: Mapping[str, np.ndarray], *, dates: bool = False) -> Figure:
    """Histograms of one column with the same bins for every side, cut by the first side.

    Few values get a bar each; a heavy atom (``ATOM``) stands beside the histogram of the rest; a
    long tail makes the axis logarithmic. What lies outside the first side's range is said.

    Args:
        name: the column.
        sides: label -> float64 [n], missing is NaN; the first is the reference.
        dates: whether the numbers are days since 1970.
    """
    known = {side: values[~np.isnan(values)] for side, values in sides.items()}
    reference = next(iter(known.values()))
    distinct, counts = np.unique(reference, return_counts=True)
    if len(distinct) <= FEW_VALUES:
        return _bars(name, _value_shares(sides, distinct, dates=dates), sorted_by_size=False)
    is_atom = len(distinct) > BINS and counts.max() > ATOM * len(reference)
    figure = _figure(2.9)
    if is_atom:
        atom = distinct[counts.argmax()]
        left, axes = figure.subplots(1, 2, width_ratios=[1, 4])
        _atom_bars(
            left, {s: float((v == atom).mean()) if len(v) else 0.0 for s, v in known.items()}
        )
        left.set_xlabel(f"= {_value(atom, dates=dates)}")
        rest = {side: values[values != atom] for side, values in known.items()}
        axes.set_ylabel("share of the other rows")
    else:
        axes, rest = figure.subplots(), known
        axes.set_ylabel("share of rows")
    _histogram(axes, rest, dates=dates)
    figure.suptitle(_title(name, sides), x=0.01, ha="left", fontsize=9.5, fontweight="bold")
    _legend(axes, sides)
    return figure


@_drawn
def categories_picture(name: str, sides: Mapping[str, np.ndarray], labels: Sequence[str]) -> Figure:
    """Bars of the shares of categories, side by side, largest of the first side first.

    Args:
        name: the column.
        sides: label -> int codes [n] that point into ``labels``; the last code is missing.
        labels: the categories, without missing.
    """
    shares = pd.DataFrame(
        {
            side: np.bincount(codes, minlength=len(labels) + 1) / max(len(codes), 1)
            for side, codes in sides.items()
        },
        index=[*labels, MISSING],
    )
    if (shares.loc[[MISSING]] == 0).all(axis=None):
        shares = shares.iloc[:-1]
    return _bars(name, shares.loc[(shares > 0).any(axis=1)], sorted_by_size=True)


@_drawn
def bars_picture(
    title: str, values: pd.Series | pd.DataFrame, *, unit: str, log: bool = False
) -> Figure:
    """One horizontal bar per row of ``values``, or one per side where there are several."""
    frame = values.to_frame("real") if isinstance(values, pd.Series) else values
    frame = frame.head(2 * MOST_BARS)
    figure = _figure(0.9 + 0.21 * len(frame) * max(1, len(frame.columns) * 0.6), width=1.15 * WIDTH)
    axes = figure.subplots()
    _barh(axes, frame)
    axes.set_title(shortened(title, 48))
    axes.set_xlabel(unit)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: _short(v)))
        axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    _legend(axes, frame.columns)
    return figure


@_drawn
def heatmap_picture(title: str, square: pd.DataFrame, *, signed: bool = False) -> Figure:
    """A square of columns by columns; ``signed`` has a white zero in the middle."""
    square = square.iloc[:MOST_HEATED, :MOST_HEATED]
    n = len(square)
    side = min(9.0, max(3.2, 2.0 + 0.19 * n))
    figure = _figure(side, width=side + 0.5)
    axes = figure.subplots()
    values = square.to_numpy(dtype="float64")
    reach = max(0.05, float(np.nanmax(np.abs(values)))) if np.isfinite(values).any() else 0.05
    colours = mpl.colormaps["PuOr_r" if signed else "viridis"].with_extremes(bad="#e8eaed")
    # weak associations are the most: the square root shows them
    norm = Normalize(-reach, reach) if signed else PowerNorm(0.5, 0, reach)
    image = axes.imshow(values, cmap=colours, norm=norm)
    size = 8 if n <= 20 else 6 if n <= 40 else 4.5
    axes.set_xticks(
        range(n), [shortened(c, 20) for c in square.columns], rotation=90, fontsize=size
    )
    axes.set_yticks(range(n), [shortened(c, 20) for c in square.index], fontsize=size)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(shortened(title, 48))
    figure.colorbar(image, ax=axes, shrink=0.75, aspect=28)
    return figure


@_drawn
def points_picture(title: str, groups: Mapping[str, np.ndarray]) -> Figure:
    """Points of a plane, float64 [n, 2] per group, drawn in mixed order so that none hides."""
    figure = _figure(4.2, width=1.1 * WIDTH)
    axes = figure.subplots()
    positions = np.concatenate(list(groups.values()))
    colours = np.repeat([COLOURS[group] for group in groups], [len(g) for g in groups.values()])
    order = np.random.default_rng(0).permutation(len(positions))
    x, y = positions[order].T
    axes.scatter(x, y, c=colours[order], s=7, alpha=0.65, linewidths=0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(shortened(title, 48))
    handles = [
        axes.scatter([], [], c=COLOURS[group], s=22, label=f"{group} ({len(g):,})")
        for group, g in groups.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(groups))
    return figure


@_drawn
def distances_picture(
    title: str, groups: Mapping[str, np.ndarray], marks: Mapping[str, float]
) -> Figure:
    """Outlines of histograms of distances at least 0, with bins of the same square-root width.

    Args:
        title: over the picture.
        groups: label -> float64 [n].
        marks: vertical lines, label -> distance.
    """
    figure = _figure(3.2, width=1.15 * WIDTH)
    axes = figure.subplots()
    top = max(float(np.quantile(g, 0.995)) for g in groups.values()) or 1.0
    edges = np.linspace(0, np.sqrt(top), BINS + 1) ** 2
    axes.set_xscale("function", functions=(_root, np.square))
    for group, distances in groups.items():
        shares = _shares(np.minimum(distances, top), edges)
        fill = group == "synthetic"
        axes.stairs(shares, edges, color=COLOURS[group], lw=1.5, label=group)
        axes.stairs(shares, edges, color=COLOURS[group], alpha=0.18 if fill else 0.0, fill=True)
    for label, at in marks.items():
        axes.axvline(at, color="#555555", lw=0.9, ls="--")
        axes.annotate(
            label, (at, 1), xycoords=("data", "axes fraction"), rotation=90, fontsize=7,
            xytext=(2, -2), textcoords="offset points", va="top", color="#555555",
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5},
        )  # fmt: skip
    axes.xaxis.set_major_locator(ticker.FixedLocator(_root_ticks(top)))
    axes.set_xlim(0, top)
    axes.set_xlabel("distance to the nearest training row (square-root scale)")
    axes.set_ylabel("share of rows")
    axes.set_title(shortened(title, 48))
    _legend(axes, groups)
    return figure


def _figure(height: float, *, width: float = WIDTH) -> Figure:
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def _root(values: Any) -> Any:
    return np.sqrt(np.maximum(values, 0))


def _root_ticks(top: float) -> list[float]:
    step = ticker.MaxNLocator(5).tick_values(0, np.sqrt(top))
    ticks = [float(f"{tick**2:.1g}") for tick in step if tick >= 0]
    return sorted({tick for tick in ticks if tick <= top})


def _histogram(axes: Axes, sides: Mapping[str, np.ndarray], *, dates: bool) -> None:
    reference = next(iter(sides.values()))
    scale, options, edges = _cut(reference, dates=dates)
    axes.set_xscale(scale, **options)
    outside = {}
    for position, (side, values) in enumerate(sides.items()):
        beyond = (values < edges[0]) | (values > edges[-1])
        outside[side] = float(beyond.mean()) if len(values) else 0.0
        shares = _shares(values[~beyond], edges, of=len(values))
        if position == 0:
            axes.stairs(shares, edges, fill=True, alpha=0.35, color=COLOURS[side])
        axes.stairs(shares, edges, color=COLOURS[side], lw=1.4, label=side)
    notes = [
        f"{side}: {share:.1%} outside real's range" for side, share in outside.items() if share
    ]
    axes.set_xlim(edges[0], edges[-1])
    if notes:
        axes.set_xlabel("; ".join(notes), fontsize=7.5)
    if dates and edges[0] >= FIRST_DAY and edges[-1] <= LAST_DAY:
        locator = mdates.AutoDateLocator(minticks=3, maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    elif dates:
        axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: days_text(round(v))))
    elif scale == "linear":
        axes.xaxis.set_major_locator(ticker.MaxNLocator(6))
        axes.xaxis.set_major_formatter(_Values())
    else:
        axes.xaxis.set_major_formatter(_Values())
        axes.xaxis.set_minor_formatter(ticker.NullFormatter())
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        if scale == "asinh":
            axes.xaxis.set_major_locator(
                ticker.FixedLocator(_asinh_ticks(edges, options["linear_width"]))
            )


def _cut(reference: np.ndarray, *, dates: bool) -> tuple[str, dict[str, float], np.ndarray]:
    """The axis' scale, its options and the bins' edges."""
    low, high = float(reference.min()), float(reference.max())
    if low == high:
        pad = max(abs(low), 1.0) * 0.05
        return "linear", {}, np.linspace(low - pad, high + pad, 4)
    whole = not dates and bool((reference == np.round(reference)).all())
    middle = float(np.ptp(np.quantile(reference, [0.1, 0.9])))
    if not dates and middle > 0 and high - low > HEAVY * middle:
        if low > 0 and whole:
            steps = np.unique(np.round(np.geomspace(low, high + 1, BINS + 1)))
            return "log", {}, steps - 0.5
        if low > 0:
            return "log", {}, np.geomspace(low, high * (1 + 1e-9), BINS + 1)
        width = float(np.quantile(np.abs(reference), 0.5)) or middle
        start, stop = np.arcsinh(low / width), np.arcsinh(high / width)
        edges = np.sinh(np.linspace(start, stop, BINS + 1)) * width
        edges[[0, -1]] = low, high
        return "asinh", {"linear_width": width}, edges
    if whole:
        step = max(1, int(np.ceil((high - low + 1) / BINS)))
        return "linear", {}, np.arange(low - 0.5, high + step, step)
    return "linear", {}, np.linspace(low, high, BINS + 1)


def _shares(values: np.ndarray, edges: np.ndarray, *, of: int | None = None) -> np.ndarray:
    counts, _ = np.histogram(values, edges)
    return counts / max(of if of is not None else len(values), 1)


def _asinh_ticks(edges: np.ndarray, width: float) -> list[float]:
    """Zero, and powers of ten on both sides, not closer than a seventh of the axis."""
    low, high = float(edges[0]), float(edges[-1])
    least = (np.arcsinh(high / width) - np.arcsinh(low / width)) / 7
    powers = [10.0**p for p in range(-6, 18)]
    ticks = [0.0] if low <= 0 <= high else []
    for side, end in ((1, high), (-1, -low)):
        last = 0.0
        for power in powers:
            position = float(np.arcsinh(power / width))
            if power <= end and side * power >= low and position - last >= least:
                ticks.append(side * power)
                last = position
    return sorted(ticks)


def _atom_bars(axes: Axes, shares: Mapping[str, float]) -> None:
    axes.bar(range(len(shares)), list(shares.values()), color=[COLOURS[s] for s in shares])
    for position, share in enumerate(shares.values()):
        axes.annotate(f"{share:.0%}", (position, share), ha="center", va="bottom", fontsize=7.5)
    axes.set_xticks([])
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.5, 1])
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))


def _value_shares(
    sides: Mapping[str, np.ndarray], distinct: np.ndarray, *, dates: bool
) -> pd.DataFrame:
    """The share of rows with each value of the reference, any other, and none."""
    shares = {}
    for side, values in sides.items():
        values = values if len(values) else np.array([np.nan])
        missing = np.isnan(values)
        hits = [float((values == value).mean()) for value in distinct]
        shares[side] = [*hits, max(0.0, 1 - sum(hits) - missing.mean()), float(missing.mean())]
    index = [*(_value(v, dates=dates) for v in distinct), NEVER_REAL, MISSING]
    frame = pd.DataFrame(shares, index=index)
    spare = [label in (NEVER_REAL, MISSING) for label in index]
    return frame.loc[~(np.array(spare) & (frame < 1e-9).all(axis=1).to_numpy())]


def _bars(name: str, shares: pd.DataFrame, *, sorted_by_size: bool) -> Figure:
    shares = _largest(shares) if sorted_by_size else shares
    figure = _figure(
        max(1.6, 0.8 + len(shares) * (0.17 if len(shares.columns) > 1 else 0.14) * 1.25)
    )
    axes = figure.subplots()
    _barh(axes, shares)
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: f"{100 * v:g}%"))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
    figure.suptitle(shortened(name, 48), x=0.01, ha="left", fontsize=9.5, fontweight="bold")
    _legend(axes, shares.columns)
    return figure


def _largest(shares: pd.DataFrame) -> pd.DataFrame:
    """The largest categories of the first side; the others as one row, new ones as another."""
    first = shares.iloc[:, 0]
    missing = shares.index == MISSING
    is_new = (first.to_numpy() == 0) & ~missing
    ordered = shares.loc[~is_new & ~missing].sort_values(shares.columns[0], ascending=False)
    parts = [ordered.head(MOST_BARS)]
    if len(ordered) == MOST_BARS + 1:
        parts = [ordered]
    elif len(ordered) > MOST_BARS:
        rest = ordered.iloc[MOST_BARS:]
        parts.append(pd.DataFrame([rest.sum()], index=[f"{len(rest)} {OTHERS}"]))
    if is_new.any():
        parts.append(pd.DataFrame([shares.loc[is_new].sum()], index=[NEVER_REAL]))
    return pd.concat([*parts, shares.loc[missing]])


def _barh(axes: Axes, frame: pd.DataFrame) -> None:
    height = 0.8 / max(len(frame.columns), 1)
    rows = np.arange(len(frame))
    for position, side in enumerate(frame.columns):
        offset = (position - (len(frame.columns) - 1) / 2) * height
        axes.barh(rows + offset, frame[side], height, color=COLOURS[side], label=side)
    axes.set_yticks(rows, [shortened(label) for label in frame.index])
    axes.set_ylim(len(frame) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _legend(axes: Axes, sides: Any) -> None:
    names = list(sides)
    if len(names) < 2:
        return
    handles = [Patch(color=COLOURS[side], label=side) for side in names]
    figure = axes.get_figure()
    if isinstance(figure, Figure):
        figure.legend(handles=handles, loc="outside lower center", ncols=len(names))


def _title(name: str, sides: Mapping[str, np.ndarray]) -> str:
    missing = {side: float(np.isnan(v).mean()) if len(v) else 0.0 for side, v in sides.items()}
    if not any(missing.values()):
        return shortened(name, 48)
    shares = ", ".join(f"{side} {share:.1%}" for side, share in missing.items())
    return f"{shortened(name, 30)}\n(missing: {shares})"


def _value(value: float, *, dates: bool) -> str:
    if dates:
        return days_text(float(value))
    return f"{value:.12g}"


class _Values(ticker.Formatter):
    """Tick labels of a column's values: in full up to six digits, as of years and zip codes.

    Larger ones are short, such as 1.2M, unless that makes two of them look the same.
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:.12g}"

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        short = [_short(value) for value in values]
        if max(map(abs, values), default=0.0) < LONGEST_VALUE or len({*short}) < len({*values}):
            return [self(value) for value in values]
        return short


def _short(value: float) -> str:
    """A tick label such as 1.2M, 300k, 0.05."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:.4g}{letter}"
    return f"{value:.4g}"
