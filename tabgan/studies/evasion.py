"""How well attack traffic can be made to pass a detector, and what the defender can do about it.

For testing one's own detectors. Records and generators are those of a published benchmark table:
what comes out are rows of such a table, not packets.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
from numpy.typing import NDArray
from pytorch_lightning.loggers import TensorBoardLogger
from threadpoolctl import threadpool_limits

from tabgan.blackboxes.counted import Counted
from tabgan.blackboxes.detectors import Detector
from tabgan.blackboxes.forest import features as readable
from tabgan.encoding.column import Numbers
from tabgan.encoding.rules import RuleBook
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.metrics.detection import cheap_c2st_auc
from tabgan.modules.evasion import EvasionModule, EvenBatches, held_kept
from tabgan.modules.records import Records, Sender, held_columns, measures
from tabgan.seeding import rng_at, seed_at
from tabgan.studies.attacks import attack_labels, check_named
from tabgan.studies.cells import digest, open_cell
from tabgan.studies.evasion_page import FIGURES, Line, write_evasion
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import markdown
from tabgan.tables.schema import TableSchema
from tabgan.training import begin, undisturbed

log = logging.getLogger(__name__)

TRIES = 8  # rows per record that the detector is asked about, where it is asked
BEST_OF = 100  # records of each category, for which the best there is is looked for
BEST_CLIMBS = 400  # trials of that, led by the detector's own margin


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A table cut for the study: the detectors' rows, the generator's, and the test records."""

    schema: TableSchema
    encoder: TableEncoder
    rules: RuleBook
    taught: tuple[pd.DataFrame, NDArray[np.bool_]]  # the detectors': rows, and which are attacks
    attacks: Records  # the generator's
    normal: Records
    tested: Records
    quiet: pd.DataFrame  # normal test rows

    @property
    def sender(self) -> Sender:
        return Sender(self.encoder, self.rules)


def evasion_study(
    *, tables: Iterable[Prepared], recipe: Any,  # noqa: ARG001
    seeds: Sequence[int], cache: Path, out: Path,
    encoder: Callable[..., TableEncoder], model: Callable[..., EvasionModule],
    detectors: Sequence[str], attack: str, attacks_path: str | None, test_attacks_path: str | None,
    normal: str, features: Mapping[str, Sequence[str]],
    categories: Mapping[str, Mapping[str, Sequence[str]]], steps: int, batch_size: int,
    normal_rows: int, tested_rows: int, retrain_rows: int, validation: float,
) -> list[Line]:  # fmt: skip
    """Train a generator against every detector, and measure what passes.

    Writes ``evasion.json``, ``evasion.md``, ``evasion.csv``, ``rules.txt``, a picture, a page and
    TensorBoard's curves into ``out``.

    Args:
        tables: what is learned; their target names the normal rows.
        recipe: unused; other studies train recipes.
        seeds: one study per seed.
        cache: where the figures of each detector are kept, so that a killed study goes on.
        out: a folder.
        encoder: an encoder, still without its schema.
        model: the generator's game, still without its layout and seed.
        detectors: names of ``blackboxes.detectors``.
        attack: the column that names each row's attack category.
        attacks_path: a table that has it, row for row; None looks into the table itself, and
            beside a named set.
        test_attacks_path: likewise of the test rows.
        normal: the category of normal traffic.
        features: kind of features -> its columns.
        categories: name -> ``attacks`` (values of ``attack``) and ``held`` (kinds of features
            that must not change, because the attack works through them).
        steps: of the generator's training.
        batch_size: attacks of a batch, and normal rows.
        normal_rows: normal rows that the generator's critic learns from, at most.
        tested_rows: test records of each category, at most, drawn by the seed.
        retrain_rows: generated rows that the detector is retrained with.
        validation: share of the training rows that stand in for the test rows, which are then not
            read: to choose settings by; 0 for the test rows.

    Returns:
        A line per table, detector, category and seed.

    Raises:
        TabganError: when a column, category or detector does not exist, or has no rows.
    """
    lines: list[Line] = []
    transfers: list[Line] = []
    decides = {
        "attack": attack, "normal": normal, "features": features, "categories": categories,
        "encoder": _plain(encoder), "model": _plain(model), "detectors": list(detectors),
        "steps": steps, "batch_size": batch_size, "rows": [normal_rows, tested_rows, retrain_rows],
        "validation": validation, "version": version("tabgan-lightning"),
    }  # fmt: skip
    for prepared in tables:
        check_named(prepared.schema, features, categories)
        known = attack_labels(prepared, attack, attacks_path, test_attacks_path)
        content = digest([labels.tolist() for labels in known])
        for seed in seeds:
            parts = cut(
                prepared, known, attack=attack, normal=normal, features=features,
                categories=categories, encoder=encoder, normal_rows=normal_rows,
                tested_rows=tested_rows, validation=validation, seed=seed,
            )  # fmt: skip
            _say_rules(parts.rules, out)
            boxes = {name: _taught(name, parts, seed=seed) for name in detectors}
            for name in detectors:
                cell = open_cell(
                    cache, recipe=f"evasion-{name}", table=prepared.name, seed=seed,
                    configuration={**decides, "attacks": content},
                )  # fmt: skip
                work = partial(
                    _played, model, name, boxes, parts, list(categories), steps=steps,
                    batch_size=batch_size, retrain_rows=retrain_rows, seed=seed,
                    curves=out / "curves" / f"{prepared.title}-{name}-seed{seed}",
                )  # fmt: skip
                figures = cell.once("figures", work)
                words = {"table": prepared.title, "recipe": name, "side": "attack", "seed": seed}
                lines += [{**words, **line} for line in figures["own"]]
                transfers += [{**words, **line} for line in figures["across"]]
                write_evasion(out, lines, transfers, parts.rules)
                log.info("%s", markdown(lines[-len(categories) :], FIGURES))
    log.info("%s\nthe evasion study: %s", markdown(lines, FIGURES), out / "evasion.html")
    return lines


