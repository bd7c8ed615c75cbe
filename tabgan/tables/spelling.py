"""Labels that two programs write differently: 1 and 1.0, true and True."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np


def spellings(categories: Collection[str], labels: Iterable[str]) -> dict[str, str]:
    """Each label as the categories spell it; what none of them means stays as it is."""
    own = set(categories)
    truth = {category.lower() for category in own} == {"false", "true"}
    known = {_sense(category, truth): category for category in categories}
    return {
        label: label if label in own else known.get(_sense(label, truth), label) for label in labels
    }


def _sense(text: str, truth: bool) -> float | str:
    """What two spellings of one label share."""
    try:
        number = float(text)
    except ValueError:
        return text.lower() if truth else text
    return number if np.isfinite(number) else text
