"""Hidden cells of test rows filled by a trained generator and by scikit-learn's imputers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from tabgan.config.opening import open_run
from tabgan.metrics.boosting import boosted_classifier
from tabgan.metrics.coding import code_tables
from tabgan.sampling.filling import with_cells_missing
from tabgan.sampling.imputing import HOWS, Imputer
from tabgan.seeding import rng_at
from tabgan.studies.cells import Cell, Figures, digest, open_cell
from tabgan.studies.contestants import Contestant
from tabgan.studies.fillers import FILLERS, FIT_ROWS, SETTINGS, fill
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import Line, markdown, write_tally

log = logging.getLogger(__name__)

AT_RANDOM, BY_RULE = "at random", "by rule"
TREES = 100  # of the classifier behind the downstream AUC
FIGURES = {
    "accuracy": "accuracy",
    "nrmse": "normalised RMSE",
    "variation": "total variation",
    "ks": "KS",
    "auc": "AUC on filled rows",
}
NOTE = """
Accuracy and total variation (of the filled cells' shares against the hidden ones') are means over
nominal columns, RMSE over the column's standard deviation and the Kolmogorov-Smirnov distance over
numbers. The target is hidden from every imputer; the AUC is that of boosted trees trained on whole
training rows and tested on the filled ones ("nothing hidden": on the rows before). At random, each
cell is hidden with the same chance; by rule, with twice that chance times its row's rank (0 to 1)
in {rule}, which stays. At most {rows:,} test rows; training rows: {fitted}, ours all.
"""


def impute_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Contestant],
    seeds: Sequence[int], cache: Path, out: Path, overrides: Sequence[str], rates: Sequence[float],
    rows: int,
) -> list[Line]:  # fmt: skip
    """Hide cells of test rows, have them filled, and compare with what was hidden.

    Writes ``impute.md`` and ``impute.csv`` into ``out``.

    Args:
        tables: nominal columns, numbers and a nominal target.
        make_contestant: a contestant from a name and overrides of ``tabgan.train``.
        seeds: of the training, of what is hidden and of the imputers.
        cache: where everything is kept.
        out: a folder.
        overrides: of the training.
        rates: shares of the cells to hide, in (0, .5].
        rows: test rows at most.
    """
    trained = make_contestant("impute", overrides)
    lines: list[Line] = []
    for table in tables:
        for seed in seeds:
            lines += _lines(table, trained, seed=seed, cache=cache, rates=rates, rows=rows)
            fitted = ", ".join(f"{name} {n:,}" for name, n in FIT_ROWS.items())
            note = NOTE.format(rule=_deciding(table), rows=rows, fitted=fitted)
            text = f"{markdown(lines, FIGURES)}{note}\nTraining: `{' '.join(overrides)}`\n"
            write_tally(out, "impute", lines, text)
    log.info("%s\nthe study of imputation: %s", markdown(lines, FIGURES), out / "impute.md")
    return lines


def _lines(
    table: Prepared, trained: Contestant, *, seed: int, cache: Path, rates: Sequence[float],
    rows: int,
) -> Iterator[Line]:  # fmt: skip
    cell = open_cell(
        cache / "cells", contestant=trained.name, table=table.name, seed=seed,
        configuration=trained.configuration,
    )  # fmt: skip
    cell.once("fit", lambda: trained.fit(cell.folder, table, seed))
    chosen = rng_at(seed, "impute", "rows").permutation(len(table.test))[:rows]
    truth = table.test.iloc[np.sort(chosen)].reset_index(drop=True)
    own = {"table": table.title, "seed": seed, "side": "whole", "contestant": "nothing hidden"}
    name = f"whole-{digest([rows, TREES])}"
    yield own | {"rows": "-"} | cell.once(name, lambda: {"auc": _auc(table, truth)})
    for rule in (AT_RANDOM, BY_RULE):
        for rate in rates:
            hidden = hidden_cells(truth, rule, rate, table, seed=seed)
            for method in (*(f"ours, {how}" for how in HOWS), *FILLERS):
                settings = SETTINGS.get(method, {}).items()
                key = digest([rule, rate, rows, method, FIT_ROWS.get(method), TREES, *settings])
                step = f"{method.replace(' ', '')}-{key}"

                def work(method: str = method, hidden: pd.DataFrame = hidden) -> Figures:
                    return _figures(cell, table, truth, hidden, method, seed)

                line = own | {"contestant": method, "rows": f"{rule}, {rate:.0%}"}
                yield line | cell.once(step, work)


def hidden_cells(
    truth: pd.DataFrame, rule: str, rate: float, table: Prepared, *, seed: int
) -> pd.DataFrame:
    """The cells of ``truth`` that are hidden: bool, its columns without the target."""
    names = [str(name) for name in truth if name != table.target]
    uniform = rng_at(seed, "impute", "hide", rule).random((len(truth), len(names)))
    chance = np.full((len(truth), 1), rate)
    if rule == BY_RULE:
        rank = truth[_deciding(table)].rank(pct=True).fillna(0.5).to_numpy("float64")
        chance = 2 * rate * rank[:, None]
    hidden = pd.DataFrame(uniform < chance, columns=names) & truth[names].notna()
    if rule == BY_RULE:
        hidden[_deciding(table)] = False
    return hidden


def _deciding(table: Prepared) -> str:
    """The column whose rank decides what is hidden by rule: the first number."""
    return next(c.name for c in table.schema.columns if c.is_number and c.name != table.target)


def with_cells_hidden(table: Prepared, truth: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """``truth`` without its hidden cells and without its target's, as an imputer takes it."""
    schema = with_cells_missing(table.schema, [str(name) for name in truth])
    incomplete = truth.drop(columns=str(table.target)).mask(hidden)
    return schema.conform(incomplete.assign(**{str(table.target): None}))


