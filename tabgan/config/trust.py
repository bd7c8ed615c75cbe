"""Code that the configuration of a run folder may call: tabgan's own, torch's and Lightning's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tabgan.errors import TabganError

# What a stored configuration may call, and what it may where a training goes on.
FROM_A_RUN_FOLDER = (
    "tabgan.models.",
    "tabgan.blackboxes.scored.module",
    "tabgan.blackboxes.scored.direct",
    "tabgan.blackboxes.scored.surrogate",
    "tabgan.blackboxes.evasion.module",
    "tabgan.blackboxes.evasion.editor",
    "tabgan.blackboxes.evasion.substitutes",
    "torch.optim.",
)
TO_GO_ON = (
    *FROM_A_RUN_FOLDER,
    "tabgan.data.",
    "tabgan.encoding.",
    "tabgan.runs.callbacks.",
    "tabgan.blackboxes.forest",
    "tabgan.blackboxes.estimator",
    "tabgan.blackboxes.onnx",
    "tabgan.blackboxes.scored.panel",
    "tabgan.blackboxes.evasion.detectors",
    "tabgan.blackboxes.evasion.traffic",
    "pytorch_lightning.",
)
PARTS = ("model", "loss", "penalty", "tool")  # that make a module


def check_stored_targets(
    cfg: DictConfig,
    parts: Sequence[str] = PARTS,
    allowed: tuple[str, ...] = FROM_A_RUN_FOLDER,
) -> None:
    """Refuse a run folder's configuration that would call anything but nets, losses, optimizers.

    The module in which the target is defined counts, for ``tabgan.config.launch.os.system`` begins
    with tabgan too; and so does every position that Hydra would call, in lists and behind
    interpolations.

    Args:
        cfg: the configuration.
        parts: of it.
        allowed: what the modules that targets are defined in begin with.

    Raises:
        TabganError: naming the position and the target.
    """
    for part in parts:
        for path, target in _called(cfg.get(part), part):
            if not (target.startswith(allowed) and _home(target).startswith(allowed)):
                raise TabganError(
                    f"{path}._target_: a run folder may name targets of "
                    f"{list(allowed)}, got {target!r}"
                )


def _home(target: str) -> str:
    """The module in which what ``target`` names is defined; empty where it names nothing."""
    try:
        return str(getattr(get_object(target), "__module__", ""))
    except Exception:  # whatever the import raises
        return ""


def _called(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """The position and name of every target in a configuration, as it resolves."""
    if not OmegaConf.is_config(node):
        return
    is_list = isinstance(node, ListConfig)
    for key in range(len(node)) if is_list else node:
        try:
            entry = node[key]
        except OmegaConfBaseException:  # what cannot be resolved cannot be called either
            continue
        if key == "_target_":
            yield path, str(entry)
        else:
            yield from _called(entry, f"{path}[{key}]" if is_list else f"{path}.{key}")
