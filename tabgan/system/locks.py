"""One process in a run folder at a time."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tabgan.errors import TabganError
from tabgan.system.ranks import is_first

LOCK = "run.lock"
PATIENCE = 0.2  # seconds; a holder that has just gone takes its file along


class HeldError(TabganError):
    """Another process is at work in the folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """``folder`` is this process's until the end; ``run.lock`` in it names the process.

    The system lets go of the lock of a process that was killed, so the file it left behind keeps
    nobody out. Of a training in several processes the first holds it for all.

    Raises:
        HeldError: naming the process that holds it.
    """
    if not is_first():
        yield
        return
    path = folder / LOCK
    holder = _holder(path)
    lock = FileLock(path, timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout as error:
        raise HeldError(f"{folder.absolute()}: {holder}; wait for it, or stop it") from error
    try:
        _sign(path)
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            path.unlink()
        lock.release()


def check_free(folder: Path) -> None:
    """Refuse a folder in which another process is at work.

    Raises:
        HeldError: naming it.
    """
    if (folder / LOCK).is_file() and os.access(folder / LOCK, os.W_OK):
        with held(folder):
            pass


def _sign(path: Path) -> None:
    """Write into the lock file which process holds it."""
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    with suppress(OSError):  # Windows lets nobody write into a locked file
        path.write_text(json.dumps(who), "utf-8")


def _holder(path: Path) -> str:
    """The process that a lock file names, as an error message says it."""
    try:
        who = json.loads(path.read_text("utf-8"))
        return f"process {who['pid']} on {who['host']} has been at work here since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process is at work here"
