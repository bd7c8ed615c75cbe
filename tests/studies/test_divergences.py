"""f-divergences side by side: which trainings there are, and what is written."""

import pandas as pd
import pytest
import yaml

from tabgan.paths import conf_dir
from tabgan.report.files import png_size
from tabgan.studies.divergences import divergences_study
from tabgan.studies.prepared import prepare
from tests.studies.toss import SCHEMA, toss_rows

pytestmark = pytest.mark.slow


class Resampler:
    """Rows drawn from the training rows; without the trick, one of them again and again."""

    side = "ours"

    def __init__(self, name, words):
        self.name = self.title = name
        self.words = self.configuration = list(words)

    def fit(self, folder, table, seed):
        table.train.to_csv(folder / "train.csv", index=False)
        return {"wall": 8.0, "cpu": 4.0, "peak_mb": 100.0}

    def kinds(self, folder):
        return ("raw",)

    def log_likelihoods(self, folder, *, kind):
        return None

    def sample(self, folder, *, kind, n, seed, out):
        rows = pd.read_csv(folder / "train.csv").sample(n, replace=True, random_state=seed)
        rows = rows.iloc[[0] * n] if "loss.trick=false" in self.words else rows
        rows.to_csv(folder / out, index=False)
        return {"wall": 1.0, "cpu": 1.0, "peak_mb": 50.0, "seconds": 0.5}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("divergences")
    rows = toss_rows()
    toss = prepare("toss", rows.iloc[:200], rows.iloc[200:], SCHEMA, cache=folder / "tables")
    divergences_study(
        tables=[toss], make_contestant=Resampler, seeds=[0], cache=folder / "cache",
        out=folder / "out", base=["base"], losses=["f_kl"], others=["hinge"],
    )  # fmt: skip
    return folder / "out"


def test_each_divergence_is_trained_with_and_without_the_trick(out):
    lines = pd.read_csv(out / "divergences.csv").set_index("contestant")
    assert list(lines.index[2:]) == ["f_kl", "f_kl, no trick", "hinge"]
    assert lines.loc["f_kl, no trick", "raw.collapse"] > 0.9  # no entropy is left, but for chance
    assert lines.loc["f_kl", "raw.lost_categories"] == 0
    assert lines.loc["f_kl", "raw.c2st_test_auc"] < lines.loc["f_kl, no trick", "raw.c2st_test_auc"]


def test_the_page_says_the_words_and_the_picture_is_drawn(out):
    page = (out / "divergences.md").read_text()
    assert "- f_kl, no trick: `base loss=f_kl loss.trick=false`\n" in page
    assert png_size((out / "toss.png").read_bytes())[0] > 400


def test_the_configured_study_tries_every_f_divergence():
    study = yaml.safe_load((conf_dir() / "study" / "divergences.yaml").read_text("utf-8"))
    configured = {path.stem for path in (conf_dir() / "loss").glob("f_*.yaml")}
    assert set(study["losses"]) == configured
