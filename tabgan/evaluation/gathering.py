"""The tables that ``evaluate`` compares: those of a run folder, or three files."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from hydra.utils import get_object, instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from tabgan.config.keys import command_keys
from tabgan.config.overrides import command_given
from tabgan.encoding.identifying import with_keys
from tabgan.errors import TabganError, check_keys
from tabgan.report.reading import Tables, read_like, read_real
from tabgan.runs.folder import BY_ESTIMATOR, check_own, folder_of
from tabgan.runs.model_file import is_model_file, output_path
from tabgan.system.shell import command
from tabgan.tables.schema import TableSchema

if TYPE_CHECKING:
    from tabgan.config.opening import Run
    from tabgan.data.datamodule import TableDataModule
    from tabgan.sampling.refiner import Refiner

log = logging.getLogger(__name__)

Facts = dict[str, float | str]
Logs = dict[str, NDArray[np.float64]]  # of test rows, by the prefix of a set of rows


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Tables to compare, and where they came from.

    Attributes:
        tables: train, test and synthetic rows.
        out: where the report goes.
        facts: for ``report.json``.
        configuration: the run's, as YAML.
    """

    tables: Tables
    out: Path
    facts: Facts
    configuration: str = field(default="")


class RunData(NamedTuple):
    """A run's table: the rows the generator was trained on, and those it never saw."""

    title: str
    schema: TableSchema
    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def gather(cfg: DictConfig) -> Evaluation:
    """The tables that the command line names.

    Raises:
        TabganError: when words are missing or do not go together, a file cannot be read or has
            other columns, or a run has no test rows.
    """
    check_keys(cfg, command_keys("evaluate"))
    if cfg.resplit and not can_resplit(cfg):
        raise TabganError(
            "resplit=true trains a run again, on half of its own rows: give run=<folder>, the "
            "folder of a run and not a model file, without real= and synthetic="
        )
    if cfg.run is not None:
        return _of_run(cfg)
    absent = [name for name in ("real", "test", "synthetic") if cfg[name] is None]
    if absent:
        files = " ".join(f"{name}=<file>" for name in absent)
        if len(absent) == 3:
            raise TabganError(f"which rows are to be judged? Give run=<folder>, or {files}")
        raise TabganError(f"three files are compared: give {files} too, or run=<folder>")
    return _of_files(cfg)


def can_resplit(cfg: DictConfig) -> bool:
    """Whether the rows of a report are those of a run that can be trained again on its table."""
    if cfg.run is None or cfg.real is not None or cfg.synthetic is not None:
        return False
    return not is_model_file(Path(cfg.run))


def run_study(cfg: DictConfig) -> None:
    """Run the study ``+study=<name>`` on a run, in place of a report.

    Raises:
        TabganError: without a run, with another table than the run's, or when the run cannot be
            read.
    """
    alien = [n for n in map(str, cfg) if n not in (*command_keys("evaluate"), "study")]
    alien += [n for n in ("real", "test", "synthetic", "target", "n") if cfg[n] is not None]
    if alien:
        raise TabganError(f"{alien[0]}: a study takes run=, out=, seed= and keys of study")
    if cfg.run is None:
        raise TabganError("a study looks at a trained run: give run=<folder>")
    if not takes_a_run(cfg.study):
        raise TabganError(f"this study trains runs of its own: {command('study')} +study=<name>")
    if cfg.out is None and is_model_file(Path(cfg.run)):
        raise TabganError(f"run={cfg.run}: a study of a model file writes to a folder: give out=")
    from tabgan.config.opening import open_run
    from tabgan.system.arithmetic import compute_with

    compute_with(1)
    run = open_run(Path(cfg.run))
    data = read_data(run)
    rows = {"train": data.train, "validation": data.validation, "test": data.test}
    out = None if cfg.out is None else Path(cfg.out)
    instantiate(cfg.study)(run, **rows, out=out, seed=cfg.seed)


def takes_a_run(study: DictConfig) -> bool:
    """Whether a study looks at a trained run, or trains its own."""
    return "run" in inspect.signature(get_object(study._target_)).parameters


def _of_files(cfg: DictConfig) -> Evaluation:
    train, schema = read_real(Path(cfg.real), target=cfg.target)
    schema = with_keys(schema, train)
    for column in schema.columns:
        if column.key:
            log.info(
                "column %r holds ids: it is not compared, the report only says whether they come "
                "back (the kind numeric in a schema file compares it)", column.name,
            )  # fmt: skip
    synthetic = Path(cfg.synthetic)
    tables = Tables.of(
        Path(cfg.real).name.split(".")[0],
        schema,
        train=train,
        test=read_like(Path(cfg.test), schema),
        synthetic=read_like(synthetic, schema),
    )
    out = Path(cfg.out) if cfg.out else beside(synthetic)
    check_own(out, None)
    return Evaluation(tables=tables, out=out, facts=_facts(cfg))


def _of_run(cfg: DictConfig) -> Evaluation:
    from tabgan.config.opening import open_run
    from tabgan.system.arithmetic import compute_with  # torch takes seconds: three files need none

    compute_with(1)
    run = open_run(Path(cfg.run))
    own = output_path(Path(cfg.run), "", "report")
    own = own if cfg.synthetic is None else beside(Path(cfg.synthetic))
    out = Path(cfg.out) if cfg.out else own
    check_own(out, run.folder if cfg.synthetic is None else None)
    schema = run.encoder.schema_
    if cfg.target is not None:
        schema = schema.with_target(cfg.target)
    title, train, test, logs = _real_rows(cfg, run, schema)
    synthetic, refined, facts = _synthetic_rows(cfg, run, schema, len(train))
    rows = {"train": train, "test": test, "synthetic": synthetic}
    tables = Tables.of(title, schema, **rows, refined=refined, log_likelihoods=logs)
    return Evaluation(
        tables=tables,
        out=out,
        facts=facts | _facts(cfg),
        configuration=OmegaConf.to_yaml(run.config),
    )


