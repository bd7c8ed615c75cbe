"""Sampled rows to a file, in the memory of one chunk, with a sidecar of what was drawn."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.protocol import RowModel
from tabgan.sampling.draw import CHUNK_ROWS, Tally, draw_chunks
from tabgan.sampling.refiner import Refiner
from tabgan.system.files import write_sidecar
from tabgan.system.terminal import error_console, show
from tabgan.tables.conditions import MISSING, Where, read_where
from tabgan.tables.writers import open_writer

log = logging.getLogger(__name__)


def stream_rows(
    module: RowModel,
    encoder: TableEncoder,
    refiner: Refiner | None,
    *,
    out: Path,
    n: int,
    seed: int,
    where: Where,
    mix: str | Mapping[Any, float] | None = None,
    like: Sequence[Where] | None = None,
    first_row: int = 0,
    key_seed: int | None = None,
    beside: bool = True,
    dropped: str = "leave",
) -> dict[str, Any]:
    """Write ``n`` rows that satisfy ``where``, ``mix`` and ``like`` to ``out``, with a sidecar.

    The sidecar, ``<out>.json`` beside it, says what was requested, how many rows were tried for it,
    and, per column that can be missing, its rate in the rows (beside that of the training rows of
    the same classes, where no other column is requested). The same seed gives the same bytes.

    A part of a larger draw begins at its ``first_row`` there, makes its ids at the ``key_seed`` of
    all parts, and may keep its sidecar elsewhere (``beside``). With ``dropped`` "empty" columns
    that could not be learned are there, empty.

    Returns:
        The sidecar.

    Raises:
        TabganError: for a condition that cannot be met, a file that cannot be written, or more
            rows than the disk has room for, going by the first chunk.
    """
    schema = encoder.written_schema(dropped)
    started, tally, written = time.perf_counter(), Tally(), 0
    chunks = draw_chunks(  # refuses before a file is made
        module,
        encoder,
        n=n,
        seed=seed,
        where=where,
        mix=mix,
        like=like,
        refiner=refiner,
        tally=tally,
        first_row=first_row,
        key_seed=key_seed,
    )
    can_miss = [name for name in encoder.missing_rates_["all"] if name in encoder.schema_.names]
    missing = pd.Series(0.0, index=can_miss)
    console = error_console()
    with open_writer(out, schema) as writer:
        for chunk in track(
            chunks,
            description="sampling",
            total=-(-n // CHUNK_ROWS),
            console=console,
            disable=not console.is_terminal,
        ):
            writer.write(schema.extended(chunk))
            if not written and len(chunk) < n:
                _check_room(writer.part, len(chunk), n)
            written += len(chunk)
            missing += chunk[can_miss].isna().sum()
    seconds = time.perf_counter() - started
    classes = None if mix is not None or like is not None else _classes(encoder, where)
    rates = _missing_rates(encoder, classes, missing / n)
    ruled = tally.unruly or len(encoder.constraints_)
    sidecar = {
        "rows": n,
        "seed": seed,
        "where": dict(where),
        **({"mix": mix} if mix is not None else {}),
        **({"like": len(like)} if like is not None else {}),
        "refined": refiner is not None,
        "expected_acceptance": refiner.total_acceptance if refiner else 1.0,
        "tried": tally.tried,
        "hit_rate": tally.hit_rate,
        "oversampling": tally.oversampling,
        **({"broke_a_rule": tally.unruly} if ruled else {}),
        "share_of_the_generator": tally.share,
        "seconds": round(seconds, 3),  # of drawing and writing
        "missing_rates": rates,
    }
    if beside:
        write_sidecar(out, sidecar)
    _tell(rates, classes)
    if ruled:
        share = tally.unruly / max(tally.unruly + tally.satisfied, 1)
        log.info("rules: %.2f %% of the rows drawn broke one and were drawn again", 100 * share)
    if where or mix or like is not None:
        _tell_conditions(tally)
    if refiner:
        share = tally.accepted / max(tally.satisfied, 1)
        log.info("refinement keeps %.0f of 100 rows", 100 * share)
    log.info("%s rows in %.1f s (%s a second): %s", f"{n:,}", seconds, f"{n / seconds:,.0f}", out)
    return sidecar


def _check_room(part: Path, written: int, n: int) -> None:
    """Refuse a file that the disk has no room for, once its first rows are written."""
    size, free = part.stat().st_size / written * n, shutil.disk_usage(part.parent).free
    if size > free + part.stat().st_size:
        raise TabganError(
            f"n={n:,}: about {size / 2**30:,.0f} GiB, and {free / 2**30:,.1f} GiB are free in "
            f"{part.parent.absolute()}; ask for fewer rows, or write parts elsewhere "
            "(shards=, shard=, out=)"
        )


def _classes(encoder: TableEncoder, where: Where) -> dict[str, int] | None:
    """Training rows of the classes requested; None where that is not all that is requested."""
    column = encoder.condition_column
    if where.keys() - {column and column.name}:
        return None
    if column is None:
        return {}
    labels = [*column.categories, MISSING]
    counts = dict(zip(labels, map(int, encoder.class_counts_), strict=False))
    if not where:
        return {label: count for label, count in counts.items() if count}
    (requested,) = read_where(encoder.schema, where).values()
    wanted = {labels[int(low)] for low, _ in requested.spans} | (
        {MISSING} if requested.missing else set()
    )
    return {label: count for label, count in counts.items() if label in wanted and count}


def _missing_rates(
    encoder: TableEncoder, classes: dict[str, int] | None, generated: pd.Series
) -> dict[str, dict[str, float]]:
    """Per column that training rows miss: the rate in the generated and in the training rows."""
    rates = encoder.missing_rates_

    def training(name: str) -> dict[str, float]:
        if classes is None:
            return {}
        if not classes or not classes.keys() <= rates.keys():
            return {"training": rates["all"][name]}
        total = sum(classes.values())
        return {"training": sum(count / total * rates[c][name] for c, count in classes.items())}

    return {
        name: {"generated": float(generated[name]), **training(name)}
        for name in rates["all"]
        if name in generated.index
    }


def _tell(rates: dict[str, dict[str, float]], classes: dict[str, int] | None) -> None:
    if not rates or classes is None:
        return
    table = Table(title="missing values", title_justify="left")
    table.add_column("column")
    table.add_column("generated", justify="right")
    requested = [label for label in classes if label != MISSING]
    table.add_column(f"training rows ({escape(', '.join(requested)) or 'all'})", justify="right")
    for name, rate in rates.items():
        table.add_row(escape(name), f"{rate['generated']:.2%}", f"{rate['training']:.2%}")
    show(table)


def _tell_conditions(tally: Tally) -> None:
    log.info(
        "every row that is written satisfies the conditions; %.2f were drawn for each (of %s, "
        "%.1f %% satisfied them)", tally.oversampling, f"{tally.tried:,}", 100 * tally.hit_rate,
    )  # fmt: skip
    if tally.share is not None:
        log.info(
            "without conditions %.2g %% of the generator's rows are like that", 100 * tally.share
        )
    if tally.particles > 1:
        log.info(
            "each row was chosen among %s drawn side by side (%.1f of them effective)",
            tally.particles, tally.effective,
        )  # fmt: skip
