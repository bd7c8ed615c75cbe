"""Runs found on disk, and those that differ only in the seed taken together."""

from __future__ import annotations

import glob
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml

from tabgan.errors import TabganError
from tabgan.metrics.registry import EVERY, METRICS, VALIDATION

COSTS = ("seconds", "generator_parameters")  # of metrics.json
FIRST = ("c2st_test_auc_worst", "val/c2st_auc")  # what a leaderboard is sorted by: the first it has
THEN = ("trend_error", "val/trend_error")  # among equals
ANCHORS = {"real_test.": "real rows", "independent.": "independent columns"}
REFINED = "refined."  # figures of the rows that a run's refiner accepts
NOT_LEARNED = ("seed", "threads", "logger", "hydra")  # none of them changes what is learned
SAME_MEASURE = ("data", "detector_name", "mle_grid", "rows", "train_rows", "test_rows", "target")
SAYS_LITTLE = (
    "seed",
    "run_name",
    "logger",
    "threads",
    "hydra.",
    "sweep=",
)  # overrides that no contestant is named by

ROWS = ""  # beside the names of columns, which are not empty

Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run with a report: its rows as drawn, or as refined.

    Attributes:
        folder: where it lies.
        contestant: what it is called: the run's name and what was overridden, the seed aside.
        key: equal for runs that differ only in the seed and were measured alike.
        data: the table's title.
        seed: of the training; empty where it is not known.
        figures: metrics of ``report.json`` and costs of ``metrics.json``.
        anchors: the figures of real and of independent rows, by ``ANCHORS``' prefix.
        hashes: of the table's rows and columns, in whatever order, by name; empty where they are
            not known.
    """

    folder: Path
    contestant: str
    key: str
    data: str
    seed: str
    figures: Figures
    anchors: dict[str, Figures]
    hashes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One line of a leaderboard: a contestant over its seeds, or an anchor over its runs.

    Attributes:
        contestant: its name.
        data: the table's title.
        seeds: of its runs.
        folders: where they lie.
        figures: per figure, one value per run that has it.
    """

    contestant: str
    data: str
    seeds: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    figures: dict[str, list[float]] = field(default_factory=dict)

    def mean(self, name: str) -> float | None:
        """The mean over runs; None without a value."""
        return fmean(self.figures[name]) if name in self.figures else None

    def has(self, names: Sequence[str]) -> str:
        """The first of ``names`` that it has a value of; without any, the first."""
        return next((name for name in names if name in self.figures), names[0])

    def spread(self, name: str) -> float | None:
        """The standard deviation over runs (n - 1); None with fewer than two values."""
        values = self.figures.get(name, [])
        return stdev(values) if len(values) > 1 else None


def find_runs(words: Iterable[str]) -> list[Path]:
    """The run folders in ``words``: folders, globs, and folders of runs however deep, each once.

    Raises:
        TabganError: when a word names no folder, a folder cannot be read, or none is a run.
    """
    words = list(words)
    found = {run.resolve(): run for word in words for top in _folders(word) for run in _runs(top)}
    if not found:
        raise TabganError(
            f"no run in {', '.join(words)}: a run folder has .hydra/config.yaml or report.json"
        )
    return list(found.values())


def read_runs(folders: Sequence[Path]) -> tuple[list[Entry], list[Path]]:
    """The runs that were measured, and the folders of those that were not.

    A run without a report stands by what its training measured on validation rows, in a table of
    its own. Tables of one name and other values are told apart by the first digits of a hash.

    Raises:
        TabganError: when a file of a run is damaged.
    """
    found = {folder: _entries(folder) for folder in folders}
    without = [folder for folder, entries in found.items() if not entries]
    entries = [entry for entries in found.values() for entry in entries]
    titles = dict.fromkeys(entry.data for entry in entries)
    return [one for title in titles for one in _tables_apart(entries, title)], without


def _tables_apart(entries: Sequence[Entry], title: str) -> list[Entry]:
    """The entries of the tables called ``title``, with a hash in the name if they are several."""
    own = [entry for entry in entries if entry.data == title]
    tables: list[dict[str, str]] = []
    for entry in own:
        if entry.hashes and not any(_same_table(entry.hashes, table) for table in tables):
            tables.append(entry.hashes)
    if len(tables) < 2:
        return own
    renamed = []
    for entry in own:
        table = next((table for table in tables if _same_table(entry.hashes, table)), {})
        digits = hashlib.sha256(json.dumps(table).encode()).hexdigest()[:4] if table else "?"
        renamed.append(replace(entry, data=f"{title} [{digits}]", key=f"{entry.key}, {digits}"))
    return renamed


