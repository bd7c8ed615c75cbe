"""Training rows with hidden cells: a missing cell as one more category, or as an unknown one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tabgan.config.opening import Run, open_run
from tabgan.metrics.detection import c2st_test
from tabgan.metrics.fidelity import shape_error, trend_error
from tabgan.sampling.draw import draw_chunks
from tabgan.sampling.imputing import HOWS, Imputer
from tabgan.seeding import rng_at
from tabgan.studies.cells import Cell, Figures, digest, open_cell
from tabgan.studies.contest import ANCHOR, CELLS, JUDGE_SEED
from tabgan.studies.contestants import OURS, Contestant
from tabgan.studies.impute import AT_RANDOM, distances, hidden_cells, with_cells_hidden
from tabgan.studies.prepared import Prepared, prepare
from tabgan.studies.tallies import Line, markdown, write_tally

log = logging.getLogger(__name__)

WHOLE, CATEGORY, MASKED = "nothing hidden", "category", "masked"
WAYS = {WHOLE: "category", CATEGORY: "category", MASKED: "masked"}  # encoder.missing of each
DRAWN_AT_ONCE = 200_000
MOST_DRAWN = 4_000_000  # rows, of which those without a missing cell are kept
GENERATED = {"c2st_test_auc": "C2ST AUC", "shape_error": "shape %", "trend_error": "trend %"}
FILLED = {"accuracy": "accuracy", "nrmse": "normalised RMSE", "variation": "total variation",
          "ks": "KS"}  # fmt: skip
NOTE = """
{rate:.0%} of the training cells are hidden at random, but for the target's. Generated rows without
a missing cell are compared with test rows without one: of a generator that learned missing as a
category, those that come without ("kept"), or all with their missing cells imputed by itself
("filled"). Then {rate:.0%} of the cells of at most {rows:,} test rows are hidden and imputed.
"""


def missing_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Contestant],
    seeds: Sequence[int], cache: Path, out: Path, overrides: Sequence[str], ways: Sequence[str],
    rate: float, rows: int,
) -> list[Line]:  # fmt: skip
    """Train on rows with hidden cells; compare whole generated rows with whole real ones.

    Writes ``missing.md`` and ``missing.csv`` into ``out``.

    Args:
        tables: nominal columns, numbers and a target.
        make_contestant: a contestant from a name and overrides of ``tabgan.train``.
        seeds: of what is hidden and of the training.
        cache: where everything is kept.
        out: a folder.
        overrides: of the training.
        ways: of "nothing hidden", "category" and "masked".
        rate: share of the cells to hide, in (0, 1).
        rows: test rows to impute, at most.
    """
    trained = {
        way: make_contestant(f"missing, {way}", [*overrides, f"encoder.missing={WAYS[way]}"])
        for way in ways
    }
    lines: list[Line] = []
    for table in tables:
        for seed in seeds:
            incomplete = with_cells_hidden_in_training(
                table, rate, seed=seed, cache=cache / "tables"
            )
            lines.append(_real_line(table, cache, seed))
            for way, contestant in trained.items():
                learned = table if way == WHOLE else incomplete
                lines += _lines(table, learned, way, contestant, seed, cache, rate, rows)
                _write(out, lines, NOTE.format(rate=rate, rows=rows))
    log.info(
        "%s\nthe study of missing cells: %s",
        markdown(lines, GENERATED | FILLED),
        out / "missing.md",
    )
    return lines


def with_cells_hidden_in_training(
    table: Prepared, rate: float, *, seed: int, cache: Path
) -> Prepared:
    """The table with a share of its training cells hidden, but for the target's."""
    names = [name for name in table.train if name != table.target]
    hidden = rng_at(seed, "holes", "train").random((len(table.train), len(names))) < rate
    rows = table.train.assign(**table.train[names].mask(hidden))
    columns = tuple(replace(column, missing=True) for column in table.schema.columns)
    schema = replace(table.schema, columns=columns)
    title = f"{table.title}-missing-{rate:g}-seed{seed}"
    return prepare(title, schema.conform(rows), schema.conform(table.test), schema, cache=cache)


