"""A run folder explains itself: configuration, encoder and weights, with no other argument."""

from __future__ import annotations

import json
import logging
import shutil
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tabgan.config.building import build_module, resolve_auto
from tabgan.config.composing import find_paths, read_config
from tabgan.config.trust import check_stored_targets
from tabgan.encoding.state import load_state
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.models.protocol import RowModel
from tabgan.runs.checkpoints import find_checkpoint, load_weights
from tabgan.runs.folder import BY_ESTIMATOR, FINISHED, RECORDS, kind_of, not_a_run
from tabgan.runs.model_file import is_model_file, unpacked_model
from tabgan.runs.provenance import read_record
from tabgan.sampling.refiner import Refiner
from tabgan.system.shell import command

log = logging.getLogger(__name__)

(OWN_TABLE,) = BY_ESTIMATOR


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished (or still unfinished) training, ready to sample.

    Attributes:
        folder: where it lies.
        config: what was requested; its paths are absolute.
        encoder: how the table is encoded.
        module: the nets with the checkpoint's weights, on the CPU, in eval mode.
        checkpoint: the file the weights came from.
        refiner: boosted rejection, where the training fitted one.
    """

    folder: Path
    config: DictConfig
    encoder: TableEncoder
    module: RowModel
    checkpoint: Path
    refiner: Refiner | None

    @property
    def left_out(self) -> list[str]:
        """Columns of the table that generated rows do not have: dropped by the user, or text."""
        return [*self.encoder.dropped_, *(self.config.data.get("drop") or [])]


def open_run(folder: Path) -> Run:
    """Rebuild a run from its folder, with the weights of ``best.ckpt`` (or else ``last.ckpt``).

    A model file is unpacked into a temporary folder, which goes with the run.

    Raises:
        TabganError: when the folder is not a run's, has no checkpoint, or its parts do not
            belong together; when the file is no model file (``system.archive``).
    """
    if is_model_file(folder):
        return _open_file(folder)
    config_path = folder / ".hydra" / "config.yaml"
    if not config_path.is_file():
        raise not_a_run(folder, ".hydra/config.yaml")
    config = read_config(config_path)
    read_record(folder)  # which refuses what a newer tabgan wrote
    check_stored_targets(config)
    find_paths(config, folder)
    if kind_of(folder) == RECORDS:
        raise TabganError(
            f"{folder}: its generator changes records and makes no rows; its figures are in "
            f"metrics.json, and {command('study', '+study=evade_nslkdd')} judges such generators"
        )
    plan, encoder = stored_plan(folder), TableEncoder.load(folder / "encoder")
    try:
        resolve_auto(config, plan)
        _find_own_files(config, folder)
        module = build_module(config, encoder)
    except (HydraException, OmegaConfBaseException, AttributeError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise TabganError(f"{config_path}: not a run's configuration: {reason}") from error
    checkpoint = find_checkpoint(folder)
    load_weights(module, checkpoint)
    if not (folder / FINISHED).is_file():
        log.warning(
            "%s: its training has not finished; what follows comes from %s as it is now, without "
            "what is fitted last (the refiner)", folder, checkpoint.name,
        )  # fmt: skip
    return Run(
        folder=folder,
        config=config,
        encoder=encoder,
        module=module.eval(),
        checkpoint=checkpoint,
        refiner=_stored_refiner(folder / "refiner"),
    )


def _open_file(path: Path) -> Run:
    folder = unpacked_model(path)
    try:
        run = open_run(folder)
    except TabganError as error:
        shutil.rmtree(folder)
        raise TabganError(str(error).replace(str(folder), str(path))) from error
    weakref.finalize(run, shutil.rmtree, folder, ignore_errors=True)
    return run


def stored_plan(folder: Path) -> dict[str, float]:
    """The values that ``auto`` became in a run.

    Raises:
        TabganError: when the folder does not say.
    """
    path = folder / "plan.json"
    try:
        plan: dict[str, float] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TabganError(f"not a run folder: {path.absolute()} cannot be read") from error
    return plan


def chosen_refiner(run: Run, refine: bool | None) -> Refiner | None:
    """The run's refiner where ``refine`` is true, or None and the run has one.

    A run whose training looked for what to refine and found nothing says so and has none.

    Raises:
        TabganError: when ``refine`` is no truth, or a run that fitted no refiner is requested to
            refine.
    """
    if not isinstance(refine, bool | np.bool_ | None):
        raise TabganError(f"refine={refine!r}: expected true, false, or null for what was learned")
    if refine and run.refiner is None:
        _check_refining(run)
    if refine is not False and found_nothing_to_refine(run):
        log.log(
            logging.WARNING if refine else logging.INFO,
            "%sthe training of %s found nothing to refine; the rows are as the generator draws "
            "them", "refine=true: " if refine else "", run.folder,
        )  # fmt: skip
    return run.refiner if refine is None or refine else None


def found_nothing_to_refine(run: Run) -> bool:
    """Whether the training looked for what to refine, in vain."""
    requested = OmegaConf.select(run.config, "refiner.rounds") and not run.encoder.is_masked
    return bool(requested) and run.refiner is None and (run.folder / FINISHED).is_file()


def _check_refining(run: Run) -> None:
    """Refuse a run whose training did not look for what to refine, or not yet."""
    why = ""
    if not OmegaConf.select(run.config, "refiner.rounds"):
        why = "; train with refiner=boosted"
    elif run.encoder.is_masked:
        why = ": trees would tell training rows by their missing cells (encoder.missing=masked)"
    elif not (run.folder / FINISHED).is_file():
        why = " yet: its training has not finished"
    if why:
        raise TabganError(f"refine=true: {run.folder} has no refiner{why}")


def _find_own_files(config: DictConfig, folder: Path) -> None:
    """A table or schema that lies in the run folder is found wherever the folder has gone."""
    if (folder / OWN_TABLE).is_file():
        config.data.path = str((folder / OWN_TABLE).absolute())
    if config.get("start"):
        config.data.schema_path = str((folder / "schema.json").absolute())


def _stored_refiner(folder: Path) -> Refiner | None:
    if not (folder / "state.json").is_file():  # none, or its fitting was interrupted
        if (folder / "arrays.npz").is_file() and (folder.parent / FINISHED).is_file():
            raise TabganError(f"{folder}: state.json is missing; rows would not be refined")
        return None
    try:
        return Refiner.restore(load_state(folder))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise TabganError(f"{folder}: not a refiner's state: {error!r}") from error
