"""Commands in processes of their own, with what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tabgan.errors import TabganError

STOPWATCH = Path(__file__).with_name("stopwatch.py")
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1"
)
Costs = dict[str, float]


def timed(command: Sequence[str | Path], *, folder: Path, name: str) -> Costs:
    """The time and memory of ``command``, run in ``folder`` with one thread and a log.

    Args:
        command: the program and its words.
        folder: the working directory; gets ``<name>.log``.
        name: of this step.

    Returns:
        ``wall`` and ``cpu`` in seconds, ``peak_mb`` the largest resident memory in 10^6 bytes.

    Raises:
        TabganError: when the command does not end well; with its last words.
    """
    costs, log = folder.absolute() / f"{name}.costs", folder / f"{name}.log"
    words = [sys.executable, "-I", "-S", STOPWATCH, costs, *command]
    with (
        log.open("wb") as said,
        subprocess.Popen(
            list(map(str, words)), cwd=folder, env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT,
        ) as process,
    ):  # fmt: skip
        status = process.wait()
    if status:
        raise TabganError(f"{name} ended with {status}: {_last_words(log)} ({log})")
    measured: Costs = json.loads(costs.read_text("utf-8"))
    costs.unlink()
    return measured


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
