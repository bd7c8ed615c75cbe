"""A study's contestants and prepared tables, from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from tabgan.config.endings import explain
from tabgan.config.keys import command_keys
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError, as_requested, check_keys, nearest
from tabgan.evaluation.gathering import takes_a_run
from tabgan.paths import conf_dir
from tabgan.studies.contestants import DRIVERS, Baseline, Ours, Peer
from tabgan.studies.prepared import Prepared, prepare
from tabgan.system.shell import command
from tabgan.tables.sources import user_cache


def cache_of(cfg: DictConfig) -> Path:
    """``cache=``, or a folder in the user's cache."""
    return user_cache() / "bench" if cfg.cache is None else Path(cfg.cache)


def tables_of(cfg: DictConfig) -> Iterator[Prepared]:
    """The tables that ``tables`` names, or else the one of ``data``, read one after the other.

    Raises:
        TabganError: when a table cannot be read, or has no test rows.
    """
    for name in cfg.tables or [None]:
        data = cfg.data if name is None else compose("train", [f"data={name}"]).data
        reader = instantiate(data)(encoder=TableEncoder)
        train, test = reader.read()
        yield prepare(reader.title, train, test, reader.schema, cache=cache_of(cfg) / "tables")


def ours(name: str, overrides: Sequence[str]) -> Ours:
    """A training with these overrides, and the configuration that they compose to.

    Raises:
        TabganError: when they do not compose.
    """
    try:
        cfg = compose("train", [*overrides, "data=table"])
    except HydraException as error:
        raise TabganError(f"{name}: {explain(error, 'train', overrides)}") from error
    requested = OmegaConf.to_container(cfg, resolve=False)
    configuration = {"version": version("tabgan-lightning"), "asked": requested}
    return Ours(name=name, overrides=tuple(overrides), configuration=configuration)


def others_on(table: Prepared, cfg: DictConfig) -> Iterator[Baseline | Peer]:
    """The baselines and peers that are requested, with their settings for this table.

    Raises:
        TabganError: for a name that no configuration describes, or a peer on a table with dates.
    """
    for name in dict.fromkeys([*cfg.baselines, *cfg.peers]):
        if name not in cfg.peer:
            raise TabganError(
                f"no peer {as_requested(name)!r}; {nearest(str(name), cfg.peer)}; peers= is none"
            )
        peer: Any = OmegaConf.to_container(cfg.peer[name])
        if "_target_" in peer:
            yield Baseline(name=name, make=partial(instantiate, peer), settings=peer)
            continue
        dates = [column.name for column in table.schema.columns if column.kind == "date"]
        if dates:
            raise TabganError(
                f"table {table.title!r}: peer {name} takes no dates: give data.drop={dates}, or "
                "leave the peer out (peers=)"
            )
        yield Peer(
            name=name,
            requirements=peer["requirements"],
            driver=DRIVERS / peer["driver"],
            settings=peer["settings"] | peer.get("settings_on", {}).get(table.title, {}),
            cache=cache_of(cfg),
        )


def study_of(cfg: DictConfig) -> tuple[str, Callable[..., Any]]:
    """The name of the study that ``+study=`` adds, and the study itself.

    Raises:
        TabganError: without a study, for one that looks at a trained run, for unknown keys.
    """
    if "study" not in cfg:
        names = sorted(path.stem for path in (conf_dir() / "study").glob("*.yaml"))
        raise TabganError(f"no study: give +study=<name>; the names are {names}")
    check_keys(cfg, (*command_keys("study"), "study"))
    name = HydraConfig.get().runtime.choices["study"]
    if takes_a_run(cfg.study):
        raise TabganError(
            f"study {name!r} looks at a trained run: "
            f"{command('evaluate')} run=<folder> +study={name}"
        )
    return name, instantiate(cfg.study)
