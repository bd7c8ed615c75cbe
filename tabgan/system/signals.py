"""Ctrl+C and SIGTERM: work stops at once, a training at the end of its step."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

log = logging.getLogger(__name__)

HEEDED = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal asked the process to end; no error, so no ``except Exception`` keeps it.

    Args:
        signum: the signal.
        kept: what was saved for it, for people; empty for nothing.
    """

    def __init__(self, signum: int, kept: str = "") -> None:
        self.signum = signum
        self.kept = kept
        super().__init__(signal.Signals(signum).name)


class _Watch:
    """What the process has been requested, and whether it may finish its step."""

    installed = False
    patient = False
    requested: int | None = None

    def __call__(self, signum: int, _: Any) -> None:
        if not self.patient or self.requested is not None:
            raise Interrupted(signum)
        self.requested = signum
        log.info("%s: finishing the step; once more stops at once", signal.Signals(signum).name)


_watch = _Watch()


@contextmanager
def heeded() -> Iterator[None]:
    """SIGINT and SIGTERM raise ``Interrupted``; outside the main thread nothing is changed."""
    if threading.current_thread() is not threading.main_thread() or _watch.installed:
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in HEEDED}
    _watch.installed = True
    _install()
    try:
        yield
    finally:
        _watch.installed, _watch.patient, _watch.requested = False, False, None
        for signum, handler in before.items():
            signal.signal(signum, handler or signal.SIG_DFL)


def be_patient(patient: bool) -> None:
    """Only note a first signal, which ``requested`` returns, or not; no-op without ``heeded``."""
    _watch.patient = patient and _watch.installed
    if _watch.installed:
        _install()  # Lightning has put its own handler of SIGTERM before ours


def requested() -> int | None:
    """The signal that came while the process was patient."""
    return _watch.requested


def _install() -> None:
    for signum in HEEDED:
        signal.signal(signum, _watch)