def cut(
    prepared: Prepared, known: tuple[pd.Series, pd.Series], *, attack: str, normal: str,
    features: Mapping[str, Sequence[str]], categories: Mapping[str, Mapping[str, Sequence[str]]],
    encoder: Callable[..., TableEncoder], normal_rows: int, tested_rows: int,
    validation: float, seed: int,
) -> Parts:  # fmt: skip
    """Half of the training rows teach the detectors, the other half the generator."""
    schema = _read_columns(prepared, attack)
    of_train, of_test = (_groups(labels, categories, normal) for labels in known)
    train, test = (rows[list(schema.names)] for rows in (prepared.train, prepared.test))
    if validation:
        order = rng_at(seed, "evasion", "validation").permutation(len(train))
        away, stay = np.split(order, [round(validation * len(train))])
        test, of_test = train.iloc[away], of_train[away]
        train, of_train = train.iloc[stay], of_train[stay]
    order = rng_at(seed, "evasion", "half").permutation(len(of_train))
    taught, left = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    fitted = encoder(schema).fit(train)
    held = list(held_columns(features, {k: v["held"] for k, v in categories.items()}).values())

    def records(rows: pd.DataFrame, groups: NDArray[np.int64], chosen: Any) -> Records:
        return Records.of(
            rows.iloc[chosen].reset_index(drop=True), groups[chosen].clip(0), held, fitted
        )

    tested = [
        _drawn(np.flatnonzero(of_test == group), tested_rows, seed, "tested", group)
        for group in range(len(categories))
    ]
    quiet = _drawn(np.flatnonzero(of_test == -1), tested_rows, seed, "quiet")
    plain = _drawn(left[of_train[left] == -1], normal_rows, seed, "normal")
    return Parts(
        schema=schema,
        encoder=fitted,
        rules=RuleBook.found(fitted.numbers(train), fitted.schema_),
        taught=(train.iloc[taught].reset_index(drop=True), of_train[taught] >= 0),
        attacks=records(train, of_train, left[of_train[left] >= 0]),
        normal=records(train, of_train, plain),
        tested=records(test, of_test, np.concatenate(tested)),
        quiet=test.iloc[quiet].reset_index(drop=True),
    )


def _played(
    model: Callable[..., EvasionModule], name: str, boxes: Mapping[str, Detector], parts: Parts,
    categories: Sequence[str], *, steps: int, batch_size: int, retrain_rows: int, seed: int,
    curves: Path,
) -> dict[str, list[Line]]:  # fmt: skip
    """What a cell keeps of one detector: the lines of ``judged``."""
    module, seconds = trained(
        model, boxes[name], parts, steps=steps, batch_size=batch_size, seed=seed, curves=curves
    )
    own, across = judged(module, name, boxes, parts, categories, retrain_rows=retrain_rows)
    return {"own": [{**line, "seconds": seconds} for line in own], "across": across}


