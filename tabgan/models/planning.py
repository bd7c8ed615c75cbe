"""The values of ``auto`` in a model's configuration: sizes that follow from the table, by rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tabgan.encoding.layout import RowLayout
from tabgan.models.rounds import round_steps

AUTO = "auto"
PLANNED = ("likelihood_steps", "dropout", "rounds", "generator.hidden_dim", "scored_steps")

GAME_STEPS, GAME_BATCH = 4_000, 500  # of two nets that play against each other

STEPS_PER_ROOT, LEAST_STEPS, MOST_STEPS = 36, 300, 3_000  # likelihood, per root of the rows
BATCHES = ((20_000, 128), (100_000, 256))  # rows of a step below so many training rows; then
LARGE_BATCH, LARGE_STEPS = 512, 4_000  # for more rows
DROPOUT, DROPOUT_ROWS = 0.25, 14_000  # it falls with the fourth root of the rows
LEAST_DROPOUT, MOST_DROPOUT = 0.05, 0.7
ROUNDS, MORE_ROUNDS = 4, 8
FEW_ROWS = range(300, 10_000)  # where more rounds are cheap, and critics have rows enough for them
HIDDEN, NARROW_HIDDEN = 96, 64
MANY_HEADS = 100  # from which on each is narrower


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Sizes of a training.

    Attributes:
        batch_size: rows of a step.
        steps: generator steps.
        values: what keys of the model become, by their position under ``model``.
    """

    batch_size: int
    steps: int
    values: dict[str, Any] = field(default_factory=dict)


def plan_steps(requested: Mapping[str, Any], n_rows: int, layout: RowLayout) -> Plan:  # noqa: ARG001
    """4,000 generator steps of 500 rows, or of half the rows where that is less."""
    return Plan(batch_size=max(min(GAME_BATCH, n_rows // 2), 1), steps=GAME_STEPS)


def plan_chain(requested: Mapping[str, Any], n_rows: int, layout: RowLayout) -> Plan:
    """Rules tuned on validation rows of tables of 300 to 50,000 rows and 5 to 58 columns.

    * batch: 128 rows below 20,000 training rows, 256 below 100,000, then 512; at most half of them;
    * ``likelihood_steps``: 36 per root of the rows, at least 300 and at most 3,000; from 100,000
      rows on 4,000;
    * ``dropout``: .25 at 14,000 rows, falling with the fourth root of their number, .05 to .7;
    * ``rounds``: 8 from 300 to 9,999 rows, else 4; they end where critics tell nothing apart;
    * ``generator.hidden_dim``: 96, and 64 from 100 heads on.

    Args:
        requested: the model's configuration.
        n_rows: training rows.
        layout: of codes.
    """
    batch = next((size for below, size in BATCHES if n_rows < below), LARGE_BATCH)
    large = batch == LARGE_BATCH
    steps = min(max(int(STEPS_PER_ROOT * n_rows**0.5), LEAST_STEPS), MOST_STEPS)
    heads = sum(block.kind == "discrete" for block in layout.blocks)
    dropout = DROPOUT * (DROPOUT_ROWS / n_rows) ** 0.25
    values = {
        "likelihood_steps": LARGE_STEPS if large else steps,
        "dropout": round(min(max(dropout, LEAST_DROPOUT), MOST_DROPOUT), 2),
        "rounds": MORE_ROUNDS if n_rows in FEW_ROWS else ROUNDS,
        "generator.hidden_dim": HIDDEN if heads < MANY_HEADS else NARROW_HIDDEN,
    }
    most, rounds = (_chosen(requested, values, key) for key in ("likelihood_steps", "rounds"))
    of_rounds = rounds * round_steps(n_rows) if requested.get("adversarial") != "none" else 0
    return Plan(batch_size=max(min(batch, n_rows // 2), 1), steps=most + of_rounds, values=values)


def plan_scored(requested: Mapping[str, Any], n_rows: int, layout: RowLayout) -> Plan:
    """As ``plan_chain``; two thirds of its steps again as ``scored_steps``, and ``sharpening``."""
    chain = plan_chain(requested, n_rows, layout)
    values = chain.values | {"scored_steps": max(chain.values["likelihood_steps"] * 2 // 3, 1)}
    of_scores = _chosen(requested, values, "scored_steps")
    of_rounds = int(requested.get("sharpening", 0)) * round_steps(n_rows)
    return Plan(
        batch_size=chain.batch_size, steps=chain.steps + of_scores + of_rounds, values=values
    )


def _chosen(requested: Mapping[str, Any], values: Mapping[str, Any], key: str) -> int:
    given = requested.get(key, AUTO)
    return int(values[key] if given == AUTO else given)