def _figures(
    cell: Cell, table: Prepared, truth: pd.DataFrame, hidden: pd.DataFrame, method: str, seed: int
) -> Figures:
    incomplete = with_cells_hidden(table, truth, hidden)
    if method in FILLERS:
        known = incomplete.drop(columns=str(table.target))
        filled = fill(method, table.train, known, table.schema, seed=seed)
    else:
        run = open_run(cell.folder / "run")
        imputer = Imputer(run.module, run.encoder, seed=seed)
        filled = next(imputer.fill(incomplete, 1, method.removeprefix("ours, ")))
    target = {str(table.target): truth[str(table.target)]}
    filled = table.schema.conform(filled.assign(**target))
    return distances(table, truth, filled, hidden) | {"auc": _auc(table, filled)}


def distances(
    table: Prepared, truth: pd.DataFrame, filled: pd.DataFrame, hidden: pd.DataFrame
) -> Figures:
    """The distance of filled cells from hidden ones: means over columns with hidden cells."""
    found: dict[str, list[float]] = {"accuracy": [], "nrmse": [], "variation": [], "ks": []}
    for name in (str(n) for n in hidden if hidden[n].any()):
        real, ours = truth.loc[hidden[name], name], filled.loc[hidden[name], name]
        if table.schema[name].is_nominal:
            shares = [values.value_counts(normalize=True, sort=False) for values in (real, ours)]
            found["accuracy"].append(float((real.astype(str) == ours.astype(str)).mean()))
            found["variation"].append(float((shares[0] - shares[1]).abs().sum() / 2))
        else:
            pair = [values.to_numpy("float64") for values in (real, ours)]
            scale = float(truth[name].astype("float64").std()) or 1.0
            found["nrmse"].append(float(np.sqrt(np.mean((pair[0] - pair[1]) ** 2))) / scale)
            found["ks"].append(float(ks_2samp(*pair, method="asymp").statistic))
    return {name: float(np.mean(values)) for name, values in found.items() if values}


def _auc(table: Prepared, rows: pd.DataFrame) -> float:
    """Of boosted trees that learned the training rows' target, on ``rows``."""
    train, tested = code_tables(train=table.train, rows=rows)
    labels: Any = train.codes[str(table.target)]
    kept = np.array([name != table.target for name in train.columns])
    model = boosted_classifier(
        seed=0, threads=1, nominal=train.is_nominal()[kept], n_estimators=TREES
    )
    with threadpool_limits(1):
        model.fit(train.matrix()[:, kept], labels)
        chances = model.predict_proba(tested.matrix()[:, kept])
    truth = tested.codes[str(table.target)]
    if chances.shape[1] == 2:
        return float(roc_auc_score(truth, chances[:, 1]))
    return float(roc_auc_score(truth, chances, multi_class="ovr", labels=model.classes_))
