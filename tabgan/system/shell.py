"""Commands to copy into a shell, in the way the present one was given."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def command(name: str, *words: object) -> str:
    """``python -m tabgan.<name> <words>``, or ``tabgan-<name> <words>`` after such a command.

    Words are quoted for the shell where they have to be.
    """
    is_script = Path(sys.argv[0]).name.startswith("tabgan-")
    program = f"tabgan-{name}" if is_script else f"python -m tabgan.{name}"
    return " ".join([program, *(shlex.quote(str(word)) for word in words)])
