"""A progress bar for a long command, on stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tabgan.system.terminal import error_console

log = logging.getLogger(__name__)


class Advance(Protocol):
    """Show which step begins; ``stage`` names the group it is in, once."""

    def __call__(self, step: str, *, stage: str | None = None) -> None: ...


@contextmanager
def progress(n_steps: int) -> Iterator[Advance]:
    """A bar with the step under way; without a terminal, a line per stage in the log."""
    console = error_console()
    columns = (SpinnerColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=n_steps)
        current = [""]

        def advance(step: str, *, stage: str | None = None) -> None:
            if stage is not None:
                current[0] = stage
                if not console.is_terminal:
                    log.info("%s", stage)
            text = f"{current[0]}: {step}" if step else current[0]
            # no markup: a column's name may look like some
            bar.update(task, description=text.replace("[", "\\["), advance=1)

        yield advance
