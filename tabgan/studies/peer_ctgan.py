"""CTGAN in the bench; run by the Python of CTGAN's own environment, never imported by tabgan.

``python peer_ctgan.py fit JOB.json`` reads the job's table and leaves a model;
``python peer_ctgan.py sample JOB.json N SEED ROWS.csv`` writes rows, and beside them
``ROWS.csv.json`` with the ``seconds`` from the loaded model to the written file.

A job is JSON: ``train`` (a CSV file), ``discrete`` and ``numeric`` (its columns), ``seed``,
``settings`` (arguments of CTGAN), ``model`` (where the model goes). CTGAN takes no missing value:
in a discrete column missing is one more category, in a numeric column it is the median.
"""

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from ctgan import CTGAN


def fit(job: dict[str, Any]) -> None:
    """Train on the job's table."""
    table = pd.read_csv(job["train"], dtype="str", keep_default_na=False)
    for name in job["numeric"]:
        values = pd.to_numeric(table[name], errors="coerce").astype("float64")
        table[name] = values.fillna(values.median())
    model = CTGAN(enable_gpu=False, verbose=True, **job["settings"])
    model.set_random_state(job["seed"])
    model.fit(table[[*job["discrete"], *job["numeric"]]], job["discrete"])
    model.save(job["model"])


def sample(job: dict[str, Any], n: str, seed: str, out: str) -> None:
    """Write ``n`` rows."""
    model = CTGAN.load(job["model"])
    model.set_random_state(int(seed))
    began = time.perf_counter()
    # a category that is called NA is no missing value, an empty one is
    model.sample(int(n)).to_csv(out, index=False, quoting=csv.QUOTE_NONNUMERIC)
    seconds = time.perf_counter() - began
    Path(f"{out}.json").write_text(json.dumps({"seconds": seconds}), "utf-8")


if __name__ == "__main__":
    verb, job_path, *words = sys.argv[1:]
    requested = json.loads(Path(job_path).read_text("utf-8"))
    fit(requested) if verb == "fit" else sample(requested, *words)
