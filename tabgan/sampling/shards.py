"""Rows in independent parts, each drawn alone: a billion rows are 64 jobs, in any order, anywhere.

A folder of parts holds, per part k of K, ``part-<k>-of-<K>.parquet`` and its sidecar
``_part-<k>-of-<K>.json``, and ``_manifest.json``, which lists them. Readers of data sets
(``pyarrow.dataset``, Spark, DuckDB's ``*.parquet``) pass over names that begin with ``_``.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.protocol import RowModel
from tabgan.sampling.refiner import Refiner
from tabgan.sampling.stream import stream_rows
from tabgan.seeding import seed_at
from tabgan.system.files import check_format, write_whole
from tabgan.tables.conditions import Where

log = logging.getLogger(__name__)

MANIFEST = "_manifest.json"
FORMAT = 1
OF_THE_PART = ("part", "file", "first_row", "rows", "seed", "sha256", "bytes", "seconds")


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Part ``number`` of ``of``: rows ``first_row`` up to ``first_row + n``, at its own seed.

    Attributes:
        number: from 0.
        of: how many parts there are.
        n: its rows; parts differ by one at most.
        first_row: rows of the parts before it; keys are numbered from there.
        seed: of ``python -m tabgan.sample seed=``; draws the same rows as one file.
    """

    number: int
    of: int
    n: int
    first_row: int
    seed: int

    @classmethod
    def of_request(cls, number: Any, of: Any, *, n: int, seed: int) -> Self:
        """Part ``number`` of the ``of`` parts of ``n`` rows.

        Raises:
            TabganError: when there is no such part, or there are more parts than rows.
        """
        if not _is_whole(of) or of < 1:
            raise TabganError(f"shards={of}: expected a whole number of parts, at least 1")
        if of > n:
            raise TabganError(f"shards={of:,}: more parts than the n={n:,} rows")
        if number is None:
            raise TabganError(
                f"shards={of}: say which: shard=0, or all of them: -m shard='range(0,{of})'"
            )
        if not _is_whole(number) or not 0 <= number < of:
            raise TabganError(f"shard={number}: expected a part from 0 to {of - 1} (shards={of})")
        rows, more = divmod(n, of)
        return cls(
            number=number,
            of=of,
            n=rows + (number < more),
            first_row=number * rows + min(number, more),
            seed=seed_at(seed, "shard", number),
        )

    @property
    def name(self) -> str:
        """Of its file; sorts in the parts' order."""
        digits = max(len(str(self.of)), 5)
        return f"part-{self.number:0{digits}}-of-{self.of:0{digits}}.parquet"

    def path(self, folder: Path) -> Path:
        return folder / self.name

    def sidecar_path(self, folder: Path) -> Path:
        return folder / f"_{Path(self.name).stem}.json"


