"""Variants side by side: each trained once per seed, judged, and drawn."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from tabgan.report.files import png_size
from tabgan.studies.ablation import ablation_study
from tabgan.studies.prepared import prepare
from tests.studies.toss import SCHEMA, toss_rows

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Resampler:
    """Rows drawn from the training rows; the word ``shuffled`` takes each column for itself."""

    name: str
    words: tuple
    side: str = "ours"

    @property
    def title(self):
        return self.name

    @property
    def configuration(self):
        return list(self.words)

    def fit(self, folder, table, seed):
        table.train.to_csv(folder / "train.csv", index=False)
        with (folder / "fits").open("a") as fits:
            fits.write(f"{seed}\n")
        return {"wall": 8.0, "cpu": 4.0, "peak_mb": 100.0}

    def kinds(self, folder):
        return ("raw", "refined")

    def log_likelihoods(self, folder, *, kind):
        return None

    def sample(self, folder, *, kind, n, seed, out):
        rows = pd.read_csv(folder / "train.csv").sample(n, replace=True, random_state=seed)
        if "shuffled" in self.words:
            rng = np.random.default_rng(seed)
            rows = pd.DataFrame({name: rng.permutation(rows[name]) for name in rows})
        rows.to_csv(folder / out, index=False)
        return {"wall": 1.0, "cpu": 1.0, "peak_mb": 50.0, "seconds": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ablation")


@pytest.fixture(scope="module")
def study(folder):
    """A study of 300 rows whose side follows from their height; call it to have it done."""
    rows = toss_rows()
    toss = prepare("toss", rows.iloc[:200], rows.iloc[200:], SCHEMA, cache=folder / "tables")
    variants = {"the recipe": [], "no dependence": ["shuffled"]}
    return lambda: ablation_study(
        tables=[toss], make_contestant=lambda name, words: Resampler(name, tuple(words)),
        seeds=[0, 1], cache=folder / "cache", out=folder / "out", base=["base"], variants=variants,
    )  # fmt: skip


@pytest.fixture(scope="module")
def lines(study):
    return study()


def test_a_variant_without_dependence_is_worse_at_everything_that_looks_at_it(lines, folder):
    by_name = {line["contestant"]: line for line in lines if line["seed"] == 0}
    whole, broken = by_name["the recipe"], by_name["no dependence"]
    assert broken["raw.wnmis"] < 0.75 < 0.9 < whole["raw.wnmis"]
    assert broken["refined.mle_auc"] < 0.8 < whole["refined.mle_auc"]
    assert whole["fit_wall"] == 8
    names = [row.split("|")[2].strip() for row in table_rows(folder / "out" / "ablation.md")]
    assert names == ["real test rows", "independent columns", "the recipe", "no dependence"]


def test_a_study_that_is_asked_again_trains_nothing(lines, study, folder):
    assert study() == lines
    fits = sorted(folder.glob("cache/cells/*/*/fits"))
    assert sorted(path.read_text() for path in fits) == ["0\n", "0\n", "1\n", "1\n"]


def test_the_page_says_the_words_and_the_picture_is_drawn(lines, folder):
    assert lines
    page = (folder / "out" / "ablation.md").read_text()
    assert "- no dependence: `base shuffled`\n" in page
    width, height = png_size((folder / "out" / "toss.png").read_bytes())
    assert width > 400
    assert height > 150


def table_rows(path):
    return [row for row in path.read_text().splitlines() if row.startswith("| toss")]
