"""Lightning's data side: read, split, encode, serve."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytorch_lightning as pl
import torch

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.serving.batches import BatchLoader, EpochOrder
from tabgan.tables.readers import read_table
from tabgan.tables.schema import TableSchema
from tabgan.tables.sources import resolve
from tabgan.tables.splitting import split_rows

log = logging.getLogger(__name__)

MAX_VALIDATION_ROWS = 5_000  # or a tenth of the training rows, where that is less
FEWEST_ROWS = 4  # to train on: two batches of two, whose halves the moments compare


class TableDataModule(pl.LightningDataModule):
    """One table as encoded batches.

    The test part is the named set's own, or ``test_path``, or ``test_fraction`` of the rows cut
    off by the seed; the validation part is a tenth of the rest, at most 5,000 rows. The encoder
    sees training rows alone.

    Args:
        encoder: makes the encoder for a schema.
        seed: cuts the rows and orders the batches.
        batch_size: rows of a training batch; "auto" until ``serving.planning`` has settled it.
        name: a named set (``tables.sources``); ignored when ``path`` is given.
        path: an ARFF, CSV or Parquet file.
        target: the column to predict; None takes the named set's, or none.
        test_path: a file of test rows.
        test_fraction: share of the rows cut off for testing in [0, 1), without a test part.
        schema_path: a schema as JSON that overrides what the file seems to be.
        drop: columns to leave out.

    Attributes:
        title: what the table is called.
        train, validation, test: conforming tables, after ``setup``; ``test`` may have no rows.
        encoder, schema, layout, condition_width: after ``setup``.
    """

    def __init__(
        self,
        *,
        encoder: Callable[[TableSchema], TableEncoder],
        seed: int,
        batch_size: int | str,
        name: str | None,
        path: str | None,
        target: str | None,
        test_path: str | None,
        test_fraction: float,
        schema_path: str | None,
        drop: Sequence[str],
    ) -> None:
        super().__init__()
        self.make_encoder = encoder
        self.seed = seed
        self.batch_size = batch_size
        self.name, self.path, self.target = name, path, target
        self.test_path, self.test_fraction = test_path, test_fraction
        self.schema_path, self.drop = schema_path, tuple(drop)
        self.train: pd.DataFrame | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read, split and encode, once; a second call returns at once."""
        if self.train is not None:
            return
        rest, self.test = self.read()
        n_cut = min(len(rest) // 10, MAX_VALIDATION_ROWS)
        self.train, self.validation = split_rows(
            rest, self.schema, n_cut=max(n_cut, 1), seed=self.seed, place="validation"
        )
        log.info(
            "rows: %s train, %s validation, %s test",
            *(f"{len(part):,}" for part in (self.train, self.validation, self.test)),
        )
        if len(self.train) < FEWEST_ROWS:
            raise TabganError(
                f"table {self.title!r}: {len(self.train)} rows to train on, when test and "
                f"validation rows are cut off; at least {FEWEST_ROWS} are needed"
            )
        if isinstance(self.batch_size, int) and self.batch_size > len(self.train):
            raise TabganError(
                f"data.batch_size={self.batch_size} is larger than the {len(self.train)} training "
                f"rows of {self.title!r}; choose at most that"
            )
        self.encoder = self.make_encoder(self.schema).fit(self.train)
        for note in self.encoder.notes_:
            log.info("%s", note)
        self._coded = {
            part: (
                self.encoder.encode_coded(table, seed=self.seed),
                torch.from_numpy(self.encoder.encode_condition(table)),
            )
            for part, table in (("train", self.train), ("validation", self.validation))
        }

    @property
    def layout(self) -> RowLayout:
        return self.encoder.layout_

    @property
    def condition_width(self) -> int:
        return self.encoder.condition_width

    def coded(self, part: str) -> tuple[CodedRows, torch.Tensor]:
        """Coded rows and condition [n, condition_width] of "train" or "validation"."""
        return self._coded[part]

    def encoded(self, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        """The same with dense rows [n, row_width]: the whole part, expanded."""
        rows, condition = self._coded[part]
        return rows[:], condition

    def train_dataloader(self) -> BatchLoader:
        rows, condition = self._on_device("train")
        order = EpochOrder(len(rows), seed=self.seed)
        return BatchLoader(rows, condition, batch_size=int(self.batch_size), order=order)

    def val_dataloader(self) -> BatchLoader:
        rows, condition = self._on_device("validation")
        return BatchLoader(rows, condition, batch_size=MAX_VALIDATION_ROWS)

    def _on_device(self, part: str) -> tuple[CodedRows, torch.Tensor]:
        """Codes go to the Trainer's device once, and batches are expanded there."""
        rows, condition = self._coded[part]
        device = self.trainer.strategy.root_device if self.trainer is not None else rows.device
        return rows.to(device), condition.to(device)

    def read(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows to learn from and the test rows; sets ``schema`` and ``title``."""
        if self.path is None and self.name is None:
            raise TabganError("no table: give data=<named set> or data.path=<file>")
        if not 0 <= self.test_fraction < 1:
            raise TabganError(
                f"data.test_fraction={self.test_fraction}: expected a share, 0 up to below 1"
            )
        if self.path is not None:
            path, target, train_rows = Path(self.path), self.target, None
            test_path = None if self.test_path is None else Path(self.test_path)
            self.title = path.name.split(".")[0]
        else:
            source = resolve(str(self.name))
            path, target = source.path, self.target or source.target
            test_path = source.test_path if self.test_path is None else Path(self.test_path)
            train_rows = source.train_rows if self.test_path is None else None
            self.title = source.name
        table, schema = self._read_file(path, target)
        if test_path is not None:
            return self._with_test_file(table, schema, test_path)
        self.schema = schema
        if train_rows is not None:
            return table.iloc[:train_rows], table.iloc[train_rows:].reset_index(drop=True)
        n_cut = int(len(table) * self.test_fraction)
        return split_rows(table, schema, n_cut=n_cut, seed=self.seed, place="test")

    def _with_test_file(
        self, table: pd.DataFrame, schema: TableSchema, path: Path
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        test, test_schema = self._read_file(path, schema.target)
        self.schema = schema.widened(test_schema)
        return self.schema.conform(table), self.schema.conform(test)

    def _read_file(self, path: Path, target: str | None) -> tuple[pd.DataFrame, TableSchema]:
        log.info("reading %s", path)
        schema_path = None if self.schema_path is None else Path(self.schema_path)
        table, schema = read_table(path, target=target, schema_path=schema_path, drop=self.drop)
        log.info("%s rows x %s columns", f"{len(table):,}", len(schema.columns))
        return table, schema
