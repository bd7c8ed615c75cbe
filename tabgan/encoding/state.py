"""An encoder's state on disk: ``state.json`` and ``arrays.npz``, never a pickle."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tabgan.errors import TabganError
from tabgan.system.files import FORMAT, check_format, write_whole

SUM = "sha256_of_arrays"
DAMAGED = (
    ValueError, KeyError, OSError, AttributeError, TypeError, BadZipFile, EOFError, RecursionError,
)  # fmt: skip  # what a damaged file or a foreign one makes json and numpy raise


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write nested plain data; each array inside it becomes an entry of ``arrays.npz``."""
    arrays: dict[str, np.ndarray] = {}
    plain = _lift(state, arrays)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    plain = {"format": FORMAT, SUM: hashlib.sha256(stream.getvalue()).hexdigest(), **plain}
    write_whole(folder / "arrays.npz", stream.getvalue())
    write_whole(folder / "state.json", json.dumps(plain, indent=1, ensure_ascii=False))


def load_state(folder: Path) -> dict[str, Any]:
    """Read what ``save_state`` wrote.

    Raises:
        TabganError: when a file is absent or damaged, holds a pickle, or is another state's.
    """
    try:
        plain = json.loads((folder / "state.json").read_text("utf-8"))
        check_format(plain.pop("format", FORMAT), folder / "state.json")
        expected = plain.pop(SUM, None)  # none in what an earlier tabgan wrote
        content = (folder / "arrays.npz").read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            state: dict[str, Any] = _lower(plain, dict(arrays))
    except FileNotFoundError as error:
        raise TabganError(f"encoder state not found: {error.filename}") from error
    except TabganError:
        raise
    except DAMAGED as error:
        raise TabganError(f"{folder}: not an encoder's state: {error}") from error
    if expected not in (None, hashlib.sha256(content).hexdigest()):
        raise TabganError(f"{folder}: arrays.npz is not the one that state.json was written with")
    return state


def _lift(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        key = f"array_{len(arrays)}"
        arrays[key] = value
        return {"array": key}
    if isinstance(value, dict):
        return {key: _lift(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [_lift(entry, arrays) for entry in value]
    return value


def _lower(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"array"} and str(value["array"]).startswith("array_"):  # else a column's
            return arrays[value["array"]]
        return {key: _lower(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [_lower(entry, arrays) for entry in value]
    return value
