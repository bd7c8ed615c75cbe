"""One evasion generator, from its configuration to its run folder."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from tabgan.blackboxes.counter import EDGE, QueryCounter
from tabgan.blackboxes.evasion.module import Evaded, EvasionModule, EvenBatches
from tabgan.blackboxes.evasion.opening import save_memory
from tabgan.blackboxes.evasion.traffic import Traffic
from tabgan.blackboxes.protocol import BlackBox
from tabgan.config.building import build_trainer
from tabgan.config.checks import check_config
from tabgan.config.trainers import check_trainer
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.runs.card import write_card
from tabgan.runs.folder import RECORDS
from tabgan.runs.provenance import save_kind
from tabgan.runs.session import PREVIEW_ROWS, begin, save_metrics, show_rows
from tabgan.tables.writers import write_table

log = logging.getLogger(__name__)

SEEN = ("before", "after", "queried")  # which of a test record's rows the detector sees
TRIES = 8  # rows per record that the detector may be queried for


@dataclass(frozen=True, kw_only=True, eq=False)
class Evasion:
    """A generator that has played against a detector.

    Attributes:
        module: the generator, the detector attached.
        evaded: what it makes of the test records.
        queries: rows that the detector answered while it learned.
        seconds: of the training.
    """

    module: EvasionModule
    evaded: Evaded
    queries: int
    seconds: float


def train_evasion(cfg: DictConfig, folder: Path) -> None:
    """Read the table, teach the detector, train the generator, keep the run.

    Nothing is kept to go on with: a run that was interrupted is trained anew.

    Raises:
        TabganError: for an unknown key, a table without the columns that the configuration names,
            or one to start from.
    """
    if cfg.get("start"):
        raise TabganError("start: a generator that changes records starts from its table alone")
    begin(seed=cfg.seed, threads=cfg.threads)
    check_trainer(cfg, folder)
    traffic = traffic_of(cfg)
    evade(cfg, folder, traffic, detector_of(cfg, traffic))
    log.info("the run folder: %s", folder)


def traffic_of(cfg: DictConfig) -> Traffic:
    """The table of ``cfg.data``, cut as ``cfg.traffic`` says.

    Raises:
        TabganError: for an unknown key, and as ``traffic.cut_traffic``.
    """
    check_config(cfg)
    reader = instantiate(cfg.data)(encoder=TableEncoder)
    train, test = reader.read()
    cut = instantiate(cfg.traffic)
    encoder = instantiate(cfg.encoder)
    traffic: Traffic = cut(
        train, test, reader.schema, title=reader.title, encoder=encoder, seed=cfg.seed
    )
    texts = traffic.rules.texts()
    log.info("%s rules that at least 99.9 %% of the real rows obey:", len(texts))
    for text in texts:
        log.info("  %s", text)
    return traffic


def detector_of(cfg: DictConfig, traffic: Traffic) -> BlackBox:
    """The detector of ``cfg.blackbox``: taught with half of the training rows, or one's own."""
    made = instantiate(cfg.blackbox)
    if not isinstance(made, partial):
        box: BlackBox = made
        return box
    detector = made(schema=traffic.schema, seed=cfg.seed)
    rows, attacks = traffic.taught
    log.info("%s learns %s rows", detector.name, f"{len(rows):,}")
    taught: BlackBox = detector.fit(rows, attacks)
    return taught


def evade(cfg: DictConfig, folder: Path, traffic: Traffic, detector: BlackBox) -> Evasion:
    """Play the game against a detector, and keep the run.

    Beside what any run folder holds: ``rules.txt``; ``evasion/``, what the module knows beside
    its weights, training rows among it; in ``metrics.json``, per category, the share of test
    records that the detector takes for attacks ``before`` and ``after``, and ``queried`` when it
    may be queried for 8 rows a record.
    """
    begin(seed=cfg.seed, threads=cfg.threads)
    started = time.perf_counter()
    encoder, box = traffic.encoder, QueryCounter(detector)
    module: EvasionModule = instantiate(cfg.model)(
        decoder=traffic.decoder, features=traffic.features, seed=cfg.seed
    )
    save_kind(RECORDS, folder)
    trainer = build_trainer(cfg, encoder, folder)
    (folder / "rules.txt").write_text("\n".join(traffic.rules.texts()) + "\n", "utf-8")
    module.attach(box, traffic.attacks, traffic.normal)
    batches = EvenBatches(traffic.attacks.group, batch_size=int(cfg.data.batch_size), seed=cfg.seed)
    trainer.fit(module, batches)
    queries, seconds = box.queries, time.perf_counter() - started
    trainer.save_checkpoint(folder / "checkpoints" / "last.ckpt")
    save_memory(module, folder)
    evaded = module.evade(traffic.tested, position="test", tries=TRIES)
    _keep_preview(traffic, evaded, folder)
    figures = _shares_seen(traffic, evaded, box) | {"queries": float(queries)}
    for category in traffic.categories:
        if f"{category}.before" in figures:
            log.info(
                "%s: the detector takes %.1f %% of the test records for attacks, %.1f %% after "
                "they were changed, %.1f %% where it answered for %s changes of each first",
                category, *(100 * figures[f"{category}.{name}"] for name in SEEN), TRIES,
            )  # fmt: skip
    log.info("the training asked the detector about %s rows", f"{queries:,}")
    save_metrics(trainer, folder, also=figures)
    write_card(folder)
    return Evasion(module=module, evaded=evaded, queries=queries, seconds=seconds)


def _shares_seen(traffic: Traffic, evaded: Evaded, box: QueryCounter) -> dict[str, float]:
    """``<category>.before``, ``.after``, ``.queried`` in [0, 1]."""
    records = traffic.tested
    rows = dict(zip(SEEN, (records.numbers, evaded.numbers, evaded.queried), strict=True))
    seen = {name: box(traffic.decoder.table(numbers)) >= EDGE for name, numbers in rows.items()}
    return {
        f"{category}.{name}": float(attack[records.group == group].mean())
        for group, category in enumerate(traffic.categories)
        if (records.group == group).any()
        for name, attack in seen.items()
    }


def _keep_preview(traffic: Traffic, evaded: Evaded, folder: Path) -> None:
    """Write ``samples/preview.csv``, changed test records of every category."""
    rows = traffic.decoder.table(evaded.numbers)
    rows = rows.iloc[:: max(1, -(-len(rows) // PREVIEW_ROWS))].reset_index(drop=True)
    (folder / "samples").mkdir(exist_ok=True)
    write_table(folder / "samples" / "preview.csv", rows, traffic.encoder.schema_)
    show_rows(rows.head(10), "changed records")
