"""Hydra's compose, anywhere: in a notebook, in another Hydra application, several times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import configure_log
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from yaml import YAMLError

from tabgan.errors import TabganError
from tabgan.paths import conf_dir, path_of
from tabgan.runs.folder import is_run, not_a_run


def compose_run(words: Sequence[str], folder: Path, *, begun_in: str | None = None) -> DictConfig:
    """The configuration that ``python -m tabgan.train <words>`` composes for a run in ``folder``.

    ``folder/.hydra`` is written as Hydra writes it.

    Args:
        words: of the command.
        folder: of the run.
        begun_in: the folder that relative paths are of; None for the current one.

    Raises:
        HydraException: for words that do not compose.
    """
    with own_hydra():
        cfg = compose("train", overrides=list(words), return_hydra_config=True)
        with read_write(cfg.hydra), open_dict(cfg.hydra):
            cfg.hydra.runtime.output_dir = str(folder)
            cfg.hydra.runtime.cwd = begun_in or cfg.hydra.runtime.cwd
        HydraConfig.instance().set_config(cfg)
        requested = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
        _write_requested(requested, cfg.hydra, folder / ".hydra")
        OmegaConf.resolve(requested)  # while Hydra knows the folder
    return requested


@contextmanager
def stored_run(folder: Path) -> Iterator[DictConfig]:
    """A run's configuration, read from ``folder/.hydra``, which stays as it is; its log goes on.

    Interpolations are resolved for where the folder lies now; relative paths of tables are
    those of the folder in which the run was begun.

    Raises:
        TabganError: when the folder is not a run's.
    """
    if not is_run(folder):
        raise not_a_run(folder, ".hydra/config.yaml")
    requested, hydra = (
        read_config(folder / ".hydra" / f"{name}.yaml") for name in ("config", "hydra")
    )
    with own_hydra():
        own = compose("train", return_hydra_config=True)  # how to log is not for a folder to say
        for cfg in (hydra, own):
            with read_write(cfg), open_dict(cfg):
                cfg.hydra.runtime.output_dir = str(folder)
        HydraConfig.instance().cfg = cast(Any, hydra)  # what ${hydra:...} looks into
        OmegaConf.resolve(requested)
        find_paths(requested, folder)
        configure_log(own.hydra.job_logging)
        yield requested


def find_paths(config: DictConfig, folder: Path) -> None:
    """Make the paths in a run's configuration absolute, in place.

    Relative ones are those of the folder in which the run was begun. Only where nothing lies there
    any more, as after a move of the whole project, the current folder is looked into.

    Args:
        config: of the run in ``folder``.
        folder: of a run; of one without ``.hydra/hydra.yaml`` the current folder counts.
    """
    begun_in = Path.cwd()
    if (folder / ".hydra" / "hydra.yaml").is_file():
        hydra = read_config(folder / ".hydra" / "hydra.yaml")
        begun_in = Path(str(OmegaConf.select(hydra, "hydra.runtime.cwd") or begun_in))
    for key, given in _paths(OmegaConf.to_container(config)):
        known = begun_in / path_of(given)
        found = known if known.exists() else path_of(given)
        OmegaConf.update(config, key, str(found.absolute() if found.exists() else known))


def jobs_of(folder: Path) -> list[list[str]]:
    """The words of each job of a multirun, in the order of their numbers.

    Raises:
        TabganError: when the folder is not a multirun's.
    """
    requested = read_config(folder / "multirun.yaml")
    params = OmegaConf.select(requested, "hydra.sweeper.params") or {}
    words = [f"{key}={value}" for key, value in params.items()]
    words += list(requested.hydra.overrides.task)
    parsed = OverridesParser.create().parse_overrides(words)
    (jobs,) = BasicSweeper.split_arguments(parsed, None)
    return jobs


def sweep_begun_in(folder: Path) -> str | None:
    """The folder in which a multirun was begun, where its ``multirun.yaml`` says so.

    Raises:
        TabganError: when the folder is not a multirun's.
    """
    found: str | None = OmegaConf.select(read_config(folder / "multirun.yaml"), "hydra.runtime.cwd")
    return found


@contextmanager
def own_hydra() -> Iterator[None]:
    """Hydra on tabgan's configuration; an outer application's state comes back."""
    job, base, outer = HydraConfig.instance(), VersionBase.instance(), GlobalHydra.instance().hydra
    of_job, of_base = job.cfg, base.version_base
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3", job_name="train"):
            yield
    finally:
        job.cfg, base.version_base = of_job, of_base
        GlobalHydra.instance().hydra = outer


def read_config(path: Path) -> DictConfig:
    """A configuration as it was written, with its interpolations.

    Raises:
        TabganError: when it cannot be read, or is none.
    """
    try:
        found = OmegaConf.load(path)
    except (OSError, YAMLError, ValueError) as error:
        raise TabganError(f"not a run folder: {path.absolute()} cannot be read") from error
    if not isinstance(found, DictConfig):
        raise TabganError(f"{path}: expected a configuration, got {type(found).__name__}")
    return found


def _paths(node: Any, within: str = "") -> Iterator[tuple[str, str]]:
    """The keys of files to read, with what they say; interpolations are left out."""
    for key, value in node.items():
        name = str(key)
        if isinstance(value, dict):
            yield from _paths(value, f"{within}{name}.")
        elif (name in ("path", "start") or name.endswith("_path")) and _is_known(value):
            yield within + name, value


def _is_known(value: Any) -> bool:
    return isinstance(value, str) and value != "???" and "${" not in value


def _write_requested(requested: DictConfig, hydra: DictConfig, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(requested, folder / "config.yaml")
    OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / "hydra.yaml")
    OmegaConf.save(hydra.overrides.task, folder / "overrides.yaml")
