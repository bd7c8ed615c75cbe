"""Run a command and write what it cost: ``python stopwatch.py COSTS.json COMMAND...``.

A script of its own, because Linux counts the memory of the process that starts another as the
other's: below a bench that holds pandas and torch every peak would be the bench's.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

KILOBYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss, in bytes


def main(costs: str, *command: str) -> int:
    """Wait for ``command``; its exit status. It dies with whoever holds our standard input."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_die_together, args=(child.pid,), daemon=True).start()
    _, status, used = os.wait4(child.pid, 0)  # with the children that it waited for itself
    measured = {
        "wall": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss * KILOBYTES / 1e6,
    }
    with open(costs, "w", encoding="utf-8") as file:
        json.dump(measured, file)
    return os.waitstatus_to_exitcode(status)


def _die_together(pid: int) -> None:
    while os.read(sys.stdin.fileno(), 1):  # ends when the bench does, however it ends
        pass
    os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
