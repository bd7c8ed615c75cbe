"""An evasion run, opened again: records of a file are changed, without its table or detector."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tabgan.blackboxes.counter import QueryCounter
from tabgan.blackboxes.evasion.candidates import Donors
from tabgan.blackboxes.evasion.features import Features
from tabgan.blackboxes.evasion.module import EvasionModule
from tabgan.blackboxes.evasion.records import RecordDecoder, Records, held_columns
from tabgan.blackboxes.evasion.rules import RuleBook
from tabgan.blackboxes.evasion.traffic import groups_of
from tabgan.config.composing import read_config
from tabgan.config.trust import check_stored_targets
from tabgan.encoding.state import load_state, save_state
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.report.reading import compared, read_like, read_real
from tabgan.runs.checkpoints import find_checkpoint, read_checkpoint
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

MEMORY = "evasion"  # the run folder's folder of what is known beside weights


@dataclass(frozen=True, kw_only=True, eq=False)
class EvasionRun:
    """A finished evasion run.

    Attributes:
        folder: where it lies.
        config: what was requested.
        module: with its weights and its memory; ``module.box`` is None.
    """

    folder: Path
    config: DictConfig
    module: EvasionModule

    def changed(
        self, table: pd.DataFrame, attacks: pd.Series, *, seed: int, tries: int = 0
    ) -> pd.DataFrame:
        """The records of a table, changed until the substitutes take them for normal.

        Args:
            table: the columns that the detector reads; others are left out.
            attacks: each row's attack, as ``traffic.categories`` names them.
            seed: of the draws.
            tries: rows per record that ``module.box`` may be queried for.

        Returns:
            As many conforming rows, in the order of the records; held columns are the records'.

        Raises:
            TabganError: for a column, category or attack that the run does not know, or normal
                traffic.
        """
        traffic, encoder = self.config.traffic, self.module.decoder.encoder
        group = groups_of(attacks.astype("str"), traffic.categories, traffic.normal)
        if (group < 0).any():
            row = int(np.flatnonzero(group < 0)[0])
            raise TabganError(f"row {row + 1} is {traffic.normal} traffic: expected attacks alone")
        held = held_columns(
            traffic.features, {name: of["held"] for name, of in traffic.categories.items()}
        )
        rows = encoder.schema_.conform(table)
        records = Records.of(rows, group, list(held.values()), encoder)
        evaded = self.module.evade(records, position=f"seed {seed}", tries=tries)
        return self.module.decoder.table(evaded.queried if tries else evaded.numbers)


def save_memory(module: EvasionModule, folder: Path) -> None:
    """Write what a module knows beside its weights, training rows among it."""
    state = {
        "features": module.features.state(),
        "rules": module.decoder.rules.state(),
        "donors": module.donors.state(),
        "trees": module.trees.state(),
    }
    save_state(folder / MEMORY, state)


def open_evasion(folder: Path, box: QueryCounter | None = None) -> EvasionRun:
    """Rebuild an evasion run from its folder.

    Args:
        folder: of a finished run; may have been moved.
        box: the detector, where it is to be requested again.

    Raises:
        TabganError: when the folder is not an evasion run's, or its parts do not belong together.
    """
    config = read_config(folder / ".hydra" / "config.yaml")
    check_stored_targets(config)
    encoder, state = TableEncoder.load(folder / "encoder"), load_state(folder / MEMORY)
    try:
        features = Features.restore(state["features"])
        rules = RuleBook.restore(state["rules"], encoder.schema_)
        module = _made(config, RecordDecoder(encoder, rules), features)
        module.recall(Donors.restore(state["donors"]))
        module.trees.restore(state["trees"])
    except (
        HydraException, OmegaConfBaseException, AttributeError, TypeError, KeyError, ValueError,
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TabganError(f"{folder}: not an evasion run: {reason}") from error
    checkpoint = find_checkpoint(folder)
    try:
        module.load_state_dict(read_checkpoint(checkpoint)["state_dict"])
    except RuntimeError as error:
        raise TabganError(f"{checkpoint}: the weights do not fit the run's model") from error
    module.box = box
    return EvasionRun(folder=folder, config=config, module=module.eval())


def _made(config: DictConfig, decoder: RecordDecoder, features: Features) -> EvasionModule:
    made: Any = instantiate(config.model)
    module: EvasionModule = made(decoder=decoder, features=features, seed=config.seed)
    return module


def write_changed(cfg: DictConfig) -> None:
    """``sample run=FOLDER like=RECORDS``: write the records of a file, changed.

    Raises:
        TabganError: without records, for keys of runs that make rows, and as ``changed``.
    """
    folder = Path(cfg.run)
    if cfg.like is None:
        raise TabganError(
            f"{folder}: its generator changes records and makes no rows; give records as "
            "like=<file>, with the column that names each one's attack"
        )
    given = [key for key in ("n", "where", "mix", "refine", "score", "shards", "shard", "budget")
             if cfg.get(key) is not None]  # fmt: skip
    if given:
        raise TabganError(f"{given[0]}: a run that changes records takes like=, seed= and out=")
    run = open_evasion(folder)
    out = Path(cfg.out) if cfg.out else folder / "samples" / f"changed_seed{cfg.seed}.csv"
    schema, attack = run.module.decoder.encoder.schema_, str(run.config.traffic.attack)
    path = Path(cfg.like)
    known, own = read_real(path)
    if attack not in own.names:
        raise TabganError(f"like={path}: no column {attack!r}, which names each record's attack")
    table = read_like(path, schema, ignored=set(own.names) - set(schema.names))[compared(schema)]
    rows = run.changed(table, known[attack], seed=cfg.seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_table(out, rows, schema)
    log.info("%s changed records: %s", f"{len(rows):,}", out)