def write_shard(
    module: RowModel,
    encoder: TableEncoder,
    refiner: Refiner | None,
    *,
    folder: Path,
    shard: Any,
    shards: Any,
    checkpoint: Path,
    n: int,
    seed: int,
    where: Where,
    mix: str | Mapping[Any, float] | None = None,
    like: Sequence[Where] | None = None,
    dropped: str = "leave",
) -> Path:
    """Draw one part of ``n`` rows into ``folder``, with its sidecar, and renew the manifest.

    The part holds what ``stream_rows`` draws at the part's own seed, but that keys and ``like`` go
    on where the parts before it end. Its bytes follow from what is requested; no other part is
    read.

    Args:
        module: the generator.
        encoder: of its table.
        refiner: rows are drawn until enough are accepted.
        folder: of all parts; made where it is not there.
        shard: the part, from 0 to ``shards`` - 1.
        shards: how many parts the ``n`` rows are.
        checkpoint: the file that the module's weights came from.
        n: rows of all parts.
        seed: of all parts; each has its own, which follows from it.
        where: what is requested of every row.
        mix: shares of the target's classes.
        like: one more condition per row of all parts.
        dropped: of ``stream_rows``.

    Returns:
        The part's path.

    Raises:
        TabganError: for a part that there is not, a folder with parts of something else, or a
            condition that cannot be met.
    """
    mine = Shard.of_request(shard, shards, n=n, seed=seed)
    requested = {
        "n": n,
        "of_seed": seed,
        "where": dict(where),
        "mix": mix,
        "like": None if like is None else _hash_of(like),
        "refined": refiner is not None,
        "dropped": dropped,
        "generator": file_hash(checkpoint),
    }
    _check_folder(folder, {"shards": mine.of, **requested})
    sidecar = stream_rows(
        module,
        encoder,
        refiner,
        out=mine.path(folder),
        n=mine.n,
        seed=mine.seed,
        where=where,
        mix=mix,
        like=like,
        first_row=mine.first_row,
        key_seed=seed,
        beside=False,
        dropped=dropped,
    )
    _keep_sidecar(folder, mine, {**sidecar, "asked": requested})
    return mine.path(folder)


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_folder(folder: Path, requested: Mapping[str, Any]) -> None:
    """Make a folder of parts, or refuse one that holds parts of something else.

    Args:
        folder: where the parts go.
        requested: what all parts have in common, as plain data.

    Raises:
        TabganError: naming what differs.
    """
    if folder.suffix or folder.is_file():
        raise TabganError(f"out={folder}: with shards a folder, which the Parquet parts go to")
    folder.mkdir(parents=True, exist_ok=True)
    plain = json.loads(json.dumps(requested))  # as it will be read: tuples are lists there
    for sidecar in _sidecars(folder):
        common = _common(sidecar)
        changed = [key for key in plain if common.get(key) != plain[key]]
        if changed:
            key = changed[0]
            raise TabganError(
                f"{folder.absolute()}: holds parts with {key}={common.get(key)!r}, this one has "
                f"{key}={plain[key]!r}; give another out"
            )


def _keep_sidecar(folder: Path, shard: Shard, sidecar: Mapping[str, Any]) -> None:
    """Write the sidecar of a part that is drawn, and the manifest of all that are."""
    path = shard.path(folder)
    own = {
        "format": FORMAT,
        "part": shard.number,
        "shards": shard.of,
        "file": shard.name,
        "first_row": shard.first_row,
        "bytes": path.stat().st_size,
        "sha256": file_hash(path),
    }
    text = json.dumps({**own, **sidecar}, indent=2) + "\n"
    write_whole(shard.sidecar_path(folder), text)
    _write_manifest(folder, shard)


def _write_manifest(folder: Path, shard: Shard) -> None:
    """List the parts that are there; whoever finishes last lists all of them.

    Parts may end together, in processes that know nothing of each other: a part that sees
    another sidecar come after it had listed them lists them anew.
    """
    listed: list[dict[str, Any]] = []
    while (sidecars := _sidecars(folder)) != listed:
        listed = sidecars
        text = json.dumps(_manifest(listed, shard.of), indent=2) + "\n"
        write_whole(folder / MANIFEST, text, shared=True)
    missing = shard.of - len(listed)
    log.info("%s: %s of %s parts", folder, f"{len(listed):,}", f"{shard.of:,}")
    if not missing:
        rows = sum(sidecar["rows"] for sidecar in listed)
        log.info("all %s rows are there: pyarrow.dataset.dataset(%r)", f"{rows:,}", str(folder))


def _manifest(sidecars: list[dict[str, Any]], of: int) -> dict[str, Any]:
    there = {sidecar["part"] for sidecar in sidecars}
    return {
        **_common(sidecars[0]),
        "rows": sum(sidecar["rows"] for sidecar in sidecars),
        "missing": [number for number in range(of) if number not in there],
        "parts": [{key: a[key] for key in OF_THE_PART if key in a} for a in sidecars],
    }


def _common(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """What a part's sidecar says of all parts."""
    return {"format": sidecar["format"], "shards": sidecar["shards"], **sidecar["asked"]}


def _sidecars(folder: Path) -> list[dict[str, Any]]:
    """Those of the parts that are there, in their order."""
    found = [_read(path) for path in folder.glob("_part-*.json")]
    return sorted(found, key=lambda sidecar: int(sidecar["part"]))


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        check_format(found["format"], path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TabganError(f"{path}: not a sidecar of sampled rows: {error!r}") from error
    return found


def _hash_of(like: Sequence[Where]) -> str:
    text = json.dumps([dict(where) for where in like], default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
