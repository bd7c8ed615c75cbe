"""Sampled rows to a file, in the memory of one chunk, with an account of what was drawn."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tabgan.encoding.table import TableEncoder
from tabgan.modules.cgan import CGANModule
from tabgan.sampling.draw import CHUNK_ROWS, class_weights, draw_chunks
from tabgan.sampling.refiner import Refiner
from tabgan.tables.conditions import MISSING
from tabgan.tables.writers import open_writer

log = logging.getLogger(__name__)


def stream_rows(
    module: CGANModule,
    encoder: TableEncoder,
    refiner: Refiner | None,
    *,
    out: Path,
    n: int,
    seed: int,
    where: Mapping[str, str],
) -> dict[str, Any]:
    """Write ``n`` rows that satisfy ``where`` to ``out``, and beside it ``<out>.json``.

    The sidecar says what was asked and, per column that can be missing, its rate in the rows
    beside that of the training rows of the same classes. The same seed gives the same bytes.

    Returns:
        The sidecar.

    Raises:
        TabganError: for a condition that cannot be met, or a file that cannot be written.
    """
    weights = class_weights(encoder, where)
    started = time.perf_counter()
    missing = pd.Series(0.0, index=list(encoder.schema_.names))
    chunks = draw_chunks(module, encoder, n=n, seed=seed, weights=weights, refiner=refiner)
    console = Console(stderr=True)
    with open_writer(out, encoder.schema_) as writer:
        for chunk in track(
            chunks,
            description="sampling",
            total=-(-n // CHUNK_ROWS),
            console=console,
            disable=not console.is_terminal,
        ):
            writer.write(chunk)
            missing += chunk.isna().sum()
    seconds = time.perf_counter() - started
    rates = _missing_rates(encoder, weights, missing / n)
    acceptance = refiner.total_acceptance if refiner else 1.0
    sidecar = {
        "rows": n,
        "seed": seed,
        "where": dict(where),
        "refined": refiner is not None,
        "expected_acceptance": acceptance,
        "missing_rates": rates,
    }
    out.with_name(out.name + ".json").write_text(json.dumps(sidecar, indent=2) + "\n", "utf-8")
    _tell(rates, weights, encoder)
    if refiner:
        log.info("refined: about %.0f %% of generated rows are accepted", 100 * acceptance)
    log.info("%s rows in %.1f s (%s a second): %s", f"{n:,}", seconds, f"{n / seconds:,.0f}", out)
    return sidecar


def _missing_rates(
    encoder: TableEncoder, weights: NDArray[Any], generated: pd.Series
) -> dict[str, dict[str, float]]:
    """Per column that training rows miss: the rate in the generated and in the training rows."""
    rates = encoder.missing_rates_
    column = encoder.condition_column
    labels = [*column.categories, MISSING] if column else []
    asked = {label: weight for label, weight in zip(labels, weights, strict=False) if weight}
    return {
        name: {
            "generated": float(generated[name]),
            "training": sum(w * rates[label][name] for label, w in asked.items())
            if asked.keys() <= rates.keys() and asked
            else rate,
        }
        for name, rate in rates["all"].items()
        if name in generated.index
    }


def _tell(rates: dict[str, dict[str, float]], weights: NDArray[Any], encoder: TableEncoder) -> None:
    if not rates:
        return
    column = encoder.condition_column
    asked = [c for c, w in zip(column.categories, weights, strict=False) if w] if column else []
    table = Table(title="missing values", title_justify="left")
    table.add_column("column")
    table.add_column("generated", justify="right")
    table.add_column(f"training rows ({', '.join(asked) or 'all'})", justify="right")
    for name, rate in rates.items():
        table.add_row(name, f"{rate['generated']:.2%}", f"{rate['training']:.2%}")
    Console().print(table)
