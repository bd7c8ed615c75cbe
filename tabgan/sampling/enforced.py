"""Rules that every drawn row keeps: those declared, and those found that most rows keep anyway."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tabgan.encoding.table import TableEncoder
from tabgan.tables.constraints.constraints import Constraints

LOOKED_AT = 2_000  # rows of the generator, to see which of the rules found it keeps
LEAST_KEPT = 0.25  # of them keep all rules that are enforced: four draws a row at most

Numbers = NDArray[np.float64]

log = logging.getLogger(__name__)


class Enforced:
    """The rules that drawn rows must keep: the declared ones and those ``found``.

    A rule that was found holds of every training row. It is enforced by rejection, if the generator
    breaks it in few rows; the rules that it breaks in most rows are left out, since to reject
    those rows would take long and bend the others.

    Attributes:
        found: of the rules found, those enforced.

    Args:
        encoder: whose rules they are.
        draw: n -> n rows of the generator without conditions, as
            ``TableEncoder.decode_numbers`` gives them; called once, if any rule was found.
    """

    def __init__(self, encoder: TableEncoder, draw: Callable[[int], Numbers]) -> None:
        self.encoder = encoder
        given = {id(rule) for rule in encoder.found_.given}  # kept by construction
        rules = tuple(rule for rule in encoder.found_.rules if id(rule) not in given)
        self.found = Constraints(rules)
        if not rules:
            return
        broken = ~encoder.kept_each(draw(LOOKED_AT), self.found)
        left = list(range(len(rules)))
        while (~broken[:, left].any(axis=1)).mean() < LEAST_KEPT:
            del left[int(broken[:, left].sum(axis=0).argmax())]
        dropped = [rule.text for position, rule in enumerate(rules) if position not in left]
        if dropped:
            log.info(
                "rules that generated rows need not keep, since most of them break them: %s",
                "; ".join(dropped),
            )
        self.found = Constraints(tuple(rules[position] for position in left))

    def __len__(self) -> int:
        return len(self.encoder.constraints_) + len(self.found)

    def kept(self, numbers: Numbers) -> NDArray[np.bool_]:
        """The rows that keep every rule, bool [n]."""
        rules = Constraints(self.encoder.constraints_.rules + self.found.rules)
        return np.asarray(self.encoder.kept_each(numbers, rules).all(axis=1), bool)

    def without_found(self) -> None:
        """Enforce the declared rules alone from here on."""
        log.warning(
            "the rows as requested break a rule that all training rows keep, which is given up "
            "for them: one of %s", "; ".join(rule.text for rule in self.found),
        )  # fmt: skip
        self.found = Constraints()
