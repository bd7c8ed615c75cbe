"""tabgan: tabular GANs. ``TableGAN`` for Python, ``python -m tabgan.train`` for the command line.

Names are imported when they are used, because torch takes seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tabgan.errors import TabganError
    from tabgan.estimator import TableGAN

__all__ = ["TabganError", "TableGAN"]

HOMES = {"TableGAN": "tabgan.estimator", "TabganError": "tabgan.errors"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'tabgan' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *HOMES])
