"""Lightning's data side: read, split, encode, serve."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray

from tabgan.data.balance import balanced, check_balance
from tabgan.data.batches import BatchLoader, EpochOrder
from tabgan.data.cache import RowFile, coded_table, is_large
from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.paths import path_of
from tabgan.tables.constraints.checking import check_choice, declared, settled
from tabgan.tables.lines import first_line
from tabgan.tables.readers import read_table, schema_beside
from tabgan.tables.schema import TableSchema
from tabgan.tables.sources import resolve, user_cache
from tabgan.tables.splitting import split_rows

log = logging.getLogger(__name__)

MAX_VALIDATION_ROWS = 5_000  # or a tenth of the training rows, where that is less
FEWEST_ROWS = 4  # to train on: two batches of two, whose halves the moments compare


def n_validation(n_rows: int) -> int:
    """Of so many rows to learn from, those kept aside for validation."""
    return max(min(n_rows // 10, MAX_VALIDATION_ROWS), 1)


def _found(path: str | None) -> str | None:
    """A path in which ``~`` is the home."""
    return None if path is None else str(path_of(path))


class TableDataModule(pl.LightningDataModule):
    """One table as encoded batches.

    The test part is the named set's own, or ``test_path``, or ``test_fraction`` of the rows cut
    off by the seed; the validation part is a tenth of the rest, at most 5,000 rows. The encoder
    sees training rows alone.

    Args:
        encoder: makes the encoder for a schema.
        seed: cuts the rows and orders the batches.
        batch_size: rows of a training batch; "auto" until ``config.building.settle``.
        name: a named set (``tables.sources``); ignored when ``path`` is given.
        path: an ARFF, CSV or Parquet file.
        target: the column to predict; None takes the named set's, or none.
        test_path: a file of test rows.
        test_fraction: share of the rows cut off for testing in [0, 1), without a test part.
        schema_path: a schema as JSON that overrides what the file seems to be.
        drop: columns to leave out.
        constraints: rules of every row (``tables.constraints.reading``), beside the schema's.
        on_violation: what becomes of rows that break one (``tables.constraints.checking``).
        index: "drop" or "keep" for a first column of a CSV file without a name (``read_table``).
        out_of_core: whether the file is read piece by piece and its codes stay on the disk
            (``data.cache``); "auto" for files of half a GiB and more, packed ones of 64 MiB.
        cache: the folder of the codes; None for ``tabgan/codes`` in the user's cache.
        balance: "smote" for as many training rows of each class; the table itself, the encoder
            and the validation and test rows stay as they are. None for the rows as they are.

    Attributes:
        title: what the table is called.
        train, validation, test: conforming tables, after ``setup``; ``test`` may have no rows.
            Of a table out of core, samples.
        content: the key of the codes out of core, a hash of the file; None in memory.
        encoder, schema, layout, condition_width: after ``setup``.
        serves_codes: whether batches are coded rows, as the model wants them.
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
        constraints: Sequence[Any] = (),
        on_violation: str = "error",
        index: str = "drop",
        balance: str | None = None,
        out_of_core: bool | str = False,
        cache: str | None = None,
    ) -> None:
        super().__init__()
        check_balance(balance)
        self.make_encoder = encoder
        self.seed = seed
        self.batch_size = batch_size
        self.name, self.path, self.target = name, _found(path), target
        self.test_path, self.test_fraction = _found(test_path), test_fraction
        self.schema_path, self.drop = _found(schema_path), tuple(map(str, drop))
        check_choice(on_violation)
        self.constraints, self.on_violation = constraints, on_violation
        self.index, self.balance = index, balance
        self.out_of_core, self.cache = out_of_core, _found(cache)
        self.content: str | None = None
        self._coded: dict[str, tuple[CodedRows, Any]] = {}  # conditions are dense, or codes too
        self.train: pd.DataFrame | None = None
        self.serves_codes = False

    def setup(self, stage: str | None = None) -> None:
        """Read, split and encode, once; a second call returns at once."""
        if self.train is not None:
            return
        if self.is_out_of_core:
            self._open_coded()
        else:
            self._encode_all()
        rows, _ = self._coded["train"]
        if isinstance(self.batch_size, int) and self.batch_size > len(rows):
            raise TabganError(
                f"data.batch_size={self.batch_size} is larger than the {len(rows)} training "
                f"rows of {self.title!r}; choose at most that"
            )

    @property
    def is_out_of_core(self) -> bool:
        """Whether the table's codes stay on the disk."""
        if self.out_of_core == "auto":
            return self.path is not None and not self.balance and is_large(Path(self.path))
        if not isinstance(self.out_of_core, bool):
            raise TabganError(f"data.out_of_core={self.out_of_core}: expected true, false or auto")
        return self.out_of_core

    def _open_coded(self) -> None:
        """The table out of core: samples in memory, the codes of all rows mapped."""
        choices = getattr(self.make_encoder, "keywords", None)
        if self.path is None or self.balance or choices is None:
            raise TabganError(
                "data.out_of_core=true: expected data.path=<file>, and neither data.balance nor "
                "start"
            )
        if choices.get("missing") == "masked":
            raise TabganError(
                "encoder.missing=masked: codes on the disk have no missing cells; give "
                "data.out_of_core=false, or encoder.missing=category"
            )
        self._check_fraction()
        path = Path(self.path)
        self.title = path.name.split(".")[0]
        source = RowFile(
            path=path,
            target=self.target,
            schema_path=schema_beside(path) if self.schema_path is None else Path(self.schema_path),
            drop=self.drop,
            constraints=tuple(self.constraints),
            on_violation=self.on_violation,
            index=self.index,
            seed=self.seed,
            test_path=None if self.test_path is None else Path(self.test_path),
            test_fraction=self.test_fraction,
            choices=choices,
        )
        folder = user_cache() / "codes" if self.cache is None else Path(self.cache)
        table = coded_table(source, self.make_encoder, folder)
        self.content = table.folder.name
        self.encoder, self.schema = table.encoder, table.encoder.schema
        self.train, self.validation, self.test = table.sample, table.validation, table.test
        self._check_rows(len(table.rows), len(self.validation))
        _log_notes(self.encoder)
        self._coded = {
            "train": (table.rows, table.condition),
            "sample": self._encode(table.sample),
            "validation": self._encode(table.validation),
        }
        log.info(
            "%s training rows, on the disk (%s in memory), %s validation rows, %s test rows",
            *(f"{len(p):,}" for p in (table.rows, self.train, self.validation, self.test)),
        )

    def _check_rows(self, n_train: int, n_validation: int) -> None:
        if n_train < FEWEST_ROWS or n_validation == 0:
            raise TabganError(
                f"table {self.title!r}: {n_train} rows to train on and {n_validation} for "
                f"validation, when test rows are cut off; at least {FEWEST_ROWS} and 1 are needed"
            )

    def _encode(self, table: pd.DataFrame) -> tuple[CodedRows, torch.Tensor]:
        condition = torch.from_numpy(self.encoder.encode_condition(table))
        return self.encoder.encode_coded(table, seed=self.seed), condition

    def _encode_all(self) -> None:
        """The table in memory: read, cut and encoded."""
        rest, self.test = self._read()
        n_cut = n_validation(len(rest))
        self.train, self.validation = split_rows(
            rest, self.schema, n_cut=n_cut, seed=self.seed, position="validation"
        )
        log.info(
            "%s training rows, %s validation rows, %s test rows",
            *(f"{len(part):,}" for part in (self.train, self.validation, self.test)),
        )
        self._check_rows(len(self.train), len(self.validation))
        every = [self.train, self.validation, self.test]
        self.encoder = self.make_encoder(self.schema).fit(self.train, n_rows=sum(map(len, every)))
        for part in every[1:]:
            self.encoder.add_keys(part)
        _log_notes(self.encoder)
        if self.balance and self.encoder.is_masked:
            raise TabganError(
                f"data.balance={self.balance} needs whole rows: expected encoder.missing=category"
            )
        parts = {
            part: self._encode(table)
            for part, table in (("train", self.train), ("validation", self.validation))
        }
        if self.balance is not None:
            parts["train"] = balanced(*parts["train"], seed=self.seed)
        self._coded = {**parts, "sample": parts["train"]}

    @property
    def layout(self) -> RowLayout:
        return self.encoder.layout_

    @property
    def condition_width(self) -> int:
        return self.encoder.condition_width

    def coded(self, part: str) -> tuple[CodedRows, Any]:
        """Coded rows and condition [n, condition_width] of "train", "sample" or "validation".

        The sample is what is learned from all at once (shares of codes): the training rows,
        or some of them where they lie on the disk, with conditions that are codes too.
        """
        return self._coded[part]

    @property
    def unseen(self) -> NDArray[np.float64] | None:
        """Numbers of rows like the training rows that no net learns: the validation rows.

        float64 [n, n_columns]; None where classes were balanced, which they are not among these.
        """
        return None if self.balance else self.encoder.numbers(self.validation)

    def encoded(self, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        """The same with dense rows [n, row_width]: the whole part, expanded."""
        rows, condition = self._coded[part]
        return rows[:], condition

    def train_dataloader(self) -> BatchLoader:
        rows, condition = self._on_device("train")
        order = EpochOrder(len(rows), seed=self.seed)
        shared: dict[str, Any] = {"codes": self.serves_codes}
        if self.trainer is not None:
            shared |= {"rank": self.trainer.global_rank, "ranks": self.trainer.world_size}
        size = int(self.batch_size)
        return BatchLoader(rows, condition, batch_size=size, order=order, **shared)

    def val_dataloader(self) -> BatchLoader:
        rows, condition = self._on_device("validation")
        size = MAX_VALIDATION_ROWS
        return BatchLoader(rows, condition, batch_size=size, codes=self.serves_codes)

    def _on_device(self, part: str) -> tuple[CodedRows, Any]:
        """Codes go to the Trainer's device once, and batches are expanded there.

        From the disk, batches are expanded on the CPU; Lightning brings them to the device.
        """
        rows, condition = self._coded[part]
        if part == "train" and self.content is not None:
            return rows, condition
        device = self.trainer.strategy.root_device if self.trainer is not None else rows.device
        return rows.to(device), condition.to(device)

    def read(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows to learn from and the test rows; sets ``schema`` and ``title``.

        Of a table out of core, its samples.
        """
        if not self.is_out_of_core:
            return self._read()
        self.setup()
        return pd.concat([self.train, self.validation], ignore_index=True), self.test

    def _check_fraction(self) -> None:
        if not 0 <= self.test_fraction < 1:
            raise TabganError(
                f"data.test_fraction={self.test_fraction}: expected a share, 0 up to below 1"
            )

    def _read(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        if self.path is None and self.name is None:
            raise TabganError("no table: give data=<named set> or data.path=<file>")
        self._check_fraction()
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
        schema, rules = declared(schema, self.constraints)
        lines = first_line(path, len(table)) if rules else None
        table = settled(table, schema, rules, on_violation=self.on_violation, first_line=lines)
        if test_path is not None:
            return self._with_test_file(table.reset_index(drop=True), schema, test_path)
        self.schema = schema
        if train_rows is not None:
            is_train = table.index < train_rows
            return table[is_train].reset_index(drop=True), table[~is_train].reset_index(drop=True)
        table = table.reset_index(drop=True)
        n_cut = int(len(table) * self.test_fraction)
        return split_rows(table, schema, n_cut=n_cut, seed=self.seed, position="test")

    def _with_test_file(
        self, table: pd.DataFrame, schema: TableSchema, path: Path
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        test, test_schema = self._read_file(path, schema.target)
        self.schema = schema.widened(test_schema)
        _, rules = declared(self.schema, ())
        test = self.schema.conform(test)
        settled(test, self.schema, rules, on_violation="warn")
        return self.schema.conform(table), self.schema.conform(test)

    def _read_file(self, path: Path, target: str | None) -> tuple[pd.DataFrame, TableSchema]:
        log.info("reading %s", path)
        schema_path = None if self.schema_path is None else Path(self.schema_path)
        table, schema = read_table(
            path, target=target, schema_path=schema_path, drop=self.drop, index=self.index
        )
        log.info("%s rows of %s columns", f"{len(table):,}", len(schema.columns))
        return table, schema


def _log_notes(encoder: TableEncoder) -> None:
    """Log an encoder's notes; a column that does not come back is a warning."""
    for note in encoder.notes_:
        log.log(logging.WARNING if note in encoder.lost_ else logging.INFO, "%s", note)
