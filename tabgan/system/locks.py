"""One process in a run folder at a time."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tabgan.errors import TabganError
from tabgan.system.ranks import is_first

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there
    fcntl = None  # type: ignore[assignment]

LOCK = "run.lock"


class HeldError(TabganError):
    """Another process is at work in the folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """``folder`` is this process's until the end; ``run.lock`` in it says whose it is.

    The system lets go of the lock of a process that was killed, so the file it left behind keeps
    nobody out. Of a training in several processes the first holds it for all.

    Raises:
        HeldError: naming the process that holds it.
    """
    if fcntl is None or not is_first():
        yield
        return
    path = folder / LOCK
    stream = _taken(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        stream.close()


def check_free(folder: Path) -> None:
    """Refuse a folder in which another process is at work.

    Raises:
        HeldError: naming it.
    """
    if (folder / LOCK).is_file() and os.access(folder / LOCK, os.W_OK):
        with held(folder):
            pass


def _taken(path: Path) -> IO[str]:
    """The open lock file, locked; of one that its holder has just removed, a new one."""
    while True:
        stream = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            with stream:
                raise HeldError(f"{path.parent.absolute()}: {_holder(stream)}") from error
        if path.is_file() and os.fstat(stream.fileno()).st_ino == path.stat().st_ino:
            break
        stream.close()
    stream.truncate(0)
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    json.dump(who, stream)
    stream.flush()
    return stream


def _holder(stream: IO[str]) -> str:
    """Who says in the lock file that the folder is theirs."""
    stream.seek(0)
    try:
        who = json.loads(stream.read())
        name = f"process {who['pid']} on {who['host']} has been at work here since {who['since']}"
    except (ValueError, KeyError, TypeError):
        name = "another process is at work here"
    return f"{name}; wait for it, or stop it"