def _same_table(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether all columns and rows are the same; of tables with other columns, those they share."""
    shared = one.keys() & other.keys() - ({ROWS} if one.keys() != other.keys() else set())
    return bool(shared) and all(one[name] == other[name] for name in shared)


def standings(entries: Sequence[Entry]) -> list[Standing]:
    """One standing per contestant, sorted by table, then by how far ``FIRST`` is from its ideal."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.key, []).append(entry)
    rows = [_standing(group) for group in groups.values()]
    names = [(row.data, row.contestant) for row in rows]
    rows = [
        row if names.count((row.data, row.contestant)) == 1 else _told_apart(row) for row in rows
    ]
    rows = [replace(row, contestant=_told_shortly(row, rows)) for row in rows]
    return sorted(rows, key=_order)


def _order(row: Standing) -> tuple[str, float, float]:
    return row.data, _distance(row, row.has(FIRST)), _distance(row, row.has(THEN))


def _told_shortly(row: Standing, rows: Sequence[Standing]) -> str:
    """The contestant's name, without the settings that all contestants of its table have."""
    others = [set(other.contestant.split()) for other in rows if other.data == row.data]
    shared = set.intersection(*others) if len(others) > 1 else set()
    return " ".join(w for w in row.contestant.split() if w not in shared or "=" not in w)


def anchors(entries: Sequence[Entry], data: str) -> list[Standing]:
    """Real rows and independent columns in the generators' place, over all runs on ``data``."""
    own = [entry for entry in entries if entry.data == data]
    return [
        Standing(
            contestant=label, data=data, figures=_gathered(entry.anchors[prefix] for entry in own)
        )
        for prefix, label in ANCHORS.items()
    ]


def best(rows: Sequence[Standing], name: str) -> list[Standing]:
    """The rows whose mean is nearest to the metric's ideal; none where all are equally near."""
    known = [row for row in rows if row.mean(name) is not None]
    if name not in EVERY or not known:
        return []
    least = min(_distance(row, name) for row in known)
    nearest = [row for row in known if _distance(row, name) == least]
    return nearest if len(nearest) < len(known) else []


def _folders(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        return [path]
    if path.exists():
        raise TabganError(f"{word}: expected a folder, got a file")
    matches = [Path(match) for match in sorted(glob.glob(word, recursive=True), key=_natural)]
    matches = [match for match in matches if match.is_dir()]
    if not matches:
        raise TabganError(f"{word}: no such folder, and no folder that it matches")
    return matches


def _runs(folder: Path) -> Iterator[Path]:
    """``folder`` if it is a run, or the runs inside it; runs are not searched for runs."""
    try:
        if (folder / ".hydra" / "config.yaml").is_file() or (folder / "report.json").exists():
            yield folder
            return
        inside = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError as error:
        raise TabganError(f"{folder}: cannot be read: {error.strerror}") from error
    for path in sorted(inside, key=lambda path: _natural(path.name)):
        if not path.name.startswith("."):
            yield from _runs(path)


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that puts job 10 behind job 9."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _entries(folder: Path) -> list[Entry]:
    """A run's rows as its generator draws them, and those that its refiner accepts."""
    if not (folder / "report.json").exists():
        return _validated(folder)
    report = _object(folder / "report.json")
    home = _home(folder, report)
    config = _object(home / ".hydra" / "config.yaml") if home else {}
    metrics = _object(home / "metrics.json") if home and (home / "metrics.json").exists() else {}
    learned = {name: part for name, part in config.items() if name not in NOT_LEARNED}
    measured = {name: report.get(name) for name in SAME_MEASURE}
    if not config:
        learned = {"folder": str(folder.resolve())}
    costs = _numbers(metrics, COSTS)
    drawn = Entry(
        folder=folder,
        contestant=_name(home, config) if home and config else folder.resolve().name,
        key=json.dumps([learned, measured], sort_keys=True, default=str),
        data=str(report.get("data", "?")),
        seed=str(config.get("seed", "")),
        figures=_numbers(report, METRICS) | costs,
        anchors={prefix: _numbers(report, METRICS, prefix) for prefix in ANCHORS},
        hashes=_hashes(home) if home and not report.get("real") else {},
    )
    refined = _numbers(report, METRICS, REFINED)
    if not refined:
        return [drawn]
    accepted = replace(
        drawn,
        contestant=f"{drawn.contestant}, refined",
        key=f"{drawn.key}, refined",
        figures=refined | costs,
        anchors={prefix: {} for prefix in ANCHORS},  # counted once
    )
    return [drawn, accepted]


def _validated(folder: Path) -> list[Entry]:
    """What a training measured on validation rows, its last value; nothing where it did not."""
    metrics = _object(folder / "metrics.json") if (folder / "metrics.json").exists() else {}
    figures = _numbers(metrics, VALIDATION)
    if not figures:
        return []
    config = _object(folder / ".hydra" / "config.yaml")
    learned = {name: part for name, part in config.items() if name not in NOT_LEARNED}
    data = config.get("data") or {}
    title = (
        Path(str(data["path"])).name if data.get("path") else data.get("name")
    )  # path voids name
    entry = Entry(
        folder=folder,
        contestant=_name(folder, config),
        key=json.dumps([learned, "validation"], sort_keys=True, default=str),
        data=f"{title}: validation rows, no report",
        seed=str(config.get("seed", "")),
        figures=figures | _numbers(metrics, COSTS),
        anchors={prefix: {} for prefix in ANCHORS},
        hashes=_hashes(folder),
    )
    return [entry]


def _hashes(home: Path) -> dict[str, str]:
    """What ``run.json`` says of a run's table; of one out of core it knows samples alone."""
    record = _object(home / "run.json") if (home / "run.json").exists() else {}
    if "content" in record or "table" not in record:
        return {}
    return {ROWS: record["table"], **record["columns"]}


def _home(folder: Path, report: dict[str, Any]) -> Path | None:
    """The run that a report is about: its own folder, or the one that it names."""
    for home in (folder, Path(str(report.get("run", "")))):
        if (home / ".hydra" / "config.yaml").is_file():
            return home
    return None


def _name(home: Path, config: dict[str, Any]) -> str:
    """The run's name and its overrides, without those that say nothing of what is learned."""
    path = home / ".hydra" / "overrides.yaml"
    overrides = _read(path) if path.is_file() else []
    if not isinstance(overrides, list):
        raise TabganError(f"{path}: expected a list of overrides")
    settings = [
        str(word)
        for word in overrides
        if not str(word).lstrip("+~").startswith(SAYS_LITTLE) and not str(word).startswith("+exp")
    ]
    return " ".join([str(config.get("run_name", home.resolve().name)), *settings])


def _object(path: Path) -> dict[str, Any]:
    content = _read(path)
    if not isinstance(content, dict):
        raise TabganError(f"{path}: expected names and values, got {type(content).__name__}")
    return content


def _read(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise TabganError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{path}: damaged: {reason}; make the report again") from error


def _numbers(source: dict[str, Any], names: Iterable[str], prefix: str = "") -> Figures:
    found = {name: source.get(prefix + name) for name in names}
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def _gathered(figures: Iterable[Figures]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for one in figures:
        for name, value in one.items():
            values.setdefault(name, []).append(value)
    return values


def _standing(group: Sequence[Entry]) -> Standing:
    return Standing(
        contestant=group[0].contestant,
        data=group[0].data,
        seeds=tuple(entry.seed for entry in group if entry.seed),
        folders=tuple(entry.folder for entry in group),
        figures=_gathered(entry.figures for entry in group),
    )


def _told_apart(row: Standing) -> Standing:
    """The same row with its first folder in the name: another one has the name."""
    return Standing(
        contestant=f"{row.contestant} ({row.folders[0].resolve().name})",
        data=row.data,
        seeds=row.seeds,
        folders=row.folders,
        figures=row.figures,
    )


def _distance(row: Standing, name: str) -> float:
    mean = row.mean(name)
    return math.inf if mean is None else abs(mean - EVERY[name].ideal)
