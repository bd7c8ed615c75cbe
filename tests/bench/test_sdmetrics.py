"""Our Shape, Trend and C2ST beside the reference implementation's; each difference explained.

sdmetrics runs in an environment of its own (``.cache/bench-sdmetrics``, made once) on tables that
the bench writes. A difference counts as explained when our own function, with the tables or the
classifier prepared as sdmetrics prepares them, gives sdmetrics' figure. The steps below are those
preparations, one convention at a time.

sdmetrics has no boosted C2ST: its two-sample test is given TabPC's classifier instead. Its folds
are unseeded: the bench seeds them, which makes them ours. Version 0.24.0 averages all pairs, as we
do, and draws 50,000 rows from larger tables; these tables are smaller.
"""

import json
import os
import subprocess
import venv
import warnings
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy
import sklearn
from rich.console import Console
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, RobustScaler
from threadpoolctl import threadpool_limits

from tabgan.metrics.detection import c2st_lr, c2st_train_score
from tabgan.metrics.drawing import independent_columns
from tabgan.metrics.fidelity import column_errors, pair_errors
from tabgan.tables.readers import read_table
from tabgan.tables.sources import resolve

xgboost = pytest.importorskip("xgboost")  # TabPC's classifier, the same version on both sides

ROOT = Path(__file__).parents[2]
BANK = ROOT.parent / "shared" / "data" / "bank-small.arff"
HOME = ROOT / ".cache" / "bench-sdmetrics"
REQUIREMENTS = (
    "sdmetrics==0.24.0",
    f"numpy=={np.__version__}",
    f"scikit-learn=={sklearn.__version__}",
    f"scipy=={scipy.__version__}",
    f"xgboost-cpu=={xgboost.__version__}",
)
SEED = 0
EMPTIED = {"real": 0.1, "synthetic": 0.3}  # shares of the two columns with missing cells
HOLED = ("balance", "job")
BOOSTED = {"eval_metric": "logloss", "random_state": 0, "n_jobs": 1}

AGREE = 1e-9  # where both follow the same convention; sdmetrics adds 1e-6 of a row per new category
LEFT = {"Shape %": 1e-6, "Trend %": 1e-6, "C2ST-LR": 1e-5, "C2ST-XGB train": 1e-5}

PROGRAM = """
import json, sys, warnings
from pathlib import Path
import numpy, pandas
from sdmetrics.reports.single_table import QualityReport
from sdmetrics.single_table.detection import LogisticDetection
from sdmetrics.single_table.detection.sklearn import ScikitLearnClassifierDetectionMetric
from xgboost import XGBClassifier

folder, boosted = Path(sys.argv[1]), json.loads(sys.argv[2])
metadata = json.loads((folder / "metadata.json").read_text())
nominal = [n for n, column in metadata["columns"].items() if column["sdtype"] == "categorical"]

class BoostedDetection(ScikitLearnClassifierDetectionMetric):
    @staticmethod
    def _get_classifier():
        return XGBClassifier(**boosted)

def read(name):
    return pandas.read_csv(
        folder / f"{name}.csv", dtype=dict.fromkeys(nominal, "object"),
        keep_default_na=False, na_values=[""],
    )

def detection(metric):
    numpy.random.seed(0)  # the folds
    return metric.compute(read("real"), read("synthetic"), metadata)

warnings.simplefilter("ignore")
report = QualityReport()
report.generate(read("real"), read("synthetic"), metadata, verbose=False)
columns, pairs = (report.get_details(f"Column {what}") for what in ("Shapes", "Pair Trends"))
scores = report.get_properties().set_index("Property")["Score"]
print(json.dumps({
    "columns": dict(zip(columns["Column"], columns["Score"])),
    "pairs": pairs[["Column 1", "Column 2", "Score"]].values.tolist(),
    "Shape %": 100 * (1 - scores["Column Shapes"]),
    "Trend %": 100 * (1 - scores["Column Pair Trends"]),
    "C2ST-LR": detection(LogisticDetection),
    "C2ST-XGB train": detection(BoostedDetection),
}))
"""


@pytest.fixture(scope="module")
def reference():
    """The Python of the environment with sdmetrics, made on first use."""
    ready, python = HOME / "ready.json", HOME / "bin" / "python"
    if ready.is_file() and json.loads(ready.read_text()) == list(REQUIREMENTS):
        return python
    venv.create(HOME, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"pip could not install sdmetrics: {done.stderr.strip().splitlines()[-1:]}")
    ready.write_text(json.dumps(REQUIREMENTS))
    return python