def whole_rows(run: Run, n: int, *, seed: int, filled: bool) -> pd.DataFrame:
    """Generated rows without a missing cell: ``n``, or as many as ``MOST_DRAWN`` rows give.

    Args:
        run: whose generator draws.
        n: rows.
        seed: of the draws.
        filled: whether missing cells are imputed, or rows that have one left out.
    """
    if filled:
        rows = pd.concat(draw_chunks(run.module, run.encoder, n=n, seed=seed), ignore_index=True)
        return next(Imputer(run.module, run.encoder, seed=seed).draws(rows, 1))
    found: list[pd.DataFrame] = []
    for piece in range(MOST_DRAWN // DRAWN_AT_ONCE):
        drawn = draw_chunks(run.module, run.encoder, n=DRAWN_AT_ONCE, seed=seed + piece)
        for chunk in drawn:
            found.append(chunk.dropna())
            if sum(map(len, found)) >= n:
                return pd.concat(found, ignore_index=True).head(n)
    return pd.concat(found, ignore_index=True)


def _lines(
    table: Prepared, learned: Prepared, way: str, contestant: Contestant, seed: int, cache: Path,
    rate: float, rows: int,
) -> Iterator[Line]:  # fmt: skip
    cell = open_cell(
        cache / CELLS, contestant=contestant.name, table=learned.name, seed=seed,
        configuration=contestant.configuration,
    )  # fmt: skip
    cell.once("fit", lambda: contestant.fit(cell.folder, learned, seed))
    for filled in (False, True) if way == CATEGORY else (False,):

        def generated(filled: bool = filled) -> Figures:
            whole = table.test.dropna()
            run = open_run(cell.folder / "run")
            return _compared(whole, whole_rows(run, len(whole), seed=seed, filled=filled))

        name = way if way != CATEGORY else f"{way}, {'filled' if filled else 'kept'}"
        figures = cell.once(f"generated-{'filled' if filled else 'kept'}", generated)
        yield {**_line(table, name, "generated", seed), **figures}
    for how in HOWS:

        def imputed(how: str = how) -> Figures:
            return _imputed(cell, table, how, seed, rate, rows)

        step = f"imputed-{how}-{digest([rate, rows])}"
        yield {**_line(table, way, f"imputed, {how}", seed), **cell.once(step, imputed)}


def _real_line(table: Prepared, cache: Path, seed: int) -> Line:
    """Whole training rows against whole test rows."""
    cell = open_cell(
        cache / CELLS, contestant="real whole rows", table=table.name, seed=0, configuration=None
    )
    figures = cell.once("compared", lambda: _compared(table.test.dropna(), table.train.dropna()))
    return {**_line(table, "real training rows", "-", seed), "side": ANCHOR, **figures}


def _line(table: Prepared, name: str, rows: str, seed: int) -> Line:
    return {"table": table.title, "contestant": name, "rows": rows, "seed": seed, "side": OURS}


def _compared(real: pd.DataFrame, rows: pd.DataFrame) -> Figures:
    c2st = c2st_test(real, rows, seed=JUDGE_SEED, marginal=False, threads=1)
    errors = {"shape_error": shape_error(real, rows), "trend_error": trend_error(real, rows)}
    return {"n": len(rows)} | c2st | errors


def _imputed(cell: Cell, table: Prepared, how: str, seed: int, rate: float, n_rows: int) -> Figures:
    chosen = rng_at(seed, "impute", "rows").permutation(len(table.test))[:n_rows]
    truth = table.test.iloc[sorted(chosen)].reset_index(drop=True)
    hidden = hidden_cells(truth, AT_RANDOM, rate, table, seed=seed)
    run = open_run(cell.folder / "run")
    incomplete = with_cells_hidden(table, truth, hidden)
    filled = next(Imputer(run.module, run.encoder, seed=seed).fill(incomplete, 1, how))
    target = {str(table.target): truth[str(table.target)]}
    return distances(table, truth, table.schema.conform(filled.assign(**target)), hidden)


def _write(out: Path, lines: list[Line], note: str) -> None:
    """Two tables: of generated rows, and of imputed ones."""
    parts = [
        markdown([line for line in lines if any(name in line for name in figures)], figures)
        for figures in (GENERATED, FILLED)
    ]
    write_tally(out, "missing", lines, "\n".join(parts) + note)
