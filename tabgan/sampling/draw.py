"""Rows out of a trained generator, chunk by chunk, each chunk at its own address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.protocol import ChainedModel, RowModel, VectorModel
from tabgan.sampling.conditioning import ConditionalChain
from tabgan.sampling.enforced import Enforced
from tabgan.sampling.refiner import Refiner
from tabgan.sampling.regions import Regions
from tabgan.sampling.requests import Condition, Request
from tabgan.sampling.vector_draws import VectorDraws
from tabgan.seeding import AddressPart, generator_at, rng_at
from tabgan.tables.conditions import Where, all_match

CHUNK_ROWS = 10_000  # memory is that of one chunk, whatever n
MOST_ATTEMPTS = 1_000  # chunks drawn for one chunk of accepted rows
FRUITLESS_ROWS = 300_000  # tries in a row that gave nothing: then nothing will come

Address = tuple[int, *tuple[AddressPart, ...]]  # seed and position (tabgan.seeding)
Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(kw_only=True)
class Tally:
    """The cost of a draw; all counts of rows.

    Attributes:
        tried: drawn, or tried for: a try that gives no row counts.
        unruly: of those as requested or drawn, without a condition: they broke a rule.
        satisfied: as requested, and keeping every rule that is enforced.
        accepted: and accepted by the refiner; without one, all of them.
        returned: and wanted.
        share: of the generator's rows, those as requested, where it is known beforehand.
        particles: rows drawn side by side for a row under conditions.
        effective: of them, as many as would do if all weighed the same.
    """

    tried: int = 0
    unruly: int = 0
    satisfied: int = 0
    accepted: int = 0
    returned: int = 0
    share: float | None = None
    particles: int = 1
    effective: float = 1.0

    @property
    def hit_rate(self) -> float:
        """Rows as requested per try, in [0, 1]."""
        return self.satisfied / max(self.tried, 1)

    @property
    def oversampling(self) -> float:
        """Tries per returned row, at least 1."""
        return self.tried / max(self.returned, 1)


class Numbering(NamedTuple):
    """The source of a draw's ids: the number of its first row, and a seed."""

    first_row: int
    key_seed: int


class RowSource(Protocol):
    """A source of rows under conditions.

    Attributes:
        rate: rows to expect per try.
    """

    rate: float

    def draw(self, requested: Rows, address: Address) -> tuple[Numbers, Rows]:
        """Try once per condition in ``requested``: some rows, and the condition of each."""
        ...


def draw_chunks(
    module: RowModel,
    encoder: TableEncoder,
    *,
    n: int,
    seed: int,
    where: Where | None = None,
    mix: str | Mapping[Any, float] | None = None,
    like: Sequence[Where] | None = None,
    refiner: Refiner | None = None,
    tally: Tally | None = None,
    first_row: int = 0,
    key_seed: int | None = None,
) -> Iterator[pd.DataFrame]:
    """``n`` decoded rows in tables of at most ``CHUNK_ROWS``; the same seed gives the same rows.

    Every row satisfies what is requested, looked up in the decoded table. Classes that are not
    requested come at their training rates (given the other conditions: at the generator's).

    Args:
        module: the generator.
        encoder: of its table.
        n: rows.
        seed: fixes the rows.
        where: column -> what is requested of every row (``tables.conditions``: texts, values, lists
            for sets, tuples for ranges, None for missing).
        mix: shares of the target's classes, ``"label:share,label:share"`` or a mapping.
        like: one more condition per row; row i takes the i-th, beginning anew after the last.
        refiner: rows are drawn until enough are accepted.
        tally: is filled in as chunks are taken.
        first_row: rows that go before in other draws; keys and ``like`` go on from there.
        key_seed: fixes the ids, where other draws go before; None takes ``seed``.

    Raises:
        TabganError: at once, for what cannot be satisfied; later, if too few rows come.
    """
    encoder.check_keys(first_row + n)
    tally = Tally() if tally is None else tally
    rows = Numbering(first_row, seed if key_seed is None else key_seed)
    request = Request.read(encoder, where=where, mix=mix, like=like)
    column = encoder.condition_column
    if len(request.conditions) == 1 and request.conditions[0].keys() <= {column and column.name}:
        weights = class_weights(encoder, request.conditions[0])
        return _chunks_of_classes(module, encoder, n, seed, weights, refiner, tally, rows)
    return _chunks_as_requested(module, encoder, n, seed, request, refiner, tally, rows)


