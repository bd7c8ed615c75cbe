import io

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tabgan.report import plots
from tabgan.report.plots import (
    bars_picture,
    categories_picture,
    distances_picture,
    heatmap_picture,
    numbers_picture,
    points_picture,
    shortened,
)

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=200)


def ink(png: bytes) -> float:
    """The share of pixels that are not white."""
    pixels = matplotlib.image.imread(io.BytesIO(png))[:, :, :3]
    return float((pixels.min(axis=2) < 0.97).mean())


@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        (NORMAL, NORMAL + 1),
        (np.exp(4 * NORMAL), np.exp(NORMAL)),
        (np.sign(NORMAL) * np.exp(4 * abs(NORMAL)), NORMAL),
        (np.round(np.exp(3 * abs(NORMAL))), np.arange(1.0, 9)),
        (np.where(NORMAL > 0, 0, NORMAL), NORMAL),
        (np.arange(1000.0), np.arange(500.0) * 3),
        (np.full(50, 7.0), np.full(50, 8.0)),
        (np.full(50, np.nan), NORMAL),
        (NORMAL, np.full(50, np.nan)),
        (np.where(NORMAL > 1, np.nan, NORMAL), NORMAL),
        (np.array([1e-300, 1e300] * 40 + list(range(100))), np.array([np.nan, -1e308])),
        (np.array([5.0]), np.array([])),
    ],
    ids=[
        "plain", "long tail", "two tails", "whole long tail", "atom", "whole", "constant",
        "real missing", "synthetic missing", "some missing", "extreme", "one row",
    ],
)  # fmt: skip
def test_every_column_of_numbers_has_a_picture(real, synthetic):
    assert ink(numbers_picture("pay", {"real": real, "synthetic": synthetic})) > 0.005


@pytest.mark.parametrize(
    "days",
    [
        np.append(np.arange(15_000.0, 15_150), [2_932_896.0] * 20),  # 9999-12-31
        np.append(np.arange(15_000.0, 15_150), [-719_162.0] * 20),  # 0001-01-01
        np.append(np.arange(15_000.0, 15_150), [2_932_896.0] * 200),  # most of them
        np.array([15_000.0, 2_932_896.0] * 9),
    ],
)
def test_dates_of_any_year_are_drawn(days):
    assert ink(numbers_picture("ends", {"real": days, "synthetic": days + 9}, dates=True)) > 0.01


def test_dates_have_dates_on_their_axis():
    days = np.arange(18_000.0, 18_300)
    assert ink(numbers_picture("born", {"real": days, "synthetic": days + 9}, dates=True)) > 0.01


def test_bins_come_from_the_first_side_and_hold_the_whole_of_it():
    for values in (NORMAL, np.exp(4 * NORMAL), np.sign(NORMAL) * np.exp(4 * abs(NORMAL))):
        _, _, edges = plots._cut(values, dates=False)
        assert np.histogram(values, edges)[0].sum() == len(values)
        assert (np.diff(edges) > 0).all()


def test_a_long_tail_is_logarithmic_and_whole_numbers_stand_inside_their_bins():
    assert plots._cut(np.exp(4 * NORMAL), dates=False)[0] == "log"
    assert plots._cut(NORMAL, dates=False)[0] == "linear"
    scale, _, edges = plots._cut(np.array([1.0] * 90 + [2, 3, 5000]), dates=False)
    assert scale == "linear"  # the middle 80 % have no width to compare with
    scale, _, edges = plots._cut(np.array([1.0, 2, 3] * 90 + [5000]), dates=False)
    assert scale == "log"
    assert edges[:4].tolist() == [0.5, 1.5, 2.5, 3.5]


def test_ticks_of_two_tails_are_powers_of_ten_around_zero():
    ticks = plots._asinh_ticks(np.array([-8_000.0, 100_000.0]), 500.0)
    assert ticks == [-1000.0, 0.0, 1000.0, 10_000.0, 100_000.0]


def test_all_other_categories_are_one_bar_and_new_ones_another():
    labels = [f"c{i}" for i in range(20)]
    shares = pd.DataFrame(
        {"real": [0.05] * 20 + [0, 0], "synthetic": [0.04] * 20 + [0.15, 0.05]},
        index=[*labels, "new 0", "missing"],
    )
    bars = plots._largest(shares)
    assert list(bars.index[-3:]) == ["5 others", "never in real", "missing"]
    assert bars.loc["5 others", "synthetic"] == pytest.approx(0.2)  # 5 of .04


def test_values_that_real_never_has_are_a_bar_of_their_own():
    sides = {"real": np.array([1.0, 2.0]), "synthetic": np.array([1.0, 1.5, np.nan, 2.0])}
    shares = plots._value_shares(sides, np.array([1.0, 2.0]), dates=False)
    assert shares["synthetic"].to_dict() == {
        "1": 0.25, "2": 0.25, "never in real": 0.25, "missing": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["$x^{", "<b>", "日本語", "a\nb\x00", "n" * 300, "", "%s {}"])
def test_any_name_can_be_drawn(name):
    codes = {"real": np.array([0, 0, 1]), "synthetic": np.array([0, 1, 1])}
    assert ink(categories_picture(name, codes, [name or "empty"])) > 0.01
    assert ink(numbers_picture(name, {"real": NORMAL, "synthetic": NORMAL})) > 0.01
    assert ink(heatmap_picture(name, pd.DataFrame([[0, 1], [1, 0]], [name, "b"], [name, "b"])))


def test_names_are_cut_and_stand_on_one_line():
    assert shortened("a\n b") == "a b"
    assert shortened("x" * 40, 10) == "x" * 9 + "…"


def test_the_other_pictures_draw():
    rates = pd.DataFrame({"real": [1.0, 2.0], "synthetic": [2.0, 0.0]}, index=["a", "b"])
    assert ink(bars_picture("missing", rates, unit="%")) > 0.01
    assert ink(bars_picture("distinct", rates["real"], unit="values", log=True)) > 0.01
    assert ink(points_picture("rows", {"real": np.eye(2), "synthetic": np.ones((1, 2))})) > 0.001
    groups = {name: abs(NORMAL) for name in ("real train", "real test", "synthetic")}
    assert ink(distances_picture("distances", groups, {"5 %": 0.1})) > 0.005
    nowhere = {name: np.zeros(5) for name in groups}
    assert ink(distances_picture("copies", nowhere, {"5 %": 0.0})) > 0.001


def test_a_heatmap_of_nothing_is_no_error():
    square = pd.DataFrame(np.nan, index=["a", "b"], columns=["a", "b"])
    assert ink(heatmap_picture("empty", square, signed=True)) > 0.01


def test_drawing_leaves_no_global_state():
    before = dict(mpl.rcParams)
    bars_picture("one", pd.Series({"a": 1.0}), unit="%")
    assert dict(mpl.rcParams) == before
    assert isinstance(plots._figure(1.0), Figure)  # pyplot knows nothing of it