def cases():
    """(table, synthetic rows) -> (real, synthetic)."""
    source = resolve("adult")
    adult, _ = read_table(source.path, target=source.target)
    train, test = adult.iloc[: source.train_rows], adult.iloc[source.train_rows :]
    found = {
        ("Adult", "test rows"): (train, test),
        ("Adult", "independent"): (train, independent_columns(train, len(train), SEED)),
    }
    bank, _ = read_table(BANK)
    order = np.random.default_rng(SEED).permutation(len(bank))
    half, other = (bank.iloc[np.sort(part)] for part in np.array_split(order, 2))
    found["bank-small", "other half"] = half, other
    found["bank-small", "independent"] = half, independent_columns(half, len(half), SEED)
    incomplete = emptied(half, EMPTIED["real"]), emptied(other, EMPTIED["synthetic"])
    found["bank-small", "other half, with missing cells"] = incomplete
    return found


def emptied(rows, share):
    """``rows`` less a share of two columns' values: the largest numbers, any categories."""
    changed = rows.copy()
    n_missing = round(share * len(rows))
    number, nominal = HOLED
    changed[number] = changed[number].astype("float64")
    largest = changed[number].nlargest(n_missing).index[1:]  # the maximum keeps the edges
    changed.loc[largest, number] = np.nan
    changed.loc[changed.sample(n_missing, random_state=SEED).index, nominal] = np.nan
    return changed


def theirs(python, real, synthetic, folder):
    """sdmetrics' figures of two tables."""
    folder.mkdir()
    kinds = {name: "numerical" if is_number(real[name]) else "categorical" for name in real}
    columns = {name: {"sdtype": kind} for name, kind in kinds.items()}
    (folder / "metadata.json").write_text(json.dumps({"columns": columns}))
    for name, table in (("real", real), ("synthetic", synthetic)):
        table.to_csv(folder / f"{name}.csv", index=False)
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [str(python), "-c", PROGRAM, str(folder), json.dumps(BOOSTED)]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | one_thread
    )
    return json.loads(done.stdout)


def is_number(column):
    return pd.api.types.is_numeric_dtype(column.dtype)


# Each of the following returns [(convention, figure under it and those before it)], ours first.


def shape_steps(real, synthetic):
    known = [column_errors(real[[n]].dropna(), synthetic[[n]].dropna()).iloc[0] for n in real]
    return [
        ("ours", column_errors(real, synthetic).mean()),
        ("missing values dropped", np.mean(known)),
    ]


def trend_steps(real, synthetic):
    ours = pair_errors(real, synthetic)
    own = [
        (own_edges, "own edges for each table"),
        (own_digits, "its maximum in a cell of its own"),
    ]
    return [("ours", pair_mean(ours))] + [
        (why, pair_mean(pairs_cut_by(cut, ours, real, synthetic))) for cut, why in own
    ]


def pair_mean(square):
    values = square.to_numpy()
    return values[np.triu_indices(len(values), k=1)].mean()


def pairs_cut_by(cut, ours, real, synthetic):
    """``pair_errors`` with the numbers of mixed pairs cut by ``cut``, in each table by itself."""
    numbers = [name for name in real if is_number(real[name])]
    square = pair_errors(
        *(
            table.assign(**{name: pd.Categorical(cut(table[name])) for name in numbers})
            for table in (real, synthetic)
        )
    )
    for pair in combinations(numbers, 2):
        square.loc[pair] = square.loc[pair[::-1]] = ours.loc[pair]
    return square


def own_edges(values):
    """Our bins: the maximum belongs to the tenth, missing is a cell."""
    edges = np.histogram_bin_edges(values.dropna())
    return np.where(values.isna(), -1, np.digitize(values, edges[1:-1]))


def own_digits(values):
    """sdmetrics' bins: the maximum is an eleventh, and missing numbers are in it."""
    return np.digitize(values, np.histogram_bin_edges(values.dropna()))


def logistic_steps(real, synthetic):
    filled = [filled_by_mean(table, real) for table in (real, synthetic)]
    return [
        ("ours", c2st_lr(real, synthetic)),
        ("missing numbers at real's mean, unflagged", c2st_lr(*filled)),
        ("quartile scaling", fold_score(*filled, lambda: LogisticRegression(max_iter=1_000))),
        ("100 iterations", fold_score(*filled, LogisticRegression)),
    ]


