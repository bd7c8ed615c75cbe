"""From a composed configuration to objects; every key is checked before anything is built."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra.utils import get_class, get_object, instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning import Callback, Trainer

from tabgan.callbacks.stopping import StopTogether
from tabgan.config.misfits import hints_of, misfits
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError, check_keys, nearest
from tabgan.modules.planning import PLANNED, plan_steps
from tabgan.modules.protocol import PlannedModel, RowModel, absent_members
from tabgan.runs.checkpoints import PlainCheckpoints
from tabgan.runs.session import check_size, describe, record_configuration, save_map, save_plan
from tabgan.serving.batches import batches_of_epoch
from tabgan.serving.datamodule import TableDataModule
from tabgan.serving.forecast import Sizes, learning_nets
from tabgan.serving.planning import tolerance
from tabgan.system.ranks import is_first

TOP_LEVEL = (
    "data", "model", "encoder", "loss", "penalty", "refiner", "trainer", "callbacks", "logger",
    "run_name", "seed", "threads", "memory_limit", "start", "blackbox", "tool",
    "traffic",
)  # fmt: skip
NEEDED = (  # whatever the model
    "data", "model", "encoder", "trainer", "callbacks", "logger", "run_name", "seed", "threads",
)  # fmt: skip
ADDED = ("experiment", "sweep", "debug")  # groups whose files leave no key of their own
AUTO = "auto"
MAY_BE_AUTO = {
    *("data.batch_size", "trainer.max_epochs", "callbacks.checkpoint.tolerance"),
    *(f"model.{key}" for key in PLANNED),
}
HYDRA_KEYS = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}
# What a stored configuration may call, and what it may where a training goes on.
FROM_A_RUN_FOLDER = (
    "tabgan.modules.", "tabgan.nets.", "tabgan.losses.", "tabgan.scored.module",
    "tabgan.scored.direct", "tabgan.scored.surrogate", "tabgan.evasion.module",
    "tabgan.evasion.editor", "tabgan.evasion.substitutes", "torch.optim.",
)  # fmt: skip
TO_GO_ON = (
    *FROM_A_RUN_FOLDER,
    *(
        "tabgan.serving.",
        "tabgan.encoding.",
        "tabgan.callbacks.",
        "tabgan.scored.panel",
        "tabgan.blackboxes.forest",
        "tabgan.evasion.detectors",
        "tabgan.blackboxes.estimator",
        "tabgan.blackboxes.onnx",
        "tabgan.evasion.traffic",
    ),
    "pytorch_lightning.",
)
PARTS = ("model", "loss", "penalty", "tool")  # that make a module


def check_config(cfg: DictConfig) -> None:
    """Refuse keys that nothing would read, and values that are not of their keys' types.

    Raises:
        TabganError: naming each unknown key and the nearest valid one, or each such value and what
            is expected.
    """
    check_keys(cfg, TOP_LEVEL, also=ADDED)
    if absent := [key for key in NEEDED if key not in cfg]:
        raise TabganError(f"{absent[0]}: is needed; leave out ~{absent[0]}")
    targets = list(_targets(_plain(cfg)))
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


def resolve_auto(cfg: DictConfig, planned: Mapping[str, float]) -> dict[str, float]:
    """Put planned values where ``cfg`` says ``auto``, and give back those that were put."""
    used = {key: n for key, n in planned.items() if OmegaConf.select(cfg, key) == AUTO}
    for key, value in used.items():
        OmegaConf.update(cfg, key, value)
    return used


def settle(
    cfg: DictConfig,
    datamodule: TableDataModule,
    folder: Path,
    *,
    kept: Mapping[str, float] | None = None,
) -> None:
    """Resolve every ``auto`` once the table is read; say what it became and keep it.

    What is ``kept`` of an earlier run's plan goes before what this table would give.
    """
    n_rows = len(datamodule.coded("train")[0])
    model = row_model(cfg)
    plan = model.plan if issubclass(model, PlannedModel) else plan_steps
    planned = plan(_plain(cfg.model), n_rows, datamodule.layout)
    values = {f"model.{key}": value for key, value in planned.values.items()}
    values["data.batch_size"] = planned.batch_size
    values["callbacks.checkpoint.tolerance"] = tolerance(len(datamodule.validation))
    used = resolve_auto(cfg, values | dict(kept or {}))
    batches = batches_of_epoch(n_rows, int(cfg.data.batch_size), codes=model.learns_codes)
    used |= resolve_auto(cfg, {"trainer.max_epochs": math.ceil(planned.steps / max(batches, 1))})
    datamodule.batch_size, datamodule.serves_codes = cfg.data.batch_size, model.learns_codes
    if is_first():
        save_plan(used, folder)


def model_class(cfg: DictConfig) -> type:
    """The class that ``model._target_`` names."""
    found: type = get_class(cfg.model["_target_"])
    return found


def row_model(cfg: DictConfig) -> type[RowModel]:
    """The same, of a model that draws rows.

    Raises:
        TabganError: when it does not (``modules.protocol.RowModel``).
    """
    model = model_class(cfg)
    if absent := absent_members(model):
        raise TabganError(
            f"model._target_={cfg.model['_target_']}: expected a model that draws rows "
            f"(tabgan.modules.protocol.RowModel), got one without {', '.join(absent)}"
        )
    return model


def build_module(cfg: DictConfig, encoder: TableEncoder) -> RowModel:
    """The model that ``cfg`` describes, with the sizes of the table.

    Raises:
        TabganError: for a model that does not learn from rows with missing cells, where there are
            any; for one that takes no class for its condition, where there is one.
    """
    model = row_model(cfg)
    if encoder.condition_width and not model.takes_condition:
        raise TabganError(
            f"{model.__name__} draws the class as a column of the row, and takes no other "
            "condition of the table: give encoder.conditional=false"
        )
    if encoder.is_masked and not model.learns_missing_cells:
        raise TabganError(
            f"encoder.missing=masked: {model.__name__} learns from whole rows alone; "
            "choose another model, or encoder.missing=category"
        )
    module: RowModel = instantiate(cfg.model)(
        layout=encoder.layout_, condition_width=encoder.condition_width, **_built_parts(cfg)
    )
    return module


def _built_parts(cfg: DictConfig) -> dict[str, Any]:
    """The loss, the penalty and the tools that ``cfg`` names, as a model's constructor takes them.

    What it takes and ``cfg`` does not name is left to its defaults.
    """
    parts = {key: instantiate(cfg[key]) for key in ("loss", "penalty") if cfg.get(key)}
    tools = [instantiate(tool) for tool in (cfg.get("tool") or {}).values()]
    return parts | ({"tools": tools} if tools else {})


def forecast(cfg: DictConfig, datamodule: TableDataModule, module: RowModel) -> None:
    """Say what the training will take; refuse one that would not fit into memory.

    Raises:
        TabganError: for a ``memory_limit`` that is none, or that is too low.
    """
    limit = cfg.get("memory_limit", AUTO)
    is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if limit != AUTO and (not is_number or limit <= 0):
        raise TabganError(f"memory_limit={limit}: expected GiB, above 0, or auto")
    rows, _ = datamodule.coded("sample")
    sizes = Sizes(
        rows=rows,
        n_columns=len(datamodule.schema.columns),
        condition_width=datamodule.condition_width,
        nets=learning_nets(module.named_children()),
        batch_size=cfg.data.batch_size,
        steps=_steps(cfg, len(datamodule.coded("train")[0])),
        pool_factor=cfg.refiner.pool_factor if cfg.refiner.rounds else 0.0,
    )
    check_size(sizes, None if limit == AUTO else float(limit))


def _steps(cfg: DictConfig, n_rows: int) -> int:
    """Generator steps, as far as the configuration says."""
    codes = row_model(cfg).learns_codes
    batches = batches_of_epoch(n_rows, int(cfg.data.batch_size), codes=codes)
    for key in ("limit_train_batches", "overfit_batches"):
        requested = cfg.trainer.get(key)
        if requested:
            batches = (
                min(batches, requested) if isinstance(requested, int) else int(batches * requested)
            )
    steps = batches * max(int(cfg.trainer.get("max_epochs") or 0), 0)
    most = cfg.trainer.get("max_steps") or -1
    return steps if most < 0 else min(steps, most)


def build_trainer(
    cfg: DictConfig,
    encoder: TableEncoder,
    folder: Path,
    callbacks: Sequence[Callback] = (),
) -> Trainer:
    """The Trainer with the configuration's callbacks, those given, and loggers, told the run."""
    loggers = [instantiate(logger) for logger in cfg.logger.values()]
    own = [instantiate(callback) for callback in cfg.callbacks.values()]
    trainer: Trainer = instantiate(cfg.trainer)(
        callbacks=[StopTogether(), *own, *callbacks],
        logger=loggers,
        default_root_dir=str(folder),
        plugins=[PlainCheckpoints()],
    )
    parts = {key: cfg[key] for key in ("data", "encoder", *PARTS, "seed") if key in cfg}
    requested = _plain(OmegaConf.create(parts), resolve=True)
    if is_first():
        given = folder / ".hydra" / "overrides.yaml"
        words: Any = OmegaConf.load(given) if given.is_file() else []
        first = [str(word).lstrip("+").partition("=")[0] for word in words]
        record_configuration(loggers, requested, OmegaConf.to_yaml(cfg), first=first)
        save_map(encoder, folder)
    describe(encoder)
    return trainer


def check_stored_targets(
    cfg: DictConfig,
    parts: Sequence[str] = PARTS,
    allowed: tuple[str, ...] = FROM_A_RUN_FOLDER,
) -> None:
    """Refuse a run folder's configuration that would call anything but nets, losses, optimizers.

    What a name leads to counts, for ``tabgan.cli.launch.os.system`` begins with tabgan too; and so
    does every place that Hydra would call, in lists and behind interpolations.

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


def _plain(cfg: DictConfig, *, resolve: bool = False) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=resolve))


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
