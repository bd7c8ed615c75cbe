"""CTGAN's driver, with a stand-in for the package that no environment of ours holds."""

import json
import subprocess
import sys

import pytest

from tabgan.studies.contestants import DRIVERS
from tabgan.tables.readers import read_csv
from tabgan.tables.schema import Column, TableSchema

STAND_IN = '''
import pandas as pd

class CTGAN:
    """As CTGAN it takes no missing value and is told what is discrete; it gives the table back."""

    def __init__(self, enable_gpu, verbose, epochs):
        self.epochs = epochs

    def set_random_state(self, seed):
        self.seed = seed

    def fit(self, table, discrete):
        assert not table.isna().any().any()
        assert all(table[name].dtype == "float64" for name in table if name not in discrete)
        self.table = table

    def save(self, path):
        self.table.to_pickle(path)

    @classmethod
    def load(cls, path):
        model = cls(False, False, 0)
        model.table = pd.read_pickle(path)
        return model

    def sample(self, n):
        return self.table.head(n)
'''


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Run the driver with its words, in a folder with a table of three rows."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "ctgan.py").write_text(STAND_IN, "utf-8")
    (tmp_path / "train.csv").write_text('age,job\n20,cook\n,"NA"\n40,\n', "utf-8")
    job = {"train": "train.csv", "discrete": ["job"], "numeric": ["age"], "seed": 0}
    job |= {"settings": {"epochs": 1}, "model": "model"}
    (tmp_path / "job.json").write_text(json.dumps(job), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    start = [sys.executable, "-P", DRIVERS / "peer_ctgan.py"]
    return lambda *words: subprocess.run([*start, *words], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_a_missing_category_is_one_more_and_a_missing_number_the_median(driver, tmp_path):
    driver("fit", "job.json")
    driver("sample", "job.json", "3", "0", "rows.csv")
    schema = TableSchema(
        name="people",
        columns=(
            Column(name="job", kind="nominal", categories=("cook", "NA"), missing=True),
            Column(name="age", kind="numeric"),
        ),
    )
    rows, _ = read_csv(tmp_path / "rows.csv", schema=schema)
    assert rows["job"].tolist()[:2] == ["cook", "NA"]  # its name, and no missing value
    assert rows["job"].isna().tolist() == [False, False, True]
    assert rows["age"].tolist() == [20, 30, 40]
    assert json.loads((tmp_path / "rows.csv.json").read_text())["seconds"] > 0
