"""The files of a run folder, whether a folder is one, and the way to go on with it."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Collection
from pathlib import Path

from tabgan.errors import TabganError
from tabgan.system.shell import command

RECORD = "run.json"  # what the run was begun with (runs.provenance)
ROWS, RECORDS = "rows", "records"  # kinds of runs: their models draw rows, or change records
FINISHED = "metrics.json"  # written last, in the folder of a run that is done
SWEEP = "multirun.yaml"  # what Hydra writes of a sweep
WRITTEN = ("config.yaml", "hydra.yaml", "overrides.yaml")  # by Hydra in .hydra/, of a run
CHECKPOINTS = ("best.ckpt", "last.ckpt")
LISTED = 5  # runs that a message names
REPORT = ("report.json", "report.html", "pictures")  # of evaluate
BY_ESTIMATOR = ("table.parquet",)  # a DataFrame that TableGAN was fitted to
LEAVINGS = (
    *(".hydra", RECORD, "plan.json", "schema.json", "encoder", "checkpoints", "refiner"),
    *("blackbox", "csv", "tensorboard", "mlruns", "wandb", FINISHED, "failed.json", "samples"),
    *REPORT,
    *("audit", "fooled", "rules.txt", "README.md"),
    *BY_ESTIMATOR,
)


def check_unused(folder: Path, *, besides: Collection[str] = ()) -> None:
    """Refuse to train in a folder that holds a run, or a part of one.

    What an earlier run left, its report above all, would be taken for the new one's.

    Args:
        folder: need not be there.
        besides: names that the new run has written itself.

    Raises:
        TabganError: saying how to go on with what is there, or how to train anew.
    """
    if folder.exists() and not folder.is_dir():
        raise TabganError(f"{folder}: expected a folder for the run, got a file")
    left = [name for name in LEAVINGS if name not in besides and _is_there(folder / name)]
    if (folder / SWEEP).is_file():
        raise TabganError(f"{folder}: holds a sweep already; {way_on(folder)}")
    if not left:
        return
    if (folder / FINISHED).is_file():
        holds = "a finished run already"
    elif is_begun(folder):
        holds = f"a run that has not finished; {way_on(folder)}"
    else:
        holds = f"{left[0]}, as a run leaves it"
    raise TabganError(
        f"{folder}: holds {holds}; to train anew give another folder, or remove this one first"
    )


def check_own(out: Path, run: Path | None) -> None:
    """Refuse to write a report into the folder of another run, which it would be credited to.

    Args:
        out: where the report goes.
        run: the run that it is about; None where it is about files.

    Raises:
        TabganError: naming the folder.
    """
    if is_run(out) and (run is None or run.resolve() != out.resolve()):
        raise TabganError(
            f"out={out}: holds another run, whose report this would be taken for; give another "
            "folder"
        )


def is_run(folder: Path) -> bool:
    """Whether ``folder`` holds a run's configuration."""
    return (folder / ".hydra" / "config.yaml").is_file()


def kind_of(folder: Path) -> str:
    """The kind of the run in ``folder``, by its ``run.json``: ``ROWS`` or ``RECORDS``."""
    return RECORDS if _noted(folder / RECORD, "kind") == RECORDS else ROWS


def is_begun(folder: Path) -> bool:
    """Whether Hydra wrote a run's whole configuration, which it does before the run begins."""
    return all((folder / ".hydra" / name).is_file() for name in WRITTEN)


def way_on(folder: Path | None) -> str:
    """The command that goes on with what ``folder`` holds; empty where nothing can be."""
    if folder is None or not folder.is_dir() or (folder / FINISHED).is_file():
        return ""
    if not is_begun(folder) and not (folder / SWEEP).is_file():
        return ""
    return f"go on with: {command('train', f'run={folder.absolute()}', 'resume=true')}"


def what_next(folder: Path) -> list[str]:
    """The commands to go on with the run in ``folder``, or why there are none."""
    if not is_run(folder):
        return ["no rows can be drawn: the run's configuration was not kept (hydra.output_subdir)"]
    if not any((folder / "checkpoints" / name).is_file() for name in CHECKPOINTS):
        return ["no rows can be drawn: no weights were kept (callbacks.checkpoint)"]
    if kind_of(folder) == RECORDS:
        return [f"records of a file, changed: {command('sample', f'run={folder}', 'like=FILE')}"]
    return [
        f"more rows: {command('sample', f'run={folder}', 'n=1000')}",
        f"a report on them: {command('evaluate', f'run={folder}')}",
    ]


def not_a_run(folder: Path, absent: str) -> TabganError:
    """The error for a folder without a run's file; it names the runs in it, newest first."""
    text = f"not a run folder: {folder.absolute()} has no {absent}"
    patterns = ("*/.hydra/config.yaml", "*/*/.hydra/config.yaml", "*/*/*/.hydra/config.yaml")
    found = [path for pattern in patterns for path in folder.glob(pattern)]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    runs = [str(path.parents[1].absolute()) for path in found]
    if not runs:
        return TabganError(text)
    more = f" and {len(runs) - LISTED} more" if len(runs) > LISTED else ""
    return TabganError(f"{text}; runs in it, newest first: {', '.join(runs[:LISTED])}{more}")


def forget_report(folder: Path) -> bool:
    """Remove the report on a run whose weights are about to change; whether there was one."""
    there = [folder / name for name in REPORT if (folder / name).exists()]
    for path in there:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return bool(there)


def unused(path: Path) -> Path:
    """``path``, or with -2, -3, ... before its suffixes: the first that is not there."""
    name, dot, suffixes = path.name.partition(".")
    others = (path.with_name(f"{name}-{n}{dot}{suffixes}") for n in itertools.count(2))
    return next(one for one in itertools.chain([path], others) if not one.exists())


def folder_of(base: Path, note: str, key: str, table: str) -> Path:
    """``base``, or with -2, -3, ... behind: the first that is absent, or about ``table``.

    Args:
        base: what the folder of a table of this name is called.
        note: the JSON file in it that says what it is about.
        key: under this key.
        table: what it says there.
    """
    for number in itertools.count(1):
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        if not folder.exists() or _noted(folder / note, key) == table:
            return folder
    raise AssertionError("itertools.count ended")


def _is_there(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _noted(path: Path, key: str) -> object:
    try:
        return json.loads(path.read_text("utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError):
        return None
