"""What an encoder learned, on disk: ``state.json`` and ``arrays.npz``, never a pickle."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tabgan.errors import TabganError
from tabgan.files import FORMAT, check_format, write_whole


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write nested plain data; each array inside it becomes an entry of ``arrays.npz``."""
    arrays: dict[str, np.ndarray] = {}
    plain = {"format": FORMAT, **_lift(state, arrays)}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    write_whole(folder / "arrays.npz", stream.getvalue())
    write_whole(folder / "state.json", json.dumps(plain, indent=1, ensure_ascii=False))


def load_state(folder: Path) -> dict[str, Any]:
    """Read what ``save_state`` wrote.

    Raises:
        TabganError: when a file is absent or damaged, or holds a pickle.
    """
    try:
        plain = json.loads((folder / "state.json").read_text("utf-8"))
        check_format(plain.pop("format", FORMAT), folder / "state.json")
        with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
            return _lower(plain, dict(arrays))
    except FileNotFoundError as error:
        raise TabganError(f"encoder state not found: {error.filename}") from error
    except TabganError:
        raise
    except (ValueError, KeyError, OSError, AttributeError, TypeError, BadZipFile) as error:
        raise TabganError(f"{folder}: not an encoder's state: {error}") from error


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
        if set(value) == {"array"}:
            return arrays[value["array"]]
        return {key: _lower(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [_lower(entry, arrays) for entry in value]
    return value