def trained(
    model: Callable[..., EvasionModule], box: Detector, parts: Parts, *, steps: int,
    batch_size: int, seed: int, curves: Path,
) -> tuple[EvasionModule, float]:  # fmt: skip
    """The game played against one detector, and its seconds."""
    begun = time.perf_counter()
    with undisturbed():
        begin(seed=seed_at(seed, "evasion", box.name) % 2**32, threads=1)
        module = model(layout=parts.encoder.layout_, measures=measures(parts.encoder), seed=seed)
        module.attach(Counted(box), parts.sender, parts.attacks, parts.normal)
        trainer = pl.Trainer(
            accelerator="cpu", devices=1, max_epochs=1, enable_progress_bar=False,
            enable_model_summary=False, enable_checkpointing=False, log_every_n_steps=10,
            logger=TensorBoardLogger(str(curves.parent), name=curves.name, version=""),
        )  # fmt: skip
        log.info("%s: the generator learns, %s steps", box.name, steps)
        batches = EvenBatches(parts.attacks.group, steps=steps, batch_size=batch_size, seed=seed)
        trainer.fit(module, batches)
    return module, time.perf_counter() - begun


def judged(
    module: EvasionModule, name: str, boxes: Mapping[str, Detector], parts: Parts,
    categories: Sequence[str], *, retrain_rows: int,
) -> tuple[list[Line], list[Line]]:  # fmt: skip
    """A line per category, and a line per category and detector that the rows are shown to."""
    records, sender = parts.tested, parts.sender
    learning = module.box.queries if module.box else 0
    evaded = module.evade(records, place="test", tries=TRIES)
    numbers, asked, asking = evaded.numbers, evaded.asked, evaded.queries
    sent, was = sender.table(numbers), sender.table(records.numbers)
    closed = boxes[name](sender.table(asked))
    before = {other: box(was) for other, box in boxes.items()}
    after = {other: box(sent) for other, box in boxes.items()}
    best, at_best = _at_best(module, boxes[name], records, asked)
    again = _retrained(module, name, boxes[name], parts, retrain_rows)
    now, alarms = again(sent), [float(box(parts.quiet).mean()) for box in (boxes[name], again)]
    kept = held_kept(numbers, records) & held_kept(asked, records)
    consistent = parts.rules.consistent(numbers, records.numbers)
    consistent &= parts.rules.consistent(asked, records.numbers)
    changed = (numbers != records.numbers).sum(axis=1)
    own, across = [], []
    for group, category in enumerate(categories):
        of = records.group == group
        rates = {
            other: (float(before[other][of].mean()), float(after[other][of].mean()))
            for other in boxes
        }
        gained = {other: _eir(*rate) for other, rate in rates.items()}
        across += [
            {"rows": category, "shown_to": other, "before": rate[0], "after": rate[1],
             "eir": gained[other]}
            for other, rate in rates.items()
        ]  # fmt: skip
        others = [gained[other] for other in boxes if other != name]
        line = {
            "rows": category,
            "records": int(of.sum()),
            "detected": int(before[name][of].sum()),
            "before": rates[name][0],
            "after": rates[name][1],
            "eir": gained[name],
            "asked": float(closed[of].mean()),
            "asked_eir": _eir(rates[name][0], float(closed[of].mean())),
            "best_eir": _eir(
                float(before[name][best][of[best]].mean()), float(at_best[of[best]].mean())
            ),
            "transfer_eir": float(np.nanmean(others)) if others else float("nan"),
            "kept": 100 * float(kept[of].mean()),
            "consistent": 100 * float(consistent[of].mean()),
            "changed": float(changed[of].mean()),
            "real_c2st_auc": _told_apart(was[of], _usual(parts, group, module.seed), module.seed),
            "c2st_auc": _told_apart(was[of], sent[of], module.seed),
            "retrained": float(now[of].mean()),
            "false_alarms": 100 * alarms[0],
            "retrained_false_alarms": 100 * alarms[1],
            "queries": learning,
            "asked_queries": asking / len(records),
        }
        own.append(line)
    return own, across


