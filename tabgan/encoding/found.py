"""Rules that relations of columns are, as constraints: sums, and what one column decides."""

from __future__ import annotations

from tabgan.encoding.dependencies import EVIDENCE, find_derived
from tabgan.encoding.numbers import resolution
from tabgan.encoding.sums import Sum, find_sums
from tabgan.tables.constraints.columns import Columns
from tabgan.tables.constraints.equations import Equation
from tabgan.tables.constraints.finding.evidence import Found, discrete, measured
from tabgan.tables.constraints.groups import Follows
from tabgan.tables.constraints.syntax import quoted


def find_relations(columns: Columns) -> list[Found]:
    """Numbers that are sums of others, and columns of few values that another one decides.

    Args:
        columns: of all training rows.
    """
    numbers = {n: of for n, of in measured(columns).items() if columns.schema[n].is_number}
    steps = {name: resolution(columns.schema[name]) for name in numbers}
    sums = find_sums(numbers, steps)
    found = [Found(Equation(name, _text(of)), float(columns.n)) for name, of in sums.items()]
    few = {name: values[codes] for name, (codes, values) in discrete(columns).items()}
    for name, source in find_derived({n: of for n, of in few.items() if n not in sums}).items():
        found.append(Found(Follows(name, (source,)).fitted(columns), EVIDENCE))
    return found


def _text(of: Sum) -> str:
    """A sum as a formula."""
    words = []
    for name, factor in of.terms.items():
        times = "" if abs(factor) == 1 else f"{abs(factor):.15g} * "
        words.append(f"{'-' if factor < 0 else '+'} {times}{quoted(name)}")
    if of.constant:
        words.append(f"{'-' if of.constant < 0 else '+'} {abs(of.constant):.15g}")
    text = " ".join(words)
    return text.removeprefix("+ ") if text.startswith("+") else f"-{text[2:]}"
