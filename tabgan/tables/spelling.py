"""Labels that two programs write differently: 1 and 1.0, true and True; of two, 1 and true."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

TRUTH = {"false": 0.0, "true": 1.0}


def spellings(categories: Collection[str], labels: Iterable[str]) -> dict[str, str]:
    """Each label as the categories spell it; what none of them means stays as it is."""
    own = set(categories)
    truth = {_sense(category, True) for category in own} == {*TRUTH.values()}
    known = {_sense(category, truth): category for category in categories}
    return {
        label: label if label in own else known.get(_sense(label, truth), label) for label in labels
    }


def _sense(text: str, truth: bool) -> float | str:
    """What two spellings of one label share; ``truth`` says whether true and false are 1 and 0."""
    if truth and text.lower() in TRUTH:
        return TRUTH[text.lower()]
    try:
        number = float(text)
    except ValueError:
        return text
    return number if np.isfinite(number) else text
