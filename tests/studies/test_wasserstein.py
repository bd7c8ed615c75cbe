"""A critic's curve beside C2ST: rank correlation over the looks of a training."""

import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.report.files import png_size
from tabgan.studies.prepared import prepare
from tabgan.studies.wasserstein import correlations, wasserstein_study
from tests.studies.toss import SCHEMA

GAMES = {
    "follows": {"overrides": ["up"], "curve": "val/em_distance"},
    "misleads": {"overrides": ["down"], "curve": "val/em_distance"},
}


class Logged:
    """A contestant whose training is its log: 8 looks, C2ST from .9 down to .55."""

    side, configuration = "ours", None

    def __init__(self, name, words):
        self.name = self.title = name
        self.sign = 1 if "up" in words else -1

    def fit(self, folder, table, seed):
        (folder / "run" / "csv").mkdir(parents=True)
        looks = [{"step": s, "val/c2st_auc": 0.9 - 0.05 * s} for s in range(8)]
        curve = [{"step": s, "val/em_distance": self.sign * (8 - s) ** 2} for s in range(8)]
        pd.DataFrame(looks + curve).to_csv(folder / "run" / "csv" / "metrics.csv", index=False)
        return {"wall": 8.0, "cpu": 4.0, "peak_mb": 100.0}


@pytest.fixture
def toss(tmp_path):
    rows = pd.DataFrame({"height": [0.1, 0.2, 0.3, 0.4] * 5, "side": ["head", "tail"] * 10})
    return prepare("toss", rows, rows, SCHEMA, cache=tmp_path / "tables")


def test_ranks_in_the_same_order_are_1_and_in_the_opposite_one_minus_1():
    looks = pd.DataFrame(
        {"curve": [9.0, 4, 1, 0.5, 0.4, 0.2], "c2st": [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]}
    )
    assert correlations(looks)["rank_correlation"] == pytest.approx(1)
    assert correlations(-looks.assign(c2st=-looks["c2st"]))["rank_correlation"] == pytest.approx(-1)
    # ranks 1 2 3 4 against 1 2 4 3: 1 - 6 * (0 + 0 + 1 + 1) / (4 * 15) = .8
    four = pd.DataFrame({"curve": [1.0, 2, 3, 4], "c2st": [1.0, 2, 4, 3]})
    assert correlations(four)["rank_correlation"] == pytest.approx(0.8)
    assert correlations(four)["late_rank_correlation"] == pytest.approx(-1)


def test_the_study_reads_what_the_trainings_logged(toss, tmp_path):
    out = tmp_path / "out"
    words = {"seeds": [0], "cache": tmp_path, "out": out, "games": GAMES}
    lines = wasserstein_study(tables=[toss], make_contestant=Logged, **words)
    assert [line["rank_correlation"] for line in lines] == [pytest.approx(1), pytest.approx(-1)]
    assert {(line["first"], round(line["last"], 2), line["looks"]) for line in lines} == {
        (0.9, 0.55, 8)
    }
    told = (out / "wasserstein.md").read_text("utf-8")
    assert "| toss | follows, val/em_distance | 1.0" in told
    assert png_size((out / "toss.png").read_bytes())[0] > 400


def test_a_training_without_the_curve_is_named(toss, tmp_path):
    games = {"other": {"overrides": ["up"], "curve": "val/distance"}}
    words = {"seeds": [0], "cache": tmp_path, "out": tmp_path / "out", "games": games}
    with pytest.raises(TabganError, match=r"other: logged no 'val/distance' beside 'val/c2st_auc'"):
        wasserstein_study(tables=[toss], make_contestant=Logged, **words)