def class_weights(encoder: TableEncoder, condition: Condition) -> Numbers:
    """The share of each class to draw: the training shares, restricted to what is requested of it.

    Returns:
        float64 [condition_width], summing to 1 (empty without a condition).

    Raises:
        TabganError: for a class that training never saw.
    """
    weights = _class_shares(encoder, condition)
    requested = condition.get(encoder.condition_column.name) if encoder.condition_column else None
    if requested is not None and not weights.any():
        raise TabganError(f"{requested}: training saw no such row")
    return weights / weights.sum() if len(weights) else weights


def draw_numbers(
    module: RowModel, encoder: TableEncoder, *, n: int, address: Address, weights: Numbers
) -> Numbers:
    """``n`` rows as ``TableEncoder.decode_numbers`` gives them, drawn at ``address``."""
    rng = generator_at(*address, device=module.device)
    with torch.inference_mode():
        condition = _draw_condition(weights, n, rng)
        rows = module.draw(condition, rng).to(torch.device("cpu"))
    return encoder.decode_numbers(rows, condition.cpu().numpy())


def enforced(module: RowModel, encoder: TableEncoder) -> Enforced:
    """The rules that each drawn row keeps; the same for every draw of a module.

    Args:
        module: the generator.
        encoder: of its table.
    """
    weights = class_weights(encoder, {})

    def draw(n: int) -> Numbers:
        return draw_numbers(module, encoder, n=n, address=(0, "rules"), weights=weights)

    return Enforced(encoder, draw)


class PlainDraws:
    """Rows of any generator, classes as requested; those that satisfy the rest are kept."""

    def __init__(
        self, module: RowModel, encoder: TableEncoder, request: Request, weights: Numbers
    ) -> None:
        Regions(encoder, request)  # refuses what no row can satisfy
        self.module, self.encoder, self.request = module, encoder, request
        self.weights, self.rate = weights, 1.0

    def draw(self, requested: Rows, address: Address) -> tuple[Numbers, Rows]:
        mean = self.weights[requested].mean(axis=0)
        weights = mean / mean.sum() if len(mean) else mean
        n = len(requested)
        numbers = draw_numbers(self.module, self.encoder, n=n, address=address, weights=weights)
        table = self.encoder.to_table(numbers)
        owner = np.full(n, -1)
        for position, wanted in zip(*np.unique(requested, return_counts=True), strict=True):
            free = np.flatnonzero(owner < 0)
            fitting = all_match([*self.request.conditions[position].values()], table.iloc[free])
            owner[free[fitting][:wanted]] = position
        return numbers[owner >= 0], owner[owner >= 0]


def _chunks_of_classes(
    module: RowModel,
    encoder: TableEncoder,
    n: int,
    seed: int,
    weights: Numbers,
    refiner: Refiner | None,
    tally: Tally,
    rows: Numbering,
) -> Iterator[pd.DataFrame]:
    """Chunks where nothing but the class is requested, which every row satisfies."""
    rules = enforced(module, encoder)
    for chunk, done in enumerate(range(0, n, CHUNK_ROWS)):
        wanted = min(CHUNK_ROWS, n - done)
        address = (seed, "sample", chunk)
        if refiner is None and not len(rules):
            numbers = draw_numbers(module, encoder, n=wanted, address=address, weights=weights)
            _count(tally, tried=wanted, satisfied=wanted, accepted=wanted, returned=wanted)
        else:
            numbers = _draw_accepted(
                module, encoder, rules, refiner, wanted, address, weights, tally
            )
        first_row = rows.first_row + done
        yield encoder.to_table(numbers, first_row=first_row, key_seed=rows.key_seed)


