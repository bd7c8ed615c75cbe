"""Any Python function as a black box, named by its import path."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from tabgan.blackboxes.protocol import Scores
from tabgan.errors import TabganError


class FunctionBox:
    """``module:function``, called with a table of conforming rows, answers one score per row.

    The function is imported and run: name only what you trust.

    Args:
        function: ``package.module:function``.
        timeout: seconds that one call may take; None for no limit.
        retries: further attempts after a call that took longer.

    Raises:
        TabganError: when there is no such function.
    """

    def __init__(self, function: str, *, timeout: float | None, retries: int) -> None:
        self.name = function
        if retries < 0:
            raise TabganError(f"blackbox.retries={retries}: expected a whole number, at least 0")
        self.timeout, self.retries = timeout, retries
        self.function = _imported(function)

    def __call__(self, rows: pd.DataFrame) -> Scores:
        if self.timeout is None:
            return np.asarray(self.function(rows), dtype="float64")
        for _ in range(self.retries + 1):
            answer = _within(self.timeout, self.function, rows.copy())
            if answer:
                return np.asarray(answer[0], dtype="float64")
        raise TabganError(
            f"{self.name}: no answer for {len(rows)} rows within {self.timeout:g} s, "
            f"{self.retries + 1} times"
        )


def _imported(path: str) -> Callable[[pd.DataFrame], Any]:
    module, _, name = path.partition(":")
    if not module or not name:
        raise TabganError(f"blackbox.function={path}: expected package.module:function")
    try:
        function: Callable[[pd.DataFrame], Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise TabganError(f"blackbox.function={path}: cannot be imported: {error}") from error
    if not callable(function):
        raise TabganError(f"blackbox.function={path}: expected a function, got {function!r}")
    return function


def _within(
    seconds: float, function: Callable[[pd.DataFrame], Any], rows: pd.DataFrame
) -> list[Any]:
    """The answer in a list, or an empty one when it did not come in time.

    A thread cannot be ended from outside, so a late call goes on behind; as a daemon it does not
    hold the program up.
    """
    answer: list[Any] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            answer.append(function(rows))
        except BaseException as error:  # raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    return answer
