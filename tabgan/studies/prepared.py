"""One table for every contestant: the same rows as files that each of them reads."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from tabgan.config.overrides import quote
from tabgan.encoding.identifying import with_keys
from tabgan.errors import TabganError
from tabgan.metrics.comparison import Comparison
from tabgan.report.reading import Tables, compared, read_like, read_real
from tabgan.tables.schema import TableSchema
from tabgan.tables.splitting import split_rows
from tabgan.tables.writers import write_table


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table cut in train and test, on the disk.

    Attributes:
        name: what the table is called, with the beginning of its content's SHA-256.
        folder: holds ``train.arff`` and ``test.arff``, and ``train.csv`` without texts and ids.
        target: the column to predict, or None.
    """

    name: str
    folder: Path
    target: str | None

    @property
    def title(self) -> str:
        """The table's name without the checksum."""
        return self.name.rpartition("-")[0]

    def overrides(self, seed: int) -> list[str]:
        """Of a training on it: ``python -m tabgan.train <overrides>``."""
        train, test = (self.folder.absolute() / f"{part}.arff" for part in ("train", "test"))
        overrides = ["data=table", f"data.path={quote(str(train))}"]
        overrides += [f"data.test_path={quote(str(test))}", f"seed={seed}"]
        return (
            overrides if self.target is None else [*overrides, f"data.target={quote(self.target)}"]
        )

    @cached_property
    def schema(self) -> TableSchema:
        table, schema = read_real(self.folder / "train.arff", target=self.target)
        return with_keys(schema, table)

    @cached_property
    def train(self) -> pd.DataFrame:
        """The training rows, without texts and ids."""
        return self._whole["train"][compared(self.schema)]

    @cached_property
    def test(self) -> pd.DataFrame:
        """The test rows, without texts and ids."""
        return self._whole["test"][compared(self.schema)]

    def comparison(self, path: Path | None = None, **options: Any) -> Comparison:
        """A contestant's rows beside the table's; without a file, the training rows stand for them.

        Args:
            path: of the rows; numbers are cut to the training rows' range and to its decimals.
            options: of ``Comparison``.

        Raises:
            TabganError: when the file has other columns or kinds than the table.
        """
        rows = self._whole["train"] if path is None else self._decoded(path)
        return Tables.of(self.title, self.schema, **self._whole, synthetic=rows).comparison(
            **options
        )

    def decoded(self, path: Path) -> pd.DataFrame:
        """A contestant's rows as ``comparison`` has them, without texts and ids.

        Raises:
            TabganError: when the file has other columns or kinds than the table.
        """
        return self._decoded(path)[compared(self.schema)]

    def _decoded(self, path: Path) -> pd.DataFrame:
        rows = read_like(path, self.schema)
        for name in compared(self.schema):
            column = self.schema[name]
            if column.is_number:
                seen = self.train[name].astype("float64")
                rows[name] = rows[name].clip(seen.min(), seen.max())
                decimals = 0 if column.kind == "integer" else column.decimals
                rows[name] = rows[name] if decimals is None else rows[name].round(decimals)
        return rows

    @cached_property
    def _whole(self) -> dict[str, pd.DataFrame]:
        files = {part: self.folder / f"{part}.arff" for part in ("train", "test")}
        return {part: read_like(path, self.schema) for part, path in files.items()}


def halved(table: Prepared, *, cache: Path) -> Prepared:
    """The training rows alone, cut in two by a fixed seed: one half to learn, one as test rows."""
    rows, schema = read_real(table.folder / "train.arff", target=table.target)
    first, second = split_rows(rows, schema, n_cut=len(rows) // 2, seed=0, position="resplit")
    return prepare(f"{table.title}-half", first, second, schema, cache=cache)


def prepare(
    title: str, train: pd.DataFrame, test: pd.DataFrame, schema: TableSchema, *, cache: Path
) -> Prepared:
    """Write the files of ``Prepared`` into ``cache``; the same rows are written once.

    Raises:
        TabganError: when the table has no test rows.
    """
    if len(test) == 0:
        raise TabganError(f"table {title!r}: no test rows; give data.test_fraction or a test file")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        files = Path(made) / "table"
        files.mkdir()
        write_table(files / "train.arff", train, schema)
        write_table(files / "test.arff", test, schema)
        kept = schema.without(set(schema.names) - set(compared(with_keys(schema, train))))
        write_table(files / "train.csv", train[list(kept.names)], kept)
        content = b"".join((files / f"{part}.arff").read_bytes() for part in ("train", "test"))
        name = f"{title}-{hashlib.sha256(content).hexdigest()[:8]}"
        with suppress(OSError):  # it is there, perhaps since a moment ago
            files.rename(cache / name)
    return Prepared(name=name, folder=cache / name, target=schema.target)
