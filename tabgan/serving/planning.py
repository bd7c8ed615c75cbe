"""What ``auto`` becomes: sizes that follow from the table, by stated rules."""

from __future__ import annotations

import math

STEPS = 4_000  # generator steps of a training ...
MANY_ROWS = 20_000  # ... and from so many rows on, where something else teaches, too:
SOUGHT_STEPS = 1_000  # the trees of boundary seeking
SCORED_STEPS = 2_000  # the surrogate of a black box
BATCH_ROWS = 500
ROWS_PER_COMPONENT = 20
COMPONENTS = 1_000
LEAST_TOLERANCE = 0.01  # of an AUC


def planned_keys() -> frozenset[str]:
    """The configuration keys that may be ``auto``."""
    return frozenset(plan(1_000, 100))


def plan(
    n_rows: int,
    n_validation: int,
    *,
    batch_size: int | None = None,
    seeking: bool = False,
    scored: bool = False,
) -> dict[str, float]:
    """The value of each configuration key that may be ``auto``, for ``n_rows`` training rows.

    * ``data.batch_size``: 500, or half of the rows where that is less;
    * ``trainer.max_epochs``: as many as 4,000 generator steps take; from 20,000 rows on 1,000
      with boundary seeking, of which its trees learn enough, and 2,000 for a score;
    * ``model.generator.n_components``: one per 20 rows, at most 1,000;
    * ``callbacks.checkpoint.tolerance``: the standard error of an AUC of .5 between the
      validation rows and as many generated ones (Hanley & McNeil 1982), at least .01. So few
      validation rows do not decide by chance which weights are kept.

    Args:
        n_rows: training rows.
        n_validation: validation rows.
        batch_size: rows of a step where they are asked for.
        seeking: whether boundary seeking takes a part of the training over.
        scored: whether a surrogate of a black box does.
    """
    if batch_size is None:
        batch_size = max(min(BATCH_ROWS, n_rows // 2), 1)
    steps = STEPS
    if n_rows >= MANY_ROWS:
        steps = SOUGHT_STEPS if seeking else SCORED_STEPS if scored else STEPS
    return {
        "data.batch_size": batch_size,
        "trainer.max_epochs": math.ceil(steps / max(n_rows // batch_size, 1)),
        "model.generator.n_components": max(min(COMPONENTS, n_rows // ROWS_PER_COMPONENT), 1),
        "callbacks.checkpoint.tolerance": max(
            round(math.sqrt(1 / (6 * max(n_validation, 1))), 3), LEAST_TOLERANCE
        ),
    }