def _draw_accepted(
    module: RowModel,
    encoder: TableEncoder,
    rules: Enforced,
    refiner: Refiner | None,
    wanted: int,
    address: Address,
    weights: Numbers,
    tally: Tally,
) -> Numbers:
    """``wanted`` rows that keep the rules and that the refiner accepts.

    Each attempt has its own address.
    """
    kept: list[Numbers] = []
    n_kept = n_drawn = n_ruly = 0
    rate = refiner.total_acceptance if refiner else 1.0
    for attempt in range(MOST_ATTEMPTS):
        n = int((wanted - n_kept) / rate * 1.1) + 100
        here = (*address, attempt)
        n = min(n, CHUNK_ROWS)
        rows = draw_numbers(module, encoder, n=n, address=here, weights=weights)
        rows = rows[rules.kept(rows)]
        n_satisfied = len(rows)
        if refiner is not None:
            rows = rows[refiner.accept(rows, rng_at(*here, "accept"))]
        n_wanted = min(len(rows), wanted - n_kept)
        tally.unruly += n - n_satisfied
        _count(tally, tried=n, satisfied=n_satisfied, accepted=len(rows), returned=n_wanted)
        kept.append(rows)
        n_kept, n_drawn, n_ruly = n_kept + len(rows), n_drawn + n, n_ruly + n_satisfied
        if n_kept >= wanted:
            return np.concatenate(kept)[:wanted]
        if len(rules):
            rate = max(n_kept / n_drawn, 1 / CHUNK_ROWS)
        if n_kept == 0 and n_drawn >= FRUITLESS_ROWS:
            break
    refined = f", the refiner accepted {n_kept:,}" if refiner else ""
    raise TabganError(
        f"of {n_drawn:,} generated rows {n_ruly:,} keep the rules{refined}, and "
        f"{wanted:,} were wanted{'; try refine=false' if refiner and n_ruly else ''}"
    )


def _chunks_as_requested(
    module: RowModel,
    encoder: TableEncoder,
    n: int,
    seed: int,
    request: Request,
    refiner: Refiner | None,
    tally: Tally,
    rows: Numbering,
) -> Iterator[pd.DataFrame]:
    """Chunks under conditions, which are checked before the first is requested."""
    weights = np.stack([_class_shares(encoder, requested) for requested in request.conditions])
    source: RowSource
    if isinstance(module, ChainedModel):
        source = ConditionalChain(module, encoder, request, seed=seed)
        tally.particles, tally.effective = source.particles, source.effective
        if len(request.conditions) == 1 and not source.regions.checked:
            tally.share = float(source.shares[0]) if np.isfinite(source.shares[0]) else None
    elif isinstance(module, VectorModel):
        source = VectorDraws(module, encoder, request, weights)
    else:
        source = PlainDraws(module, encoder, request, weights)

    def chunks() -> Iterator[pd.DataFrame]:
        rules = enforced(module, encoder)
        filling = Filling(source, encoder, rules, request, refiner, tally)
        for chunk, done in enumerate(range(0, n, CHUNK_ROWS)):
            first_row = rows.first_row + done
            requested = request.of_rows(first_row, min(CHUNK_ROWS, n - done), seed)
            numbers = filling(requested, (seed, "as asked", chunk))
            yield encoder.to_table(numbers, first_row=first_row, key_seed=rows.key_seed)

    return chunks()


