"""Rows for scores: generate, query the black box, keep what comes out near the score requested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabgan.blackboxes.counter import QueryCounter
from tabgan.blackboxes.scored.model import ScoredModel
from tabgan.blackboxes.scored.pairing import nearest_pairs
from tabgan.blackboxes.scored.scorer import table_of
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.protocol import RowModel
from tabgan.sampling.draw import draw_chunks
from tabgan.sampling.refiner import Refiner
from tabgan.seeding import generator_at, rng_at, seed_at
from tabgan.tables.schema import Column, TableSchema

REQUESTED, OBTAINED = "score_asked", "score_obtained"
TRIES = 64  # rows generated for one score, none of which came near, before it is given up
QUERIES_PER_ROW = 50  # of the default budget
RANGES = 10  # parts of [0, 1] that are reported apart
NEARNESS = (0.25, 0.5, 1.0)  # of the tolerance: the nearest pairs are matched first

Scores = NDArray[np.float64]
Propose = Callable[[Scores, int], pd.DataFrame]  # scores requested [n], seed -> n rows


@dataclass
class ClosedLoopResult:
    """The result of a closed loop.

    Attributes:
        rows: one row per score requested; that of a score that was not reached is the nearest
            found.
        requested, obtained: float64 [n].
        kept: bool [n], within the tolerance.
        queries: rows that the box scored for it.
        tries: proposals, those that were known already included.
        best: per tenth of [0, 1], the obtained score that came nearest to one requested there;
            NaN where none was requested or none was queried.
        ended: why it ended, in words.
        failure: what the box said when it failed; "" when it did not.
    """

    rows: pd.DataFrame
    requested: Scores
    obtained: Scores
    kept: NDArray[np.bool_]
    queries: int
    tries: int
    ended: str
    failure: str = ""
    best: Scores = field(init=False)

    def __post_init__(self) -> None:
        self.best = np.full(RANGES, np.nan)
        part = part_of(self.requested)
        error = np.abs(self.obtained - self.requested)
        for position in np.unique(part[np.isfinite(error)]):
            inside = np.flatnonzero((part == position) & np.isfinite(error))
            self.best[position] = self.obtained[inside[error[inside].argmin()]]

    def table(self, *, every: bool = False) -> pd.DataFrame:
        """The kept rows, or all, in the order requested, with ``score_asked`` and ``_obtained``."""
        scores = {REQUESTED: self.requested, OBTAINED: self.obtained}
        both = self.rows.assign(**scores)
        return both if every else both[self.kept].reset_index(drop=True)

    def unreached(self) -> list[str]:
        """Per tenth in which a score was not reached: how many, and the nearest that came."""
        part = part_of(self.requested)
        lines = []
        for position in np.unique(part[~self.kept]):
            inside = part == position
            missed = self.requested[inside & ~self.kept]
            near = self.obtained[inside & ~self.kept]
            known = np.isfinite(near)
            why = "nothing was queried for them"
            if known.any():
                closest = np.abs(near[known] - missed[known]).argmin()
                wanted, best = missed[known][closest], near[known][closest]
                why = f"requested {wanted:.3f}, the best was {best:.3f}"
            lines.append(
                f"{position / RANGES:.1f} to {(position + 1) / RANGES:.1f}: {len(missed)} of "
                f"{int(inside.sum())} scores not reached; {why}"
            )
        return lines


def part_of(scores: Scores) -> NDArray[np.int64]:
    """The tenth of [0, 1] that each score lies in, int64 [n] in 0 ... 9."""
    return np.minimum((scores * RANGES).astype(np.int64), RANGES - 1)


def requested_scores(score: str | float, n: int, seed: int) -> Scores:
    """``n`` scores: all the same, or drawn evenly from [0, 1] for "uniform".

    Raises:
        TabganError: when it is neither "uniform" nor a number in [0, 1].
    """
    if score == "uniform":
        return rng_at(seed, "scores").random(n)
    try:
        value = float(score)
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise TabganError(f"score={score}: expected a score in [0, 1], or uniform")
    return np.full(n, value)


def proposer(module: RowModel, encoder: TableEncoder, refiner: Refiner | None) -> Propose:
    """A run's proposals of rows: a scored run knows the scores, any other does not."""
    if isinstance(module, ScoredModel):
        return partial(_scored, module, encoder)
    return partial(_unscored, module, encoder, refiner)


def _scored(module: ScoredModel, encoder: TableEncoder, scores: Scores, seed: int) -> pd.DataFrame:
    wanted = torch.as_tensor(scores, dtype=torch.float32, device=module.device)
    rng = generator_at(seed, "scored", device=module.device)
    return table_of(module.sample_scored(wanted, rng), encoder)


def _unscored(
    module: RowModel, encoder: TableEncoder, refiner: Refiner | None, scores: Scores, seed: int
) -> pd.DataFrame:
    drawn = draw_chunks(module, encoder, n=len(scores), seed=seed, refiner=refiner)
    return pd.concat(drawn, ignore_index=True)