def boosted_steps(real, synthetic):
    filled = [filled_by_mean(table, real) for table in (real, synthetic)]
    return [
        ("ours", c2st_train_score(real, synthetic, threads=1)),
        ("missing numbers at real's mean", c2st_train_score(*filled, threads=1)),
        (
            "one-hot categories",
            fold_score(*filled, lambda: xgboost.XGBClassifier(**BOOSTED)),
        ),
    ]


def filled_by_mean(table, real):
    incomplete = [name for name in real if is_number(real[name]) and table[name].isna().any()]
    return table.assign(**{name: table[name].fillna(real[name].mean()) for name in incomplete})


def fold_score(real, synthetic, build):
    """sdmetrics' score: numbers, then one-hot categories, quartile-scaled fold by fold."""
    labels = np.repeat([1, 0], [len(real), len(synthetic)])
    numbers = [name for name in real if is_number(real[name])]
    nominal = [name for name in real if name not in numbers]
    stacked = pd.concat([real, synthetic])
    codes = OneHotEncoder(sparse_output=False).fit_transform(stacked[nominal].astype("object"))
    rows = np.hstack([stacked[numbers].to_numpy("float64"), codes])
    scores = []
    for fitted, held in StratifiedKFold(3, shuffle=True, random_state=0).split(rows, labels):
        scaler = RobustScaler().fit(rows[fitted])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = build().fit(scaler.transform(rows[fitted]), labels[fitted])
        told = model.predict_proba(scaler.transform(rows[held]))[:, 1]
        scores.append(max(0.5, roc_auc_score(labels[held], told)) * 2 - 1)
    return 1 - np.mean(scores)


STEPS = {
    "Shape %": shape_steps,
    "Trend %": trend_steps,
    "C2ST-LR": logistic_steps,
    "C2ST-XGB train": boosted_steps,
}


@pytest.mark.bench
@pytest.mark.skipif(not BANK.is_file(), reason=f"no {BANK}")
def test_sdmetrics_agrees_under_its_own_conventions(reference, tmp_path, capsys):
    shown = Table(title="ours beside sdmetrics 0.24.0; each step adds one of its conventions")
    for heading in ("real", "synthetic", "metric", "ours", "sdmetrics", "difference"):
        shown.add_column(heading)
    shown.add_column("the difference, step by step")
    shown.add_column("left")
    left = {}
    for number, (case, (real, synthetic)) in enumerate(cases().items()):
        expected = theirs(reference, real, synthetic, tmp_path / str(number))
        assert_same_where_conventions_are(real, synthetic, expected)
        for metric, steps_of in STEPS.items():
            with threadpool_limits(1):
                steps = steps_of(real, synthetic)
            figure = expected[metric]
            left[*case, metric] = figure - steps[-1][1]
            shown.add_row(*case, metric, *described(steps, figure))
        shown.add_section()
    with capsys.disabled():
        Console(width=170).print("", shown)
    unexplained = {k: value for k, value in left.items() if abs(value) > LEFT[k[-1]]}
    assert not unexplained


def described(steps, figure):
    moves = [
        f"{why} {after - before:+.4f}"
        for (_, before), (why, after) in pairwise(steps)
        if abs(after - before) > 1e-6
    ]
    ours, last = steps[0][1], steps[-1][1]
    return (
        f"{ours:.4f}",
        f"{figure:.4f}",
        f"{figure - ours:+.4f}",
        "\n".join(moves) or "none: equal",
        f"{figure - last:+.0e}",
    )


def assert_same_where_conventions_are(real, synthetic, expected):
    """Complete columns agree, and so do pairs of two numbers and of two categories."""
    errors = column_errors(real, synthetic)
    for name, score in expected["columns"].items():
        if not (real[name].isna().any() or synthetic[name].isna().any()):
            assert errors[name] / 100 == pytest.approx(1 - score, abs=AGREE), name
    pairs = pair_errors(real, synthetic)
    assert len(expected["pairs"]) == len(real.columns) * (len(real.columns) - 1) // 2
    for a, b, score in expected["pairs"]:
        if is_number(real[a]) == is_number(real[b]):
            assert pairs.loc[a, b] / 100 == pytest.approx(1 - score, abs=AGREE), (a, b)
