"""Numbers that one or two others give: a logarithm, a square, a product, a ratio."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tabgan.tables.constraints.columns import Columns, Numbers
from tabgan.tables.constraints.equations import Equation, half_step, is_off
from tabgan.tables.constraints.finding.evidence import Found, measured, once
from tabgan.tables.constraints.formula import Formula
from tabgan.tables.constraints.syntax import quoted

FEWEST_VALUES = 20  # different ones, of what is given and of what gives it: few meet by chance
GLANCE = 16  # rows that a rule is tried on before it is tried on all
MOST_COLUMNS = 60

ONE: dict[str, Callable[[Numbers], Numbers]] = {
    "{} ** 2": np.square,
    "log({})": np.log,
    "log({} + 1)": np.log1p,
    "where({0} > 0, log({0}), 0)": lambda of: np.where(of > 0, np.log(of), 0 * of),
    "sqrt({})": np.sqrt,
    "1 / {}": np.reciprocal,
    "exp({})": np.exp,
}
TWO: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "{} * {}": np.multiply,
    "{} / {}": np.divide,
}


def find_transforms(columns: Columns) -> list[Found]:
    """The equations such as ``lwage = log(wage)`` and ``area = width * depth`` of all rows.

    The first of a product's factors has many values; products with a flag are found too. The
    target is never given, it gives.
    """
    numbers = {n: of for n, of in measured(columns).items() if columns.schema[n].is_number}
    names = [*numbers][:MOST_COLUMNS]
    if len(names) < 2:
        return []
    many = [len(np.unique(numbers[name])) >= FEWEST_VALUES for name in names]
    target = columns.schema.target
    glance = np.linspace(0, columns.n - 1, GLANCE).astype(np.int64)
    few = np.stack([numbers[name][glance] for name in names], axis=1)
    steps = np.array([half_step(columns.schema[name]) for name in names])
    found = []
    with np.errstate(all="ignore"):
        for given, formula in _candidates(few, steps, names, np.array(many)):
            if given == target:
                continue
            rule = Equation(given, formula)
            computed = Formula(formula).numbers(columns)
            if np.array_equal(np.isnan(computed), np.isnan(numbers[given])) and (
                rule.kept(columns).all()
            ):
                found.append(Found(rule, float(columns.n)))
    return once(found)


def _candidates(
    few: Numbers, steps: Numbers, names: list[str], many: NDArray[np.bool_]
) -> Iterator[tuple[str, str]]:
    """Columns and formulas that agree on some rows [rows, columns]."""
    for text, function in ONE.items():
        of, given = _agree(function(few), few, steps).nonzero()
        for a, y in zip(of, given, strict=True):
            if a != y and many[a] and many[y]:
                yield names[y], text.format(quoted(names[a]))
    for text, pair in TWO.items():
        for a in many.nonzero()[0]:
            by, given = _agree(pair(few[:, a : a + 1], few), few, steps).nonzero()
            for b, y in zip(by, given, strict=True):
                if len({a, b, y}) == 3 and many[y]:
                    yield names[y], text.format(quoted(names[a]), quoted(names[b]))


def _agree(computed: Numbers, few: Numbers, steps: Numbers) -> NDArray[np.bool_]:
    """Whether a computed column [rows, n] is a known one [rows, k], to half a step: [n, k]."""
    left, right = computed[:, :, None], few[:, None, :]
    same_known = np.isnan(left) == np.isnan(right)
    return np.asarray((same_known & ~is_off(left, right, steps)).all(axis=0), bool)