def closed_loop(
    propose: Propose,
    box: QueryCounter,
    requested: Scores,
    *,
    tolerance: float,
    budget: int | None,
    seed: int,
    report: Callable[[int], None] = lambda kept: None,
) -> ClosedLoopResult:
    """A row for each score requested, out of rounds of proposals; the same seed, the same rows.

    A round proposes one row for every score that is still open and queries them in one call.
    Each row then goes to the nearest open score within the tolerance, whichever it was proposed
    for. A score that 64 proposals did not reach is given up.

    Args:
        propose: generates rows.
        box: counts and checks; may know rows from before, which cost nothing.
        requested: float64 [n] in [0, 1].
        tolerance: how far a kept row's score may be off.
        budget: queries at most; None for 50 a row.
        seed: fixes the proposals.
        report: gets the number of rows kept, after each round.

    Raises:
        TabganError: for a tolerance or a budget that nothing can meet, or when the first query
            fails already; a failure later on ends the loop with what was kept.
    """
    if not 0 < tolerance <= 1:
        raise TabganError(f"tolerance={tolerance}: expected a number above 0, at most 1")
    most = QUERIES_PER_ROW * len(requested) if budget is None else budget
    if most < len(requested):
        raise TabganError(
            f"budget={most}: {len(requested)} rows take at least as many queries; request fewer "
            "rows "
            "or allow more"
        )
    search = _Search(requested, tolerance)
    first, failure, ended = box.queries, "", "every score was reached"
    while len(search.open):
        spent = box.queries - first
        if spent >= most:
            ended = f"the budget of {most:,} queries is spent"
            break
        rows = propose(requested[search.open], seed_at(seed, "round", search.rounds))
        affordable = box.cost(rows).cumsum() <= most - spent
        try:
            scores = box(rows[affordable])
        except TabganError as error:
            if not search.rounds:
                raise
            failure, ended = str(error), f"the black box failed: {error}"
            break
        search.take(rows[affordable], scores, affordable)
        report(int(search.kept.sum()))
    else:
        if not search.kept.all():
            ended = f"{TRIES} proposals for a score without coming near it are enough"
    return ClosedLoopResult(
        rows=search.rows(),
        requested=requested,
        obtained=search.obtained,
        kept=search.kept,
        queries=box.queries - first,
        tries=search.tries,
        ended=ended,
        failure=failure,
    )


class _Search:
    """Which scores are open, and the best row found for each."""

    def __init__(self, requested: Scores, tolerance: float) -> None:
        self.requested, self.tolerance = requested, tolerance
        self.obtained = np.full(len(requested), np.nan)
        self.kept = np.zeros(len(requested), dtype=bool)
        self.open = np.argsort(requested, kind="stable")  # ascending by score
        self.rounds = self.tries = 0
        self.tables: list[pd.DataFrame] = []
        self.n_rows = 0
        self.row = np.full(len(requested), -1)

    def take(self, rows: pd.DataFrame, scores: Scores, proposed: NDArray[np.bool_]) -> None:
        """Give rows to open scores; ``proposed`` are the open scores they were made for."""
        positions = self.n_rows + np.arange(len(rows))
        self.tables.append(rows)
        self.n_rows += len(rows)
        self.tries += len(rows)
        self.rounds += 1
        own = self.open[proposed]
        self._keep_nearest(own, scores, positions)
        mine, theirs = nearest_pairs(
            self.requested[self.open], scores, [share * self.tolerance for share in NEARNESS]
        )
        reached = self.open[mine]
        self.kept[reached] = True
        self.obtained[reached], self.row[reached] = scores[theirs], positions[theirs]
        self.open = self.open[~self.kept[self.open]] if self.rounds < TRIES else self.open[:0]

    def rows(self) -> pd.DataFrame:
        """One row per score; missing values where nothing was queried for it."""
        every = pd.concat(self.tables, ignore_index=True)
        return every.take(np.maximum(self.row, 0)).reset_index(drop=True)

    def _keep_nearest(self, own: NDArray[Any], scores: Scores, positions: NDArray[Any]) -> None:
        """Remember, for a score that may never be reached, the nearest row made for it."""
        error = np.abs(scores - self.requested[own])
        before = np.abs(self.obtained[own] - self.requested[own])
        nearer = ~(before <= error)  # NaN, nothing yet, is no nearer
        self.obtained[own[nearer]] = scores[nearer]
        self.row[own[nearer]] = positions[nearer]


def scored_schema(schema: TableSchema) -> TableSchema:
    """The schema with ``score_asked`` and ``score_obtained`` behind its columns.

    Raises:
        TabganError: when the table has such a column already.
    """
    scores = tuple(Column(name=name, kind="numeric") for name in (REQUESTED, OBTAINED))
    return replace(schema, columns=(*schema.columns, *scores))