def beside(synthetic: Path) -> Path:
    """The folder of the report on a file of rows, which no other file's report lies in."""
    base = synthetic.parent / f"{synthetic.name.split('.')[0]}_report"
    return folder_of(base, "report.json", "synthetic", str(synthetic.absolute()))


def _real_rows(
    cfg: DictConfig, run: Run, schema: TableSchema
) -> tuple[str, pd.DataFrame, pd.DataFrame, Logs]:
    """What the table is called, the rows the generator was trained on, test rows, likelihoods."""
    read = partial(read_like, schema=schema, ignored=run.left_out)
    if cfg.real is not None:
        if cfg.test is None:
            raise TabganError("real= replaces the run's table: give test=<file> too")
        title = Path(cfg.real).name.split(".")[0]
        return title, read(Path(cfg.real)), read(Path(cfg.test)), {}
    try:
        data = read_data(run)
    except TabganError as error:
        raise TabganError(f"{error}; or give real=<file> test=<file>") from error
    if cfg.test is not None:
        return data.title, data.train, read(Path(cfg.test)), {}
    if len(data.test) == 0:
        raise TabganError(
            f"{run.folder}: the run kept no test rows (data.test_fraction=0); "
            "give test=<file> with real rows that it never saw"
        )
    return data.title, data.train, data.test, test_log_likelihoods(run, data)


def test_log_likelihoods(run: Run, data: RunData) -> Logs:
    """Log-likelihoods of the run's own test rows, by prefix: of the model, of the floor.

    Empty where the model has no likelihood.
    """
    from tabgan.sampling.likelihood import independent_log_likelihood, log_likelihood  # torch

    own = log_likelihood(run.module, run.encoder, data.test)
    if own is None:
        return {}
    floor = independent_log_likelihood(run.encoder, data.train, data.test)
    return {"": own, "independent.": floor}


def read_data(run: Run) -> RunData:
    """A run's table, read and split as its training did it.

    Raises:
        TabganError: when the stored configuration names anything but tabgan's own classes, the
            table is no longer where it was, or another one lies there.
    """
    from tabgan.runs.provenance import check_table  # torch

    path = run.config.data.get("path")
    if path is not None and Path(path).name in BY_ESTIMATOR and not Path(path).is_file():
        raise TabganError(
            f"{Path(path).name}: the rows that the model was trained on are not with it (a "
            "model file holds none); a folder that TableGAN.save writes has them"
        )
    data = _data_module(run)
    data.setup("fit")
    check_table(data, run.folder)
    return RunData(data.title, data.schema, data.train, data.validation, data.test)


def training_rows(run: Run) -> pd.DataFrame | None:
    """The rows that a run learned from, those of validation too.

    None where its table lies on the disk in pieces, has gone, or is another by now.
    """
    from tabgan.runs.provenance import is_own  # torch

    data = _data_module(run)
    if data.is_out_of_core:
        return None
    try:
        with muted("tabgan"):  # the training has said it all
            rows, test = data.read()
    except TabganError:
        return None
    return rows if is_own((rows, test), run.folder) else None


def _data_module(run: Run) -> TableDataModule:
    from tabgan.config.trust import check_stored_targets

    check_stored_targets(run.config, ("data", "encoder"), ("tabgan.data.", "tabgan.encoding."))
    data: TableDataModule = instantiate(run.config.data)(encoder=instantiate(run.config.encoder))
    return data


@contextmanager
def muted(name: str) -> Iterator[None]:
    """A logger and those under it are silent meanwhile."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _synthetic_rows(
    cfg: DictConfig, run: Run, schema: TableSchema, n_train: int
) -> tuple[pd.DataFrame, pd.DataFrame | None, Facts]:
    """Rows as the generator draws them, rows that its refiner accepts, and how to make them."""
    folder = Path(cfg.run).absolute()
    facts: Facts = {"run": str(folder), "checkpoint": run.checkpoint.name}
    if cfg.synthetic is not None:
        read = read_like(Path(cfg.synthetic), schema, ignored=run.left_out)
        return read, None, facts
    from tabgan.config.opening import found_nothing_to_refine
    from tabgan.sampling.draw import draw_chunks

    n = n_train if cfg.n is None else int(cfg.n)

    def drawn(refiner: Refiner | None) -> pd.DataFrame:
        chunks = draw_chunks(run.module, run.encoder, n=n, seed=cfg.seed, refiner=refiner)
        return pd.concat(chunks, ignore_index=True)

    again = (f"run={folder}", f"n={n}", f"seed={cfg.seed}", "refine=false")
    facts["rows_again"] = command("sample", *again)
    raw, refined = drawn(None), drawn(run.refiner) if run.refiner else None
    if found_nothing_to_refine(run):
        facts["notes.refiner"] = "the training found nothing to refine: there are raw rows alone"
    if refined is not None and refined.equals(raw):
        facts["notes.refiner"] = "every raw row is accepted: refined and raw rows are the same"
    if "notes.refiner" in facts:
        log.info("%s", facts["notes.refiner"])
    return raw, refined, facts


def _facts(cfg: DictConfig) -> Facts:
    named = ("real", "test", "synthetic")
    given = {name: str(Path(cfg[name]).absolute()) for name in named if cfg[name]}
    return {**given, "command": command_given("evaluate")}
