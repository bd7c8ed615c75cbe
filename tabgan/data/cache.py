"""A table larger than memory, encoded once: codes in a folder, mapped into memory when read.

The folder's name is a hash of the file's bytes and of all that the codes follow from, so a table
is read again when, and only when, something else would come of it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tabgan.encoding.coded import INT16_CODES, CodedRows
from tabgan.encoding.layout import Block, RowLayout
from tabgan.encoding.numbers import resolution
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.seeding import rng_at, seed_at
from tabgan.system.files import FORMAT, write_whole
from tabgan.tables.checks import check_table
from tabgan.tables.constraints.checking import declared, settled
from tabgan.tables.constraints.constraints import Constraints
from tabgan.tables.readers.parquet import read_parquet
from tabgan.tables.readers.pieces import read_pieces, survey
from tabgan.tables.schema import TableSchema
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

SAMPLE_ROWS = 100_000  # of the training rows: what is learned from a table in memory
TEST_ROWS = 100_000  # kept of those that are cut off for testing
VALIDATION_ROWS = 5_000  # about; or a tenth of the rows, where that is less
MOST_VALUES = 256  # of a number, each of which the encoder is shown
LARGE, LARGE_PACKED = 1 << 29, 1 << 26  # bytes
DONE = "cache.json"  # written last
PARTS = ("train", "validation", "test")

Make = Callable[[TableSchema], TableEncoder]


@dataclass(frozen=True, kw_only=True)
class RowFile:
    """A table in a file, and what its codes follow from.

    Attributes:
        path: the file.
        target: the column to predict, or None.
        schema_path: a schema file, or None.
        drop: columns to leave out.
        index: what becomes of a first column without a name (``read_table``).
        seed: of the cut and of encoders that draw.
        test_path: a file of test rows, or None.
        test_fraction: share of the rows cut off for testing where there is no such file.
        choices: the encoder's, as plain data.
        constraints, on_violation: declared rules, and what becomes of rows that break one.
    """

    path: Path
    target: str | None
    schema_path: Path | None
    drop: Sequence[str]
    index: str
    seed: int
    test_path: Path | None
    test_fraction: float
    choices: Mapping[str, Any]
    constraints: Sequence[Any] = ()
    on_violation: str = "error"

    def key(self) -> str:
        """Sixteen hexadecimal digits; whole files are read for them."""
        given, test = self.schema_path, self.test_path
        facts = {
            "format": [FORMAT, SAMPLE_ROWS, TEST_ROWS, VALIDATION_ROWS, MOST_VALUES],
            "table": _hash(self.path),
            "name": self.path.name,
            "schema": None if given is None else _hash(given),
            "target": self.target,
            "drop": list(self.drop),
            "index": self.index,
            "seed": self.seed,
            "test": self.test_fraction if test is None else _hash(test),
            "encoder": dict(self.choices),
            "rules": [*self.constraints, self.on_violation],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def survey(self) -> tuple[TableSchema, int]:
        """The schema of all rows, a test file's too, and how many are not that file's."""
        given = None if self.schema_path is None else TableSchema.load(self.schema_path)
        schema, n_rows = survey(self.path, target=self.target, schema=given, index=self.index)
        if self.test_path is not None and given is None:
            other, _ = survey(self.test_path, target=schema.target, index=self.index)
            schema = schema.widened(other)
        return declared(schema.without(self.drop), self.constraints)[0], n_rows

    def pieces(self, schema: TableSchema) -> Iterator[pd.DataFrame]:
        """The table piece by piece, its rows as declared rules leave them.

        Raises:
            TabganError: for a piece with rows that break one, unless ``on_violation`` says better.
        """
        rules, row = Constraints.of_plain(schema.constraints), 0
        for piece in read_pieces(self.path, schema):
            kept = settled(piece, schema, rules, on_violation=self.on_violation, first_row=row)
            row += len(piece)
            yield kept.reset_index(drop=True)


@dataclass(frozen=True, kw_only=True)
class StoredCodes:
    """The codes of a cache folder, mapped into memory.

    Attributes:
        folder: where it lies.
        encoder: fitted.
        rows, condition: all training rows and their classes, mapped from files: nothing of them is
            in memory until it is indexed.
        sample, validation, test: some rows of each part, as conforming tables.
    """

    folder: Path
    encoder: TableEncoder
    rows: CodedRows
    condition: CodedRows
    sample: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def is_large(path: Path) -> bool:
    """Whether a file is better not read into memory: half a GiB of text, or 64 MiB packed."""
    packed = path.suffix.lower() in (".parquet", ".gz")
    return path.is_file() and path.stat().st_size >= (LARGE_PACKED if packed else LARGE)


def coded_table(source: RowFile, make_encoder: Make, cache: Path) -> StoredCodes:
    """The table of ``source``, encoded: out of ``cache``, or, the first time, into it.

    Three passes over the file, a piece of it in memory at a time: the schema (categories, kinds);
    the samples; the codes. The encoder learns from ``SAMPLE_ROWS`` training rows, drawn evenly,
    and from rows that show it what those miss: every category, the smallest and the largest value
    of each number, its values where they are few, a missing one where there is any.

    Raises:
        TabganError: when the table cannot be read or learned from.
    """
    folder = cache / source.key()
    if not (folder / DONE).is_file():
        part = cache / f".{folder.name}-{uuid.uuid4().hex[:8]}"
        part.mkdir(parents=True)
        try:
            _build(source, make_encoder, part)
            _put(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    else:
        log.info("codes of %s: %s", source.path, folder)
    return _open(folder)


def _put(part: Path, folder: Path) -> None:
    """Give a whole cache its name, unless another process was first."""
    try:
        os.rename(part, folder)
    except OSError:
        if not (folder / DONE).is_file():  # a broken one is in its place
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(part, folder)


def _open(folder: Path) -> StoredCodes:
    try:
        facts = json.loads((folder / DONE).read_text("utf-8"))
        encoder = TableEncoder.load(folder / "encoder")
        tables = {name: read_parquet(folder / f"{name}.parquet")[0] for name in facts["tables"]}
        condition = _condition_layout(encoder.condition_width)
        return StoredCodes(
            folder=folder,
            encoder=encoder,
            rows=_mapped(folder, encoder.layout_, "rows"),
            condition=_mapped(folder, condition, "condition"),
            sample=tables["sample"],
            validation=tables["validation"],
            test=tables["test"],
        )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise TabganError(f"{folder}: a damaged cache: {error!r}; remove the folder") from error


def _build(source: RowFile, make_encoder: Make, folder: Path) -> None:
    """Read the table and fill ``folder``."""
    log.info("%s: reading piece by piece", source.path)
    schema, n_rows = source.survey()
    samples = _Samples(source, schema, n_rows)
    for position, piece in enumerate(source.pieces(schema)):
        samples.add(position, piece)
    if source.test_path is not None:
        for position, piece in enumerate(read_pieces(source.test_path, schema)):
            samples.add_test(position, piece)
    log.info("rows: %s, of which %s to train on", f"{n_rows:,}", f"{samples.n_train:,}")
    tables = samples.tables()
    check_table(tables["sample"], schema)
    encoder, rows = make_encoder(schema), samples.to_learn_from()
    encoder.fit(rows, n_rows=n_rows, is_sample=True)
    if not _write_codes(source, encoder, folder, samples):
        log.info("what followed in the sample does not in the table: columns are learned instead")
        encoder.derive = False
        encoder.fit(rows, n_rows=n_rows, is_sample=True)
        _write_codes(source, encoder, folder, samples)
    for name, table in tables.items():
        encoder.add_keys(table)  # a test file's
        write_table(folder / f"{name}.parquet", table, schema)
    encoder.save(folder / "encoder")
    facts = {"format": FORMAT, "table": str(source.path), "rows": samples.n_train}
    write_whole(folder / DONE, json.dumps({**facts, "tables": [*tables]}, indent=2) + "\n")


class _Samples:
    """The samples of each part, gathered piece by piece, each row by a number of its own.

    A row whose number u, even in [0, 1), is below ``test_fraction`` is for testing, one a little
    above it for validation, the others to train on; samples are the smallest numbers of a part.
    With a test file, its rows alone are for testing.
    """

    def __init__(self, source: RowFile, schema: TableSchema, n_rows: int) -> None:
        self.source, self.schema = source, schema
        self.n_train = 0
        cut = source.test_fraction if source.test_path is None else 0.0
        # of all rows; a tenth of the rest, or what gives about VALIDATION_ROWS
        share = min(0.1 * (1 - cut), VALIDATION_ROWS / max(n_rows, 1))
        self.ends = cut, cut + share
        self.most = {"train": SAMPLE_ROWS, "validation": 2 * VALIDATION_ROWS, "test": TEST_ROWS}
        self.kept: dict[str, tuple[NDArray[np.float64], pd.DataFrame]] = {}
        self.witnesses = _Witnesses(schema)

    def numbers(self, position: int, n: int) -> NDArray[np.float64]:
        """Of the rows of a piece, float64 [n]."""
        return rng_at(self.source.seed, "rows", position).random(n)

    def parts(self, numbers: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
        """The rows of each part: training, validation, test."""
        part = np.searchsorted(self.ends, numbers, side="right")
        return {
            name: part == position for position, name in enumerate(("test", "validation", "train"))
        }

    def add(self, position: int, piece: pd.DataFrame) -> None:
        numbers = self.numbers(position, len(piece))
        parts = self.parts(numbers)
        for name, mine in parts.items():
            self._keep(name, numbers[mine], piece.iloc[np.flatnonzero(mine)])
        self.witnesses.add(piece.iloc[np.flatnonzero(parts["train"])])
        self.n_train += int(parts["train"].sum())

    def add_test(self, position: int, piece: pd.DataFrame) -> None:
        """A piece of the test file."""
        self._keep(
            "test", rng_at(self.source.seed, "test rows", position).random(len(piece)), piece
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """The samples: ``sample`` of the training rows, ``validation`` and ``test``."""
        names = {"train": "sample"}
        return {names.get(name, name): self._table(name) for name in PARTS}

    def to_learn_from(self) -> pd.DataFrame:
        """The training sample, and rows with what it misses."""
        rows = pd.concat([self._table("train"), *self.witnesses.rows], ignore_index=True)
        return self.schema.conform(rows)

    def _keep(self, name: str, numbers: NDArray[np.float64], rows: pd.DataFrame) -> None:
        if name in self.kept:
            before, table = self.kept[name]
            if len(before) >= self.most[name]:
                small = numbers < before.max()
                numbers, rows = numbers[small], rows.iloc[np.flatnonzero(small)]
            numbers = np.concatenate([before, numbers])
            rows = pd.concat([table, rows], ignore_index=True)
        if len(numbers) > self.most[name]:
            least = np.argpartition(numbers, self.most[name])[: self.most[name]]
            numbers, rows = numbers[least], rows.iloc[least]
        self.kept[name] = numbers, rows.reset_index(drop=True)

    def _table(self, name: str) -> pd.DataFrame:
        numbers, rows = self.kept[name]
        return self.schema.conform(rows.iloc[np.argsort(numbers, kind="stable")])


class _Witnesses:
    """Rows that show an encoder what a sample may miss; a few hundred a column at most."""

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.rows: list[pd.DataFrame] = []
        self.seen: dict[str, set[Any]] = {column.name: set() for column in schema.columns}
        self.spans: dict[str, tuple[float, float]] = {}
        self.missing: set[str] = set()

    def add(self, piece: pd.DataFrame) -> None:
        positions: set[int] = set()
        for column in self.schema.columns:
            if column.kind != "string":
                positions |= self._new(column.name, piece[column.name])
        if positions:
            self.rows.append(piece.iloc[sorted(positions)])

    def _new(self, name: str, values: pd.Series) -> set[int]:
        missing = values.isna().to_numpy()
        found: set[int] = set()
        if missing.any() and name not in self.missing:
            self.missing.add(name)
            found.add(int(missing.argmax()))
        numbers = _as_numbers(values)
        known = np.flatnonzero(~missing)
        if not len(known):
            return found
        distinct, first = np.unique(numbers[known], return_index=True)
        low, high = self.spans.get(name, (np.inf, -np.inf))
        self.spans[name] = min(low, distinct[0]), max(high, distinct[-1])
        found |= {int(known[first[0]])} if distinct[0] < low else set()
        found |= {int(known[first[-1]])} if distinct[-1] > high else set()
        seen = self.seen[name]
        if isinstance(values.dtype, pd.CategoricalDtype) or len(seen) <= MOST_VALUES:
            fresh = [position for position, value in enumerate(distinct) if value not in seen]
            if len(fresh) <= MOST_VALUES:
                found |= {int(known[first[position]]) for position in fresh}
            seen.update(distinct[fresh])
        return found


def _as_numbers(values: pd.Series) -> NDArray[Any]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(values.cat.codes.to_numpy())
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return np.asarray(values.astype("int64").to_numpy())
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _write_codes(source: RowFile, encoder: TableEncoder, folder: Path, samples: _Samples) -> bool:
    """Fill ``folder`` with the codes of all training rows; False when a derived column is not."""
    condition = _condition_layout(encoder.condition_width)
    whole = _created(folder, encoder.layout_, "rows", samples.n_train)
    classes = _created(folder, condition, "condition", samples.n_train)
    counts = np.zeros(encoder.condition_width, np.int64)
    start = 0
    for position, table in _train_pieces(source, encoder, samples):
        if not _follows(encoder, table):
            return False
        coded = encoder.encode_coded(table, seed=seed_at(source.seed, "piece", position))
        end = start + len(table)
        whole[0][start:end], whole[1][start:end] = coded.codes.numpy(), coded.scalars.numpy()
        if encoder.condition_width:
            of_class = encoder.encode_condition(table).argmax(axis=1)
            classes[0][start:end, 0] = of_class
            counts += np.bincount(of_class, minlength=len(counts))
        start = end
    encoder.class_counts_ = counts  # exact
    for array in (*whole, *classes):
        if isinstance(array, np.memmap):
            array.flush()
    return True


def _train_pieces(
    source: RowFile, encoder: TableEncoder, samples: _Samples
) -> Iterator[tuple[int, pd.DataFrame]]:
    """The training rows piece by piece; of the others, too, no id is made again."""
    for position, piece in enumerate(source.pieces(encoder.schema)):
        encoder.add_keys(piece)
        mine = samples.parts(samples.numbers(position, len(piece)))["train"]
        yield position, piece.iloc[np.flatnonzero(mine)].reset_index(drop=True)


def _follows(encoder: TableEncoder, table: pd.DataFrame) -> bool:
    """Whether what left the row is what the encoder would put back."""
    columns = encoder.by_name(encoder.numbers(table))
    steps = {name: resolution(encoder.schema[name]) for name in encoder.relations_.sums}
    return encoder.relations_.hold(columns, steps)


def _condition_layout(width: int) -> RowLayout:
    block = Block(column="", kind="discrete", start=0, width=width)
    return RowLayout(blocks=(block,) if width else ())


def _shapes(layout: RowLayout, n_rows: int) -> Iterator[tuple[str, Any, tuple[int, int]]]:
    """Name, dtype and shape of the two arrays of ``CodedRows``."""
    widths = [block.width for block in layout.blocks if block.kind == "discrete"]
    kind = np.int16 if max(widths, default=0) <= INT16_CODES else np.int32
    yield "codes", kind, (n_rows, len(widths))
    yield "scalars", np.float32, (n_rows, layout.width - sum(widths))


def _created(folder: Path, layout: RowLayout, name: str, n_rows: int) -> list[NDArray[Any]]:
    return [
        open_memmap(folder / f"{name}_{what}.npy", mode="w+", dtype=kind, shape=shape)
        if all(shape)
        else np.empty(shape, kind)
        for what, kind, shape in _shapes(layout, n_rows)
    ]


def _mapped(folder: Path, layout: RowLayout, name: str) -> CodedRows:
    """The rows as they lie on the disk; writing to them would change this process's copy alone."""
    n_rows = json.loads((folder / DONE).read_text("utf-8"))["rows"]
    codes, scalars = (
        torch.from_numpy(np.load(folder / f"{name}_{what}.npy", mmap_mode="c", allow_pickle=False))
        if all(shape)
        else torch.from_numpy(np.empty(shape, kind))
        for what, kind, shape in _shapes(layout, n_rows)
    )
    return CodedRows(layout=layout, codes=codes, scalars=scalars)


def _hash(path: Path) -> str:
    if not path.is_file():
        raise TabganError(f"file not found: {path.absolute()}")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
