"""A run's configuration, trained again on half of its rows, as ``dcr_share`` needs it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from tabgan.config.composing import find_paths, read_config
from tabgan.config.overrides import quote
from tabgan.errors import TabganError
from tabgan.evaluation.gathering import muted, read_data
from tabgan.metrics.comparison import Resplit
from tabgan.report.progress import progress
from tabgan.report.reading import compared
from tabgan.tables.splitting import split_rows
from tabgan.tables.writers import write_table

STAGE = "training once more on half of the rows (for the DCR share): {:,} of {:,}"


def resplits(cfg: DictConfig) -> dict[str, Resplit]:
    """The half that is learned, as many rows of the other, and rows of a generator of the first.

    By the report's prefix: "" of rows as they are drawn, "refined." where the new run refines.

    The run's training and validation rows are cut in two by ``cfg.seed``; a new run, in a folder
    that is removed, learns the first half; the second is cut to the rows that it really saw. All
    that is said of it is one line: its table and its folder are no longer there to look at.

    Raises:
        TabganError: when the run cannot be read, or the new training fails.
    """
    from tabgan.config.opening import (
        open_run,  # torch takes seconds to import, and three files need none
    )
    from tabgan.sampling.draw import draw_chunks

    old = open_run(Path(cfg.run))
    with muted("tabgan"):  # the report's own reading has said it all
        data = read_data(old)
    schema, rows = data.schema, pd.concat([data.train, data.validation], ignore_index=True)
    first, second = split_rows(
        rows, schema, n_cut=len(rows) // 2, seed=cfg.seed, position="resplit"
    )
    with tempfile.TemporaryDirectory() as folder:
        half, new = Path(folder) / "half.parquet", Path(folder) / "run"
        write_table(half, first, schema)
        with progress(1) as tell:
            tell("", stage=STAGE.format(len(first), len(rows)))
            _train(old.folder, half, new, target=schema.target)
        run = open_run(new)
        names = compared(run.encoder.schema_)
        with muted("tabgan"):
            seen = read_data(run).train
        refiners = {"": None} | ({"refined.": run.refiner} if run.refiner else {})
        drawn = {
            prefix: pd.concat(
                draw_chunks(run.module, run.encoder, n=len(seen), seed=cfg.seed, refiner=refiner),
                ignore_index=True,
            )
            for prefix, refiner in refiners.items()
        }
    others = second.head(len(seen))
    return {
        prefix: Resplit(seen[names], others[names], rows[names]) for prefix, rows in drawn.items()
    }


def _train(old: Path, table: Path, new: Path, *, target: str | None) -> None:
    """A run of the old run's configuration on another table, in a process of its own, unheard."""
    config = read_config(old / ".hydra" / "config.yaml")
    find_paths(config, old)
    whole: dict[str, Any] = {"path": str(table), "target": target, "test_fraction": 0.0, "drop": []}
    for key, value in (whole | {"test_path": None, "schema_path": None}).items():
        OmegaConf.update(config, f"data.{key}", value)
    OmegaConf.save(config, table.parent / "half.yaml")
    words = ["--config-path", str(table.parent), "--config-name", "half"]
    words.append(f"hydra.run.dir={quote(str(new))}")
    train = [sys.executable, "-m", "tabgan.train", *words]
    done = subprocess.run(train, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        why = last.removeprefix("error: ") or f"status {done.returncode}"
        raise TabganError(f"resplit=true: the training on half of the rows ended: {why}")
