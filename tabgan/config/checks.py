"""Unknown keys of a configuration, and values of wrong types, refused before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from hydra.utils import get_class, get_object
from omegaconf import DictConfig, OmegaConf

from tabgan.config.misfits import hints_of, misfits
from tabgan.errors import TabganError, check_keys, nearest
from tabgan.models.planning import AUTO, PLANNED

TOP_LEVEL = (
    "data", "model", "encoder", "loss", "penalty", "refiner", "trainer", "callbacks", "logger",
    "run_name", "seed", "threads", "memory_limit", "start", "blackbox", "tool",
    "traffic",
)  # fmt: skip
NEEDED = (  # whatever the model
    "data", "model", "encoder", "trainer", "callbacks", "logger", "run_name", "seed", "threads",
)  # fmt: skip
ADDED = ("experiment", "sweep", "debug")  # groups whose files leave no key of their own
MAY_BE_AUTO = {
    *("data.batch_size", "trainer.max_epochs", "callbacks.checkpoint.tolerance"),
    *(f"model.{key}" for key in PLANNED),
}
HYDRA_KEYS = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}


def check_config(cfg: DictConfig) -> None:
    """Refuse keys that nothing would read, and values that are not of their keys' types.

    Raises:
        TabganError: naming each unknown key and the nearest valid one, or each such value and what
            is expected.
    """
    check_keys(cfg, TOP_LEVEL, also=ADDED)
    if absent := [key for key in NEEDED if key not in cfg]:
        raise TabganError(f"{absent[0]}: is needed; leave out ~{absent[0]}")
    targets = list(_targets(OmegaConf.to_container(cfg)))
    wrong = [line for path, node in targets for line in _unknown_keys(path, node)]
    if wrong:
        raise TabganError("unknown configuration keys: " + "; ".join(wrong))
    if wrong := [line for path, node in targets for line in _misfits(path, node)]:
        raise TabganError("; ".join(wrong))
    _check_parts(cfg)


def _check_parts(cfg: DictConfig) -> None:
    """Refuse a loss, a penalty or tools that the model does not take."""
    model = model_class(cfg)
    taken = _parameters(model)
    for key, name in {"loss": "loss", "penalty": "penalty", "tool": "tools"}.items():
        if cfg.get(key) and name not in taken and not _takes_any(taken):
            raise TabganError(f"{key}: {model.__name__} takes none; leave out {key}=")


def model_class(cfg: DictConfig) -> type:
    """The class that ``model._target_`` names."""
    found: type = get_class(cfg.model["_target_"])
    return found


def _targets(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield path, node
        for key, entry in node.items():
            yield from _targets(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for position, entry in enumerate(node):
            yield from _targets(entry, f"{path}[{position}]")


def _parameters(target: Any) -> dict[str, inspect.Parameter]:
    """What a class or function takes; a class that passes keywords on takes its parent's too."""
    parameters = dict(inspect.signature(target).parameters)
    passed_on = [name for name, p in parameters.items() if p.kind is p.VAR_KEYWORD]
    if passed_on and inspect.isclass(target) and target.__base__ is not object:
        del parameters[passed_on[0]]
        return _parameters(target.__base__) | parameters
    return parameters


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _unknown_keys(path: str, node: dict[str, Any]) -> list[str]:
    try:
        parameters = _parameters(get_object(node["_target_"]))
    except Exception as error:  # a wrong path raises whatever the import raises
        raise TabganError(f"{path}._target_={node['_target_']}: {error}") from error
    if _takes_any(parameters):
        return []
    unknown = node.keys() - parameters.keys() - HYDRA_KEYS
    return [f"{path}.{key}: {nearest(key, parameters)}" for key in sorted(unknown)]


def _misfits(path: str, node: dict[str, Any]) -> list[str]:
    """The values of other types than the constructor declares, but for what may be ``auto``."""
    auto = {key for key in node if node[key] == AUTO and f"{path}.{key}" in MAY_BE_AUTO}
    values = {key: value for key, value in node.items() if key not in auto}
    return misfits(path, values, hints_of(get_object(node["_target_"])))