class Filling:
    """Draw, check and refine, until each row of a chunk has come out as requested."""

    def __init__(
        self,
        source: RowSource,
        encoder: TableEncoder,
        rules: Enforced,
        request: Request,
        refiner: Refiner | None,
        tally: Tally,
    ) -> None:
        self.source, self.encoder, self.rules, self.request = source, encoder, rules, request
        self.refiner, self.tally = refiner, tally
        self.rate = source.rate * (refiner.total_acceptance if refiner else 1.0)

    def __call__(self, requested: Rows, address: Address) -> Numbers:
        """Rows of the conditions ``requested`` [n], in their order: float64 [n, n_columns]."""
        filled = np.empty((len(requested), len(self.encoder.schema_.columns)))
        still = np.arange(len(requested))
        fruitless = 0
        for attempt in range(MOST_ATTEMPTS):
            tries = self._tries(requested[still])
            unruly, satisfied = self.tally.unruly, self.tally.satisfied
            rows, positions = self._accepted(tries, (*address, attempt))
            none_keeps = self.tally.satisfied == satisfied and self.tally.unruly > unruly
            if none_keeps and len(self.rules.found):
                self.rules.without_found()
            slots, taken = _matched(requested[still], positions)
            filled[still[slots]] = rows[taken]
            still = np.delete(still, slots)
            self.tally.returned += len(slots)
            if len(still) == 0:
                return filled
            self.rate = max(len(positions) / len(tries), self.rate / 4, 1 / CHUNK_ROWS)
            fruitless = 0 if len(slots) else fruitless + len(tries)
            if fruitless >= FRUITLESS_ROWS:
                break
        raise TabganError(self._failure(int(requested[still[0]])))

    def _tries(self, requested: Rows) -> Rows:
        """Conditions to try for, a chunk of them at most, each as often as ``rate`` suggests."""
        distinct, wanted = np.unique(requested, return_counts=True)
        counts = np.ceil(1.1 * wanted / self.rate).astype(np.int64) + 1
        before = counts.cumsum() - counts
        counts = np.minimum(counts, np.maximum(CHUNK_ROWS - before, 0))
        return np.repeat(distinct, counts)

    def _accepted(self, tries: Rows, address: Address) -> tuple[Numbers, Rows]:
        rows, positions = self.source.draw(tries, address)
        right = self._satisfied(rows, positions)
        ruly = self.rules.kept(rows)
        self.tally.unruly += int((right & ~ruly).sum())
        right &= ruly
        rows, positions = rows[right], positions[right]
        n_satisfied = len(rows)
        if self.refiner:
            accepted = self.refiner.accept(rows, rng_at(*address, "accept"))
            rows, positions = rows[accepted], positions[accepted]
        _count(self.tally, tried=len(tries), satisfied=n_satisfied, accepted=len(rows))
        return rows, positions

    def _satisfied(self, rows: Numbers, positions: Rows) -> NDArray[np.bool_]:
        """Which rows are as requested, bool [n], by the values of the decoded table."""
        table = self.encoder.to_table(rows)
        right = np.ones(len(rows), bool)
        order = np.argsort(positions, kind="stable")
        distinct, counts = np.unique(positions, return_counts=True)
        ends = counts.cumsum()
        for position, first, end in zip(distinct, ends - counts, ends, strict=True):
            mine = order[first:end]
            for name, one in self.request.conditions[position].items():
                right[mine] &= one.matches(table[name].iloc[mine])
        return right

    def _failure(self, position: int) -> str:
        tally = self.tally
        kept = f", and the refiner accepted {tally.accepted:,}" if self.refiner else ""
        advice = "; try refine=false" if self.refiner and tally.satisfied else ""
        return (
            f"{self.request.described(position)}: of {tally.tried:,} rows tried "
            f"{tally.satisfied:,} satisfied it{kept}; more are not coming{advice}"
        )


def _matched(requested: Rows, positions: Rows) -> tuple[Rows, Rows]:
    """Pairs (slot, row): the i-th row of a condition goes to its i-th slot."""
    keys = _numbered(requested), _numbered(positions)
    return np.intersect1d(*keys, assume_unique=True, return_indices=True)[1:]


def _numbered(positions: Rows) -> Rows:
    """A number for each entry that no other has: its position and how many came before it there."""
    order = np.argsort(positions, kind="stable")
    ordered = positions[order]
    rank = np.arange(len(positions)) - np.searchsorted(ordered, ordered)
    keys = np.empty_like(positions)
    keys[order] = (ordered << 32) + rank
    return keys


def _class_shares(encoder: TableEncoder, condition: Condition) -> Numbers:
    """The training shares of the classes, 0 where ``condition`` forbids one; [condition_width]."""
    shares: Numbers = encoder.class_counts_ / max(encoder.class_counts_.sum(), 1)
    column = encoder.condition_column
    if column is None or column.name not in condition:
        return shares
    requested = condition[column.name]
    codes = [int(low) for low, _ in requested.spans]
    codes += [len(column.categories)] if requested.missing else []
    allowed = np.isin(np.arange(len(shares)), codes)
    return np.where(allowed, shares, 0.0)


def _count(tally: Tally, *, tried: int, satisfied: int, accepted: int, returned: int = 0) -> None:
    tally.tried += tried
    tally.satisfied += satisfied
    tally.accepted += accepted
    tally.returned += returned


def _draw_condition(weights: Numbers, n: int, rng: torch.Generator) -> Tensor:
    """One-hot float32 [n, condition_width] on the device of ``rng``."""
    if len(weights) == 0:
        return torch.empty(n, 0, device=rng.device)
    probabilities = torch.tensor(weights, device=rng.device)
    classes = torch.multinomial(probabilities, n, replacement=True, generator=rng)
    return torch.eye(len(weights), device=rng.device)[classes]
