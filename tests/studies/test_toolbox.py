"""Tools side by side: which trainings there are, in which order, and what is told of them."""

from collections import Counter
from typing import ClassVar

import pandas as pd
import pytest
import yaml
from scipy.stats import norm

from tabgan.errors import TabganError
from tabgan.paths import conf_dir
from tabgan.report.files import png_size
from tabgan.studies.cells import open_cell
from tabgan.studies.prepared import prepare
from tabgan.studies.toolbox import toolbox_study
from tabgan.system.locks import held
from tests.studies.toss import SCHEMA, toss_rows

pytestmark = pytest.mark.slow


class Resampler:
    """Rows drawn from the training rows; told ``collapsed``, one of them again and again."""

    side = "ours"
    done: ClassVar = Counter()

    def __init__(self, name, words):
        self.name = self.title = name
        self.words = self.configuration = list(words)

    def fit(self, folder, table, seed):
        self.done[(table.title, self.name, seed)] += 1
        table.train.to_csv(folder / "train.csv", index=False)
        return {"wall": 8.0, "cpu": 4.0, "peak_mb": 100.0}

    def kinds(self, folder):
        return ("raw",)

    def log_likelihoods(self, folder, *, kind):
        return None

    def sample(self, folder, *, kind, n, seed, out):
        rows = pd.read_csv(folder / "train.csv").sample(n, replace=True, random_state=seed)
        rows = rows.iloc[[0] * n] if "collapsed" in self.words else rows
        rows.to_csv(folder / out, index=False)
        return {"wall": 1.0, "cpu": 1.0, "peak_mb": 50.0, "seconds": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("toolbox")


@pytest.fixture(scope="module")
def tables(folder):
    rows = toss_rows()
    cuts = {"toss": 200, "throw": 220}
    return [
        prepare(name, rows.iloc[:n], rows.iloc[n:], SCHEMA, cache=folder / "tables")
        for name, n in cuts.items()
    ]


@pytest.fixture(scope="module")
def lines(folder, tables):
    games = {
        "one": {
            "tables": ["toss"],
            "overrides": ["base"],
            "tools": {"none": [], "bad": ["collapsed"]},
        },
        "two": {"tables": ["throw"], "overrides": ["other"], "tools": {"none": []}},
    }
    return toolbox_study(
        tables=tables, make_contestant=Resampler, seeds=[0, 1], cache=folder / "cache",
        out=folder / "out", games=games,
    )  # fmt: skip


def test_all_of_a_seed_come_before_the_next_in_the_order_of_the_games(lines):
    assert len(lines) == 2 * 2 + 2 * 3  # two anchors a table
    assert [*Resampler.done] == [
        (title, name, seed)
        for seed in (0, 1)
        for title, name in [("toss", "one, none"), ("toss", "one, bad"), ("throw", "two, none")]
    ]
    assert set(Resampler.done.values()) == {1}


def test_a_collapsed_generator_has_lost_its_rows_and_one_of_two_categories(lines):
    by_name = {line["contestant"]: line for line in lines if line["table"] == "toss"}
    collapsed, plain = by_name["one, bad"], by_name["one, none"]
    # so many of 200 differ; less 3.09 deviations of one distinct row in 200, 1 of it
    lost = 1 - 1 / 193 - norm.isf(0.001) / 193
    assert collapsed["raw.distinct_rows"] == pytest.approx(lost, abs=1e-3)
    assert collapsed["raw.lost_categories"] == 0.5
    assert collapsed["raw.collapse"] > 0.97  # no entropy is left
    assert plain["raw.lost_categories"] == 0
    assert by_name["real test rows"]["raw.collapse"] < 0.2


def test_the_page_has_a_row_per_game_and_tool_and_each_table_a_picture(lines, folder):
    assert lines
    page = (folder / "out" / "toolbox.md").read_text()
    names = [row.split("|")[2].strip() for row in page.splitlines() if row.startswith("| toss")]
    assert names == ["real test rows", "independent columns", "one, none", "one, bad"]
    assert "- one, bad: `base collapsed`\n" in page
    for title in ("toss", "throw"):
        assert png_size((folder / "out" / f"{title}.png").read_bytes())[0] > 400


def test_what_another_process_is_at_work_on_is_left_to_it_and_the_rest_is_done(tables, folder):
    cache = folder / "shared"
    games = {
        "one": {"tables": ["toss"], "overrides": [], "tools": {"none": [], "bad": ["collapsed"]}}
    }

    def study():
        lines = toolbox_study(
            tables=tables[:1], make_contestant=Resampler, seeds=[7], cache=cache,
            out=folder / "of_two", games=games,
        )  # fmt: skip
        return [line["contestant"] for line in lines]

    none = open_cell(
        cache / "cells", contestant="one, none", table=tables[0].name, seed=7, configuration=[]
    )
    anchors = ["real test rows", "independent columns"]
    with held(none.folder):
        assert study() == [*anchors, "one, bad"]
    assert study() == [*anchors, "one, none", "one, bad"]  # in the order of the games


def test_a_table_that_no_game_is_tried_on_is_refused(folder, tables):
    games = {"one": {"tables": ["tos"], "overrides": [], "tools": {"none": []}}}
    with pytest.raises(TabganError, match="no game is tried on 'toss'; did you mean 'tos'"):
        toolbox_study(
            tables=tables[:1], make_contestant=Resampler, seeds=[0], cache=folder / "cache",
            out=folder / "out", games=games,
        )  # fmt: skip


def test_the_configured_study_tries_every_tool():
    games = yaml.safe_load((conf_dir() / "study" / "toolbox.yaml").read_text("utf-8"))["games"]
    tools = {path.stem for path in (conf_dir() / "tool").glob("*.yaml")}
    assert set(games["cgan_report"]["tools"]) == tools
    assert tools - set(games["cgan_basic"]["tools"]) == {"label_smoothing", "noisy_labels"}