def _at_best(
    module: EvasionModule, box: Detector, records: Records, start: Numbers
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Some records of each category, and which of them stay seen whatever is tried.

    The trials begin where the generator's rows ended and are led by the detector's own margin,
    which no attacker knows: what fails them will hardly be got past by rows that obey the rules.
    """
    some = np.concatenate(
        [np.flatnonzero(records.group == group)[:BEST_OF] for group in np.unique(records.group)]
    )

    def score(numbers: Numbers) -> Any:
        return box.margin(module.sender.table(numbers))

    rng = rng_at(module.seed, "evasion", "best", box.name)
    found = module.climber.climbed(
        records.taken(some), start[some], score, steps=BEST_CLIMBS, rng=rng
    )
    return some, box(module.sender.table(found))


def _usual(parts: Parts, group: int, seed: int) -> pd.DataFrame:
    """The category's training rows, as many as are tested."""
    places = np.flatnonzero(parts.attacks.group == group)
    n_rows = int((parts.tested.group == group).sum())
    chosen = _drawn(places, n_rows, seed, "usual", group)
    return parts.sender.table(parts.attacks.numbers[chosen])


def _retrained(
    module: EvasionModule, name: str, box: Detector, parts: Parts, n_rows: int
) -> Detector:
    """The detector, taught again with generated rows of the generator's own records beside."""
    rng = rng_at(module.seed, "evasion", "retrain", name)
    groups = [np.flatnonzero(parts.attacks.group == g) for g in np.unique(parts.attacks.group)]
    each = n_rows // len(groups)
    chosen = np.concatenate([rng.choice(group, each) for group in groups])
    evaded = module.evade(parts.attacks.taken(chosen), place="retrain")
    made = parts.sender.table(evaded.numbers)
    rows, attacks = parts.taught
    more = pd.concat([rows, made], ignore_index=True)
    return Detector(name, box.schema, seed=module.seed).fit(
        parts.schema.conform(more), np.concatenate([attacks, np.ones(len(made), bool)])
    )


def _taught(name: str, parts: Parts, *, seed: int) -> Detector:
    rows, attacks = parts.taught
    log.info("%s learns %s rows", name, f"{len(rows):,}")
    return Detector(name, parts.schema, seed=seed).fit(rows, attacks)


def _read_columns(prepared: Prepared, attack: str) -> TableSchema:
    """What detectors read: everything but the target, text and the attack's name."""
    return readable(prepared.schema).without({attack} & set(prepared.schema.names))


def _groups(
    labels: pd.Series, categories: Mapping[str, Mapping[str, Sequence[str]]], normal: str
) -> NDArray[np.int64]:
    """Int64 [n]: the place of each row's category, -1 for normal traffic.

    Raises:
        TabganError: for a label of no category.
    """
    place = {normal: -1} | {
        label: group
        for group, category in enumerate(categories.values())
        for label in category["attacks"]
    }
    unknown = sorted(set(labels) - set(place))
    if unknown:
        raise TabganError(
            f"attack categories {unknown[:5]}: expected one of {list(place)}; "
            "say in study.categories which may change what"
        )
    return labels.map(place).to_numpy(np.int64)


def _drawn(places: NDArray[np.int64], most: int, seed: int, *place: int | str) -> NDArray[np.int64]:
    """At most ``most`` of the places, drawn by the seed, in order."""
    rng = rng_at(seed, "evasion", *place)
    return np.sort(rng.permutation(places)[:most])


def _eir(before: float, after: float) -> float:
    """In %: 100 when nothing is detected any more; NaN where nothing was."""
    return 100 * (1 - after / before) if before else float("nan")


def _told_apart(records: pd.DataFrame, sent: pd.DataFrame, seed: int) -> float:
    if len(records) < 20:
        return float("nan")
    with threadpool_limits(1):
        return cheap_c2st_auc(records, sent, seed)


def _plain(made: Any) -> Any:
    """A partial function and its keywords as plain data."""
    if not isinstance(made, partial):
        return made
    keywords = {name: _plain(value) for name, value in made.keywords.items()}
    return {"makes": getattr(made.func, "__qualname__", str(made.func)), **keywords}


def _say_rules(rules: RuleBook, out: Path) -> None:
    texts = rules.texts()
    out.mkdir(parents=True, exist_ok=True)
    (out / "rules.txt").write_text("\n".join(texts) + "\n", "utf-8")
    log.info("%s rules that at least 99.9 %% of the real rows obey:", len(texts))
    for text in texts:
        log.info("  %s", text)
