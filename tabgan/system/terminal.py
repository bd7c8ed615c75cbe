"""Tables and sentences on standard output: what does not fit is wrapped, and never cut."""

from __future__ import annotations

import os

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

UNBOUNDED = 100_000  # characters
WIDTH = 120  # of a pipe or a file, which has none of its own; COLUMNS says another


def say(text: str, *, markup: bool = False, verbatim: bool = False) -> None:
    """Print a sentence; a pipe or a file gets it in one line, and so does what is ``verbatim``."""
    console = _console()
    soft_wrap = verbatim or not console.is_terminal
    console.print(text, markup=markup, soft_wrap=soft_wrap, highlight=False if verbatim else None)


def show(table: Table, *, least: int = 0) -> None:
    """Print a table whose words wrap and whose numbers, on the right, stay whole.

    Args:
        table: as rich has it.
        least: characters that it may take in any case, whatever the terminal's width.
    """
    for column in table.columns:
        column.no_wrap = column.justify == "right"
        column.overflow = "fold"
    console = _console()
    wide = max(console.width, _measured(table).minimum, least)
    (console if wide == console.width else _console(wide)).print(table)


def fits(table: Table, *, least: int = 0) -> bool:
    """Whether ``table`` can be printed without wrapping anything."""
    return _measured(table).maximum <= max(_console().width, least)


def error_console() -> Console:
    """Standard error, where progress bars go."""
    return Console(stderr=True)


def _measured(table: Table) -> Measurement:
    """The characters that a line of the table takes, at the least and at the most."""
    return _console(UNBOUNDED).measure(table)


def _console(width: int | None = None) -> Console:
    console = Console(width=width)
    if width is None and not console.is_terminal and "COLUMNS" not in os.environ:
        return Console(width=WIDTH)
    return console
